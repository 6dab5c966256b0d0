"""Commands to runs, from the socket and from REST alike: checked, sent in order, acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from backend.errors import Refusal
from backend.runs.service import Runs
from engine.spec import Problem, RunSpec
from engine.train import Ack

ACK_SECONDS = 60.0


class Checks(Protocol):
    """Who knows whether a spec is in order."""

    async def problems(self, spec: RunSpec) -> list[Problem]:
        """What is wrong with it."""


class Steering:
    """Sends commands."""

    def __init__(self, runs: Runs, checks: Checks) -> None:
        self.runs, self.checks = runs, checks

    async def known(self, name: str) -> bool:
        """Make sure of a run; False when there is none."""
        return await self.runs.known(name)

    async def steer(self, name: str, asked: dict[str, Any]) -> Callable[[], Awaitable[Ack]]:
        """Send a command; what comes back waits for its ack. Commands are sent in the order of these calls.

        Raises:
            Refusal: 404 when there is no such run.
        """
        await self.runs.find(name)
        if asked["op"] == "edit":
            problems = await self.checks.problems(RunSpec.model_validate(asked["spec"]))
            if problems:
                refused = Ack(id=str(asked.get("id", "")), step=self._step(name), problem=problems[0])
                return lambda: _ready(refused)
        future = self.runs.submit(name, asked)
        return lambda: self._finish(name, asked, future)

    def _step(self, name: str) -> int:
        record = self.runs.record(name)
        return record.step if record else 0

    async def _finish(self, name: str, asked: dict[str, Any], future: asyncio.Future[dict[str, Any]]) -> Ack:
        try:
            answer = await asyncio.wait_for(asyncio.shield(future), ACK_SECONDS)
        except TimeoutError:
            detail = f"The run did not answer within {ACK_SECONDS:g} seconds; it may be loading its data."
            raise Refusal(503, "no_answer", detail, headers={"Retry-After": "5"}) from None
        problem = answer.get("problem")
        return Ack(
            id=str(asked.get("id") or answer.get("id", "")),
            step=int(answer["step"]),
            problem=Problem.model_validate(problem) if problem else None,
        )


async def _ready(ack: Ack) -> Ack:
    return ack
