"""How many threads a table gets: one and many take turns, the fastest stays, and after a while they race again."""

from __future__ import annotations

import math
import time
from collections.abc import Collection

ALONE = 50_000.0
"""Nanoseconds: a step that is shorter runs on one thread."""
SHARE = 15_000.0
"""Nanoseconds of a step that each thread should get at least: more threads would only wait for each other."""
ROUNDS = 3
"""How often each number of threads is measured; the best time counts, for the machine may be busy."""
WINDOW = 1_000_000.0
"""Nanoseconds of such a measurement, or one step."""
SLOWER, STRIKES = 1.3, 3
"""Many threads that take so many times what one took, so many calls in a row, have lost: another program came. One
thread races against what they took then, not against their better days."""
AGAIN, SOON = 5_000_000_000, 500_000_000
"""Nanoseconds until the next race, and until the one after many threads have lost, in a race or later: a core that was
taken away may be back. Where they lose again and again, it is twice as long each time."""


LONG, PART = 5_000_000.0, 0.02
"""Nanoseconds of a step from which on many threads begin, and race later, in single steps: races take this part of the
time at most, unless the next one would be LATEST then."""
LATEST = 60_000_000_000


class Pace:
    """The choice for one table. cost: what a step is thought to take on one thread, in nanoseconds."""

    def __init__(self, cost: float) -> None:
        self.cost = cost
        self.rounds = ROUNDS if cost < LONG else ROUNDS - 1
        self._times: dict[tuple[int, bool], list[float]] = {}
        self._candidates: dict[int, list[int]] = {}
        self._between = min(max(AGAIN, int(self.rounds * cost / PART)), LATEST)
        self._soon = self._pause = max(SOON, min(int(cost / PART), AGAIN))
        self._since, self._wait, self._lost = time.monotonic_ns() if cost >= LONG else 0, self._between, False
        self._begun = cost < LONG
        self._strikes: list[float] = []

    def candidates(self, most: int) -> list[int]:
        """One thread, and `most`, a half, a quarter .. of them, as far as each has enough to do."""
        known = self._candidates.get(most)
        if known is not None:
            return known
        found, count = [1], min(most, int(self.cost / SHARE))
        while count > 1 and self.cost >= ALONE:
            found.append(count)
            count //= 2
        self._candidates[most] = found
        return found

    def choose(self, counts: Collection[int], many: bool) -> tuple[int, bool]:
        """Which of these numbers of threads, and whether to measure it. many: whether a call does many steps, which
        saves waking threads: another race."""
        if len(counts) == 1:
            return next(iter(counts)), False
        if self.due():
            self._pause = self._pause if self._lost else self._soon
            self._times, self._since, self._wait, self._lost = {}, time.monotonic_ns(), self._between, False
            self._begun = True
        if not self._begun:
            return max(counts), False
        tried = {n: self._times.get((n, many), []) for n in counts}
        least = min(tried, key=lambda n: len(tried[n]))
        if len(tried[least]) < self.rounds:
            return least, True
        return self._winner(tried), False

    def due(self) -> bool:
        """Whether it is time for the next race."""
        return time.monotonic_ns() - self._since > self._wait

    def _winner(self, tried: dict[int, list[float]]) -> int:
        best = min(tried, key=lambda n: min(tried[n]))
        if best < max(tried) and not self._lost:
            self._lose()
        return best

    def _lose(self) -> None:
        """Many threads have lost: they race again soon."""
        self._since, self._wait, self._lost = time.monotonic_ns(), self._pause, True
        self._pause = min(2 * self._pause, self._between)

    def settled(self, counts: Collection[int]) -> int:
        """Which of these numbers of threads single steps have, or 0 while they still race."""
        if len(counts) == 1:
            return next(iter(counts))
        tried = {n: self._times.get((n, False), []) for n in counts}
        raced = all(len(times) >= self.rounds for times in tried.values())
        return self._winner(tried) if raced else 0 if self._begun else max(counts)

    def steps(self, most: int) -> int:
        """How many steps a measurement takes."""
        return min(most, max(1, int(WINDOW / max(self.cost, 1.0))))

    def note(self, threads: int, many: bool, nanoseconds: float) -> None:
        """What a step took in the race."""
        self._times.setdefault((threads, many), []).append(nanoseconds)

    def allowed(self, threads: int, many: bool) -> float:
        """What a step may take on so many threads before it counts as slow."""
        alone = self._times.get((1, many))
        return SLOWER * min(alone) if threads > 1 and alone else math.inf

    def watch(self, threads: int, many: bool, nanoseconds: float, calls: int = 1) -> None:
        """What a step took after it; calls: as how many in a row it counts."""
        if nanoseconds <= self.allowed(threads, many):
            self._strikes = []
            return
        self._strikes += [nanoseconds] * calls
        if len(self._strikes) >= STRIKES:
            self._times, self._strikes = {(threads, many): self._strikes}, []
            self._lose()
