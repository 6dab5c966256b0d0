"""What each thread does of a band: its shards of the batch, row by row, or block by block where that fits the cache.

A sum over the batch is stored by the first part of a shard and added to by its others; shards but the first sum
elsewhere, and `additions` puts them together.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from engine.compiler.kernels.looks import Cut, loops, part, summed
from engine.compiler.kernels.nest import Nest
from engine.compiler.kernels.work import Buffer, Operand, Store
from engine.compiler.plan.bands import Band
from engine.compiler.plan.blocks import Going, Segment, looks_of


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
    pieces = _Blocks(band, segment, mine[0][0].start if mine else 0)
    return [(pieces.of(going, portion), going.row) for shard in mine for portion in shard for going in segment.goings]


@dataclass(frozen=True)
class Moved:
    """Work like another piece, whose arguments it has but for the addresses: `places` says which those are."""

    work: Any
    given: tuple[Any, ...]
    places: tuple[tuple[int, int], ...]
    """(number of the argument, elements to add to it for each unit)."""
    units: int

    @property
    def key(self) -> str:
        """As that piece's."""
        return str(self.work.key)

    def emit(self, f: Any, args: list[Any]) -> None:
        """As that piece does."""
        self.work.emit(f, args)

    def arguments(self) -> list[Any]:
        """As that piece's, at its own addresses."""
        found = list(self.given)
        for place, step in self.places:
            buffer, offset = found[place]
            found[place] = (buffer, offset + step * self.units)
        return found


class _Blocks:
    """The pieces of one thread's blocks: of those that differ in addresses alone, the first one stands for all."""

    def __init__(self, band: Band, segment: Segment, beginning: int) -> None:
        self.band, self.held, self.beginning = band, segment.held, beginning
        self.first: dict[Any, tuple[Moved | None, int]] = {}

    def of(self, going: Going, portion: Portion) -> Any:
        """A row's piece for some units."""
        key = (going.row, portion.size, portion.shard * going.sums, portion.first or not going.sums)
        pattern, start = self.first.get(key, (None, 0))
        if pattern is not None:
            return Moved(pattern.work, pattern.given, pattern.places, portion.start - start)
        piece = _piece(self.band, going, portion, self.held, self.beginning)
        if key not in self.first:
            self.first[key] = self._pattern(going, piece), portion.start
        return piece

    def _pattern(self, going: Going, piece: Any) -> Moved | None:
        """What changes from block to block; None where that is not addresses alone."""
        seen = loops(piece)
        if seen is None or any(line[0] == "iota" for line in getattr(piece, "body", ())):
            return None
        steps: dict[Any, int] = {}
        for look in seen.looks:
            buffer = look.operand.buffer
            step = 0 if id(buffer) in self.held else look.strides[going.loop] * going.step
            if steps.setdefault((id(buffer), look.operand.offset), step) != step:
                return None
        given = tuple(piece.arguments())
        places = [(i, steps[id(x[0]), x[1]]) for i, x in enumerate(given) if isinstance(x, tuple)]
        return Moved(piece, given, tuple(places), 0)


def extent(band: Band, segment: Segment, threads: int, thread: int) -> list[Any]:
    """Work that touches what a thread's lines touch."""
    mine = portions(band, segment, threads, thread)
    return [work for going in segment.goings for work in _whole(band, going, mine)]


def _whole(band: Band, going: Going, mine: list[list[Portion]]) -> Iterator[Any]:
    """A row without blocks: a sum shard by shard, anything else for all of a thread's shards at once."""
    if going.sums:
        for first, *_, last in ([*shard, shard[-1]] for shard in mine):
            size = last.start + last.size - first.start
            yield _piece(band, going, Portion(first.shard, first.start, size, True), frozenset(), 0)
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


# ------------------------------------------------------------------------------------------------------- adding up
def additions(band: Band) -> list[Any]:
    """What adds the shards' sums to those of the first one, when a band is over."""
    if not band.kept:
        return []
    spans: dict[int, list[tuple[int, int]]] = {}
    buffers: dict[int, Buffer] = {}
    loose: list[Any] = []
    for going in band.goings:
        for look in looks_of(going) if going.sums else ():
            if not look.summed:
                continue
            seen = loops(going.work)
            sizes = seen.sizes[: seen.results] if seen else ()
            strides = look.strides[: len(sizes)]
            low, high = look.operand.span_of(sizes, strides)
            buffers[id(look.operand.buffer)] = look.operand.buffer
            if high - low == math.prod(n for n, s in zip(sizes, strides, strict=True) if s):
                spans.setdefault(id(look.operand.buffer), []).append((low, high))
            else:
                loose.append(_addition(band, look.operand.buffer, look.operand.offset, sizes, strides))
    dense = [
        _addition(band, buffers[buffer], low, (high - low,), (1,))
        for buffer, found in spans.items()
        for low, high in _joined(found)
    ]
    return dense + loose


def _joined(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Neighbouring spans as one."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(set(spans)):
        if found and low <= found[-1][1]:
            found[-1] = found[-1][0], max(high, found[-1][1])
        else:
            found.append((low, high))
    return found


def _addition(band: Band, target: Buffer, offset: int, sizes: tuple[int, ...], strides: tuple[int, ...]) -> Nest:
    """target += every other shard's sums, in their order."""
    buffers = [target, *(kept[id(target)] for kept in band.kept)]
    body: list[Any] = [("load", 0)]
    for number in range(1, len(buffers)):
        body += [("load", number), ("add", len(body) - 1, len(body))]
    operands = tuple(Operand(b, offset, strides) for b in buffers)
    lanes = max((i for i, s in enumerate(strides) if s == 1), default=len(sizes) - 1)
    return Nest(sizes, len(sizes), lanes, tuple(body), operands, (Store(0, len(body) - 1),))
