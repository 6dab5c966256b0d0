"""Large products: the vectors of a panel of columns are laid side by side in a scratch area before many rows use them.

The sum is cut into blocks, so that a panel stays in the first two caches; what each result has summed up so far waits
in the scratch area, too. Every result still sums in the order of k, so the numbers are those of the plain kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.compiler.emit import Function
from engine.compiler.kernels.product import SIZE, Epilogue, Given, Product, Walk
from engine.compiler.kernels.transpose import interleaved
from engine.compiler.kernels.walking import entry, fill, over, splice
from engine.compiler.ssa import FLOAT, LONG, Ssa

DEPTH = 256
"""Products of each sum in a block."""
ROWS = 288
"""Rows that wait at a time."""
WORD = 8


@dataclass(frozen=True)
class Areas:
    """Addresses in the scratch area: the packed panel, sums so far, where rows begin, where steps along k lie."""

    panel: Ssa
    sums: Ssa
    rows: Ssa
    steps: Ssa

    @classmethod
    def of(cls, f: Function, width: int, entries: int) -> Areas:
        """For panels of `width` columns and `entries` walks over the rows."""
        sizes = [(DEPTH + f.lanes) * width * SIZE, ROWS * width * SIZE, ROWS * entries * WORD, DEPTH * WORD]
        start = f.scratch(sum(sizes))
        return cls(*(start + sum(sizes[:i]) for i in range(4)))


class Packed:
    """One place of the outer loops that move b. shared: how many outer loops, the last ones, do not; they count as rows.

    turned: b has stride 1 along the last loop of k, not along n.
    """

    def __init__(self, f: Function, work: Product, given: Given, shared: int, turned: bool) -> None:
        self.f, self.work, self.given, self.turned = f, work, given, turned
        self.epilogue = Epilogue(f, work, given.operands)
        self.walks = (given.a, *given.operands)
        self.shared = shared
        self.b = Walk(given.b.address, given.b.strides[shared:])
        self.row_sizes = (*given.outer, given.m)
        self.forms = (4, 2, 1) if f.cpu.registers >= 32 else (2, 1)
        self.areas = Areas.of(f, self.forms[0] * f.lanes, len(self.walks))

    def emit(self) -> None:
        """Panels of columns: wide ones, the last of which may be nearly empty, then what is left in narrow ones."""
        f, n, start = self.f, self.given.n, 0
        for form in self.forms:
            width = form * f.lanes
            least = width // 2 if form > 1 else 0  # of so many columns and fewer a narrower panel takes care
            panels = f.add(f.sub(n, start), width - 1 - least) // width
            f.loop(panels, lambda p, s=start, w=form: self._panel(f.add(s, f.mul(p, w * f.lanes)), w))
            start = f.least(n, f.add(start, f.mul(panels, width)))

    def _panel(self, column: Any, form: int) -> None:
        """All rows of a panel, as many at a time as may wait."""
        f, total = self.f, splice(self.f, self.row_sizes)

        def block(first: Any) -> None:
            count = f.least(f.sub(total, first), ROWS)
            self._rows(column, form, first, count)

        f.loop(total, block, step=ROWS)

    def _rows(self, column: Any, form: int, first: Any, count: Any) -> None:
        f, areas = self.f, self.areas
        if self.shared:
            strides = [w.strides[: len(self.row_sizes)] for w in self.walks]
            fill(f, areas.rows, self.row_sizes, strides, first, count)
        vectors = f.mul(count, form)
        zero = f.floating(0.0)
        f.loop(vectors, lambda i: f.store(zero, f.add(areas.sums, f.mul(i, f.lanes * SIZE))))
        self._sum(column, form, first, count)
        f.loop(count, lambda r: self._finish(column, form, first, r))

    # ------------------------------------------------------------------------------------------------- places
    def _row(self, walk: int, first: Any, row: Any) -> Any:
        """Where row first + row begins for a walk: 0 is a, then the operands."""
        w = self.walks[walk]
        if self.shared:
            return self.f.add(w.address, entry(self.f, self.areas.rows, row, walk, len(self.walks)))
        return w.at(self.f, self.f.add(first, row))

    def _finish(self, column: Any, form: int, first: Any, row: Any) -> None:
        """The epilogue of one row."""
        f, lanes = self.f, self.f.lanes
        rows = [self._row(1 + i, first, row) for i in range(len(self.given.operands))]
        cheap = self.epilogue.cycles <= 12

        def vector(q: Any) -> None:
            at = f.add(self.areas.sums, f.add(f.mul(row, form * lanes * SIZE), f.mul(q, lanes * SIZE)))
            place = f.add(column, f.mul(q, lanes))
            mask = f.below(f.sub(self.given.n, place))
            self.epilogue.run(f.load(f.floats, at), rows, f.mul(place, SIZE), mask)

        f.loop(form, vector, unroll=form if cheap else 1)

    # ------------------------------------------------------------------------------------------------- sums
    def _sum(self, column: Any, form: int, first: Any, count: Any) -> None:
        """Blocks of the sum: pack, then every tile of rows adds its products."""
        f, given, loops = self.f, self.given, len(self.row_sizes)
        a, b = given.a.strides[loops:], self.b.strides[1:]
        if self.turned:
            self._blocks(given.k[-1], lambda k, n, x, y: self._turned(column, form, first, count, k, n, x, y), a, b)
        elif len(given.k) == 1:
            self._blocks(given.k[0], lambda k, n, x, y: self._straight(column, form, first, count, k, n), a, b)
        else:
            total = splice(f, given.k)
            self._cut(total, lambda k, n: self._straight(column, form, first, count, k, n))

    def _blocks(self, size: Any, body: Any, a: Any, b: Any) -> None:
        """Blocks of the last loop of k, inside of the others; body(start, count, where a begins, where b begins)."""
        f = self.f

        def inner(*places: Any) -> None:
            at = Walk(0, a).at(f, *places), Walk(0, b).at(f, *places)
            self._cut(size, lambda k, n: body(k, n, *at))

        over(f, self.given.k[:-1], inner)

    def _cut(self, total: Any, body: Any) -> None:
        """Nearly equal blocks of at most DEPTH."""
        f = self.f
        parts = f.add(total, DEPTH - 1) // DEPTH
        size = f.add(total, f.sub(f.greatest(parts, 1), 1)) // f.greatest(parts, 1)
        f.loop(parts, lambda t: body(f.mul(t, size), f.least(size, f.sub(total, f.mul(t, size)))))

    def _straight(self, column: Any, form: int, first: Any, count: Any, k: Any, depth: Any) -> None:
        """b has stride 1 along n: copy; with more than one loop of k, note where a's numbers lie."""
        f, given, areas, lanes = self.f, self.given, self.areas, self.f.lanes
        a, b = given.a.strides[len(self.row_sizes) :], self.b.strides[1:]
        masks = [f.below(f.sub(given.n, f.add(column, q * lanes))) for q in range(form)]
        source = f.add(self.b.address, f.mul(column, SIZE))

        def copy(i: Any, at: Any) -> None:
            into = f.add(areas.panel, f.mul(i, form * lanes * SIZE))
            for q, mask in enumerate(masks):
                value = f.load(f.floats, f.add(f.add(source, at), q * lanes * SIZE), mask)
                f.store(value, f.add(into, q * lanes * SIZE))

        if len(given.k) == 1:
            f.loop(depth, lambda i: copy(i, f.mul(f.add(k, i), b[0])))
            self._tiles(form, first, count, depth, f.mul(k, a[0]), a[0])
        else:
            fill(f, areas.steps, given.k, [a], k, depth, extra=b, body=copy)
            self._tiles(form, first, count, depth, 0, None)

    def _turned(self, column: Any, form: int, first: Any, count: Any, k: Any, depth: Any, at_a: Any, at_b: Any) -> None:
        """b has stride 1 along k: transpose squares of lanes."""
        f, given, lanes = self.f, self.given, self.f.lanes
        a = given.a.strides[-1]
        source, step = f.add(self.b.address, f.add(at_b, f.mul(k, SIZE))), self.b.strides[0]

        def square(i: Any) -> None:
            mask = f.below(f.sub(depth, i))
            into = f.add(self.areas.panel, f.mul(i, form * lanes * SIZE))
            for q in range(form):
                lines = []
                for r in range(lanes):
                    # beyond the last column the last one is read once more: its sums are never stored
                    place = f.least(f.add(column, q * lanes + r), f.sub(given.n, 1))
                    lines.append(f.load(f.floats, f.add(f.add(source, f.mul(place, step)), f.mul(i, SIZE)), mask))
                for c, line in enumerate(interleaved(f, lines)):
                    f.store(line, f.add(into, (c * form + q) * lanes * SIZE))

        f.loop(depth, square, step=lanes)
        self._tiles(form, first, count, depth, f.add(at_a, f.mul(k, a)), a)

    def _tiles(self, form: int, first: Any, count: Any, depth: Any, start: Any, step: Any) -> None:
        """Add the products of a block to the sums of all rows. step: how far a's numbers lie apart, None: look it up."""
        f, done = self.f, 0
        for height in (6, 4, 2, 1) if form > 2 or f.cpu.registers < 32 else (12, 4, 2, 1):
            f.loop(
                f.sub(count, height - 1),
                lambda i, h=height: self._tile(form, first, i, h, depth, start, step),
                start=done,
                step=height,
            )
            done = f.add(done, f.mul(f.sub(count, done) // height, height))

    def _tile(self, form: int, first: Any, row: Any, height: int, depth: Any, start: Any, step: Any) -> None:
        f, areas, line = self.f, self.areas, form * self.f.lanes * SIZE
        a = [f.add(self._row(0, first, f.add(row, r)), start) for r in range(height)]
        at = [
            f.add(f.add(areas.sums, f.mul(row, line)), r * line + q * f.lanes * SIZE)
            for r in range(height)
            for q in range(form)
        ]
        held = [f.load(f.floats, x) for x in at]

        def body(i: Any, along: Any, b: Any, *held: Ssa) -> tuple[Any, ...]:
            place = along if step is not None else f.load(LONG, f.add(areas.steps, f.mul(i, WORD)))
            vectors = [f.load(f.floats, f.add(b, q * f.lanes * SIZE)) for q in range(form)]
            found: list[Ssa] = []
            for r, x in enumerate(a):
                number = f.splat(f.load(FLOAT, f.add(x, place)))
                found += [f.fma(number, v, held[r * form + q]) for q, v in enumerate(vectors)]
            return (f.add(along, step or 0), f.add(b, line), *found)

        for x, place in zip(f.loop(depth, body, (0, areas.panel, *held), once=True)[2:], at, strict=True):
            f.store(x, place)
