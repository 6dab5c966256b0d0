"""Ops that move numbers and compute none: views where the memory allows it."""

from __future__ import annotations

import math
from typing import Any

from engine.array import Abstract, Shape, as_shape
from engine.errors import ShapeError
from engine.ops.op import Case, Op, Rule, axes_of, axis_of, dtype_of_all, words

Call = tuple[tuple[Any, ...], dict[str, Any]]


class Moving(Op, abstract=True):
    """Ops that move numbers and compute none."""

    jvp, promotion, view = "linear", "none", True


def sizes_of(where: str, given: tuple[Any, ...]) -> Shape:
    """The sizes in `f(2, 3)` or `f((2, 3))`."""
    return as_shape(where, given[0] if len(given) == 1 and isinstance(given[0], tuple | list) else given)


class Reshape(Moving):
    """The same numbers in another shape; one size may be -1 and is worked out."""

    latex = r"\operatorname{{reshape}}({0})"
    cases = (Case(((3, 4),), {"shape": (2, 6)}), Case(((2, 3),), {"shape": (6,)}), Case(((),), {"shape": (1, 1)}))

    @staticmethod
    def bind(x: Any, *shape: Any) -> Call:
        return (x,), {"shape": whole_shape("reshape", x.shape, sizes_of("reshape", shape))}

    @staticmethod
    def forward(xp: Any, x: Any, *, shape: Shape) -> Any:
        return x.reshape(shape)

    @staticmethod
    def infer(x: Any, *, shape: Shape) -> Abstract:
        return Abstract(whole_shape("reshape", x.shape, shape), x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, _x: Any, *, shape: Shape) -> Rule:
        return (g.reshape(_x.shape),)


def whole_shape(where: str, old: Shape, new: Shape) -> Shape:
    """`new` with its -1 worked out; refuses a different number of elements."""
    if -1 not in new and math.prod(new) == math.prod(old):
        return new
    known = math.prod(n for n in new if n != -1)
    if new.count(-1) != 1 or known == 0 or math.prod(old) % known or min(new) < -1:
        hint = f"{words(old)} holds {math.prod(old)} elements."
        raise ShapeError(where, f"a shape with as many elements as {words(old)}", words(new), hint)
    return tuple(math.prod(old) // known if n == -1 else n for n in new)


class Permute(Moving):
    """The axes in another order."""

    latex = r"\operatorname{{permute}}({0})"
    cases = (Case(((2, 3, 4),), {"dims": (2, 0, 1)}), Case(((3, 4),), {"dims": (1, 0)}))

    @staticmethod
    def bind(x: Any, *dims: Any) -> Call:
        given = sizes_of("permute", dims)
        axes = tuple(axis_of("permute", d, x.ndim) for d in given)
        if sorted(axes) != list(range(x.ndim)):
            raise ShapeError("permute", f"each of the {x.ndim} dims once", given)
        return (x,), {"dims": axes}

    @staticmethod
    def forward(xp: Any, x: Any, *, dims: Shape) -> Any:
        return x.transpose(dims)

    @staticmethod
    def infer(x: Any, *, dims: Shape) -> Abstract:
        return Abstract(tuple(x.shape[d] for d in dims), x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, __: Any, *, dims: Shape) -> Rule:
        return (g.permute(tuple(sorted(range(len(dims)), key=dims.__getitem__))),)


class Expand(Moving):
    """Axes of size 1 (and new ones in front) repeated without copying."""

    latex = r"{0}"
    cases = (Case(((3, 1),), {"shape": (2, 3, 4)}), Case(((),), {"shape": (3,)}))

    @staticmethod
    def bind(x: Any, *shape: Any) -> Call:
        sizes = sizes_of("expand", shape)
        lead = len(sizes) - x.ndim
        full = tuple(x.shape[i - lead] if n == -1 and i >= lead else n for i, n in enumerate(sizes))
        return (x,), {"shape": full}

    @staticmethod
    def forward(xp: Any, x: Any, *, shape: Shape) -> Any:
        return x if x.shape == shape else xp.broadcast_to(x, shape)

    @staticmethod
    def infer(x: Any, *, shape: Shape) -> Abstract:
        lead = len(shape) - x.ndim
        if lead < 0 or any(n not in (1, m) for n, m in zip(x.shape, shape[lead:], strict=True)):
            raise ShapeError("expand", f"a shape that {words(x.shape)} broadcasts to", words(shape))
        return Abstract(shape, x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, __: Any, *, shape: Shape) -> Rule:
        return (g,)


class Flip(Op):
    """The order along some axes reversed (a copy)."""

    latex, jvp, promotion = r"\operatorname{{flip}}({0})", "linear", "none"
    cases = (Case(((3, 4),), {"dims": (0,)}), Case(((2, 3, 4),), {"dims": (0, 2)}))

    @staticmethod
    def bind(x: Any, *dims: Any) -> Call:
        given = sizes_of("flip", dims)
        return (x,), {"dims": axes_of("flip", given, x.ndim) if given else ()}

    @staticmethod
    def forward(xp: Any, x: Any, *, dims: Shape) -> Any:
        return xp.flip(x, dims).copy()

    @staticmethod
    def infer(x: Any, *, dims: Shape) -> Abstract:
        return Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, __: Any, *, dims: Shape) -> Rule:
        return (g.flip(dims),)


