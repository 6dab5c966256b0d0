"""Large products: the vectors of a panel of columns are laid side by side in a scratch area before many rows use them.

The sum is cut into blocks, so that a panel stays in the first two caches; what each result has summed up so far waits
in the scratch area, too. Every result still sums in the order of k, so the numbers are those of the plain kernel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.compiler.code.emit import Function
from engine.compiler.code.ssa import FLOAT, LONG, Ssa
from engine.compiler.kernels.product import SIZE, Epilogue, Given, Product, Walk
from engine.compiler.kernels.transpose import interleaved
from engine.compiler.kernels.walking import entry, fill, over, splice

DEPTH = 160
"""Products of each sum in a block."""
ROWS = 144
"""Rows that wait at a time."""
PANELS = 4
"""Panels that are packed at a time, so that a's numbers are fetched once for all of them."""
AHEAD = 4
"""Rows of b that are fetched before they are packed; it pays where b comes from beyond the caches."""
WORD = 8


@dataclass(frozen=True)
class Areas:
    """Addresses in the scratch area: packed panels, sums so far, where rows begin, where a's steps lie."""

    panel: Ssa
    sums: Ssa
    rows: Ssa
    steps: Ssa

    @classmethod
    def of(cls, f: Function, width: int, entries: int) -> Areas:
        """For panels of `width` columns and `entries` walks over the rows."""
        columns = PANELS * width * SIZE
        sizes = [DEPTH * columns, ROWS * columns, ROWS * entries * WORD, DEPTH * WORD]
        start = f.scratch(sum(sizes))
        return cls(*(start + sum(sizes[:i]) for i in range(len(sizes))))


@dataclass(frozen=True)
class Part:
    """Some panels of `form` vectors from a column on, and `count` rows from a first one on."""

    column: Any
    form: int
    panels: Any
    first: Any
    count: Any


