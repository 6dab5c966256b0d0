"""What every test shares: one thread for arithmetic, as the hosts have it, the folder of real data, if any, and how the
suite is shared out over processes."""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")  # PyTorch, as the oracle of small cases: its threads would only wait

import zlib
from collections import Counter
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

import engine

ALONE = ("tests/backend/", "tests/e2e/")
"""Tests that start servers, hosts and a browser: one process runs them one after the other, from the beginning on, so
that they meet none of their own kind and nothing waits for them at the end."""
EARLY = ("tests/frontend/", "tests/contract/", "tests/programs/", "tests/exchange/")
"""Folders with long tests: the other process begins with them."""
PIECE = 60
"""A file with more tests than this is shared out; a shorter one stays together, with what its tests share."""
MOST_PROCESSES = 4


@pytest.fixture(autouse=True)
def drawn_anew() -> None:
    """Every test draws the same numbers, whatever ran before it in its process."""
    engine.manual_seed(0)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder named by PLAYGROUND_DATA_DIR: `mnist/`, `cifar-10-batches-bin/`."""
    folder = os.environ.get("PLAYGROUND_DATA_DIR")
    if not folder or not Path(folder).is_dir():
        pytest.skip("PLAYGROUND_DATA_DIR names no folder: tests on the full MNIST and CIFAR-10 files need it")
    return Path(folder)


def turn(item: pytest.Item) -> int:
    """When a test begins."""
    return 0 if item.nodeid.startswith(ALONE) else 1 if item.nodeid.startswith(EARLY) else 2


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Long tests come first; what is marked `full` runs only when asked for: `pytest -m full`."""
    items.sort(key=turn)
    if "full" not in config.option.markexpr:
        left_out = [item for item in items if item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=left_out)
        items[:] = [item for item in items if not item.get_closest_marker("full")]


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One process for each processor, for whole folders; a measurement (`-m bench -s`) or single files: this one."""
    by_hand = "bench" in config.option.markexpr or config.option.capture == "no"
    single = any(".py" in argument for argument in config.args)
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return 0 if by_hand or single or processors == 1 else min(processors, MOST_PROCESSES)


class Sharing(LoadScopeScheduling):
    """What stays together on one process, and is handed out in the order of the collection."""

    def _split_scope(self, nodeid: str) -> str:
        path = nodeid.partition("::")[0]
        if nodeid.startswith(ALONE):
            return "alone"
        pieces = 1 + self._sizes[path] // PIECE
        return f"{path} {zlib.crc32(nodeid.encode()) % pieces}"

    @cached_property
    def _sizes(self) -> Counter[str]:
        return Counter(nodeid.partition("::")[0] for nodeid in self.collection or ())


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Sharing:
    """Tests are shared out as the house says."""
    return Sharing(config, log)
