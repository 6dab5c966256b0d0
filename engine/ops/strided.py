"""Memory seen with strides of one's own, and the gradient of that."""

from __future__ import annotations

from typing import Any, NamedTuple

from engine.array import Abstract, Shape, flat_memory, scatter_add, seen, steps_of
from engine.ops.op import Case, Op, Rule


class Layout(NamedTuple):
    """How numbers lie in memory: sizes, steps (in elements), where the first one lies."""

    size: Shape
    stride: Shape
    offset: int

    def needs(self) -> int:
        """How many elements the memory must hold at least."""
        reach = sum((n - 1) * step for n, step in zip(self.size, self.stride, strict=True))
        return 0 if 0 in self.size else self.offset + reach + 1


class AsStrided(Op):
    """The memory of x with other sizes and steps: a view.

    layout: what the result looks like; own: how x itself lies in the memory, whose size is `total` elements.
    """

    latex, jvp, promotion, view = r"\operatorname{{strided}}({0})", "linear", "none", True
    cases = (
        Case(((6,),), {"layout": Layout((2, 2), (1, 2), 1), "own": Layout((6,), (1,), 0), "total": 6}),
        Case(((6,),), {"layout": Layout((3, 3), (1, 1), 0), "own": Layout((6,), (1,), 0), "total": 6}),
    )

    @staticmethod
    def forward(xp: Any, x: Any, *, layout: Layout, own: Layout, total: int) -> Any:
        memory = flat_memory(x)
        if steps_of(x) != own.stride or memory.size != total:
            memory = xp.zeros(total, x.dtype)
            seen(memory, *own)[...] = x
        return seen(memory, *layout)

    @staticmethod
    def infer(x: Any, *, layout: Layout, own: Layout, total: int) -> Abstract:
        return Abstract(layout.size, x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, __: Any, *, layout: Layout, own: Layout, total: int) -> Rule:
        return (g.restride(source=layout, target=own, total=total),)


class Restride(Op):
    """g added into empty memory where one layout says, and read from it where another says."""

    latex, jvp, promotion = r"\operatorname{{restride}}({0})", "linear", "none"
    cases = (Case(((2, 2),), {"source": Layout((2, 2), (1, 1), 0), "target": Layout((2, 3), (3, 1), 0), "total": 6}),)

    @staticmethod
    def forward(xp: Any, g: Any, *, source: Layout, target: Layout, total: int) -> Any:
        memory, places = xp.zeros(total, g.dtype), xp.arange(total)
        scatter_add(xp, memory, seen(places, *source).ravel(), g.ravel())
        return seen(memory, *target).copy()

    @staticmethod
    def infer(g: Any, *, source: Layout, target: Layout, total: int) -> Abstract:
        return Abstract(target.size, g.dtype)

    @staticmethod
    def vjp(h: Any, _: Any, __: Any, *, source: Layout, target: Layout, total: int) -> Rule:
        return (h.restride(source=target, target=source, total=total),)