class Packed:
    """One place of the outer loops that move b. shared: so many outer loops, the last ones, do not: they count as rows.

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

            def block(p: Any, start: Any = start, form: int = form, panels: Any = panels) -> None:
                column = f.add(start, f.mul(p, form * f.lanes))
                self._panels(column, form, f.least(f.sub(panels, p), PANELS))

            f.loop(panels, block, step=PANELS)
            start = f.least(n, f.add(start, f.mul(panels, width)))

    def _panels(self, column: Any, form: int, panels: Any) -> None:
        """All rows of some panels, as many at a time as may wait."""
        f, total = self.f, splice(self.f, self.row_sizes)

        def block(first: Any) -> None:
            self._rows(Part(column, form, panels, first, f.least(f.sub(total, first), ROWS)))

        f.loop(total, block, step=ROWS)

    def _rows(self, part: Part) -> None:
        f, areas = self.f, self.areas
        if self.shared:
            strides = [w.strides[: len(self.row_sizes)] for w in self.walks]
            fill(f, areas.rows, self.row_sizes, strides, part.first, part.count)
        zero, line = f.floating(0.0), f.lanes * SIZE

        def clear(p: Any) -> None:
            start = f.add(areas.sums, f.mul(p, ROWS * part.form * line))
            f.loop(f.mul(part.count, part.form), lambda i: f.store(zero, f.add(start, f.mul(i, line))))

        f.loop(part.panels, clear)
        self._sum(part)
        f.loop(part.count, lambda r: self._finish(part, r))

    # ------------------------------------------------------------------------------------------------- places
    def _row(self, walk: int, part: Part, row: Any) -> Any:
        """Where a row of a part begins for a walk: 0 is a, then the operands."""
        w = self.walks[walk]
        if self.shared:
            return self.f.add(w.address, entry(self.f, self.areas.rows, row, walk, len(self.walks)))
        return w.at(self.f, self.f.add(part.first, row))

    def _finish(self, part: Part, row: Any) -> None:
        """The epilogue of one row."""
        f, lanes, form = self.f, self.f.lanes, part.form
        rows = [self._row(1 + i, part, row) for i in range(len(self.given.operands))]

        def panel(p: Any) -> None:
            line = f.add(self.areas.sums, f.mul(f.add(f.mul(p, ROWS), row), form * lanes * SIZE))
            column = f.add(part.column, f.mul(p, form * lanes))

            def vector(q: Any) -> None:
                place = f.add(column, f.mul(q, lanes))
                sums = f.load(f.floats, f.add(line, f.mul(q, lanes * SIZE)))
                self.epilogue.run(sums, rows, place, f.below(f.sub(self.given.n, place)))

            f.loop(form, vector, unroll=form if self.epilogue.cycles <= 12 else 1)

        f.loop(part.panels, panel)

    # ------------------------------------------------------------------------------------------------- sums
    def _sum(self, part: Part) -> None:
        """Blocks of the sum: pack, then every tile of rows adds its products."""
        given, loops = self.given, len(self.row_sizes)
        if self.turned:
            self._blocks(part, Walk(0, given.a.strides[loops:]), Walk(0, self.b.strides[1:]))
        else:
            self._cut(splice(self.f, given.k), lambda k, depth: self._straight(part, k, depth))

    def _blocks(self, part: Part, a: Walk, b: Walk) -> None:
        """Blocks of the last loop of k, inside of the others."""
        f, k = self.f, self.given.k

        def inner(*places: Any) -> None:
            at_a, at_b = a.at(f, *places), b.at(f, *places)
            self._cut(k[-1], lambda k, depth: self._turned(part, k, depth, at_a, at_b))

        over(f, k[:-1], inner)

    def _cut(self, total: Any, body: Any) -> None:
        """Nearly equal blocks of at most DEPTH."""
        f = self.f
        parts = f.add(total, DEPTH - 1) // DEPTH
        size = f.add(total, f.sub(f.greatest(parts, 1), 1)) // f.greatest(parts, 1)
        f.loop(parts, lambda t: body(f.mul(t, size), f.least(size, f.sub(total, f.mul(t, size)))))

    def _straight(self, part: Part, k: Any, depth: Any) -> None:
        """b has stride 1 along n: copy; with more than one loop of k, note where a's numbers lie."""
        f, given, line = self.f, self.given, part.form * self.f.lanes * SIZE
        a, b = given.a.strides[len(self.row_sizes) :], self.b.strides[1:]

        def copy(i: Any, at: Any) -> None:
            source, target = f.add(self.b.address, at), f.add(self.areas.panel, f.mul(i, line))
            f.loop(part.panels, lambda p: self._copy(part, p, source, f.add(target, f.mul(p, DEPTH * line))))

        if len(given.k) == 1:
            f.loop(depth, lambda i: copy(i, f.mul(f.add(k, i), b[0])))
            self._tiles(part, depth, f.mul(k, a[0]), a[0])
        else:
            fill(f, self.areas.steps, given.k, [a], k, depth, extra=b, body=copy)
            self._tiles(part, depth, 0, None)

    def _copy(self, part: Part, panel: Any, source: Any, target: Any) -> None:
        """The columns of a panel of one row of b."""
        f, lanes = self.f, self.f.lanes
        for q in range(part.form):
            place = f.add(f.add(part.column, f.mul(panel, part.form * lanes)), q * lanes)
            at = f.add(source, f.mul(place, SIZE))
            f.prefetch(f.add(at, f.mul(self.b.strides[-1], AHEAD)))
            value = f.load(f.floats, at, f.below(f.sub(self.given.n, place)))
            f.store(value, f.add(target, q * lanes * SIZE))

    def _turned(self, part: Part, k: Any, depth: Any, at_a: Any, at_b: Any) -> None:
        """b has stride 1 along k: transpose squares of lanes."""
        f, a, lanes = self.f, self.given.a.strides[-1], self.f.lanes
        source = f.add(self.b.address, f.add(at_b, f.mul(k, SIZE)))
        rounds = f.add(depth, lanes - 1) // lanes

        def panel(p: Any) -> None:
            f.loop(
                rounds,
                lambda t: self._squares(part, p, source, f.mul(t, lanes), f.below(f.sub(depth, f.mul(t, lanes)))),
            )

        f.loop(part.panels, panel)
        self._tiles(part, depth, f.add(at_a, f.mul(k, a)), a)

    def _squares(self, part: Part, panel: Any, source: Any, i: Any, mask: Any) -> None:
        """The columns of a panel, from place i of a block on."""
        f, lanes, form = self.f, self.f.lanes, part.form
        into = f.add(self.areas.panel, f.mul(f.add(f.mul(panel, DEPTH), i), form * lanes * SIZE))
        column = f.add(part.column, f.mul(panel, form * lanes))

        def square(q: Any) -> None:
            lines, first = [], f.add(column, f.mul(q, lanes))
            for r in range(lanes):
                # beyond the last column the last one is read once more: its sums are never stored
                place = f.least(f.add(first, r), f.sub(self.given.n, 1))
                at = f.add(f.add(source, f.mul(place, self.b.strides[0])), f.mul(i, SIZE))
                lines.append(f.load(f.floats, at, mask))
            target = f.add(into, f.mul(q, lanes * SIZE))
            for c, line in enumerate(interleaved(f, lines)):
                f.store(line, f.add(target, c * form * lanes * SIZE))

        f.loop(form, square)

    def _tiles(self, part: Part, depth: Any, start: Any, step: Any) -> None:
        """Add the products of a block to all sums. step: from one number of a to the next; None: look it up."""
        f, done = self.f, 0
        for height in (6, 4, 2, 1):

            def tile(i: Any, height: int = height) -> None:
                rows = [f.add(self._row(0, part, f.add(i, r)), start) for r in range(height)]
                f.loop(part.panels, lambda p: self._tile(part, p, i, rows, depth, step))

            f.loop(f.sub(part.count, height - 1), tile, start=done, step=height)
            done = f.add(done, f.mul(f.sub(part.count, done) // height, height))

    def _tile(self, part: Part, panel: Any, row: Any, a: list[Any], depth: Any, step: Any) -> None:
        f, areas, form, lanes = self.f, self.areas, part.form, self.f.lanes
        line = form * lanes * SIZE
        sums = f.add(areas.sums, f.mul(f.add(f.mul(panel, ROWS), row), line))
        at = [f.add(sums, (r * form + q) * lanes * SIZE) for r in range(len(a)) for q in range(form)]
        held = [f.load(f.floats, x) for x in at]

        def body(i: Any, along: Any, b: Any, *held: Ssa) -> tuple[Any, ...]:
            place = along if step is not None else f.load(LONG, f.add(areas.steps, f.mul(i, WORD)))
            vectors = [f.load(f.floats, f.add(b, q * lanes * SIZE)) for q in range(form)]
            found: list[Ssa] = []
            for r, x in enumerate(a):
                number = f.splat(f.load(FLOAT, f.add(x, place)))
                found += [f.fma(number, v, held[r * form + q]) for q, v in enumerate(vectors)]
            return (f.add(along, step or 0), f.add(b, line), *found)

        first = f.add(areas.panel, f.mul(panel, DEPTH * line))
        for x, place in zip(f.loop(depth, body, (0, first, *held), once=True)[2:], at, strict=True):
            f.store(x, place)
