"""How convolutions along the batch with fewer products are written: stretches of rows are transformed, multiplied,
transformed back. The gradient of their taps: `taps.py`.

Some stretches side by side are at hand at a time, for a strip of rows. What a row became is used by all results that
see it; all of this stays in the second cache.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from engine.compiler.code.emit import Function
from engine.compiler.code.ssa import FLOAT, INT, LONG, Mask, Ssa
from engine.compiler.kernels.product import SIZE, Epilogue, Given, Walk
from engine.compiler.kernels.tiled import Tiles
from engine.compiler.kernels.transforms import Transforms
from engine.compiler.kernels.walking import over

if TYPE_CHECKING:
    from engine.compiler.kernels.toom import Toom

TABLES, VALUES, WAITING = 256_000, 400_000, 200_000
"""Bytes of transformed taps (or sums for their gradient), of transformed pictures, of products (or of gradients)."""
LINE = 64
"""Bytes of a cache line."""
AREA, PLACE = 32_768, 16
"""Bytes of a tile's products; of what is noted of a vector of a block."""
PAD = 192
"""Bytes between planes: an odd number of cache lines, or they would share a few sets of the cache."""


class Kernel:
    """What both directions share."""

    def __init__(self, f: Function, work: Toom, given: Given, many: Any, strip: Any, wide: Any) -> None:
        self.f, self.work, self.given, self.many, self.strip, self.wide = f, work, given, many, strip, wide
        self.transforms = Transforms(f, work.taps)
        self.each, self.reach, self.high = work.each, work.reach, work.high
        self.step = given.b.strides[len(given.outer)] if work.back else given.b.strides[-1]
        width = f.quotient(given.k[-1] if work.back else given.n, f.quotient(self.step, SIZE))
        self.columns, self.stretches = width, f.quotient(f.add(width, self.each - 1), self.each)
        self.rows, self.channels = (given.k[-2], given.outer[0]) if work.back else (given.outer[-1], given.k[0])
        area = f.scratch(TABLES + VALUES + WAITING)
        self.tables, self.values, self.waiting = area, area + TABLES, area + TABLES + VALUES
        self.places = self.waiting + AREA

    def blocks(self, body: Callable[[Any, Any, Any, Any], None]) -> None:
        """body(first stretch, how many, first row, how many), some at a time."""
        f = self.f

        def rows(first: Any, top: Any) -> None:
            body(
                first, f.least(self.many, f.sub(self.stretches, first)), top, f.least(self.strip, f.sub(self.rows, top))
            )

        f.loop(self.stretches, lambda i: f.loop(self.rows, partial(rows, i), step=self.strip) and None, step=self.many)

    def line(self, count: Any) -> Any:
        """Bytes of so many stretches of one row at one point."""
        return self.f.mul(count, self.step)

    def place(self, stretch: Any) -> tuple[Any, Any]:
        """Bytes from the row's first place to a stretch's; how many of its results were made before."""
        f, start = self.f, self.f.mul(stretch, self.each)
        column = f.least(start, f.sub(self.columns, self.each)) if self.work.ragged else start
        return f.mul(column, self.step), f.sub(start, column)

    def along(self, first: Any, count: Any, body: Callable[[Any, Any, Any], None]) -> None:
        """body(bytes from the row's first place, bytes from the block's first number, results made before) for every
        vector of some stretches."""
        f = self.f

        def stretch(t: Any) -> None:
            far, before = self.place(f.add(first, t))
            near = f.mul(t, self.step)
            f.loop(self.step, lambda at: body(f.add(far, at), f.add(near, at), before), step=f.lanes * SIZE, once=True)

        f.loop(count, stretch, once=True)

    def lay(self, row: Any, first: Any, count: Any, into: Any, plane: Any) -> None:
        """A row of the picture, transformed. row: its address; into: where it goes; plane: bytes between points."""

        def vector(far: Any, near: Any, before: Any) -> None:
            self.spread(self.transforms.places(self.seen(f.add(row, far))), f.add(into, near), plane)

        f = self.f
        self.along(first, count, vector)

    def seen(self, at: Any) -> list[Any]:
        """What a stretch sees, from its first place on."""
        f = self.f
        return [f.load(f.floats, f.add(at, f.mul(self.step, q))) for q in range(self.reach)]

    def new(self, result: int, before: Any) -> Any:
        """Whether a stretch is the first that makes this one of its results."""
        return self.f.compare("ge", result, before) if self.work.ragged and result < self.each - 1 else True

    def spread(self, found: list[Any], at: Any, plane: Any, mask: Mask = None) -> None:
        """A number for each point."""
        for i, x in enumerate(found):
            self.f.store(x, self.f.add(at, self.f.mul(plane, i)), mask)

    def gathered(self, at: Any, plane: Any) -> list[Any]:
        """The numbers of all points."""
        f = self.f
        return [f.load(f.floats, f.add(at, f.mul(plane, i))) for i in range(self.reach)]


