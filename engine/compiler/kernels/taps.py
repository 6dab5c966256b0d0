"""How the gradient of taps that slide along rows is written, with fewer products: see `toom` and `stretches`.

Some rows of a stretch are transformed: of the picture to all points, of what was sent back for a few filters at a time
and to two points, so that the first cache still holds it when it is multiplied. Every tap of rows of every channel and
filter keeps a vector of sums for each point.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from engine.compiler.code.ssa import Mask, Ssa
from engine.compiler.kernels.dot import Tiles as Dots
from engine.compiler.kernels.product import SIZE, Epilogue, Given, Walk
from engine.compiler.kernels.stretches import PAD, Kernel
from engine.compiler.kernels.walking import held, over


@dataclass(frozen=True)
class Strip:
    """Some rows of a stretch: addresses of the picture's first channel and of what was sent back to the first filter,
    how many rows, and which places of the stretch count (None: all)."""

    picture: Any
    sent: Any
    rows: Any
    masks: tuple[Mask, ...]


class Back(Kernel):
    """Gradients of the taps."""

    def emit(self) -> None:
        """Pictures, strip by strip; at the end what was summed up is transformed."""
        f, given = self.f, self.given
        self.each_sum = f.lanes * SIZE
        self.taken = f.mul(f.mul(given.m, self.high), self.each_sum)
        self.table = f.mul(self.wide, self.taken)

        def channels(first: Any) -> None:
            count, nothing = f.least(self.wide, f.sub(self.channels, first)), f.floating(0.0)
            size = f.mul(self.table, self.reach)
            f.loop(size, lambda at: f.store(nothing, f.add(self.tables, at)), step=self.each_sum, once=True)
            over(f, given.k[:-2], lambda *places: self._picture(first, count, places))
            self._finish(first, count)

        f.loop(self.channels, channels, step=self.wide)

    def _picture(self, begin: Any, channels: Any, places: tuple[Any, ...]) -> None:
        f, given = self.f, self.given
        seen, sent = (self._start(walk, places) for walk in (given.b, given.a))
        seen = f.add(seen, f.mul(begin, given.b.strides[0]))

        def strip(stretch: Any, top: Any) -> None:
            far, before = self.place(stretch)
            masks = tuple(self._counts(self.new(k, before)) for k in range(self.each))
            picture, slopes = (f.add(f.add(at, far), f.mul(top, walk.strides[-2])) for at, walk in zip(
                (seen, sent), (given.b, given.a), strict=True
            ))  # fmt: skip
            rows = f.least(self.strip, f.sub(self.rows, top))
            self._multiply(Strip(picture, slopes, rows, masks), channels)

        f.loop(self.stretches, lambda i: f.loop(self.rows, partial(strip, i), step=self.strip) and None)

    def _start(self, walk: Walk, places: tuple[Any, ...]) -> Any:
        """Where an operand is in a picture."""
        f, address = self.f, walk.address
        for place, step in zip(places, walk.strides[len(self.given.outer) + 1 :], strict=False):
            address = f.add(address, f.mul(place, step))
        return address

    def _counts(self, new: Any) -> Mask:
        """What an earlier stretch has counted does not count."""
        f = self.f
        return held(f, f.splat(new)) if isinstance(new, Ssa) else f.below(f.lanes * new)

    def _multiply(self, strip: Strip, channels: Any) -> None:
        """The sums of a strip: a few filters after the other, at two points at a time."""
        f, given, few = self.f, self.given, self.work.few
        seen = f.add(f.mul(f.add(strip.rows, self.high - 1), self.step), PAD)  # of a channel at one point
        slope = f.add(f.mul(strip.rows, self.step), PAD)  # of a filter
        planes = f.mul(channels, seen), f.mul(few, slope)
        over(f, (channels, f.add(strip.rows, self.high - 1)), partial(self._lay, strip, seen, planes[0]))
        k = (f.mul(strip.rows, f.quotient(self.step, SIZE)),)

        def filters(m: Any) -> None:
            count = f.least(few, f.sub(given.m, m))

            def one(point: Any, slopes: Any, c: Any) -> None:
                pictures = f.add(f.add(self.values, f.mul(planes[0], point)), f.mul(c, seen))
                a, b = Walk(slopes, (slope, SIZE)), Walk(pictures, (self.step, SIZE))
                sums = self._spot(f.add(self.tables, f.mul(self.table, point)), c, m, 0)
                Dots(f, self.work.matrices, Given((), count, self.high, k, a, b, ()), sums).emit()

            def points(pair: Any) -> None:
                for i in range(self.reach // 2):
                    lay = partial(self._lay_slopes, i, strip, m, slope, planes[1])
                    f.when(f.compare("eq", pair, i), partial(over, f, (count, strip.rows), lay))
                ends = f.compare("eq", pair, 0)
                begin, step = f.select(ends, 0, f.sub(f.add(pair, pair), 1)), f.select(ends, f.value(self.reach - 1), 1)
                over(f, (2, channels), lambda i, c: one(
                    f.add(begin, f.mul(i, step)), f.add(self.waiting, f.mul(planes[1], i)), c
                ))  # fmt: skip

            f.loop(self.reach // 2, points)

        f.loop(given.m, filters, step=few)

    def _lay(self, strip: Strip, plane: Any, between: Any, c: Any, row: Any) -> None:
        """A row of a channel, transformed; what the next stretch will see is asked for."""
        f, walk = self.f, self.given.b
        start = f.add(f.add(strip.picture, f.mul(c, walk.strides[0])), f.mul(row, walk.strides[-2]))
        into = f.add(self.values, f.add(f.mul(c, plane), f.mul(row, self.step)))

        def vector(at: Any) -> None:
            place = f.add(start, at)
            for q in range(self.reach, self.reach + self.each):
                f.prefetch(f.add(place, f.mul(self.step, q)))
            self.spread(self.transforms.places(self.seen(place)), f.add(into, at), between)

        f.loop(self.step, vector, step=f.lanes * SIZE, once=True)

    def _lay_slopes(self, pair: int, strip: Strip, first: Any, plane: Any, between: Any, m: Any, row: Any) -> None:
        """A row of what is sent to a filter, likewise."""
        f, walk = self.f, self.given.a
        start = f.add(f.add(strip.sent, f.mul(f.add(first, m), walk.strides[2])), f.mul(row, walk.strides[-2]))
        into = f.add(self.waiting, f.add(f.mul(m, plane), f.mul(row, self.step)))

        def vector(at: Any) -> None:
            places = [f.add(start, f.add(at, f.mul(self.step, k))) for k in range(self.each)]
            for place in places if not pair else ():
                f.prefetch(f.add(place, f.mul(self.step, self.each)))
            sent = [f.load(f.floats, place, mask) for place, mask in zip(places, strip.masks, strict=True)]
            found = [self.transforms.slope(sent, point) for point in self.transforms.pair(pair)]
            self.spread(found, f.add(into, at), between)

        f.loop(self.step, vector, step=f.lanes * SIZE, once=True)

    def _spot(self, table: Any, c: Any, m: Any, i: Any) -> Any:
        """Where a sum waits."""
        f = self.f
        place = f.add(f.mul(f.add(f.mul(c, self.given.m), m), self.high), i)
        return f.add(table, f.mul(place, self.each_sum))

    def _finish(self, begin: Any, channels: Any) -> None:
        f, given = self.f, self.given
        epilogue = Epilogue(f, self.work, given.operands)

        def result(c: Any, m: Any, i: Any) -> None:
            sums = self.gathered(self._spot(self.tables, c, m, i), self.table)
            for j, x in enumerate(self.transforms.taps_back(sums)):
                epilogue.run(f.reduce(f.add, x), epilogue.begin((f.add(begin, c), i, m), 0), j)

        over(f, (channels, given.m, self.high), result)
