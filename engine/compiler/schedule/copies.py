"""Memory that each thread has for itself: what another thread has just touched comes slowly from its cache.

A copy in another order that all threads read is made by each of them, which is faster than to fetch it. And what only
one band makes and reads lies elsewhere for every thread: memory that is used again was the same thread's before.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.compiler.kernels.transpose import Transposition
from engine.compiler.kernels.work import Buffer, Plan, Record
from engine.compiler.plan.bands import Band
from engine.compiler.plan.blocks import looks_of
from engine.compiler.plan.scratch import touched

MOST = 0.5
"""A copy of which each thread reads more than this part is made by each."""
ROOM = 1 << 25
"""Bytes that the threads' own memory for bands takes at most: larger networks stay in nobody's cache anyway."""


class Copies:
    """rows: those that each of many threads does for itself; copied: what they write, which all threads have elsewhere:
    where it says, rows of other threads write later; inside: what only a band touches, which all but the first have."""

    def __init__(self, plan: Plan, threads: int) -> None:
        self.plan = plan
        self.users: dict[int, list[int]] = {}
        for place, row in enumerate(plan.rows):
            for buffer in touched(row):
                self.users.setdefault(id(buffer), []).append(place)
        self.rows = frozenset(i for i, row in enumerate(plan.rows) if self._by_each(i, row, threads))
        self.copied = [plan.rows[place].work.target.buffer for place in self.rows]
        inside = [buffer for band in plan.bands for buffer in self._inside(band)]
        self.inside = inside if (threads - 1) * sum(buffer.nbytes for buffer in inside) <= ROOM else []

    def of(self, thread: int) -> list[Buffer]:
        """What lies elsewhere for a thread."""
        return self.copied + self.inside * (thread > 0)

    def _by_each(self, place: int, row: Any, threads: int) -> bool:
        """Whether a row is a copy outside of bands that another row reads with many threads, most of it with each."""
        if not isinstance(row, Record) or not isinstance(row.work, Transposition):
            return False
        target = row.work.target.buffer
        first, *others = self.users[id(target)]
        readers = [self.plan.rows[i] for i in others]
        if first != place or target.own or target.lasting or not all(isinstance(r, Record) for r in readers):
            return False
        banded = any(band.start <= i < band.end for band in self.plan.bands for i in (first, *others))
        return not banded and any(_reads(r.work.split(threads), target) for r in readers)

    def _inside(self, band: Band) -> Iterator[Buffer]:
        """What this band's rows write, each unit its own share, and nobody else looks at."""
        looks = [look for going in band.goings for look in looks_of(going)]
        barred = {id(look.operand.buffer) for look in looks if look.summed} | {id(b) for b in self.plan.wanted}
        for buffer in {id(look.operand.buffer): look.operand.buffer for look in looks if look.writes}.values():
            free = not (buffer.own or buffer.lasting or buffer.slot >= 0 or id(buffer) in barred)
            users = self.users[id(buffer)]
            if free and band.start <= users[0] and users[-1] < band.end:
                yield buffer


def _reads(pieces: list[Any], buffer: Buffer) -> bool:
    """Whether each of several pieces reads most of a buffer."""
    read = [sum(a.high - a.low for a in p.accesses() if a.buffer is buffer and not a.writes) for p in pieces]
    return len(pieces) > 1 and min(read) > MOST * buffer.count
