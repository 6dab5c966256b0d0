"""How fast a run may go by the wall clock. Decides when, never what."""

from __future__ import annotations

import time
from collections.abc import Callable

from engine.spec.run import PaceSpec

BACKLOG = 0.25
"""Seconds of lost time that a run may catch up; a longer gap is forgotten."""


class Pacer:
    """Allows at most so many batches or epochs a second, evenly; with no pace always allows."""

    def __init__(self, pace: PaceSpec | None, clock: Callable[[], float] = time.perf_counter) -> None:
        self.clock = clock
        self.set(pace)

    def set(self, pace: PaceSpec | None) -> None:
        """Change the pace; the next unit may begin at once."""
        self.interval = 1 / pace.per_second if pace else 0.0
        self.by_epoch = pace is not None and pace.unit == "epoch"
        self.due = self.clock()

    def wait(self, at_start: bool) -> float:
        """Seconds until the next batch may begin; `at_start` says that it is the first of its epoch."""
        if not self.interval or (self.by_epoch and not at_start):
            return 0.0
        return max(0.0, self.due - self.clock())

    def began(self, at_start: bool) -> None:
        """A batch begins now."""
        if self.interval and (at_start or not self.by_epoch):
            self.due = max(self.due, self.clock() - BACKLOG) + self.interval
