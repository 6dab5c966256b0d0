"""Which rows of a band go block by block, a few samples at a time, so that what they hand on stays in the cache."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from engine.compiler.kernels.looks import Look, count, loops
from engine.compiler.kernels.work import Buffer

CACHE, STILL = 320_000, 200_000
"""Bytes: what a block of a band should touch of its own, and what a row in it may read again in every block."""
LEAST = 1_500.0
"""Nanoseconds: what a row's part in a block should take at least."""


@dataclass(frozen=True)
class Going:
    """How a row goes along: `step` of the `places` of its loop for every unit; whether it sums over the batch."""

    row: int
    work: Any
    loop: int
    places: int
    step: int
    sums: bool
    lanes: bool


@dataclass(frozen=True)
class Segment:
    """Rows of a band, one after the other for all of a thread's units, or block by block.

    units: of a block; 0: no blocks. held: buffers (by id) that only these rows touch: every block uses the same memory.
    """

    goings: tuple[Going, ...]
    units: int = 0
    held: frozenset[int] = frozenset()


class Known(Protocol):
    """Who knows all rows of a plan."""

    def only(self, goings: Sequence[Going], buffer: Buffer) -> bool:
        """Whether nobody else touches a buffer."""


def segments_of(goings: list[Going], units: int, shards: list[tuple[int, int]], known: Known) -> list[Segment]:
    """Neighbouring rows that can go block by block, and what is between them."""
    found: list[Segment] = []
    waiting: list[Going] = []
    for going in [*goings, None]:
        if going is not None and _in_blocks(going):
            waiting.append(going)
            continue
        found += _blocked(waiting, units, shards, known)
        waiting = []
        if going is not None:
            found.append(Segment((going,)))
    return found


def _in_blocks(going: Going) -> bool:
    """Whether a row touches much, and little of it again in every block."""
    return not going.lanes and sum(_own(going, 1).values()) > CACHE // 2 and _again(going) <= STILL


def looks_of(going: Going) -> tuple[Look, ...]:
    seen = loops(going.work)
    return seen.looks if seen else ()


def _again(going: Going) -> int:
    """Bytes that the row reads or adds to again in every block."""
    seen = loops(going.work)
    return 4 * sum(count(seen, look) for look in looks_of(going) if not look.strides[going.loop]) if seen else 0


def _own(going: Going, units: int) -> dict[int, int]:
    """Bytes of each buffer that belong to one unit."""
    seen = loops(going.work)
    if seen is None:
        return {}
    return {id(look.operand.buffer): 4 * count(seen, look) // units for look in seen.looks if look.strides[going.loop]}


def _blocked(goings: list[Going], units: int, shards: list[tuple[int, int]], known: Known) -> list[Segment]:
    """These rows block by block if that keeps what they hand on in the cache."""
    whole = [Segment((going,)) for going in goings]
    own: dict[int, int] = {}
    for going in goings:
        for buffer, size in _own(going, units).items():
            own[buffer] = max(own.get(buffer, 0), size)
    made = {
        id(x.operand.buffer): x.operand.buffer for g in goings for x in looks_of(g) if x.writes and x.strides[g.loop]
    }
    handed = [b for b in made if sum(any(id(x.operand.buffer) == b for x in looks_of(g)) for g in goings) > 1]
    total, largest = sum(own.values()), max(size for _, size in shards)
    if not handed or total * largest <= CACHE:
        return whole
    least = max((LEAST * units / max(1.0, float(going.work.cost())) for going in goings), default=1.0)
    block = max(1, CACHE // max(1, total), math.ceil(min(least, largest / 4)))
    if block * 2 > largest:
        return whole
    held = frozenset(b for b, buffer in made.items() if known.only(goings, buffer))
    return [Segment(tuple(goings), block, held)]
