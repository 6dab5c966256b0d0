"""The scripted client: the same verbs as the page, over REST.

from backend.client import Playground
run = Playground().run({"data": {"kind": "xor"}, "until": {"epochs": 200}, "pace": None})
for row in run.metrics():
    print(row["epoch"], row["values"]["test_loss"])
Path("weights.safetensors").write_bytes(run.weights())
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any

import httpx

FINAL = frozenset({"finished", "failed", "stopped"})
POLL_SECONDS = 0.1


class RefusedError(Exception):
    """The server refused: `problem` is its problem+json."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        self.problem = dict(problem)
        faults = [str(fault.get("message", "")) for fault in problem.get("errors", [])]
        hints = [str(fault["hint"]) for fault in problem.get("errors", []) if fault.get("hint")]
        lines = faults or [str(problem.get("detail", "refused"))]
        super().__init__("\n".join([*lines, *hints]))


class Playground:
    """A playground that runs somewhere; by default on this machine."""

    def __init__(self, address: str = "http://127.0.0.1:8000", timeout: float = 90.0) -> None:
        self.address = address.rstrip("/")
        self._http = httpx.Client(base_url=f"{self.address}/api/v1", timeout=timeout, trust_env=False)

    def __enter__(self) -> Playground:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; runs go on."""
        self._http.close()

    def ask(self, method: str, path: str, **given: Any) -> httpx.Response:
        """One request.

        Raises:
            RefusedError: when the server refuses, with its reasons.
            httpx.ConnectError: when no server answers.
        """
        answer = self._http.request(method, path, **given)
        if answer.status_code >= 400:
            kind = answer.headers.get("content-type", "")
            raise RefusedError(answer.json() if "json" in kind else {"detail": f"status {answer.status_code}"})
        return answer

    def catalog(self) -> dict[str, Any]:
        """Everything that can be built, trained with and trained on."""
        return dict(self.ask("GET", "/catalog").json())

    def check(self, spec: Mapping[str, Any]) -> dict[str, Any]:
        """Shapes, parameters and problems of a spec."""
        return dict(self.ask("POST", "/runs/check", json=dict(spec)).json())

    def run(self, spec: Mapping[str, Any] | None = None, name: str = "", play: bool = True) -> Run:
        """Start a run; fields that the spec leaves out are those of the first view."""
        body = {"spec": dict(spec or {}), "name": name, "play": play}
        return Run(self, self.ask("POST", "/runs", json=body).json()["id"])

    def runs(self) -> Iterator[dict[str, Any]]:
        """Every run, newest first."""
        cursor = None
        while True:
            page = self.ask("GET", "/runs", params={"cursor": cursor} if cursor else {}).json()
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                return

    def upload(self, csv: bytes, name: str = "table.csv") -> dict[str, Any]:
        """Bring a table; train on it with `{"kind": "csv", "params": {"file": answer["id"]}}`."""
        headers = {"Content-Type": "text/csv"}
        return dict(self.ask("POST", "/datasets/csv", content=csv, params={"name": name}, headers=headers).json())


class Run:
    """One run on the server."""

    def __init__(self, playground: Playground, name: str) -> None:
        self.playground, self.id = playground, name

    @property
    def page(self) -> str:
        """Where to watch it."""
        return f"{self.playground.address}/#run={self.id}"

    def record(self) -> dict[str, Any]:
        """Its state, step, epoch, newest values and spec."""
        return dict(self.playground.ask("GET", f"/runs/{self.id}").json())

    def metrics(self) -> Iterator[dict[str, Any]]:
        """The rows of its curves, as they come, until it has ended or is paused.

        When the run is brought back after a crash its last rows may be computed again; each step is given once.
        """
        attempt, after, reached = 0, -1, -1
        while True:
            state = self.record()["state"]
            page = self.playground.ask("GET", f"/runs/{self.id}/metrics", params={"after": after}).json()
            if page["attempt"] != attempt:
                attempt, after = page["attempt"], -1
                page = self.playground.ask("GET", f"/runs/{self.id}/metrics", params={"after": after}).json()
            for row in page["items"]:
                after = max(after, row["seq"])
                if row["step"] > reached:
                    reached = row["step"]
                    yield row
            if state in FINAL or state == "paused":
                return
            time.sleep(POLL_SECONDS)

    def wait(self) -> dict[str, Any]:
        """Until it has ended or is paused; its record."""
        for _ in self.metrics():
            pass
        return self.record()

    def command(self, op: str, **given: Any) -> dict[str, Any]:
        """Any command; sent again by itself when the connection breaks, and applied once."""
        body = {"id": uuid.uuid4().hex, "op": op, **given}
        path = f"/runs/{self.id}/commands"
        try:
            return dict(self.playground.ask("POST", path, json=body).json())
        except httpx.TransportError:
            return dict(self.playground.ask("POST", path, json=body).json())

    def play(self) -> dict[str, Any]:
        """Go on training."""
        return self.command("play")

    def pause(self) -> dict[str, Any]:
        """Hold after the current batch."""
        return self.command("pause")

    def step(self, unit: str = "batch", count: int = 1) -> dict[str, Any]:
        """Train so many batches or epochs, then hold."""
        return self.command("step", unit=unit, count=count)

    def reset(self) -> dict[str, Any]:
        """Back to step 0, with the same weights."""
        return self.command("reset")

    def set(self, path: str, value: Any) -> dict[str, Any]:
        """Change one setting from the next batch on."""
        return self.command("set", path=path, value=value)

    def stop(self) -> dict[str, Any]:
        """End it."""
        return self.command("stop")

    def delete(self) -> None:
        """Forget it."""
        self.playground.ask("DELETE", f"/runs/{self.id}")

    def weights(self) -> bytes:
        """Its weights as they are now (safetensors)."""
        return self.playground.ask("GET", f"/runs/{self.id}/weights").content

    def explain(self) -> str:
        """What computes this run, and why what is not native code is not."""
        return self.playground.ask("GET", f"/runs/{self.id}/explain").text

    def source(self) -> str:
        """A PyTorch script that trains the same network."""
        return self.playground.ask("GET", f"/runs/{self.id}/source").text
