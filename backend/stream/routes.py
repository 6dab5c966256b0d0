"""`/api/v1/stream`: one socket per page. A task reads, a task sends; neither waits for the other."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import Callable
from typing import Any, Protocol

from fastapi import APIRouter, WebSocket
from pydantic import ValidationError
from starlette.websockets import WebSocketDisconnect

from backend.errors import Fault, Refusal, excerpt, not_found, refusal_of_validation
from backend.protocol import (
    HEARTBEAT_SECONDS,
    AckMessage,
    Close,
    CommandEnvelope,
    Heartbeat,
    Painted,
    ProblemMessage,
    Unwatch,
    Watch,
    Welcome,
    client_message,
    command,
)
from backend.settings import Settings, installed_version
from backend.stream.hub import Hub, Watcher
from engine.errors import EngineError
from engine.probes import canonical

MESSAGES_PER_SECOND, BURST = 200.0, 600.0
RUNS_PER_SOCKET = 64
MOST_SAID = 1000  # messages for one page that it has not taken


class Steering(Protocol):
    """Where commands go."""

    async def known(self, name: str) -> bool:
        """Make sure of a run; False when there is none."""

    async def steer(self, name: str, asked: dict[str, Any]) -> Callable[[], Any]:
        """Send a command in order; what comes back waits for its ack."""


class Connection:
    """One page's socket."""

    def __init__(self, socket: WebSocket, hub: Hub, steering: Steering, settings: Settings) -> None:
        self.socket, self.hub, self.steering, self.settings = socket, hub, steering, settings
        self.watcher: Watcher = hub.join()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._allowance, self._counted = BURST, time.monotonic()

    async def serve(self) -> None:
        """Until the page leaves, is too slow, or talks too much."""
        self.watcher.say(Welcome(server=installed_version()).model_dump_json())
        work = [asyncio.create_task(part()) for part in (self._read, self._send, self._beat)]
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except (WebSocketDisconnect, RuntimeError):
            pass
        finally:
            self.hub.leave(self.watcher)
            for task in [*work, *self._tasks]:
                task.cancel()
            await asyncio.gather(*work, *self._tasks, return_exceptions=True)

    def _abort(self, code: Close, reason: str) -> None:
        abort = self.socket.scope.get("state", {}).get("abort")
        if abort is not None:
            abort(int(code), reason)

    # -- sending -------------------------------------------------------------------------------------------------------

    async def _send(self) -> None:
        bell = self.watcher.bell
        while True:
            await bell.wait()
            bell.clear()
            for message in self.watcher.owed():
                if not await self._deliver(message):
                    return
            await asyncio.sleep(0)

    async def _deliver(self, message: str | bytes) -> bool:
        kind = "text" if isinstance(message, str) else "bytes"
        try:
            async with asyncio.timeout(self.settings.send_seconds):
                await self.socket.send({"type": "websocket.send", kind: message})
        except TimeoutError:
            self._abort(Close.TOO_SLOW, "too slow")
            return False
        return True

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            if len(self.watcher.said) < MOST_SAID:
                self.watcher.say(Heartbeat(time=time.time()).model_dump_json())

    # -- reading -------------------------------------------------------------------------------------------------------

    async def _read(self) -> None:
        while True:
            message = await self.socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            if len(self.watcher.said) > MOST_SAID:
                self._abort(Close.TOO_SLOW, "too slow")
                return
            if not self._affordable():
                self._abort(Close.RATE, "too many messages")
                return
            try:
                await self._handle(parse(message.get("text") or message.get("bytes") or b""))
            except Refusal as refusal:
                self._complain(refusal)

    def _affordable(self) -> bool:
        now = time.monotonic()
        self._allowance = min(BURST, self._allowance + (now - self._counted) * MESSAGES_PER_SECOND) - 1
        self._counted = now
        return self._allowance >= 0

    def _complain(self, refusal: Refusal, run: str | None = None) -> None:
        problem = ProblemMessage(code=refusal.code, detail=refusal.detail, run=run, errors=refusal.faults)
        self.watcher.say(problem.model_dump_json())

    async def _handle(self, said: dict[str, Any]) -> None:
        if said.get("kind") == "command":
            await self._command(said)
            return
        message = validated(client_message, said)
        if isinstance(message, Watch):
            await self._watch(message)
        elif isinstance(message, Unwatch):
            self.hub.unwatch(self.watcher, message.run)
        elif isinstance(message, Painted):
            self.watcher.painted(message.run, message.seq)
        else:
            self.watcher.say(Heartbeat(time=time.time()).model_dump_json())

    async def _watch(self, message: Watch) -> None:
        if message.run not in self.watcher.cursors and len(self.watcher.cursors) >= RUNS_PER_SOCKET:
            raise Refusal(429, "too_many_runs", f"One page shows at most {RUNS_PER_SOCKET} runs.")
        if not await self.steering.known(message.run):
            self._complain(not_found("run", message.run), message.run)
            return
        topics, faults = sorted_out(message.topics)
        if faults:
            self._complain(Refusal(422, "bad_topic", faults[0].message, faults[:20]), message.run)
        self.hub.watch(self.watcher, message.run, tuple(topics), message.attempt, message.after)

    async def _command(self, said: dict[str, Any]) -> None:
        rest = {key: value for key, value in said.items() if key not in ("kind", "run")}
        envelope = validated(CommandEnvelope.__pydantic_validator__, {"kind": "command", "run": said.get("run")})
        asked = validated(command, rest)
        finish = await self.steering.steer(envelope.run, asked.model_dump(mode="json"))
        task = asyncio.create_task(self._acknowledge(envelope.run, finish))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _acknowledge(self, run: str, finish: Callable[[], Any]) -> None:
        try:
            ack = await finish()
        except Refusal as refusal:
            self._complain(refusal, run)
            return
        self.watcher.say(AckMessage(run=run, id=ack.id, step=ack.step, problem=ack.problem).model_dump_json())


def sorted_out(asked: list[str]) -> tuple[dict[str, None], list[Fault]]:
    """The topics in their canonical form, each once, and what is wrong with the others."""
    topics: dict[str, None] = {}
    faults = []
    for number, topic in enumerate(asked):
        try:
            topics[canonical(topic)] = None
        except EngineError as error:
            fact = {"expected": error.expected or None, "got": excerpt(topic), "hint": error.hint or None}
            faults.append(Fault(pointer=f"/topics/{number}", code="bad_topic", message=str(error), **fact))
    return topics, faults


def parse(text: str | bytes) -> dict[str, Any]:
    """The JSON object of a message; NaN and infinity are no JSON."""
    try:
        said = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Refusal(
            400, "not_json", f"This message is not JSON: '{excerpt(text if isinstance(text, str) else '')}'."
        ) from error
    if not isinstance(said, dict):
        raise Refusal(400, "not_an_object", "A message is a JSON object with a field 'kind'.")
    return said


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def validated(adapter: Any, said: Any) -> Any:
    """The message as its model, or a refusal that says what does not fit."""
    try:
        return adapter.validate_python(said)
    except ValidationError as error:
        raise refusal_of_validation([dict(one) for one in error.errors(include_url=False)], "message") from error


def router(hub: Hub, steering: Steering, settings: Settings) -> APIRouter:
    """The one socket route."""
    routes = APIRouter()

    @routes.websocket("/stream")
    async def stream(socket: WebSocket) -> None:
        await socket.accept()
        with contextlib.suppress(asyncio.CancelledError):
            await Connection(socket, hub, steering, settings).serve()

    return routes