class Roll(Op):
    """Elements moved along axes; what leaves at one end enters at the other."""

    latex, jvp, promotion = r"\operatorname{{roll}}({0})", "linear", "none"
    cases = (Case(((3, 4),), {"shifts": (1,), "dims": (1,)}), Case(((3, 4),), {"shifts": (2, -1), "dims": (0, 1)}))

    @staticmethod
    def bind(x: Any, shifts: Any, dims: Any = None) -> Call:
        return (x,), {"shifts": shifts, "dims": dims}

    @staticmethod
    def forward(xp: Any, x: Any, *, shifts: Any, dims: Any = None) -> Any:
        return xp.roll(x, shifts, dims)

    @staticmethod
    def infer(x: Any, *, shifts: Any, dims: Any = None) -> Abstract:
        return Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, __: Any, *, shifts: Any, dims: Any = None) -> Rule:
        back = tuple(-s for s in shifts) if isinstance(shifts, tuple | list) else -shifts
        return (g.roll(back, dims),)


class CatWith(Op):
    """Tensors joined along an axis: `x.cat_with(y, z, dim=0)` is `cat([x, y, z], 0)`."""

    latex, jvp = r"\operatorname{{cat}}({0}, \dots)", "linear"
    cases = (Case(((2, 3), (1, 3)), {"dim": 0}), Case(((2, 1), (2, 3), (2, 2)), {"dim": 1}))

    @staticmethod
    def forward(xp: Any, *xs: Any, dim: int = 0) -> Any:
        return xp.concatenate(xs, axis=dim)

    @staticmethod
    def infer(*xs: Any, dim: int = 0) -> Abstract:
        first = xs[0].shape
        axis = axis_of("cat", dim, len(first))
        for x in xs[1:]:
            if len(x.shape) != len(first) or any(
                a != b for i, (a, b) in enumerate(zip(first, x.shape, strict=True)) if i != axis
            ):
                hint = f"Only the sizes along dim {axis} may differ."
                raise ShapeError("cat", f"tensors like {words(first)}", words(x.shape), hint)
        total = sum(x.shape[axis] for x in xs)
        return Abstract((*first[:axis], total, *first[axis + 1 :]), dtype_of_all(*xs))

    @staticmethod
    def vjp(g: Any, _: Any, *_xs: Any, dim: int = 0) -> Rule:
        parts, start = [], 0
        for x in _xs:
            parts.append(g.narrow(dim, start, x.shape[dim]))
            start += x.shape[dim]
        return tuple(parts)


class PadConstant(Op):
    """A frame of a constant around a tensor; `widths` = (before, after) for every axis."""

    latex, jvp, promotion = r"\operatorname{{pad}}({0})", None, "none"
    cases = (Case(((3, 4),), {"widths": ((0, 0), (1, 2))}), Case(((2, 3),), {"widths": ((1, 0), (0, 2)), "value": 1.5}))

    @staticmethod
    def forward(xp: Any, x: Any, *, widths: Any, value: float = 0.0) -> Any:
        return xp.pad(x, widths, constant_values=value)

    @staticmethod
    def infer(x: Any, *, widths: Any, value: float = 0.0) -> Abstract:
        return Abstract(tuple(n + a + b for n, (a, b) in zip(x.shape, widths, strict=True)), x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, _x: Any, *, widths: Any, value: float = 0.0) -> Rule:
        return (g[tuple(slice(a, a + n) for n, (a, _b) in zip(_x.shape, widths, strict=True))],)


class Triangle(Op, abstract=True):
    """One side of the diagonal, the rest 0."""

    jvp, promotion = "linear", "none"
    cases = (Case(((3, 4),)), Case(((2, 3, 3),), {"diagonal": 1}))

    @staticmethod
    def bind(x: Any, diagonal: int = 0) -> Call:
        return (x,), {"diagonal": diagonal}

    @staticmethod
    def infer(x: Any, *, diagonal: int = 0) -> Abstract:
        return Abstract(x.shape, x.dtype)


class Tril(Triangle):
    """The lower triangle; everything above the diagonal is 0."""

    latex = r"\operatorname{{tril}}({0})"

    @staticmethod
    def forward(xp: Any, x: Any, *, diagonal: int = 0) -> Any:
        return xp.tril(x, diagonal)

    @staticmethod
    def vjp(g: Any, _: Any, __: Any, *, diagonal: int = 0) -> Rule:
        return (g.tril(diagonal),)


class Triu(Triangle):
    """The upper triangle; everything below the diagonal is 0."""

    latex = r"\operatorname{{triu}}({0})"

    @staticmethod
    def forward(xp: Any, x: Any, *, diagonal: int = 0) -> Any:
        return xp.triu(x, diagonal)

    @staticmethod
    def vjp(g: Any, _: Any, __: Any, *, diagonal: int = 0) -> Rule:
        return (g.triu(diagonal),)
