"""Bands: stretches of rows that go through the batch side by side, each thread, and each block that fits its cache,
with samples of its own, so that nobody waits for anybody until the band is over.

A value that a band makes has an owner for every element: memory is a sequence of periods, each with one equal share for
every unit of the batch (a sample, or a few), and what lies in share i belongs to unit i. A row may join if one of its
loops goes along the units: everything that it writes is its unit's, and so is whatever it reads of what the band wrote.
Sums over the batch (a weight's gradient, a bias's) join where they are small: every shard of the batch sums for itself,
and the shards' sums are added when the band is over. How many shards there are belongs to the plan, so that numbers do
not depend on the number of threads.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from engine.compiler.kernels.looks import GRAIN, Look, Loops, count, loops, targets
from engine.compiler.kernels.nest import Nest
from engine.compiler.kernels.product import Product
from engine.compiler.kernels.work import Buffer, Plan, Record, pieces
from engine.compiler.plan.blocks import Going, Segment, segments_of

WORTH = 600_000.0
"""Nanoseconds: a plan that takes less has no bands: halves of a small batch fill no tiles."""
SMALL = 0.5
"""A sum joins where its results are at most so large a part of what is summed."""
FAR = 1_500_000
"""Bytes of what all samples multiply with, more than a second cache holds: threads share it out instead of the batch,
so that each reads a part of it."""
MOST = 0.6
"""A batch whose bands take so large a part of the time is the one."""


@dataclass
class Band:
    """Rows [start, end) of a plan. shards: (first unit, units) of each; kept: for each shard but the first, where its
    sums go instead of the buffer with this id."""

    start: int
    end: int
    shards: list[tuple[int, int]]
    segments: list[Segment]
    kept: list[dict[int, Buffer]]

    @property
    def goings(self) -> list[Going]:
        """All rows."""
        return [going for segment in self.segments for going in segment.goings]

    @property
    def worth(self) -> bool:
        """Whether it is of any use."""
        return len(self.shards) > 1 or any(segment.units for segment in self.segments)


@dataclass
class _Memory:
    """What rows touched, by buffer: (low, high, written)."""

    touched: dict[int, list[tuple[int, int, bool]]] = field(default_factory=dict)

    def note(self, accesses: Iterable[tuple[int, int, int, bool]]) -> None:
        for buffer, low, high, writes in accesses:
            self.touched.setdefault(buffer, []).append((low, high, writes))

    def hinders(self, accesses: Iterable[tuple[int, int, int, bool]]) -> bool:
        """Whether work with these accesses may not change places with those rows."""
        return any(
            low < b and a < high and (writes or wrote)
            for buffer, low, high, writes in accesses
            for a, b, wrote in self.touched.get(buffer, ())
        )


Share = tuple[int, bool]
"""Elements of a buffer that lie between neighbouring units' shares; whether all that is touched is the unit's own."""


class _Finder:
    """Looks for the first band of some rows."""

    def __init__(self, units: int, hints: dict[int, set[int]]) -> None:
        self.units, self.hints = units, hints
        self.written: dict[int, int] = {}
        self.read: dict[int, set[Share]] = {}
        self.sums: set[int] = set()

    def going(self, work: Any, seen: Loops) -> Going | None:
        """How such a row could go along; it is noted as a part of the band."""
        found = [
            (self._known(seen, loop), -loop)
            for loop, size in enumerate(seen.sizes)
            if size % self.units == 0 and size and loop not in seen.uncut and self._fits(work, seen, loop)
        ]
        known, loop = max(found, default=(0, 0))
        if not known:
            return None
        self._note(seen, -loop)
        lanes = -loop in seen.lanes
        size = seen.sizes[-loop]
        return Going(-1, work, -loop, size, size // self.units, -loop >= seen.results, lanes)

    def _share(self, seen: Loops, look: Look, loop: int) -> Share:
        """How far apart units' shares are, and whether this look stays within one."""
        width = look.strides[loop] * (seen.sizes[loop] // self.units)
        if width <= 0:
            return width, False
        period, low = width * self.units, look.operand.offset
        high = low
        for i, (size, stride) in enumerate(zip(seen.sizes, look.strides, strict=True)):
            size = size // self.units if i == loop else size
            if stride % period:
                low, high = low + min(0, (size - 1) * stride), high + max(0, (size - 1) * stride)
        first = look.operand.offset // period * period
        return width, first <= low and high < first + width

    def _fits(self, work: Any, seen: Loops, loop: int) -> bool:
        sums = loop >= seen.results
        if not _may_sum(work, seen, loop) if sums else _is_far(work, seen, loop):
            return False
        return all(self._may(seen, look, loop, sums) for look in seen.looks)

    def _may(self, seen: Loops, look: Look, loop: int, sums: bool) -> bool:
        buffer = id(look.operand.buffer)
        if sums and look.summed and not look.strides[loop]:
            return buffer not in self.written and buffer not in self.read
        if buffer in self.sums:
            return False
        if not look.writes and buffer not in self.written:
            return True
        width, own = self._share(seen, look, loop)
        others = self.read.get(buffer, set()) if look.writes else set()
        return own and self.written.get(buffer, width) == width and others <= {(width, True)}

    def _known(self, seen: Loops, loop: int) -> int:
        """How many operands say that this loop goes along the batch."""
        count = 0
        for look in seen.looks:
            buffer, width = id(look.operand.buffer), look.strides[loop] * (seen.sizes[loop] // self.units)
            count += width > 0 and (self.written.get(buffer) == width or width in self.hints.get(buffer, ()))
        return count

    def passed(self, seen: Loops) -> None:
        """A row that does not join: what it writes may yet go along the batch as what it reads does."""
        for loop, size in enumerate(seen.sizes):
            for look in seen.looks:
                stride = look.strides[loop]
                for width in tuple(self.hints.get(id(look.operand.buffer), ())) if stride > 0 else ():
                    step = width // stride
                    if step * stride == width and size % (step * self.units) == 0:
                        self._hint(seen, loop, step)

    def _hint(self, seen: Loops, loop: int, step: int) -> None:
        for look in seen.looks:
            if look.writes and look.strides[loop] > 0:
                self.hints.setdefault(id(look.operand.buffer), set()).add(look.strides[loop] * step)

    def _note(self, seen: Loops, loop: int) -> None:
        for look in seen.looks:
            buffer = id(look.operand.buffer)
            if loop >= seen.results and look.summed and not look.strides[loop]:
                self.sums.add(buffer)
            elif look.writes:
                self.written[buffer] = self._share(seen, look, loop)[0]
            else:
                self.read.setdefault(buffer, set()).add(self._share(seen, look, loop))


def _is_far(work: Any, seen: Loops, loop: int) -> bool:
    """Whether a product's factor that all units share is too large for every thread to read."""
    shared = [look for look in seen.looks[:2] if not look.strides[loop]] if isinstance(work, Product) else []
    return any(4 * count(seen, look) > FAR for look in shared)


def _may_sum(work: Any, seen: Loops, loop: int) -> bool:
    """Whether a row may sum over the batch shard by shard."""
    if isinstance(work, Nest):
        lines = work.lines
        if max(lines.sweeps, default=0) > 1:
            return False
        plain = all(look.strides[loop] or look.summed for look in seen.looks if look.writes) and all(
            not lines.sweeps[s.line] or work.body[s.line][:2] == ("reduce", "sum") for s in work.stores
        )
        plain = plain and lines.loaded.isdisjoint(i for i, look in enumerate(seen.looks) if look.summed)
    else:
        plain = isinstance(work, Product) and all(look.summed for look in seen.looks if look.writes)
        plain = plain and all(name != "load" for name, *_ in work.body)
    results = sum(count(seen, look) for look in seen.looks if look.summed)
    return plain and results <= SMALL * sum(count(seen, look) for look in seen.looks if look.strides[loop])


# ------------------------------------------------------------------------------------------------------- arranging
def arrange(plan: Plan, cost: float, cores: int, parted: int = 1) -> None:
    """Find a plan's bands and bring their rows together; the rows' meaning stays.

    cores: how many shards at most; parted: into how many the graph has cut the batch already (see `parted.py`).
    """
    if cost < WORTH:
        return
    known, best = _Known(plan), None
    for units, axis in _batches(plan) if parted == 1 else [(parted, BETWEEN)]:
        found = _Arranged(plan, known, units, axis, cores)
        if found.bands and (best is None or found.worth > best.worth):
            best = found
        if found.worth > MOST * cost:
            break
    if best is not None:
        plan.rows, plan.bands, plan.lives = best.rows, best.bands, []


BETWEEN = -1
"""Instead of an axis: units lie between each other, sample i belongs to unit i % units."""


def _batches(plan: Plan) -> list[tuple[int, int]]:
    """What may be the batch: the size of the first or second axis of an input, into which all inputs can be cut."""
    inputs = [b for b in plan.buffers if b.slot >= 0]
    sizes = dict.fromkeys((n, axis) for b in inputs for axis, n in enumerate(b.shape[:2]) if n > 1)
    return [(n, axis) for n, axis in sizes if all(b.count % n == 0 for b in inputs)]


class _Known:
    """What a plan's rows touch: (buffer, low, high, written) of each, how many rows a buffer has, what is wanted."""

    def __init__(self, plan: Plan) -> None:
        records = [row for row in plan.rows if isinstance(row, Record)]
        self.touched = {id(r): [(id(a.buffer), a.low, a.high, a.writes) for a in r.work.accesses()] for r in records}
        self.count: dict[int, int] = {}
        for accesses in self.touched.values():
            for buffer in {access[0] for access in accesses}:
                self.count[buffer] = self.count.get(buffer, 0) + 1
        calls = [row for row in plan.rows if not isinstance(row, Record)]
        called = [place.buffer for call in calls for place in (*call.reads, *call.writes)]
        self.wanted = {id(b) for b in (*plan.wanted, *called)}

    def only(self, goings: Sequence[Going], buffer: Buffer) -> bool:
        """Whether nobody else touches a buffer."""
        inside = sum(any(access.buffer is buffer for access in g.work.accesses()) for g in goings)
        return id(buffer) not in self.wanted and not buffer.lasting and self.count.get(id(buffer)) == inside


class _Arranged:
    """The rows with one candidate for the units."""

    def __init__(self, plan: Plan, known: _Known, units: int, axis: int, cores: int) -> None:
        self.known, self.units, self.cores, self.parted = known, units, cores, axis == BETWEEN
        self.rows: list[Any] = []
        self.bands: list[Band] = []
        self.worth = 0.0
        self.hints: dict[int, set[int]] = {id(b): _steps(b, units, axis) for b in plan.buffers if b.slot >= 0}
        self._stretch(plan.rows[: plan.guard])
        self._stretch(plan.rows[plan.guard :])

    def _stretch(self, rows: list[Any]) -> None:
        """Rows between which nothing forbids another order but what they read and write."""
        waiting: list[Any] = []
        for row in rows:
            if isinstance(row, Record):
                waiting.append(row)
            else:
                self._records(waiting)
                self.rows.append(row)
                waiting = []
        self._records(waiting)

    def _records(self, rows: list[Any]) -> None:
        while rows:
            finder = _Finder(self.units, self.hints)
            before, along, later = self._first(rows, finder)
            self.rows += before
            if along:
                self._band(along, finder)
            rows = later

    def _first(self, rows: list[Any], finder: _Finder) -> tuple[list[Any], list[tuple[Any, Going]], list[Any]]:
        """What comes before the first band, the band, and what comes later."""
        before: list[Any] = []
        along: list[tuple[Any, Going]] = []
        later: list[Any] = []
        inside, behind = _Memory(), _Memory()
        for row in rows:
            touched = self.known.touched[id(row)]
            seen = loops(row.work)
            hindered = behind.hinders(touched)
            going = None if hindered or seen is None else finder.going(row.work, seen)
            if going is not None:
                along.append((row, going))
                inside.note(touched)
            elif not hindered and not inside.hinders(touched):
                before.append(row)
                if seen is not None:
                    finder.passed(seen)
            else:
                later.append(row)
                behind.note(touched)
        return before, along, later

    def _band(self, along: list[tuple[Any, Going]], finder: _Finder) -> None:
        start = len(self.rows)
        self.rows += [row for row, _ in along]
        for buffer, width in finder.written.items():
            self.hints.setdefault(buffer, set()).add(width)
        goings = [replace(going, row=start + i) for i, (_, going) in enumerate(along)]
        whole = [GRAIN // math.gcd(GRAIN, g.step) for g in goings if g.lanes]
        grain = 1 if self.parted else max(whole, default=1)  # what runs along so few units is small: a number for each
        shards = pieces(self.units, self.cores, grain)
        segments = segments_of(goings, self.units, shards, self.known)
        sums = {id(o.buffer): o.buffer for g in goings if g.sums for o in targets(g.work)}
        kept = [{at: Buffer(b.count, b.dtype, "shard") for at, b in sums.items()} for _ in shards[1:]]
        band = Band(start, len(self.rows), shards, segments, kept)
        if band.worth:
            self.bands.append(band)
            self.worth += sum(float(g.work.cost()) for g in goings)


def _steps(buffer: Buffer, units: int, axis: int) -> set[int]:
    """How far apart units lie in an input, along this axis or else the first."""
    if axis == BETWEEN:
        return {buffer.count // buffer.shape[0]} if buffer.shape and buffer.shape[0] % units == 0 else set()
    fits = [i for i in (axis, 0) if i < len(buffer.shape) and buffer.shape[i] % units == 0]
    return {math.prod(buffer.shape[i:]) // units for i in fits[:1]}
