"""How often each picture is computed, so that being watched costs a run only a small share of its time.

A run earns credit: a share of the processor time that its training takes, and half of the time in which it waits (a run
with a pace has plenty of that). Pictures spend it. While there is enough, every frame holds every topic, thirty times a
second at most; when there is not, frames come about ten times a second and the dear topics take turns.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
FASTEST, SLOWEST = 1 / 30, 1 / 14  # seconds between frames of a run that trains; a batch may come between
SHARE = 0.05  # of the time that training takes
IDLE_SHARE = 0.5  # of the time in which the run waits
TINY = 0.0003  # seconds; a topic that costs less is in every frame
MEMORY = 0.8  # how much of a known cost is kept when a new one is measured
DEBT = 0.01  # seconds that looking at new topics for the first time, cold as it is, may leave a run in debt at most
FORGET = 1000  # topics whose costs are remembered


class Budget:
    """Knows what each topic costs, what may be spent, and whose turn it is."""

    def __init__(self, clock: Callable[[], float] = time.thread_time) -> None:
        self.clock = clock
        self.costs: dict[str, float] = {}
        self.credit = 0.0
        self._turns: dict[str, int] = {}
        self._turn = 0

    def earn(self, trained: float = 0.0, idle: float = 0.0) -> None:
        """So many seconds of training and of waiting have passed. Credit is kept for a few frames only."""
        most = max(SHARE * SLOWEST, 2 * sum(self.costs.values()))
        self.credit = min(most, self.credit + SHARE * trained + IDLE_SHARE * idle)

    def choose(self, topics: list[str], waited: float) -> list[str]:
        """The topics of a frame now, so many seconds after the last one; none while it is too early."""
        whole = sum(self.costs.get(topic, 0.0) for topic in topics)
        if waited < FASTEST or (self.credit < whole and waited < SLOWEST):
            return []
        left, chosen = self.credit, []
        for topic in sorted(topics, key=lambda one: self._turns.get(one, 0)):
            cost = self.costs.get(topic, 0.0)
            if cost <= TINY or left > 0:
                chosen.append(topic)
                left -= cost
        return chosen

    def spend(self, topics: list[str], compute: Callable[[list[str]], list[T]]) -> list[T]:
        """Compute these topics, and learn what they cost: new ones one by one, known ones together."""
        began = self.clock()
        found: list[T] = []
        for topic in [one for one in topics if one not in self.costs]:
            start = self.clock()
            found += compute([topic])
            self.costs[topic] = self.clock() - start
        cold = self.clock() - began
        known = [one for one in topics if self._turns.get(one)]
        found += self._together(known, compute) if known else []
        for topic in topics:
            self._turn += 1
            self._turns[topic] = self._turn
        self.credit -= self.clock() - began - cold
        self.credit = max(self.credit - cold, min(self.credit, -DEBT))
        self._forget()
        return found

    def _together(self, topics: list[str], compute: Callable[[list[str]], list[T]]) -> list[T]:
        began = self.clock()
        found = compute(topics)
        spent = self.clock() - began
        expected = sum(self.costs[topic] for topic in topics) or spent or 1.0
        for topic in topics:
            self.costs[topic] *= MEMORY + (1 - MEMORY) * spent / expected
        return found

    def _forget(self) -> None:
        if len(self._turns) > FORGET:
            for topic in sorted(self._turns, key=self._turns.__getitem__)[: FORGET // 2]:
                del self._turns[topic], self.costs[topic]
