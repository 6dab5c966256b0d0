"""Real servers on real sockets: each is a process of its own with a store of its own."""

from __future__ import annotations

import ctypes
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

HOUSE = Path(__file__).parents[2]
ADDRESS = re.compile(r"http://\S+:\d+")
PATIENCE = 60.0  # seconds after which something that should happen counts as not happening


def until(true: Callable[[], Any], what: str, seconds: float = PATIENCE) -> Any:
    """Look again and again until `true()` is true, and give what it gave."""
    end = time.monotonic() + seconds
    while True:
        found = true()
        if found:
            return found
        if time.monotonic() > end:
            pytest.fail(f"{what} did not happen within {seconds:g} seconds")
        time.sleep(0.01)


def end_with_me() -> None:
    """The kernel ends the server when the tests are killed: nothing is left behind to burn a processor."""
    ctypes.CDLL(None).prctl(1, signal.SIGTERM)


class Served:
    """A playground that runs in a process of its own."""

    def __init__(self, store: Path, *arguments: str, **environment: str) -> None:
        self.store = store
        settings = {"PLAYGROUND_STORE_DIR": str(store), "PLAYGROUND_DATA_DIR": str(store / "none"), **environment}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "backend.cli", "--no-browser", "--port", "0", *arguments],
            cwd=HOUSE,
            env={**os.environ, **settings, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            preexec_fn=end_with_me if sys.platform == "linux" else None,
        )
        self.said: list[str] = []
        self.complained: list[str] = []
        streams = ((self.process.stdout, self.said), (self.process.stderr, self.complained))
        self.listeners = [threading.Thread(target=self._listen, args=pair, daemon=True) for pair in streams]
        for listener in self.listeners:
            listener.start()
        self.url = until(self._address, "an address printed by the server")
        self.http = httpx.Client(base_url=self.url, timeout=30.0, trust_env=False)

    @staticmethod
    def _listen(stream: Any, lines: list[str]) -> None:
        with stream:
            lines.extend(stream)

    def _address(self) -> str | None:
        if self.process.poll() is not None:
            pytest.fail(f"the server ended with {self.process.returncode}: {''.join(self.complained)}")
        return next((match[0].rstrip(".") for line in self.said if (match := ADDRESS.search(line))), None)

    @property
    def api(self) -> str:
        return f"{self.url}/api/v1"

    def get(self, path: str, **given: Any) -> Any:
        answer = self.http.get(f"/api/v1{path}", **given)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def post(self, path: str, body: Any, status: int = 201) -> Any:
        answer = self.http.post(f"/api/v1{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def start(self, spec: dict[str, Any] | None = None, **given: Any) -> str:
        """A new run; its id."""
        return str(self.post("/runs", {"spec": spec or {}, **given})["id"])

    def record(self, run: str) -> dict[str, Any]:
        return dict(self.get(f"/runs/{run}"))

    def command(self, run: str, op: str, **given: Any) -> dict[str, Any]:
        return dict(self.post(f"/runs/{run}/commands", {"op": op, **given}, 202))

    def state(self, run: str, *states: str) -> dict[str, Any]:
        """Wait until the run is in one of these states; its record."""

        def there() -> dict[str, Any] | None:
            record = self.record(run)
            return record if record["state"] in states else None

        return dict(until(there, f"{run} being {' or '.join(states)}"))

    def hosts(self) -> list[psutil.Process]:
        """The processes that train for this server's store."""
        found = []
        for process in psutil.process_iter(["cmdline", "cwd", "status"]):
            line, cwd = process.info["cmdline"] or [], process.info["cwd"]
            if "backend.runs.host" in line and cwd == str(self.store / "logs") and process.info["status"] != "zombie":
                found.append(process)
        return found

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def end(self) -> int:
        """Ctrl-C, and the exit status."""
        if self.process.poll() is None:
            self.signal(signal.SIGINT)
        code = self.process.wait(20)
        self.let_go()
        return code

    def let_go(self) -> None:
        """After the process has ended: everything that it said is in `said` and `complained`."""
        for listener in self.listeners:
            listener.join(10)
        self.http.close()


QUICK: dict[str, Any] = {"pace": None, "until": {"epochs": 20}}
ENDLESS: dict[str, Any] = {"pace": {"per_second": 200, "unit": "batch"}}
