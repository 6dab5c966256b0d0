"""How convolutions of what is zero in most places are written: numbers are noted first, and then only these pass.

For the taps' gradient a filter's sums stay in registers, while the places where something was sent to the filter pass:
each adds what the taps saw there. For the gradient of the picture the sums of a place and its neighbours stay, while
the filters pass that were sent something there: each adds its taps.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine.compiler.code.emit import Function
from engine.compiler.code.ssa import FLOAT, INT, LONG, Mask, Ssa, Values
from engine.compiler.kernels.product import SIZE, Epilogue, Given, Walk
from engine.compiler.kernels.squares import TAPS
from engine.compiler.kernels.tiles import WIDTH
from engine.compiler.kernels.transpose import plane
from engine.compiler.kernels.walking import over

if TYPE_CHECKING:
    from engine.compiler.kernels.scarce import Scarce

NEAR = 28_000
"""Bytes of the rows of a picture that are seen at a time: they stay in the first cache."""
PLACES, NOTED, SUMS = 512, 16_384, 131_072
"""Places in these rows, numbers that are noted at a time, and numbers of all sums, at most."""
HELD, TOGETHER = 27, (3, 2, 1)
"""Vectors of sums that fit into registers; vectors of channels at a time."""
LINE, LIST = (PLACES + WIDTH) * SIZE, (NOTED + WIDTH) * SIZE
"""Bytes of a list of places, and of numbers: the last vector is written in full."""
EDGE = TAPS - 1


class _Kernel:
    """What both share."""

    def __init__(self, f: Function, work: Scarce, given: Given, rows: Any) -> None:
        self.f, self.work, self.given, self.rows, self.channels = f, work, given, rows, work.channels

    def areas(self, *sizes: int) -> list[Any]:
        """Pieces of the scratch area, of so many bytes."""
        f, first = self.f, self.f.scratch(sum(sizes))
        return [f.add(first, sum(sizes[:i])) for i in range(len(sizes))]

    def clear(self, address: Any, size: Any) -> None:
        """Zeros into so many bytes, whole vectors."""
        f, step = self.f, self.f.lanes * SIZE
        f.loop(size, lambda i: f.store(f.floating(0.0), f.add(address, i)), step=step)

    def unlike_numbers(self, found: Ssa) -> Ssa:
        """In every lane, whether one of these is NaN."""
        f = self.f
        return f.splat(f.somewhere(f.compare("ne", found, found)))

    def append(self, x: Ssa, place: Ssa, everywhere: Ssa, mask: Mask, into: Any, count: Any, apart: int) -> Any:
        """Note the numbers that are not zero, and behind them their places; how many are noted then."""
        f = self.f
        mine = f.compare("ne", x, 0.0) | (everywhere if mask is None else everywhere & mask)
        return f.add(count, f.pack((x, place), mine, f.add(into, f.mul(count, SIZE)), apart))

    def noted(self, at: Any, apart: int) -> tuple[Ssa, Any]:
        """A number in every lane, and its place."""
        f = self.f
        return f.splat(f.load(FLOAT, at)), f.cast("zext", f.load(INT, f.add(at, apart)), LONG)


class Taps(_Kernel):
    """Gradients of taps."""

    def __init__(self, f: Function, work: Scarce, given: Given, rows: Any) -> None:
        super().__init__(f, work, given, rows)
        self.line = TAPS * TAPS * self.channels * SIZE
        self.sums, self.sent, self.list, self.where = self.areas(SUMS * SIZE, f.lanes * LINE, 2 * LINE, LINE)
        self.high, self.wide = given.k[-2:]

    def emit(self) -> None:
        """Pictures, rows of them, filters; at the end what was summed up is written."""
        f, given = self.f, self.given

        self.clear(self.sums, f.mul(given.n, self.line))
        f.loop(self.rows, lambda y: f.loop(self.wide, lambda x: self._place(y, x)) and None)

        def picture(*places: Any) -> None:
            f.loop(self.high, lambda top: self._band(places, top), step=self.rows)

        over(f, given.k[:-2], picture)
        self._finish()

    def _place(self, y: Any, x: Any) -> None:
        """Write where the taps of a place begin, in bytes behind the first one's."""
        f, (down, along) = self.f, self.given.a.strides[-2:]
        at = f.add(self.where, f.mul(f.add(f.mul(y, self.wide), x), SIZE))
        f.store(f.cast("trunc", f.value(f.add(f.mul(y, down), f.mul(x, along))), INT), at)

    def _at(self, walk: Walk, places: tuple[Any, ...], top: Any) -> Any:
        """Where an operand is in a picture, at a row."""
        f, address = self.f, walk.address
        for place, step in zip((*places, top), walk.strides[len(self.work.outer) + 1 :], strict=False):
            address = f.add(address, f.mul(place, step))
        return address

    def _band(self, picture: tuple[Any, ...], top: Any) -> None:
        f = self.f
        seen, sent = self._at(self.given.a, picture, top), self._at(self.given.b, picture, top)
        rows = f.least(self.rows, f.sub(self.high, top))
        everywhere, places = self._infinite(seen, rows), f.mul(rows, self.wide)

        def filters(first: Any) -> None:
            count = f.least(f.sub(self.given.n, first), f.lanes)

            def row(y: Any) -> None:
                down, along = self.given.b.strides[-2:]
                source = Walk(f.add(f.add(sent, f.mul(first, SIZE)), f.mul(y, down)), (along, SIZE))
                into = f.add(self.sent, f.mul(f.mul(y, self.wide), SIZE))
                plane(f, [self.wide, count], source, Walk(into, (SIZE, LINE)))

            f.loop(rows, row, once=True)
            f.loop(count, lambda i: self._filter(f.add(first, i), i, seen, places, everywhere), once=True)

        f.loop(self.given.n, filters, step=f.lanes)

    def _infinite(self, seen: Any, rows: Any) -> Ssa:
        """In every lane, whether what the taps see is not finite somewhere."""
        f, (down, along) = self.f, self.given.a.strides[-2:]
        length = f.mul(f.add(self.wide, TAPS - 1), f.quotient(along, f.lanes * SIZE))

        def row(y: Any, found: Any) -> Values:
            def some(i: Any, found: Any) -> tuple[Any, ...]:
                x = f.load(f.floats, f.add(f.add(seen, f.mul(y, down)), f.mul(i, f.lanes * SIZE)))
                return (f.fma(x, 0.0, found),)

            return f.loop(length, some, (found,), once=True)

        (found,) = f.loop(f.add(rows, TAPS - 1), row, (f.floating(0.0),), once=True)
        return self.unlike_numbers(found)

    def _filter(self, number: Any, i: Any, seen: Any, places: Any, everywhere: Ssa) -> None:
        """Add what the taps saw in these rows where something was sent to a filter."""
        f, sums = self.f, self.f.add(self.sums, self.f.mul(number, self.line))
        count = self._note(f.add(self.sent, f.mul(i, LINE)), places, everywhere)
        down, vectors = self.given.a.strides[-2], TAPS * self.channels // f.lanes
        taps = [(y, x * f.lanes * SIZE) for y in range(TAPS) for x in range(vectors)]
        each = -(-len(taps) // -(-len(taps) // HELD))
        for start in range(0, len(taps), each):
            some = taps[start : start + each]
            at = [f.add(sums, (start + p) * f.lanes * SIZE) for p in range(len(some))]

            def body(j: Any, *held: Any, some: Any = some) -> list[Any]:
                number, place = self.noted(f.add(self.list, f.mul(j, SIZE)), LINE)
                there = f.add(seen, place)
                lines = {y: f.add(there, f.mul(y, down)) for y in sorted({y for y, _ in some})}
                seen_there = [f.load(f.floats, f.add(lines[y], x)) for y, x in some]
                return [f.fma(number, x, h) for x, h in zip(seen_there, held, strict=True)]

            held = f.loop(count, body, [f.load(f.floats, x) for x in at])
            for x, place in zip(held, at, strict=True):
                f.store(x, place)

    def _note(self, sent: Any, places: Any, everywhere: Ssa) -> Any:
        """Note what was sent to a filter, and where that is in the picture; how many there are."""
        f = self.f

        def some(i: Any, mask: Mask, count: Any) -> tuple[Any, ...]:
            x, place = (
                f.load(t, f.add(at, f.mul(i, SIZE)), mask) for t, at in ((f.floats, sent), (f.ints, self.where))
            )
            return (self.append(x, place, everywhere, mask, self.list, count, LINE),)

        (count,) = f.sweep(places, some, (0,))
        return count

    def _finish(self) -> None:
        """The epilogue, for some filters at a time: their sums lie a line apart."""
        f, epilogue, channels = self.f, Epilogue(self.f, self.work, self.given.operands), self.channels
        apart = f.places() * f.splat(f.value(self.line // SIZE, INT))

        def some(n: Any, mask: Mask) -> None:
            first = f.add(self.sums, f.mul(n, self.line))
            for y in range(TAPS):
                for x in range(TAPS):

                    def channel(c: Any, y: int = y, x: int = x) -> None:
                        at = f.add(first, f.mul(f.add(c, (TAPS * y + x) * channels), SIZE))
                        epilogue.run(f.gather(FLOAT, at, apart, mask), epilogue.begin((y, x, c), n), 0, mask)

                    f.loop(channels, channel)

        f.sweep(self.given.n, some)


class Pictures(_Kernel):
    """Gradients of pictures."""

    def __init__(self, f: Function, work: Scarce, given: Given, rows: Any) -> None:
        super().__init__(f, work, given, rows)
        self.high, self.wide, self.line = given.outer[-1], given.m, self.channels * SIZE
        self.across = f.add(self.wide, EDGE)
        self.sums, self.list, self.ends = self.areas((SUMS + WIDTH) * SIZE, 2 * LIST, NOTED * SIZE)

    def emit(self) -> None:
        """Pictures, rows of them; then what was summed up is written."""
        f, given = self.f, self.given
        everywhere = self._infinite()

        def picture(*places: Any) -> None:
            a = given.a.at(f, *places)
            self.clear(self.sums, f.mul(f.mul(self.high, f.add(self.across, EDGE)), self.line))
            f.loop(f.add(self.high, EDGE), lambda top: self._band(a, top, everywhere), step=self.rows)
            self._finish(places)

        over(f, given.outer[:-1], picture)

    def _infinite(self) -> Ssa:
        """In every lane, whether a tap is not finite."""
        f, b = self.f, self.given.b

        def filter(i: Any, found: Any) -> tuple[Any, ...]:
            for y in range(TAPS):
                for x in range(TAPS):
                    for v in range(self.channels // f.lanes):
                        found = f.fma(
                            f.load(f.floats, f.add(self._tap(b.address, y, x, v), f.mul(i, b.strides[-1]))), 0.0, found
                        )
            return (found,)

        (found,) = f.loop(self.given.k[-1], filter, (f.floating(0.0),), once=True)
        return self.unlike_numbers(found)

    def _tap(self, address: Any, y: Any, x: int, v: int) -> Any:
        """A vector of channels of a filter's tap."""
        f, (_, down, along, _) = self.f, self.given.b.strides[-4:]
        return f.add(f.add(f.add(address, f.mul(y, down)), f.mul(along, x)), v * f.lanes * SIZE)

    def _band(self, a: Any, top: Any, everywhere: Ssa) -> None:
        """Note what was sent to some rows, then add it row of taps by row of taps: these stay in the first cache."""
        f, (down, along) = self.f, self.given.a.strides[-3:-1]
        rows = f.least(self.rows, f.sub(f.add(self.high, EDGE), top))

        def place(y: Any, x: Any, count: Any) -> tuple[Any, ...]:
            sent = f.add(f.add(a, f.mul(f.add(top, y), down)), f.mul(x, along))
            count = self._note(sent, count, everywhere)
            at = f.add(self.ends, f.mul(f.add(f.mul(y, self.across), x), SIZE))
            f.store(f.cast("trunc", f.value(count), INT), at)
            return (count,)

        f.loop(rows, lambda y, c: f.loop(self.across, lambda x, c: place(y, x, c), (c,), once=True), (0,), once=True)
        vectors = self.channels // f.lanes
        several = next(n for n in TOGETHER if vectors % n == 0)
        for first in range(0, vectors, several):
            f.loop(TAPS, lambda i, first=first: self._add(i, range(first, first + several), top, rows))

    def _note(self, sent: Any, count: Any, everywhere: Ssa) -> Any:
        """Note which filters were sent something at a place."""
        f = self.f
        step = f.splat(f.cast("trunc", f.value(self.given.b.strides[-1]), INT))

        def some(i: Any, mask: Mask, count: Any) -> tuple[Any, ...]:
            x = f.load(f.floats, f.add(sent, f.mul(i, SIZE)), mask)
            number = (f.places() + f.splat(f.cast("trunc", f.value(i), INT))) * step
            return (self.append(x, number, everywhere, mask, self.list, count, LIST),)

        (count,) = f.sweep(self.given.k[-1], some, (count,))
        return count

    def _add(self, i: Any, vectors: range, top: Any, rows: Any) -> None:
        """Add what one row of taps sends to the row of sums that it saw."""
        f, b = self.f, self.given.b
        taps = [(x, v) for x in range(TAPS) for v in vectors]
        first = f.add(b.address, f.mul(i, b.strides[-3]))

        def row(y: Any, start: Any) -> Any:
            target = f.sub(f.add(top, y), i)
            ends = f.add(self.ends, f.mul(f.mul(y, self.across), SIZE))
            inside = f.compare("lt", target, self.high) & f.compare("ge", target, 0)
            sums = f.add(self.sums, f.mul(f.mul(target, f.add(self.across, EDGE)), self.line))

            def place(x: Any, start: Any) -> tuple[Any, ...]:
                end = f.cast("zext", f.load(INT, f.add(ends, f.mul(x, SIZE))), LONG)
                here = f.add(sums, f.mul(x, self.line))
                f.when(f.compare("lt", start, end), lambda: self._place(here, first, taps, start, end))
                return (end,)

            def whole() -> Any:
                return f.loop(self.across, place, (start,), once=True)

            last = f.add(ends, f.mul(f.sub(self.across, 1), SIZE))
            return f.branch(inside, whole, lambda: (f.cast("zext", f.load(INT, last), LONG),))

        f.loop(rows, row, (0,), once=True)

    def _place(self, here: Any, first: Any, taps: list[tuple[int, int]], start: Any, end: Any) -> None:
        """Add what one place sends: the sums of a place and its two neighbours, the last tap's first."""
        f = self.f
        at = [f.add(here, (EDGE - x) * self.line + v * f.lanes * SIZE) for x, v in taps]

        def body(i: Any, *held: Any) -> list[Any]:
            number, place = self.noted(f.add(self.list, f.mul(i, SIZE)), LIST)
            there = f.add(first, place)
            return [
                f.fma(number, f.load(f.floats, self._tap(there, 0, x, v)), h)
                for (x, v), h in zip(taps, held, strict=True)
            ]

        held = f.loop(end, body, [f.load(f.floats, x) for x in at], start=start, once=True)
        for x, place in zip(held, at, strict=True):
            f.store(x, place)

    def _finish(self, places: tuple[Any, ...]) -> None:
        f, epilogue = self.f, Epilogue(self.f, self.work, self.given.operands)
        vectors = range(0, self.channels, f.lanes)

        def result(y: Any, x: Any) -> None:
            place = f.add(f.mul(y, f.add(self.across, EDGE)), f.add(x, EDGE))
            at, rows = f.add(self.sums, f.mul(place, self.line)), epilogue.begin((*places, y, x), 0)
            for n in vectors:
                epilogue.run(f.load(f.floats, f.add(at, n * SIZE)), rows, n)

        f.loop(self.high, lambda y: f.loop(self.wide, lambda x: result(y, x)) and None)
