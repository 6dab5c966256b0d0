"""Who does what: the rows of a plan checked against their buffers, split over threads, with barriers where one thread
touches what another wrote.

A thread count changes who computes a number, never how: `work.split` cuts between independent results.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from engine.compiler.graph.ir import CompilerError
from engine.compiler.kernels.work import Access, Buffer, Call, Operand, Plan, Record
from engine.compiler.machine.memory import address, aligned
from engine.compiler.plan.bands import Band
from engine.compiler.schedule.copies import Copies
from engine.compiler.schedule.owners import Owners
from engine.compiler.schedule.shards import additions, extent, lines

WORTH = 1_500.0
"""Nanoseconds: a record that is longer is split even where that costs a barrier."""
LEAST, MOST = 4_000.0, 8
"""Nanoseconds that each of several pieces of a thread takes, which others may take from it; how many those are."""
SMALL = 200.0
"""Nanoseconds: a record that is shorter is never split."""


Bytes = tuple[int, int, bool, Any]
"""Addresses [low, high), whether they are written, and a tag: threads do not meet in what has the same one."""


class Bases:
    """Where elements of buffers lie: asked for often, so each buffer's address is looked up once. moved: arrays of
    buffers (by id) that do not lie where they say."""

    def __init__(self, memory: Mapping[int, Any] | None = None) -> None:
        self.moved = {} if memory is None else memory
        self.known: dict[int, tuple[int, int]] = {}

    def __call__(self, buffer: Buffer, offset: int) -> int:
        base, size = self.known.get(id(buffer)) or self.look(buffer)
        return base + offset * size

    def look(self, buffer: Buffer) -> tuple[int, int]:
        """Where a buffer begins, and the bytes of an element."""
        moved = self.moved.get(id(buffer))
        array, base = (buffer.array, buffer.base) if moved is None else (moved, 0)
        found = self.known[id(buffer)] = base or address(array), array.itemsize
        return found

    def apart(self, buffers: Iterable[Buffer]) -> Bases:
        """The same, but for some buffers, which lie elsewhere, as they lie beside each other here."""
        here = [(b, self(b, 0)) for b in buffers]
        if not here:
            return self
        low, high = min(at for _, at in here), max(at + b.nbytes for b, at in here)
        room = aligned(high - low, np.uint8, zeros=False)
        return Bases({**self.moved, **{id(b): np.ndarray(b.count, b.dtype, room, at - low) for b, at in here}})

    def stretches(self, accesses: Iterable[Access]) -> list[Bytes]:
        """Accesses as addresses. Inputs are left out: nothing in a plan writes them."""
        return [
            (self(a.buffer, a.low), self(a.buffer, a.high), a.writes, None)
            for a in accesses
            if a.buffer.slot < 0 and a.low < a.high
        ]


@dataclass(frozen=True)
class Barrier:
    """All threads wait for each other."""


@dataclass(frozen=True)
class Guard:
    """The values that must be finite before the rows behind run."""

    stretches: tuple[tuple[Any, int, int], ...]
    """(buffer, first element, count)."""


class Piece(NamedTuple):
    """A row of one thread's table: a piece of work of the plan's row `place`. address: its code, if that is known."""

    work: Any
    place: int
    address: int = 0


@dataclass(frozen=True)
class Together:
    """A row that all threads do together: thread t begins with homes[t], and takes others when it is done."""

    homes: list[list[Piece]]

    @property
    def pieces(self) -> list[Piece]:
        """All of them."""
        return [piece for mine in self.homes for piece in mine]


@dataclass
class Stretch:
    """Rows between two that are Python: `lines[t]` is what thread t walks."""

    lines: list[list[Any]]
    start: int
    end: int
    bases: Sequence[Bases] = ()
    """Where buffers lie for each thread; none: where they say."""


class _Ledger:
    """Which thread touched which bytes since the last barrier; buffers may share memory, so bytes it must be.

    load: what each thread has had to do since then.
    """

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._tags: dict[Any, int] = {None: 0}
        self._touched = np.zeros((64, 5), np.int64)
        self.clear()

    def clear(self) -> None:
        self._noted: dict[tuple[int, ...], None] = {}
        self.load = [0.0] * self.threads

    def _rows(self, stretches: Iterable[Bytes]) -> list[tuple[int, int, int, int]]:
        tags = self._tags
        return [(low, high, writes, tags.setdefault(tag, len(tags))) for low, high, writes, tag in stretches]

    def conflicts(self, thread: int, stretches: Iterable[Bytes]) -> bool:
        """Whether another thread wrote what these touch, or read what these write, since the last barrier."""
        mine = self._rows(stretches)
        if not (mine and self._noted):
            return False
        low, high, writes, tag = np.array(mine).T[:, :, None]
        a, b, wrote, known, other = self._touched[: len(self._noted)].T
        met = (low < b) & (a < high) & (wrote | writes).astype(bool)
        return bool((met & (other != thread) & ((tag == 0) | (tag != known))).any())

    def note(self, thread: int, stretches: Iterable[Bytes], cost: float) -> None:
        """This thread touches these."""
        self.load[thread] += cost
        for row in self._rows(stretches):
            line, count = (*row, thread), len(self._noted)
            if line not in self._noted:
                self._noted[line] = None
                if count == len(self._touched):
                    self._touched = np.concatenate((self._touched, self._touched))
                self._touched[count] = line


def check(plan: Plan) -> None:
    """Every row stays within its buffers. Raises: CompilerError, which names the row."""
    for place, row in enumerate(plan.rows):
        for access in row.work.accesses() if isinstance(row, Record) else _call_accesses(row):
            if access.low < access.high and not 0 <= access.low < access.high <= access.buffer.count:
                which = f"row {place} ({_name(row)})"
                raise CompilerError(
                    which,
                    f"elements 0 to {access.buffer.count} of buffer {access.buffer.name or '?'}",
                    f"{access.low} to {access.high} {'written' if access.writes else 'read'}",
                )


def _name(row: Any) -> str:
    if row.note:
        return str(row.note)
    return str(row.work.key)[:80] if isinstance(row, Record) else str(getattr(row.function, "__name__", "Python"))


def _call_accesses(call: Call) -> Iterable[Access]:
    for places, writes in ((call.reads, False), (call.writes, True)):
        for place in places:
            if 0 not in place.shape:
                span = Operand(place.buffer, place.offset, place.strides).span(place.shape)
                yield Access(place.buffer, *span, writes)


def schedule(
    plan: Plan, threads: int, results: Sequence[Access] = (), bases: Bases | None = None, banded: bool = True
) -> list[Stretch | Call]:
    """The plan as stretches of native rows and rows of Python, for this many threads.

    results: what the first thread reads when the last row is done. banded: rows of a band side by side; False: one
    after the other, as if there were no bands.
    """
    made: list[Stretch | Call] = []
    builder: _Builder | None = None
    bases = bases or Bases()
    own = Copies(plan, threads) if threads > 1 else None
    each = [bases.apart(own.of(thread)) if own else bases for thread in range(threads)]
    bands = {band.start: band for band in plan.bands} if banded else {}
    if threads == 1 and not (bands or plan.finite or Call in map(type, plan.rows)) and plan.rows:  # nothing to decide
        return [Stretch([[Piece(row.work, place) for place, row in enumerate(plan.rows)]], 0, len(plan.rows))]
    behind = 0
    for place, row in enumerate([*plan.rows, None]):
        if place < behind:
            continue
        native = isinstance(row, Record)
        if builder is None and (native or (place == plan.guard and plan.finite)):
            builder = _Builder(plan, place, each)
        if builder is not None and place == plan.guard and plan.finite:
            builder.guard(guard_of(plan))
        if builder is not None and place in bands:
            builder.band(bands[place])
            behind = bands[place].end
        elif builder is not None and own and place in own.rows:
            builder.all(row.work, place)
        elif builder is not None and native:
            builder.add(row.work, place)
        elif builder is not None:
            made.append(builder.finish(place, () if row is not None else results))
            builder = None
        if isinstance(row, Call):
            made.append(row)
    return made


def guard_of(plan: Plan) -> Guard:
    """The plan's finite values as stretches of memory."""
    return Guard(tuple(s for operand, shape in plan.finite for s in _dense(operand, shape)))


