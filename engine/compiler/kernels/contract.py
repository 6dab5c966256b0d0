"""Sums of products, vectorised over results: matrix products, and convolutions as matrix products with other strides.

A tile of results stays in registers while the sum runs: some rows (numbers of `a`, repeated in every lane) times some
vectors of columns (of `b`). What does not fill a tile is done by smaller ones, the last columns under a mask.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engine.compiler.emit import Function
from engine.compiler.kernels.packed import Packed
from engine.compiler.kernels.product import SIZE, Epilogue, Given, Product, cuts
from engine.compiler.kernels.walking import WORD, entry, fill, over, splice
from engine.compiler.ssa import FLOAT, Mask, Number, Ssa

ROWS, GRAIN = 6, 64
"""Rows and columns are split in multiples of these, the sizes of a tile."""
CACHE = 600_000
"""Bytes of b that stay in the second cache while rows pass."""


@dataclass(frozen=True)
class Contraction(Product):
    """c[outer, m, n] = epilogue(sum over k of a[outer, m, k] * b[outer, n, k]), vectors along n, where b has stride 1.

    The data: see `Product`. The sum of each result is in the order of k's loops, whatever its place and the split.
    """

    @cached_property
    def side(self) -> bool:
        """Whether a lies turned: rows beside each other, products far apart."""
        return len(self.k) == 1 and not self.still and self.a.strides[-2] == 1 and abs(self.a.strides[-1]) >= 256

    @cached_property
    def packed(self) -> bool:
        """Whether enough rows use the same columns for long enough that these are worth laying side by side."""
        rows = self.m * math.prod(self.outer[i] for i in self.still)
        large = self.sums * self.n * SIZE > CACHE or (self.side and self.sums >= 192)
        return rows >= 24 and self.n > 32 and self.sums >= 96 and large

    @property
    def noted(self) -> bool:
        """Whether the places of several summed loops are noted in a table, so that the sum is one loop."""
        return len(self.k) > 1 and 0 < self.sums <= 1024 and not self.packed

    @cached_property
    def key(self) -> str:
        """Everything that decides the machine code."""
        how = f" packed {len(self.still)}{' side' * self.side}" if self.packed else " noted" * self.noted
        return f"contract {self.structure}{how}"

    def arguments(self) -> list[Any]:
        """Sizes of outer, m, n, k; then for a, b and each operand its address and strides."""
        if not self.packed:
            return super().arguments()
        moving = [i for i in range(len(self.outer)) if i not in self.still]
        return Product.arguments(self.arranged([*moving, *self.still]))

    def split(self, parts: int) -> list[Contraction]:
        """Pieces along the loop over results that divides best."""
        if parts < 2:
            return [self]
        loop, found = cuts(self.sizes, (*(1,) * len(self.outer), ROWS, GRAIN), parts)
        return [self.piece(loop, start, size) for start, size in found] if len(found) > 1 else [self]

    def cost(self) -> float:
        """About how many nanoseconds: 150 operations in each, fewer where lanes stay empty."""
        columns = -(-self.n // 16) * 16
        places = float(columns * self.m)
        for n in self.outer:
            places *= n
        return 30.0 + places * (2 * self.sums / 150 + 0.1 * (len(self.operands) + 1))

    def emit(self, f: Function, args: list[Any]) -> None:
        """Write the kernel; args: what `arguments` lists, as values or as plain ints."""
        given = Given.of(f, self, args)
        if self.packed:
            moving = given.outer[: len(self.outer) - len(self.still)]
            over(f, moving, lambda *p: Packed(f, self, given.moved(f, p), len(self.still), False, self.side).emit())
            return
        loops, table = len(self.outer) + 1, None
        if self.noted:
            table, walks = f.scratch(2 * WORD * 1024), [given.a.strides[loops:], given.b.strides[loops:]]
            fill(f, table, given.k, walks, 0, splice(f, given.k))
        over(f, given.outer, lambda *places: _Tiles(f, self, given.moved(f, places), table).emit())


class _Tiles:
    """All tiles of one place of the outer loops. table: how far a and b have come at each place of the sum."""

    def __init__(self, f: Function, work: Contraction, given: Given, table: Ssa | None) -> None:
        self.f, self.work, self.given, self.table = f, work, given, table
        self.epilogue = Epilogue(f, work, given.operands)
        wide = f.cpu.registers >= 32
        self.forms: list[tuple[int, tuple[int, ...]]] = (
            [(4, (6, 4, 2, 1)), (2, (8, 4, 2, 1)), (1, (8, 4, 2, 1))]
            if wide
            else [(2, (6, 4, 2, 1)), (1, (8, 4, 2, 1))]
        )

    def emit(self) -> None:
        """Columns in panels: full ones of the widest form, then what is left under masks."""
        f, n = self.f, self.given.n
        (wide, heights), *rest = self.forms
        width = wide * f.lanes
        full = f.mul(n // width, width)
        f.loop(full, lambda j: self._panel(j, [None] * wide, heights), step=width)
        self._rest(full, f.sub(n, full), rest)

    def _rest(self, start: Any, left: Any, forms: list[tuple[int, tuple[int, ...]]]) -> None:
        f = self.f
        (count, heights), *narrower = forms
        if not narrower:
            f.loop(left, lambda j: self._panel(f.add(start, j), [f.below(f.sub(left, j))], heights), step=f.lanes)
            return
        width = count * f.lanes
        fits = f.compare("gt", left, width - f.lanes)

        def panel(start: Any, left: Any) -> tuple[Any, Any]:
            self._panel(start, [f.below(f.sub(left, q * f.lanes)) for q in range(count)], heights)
            return f.add(start, width), f.greatest(f.sub(left, width), 0)

        start, left = f.when(fits, lambda: panel(start, left), (start, left))
        self._rest(start, left, narrower)

    def _panel(self, column: Any, masks: list[Mask], heights: tuple[int, ...]) -> None:
        """Rows in tiles of the first height, what is left in smaller ones."""
        f, m = self.f, self.given.m
        tallest, *smaller = heights
        f.loop(f.sub(m, tallest - 1), lambda i: self._tile(i, tallest, column, masks), step=tallest)
        done = f.mul(m // tallest, tallest)
        for height in smaller:
            rows, row = height, done

            def tile(row: Any = row, rows: int = rows) -> tuple[Any]:
                self._tile(row, rows, column, masks)
                return (f.add(row, rows),)

            (done,) = f.when(f.compare("ge", f.sub(m, row), rows), tile, (row,))

    def _tile(self, row: Any, height: int, column: Any, masks: list[Mask]) -> None:
        f, given = self.f, self.given
        columns = [f.mul(f.add(column, q * f.lanes), SIZE) for q in range(len(masks))]
        sums = self._sums(row, height, columns, masks)
        for r in range(height):
            rows = [o.at(f, f.add(row, r)) for o in given.operands]
            for q, mask in enumerate(masks):
                self.epilogue.run(sums[r * len(masks) + q], rows, f.add(column, q * f.lanes), mask)

    def _sums(self, row: Any, height: int, columns: list[Any], masks: list[Mask]) -> list[Ssa]:
        f, given = self.f, self.given
        a = [given.a.at(f, f.add(row, r)) for r in range(height)]
        b = f.add(given.b.address, columns[0])
        zeros = [f.floating(0.0)] * (height * len(masks))
        some = f.compare("gt", splice(f, given.k), 0)
        return list(f.when(some, lambda: self._sum(a, b, masks, zeros), zeros))

    def _sum(self, a: list[Any], b: Any, masks: list[Mask], zeros: list[Ssa]) -> list[Ssa]:
        f, given, table = self.f, self.given, self.table
        if table is None:
            steps = list(zip(given.k, given.a.strides[1:], given.b.strides[1:], strict=True))
            return self._nested(steps, a, 0, b, masks, zeros)

        def body(i: Any, *held: Ssa) -> list[Ssa]:
            along_a, along_b = (entry(f, table, i, walk, 2) for walk in (0, 1))
            return self._products(a, along_a, f.add(b, along_b), masks, list(held))

        return list(f.loop(splice(f, given.k), body, zeros, once=True))

    def _nested(
        self, steps: list[tuple[Any, Any, Any]], a: list[Any], along: Number, b: Any, masks: list[Mask], held: list[Ssa]
    ) -> list[Ssa]:
        """The loops over k from here on in; held: the sums so far."""
        f = self.f
        if not steps:
            return self._products(a, along, b, masks, held)
        (size, step_a, step_b), *inner = steps

        def body(_: Any, along: Any, b: Any, *held: Ssa) -> tuple[Any, ...]:
            found = self._nested(inner, a, along, b, masks, list(held))
            return (f.add(along, step_a), f.add(b, step_b), *found)

        return list(f.loop(size, body, (along, b, *held), once=True)[2:])

    def _products(self, a: list[Any], along: Any, b: Any, masks: list[Mask], held: list[Ssa]) -> list[Ssa]:
        f, found = self.f, []
        vectors = [f.load(f.floats, f.add(b, q * f.lanes * SIZE), mask) for q, mask in enumerate(masks)]
        for r, row in enumerate(a):
            number = f.splat(f.load(FLOAT, f.add(row, along)))
            found += [f.fma(number, v, held[r * len(masks) + q]) for q, v in enumerate(vectors)]
        return found
