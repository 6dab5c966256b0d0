"""Servers for tests: real processes, each with a store of its own."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from served import QUICK, Served

from engine.spec import RunSpec
from engine.train import train


@pytest.fixture(scope="session", autouse=True)
def machine_code() -> None:
    """The kernels of the tests' runs are on disk: a host that waited for them in vain would begin eagerly, and its
    numbers would be equal to those of other runs to a few digits only."""
    for data in ("circle", "spiral", "reg-plane"):
        list(train(RunSpec.model_validate({**QUICK, "data": {"kind": data}, "until": {"epochs": 2}})))


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[..., Served]]:
    """Start servers; all of them, and their hosts, are ended with the test."""
    begun: list[Served] = []

    def start(*arguments: str, store: Path | None = None, **environment: str) -> Served:
        served = Served(store or tmp_path / "store", *arguments, **environment)
        begun.append(served)
        return served

    yield start
    for served in begun:
        if served.process.poll() is None:
            served.signal(signal.SIGTERM)
    for served in begun:
        with contextlib.suppress(subprocess.TimeoutExpired):
            served.process.wait(10)
        served.process.kill()
        served.process.wait(10)
        served.let_go()
        for host in served.hosts():
            with contextlib.suppress(psutil.Error):
                host.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for all tests of a file that only ask it things."""
    served = Served(tmp_path_factory.mktemp("server") / "store")
    yield served
    served.end()