def _dense(operand: Operand, shape: tuple[int, ...]) -> Iterable[tuple[Any, int, int]]:
    """A strided look as stretches without gaps."""
    if 0 in shape:
        return
    axes = sorted((abs(s), n) for n, s in zip(shape, operand.strides, strict=True) if n > 1 and s)
    first = operand.span(shape)[0]
    count = 1
    while axes and axes[0][0] == count:
        count *= axes.pop(0)[1]
    starts = [0]
    for stride, n in axes:
        starts = [start + i * stride for start in starts for i in range(n)]
    for start in starts:
        yield operand.buffer, first + start, count


def alike(work: Any) -> bool:
    """Whether small pieces of work take no longer than large ones: no copy is made for each of them."""
    return not any(getattr(work, name, None) for name in ("reading", "packed", "beside"))


class _Builder:
    """One stretch under construction."""

    def __init__(self, plan: Plan, start: int, bases: list[Bases]) -> None:
        self.bases, self.threads, self.start = bases, len(bases), start
        self.lines: list[list[Any]] = [[] for _ in bases]
        self.ledger, self.owners = _Ledger(self.threads), Owners(self.threads)
        if self.threads > 1:
            scalars = [Access(buffer, at, at + 1, True) for buffer, at, _ in plan.scalars]
            self.ledger.note(0, bases[0].stretches(scalars), 0.0)

    def barrier(self) -> None:
        for line in self.lines:
            line.append(Barrier())
        self.ledger.clear()

    def guard(self, guard: Guard) -> None:
        """Every thread looks at all values: so all of them know, without another word."""
        reads = [Access(buffer, low, low + count, False) for buffer, low, count in guard.stretches]
        self._everywhere(guard, reads, 0.0)

    def all(self, work: Any, place: int) -> None:
        """Every thread does all of it, in memory of its own."""
        self._everywhere(Piece(work, place), list(work.accesses()), float(work.cost()))

    def _everywhere(self, item: Any, accesses: list[Access], price: float) -> None:
        if self.threads > 1:
            touched = self._stretches([accesses] * self.threads)
            if any(self.ledger.conflicts(thread, each) for thread, each in enumerate(touched)):
                self.barrier()
            for thread, each in enumerate(touched):
                self.ledger.note(thread, each, price)
        for line in self.lines:
            line.append(item)

    def _stretches(self, accesses: Iterable[Iterable[Access]]) -> list[list[Bytes]]:
        """What each thread touches, as it lies for that one."""
        return [bases.stretches(each) for bases, each in zip(self.bases, accesses, strict=False)]

    def add(self, work: Any, place: int) -> None:
        if self.threads == 1:
            self.lines[0].append(Piece(work, place))
            return
        price = float(work.cost())
        owned = self.owners.pieces(work, self.bases[0]) if price > SMALL else []
        homes = owned or [[piece] for piece in (work.split(self.threads) if price > SMALL else [work])]
        many = min(MOST, int(price / self.threads / LEAST))
        if many > 1 and len(homes) == self.threads and alike(work):
            self._together(homes, place, work, many)
            return
        touched = self._stretches([a for piece in mine for a in piece.accesses()] for mine in homes)
        meet = any(self.ledger.conflicts(thread, each) for thread, each in enumerate(touched))
        if not owned and (len(homes) == 1 or (meet and price < WORTH)):
            self._by_one(work, place, price)
            return
        if meet:
            self.barrier()
        for thread, (mine, stretches) in enumerate(zip(homes, touched, strict=True)):
            self.lines[thread] += [Piece(piece, place) for piece in mine]
            self._note(thread, stretches, price / len(homes))

    def band(self, band: Band) -> None:
        """Rows that each thread does for its own part of the batch, then the sums of the parts."""
        for segment in band.segments:
            made = [lines(band, segment, self.threads, thread) for thread in range(self.threads)]
            extents = [extent(band, segment, self.threads, thread) for thread in range(self.threads)]
            touched = [self._touched(t, each, band) for t, each in enumerate(extents)] if self.threads > 1 else []
            if any(self.ledger.conflicts(thread, each) for thread, each in enumerate(touched)):
                self.barrier()
            for thread, each in enumerate(made):
                self.lines[thread] += [Piece(work, place) for work, place in each]
            for thread, stretches in enumerate(touched):
                price = sum(float(work.cost()) for work in extents[thread])
                self.ledger.note(thread, stretches, price)
        for work in additions(band):
            self.add(work, band.end - 1)

    def _touched(self, thread: int, made: list[Any], band: Band) -> list[Bytes]:
        """What rows of a band touch: in one buffer the threads do not meet."""
        return list(
            dict.fromkeys(
                (*stretch[:3], (id(band), id(access.buffer)))
                for work in made
                for access in work.accesses()
                for stretch in self.bases[thread].stretches([access])
            )
        )

    def _together(self, homes: list[list[Any]], place: int, work: Any, many: int) -> None:
        """Each thread's pieces as some smaller ones, which whoever is done first may take."""
        whole = max(sum(piece.cost() for piece in mine) for mine in homes) / many
        small = [[x for piece in mine for x in piece.split(round(piece.cost() / whole))] for mine in homes]
        for thread, mine in enumerate(small):
            for piece in mine:
                self._wrote(thread, self.bases[thread].stretches(piece.accesses()))
        self._everywhere(Together([[Piece(x, place) for x in mine] for mine in small]), list(work.accesses()), 0.0)

    def _by_one(self, work: Any, place: int, price: float) -> None:
        """One thread does all of it: of those that need not wait the one that has had the least to do."""
        whole = self._stretches([list(work.accesses())] * self.threads)
        free = [t for t, each in enumerate(whole) if not self.ledger.conflicts(t, each)]
        if not free:
            self.barrier()
        thread = min(free or [0], key=lambda t: self.ledger.load[t])
        self.lines[thread].append(Piece(work, place))
        self._note(thread, whole[thread], price)

    def _note(self, thread: int, stretches: list[Bytes], price: float) -> None:
        self.ledger.note(thread, stretches, price)
        self._wrote(thread, stretches)

    def _wrote(self, thread: int, stretches: list[Bytes]) -> None:
        for low, high, writes, _ in stretches:
            if writes:
                self.owners.wrote(thread, low, high)

    def finish(self, end: int, results: Sequence[Access]) -> Stretch:
        if self.threads > 1 and self.ledger.conflicts(0, self.bases[0].stretches(results)):
            self.barrier()
        return Stretch(self.lines, self.start, end, self.bases)
