"""What each thread does of a band: its shards of the batch, row by row, or block by block where that fits the cache.

A sum over the batch is stored by the first part of a shard and added to by its others; shards but the first sum
elsewhere, and `bands.additions` puts them together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.compiler.bands import Band, Going, Segment
from engine.compiler.looks import Cut, part, summed


@dataclass(frozen=True)
class Portion:
    """Some units of one shard."""

    shard: int
    start: int
    size: int
    first: bool
    """Whether it is the first of its shard."""


def portions(band: Band, segment: Segment, threads: int, thread: int) -> list[list[Portion]]:
    """A thread's shards, each as blocks (one where the segment has none)."""
    count = len(band.shards)
    mine = range(count * thread // threads, count * (thread + 1) // threads)
    return [list(_blocks(shard, *band.shards[shard], segment.units)) for shard in mine]


def _blocks(shard: int, start: int, size: int, block: int) -> Iterator[Portion]:
    for at in range(0, size, block or size):
        yield Portion(shard, start + at, min(block or size, size - at), at == 0)


def lines(band: Band, segment: Segment, threads: int, thread: int) -> list[tuple[Any, int]]:
    """(work, row) in a thread's order."""
    mine = portions(band, segment, threads, thread)
    if not segment.units:
        return [(work, going.row) for going in segment.goings for work in _whole(band, going, mine)]
    beginning = mine[0][0].start if mine else 0
    return [
        (_piece(band, going, portion, segment.held, beginning), going.row)
        for shard in mine
        for portion in shard
        for going in segment.goings
    ]


def _whole(band: Band, going: Going, mine: list[list[Portion]]) -> Iterator[Any]:
    """A row without blocks: a sum shard by shard, anything else for all of a thread's shards at once."""
    if going.sums:
        yield from (_piece(band, going, portion, frozenset(), 0) for shard in mine for portion in shard)
    elif mine:
        start, last = mine[0][0].start, mine[-1][-1]
        yield _piece(band, going, Portion(0, start, last.start + last.size - start, True), frozenset(), 0)


def _piece(band: Band, going: Going, portion: Portion, held: frozenset[int], beginning: int) -> Any:
    work, step = going.work, going.step
    if portion.size * step != going.places or going.sums:
        again = dict.fromkeys(held, beginning * step)
        work = part(work, Cut(going.loop, portion.start * step, portion.size * step, again))
    if not going.sums:
        return work
    return summed(work, band.kept[portion.shard - 1] if portion.shard else {}, not portion.first)
