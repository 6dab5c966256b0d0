"""A page without a browser: watches runs over the real socket, acknowledges frames, keeps all that it was told."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from backend import frames

PATIENCE = 60.0
FACTS = ("metrics", "state", "changed", "computed")


class Viewer:
    """One socket. `paints` says whether it gives credits back."""

    def __init__(self, api: str, paints: bool = True, **options: Any) -> None:
        address = api.replace("http://", "ws://") + "/stream"
        self._opening = connect(address, compression=None, max_size=None, **options)
        self.socket: ClientConnection
        self.paints = paints
        self.told: list[dict[str, Any]] = []
        self.frames: list[frames.Frame] = []

    def __enter__(self) -> Viewer:
        self.socket = self._opening.__enter__()
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._opening.__exit__(kind, error, trace)

    def say(self, kind: str, **fields: Any) -> None:
        self.socket.send(json.dumps({"kind": kind, **fields}))

    def watch(self, run: str, *topics: str, **fields: Any) -> None:
        self.say("watch", run=run, topics=list(topics), **fields)

    def command(self, run: str, op: str, **fields: Any) -> dict[str, Any]:
        """Send a command and wait for its ack."""
        key = fields.pop("id", f"k{time.monotonic_ns()}")
        self.say("command", run=run, op=op, id=key, **fields)
        return self.until(lambda m: m["kind"] == "ack" and m["id"] == key)

    def next(self, seconds: float = PATIENCE) -> dict[str, Any] | frames.Frame:
        """The next message, whatever it is."""
        message = self.socket.recv(timeout=seconds)
        if isinstance(message, str):
            told = json.loads(message)
            self.told.append(told)
            return dict(told)
        frame = frames.decode(message)
        self.frames.append(frame)
        if self.paints:
            self.say("painted", run=frame.header["run"], seq=frame.header["seq"])
        return frame

    def heard(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """A message that has come already, or else will come."""
        return next((told for told in self.told if wanted(told)), None) or self.until(wanted)

    def until(self, wanted: Callable[[dict[str, Any]], bool], seconds: float = PATIENCE) -> dict[str, Any]:
        """Take messages until a told one is wanted."""
        end = time.monotonic() + seconds
        while True:
            message = self.next(max(0.01, end - time.monotonic()))
            if isinstance(message, dict) and wanted(message):
                return message

    def frame(self, *topics: str, seconds: float = PATIENCE) -> frames.Frame:
        """Take messages until a frame holds all these topics."""
        end = time.monotonic() + seconds
        while True:
            message = self.next(max(0.01, end - time.monotonic()))
            if isinstance(message, frames.Frame) and set(topics) <= {block.topic for block in message.blocks}:
                return message

    def gather(self, seconds: float) -> None:
        """Take whatever comes for so long."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            try:
                self.next(left)
            except TimeoutError:
                return

    def closed(self, seconds: float = PATIENCE) -> int | None:
        """Take messages until the server closes; its code."""
        try:
            while True:
                self.next(seconds)
        except ConnectionClosed as end:
            return end.rcvd.code if end.rcvd else None

    def facts(self, run: str) -> list[dict[str, Any]]:
        """Every fact told about a run, in the order of telling."""
        return [m for m in self.told if m.get("run") == run and m["kind"] in FACTS]
