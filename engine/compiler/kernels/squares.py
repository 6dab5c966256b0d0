"""How convolutions with fewer products are written: squares of pictures are transformed, multiplied, transformed back.

A strip of squares is at hand at a time. Its transformed numbers lie in 16 matrices of the scratch area, so that all of
this stays in the second cache.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from engine.compiler.code.emit import Function
from engine.compiler.code.ssa import Mask
from engine.compiler.kernels.product import SIZE, Epilogue, Given, Walk
from engine.compiler.kernels.tiled import Block, Tiles
from engine.compiler.kernels.tiles import WIDTH
from engine.compiler.kernels.walking import over

if TYPE_CHECKING:
    from engine.compiler.kernels.winograd import Winograd

TAPS, REACH, EACH = 3, 4, 2
"""Taps along an axis, places that a square covers, results that it gives."""
SQUARE = REACH * REACH
SUMS, WIDE = 4096, 2
"""Numbers of each of the 16 matrices; how many times as many those of taps have, for the most channels."""


# ------------------------------------------------------------------------------------------------------ transforms
def pictures(x: list[Any]) -> list[Any]:
    """Four places, as the products want them."""
    return [x[0] - x[2], x[1] + x[2], x[2] - x[1], x[3] - x[1]]


def taps(x: list[Any]) -> list[Any]:
    """Three taps, likewise."""
    outer, inner = (x[0] + x[2]) * 0.5, x[1] * 0.5
    return [x[0], outer + inner, outer - inner, x[2]]


def results(x: list[Any]) -> list[Any]:
    """Two results of four products."""
    return [x[0] + x[1] + x[2], x[1] - x[2] + x[3]]


def slopes(x: list[Any]) -> list[Any]:
    """Two gradients of results, as the products for the taps' gradient want them."""
    return [x[0], x[0] + x[1], x[0] - x[1], x[1]]


def taps_back(x: list[Any]) -> list[Any]:
    """The gradients of three taps."""
    outer, inner = (x[1] + x[2]) * 0.5, (x[1] - x[2]) * 0.5
    return [x[0] + outer, inner, outer + x[3]]


def both(transform: Callable[[list[Any]], list[Any]], square: list[list[Any]]) -> list[Any]:
    """A transform along the rows and along the columns of a square; row by row."""
    rows = list(zip(*(transform(list(column)) for column in zip(*square, strict=True)), strict=True))
    return [x for row in rows for x in transform(list(row))]


# ------------------------------------------------------------------------------------------------------ kernels
@dataclass(frozen=True)
class Strip:
    """Squares at hand: the first row and column of them, how many rows and columns."""

    row: Any
    column: Any
    rows: Any
    columns: Any
    count: Any


