"""Checks a drawing or a run by the engine, before anything is allocated, and refuses what does not fit."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor

from backend.errors import Fault, Refusal
from backend.settings import Settings
from engine.spec import GraphSpec, Limits, Problem, Report, RunSpec, check, pointer_of


class Checker:
    """Runs `engine.spec.check` on a thread of its own, one check at a time."""

    def __init__(self, settings: Settings, devices: Callable[[], Collection[str]]) -> None:
        self.limits = Limits(parameters=settings.max_parameters, memory_bytes=settings.max_memory)
        self.settings, self.devices = settings, devices
        self._thread = ThreadPoolExecutor(1, "check")

    async def report(self, spec: RunSpec | GraphSpec) -> Report:
        """Shapes, sizes and problems."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._report, spec)

    def _report(self, spec: RunSpec | GraphSpec) -> Report:
        return check(spec, self.limits, self.settings.run_data, self.devices())

    async def refuse(self, spec: RunSpec, prefix: str) -> None:
        """Let a sound spec pass.

        Raises:
            Refusal: 422 with every problem and its place, counted from `prefix` in the request.
        """
        report = await self.report(spec)
        if report.problems:
            raise refusal_of(spec, report.problems, prefix)

    async def problems(self, spec: RunSpec) -> list[Problem]:
        """Only the problems."""
        return (await self.report(spec)).problems

    def close(self) -> None:
        """Let the thread go."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def refusal_of(spec: RunSpec, problems: list[Problem], prefix: str) -> Refusal:
    """A 422 that lists these problems."""
    faults = [fault_of(problem, prefix + pointer_of(spec, problem)) for problem in problems[:20]]
    first = problems[0]
    more = f" ({len(problems) - 1} more)" if len(problems) > 1 else ""
    return Refusal(422, first.code, f"{first.message}{more}", faults)


def fault_of(problem: Problem, pointer: str = "") -> Fault:
    """An engine problem as an entry of a refusal."""
    return Fault(pointer=pointer, **problem.model_dump())
