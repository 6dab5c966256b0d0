"""Memory for scratch values: one piece, in which a value takes the room of values that nobody needs any more."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Iterable
from heapq import heappop, heappush
from itertools import accumulate
from operator import itemgetter
from typing import Any

import numpy as np

from engine.compiler.kernels.work import Buffer, Call, Life, Plan
from engine.compiler.machine.memory import address, aligned

ENDLESS = 1 << 62
LINE = 64
"""Bytes between the beginnings of two values are a multiple of this: a cache line, and the widest register."""


def touched(row: Any) -> Iterable[Buffer]:
    """The buffers of a row."""
    if isinstance(row, Call):
        return [place.buffer for place in (*row.reads, *row.writes)]
    return row.touches or {id(access.buffer): access.buffer for access in row.work.accesses()}.values()


def allocate(plan: Plan) -> None:
    """Give every buffer of a plan that has none its memory."""
    alone = [b for b in plan.buffers if b.own] + [b for band in plan.bands for kept in band.kept for b in kept.values()]
    for buffer in alone:
        buffer.array = aligned(buffer.count, buffer.dtype)
        if buffer.fill:
            buffer.array[:] = buffer.fill
    lives = plan.lives or lives_of(plan)
    spots, size = _spots(lives)
    arena = aligned(size, np.uint8, zeros=False)
    base = address(arena)
    for (buffer, _, _), start in zip(lives, spots, strict=True):
        buffer.array, buffer.base = np.ndarray(buffer.count, buffer.dtype, arena, start), base + start


def lives_of(plan: Plan) -> list[Life]:
    """The buffers that want memory which others had before them, in the order in which they do."""
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    for number, row in enumerate(plan.rows):
        for buffer in touched(row):
            first.setdefault(id(buffer), number)
            last[id(buffer)] = number
    for band in plan.bands:
        for segment in band.segments:
            if segment.units:
                _together([going.row for going in segment.goings], plan, first, last)
    end = len(plan.rows)
    for buffer in plan.wanted:
        first.setdefault(id(buffer), 0)
        last[id(buffer)] = end
    for buffer, _, _ in plan.scalars:  # they are written before every step
        first[id(buffer)], last[id(buffer)] = -1, end
    wanted = [b for b in plan.buffers if b.array is None and b.slot < 0 and not b.own and id(b) in first]
    return sorted([(b, first[id(b)], last[id(b)]) for b in wanted], key=itemgetter(1))


def lined_up(buffers: list[Buffer]) -> list[Any]:
    """An array of zeros for each buffer, in one piece of memory."""
    starts = list(accumulate([-(-b.nbytes // LINE) * LINE for b in buffers], initial=0))
    memory = aligned(starts.pop(), np.uint8)
    return [np.ndarray(b.count, b.dtype, memory, start) for b, start in zip(buffers, starts, strict=True)]


def _together(rows: list[int], plan: Plan, first: dict[int, int], last: dict[int, int]) -> None:
    """Rows that run block by block: what one of them touches lives as long as all of them."""
    for row in rows:
        for buffer in touched(plan.rows[row]):
            first[id(buffer)] = min(first[id(buffer)], rows[0])
            last[id(buffer)] = max(last[id(buffer)], rows[-1])


def _spots(lives: list[Life]) -> tuple[list[int], int]:
    """Where each buffer begins, in bytes, and how much is needed in all: the lowest gap that is free while it lives."""
    gaps: list[tuple[int, int]] = [(0, ENDLESS)]
    living: list[tuple[int, int, int]] = []
    found, most = [], 0
    for buffer, born, died in lives:
        while living and living[0][0] < born:
            _, low, high = heappop(living)
            _give_back(gaps, low, high)
        room = -(-buffer.nbytes // LINE) * LINE + LINE
        start, end, place = 0, 0, -1
        while end - start < room:
            place += 1
            start, end = gaps[place]
        behind = start + room
        gaps[place : place + 1] = [(behind, end)] if end > behind else []
        heappush(living, (died, start, behind))
        found.append(start)
        most = max(most, behind)
    return found, most


def _give_back(gaps: list[tuple[int, int]], low: int, high: int) -> None:
    """Bytes [low, high) are free again."""
    place = bisect(gaps, (low, high))
    if place < len(gaps) and gaps[place][0] == high:
        high = gaps.pop(place)[1]
    if place and gaps[place - 1][1] == low:
        place -= 1
        low = gaps.pop(place)[0]
    gaps.insert(place, (low, high))
