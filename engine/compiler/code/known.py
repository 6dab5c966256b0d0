"""Code for sizes that are known: a short vector is read and written by plain instructions instead of under a mask.

What a masked store wrote cannot be read again before it has left the processor's store buffer, twenty cycles later.
In a tiny network every row reads what the row before has just written: there these waits were most of the time.
"""

from __future__ import annotations

from collections.abc import Iterable

from engine.compiler.code.emit import Function
from engine.compiler.code.ssa import BYTES, LONG, Mask, Number, Ssa

FEW = 8
"""Lanes that are gathered one by one; the processor's own gather takes about as long as these."""


class Known(Function):
    """A function whose masks are mostly known: the first `count` lanes."""

    def below(self, count: Number) -> Mask:
        """The lanes before `count`; one that is known remembers its count."""
        mask = super().below(count)
        return mask if mask is None or isinstance(count, Ssa) else First(self, mask.name, mask.type, int(count))

    def load(self, type: str, address: Number, mask: Mask = None) -> Ssa:
        """What lies there; the lanes of a known mask in pieces of 8, 4, 2 and 1."""
        if not isinstance(mask, First):
            return super().load(type, address, mask)
        element = type.split()[-1].rstrip(">")
        found = Ssa(self, "zeroinitializer", type)
        for start, size in halves(mask.count):
            where = self.add(address, start * BYTES[element])
            found = self._insert(found, super().load(_short(element, size), where), start, size)
        return found

    def store(self, x: Ssa, address: Number, mask: Mask = None) -> None:
        """Write x there; the lanes of a known mask in pieces of 8, 4, 2 and 1."""
        if not isinstance(mask, First):
            super().store(x, address, mask)
            return
        for start, size in halves(mask.count):
            super().store(self._cut(x, start, size), self.add(address, start * BYTES[x.element]))

    def gather(self, element: str, address: Number, index: Ssa, mask: Mask = None) -> Ssa:
        """One element per lane; few lanes one by one."""
        if not isinstance(mask, First) or mask.count > FEW:
            return super().gather(element, address, index, mask)
        found = Ssa(self, "zeroinitializer", self.vector(element))
        for i in range(mask.count):
            found = self._insert(found, super().load(element, self._one(address, index, i, element)), i, 1)
        return found

    def scatter(self, x: Ssa, address: Number, index: Ssa, mask: Mask = None) -> None:
        """One element per lane; few lanes one by one."""
        if not isinstance(mask, First) or mask.count > FEW:
            super().scatter(x, address, index, mask)
            return
        for i in range(mask.count):
            super().store(self.lane(x, i), self._one(address, index, i, x.element))

    def _one(self, address: Number, index: Ssa, lane: int, element: str) -> Ssa:
        place = self.lane(index, lane)
        place = place if place.type == LONG else self.cast("sext", place, LONG)
        found: Ssa = self.add(address, place * BYTES[element])
        return found

    def _insert(self, x: Ssa, part: Ssa, start: int, size: int) -> Ssa:
        """x with lanes from `start` on replaced by the short vector."""
        if size == 1:
            return self.pure(f"insertelement {x!r}, {part!r}, i64 {start}", x.type)
        lanes = [i - start if start <= i < start + size else None for i in range(self.lanes)]
        wide = self.pure(f"shufflevector {part!r}, {part.type} poison, {_order(lanes)}", x.type)
        inside = range(start, start + size)
        return self.shuffle(x, wide, [i + self.lanes if i in inside else i for i in range(self.lanes)])

    def _cut(self, x: Ssa, start: int, size: int) -> Ssa:
        if size == 1:
            return self.lane(x, start)
        order = _order(range(start, start + size))
        return self.pure(f"shufflevector {x!r}, {x.type} poison, {order}", _short(x.element, size))


class First(Ssa):
    """A mask of the first `count` lanes."""

    __slots__ = ("count",)

    def __init__(self, f: Function, name: str, type: str, count: int) -> None:
        super().__init__(f, name, type)
        self.count = count


def halves(count: int) -> list[tuple[int, int]]:
    """(start, size) of pieces of 8, 4, 2 and 1, the largest first: 11 -> 8, 2, 1."""
    found, start = [], 0
    while start < count:
        size = 1 << (count - start).bit_length() - 1
        found.append((start, size))
        start += size
    return found


def _short(element: str, size: int) -> str:
    return f"<{size} x {element}>" if size > 1 else element


def _order(lanes: Iterable[int | None]) -> str:
    places = [f"i32 {'poison' if lane is None else lane}" for lane in lanes]
    return f"<{len(places)} x i32> <{', '.join(places)}>"
