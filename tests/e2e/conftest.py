"""One real server and one real browser for every test of the page."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).parents[2]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
)
PATIENCE_SECONDS = 60
"""How long anything is waited for: what should happen does, however busy the machine is."""
expect.set_options(timeout=PATIENCE_SECONDS * 1000)


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any]) -> dict[str, Any]:
    """The system's Chromium, headless; one sentence where there is none."""
    named = os.environ.get("PLAYGROUND_CHROMIUM")
    found = named or next((path for path in map(shutil.which, NAMES) if path), None)
    if not found:
        pytest.fail("no Chromium found: apt-get install -y chromium, or name one in PLAYGROUND_CHROMIUM", pytrace=False)
    return {**browser_type_launch_args, "executable_path": found, "args": list(QUIET), "headless": True}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    """Without the page's content security policy, which forbids the tests' own way of waiting for a condition.

    `test_the_page_obeys_its_own_security_policy` opens the page with it.
    """
    return {**browser_context_args, "bypass_csp": True, "locale": "en-GB"}


@pytest.fixture
def context(context: Any) -> Any:
    """Its pages are as patient as everything else."""
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    return context


@pytest.fixture(scope="session")
def base_url() -> None:
    """None: every test opens whole addresses. (Takes the place of a plugin's fixture that pytest warns of.)"""


def free_port() -> int:
    """A port of the loopback interface that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    """Whether a server says that it is ready there."""
    try:
        with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


class Playground:
    """A server process of the tests' own, on a free port, with an empty data folder."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self.log = folder / "server.log"
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Playground:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it and wait until it answers."""
        command = [sys.executable, "-m", "backend.cli", "--no-browser", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*command, "--data-dir", str(self.folder / "data")], cwd=ROOT, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not answers(self.url):
            if self.process.poll() is not None or time.monotonic() > deadline:
                pytest.fail("the server did not start:\n" + self.log.read_text()[-3000:], pytrace=False)
            time.sleep(0.1)

    def stop(self) -> None:
        """End it as Ctrl-C would."""
        if self.process and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server that serves the whole session."""
    if not (ROOT / "backend/static/index.html").is_file():
        pytest.fail("backend/static is missing: pip install -e '.[test]' builds it", pytrace=False)
    with Playground(tmp_path_factory.mktemp("playground")) as playground:
        yield playground.url


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Playground]:
    """A server that one test may stop and start."""
    with Playground(tmp_path) as playground:
        yield playground


@pytest.fixture
def clean_page(page: Any, server: str) -> Iterator[Any]:
    """A page at 1280 x 800 that says nothing wrong on its console and asks nobody but the server."""
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(f"error: {error}"))
    page.on(
        "console", lambda line: wrong.append(f"console: {line.text}") if line.type in ("error", "warning") else None
    )
    ours = (server, server.replace("http:", "ws:"), "data:", "blob:")
    page.on("request", lambda asked: None if asked.url.startswith(ours) else wrong.append(f"request: {asked.url}"))
    page.set_viewport_size({"width": 1280, "height": 800})
    yield page
    assert not wrong, "\n".join(wrong)


@pytest.fixture
def opened(clean_page: Any, server: str) -> Callable[[str], Any]:
    """Opens an address of the server and waits until a network with maps is painted."""

    def go(address: str = "/") -> Any:
        clean_page.goto(server + address)
        clean_page.get_by_role("button", name="Play").wait_for()
        clean_page.wait_for_function("playground.hub.stats.received > 0")
        return clean_page

    return go
