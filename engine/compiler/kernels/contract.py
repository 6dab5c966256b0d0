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
from engine.compiler.kernels.product import SIZE, Epilogue, Given, Product, Walk, cuts
from engine.compiler.kernels.walking import WORD, entry, fill, over, splice
from engine.compiler.ssa import FLOAT, Mask, Number, Ssa

ROWS, GRAIN = 6, 64
"""Rows and columns are split in multiples of these, the sizes of a tile."""
CACHE = 600_000
"""Bytes of b that stay in the second cache while rows pass."""
TABLE, WAITING = 2 * WORD * 1024, 12 * (960 + 16) * SIZE
"""Bytes of the table of places, and of the sums that wait between blocks of the sum."""
BLOCK = 64
"""Products of each sum in such a block: 64 columns of b are 16 KB then, half of the first cache."""
JOINED, HEIGHTS = (2, 3, 4, 5, 7), (1, 2, 3, 4, 6)
"""Places of an outer loop and rows of a tile that has both."""
Place = tuple[Any, ...]
Row = tuple[Any, Any]


@dataclass(frozen=True)
class Joint:
    """Tiles of `places` of an outer loop times `rows` times `vectors` (of 16 columns)."""

    loop: int
    places: int
    rows: int
    vectors: int

    def cycles(self, outer: int, m: int) -> float:
        """About how many cycles a step of the sum takes for all places and rows."""
        return sum(
            x * y * _cycles(places * rows, self.vectors)
            for places, x in ((self.places, outer // self.places), (1, outer % self.places))
            for rows, y in ((self.rows, m // self.rows), (1, m % self.rows))
        )

    def fit(self, f: Function) -> Joint:
        """The same with as many sums as the registers hold."""
        if f.cpu.registers >= 32:
            return self
        vectors = min(2, self.vectors)
        rows = min(self.rows, 6 // vectors)
        return Joint(self.loop, max(1, min(self.places, 12 // vectors // rows)), rows, vectors)


def _cycles(rows: int, vectors: int) -> float:
    """About how many cycles a tile's step takes: two products or loads in each, and a sum is ready after four."""
    return 0.5 + max(4.0, 0.5 * rows * vectors, 0.5 * (rows + vectors))


def _plain(m: int, n: int) -> float:
    """The same for a place of the outer loops whose rows are on their own."""
    vectors, cycles = -(-n // 16), 0.0
    for form, heights in ((4, (6, 4, 2, 1)), (2, (8, 4, 2, 1)), (1, (8, 4, 2, 1))):
        panels, left = vectors // form, m
        vectors %= form
        for height in heights:
            cycles += panels * (left // height) * _cycles(height, form)
            left %= height
    return cycles


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
        # few columns are worth it where many windows pass: a weight's gradient with more places than the cache holds
        broad = self.n > 32 or (self.n > 8 and rows >= 40 and bool(self.still))
        return rows >= 24 and broad and self.sums >= 96 and large

    @cached_property
    def joint(self) -> Joint | None:
        """How places of an outer loop along which b stands still join the rows of a tile, where these are too few."""
        if self.packed or self.n > 4 * 16 or not self.still:
            return None
        vectors = -(-self.n // 16)
        near = sorted(self.still, key=lambda i: abs(self.a.strides[i]))  # the nearest places share most of a
        shapes = [
            (loop, places, rows) for loop in near for places in JOINED for rows in HEIGHTS
            if places <= self.outer[loop] and rows <= self.m and places * rows * vectors <= (26 if vectors > 1 else 10)
        ]  # fmt: skip
        forms = [Joint(*shape, vectors) for shape in shapes]
        rest = math.prod(self.outer[i] for i in self.still)
        plain = rest * _plain(self.m, self.n)
        found = [(rest / self.outer[form.loop] * form.cycles(self.outer[form.loop], self.m), form) for form in forms]
        cycles, best = min(found, key=lambda x: x[0], default=(plain, None))
        return best if cycles < 0.9 * plain else None

    @property
    def noted(self) -> bool:
        """Whether the places of several summed loops are noted in a table, so that the sum is one loop."""
        return len(self.k) > 1 and 0 < self.sums <= 1024 and not self.packed

    @property
    def cut(self) -> bool:
        """Whether columns share most of what they read, as windows do, but one panel's would fill the first cache.

        The sum is cut into blocks then, and all columns of a few rows add a block's products before the next one.
        """
        shared = self.n > 64 and any(0 < abs(s) < self.n for s in self.b.strides[-len(self.k) :])
        return (
            self.noted and not self.joint and shared and self.m <= 12 and self.n <= 960 and self.sums > 3 * BLOCK // 2
        )

    @cached_property
    def key(self) -> str:
        """Everything that decides the machine code."""
        how = f" packed {len(self.still)}{' side' * self.side}" if self.packed else " noted" * self.noted
        how += f" joint {self.joint.places} {self.joint.rows} {self.joint.vectors}" if self.joint else ""
        how += " cut" * self.cut
        return f"contract {self.structure}{how}"

    def arguments(self) -> list[Any]:
        """Sizes of outer, m, n, k; then for a, b and each operand its address and strides."""
        last = self.still if self.packed else [self.joint.loop] if self.joint else []
        return Product.arguments(self.arranged([*(i for i in range(len(self.outer)) if i not in last), *last]))

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
            table, walks = f.scratch(TABLE), [given.a.strides[loops:], given.b.strides[loops:]]
            fill(f, table, given.k, walks, 0, splice(f, given.k))
        alone = given.outer[: len(given.outer) - (self.joint is not None)]
        over(f, alone, lambda *places: self._place(f, given.moved(f, places), table))

    def _place(self, f: Function, given: Given, table: Ssa | None) -> None:
        """One place of the outer loops; the sum in blocks where it is cut."""
        if not self.cut:
            _Tiles(f, self, given, table).emit()
            return
        total, sums = splice(f, given.k), f.scratch(TABLE + WAITING) + TABLE

        def block(start: Any) -> None:
            end = f.least(f.add(start, BLOCK), total)
            _Tiles(f, self, given, table, Block(sums, start, end, f.compare("eq", end, total))).emit()

        f.loop(total, block, step=BLOCK)


@dataclass(frozen=True)
class Block:
    """Part of the sum, from one entry of the table to another; where the sums of rows wait; whether it is the last."""

    sums: Any
    start: Any
    end: Any
    last: Any

    def lines(self, f: Function, n: Any, rows: list[Place]) -> list[Any]:
        """Addresses of the sums of rows, which end on full panels; not 4096 bytes apart, which is slow."""
        pitch = f.add(f.mul(f.add(n, 63) // 64, 64 * SIZE), 16 * SIZE)
        return [f.add(self.sums, f.mul(row[-1], pitch)) for row in rows]


class _Tiles:
    """All tiles of one place of the outer loops. table: how far a and b have come at each place of the sum."""

    def __init__(
        self, f: Function, work: Contraction, given: Given, table: Ssa | None, block: Block | None = None
    ) -> None:
        self.f, self.work, self.given, self.table, self.block = f, work, given, table, block
        self.epilogue = Epilogue(f, work, given.operands)
        self.loops = len(given.outer) + 1
        wide = f.cpu.registers >= 32
        self.forms: list[tuple[int, tuple[int, ...]]] = (
            [(4, (6, 4, 2, 1)), (2, (8, 4, 2, 1)), (1, (8, 4, 2, 1))]
            if wide
            else [(2, (6, 4, 2, 1)), (1, (8, 4, 2, 1))]
        )

    def emit(self) -> None:
        """Columns in panels: full ones of the widest form, then what is left under masks."""
        f, n = self.f, self.given.n
        if joint := self.work.joint:
            joint = joint.fit(f)
            width = joint.vectors * f.lanes
            f.loop(n, lambda j: self._joint(joint, j, self._masks(f.sub(n, j), joint.vectors)), step=width)
            return
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
            self._panel(start, self._masks(left, count), heights)
            return f.add(start, width), f.greatest(f.sub(left, width), 0)

        start, left = f.when(fits, lambda: panel(start, left), (start, left))
        self._rest(start, left, narrower)

    def _masks(self, left: Any, count: int) -> list[Mask]:
        return [self.f.below(self.f.sub(left, q * self.f.lanes)) for q in range(count)]

    def _joint(self, joint: Joint, column: Any, masks: list[Mask]) -> None:
        """Tiles of some places of the last outer loop times some rows."""
        f, (size,), m = self.f, self.given.outer, self.given.m

        def tiles(j: Any, places: int) -> None:
            def tile(i: Any, rows: int) -> None:
                self._tile([(f.add(j, x), f.add(i, r)) for x in range(places) for r in range(rows)], column, masks)

            self._cover(m, joint.rows, tile)

        self._cover(size, joint.places, tiles)

    def _cover(self, size: Any, form: int, body: Any) -> None:
        """body(first, how many): as many of a form as fit, then one at a time."""
        f = self.f
        full = f.mul(size // form, form)
        f.loop(full, lambda i: body(i, form), step=form)
        if form > 1:
            f.loop(size, lambda i: body(i, 1), start=full)

    def _panel(self, column: Any, masks: list[Mask], heights: tuple[int, ...]) -> None:
        """Rows in tiles of the first height, what is left in smaller ones."""
        f, m = self.f, self.given.m
        tallest, *smaller = heights
        f.loop(f.sub(m, tallest - 1), lambda i: self._tile(self._rows(i, tallest), column, masks), step=tallest)
        done = f.mul(m // tallest, tallest)
        for height in smaller:
            rows, row = height, done

            def tile(row: Any = row, rows: int = rows) -> tuple[Any]:
                self._tile(self._rows(row, rows), column, masks)
                return (f.add(row, rows),)

            (done,) = f.when(f.compare("ge", f.sub(m, row), rows), tile, (row,))

    def _rows(self, row: Any, height: int) -> list[Place]:
        return [(self.f.add(row, r),) for r in range(height)]

    def _tile(self, rows: list[Place], column: Any, masks: list[Mask]) -> None:
        f = self.f
        zeros = [f.floating(0.0)] * (len(rows) * len(masks))
        if (block := self.block) is None:
            self._finish(rows, column, masks, self._sums(rows, f.mul(column, SIZE), masks, zeros))
            return
        lines = block.lines(f, self.given.n, rows)
        at = [f.add(line, f.mul(f.add(column, q * f.lanes), SIZE)) for line in lines for q in range(len(masks))]
        held = f.branch(f.compare("eq", block.start, 0), lambda: zeros, lambda: [f.load(f.floats, x) for x in at])
        sums = self._sums(rows, f.mul(column, SIZE), masks, list(held))

        def wait() -> None:
            for x, place in zip(sums, at, strict=True):
                f.store(x, place)

        f.branch(block.last, lambda: self._finish(rows, column, masks, sums), wait)

    def _finish(self, rows: list[Place], column: Any, masks: list[Mask], sums: list[Ssa]) -> None:
        f = self.f
        for r, row in enumerate(rows):
            addresses = [o.at(f, *row) for o in self.given.operands]
            for q, mask in enumerate(masks):
                self.epilogue.run(sums[r * len(masks) + q], addresses, f.add(column, q * f.lanes), mask)

    def _sums(self, rows: list[Place], column: Any, masks: list[Mask], held: list[Ssa]) -> list[Ssa]:
        f, given = self.f, self.given
        # a row's address is that of its m and how far its outer place lies behind: few registers hold them all
        first, m = given.a.strides[0], Walk(given.a.address, given.a.strides[self.loops - 1 :])
        a = [(m.at(f, row[-1]), f.mul(first, row[0]) if len(row) > 1 else 0) for row in rows]
        b = f.add(given.b.address, column)
        some = f.compare("gt", splice(f, given.k), 0)
        return list(f.when(some, lambda: self._sum(a, b, masks, held), held))

    def _sum(self, a: list[Row], b: Any, masks: list[Mask], held: list[Ssa]) -> list[Ssa]:
        f, given, table = self.f, self.given, self.table
        if table is None:
            steps = list(zip(given.k, given.a.strides[self.loops :], given.b.strides[self.loops :], strict=True))
            return self._nested(steps, a, 0, b, masks, held)

        def body(i: Any, *held: Ssa) -> list[Ssa]:
            along_a, along_b = (entry(f, table, i, walk, 2) for walk in (0, 1))
            return self._products(a, along_a, f.add(b, along_b), masks, list(held))

        start, end = (self.block.start, self.block.end) if self.block else (0, splice(f, given.k))
        return list(f.loop(end, body, held, start=start, once=True))

    def _nested(
        self, steps: list[tuple[Any, Any, Any]], a: list[Row], along: Number, b: Any, masks: list[Mask], held: list[Ssa]
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

    def _products(self, a: list[Row], along: Any, b: Any, masks: list[Mask], held: list[Ssa]) -> list[Ssa]:
        f, found = self.f, []
        vectors = [f.load(f.floats, f.add(b, q * f.lanes * SIZE), mask) for q, mask in enumerate(masks)]
        places: dict[Any, Any] = {}
        for r, (row, behind) in enumerate(a):
            if behind not in places:  # hidden, or each row of each place would have an address (a register) of its own
                places[behind] = (
                    f.opaque(f.add(along, behind)) if isinstance(behind, Ssa) and len(a) > 12 else f.add(along, behind)
                )
            number = f.splat(f.load(FLOAT, f.add(row, places[behind])))
            found += [f.fma(number, v, held[r * len(masks) + q]) for q, v in enumerate(vectors)]
        return found