class _Kernel:
    """What both directions share."""

    def __init__(self, f: Function, work: Winograd, given: Given, blocks: list[Any], high: Any, wide: Any) -> None:
        self.f, self.work, self.given = f, work, given
        self.tall, self.across, self.wide = blocks
        self.high, self.width = high, wide
        self.channels = given.m if work.back else given.k[-1]
        self.pitch = f.mul(f.add(self.channels, f.lanes - 1) // f.lanes, f.lanes * SIZE)
        self.most = f.mul(self.tall, self.across)

    def areas(self) -> tuple[Any, Any, Any]:
        """Memory for the 16 matrices of taps or their gradient, of the picture's squares, of the results' squares."""
        size = SQUARE * (SIZE * SUMS + 192)
        first = self.f.scratch((WIDE + 2) * size)
        return first, first + WIDE * size, first + (WIDE + 1) * size

    def strips(self, body: Callable[[Strip], None]) -> None:
        """All squares of a picture."""
        f = self.f
        high, wide = f.add(self.high, 1) // EACH, f.add(self.width, 1) // EACH

        def at(row: Any, column: Any) -> None:
            rows, columns = f.least(f.sub(high, row), self.tall), f.least(f.sub(wide, column), self.across)
            body(Strip(row, column, rows, columns, f.mul(rows, columns)))

        f.loop(high, lambda r: f.loop(wide, lambda c: at(r, c), step=self.across) and None, step=self.tall)

    def squares(self, strip: Strip, body: Callable[[Any, Any, Any], None]) -> None:
        """body(number of the square in the strip, its first row and column among results)."""
        f = self.f

        def row(r: Any) -> None:
            top, first = f.mul(f.add(strip.row, r), EACH), f.mul(r, strip.columns)

            def column(c: Any) -> None:
                body(f.add(first, c), top, f.mul(f.add(strip.column, c), EACH))

            f.loop(strip.columns, column, once=True)

        f.loop(strip.rows, row, once=True)

    def lay(self, strip: Strip, walk: Walk, steps: tuple[Any, Any], into: Any) -> None:
        """The strip's squares of the picture, transformed. steps: bytes between rows and between columns."""
        f = self.f

        def channels(c: Any, mask: Mask) -> None:
            start, target = f.add(walk.address, f.mul(c, SIZE)), f.add(into, f.mul(c, SIZE))

            def square(s: Any, top: Any, left: Any) -> None:
                # behind the last column and row a square sees them once more: no result is made of that
                rows = [f.mul(f.least(f.add(top, i), f.add(self.high, 1)), steps[0]) for i in range(REACH)]
                columns = [f.mul(f.least(f.add(left, j), f.add(self.width, 1)), steps[1]) for j in range(REACH)]
                at = [[f.add(f.add(start, r), x) for x in columns] for r in rows]
                seen = [[f.load(f.floats, x, mask) for x in line] for line in at]
                place = f.add(target, f.mul(s, self.pitch))
                self.spread(both(pictures, seen), place, self.plane)

            self.squares(strip, square)

        f.sweep(self.channels, channels)

    def spread(self, found: list[Any], at: Any, plane: Any) -> None:
        """One number for each of the 16 matrices, these `plane` bytes apart."""
        for i, x in enumerate(found):
            self.f.store(x, self.f.add(at, self.f.mul(plane, i)))

    def gathered(self, at: Any, plane: Any) -> list[list[Any]]:
        """A square of the 16 matrices' numbers."""
        f = self.f
        found = [f.load(f.floats, f.add(at, f.mul(plane, i))) for i in range(SQUARE)]
        return [found[i : i + REACH] for i in range(0, SQUARE, REACH)]

    @property
    def plane(self) -> Any:
        """Bytes of the strip's transformed squares in one matrix."""
        return self.apart(self.f.mul(self.most, self.pitch))

    def apart(self, size: Any) -> Any:
        """Bytes between matrices of such a size: an odd number of cache lines, or all 16 would share a few sets."""
        return self.f.add(self.f.mul(size // 128, 128), 192)

    def _columns(self, body: Callable[[Any, Any, Any], None]) -> None:
        """body(first filter, how many, bytes of a row of them), some at a time."""
        f, n = self.f, self.given.n

        def some(first: Any) -> None:
            count = f.least(f.sub(n, first), self.wide)
            body(first, count, f.mul(f.add(count, WIDTH - 1) // WIDTH, WIDTH * SIZE))

        f.loop(n, some, step=self.wide)


class Forth(_Kernel):
    """Results at the places over which the windows slide."""

    def __init__(self, f: Function, work: Winograd, given: Given, blocks: list[Any]) -> None:
        super().__init__(f, work, given, blocks, given.outer[-1], given.m)
        self.taps, self.seen, self.made = self.areas()

    def emit(self) -> None:
        """Filters, then pictures, then strips."""
        f, given = self.f, self.given

        def filters(first: Any, count: Any, line: Any) -> None:
            self._taps(first, count, line)
            over(f, given.outer[:-1], lambda *p: self._picture(given.moved(f, p), first, count, line))

        self._columns(filters)

    def _taps(self, first: Any, count: Any, line: Any) -> None:
        f, b = self.f, self.given.b
        step_i, step_j, step_c = b.strides[-3:]
        plane = self.apart(f.mul(self.channels, line))

        def channel(c: Any) -> None:
            start = f.add(f.add(b.address, f.mul(first, SIZE)), f.mul(c, step_c))
            target = f.add(self.taps, f.mul(c, line))

            def some(n: Any, mask: Mask) -> None:
                at = f.add(start, f.mul(n, SIZE))
                lines = [
                    [f.add(f.add(at, f.mul(step_i, i)), f.mul(step_j, j)) for j in range(TAPS)] for i in range(TAPS)
                ]
                seen = [[f.load(f.floats, x, mask) for x in row] for row in lines]
                self.spread(both(taps, seen), f.add(target, f.mul(n, SIZE)), plane)

            f.sweep(count, some)

        f.loop(self.channels, channel)

    def _picture(self, given: Given, first: Any, count: Any, line: Any) -> None:
        steps = given.a.strides[0], given.a.strides[1]
        epilogue = Epilogue(self.f, self.work, given.operands)

        def strip(strip: Strip) -> None:
            self.lay(strip, given.a, steps, self.seen)
            self._multiply(strip, count, line)
            self._finish(strip, epilogue, first, count, line)

        self.strips(strip)

    def _multiply(self, strip: Strip, count: Any, line: Any) -> None:
        f = self.f
        plane = self.apart(f.mul(self.most, line))

        def matrix(i: Any) -> None:
            a = Walk(f.add(self.seen, f.mul(i, self.plane)), (self.pitch, SIZE))
            b = Walk(f.add(self.taps, f.mul(i, self.apart(f.mul(self.channels, line)))), (SIZE, line))
            c = Walk(f.add(self.made, f.mul(i, plane)), (line, SIZE))
            Tiles(f, self.work.matrices, Given((), strip.count, line // SIZE, (self.channels,), a, b, (c,))).emit()

        f.loop(SQUARE, matrix)

    def _finish(self, strip: Strip, epilogue: Epilogue, first: Any, count: Any, line: Any) -> None:
        f, plane = self.f, self.apart(self.f.mul(self.most, line))
        settled = epilogue.settled(self.work.steady)

        def some(n: Any, mask: Mask) -> None:
            column = f.add(first, n)
            known = epilogue.settle(settled, epilogue.begin((0, 0), column), 0, mask)

            def square(s: Any, top: Any, left: Any) -> None:
                found = both(results, self.gathered(f.add(f.add(self.made, f.mul(s, line)), f.mul(n, SIZE)), plane))
                beside, below = f.compare("lt", f.add(left, 1), self.width), f.compare("lt", f.add(top, 1), self.high)

                def result(i: int, j: int) -> None:
                    at = epilogue.begin((f.add(top, i), f.add(left, j)), column)
                    epilogue.run(found[EACH * i + j], at, 0, mask, known)

                def row(i: int) -> None:
                    result(i, 0)
                    f.when(beside, lambda: result(i, 1))

                row(0)
                f.when(below, lambda: row(1))

            self.squares(strip, square)

        f.sweep(count, some)


class Back(_Kernel):
    """Gradients of the taps."""

    def __init__(self, f: Function, work: Winograd, given: Given, blocks: list[Any]) -> None:
        super().__init__(f, work, given, blocks, given.k[-2], given.k[-1])
        self.sums, self.seen, self.sent = self.areas()

    def emit(self) -> None:
        """Filters, then pictures, then strips; at the end what was summed up is transformed."""
        f, given = self.f, self.given

        def filters(first: Any, count: Any, line: Any) -> None:
            def clear(i: Any) -> None:
                f.store(f.floating(0.0), f.add(self.sums, f.mul(i, f.lanes * SIZE)))

            f.loop(f.mul(self.apart(f.mul(self.channels, line)), SQUARE) // (f.lanes * SIZE), clear)
            over(f, given.k[:-2], lambda *p: self._picture(p, first, count, line))
            self._finish(first, count, line)

        self._columns(filters)

    def _walk(self, walk: Walk, places: tuple[Any, ...], before: int) -> tuple[Any, tuple[Any, Any]]:
        """Where an operand is in a picture, and how it moves along rows and columns."""
        f, address = self.f, walk.address
        for place, step in zip(places, walk.strides[before:], strict=False):
            address = f.add(address, f.mul(place, step))
        return address, (walk.strides[-2], walk.strides[-1])

    def _picture(self, places: tuple[Any, ...], first: Any, count: Any, line: Any) -> None:
        f = self.f
        seen, steps = self._walk(self.given.a, places, len(self.work.outer) + 1)
        sent, far = self._walk(self.given.b, places, len(self.work.outer) + 1)

        def strip(strip: Strip) -> None:
            self.lay(strip, Walk(seen, ()), steps, self.seen)
            self._lay_slopes(strip, f.add(sent, f.mul(first, SIZE)), far, count, line)
            self._multiply(strip, count, line)

        self.strips(strip)

    def _lay_slopes(self, strip: Strip, start: Any, steps: tuple[Any, Any], count: Any, line: Any) -> None:
        f, plane = self.f, self.apart(self.f.mul(self.most, line))

        def some(n: Any, mask: Mask) -> None:
            def square(s: Any, top: Any, left: Any) -> None:
                at = f.add(f.add(start, f.mul(n, SIZE)), f.add(f.mul(top, steps[0]), f.mul(left, steps[1])))
                beside, below = f.compare("lt", f.add(left, 1), self.width), f.compare("lt", f.add(top, 1), self.high)
                nothing = f.floating(0.0)

                def pair(at: Any) -> tuple[Any, Any]:
                    (other,) = f.when(beside, lambda: (f.load(f.floats, f.add(at, steps[1]), mask),), (nothing,))
                    return f.load(f.floats, at, mask), other

                rows = [pair(at), f.when(below, lambda: pair(f.add(at, steps[0])), (nothing, nothing))]
                place = f.add(f.add(self.sent, f.mul(s, line)), f.mul(n, SIZE))
                self.spread(both(slopes, [list(row) for row in rows]), place, plane)

            self.squares(strip, square)

        f.sweep(count, some)

    def _multiply(self, strip: Strip, count: Any, line: Any) -> None:
        f = self.f
        plane, sums = (self.apart(f.mul(rows, line)) for rows in (self.most, self.channels))

        def matrix(i: Any) -> None:
            at = f.add(self.sums, f.mul(i, sums))
            a = Walk(f.add(self.seen, f.mul(i, self.plane)), (SIZE, self.pitch))
            b = Walk(f.add(self.sent, f.mul(i, plane)), (SIZE, line))
            given = Given((), self.channels, line // SIZE, (strip.count,), a, b, (Walk(at, (line, SIZE)),))
            Tiles(f, self.work.matrices, given, Block(at, line, False, False)).emit()

        f.loop(SQUARE, matrix)

    def _finish(self, first: Any, count: Any, line: Any) -> None:
        f, plane = self.f, self.apart(self.f.mul(self.channels, line))
        epilogue = Epilogue(f, self.work, self.given.operands)

        def channel(c: Any) -> None:
            def some(n: Any, mask: Mask) -> None:
                at = f.add(f.add(self.sums, f.mul(c, line)), f.mul(n, SIZE))
                found = both(taps_back, self.gathered(at, plane))
                for i in range(TAPS):
                    for j in range(TAPS):
                        epilogue.run(found[TAPS * i + j], epilogue.begin((i, j, c), f.add(first, n)), 0, mask)

            f.sweep(count, some)

        f.loop(self.channels, channel)
