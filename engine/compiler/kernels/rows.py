"""Rows of a table found by number: gathered (an embedding), or added up where they came from (its gradient)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.compiler.code.emit import Function
from engine.compiler.code.ssa import FLOAT, INT, LONG, Mask, Number, Ssa
from engine.compiler.kernels.sweeps import GRAIN
from engine.compiler.kernels.work import Access, Operand, Shape, pieces

SIDE = 4
"""Registers that go side by side along a row."""


@dataclass(frozen=True)
class Rows:
    """Gather: rows[outer, j] = table[index[outer], j], scatter: table[index[outer], j] += rows[outer, j], from 0.

    outer: sizes of the loops over the index; width: of a row; count: rows of the table. Strides: table over (row, j),
    index over the outer loops, rows over (*outer, j). Table and rows are float32, the index is int64. A negative number
    counts from the end; one outside of the table is moved to its edge, so that no other memory is touched (whoever
    builds the plan checks the index).
    """

    scatter: bool
    outer: Shape
    width: int
    count: int
    table: Operand
    index: Operand
    rows: Operand

    @property
    def key(self) -> str:
        """Everything that decides the machine code."""
        sides = "".join("1" if o.strides[-1] == 1 else "s" for o in (self.table, self.rows))
        return f"{'scatter' if self.scatter else 'gather'} rows {len(self.outer)} {sides}"

    def arguments(self) -> list[Any]:
        """Outer sizes, width, count, then address and strides of table, index and rows."""
        found: list[Any] = [*self.outer, self.width, self.count]
        for o in (self.table, self.index, self.rows):
            found += [(o.buffer, o.offset), *o.strides]
        return found

    def accesses(self) -> Iterator[Access]:
        """The whole table, the index, the rows."""
        if not self.width or not self.count:
            return
        full = 0 not in self.outer
        if full or self.scatter:
            yield Access(self.table.buffer, *self.table.span((self.count, self.width)), self.scatter)
        if full:
            yield Access(self.index.buffer, *self.index.span(self.outer), False)
            yield Access(self.rows.buffer, *self.rows.span((*self.outer, self.width)), not self.scatter)

    def split(self, parts: int) -> list[Rows]:
        """Pieces along the largest outer loop; a scatter along the row, where its sums do not meet."""
        if not self.scatter and self.outer:
            loop = max(range(len(self.outer)), key=lambda i: (self.outer[i], -i))
            cuts = pieces(self.outer[loop], parts)
            return [self._along(loop, a, n) for a, n in cuts] if len(cuts) > 1 else [self]
        cuts = pieces(self.width, parts, GRAIN)
        return [self._columns(a, n) for a, n in cuts] if len(cuts) > 1 else [self]

    def _along(self, loop: int, start: int, size: int) -> Rows:
        outer = tuple(size if i == loop else n for i, n in enumerate(self.outer))
        return dataclasses.replace(
            self, outer=outer, index=self.index.moved(loop, start), rows=self.rows.moved(loop, start)
        )

    def _columns(self, start: int, size: int) -> Rows:
        rows = self.rows.moved(len(self.outer), start)
        return dataclasses.replace(self, width=size, table=self.table.moved(1, start), rows=rows)

    def cost(self) -> float:
        """About how many nanoseconds: 0.1 for a float32 that comes or goes, some for each row."""
        found = math.prod(self.outer) * (5 + 0.2 * self.width)
        return 20 + found + (0.05 * self.count * self.width if self.scatter else 0)

    def emit(self, f: Function, args: list[Any]) -> None:
        """Write the kernel; args: what `arguments` lists, as values or as plain ints."""
        Copier(f, self, args).emit()


class Line(NamedTuple):
    """A row in memory: where it begins, how far its places are apart, whether they lie side by side."""

    at: Number
    step: Number
    dense: bool


class Copier:
    """One such work on its way to code."""

    def __init__(self, f: Function, work: Rows, args: list[Any]) -> None:
        self.f, self.work, loops = f, work, len(work.outer)
        self.outer, self.width, self.count = args[:loops], args[loops], args[loops + 1]
        rest = args[loops + 2 :]
        self.table, self.table_steps = rest[0], rest[1:3]
        self.index, self.index_steps = rest[3], rest[4 : 4 + loops]
        self.rows, self.rows_steps = rest[4 + loops], rest[5 + loops :]

    def emit(self) -> None:
        """The whole kernel."""
        if self.work.scatter:
            self.f.loop(self.count, self.clear)
        self.walk(0, self.index, self.rows)

    def row_of_table(self, number: Number) -> Line:
        """A row of the table."""
        at = self.moved(self.table, number, self.table_steps[0], 4)
        return Line(at, self.table_steps[1], self.work.table.strides[1] == 1)

    def clear(self, number: Number) -> None:
        """Zeros in one row of the table."""
        row = self.row_of_table(number)
        self.along(lambda i, mask: self.put(self.f.floating(0.0), row, i, mask))

    def walk(self, depth: int, index: Number, rows: Number) -> None:
        """The outer loops from `depth` on."""
        if depth == len(self.outer):
            return self.one(index, Line(rows, self.rows_steps[-1], self.work.rows.strides[-1] == 1))

        def inside(i: Number) -> None:
            here = self.moved(index, i, self.index_steps[depth], 8)
            self.walk(depth + 1, here, self.moved(rows, i, self.rows_steps[depth], 4))

        self.f.loop(self.outer[depth], inside)
        return None

    def one(self, index: Number, row: Line) -> None:
        """One row to where it belongs."""
        f, number = self.f, self.f.load(LONG, index)
        number = f.select(f.compare("lt", number, 0), number + self.count, number)
        place = self.row_of_table(f.greatest(f.least(number, f.sub(self.count, 1)), 0))

        def gather(i: Number, mask: Mask) -> None:
            self.put(self.get(place, i, mask), row, i, mask)

        def scatter(i: Number, mask: Mask) -> None:
            self.put(self.get(place, i, mask) + self.get(row, i, mask), place, i, mask)

        self.along(scatter if self.work.scatter else gather)

    def along(self, body: Callable[[Number, Mask], None]) -> None:
        """The places of a row: several registers at a time, then one, then a part of one."""
        f, lanes = self.f, self.f.lanes
        many = f.sub(self.width, self.width % (SIDE * lanes))

        def side(i: Number) -> None:
            for n in range(SIDE):
                body(f.add(i, n * lanes), None)

        f.loop(many, side, step=SIDE * lanes)
        f.loop(self.width, lambda i: body(i, f.below(f.sub(self.width, i))), start=many, step=lanes, unroll=SIDE)

    def moved(self, at: Number, i: Number, step: Number, size: int) -> Number:
        """An address, i steps on."""
        return self.f.add(at, self.f.mul(self.f.mul(i, step), size))  # type: ignore[no-any-return]

    def get(self, line: Line, i: Number, mask: Mask) -> Ssa:
        """A register from place i of a row on."""
        if line.dense:
            return self.f.load(self.f.floats, self.moved(line.at, i, 1, 4), mask)
        return self.f.gather(FLOAT, self.moved(line.at, i, line.step, 4), self.places(line.step), mask)

    def put(self, x: Ssa, line: Line, i: Number, mask: Mask) -> None:
        """Write a register to place i of a row."""
        if line.dense:
            self.f.store(x, self.moved(line.at, i, 1, 4), mask)
        else:
            self.f.scatter(x, self.moved(line.at, i, line.step, 4), self.places(line.step), mask)

    def places(self, step: Number) -> Ssa:
        """How far each lane is from the first."""
        f = self.f
        found: Ssa = f.places() * (f.splat(f.cast("trunc", step, INT)) if isinstance(step, Ssa) else step)
        return found