@dataclass(frozen=True)
class Asks:
    """What to ask for early: operands of the epilogue in a row, from a stretch on; the picture's row that comes next,
    and how far apart its channels are."""

    epilogue: Epilogue
    row: Any
    first: Any
    below: Any
    apart: Any


class Forth(Kernel):
    """Results at the places along which the taps slide."""

    def emit(self) -> None:
        """Taps, then pictures."""
        f, given = self.f, self.given
        self.table = f.mul(f.mul(self.channels, self.high), f.mul(given.m, SIZE))
        self._taps()
        over(f, given.outer[:-1], lambda *p: self._picture(given.moved(f, p)))

    def _taps(self) -> None:
        """[point][channel][tap of rows][filter]"""
        f, given = self.f, self.given
        step_m, step_c, step_i, step_j = given.a.strides[-4:]
        index = f.places() * f.splat(f.cast("trunc", self._number(step_m), INT))
        line = f.mul(given.m, SIZE)

        def row(c: Any, i: Any) -> None:
            start = f.add(given.a.address, f.add(f.mul(c, step_c), f.mul(i, step_i)))
            target = f.add(self.tables, f.mul(f.add(f.mul(c, self.high), i), line))

            def some(m: Any, mask: Mask) -> None:
                at = f.add(start, f.mul(m, step_m))
                seen = [f.gather(FLOAT, f.add(at, f.mul(step_j, j)), index, mask) for j in range(self.work.taps)]
                self.spread(self.transforms.taps(seen), f.add(target, f.mul(m, SIZE)), self.table, mask)

            f.sweep(given.m, some)

        over(f, (self.channels, self.high), row)

    def _number(self, x: Any) -> Ssa:
        f = self.f
        return f.arithmetic("ashr", x, 2) if isinstance(x, Ssa) else f.value(x // SIZE)

    def _picture(self, given: Given) -> None:
        f, epilogue = self.f, Epilogue(self.f, self.work, given.operands)
        step = given.b.strides[-2] if self.high > 1 else given.b.strides[0]

        def block(first: Any, count: Any, top: Any, rows: Any) -> None:
            line = self.line(count)
            pitch = f.mul(line, self.reach)  # of a row: its points side by side
            channel = f.add(f.mul(pitch, self.high), PAD)

            def lay(row: Any, into: Any) -> None:
                start = f.add(given.b.address, f.mul(f.add(top, row), step))

                def one(c: Any) -> None:
                    place = f.add(f.add(self.values, into), f.mul(c, channel))
                    self.lay(f.add(start, f.mul(c, given.b.strides[-3])), first, count, place, line)

                f.loop(self.channels, one, once=True)

            def row(r: Any, *held: Any) -> tuple[Any, ...]:
                lay(f.add(r, self.high - 1), held[-1])
                below = f.add(given.b.address, f.mul(f.add(top, f.add(r, self.high)), step))
                asks = Asks(epilogue, f.add(top, r), first, below, given.b.strides[-3])
                self._multiply(line, channel, held, asks)
                return (*held[1:], held[0])  # the next row takes the place of the first

            self._places(first, count)
            f.loop(self.high - 1, lambda row: lay(row, f.mul(row, pitch)))
            f.loop(rows, row, [f.mul(pitch, i) for i in range(self.high)], once=True)

        self.blocks(block)

    def _places(self, first: Any, count: Any) -> None:
        """For every vector of a block: bytes from the row's first result, and results that were made before."""
        f = self.f

        def vector(far: Any, near: Any, before: Any) -> None:
            at = f.add(self.places, f.quotient(near, f.lanes * SIZE // PLACE))
            f.store(f.value(far), at)
            f.store(f.value(before), f.add(at, PLACE // 2))

        self.along(first, count, vector)

    def _multiply(self, line: Any, channel: Any, rows: tuple[Any, ...], asks: Asks) -> None:
        """Results of a row. rows: where the rows that the taps see begin."""
        f, m = self.f, self.given.m
        high = (self.high,) if self.high > 1 else ()
        a = Walk(self.tables, (SIZE, f.mul(m, SIZE * self.high), *(f.mul(m, SIZE) for _ in high)))
        b = Walk(f.add(self.values, 0 if high else rows[0]), (SIZE, channel, *(rows for _ in high)))
        points = _Points(f, self.work.matrices, Given((), m, f.quotient(line, SIZE), (self.channels, *high), a, b, ()))

        def tile(tile: Tile) -> None:
            width = f.lanes * SIZE
            plane = tile.rows * tile.vectors * width + PAD

            def point(i: Any) -> None:
                self._ask(asks, tile, i)
                near, seen = f.add(a.address, f.mul(i, self.table)), f.add(b.address, f.mul(i, line))
                at = f.add(self.waiting, f.mul(i, plane))
                for place, x in enumerate(points.sums(tile, replace(a, address=near), replace(b, address=seen))):
                    f.store(x, f.add(at, place * width))

            f.loop(self.reach, point)
            self._finish(asks, tile, plane)

        points.each(tile)

    def _finish(self, asks: Asks, tile: Tile, plane: int) -> None:
        """The results of a tile, of what its points found."""
        f, last, width = self.f, len(self.given.outer) + 1, self.f.lanes * SIZE
        epilogue, row = asks.epilogue, asks.row
        still = frozenset(i for i, o in enumerate(self.work.operands) if not o.strides[last])
        settled = epilogue.settled(still)

        def filters(r: Any) -> None:
            m = f.add(tile.first, r)
            known = epilogue.settle(settled, epilogue.begin((row, m), 0), 0)

            def vector(q: Any) -> None:
                place = f.add(self.places, f.mul(f.add(f.quotient(tile.column, f.lanes), q), PLACE))
                far, before = f.load(LONG, place), f.load(LONG, f.add(place, PLACE // 2))
                at = f.add(self.waiting, f.add(f.mul(r, tile.vectors * width), f.mul(q, width)))
                found = self.transforms.results(self.gathered(at, plane))

                def result(k: int) -> None:
                    place = f.quotient(f.add(far, f.mul(self.step, k)), SIZE)
                    epilogue.run(found[k], epilogue.begin((row, m), place), 0, None, known)

                for k in range(self.each):
                    f.when(self.new(k, before), partial(result, k))

            f.loop(tile.vectors, vector)

        f.loop(tile.rows, filters)

    def _ask(self, asks: Asks, tile: Tile, point: Any) -> None:
        """While a point's products are summed up, ask for some lines: of results, and of the row that comes next."""
        f = self.f
        lines = -(-tile.vectors * f.lanes * SIZE * self.each // self.reach // LINE)
        start = f.mul(f.mul(asks.first, self.each), self.step)
        start = f.add(f.add(start, f.mul(tile.column, SIZE * self.each)), f.mul(point, lines * LINE))
        near = [f.add(start, LINE * i) for i in range(lines)]
        stored = {s.operand for s in self.work.stores}
        for r in range(tile.rows):
            at = asks.epilogue.begin((asks.row, f.add(tile.first, r)), 0)
            for i, address in enumerate(at):
                if self.work.operands[i].strides[-1] == 1:
                    for x in near:
                        f.prefetch(f.add(address, x), True, i in stored)

        def channel(c: Any) -> None:
            for x in near:
                f.prefetch(f.add(f.add(asks.below, f.mul(c, asks.apart)), x))

        def channels() -> None:
            f.loop(self.channels, channel, once=True)

        f.when(f.compare("eq", tile.first, 0), channels)


@dataclass(frozen=True)
class Tile:
    """First filter, how many; first column of a block's line, how many vectors."""

    first: Any
    rows: int
    column: Any
    vectors: int


class _Points(Tiles):
    """Tiles whose sums are wanted for several points, at each of which a and b lie elsewhere."""

    def each(self, body: Callable[[Tile], None]) -> None:
        """body(tile) for every tile."""
        self.body = body
        self.emit()

    def _tile(self, groups: Any, column: Any, masks: list[Mask]) -> None:
        ((first, rows, _),) = groups
        self.body(Tile(first, rows, column, len(masks)))

    def sums(self, tile: Tile, a: Walk, b: Walk) -> list[Ssa]:
        """The sums of a tile where a and b lie there."""
        nothing = [self.f.floating(0.0)] * (tile.rows * tile.vectors)
        tiles = _Points(self.f, self.work, replace(self.given, a=a, b=b))
        return tiles._sums([(tile.first, tile.rows, ())], tile.column, [None] * tile.vectors, nothing)
