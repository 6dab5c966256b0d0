"""The same numbers in another shape: views where the memory allows it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.array import Abstract, Shape, as_shape
from engine.errors import ArgumentError, ShapeError
from engine.ops.op import Case, Op, Rule, axes_of, axis_of, dtype_of_all, function, words

Call = tuple[tuple[Any, ...], dict[str, Any]]


class Moving(Op, abstract=True):
    """Ops that move numbers and compute none."""

    jvp, promotion, view = "linear", "none", True


def _sizes(where: str, given: tuple[Any, ...]) -> Shape:
    return as_shape(where, given[0] if len(given) == 1 and isinstance(given[0], tuple | list) else given)


class Reshape(Moving):
    """The same numbers in another shape; one size may be -1 and is worked out."""

    latex = r"\operatorname{{reshape}}({0})"
    cases = (Case(((3, 4),), {"shape": (2, 6)}), Case(((2, 3),), {"shape": (6,)}), Case(((),), {"shape": (1, 1)}))

    @staticmethod
    def bind(x: Any, *shape: Any) -> Call:
        return (x,), {"shape": whole_shape("reshape", x.shape, _sizes("reshape", shape))}

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
        given = _sizes("permute", dims)
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
        sizes = _sizes("expand", shape)
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
        given = _sizes("flip", dims)
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
            if len(x.shape) != len(first) or any(a != b for i, (a, b) in enumerate(zip(first, x.shape, strict=True)) if i != axis):
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


# ------------------------------------------------------------------------------------------------ compositions
@function
def view(x: Any, *shape: Any) -> Any:
    """The same memory in another shape."""
    if len(shape) == 1 and not isinstance(shape[0], tuple | list | int):
        return x.to(shape[0])
    return x.reshape(*shape)


@function
def view_as(x: Any, other: Any) -> Any:
    """x in the shape of another tensor."""
    return x.reshape(other.shape)


@function
def reshape_as(x: Any, other: Any) -> Any:
    """x in the shape of another tensor."""
    return x.reshape(other.shape)


@function
def expand_as(x: Any, other: Any) -> Any:
    """x repeated to the shape of another tensor."""
    return x.expand(other.shape)


@function
def broadcast_to(x: Any, shape: Any) -> Any:
    """x repeated to a shape, without copying."""
    return x.expand(shape)


@function
def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """The axes from start_dim to end_dim become one."""
    if not x.ndim:
        return x.reshape((1,))
    first, last = axis_of("flatten", start_dim, x.ndim), axis_of("flatten", end_dim, x.ndim)
    if first > last:
        raise ArgumentError("flatten", "start_dim not behind end_dim", f"{start_dim} and {end_dim}")
    middle = math.prod(x.shape[first : last + 1])
    return x.reshape((*x.shape[:first], middle, *x.shape[last + 1 :]))


@function
def unflatten(x: Any, dim: int, sizes: Any) -> Any:
    """One axis becomes several."""
    axis = axis_of("unflatten", dim, x.ndim)
    inner = whole_shape("unflatten", (x.shape[axis],), tuple(sizes))
    return x.reshape((*x.shape[:axis], *inner, *x.shape[axis + 1 :]))


@function
def squeeze(x: Any, dim: Any = None) -> Any:
    """Without the axes of size 1 (all of them, or the named ones)."""
    axes = axes_of("squeeze", dim, x.ndim) if dim is not None else range(x.ndim)
    return x.reshape(tuple(n for i, n in enumerate(x.shape) if n != 1 or i not in axes))


@function
def unsqueeze(x: Any, dim: int) -> Any:
    """With a new axis of size 1."""
    axis = axis_of("unsqueeze", dim, x.ndim + 1)
    return x.reshape((*x.shape[:axis], 1, *x.shape[axis:]))


@function
def transpose(x: Any, dim0: int, dim1: int) -> Any:
    """Two axes exchanged."""
    axes = list(range(x.ndim))
    first, second = axis_of("transpose", dim0, x.ndim), axis_of("transpose", dim1, x.ndim)
    if axes:
        axes[first], axes[second] = axes[second], axes[first]
    return x.permute(tuple(axes))


@function
def swapaxes(x: Any, axis0: int, axis1: int) -> Any:
    """Two axes exchanged."""
    return x.transpose(axis0, axis1)


@function
def movedim(x: Any, source: Any, destination: Any) -> Any:
    """Axes moved to other places; the rest keeps its order."""
    order = np.moveaxis(np.empty(tuple(range(x.ndim))), source, destination).shape
    return x.permute(order)


@function
def t(x: Any) -> Any:
    """The transpose of a matrix."""
    if x.ndim > 2:
        raise ShapeError("t", "a tensor with at most 2 dims", words(x.shape), "Use .mT, or transpose(dim0, dim1).")
    return x.permute((1, 0)) if x.ndim == 2 else x


@function
def cat(tensors: Any, dim: int = 0) -> Any:
    """Tensors joined along an existing axis."""
    parts = [x for x in tensors if x.shape != (0,)] or list(tensors)
    if not parts:
        raise ArgumentError("cat", "at least one tensor", "none")
    return parts[0].cat_with(*parts[1:], dim=axis_of("cat", dim, parts[0].ndim))


@function
def stack(tensors: Any, dim: int = 0) -> Any:
    """Tensors of one shape joined along a new axis."""
    parts = list(tensors)
    odd = next((x.shape for x in parts if x.shape != parts[0].shape), None)
    if odd is not None:
        raise ShapeError("stack", f"tensors of one shape, {words(parts[0].shape)}", words(odd))
    return cat([x.unsqueeze(dim) for x in parts], axis_of("stack", dim, parts[0].ndim + 1))


@function
def narrow(x: Any, dim: int, start: int, length: int) -> Any:
    """`length` positions of an axis, from `start` on (a view)."""
    axis = axis_of("narrow", dim, x.ndim)
    return x[(slice(None),) * axis + (slice(start, start + length),)]


@function
def select(x: Any, dim: int, index: int) -> Any:
    """One position of an axis, which disappears (a view)."""
    return x[(slice(None),) * axis_of("select", dim, x.ndim) + (index,)]


@function
def split(x: Any, split_size: Any, dim: int = 0) -> Any:
    """Pieces of `split_size` (or of the listed sizes) along an axis, as views."""
    total = x.shape[axis_of("split", dim, x.ndim)]
    sizes = list(split_size) if isinstance(split_size, tuple | list) else _equal_sizes(total, split_size)
    if sum(sizes) != total:
        raise ShapeError("split", f"sizes that sum to {total}", sizes)
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return tuple(x.narrow(dim, start, size) for start, size in zip(starts, sizes, strict=True))


def _equal_sizes(total: int, size: int) -> list[int]:
    if size < 1:
        raise ArgumentError("split", "a size of at least 1", size)
    return [min(size, total - start) for start in range(0, total, size)] or [0]


@function
def chunk(x: Any, chunks: int, dim: int = 0) -> Any:
    """At most `chunks` pieces of equal size along an axis, as views."""
    total = x.shape[axis_of("chunk", dim, x.ndim)]
    return x.split(max(-(-total // chunks), 1), dim)


@function
def unbind(x: Any, dim: int = 0) -> Any:
    """All positions of an axis, one by one."""
    return tuple(x.select(dim, i) for i in range(x.shape[axis_of("unbind", dim, x.ndim)]))


@function
def repeat(x: Any, *sizes: Any) -> Any:
    """The tensor laid out several times along each axis (a copy)."""
    times = _sizes("repeat", sizes)
    lead = len(times) - x.ndim
    old = (1,) * lead + tuple(x.shape)
    spread = x.reshape(tuple(n for size in old for n in (1, size)))
    spread = spread.expand(tuple(n for many, size in zip(times, old, strict=True) for n in (many, size)))
    return spread.reshape(tuple(many * size for many, size in zip(times, old, strict=True))).clone()


@function
def pad(x: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    """A frame around the last axes: pad = (last before, last after, second last before, ...)."""
    if mode != "constant":
        raise ArgumentError("pad", 'mode "constant"', repr(mode))
    pairs = list(zip(pad[::2], pad[1::2], strict=True))
    if len(pairs) > x.ndim or min(pad, default=0) < 0:
        raise ArgumentError("pad", f"at most {x.ndim} pairs of widths, none below 0", tuple(pad))
    widths = ((0, 0),) * (x.ndim - len(pairs)) + tuple(reversed(pairs))
    return x.pad_constant(widths=widths, value=value or 0.0)
