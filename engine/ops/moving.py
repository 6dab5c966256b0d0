"""Ops that move numbers and compute none: views where the memory allows it."""

from __future__ import annotations

import math
from typing import Any

from engine.array import Abstract, Shape, as_shape, broadcast_to
from engine.errors import IndexOutOfRange, ShapeError
from engine.ops.op import Case, Op, Rule, axes_of, axis_of, broadcast, dtype_of_all, function, words

Call = tuple[tuple[Any, ...], dict[str, Any]]


class Moving(Op, abstract=True):
    """Ops that move numbers and compute none."""

    jvp, promotion, view = "linear", "none", True


def sizes_of(where: str, given: tuple[Any, ...]) -> Shape:
    """The sizes in `f(2, 3)` or `f((2, 3))`."""
    return as_shape(where, given[0] if len(given) == 1 and given[0].__class__ is not int else given)


class Reshape(Moving):
    """The same numbers in another shape; one size may be -1 and is worked out. A view where the memory allows it.

    >>> engine.arange(4).reshape(2, -1)
    tensor([[0, 1],
            [2, 3]])
    """

    latex = r"\operatorname{{reshape}}({0})"
    cases = (Case(((3, 4),), {"shape": (2, 6)}), Case(((2, 3),), {"shape": (6,)}), Case(((),), {"shape": (1, 1)}))
    bind = lambda input, *shape: ((input,), {"shape": whole_shape("reshape", input.shape, sizes_of("reshape", shape))})
    forward = lambda xp, x, *, shape: x.reshape(shape)
    infer = lambda x, *, shape: Abstract(whole_shape("reshape", x.shape, shape), x.dtype)
    vjp = lambda g, _, _x, *, shape: (g.reshape(_x.shape),)


def whole_shape(where: str, old: Shape, new: Shape) -> Shape:
    """`new` with its -1 worked out; refuses a different number of elements."""
    if math.prod(new) == math.prod(old) and -1 not in new:
        return new
    if new == (-1,):
        return (math.prod(old),)
    known = math.prod(n for n in new if n != -1)
    if new.count(-1) != 1 or known == 0 or math.prod(old) % known or min(new) < -1:
        hint = f"{words(old)} holds {math.prod(old)} elements."
        raise ShapeError(where, f"a shape with as many elements as {words(old)}", words(new), hint)
    return tuple(math.prod(old) // known if n == -1 else n for n in new)


class Permute(Moving):
    """The axes in another order (a view).

    >>> engine.zeros(2, 3, 4).permute(2, 0, 1).shape
    engine.Size([4, 2, 3])
    """

    latex = r"\operatorname{{permute}}({0})"
    cases = (Case(((2, 3, 4),), {"dims": (2, 0, 1)}), Case(((3, 4),), {"dims": (1, 0)}))

    @staticmethod
    def bind(input: Any, *dims: Any, **named: Any) -> Call:
        given = sizes_of("permute", (named["dims"],) if "dims" in named else dims)
        axes = tuple(axis_of("permute", d, input.ndim) for d in given)
        if sorted(axes) != list(range(input.ndim)):
            raise ShapeError("permute", f"each of the {input.ndim} dims once", given)
        return (input,), {"dims": axes}

    forward = lambda xp, x, *, dims: x.transpose(dims)
    infer = lambda x, *, dims: Abstract(tuple(x.shape[d] for d in dims), x.dtype)
    vjp = lambda g, _, __, *, dims: (g.permute(tuple(sorted(range(len(dims)), key=dims.__getitem__))),)


class Transpose(Moving):
    """Two axes exchanged (a view).

    >>> engine.zeros(2, 3, 4).transpose(0, 2).shape
    engine.Size([4, 3, 2])
    """

    latex = r"{{{0}}}^T"
    cases = (Case(((2, 3, 4),), {"dim0": 2, "dim1": 0}), Case(((3, 4),), {"dim0": 0, "dim1": 1}))
    bind = lambda input, dim0, dim1: (
        (input,),
        {"dim0": axis_of("transpose", dim0, input.ndim), "dim1": axis_of("transpose", dim1, input.ndim)},
    )
    forward = lambda xp, x, *, dim0, dim1: x.swapaxes(dim0, dim1) if x.shape else x
    infer = lambda x, *, dim0, dim1: Abstract(_exchanged(x.shape, dim0, dim1), x.dtype)
    vjp = lambda g, _, __, *, dim0, dim1: (g.transpose(dim0, dim1),)


def _exchanged(shape: Shape, first: int, second: int) -> Shape:
    sizes = list(shape)
    if sizes:
        sizes[first], sizes[second] = sizes[second], sizes[first]
    return tuple(sizes)


class Unsqueeze(Moving):
    """With a new axis of size 1 (a view).

    >>> engine.tensor([1, 2]).unsqueeze(1)
    tensor([[1],
            [2]])
    """

    latex = r"{0}"
    cases = (Case(((3, 4),), {"dim": 1}), Case(((),), {"dim": 0}))
    bind = lambda input, dim: ((input,), {"dim": axis_of("unsqueeze", dim, input.ndim + 1)})
    forward = lambda xp, x, *, dim: x.reshape((*x.shape[:dim], 1, *x.shape[dim:]))
    infer = lambda x, *, dim: Abstract((*x.shape[:dim], 1, *x.shape[dim:]), x.dtype)
    vjp = lambda g, _, _x, *, dim: (g.reshape(_x.shape),)


class Expand(Moving):
    """Axes of size 1 (and new ones in front) repeated without copying.

    >>> engine.tensor([[1], [2]]).expand(2, 3)
    tensor([[1, 1, 1],
            [2, 2, 2]])
    """

    latex = r"{0}"
    cases = (Case(((3, 1),), {"shape": (2, 3, 4)}), Case(((),), {"shape": (3,)}))

    @staticmethod
    def bind(input: Any, *size: Any, implicit: bool = False, **named: Any) -> Call:
        sizes = sizes_of("expand", (named["size"],) if named else size)
        if -1 not in sizes:
            return (input,), {"shape": sizes}
        lead = len(sizes) - input.ndim
        full = tuple(input.shape[i - lead] if n == -1 and i >= lead else n for i, n in enumerate(sizes))
        return (input,), {"shape": full}

    forward = lambda xp, x, *, shape: x if x.shape == shape else broadcast_to(xp, x, shape)

    @staticmethod
    def infer(x: Any, *, shape: Shape) -> Abstract:
        lead = len(shape) - x.ndim
        if (
            lead < 0
            or min(shape, default=0) < 0
            or any(n not in (1, m) for n, m in zip(x.shape, shape[lead:], strict=True))
        ):
            raise ShapeError("expand", f"a shape that {words(x.shape)} broadcasts to", words(shape))
        return Abstract(shape, x.dtype)

    vjp = lambda g, _, __, *, shape: (g,)


class Unfold(Moving):
    """Windows of `size` positions along an axis, one every `step`; the window's axis comes last (a view).

    >>> engine.arange(4).unfold(0, 2, 1)
    tensor([[0, 1],
            [1, 2],
            [2, 3]])
    """

    latex = r"\operatorname{{unfold}}({0})"
    cases = (
        Case(((5, 3),), {"dim": 0, "size": 2, "step": 1}),
        Case(((2, 7),), {"dim": 1, "size": 3, "step": 2}),
        Case(((),), {"dim": 0, "size": 1, "step": 1}),
    )

    @staticmethod
    def bind(input: Any, dimension: int, size: int, step: int) -> Call:
        axis = axis_of("unfold", dimension, input.ndim)
        if step < 1 or size < 0:
            raise ShapeError("unfold", "a size of at least 0 and a step of at least 1", f"{size} and {step}")
        return (input,), {"dim": axis, "size": size, "step": step}

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: int, size: int, step: int) -> Any:
        shape, old = Unfold.infer(x, dim=dim, size=size, step=step).shape, x.strides
        if not x.ndim:
            return x.reshape((1,))[:size]
        new = (*old[:dim], old[dim] * step, *old[dim + 1 :], old[dim])
        return xp.lib.stride_tricks.as_strided(x, shape, new)

    @staticmethod
    def infer(x: Any, *, dim: int, size: int, step: int) -> Abstract:
        sizes = x.shape or (1,)
        if size > sizes[dim]:
            raise ShapeError("unfold", f"a size of at most {sizes[dim]}", size)
        many = (sizes[dim] - size) // step + 1
        return Abstract(
            (*(sizes[:dim] if x.ndim else ()), *((many,) if x.ndim else ()), *sizes[dim + 1 :], size), x.dtype
        )

    vjp = lambda g, _, _x, *, dim, size, step: (g.unfold_backward(dim=dim, size=size, step=step, shape=_x.shape),)


class UnfoldBackward(Op):
    """Windows laid back to where they came from; where they overlap, they add up.

    >>> engine.ones(2, 2).unfold_backward(dim=0, size=2, step=1, shape=(3,))
    tensor([1., 2., 1.])
    """

    latex, jvp, promotion = r"\operatorname{{fold}}({0})", "linear", "none"
    cases = (Case(((4, 3, 2),), {"dim": 0, "size": 2, "step": 1, "shape": (5, 3)}),)

    @staticmethod
    def forward(xp: Any, g: Any, *, dim: int, size: int, step: int, shape: Shape) -> Any:
        full = xp.zeros(shape or (1,), g.dtype)
        g = g if shape else g[None]
        for k in range(size):
            at = (slice(None),) * dim + (slice(k, k + step * (g.shape[dim] - 1) + 1, step),)
            full[at] += g[..., k]
        return full.reshape(shape)

    infer = lambda g, *, dim, size, step, shape: Abstract(shape, g.dtype)
    vjp = lambda h, _, __, *, dim, size, step, shape: (h.unfold(dim, size, step),)


class Flip(Op):
    """The order along some axes reversed (a copy).

    >>> engine.tensor([1, 2, 3]).flip(0)
    tensor([3, 2, 1])
    """

    latex, jvp, promotion = r"\operatorname{{flip}}({0})", "linear", "none"
    cases = (Case(((3, 4),), {"dims": (0,)}), Case(((2, 3, 4),), {"dims": (0, 2)}))

    @staticmethod
    def bind(input: Any, *dims: Any, **named: Any) -> Call:
        given = sizes_of("flip", (named["dims"],) if "dims" in named else dims)
        return (input,), {"dims": axes_of("flip", given, input.ndim) if given else ()}

    forward = lambda xp, x, *, dims: xp.flip(x, dims).copy()
    infer = lambda x, *, dims: Abstract(x.shape, x.dtype)
    vjp = lambda g, _, __, *, dims: (g.flip(dims),)


class Roll(Op):
    """Elements moved along axes; what leaves at one end enters at the other.

    >>> engine.tensor([1, 2, 3]).roll(1)
    tensor([3, 1, 2])
    """

    latex, jvp, promotion = r"\operatorname{{roll}}({0})", "linear", "none"
    cases = (Case(((3, 4),), {"shifts": (1,), "dims": (1,)}), Case(((3, 4),), {"shifts": (2, -1), "dims": (0, 1)}))

    @staticmethod
    def bind(input: Any, shifts: Any, dims: Any = None) -> Call:
        moves = as_shape("roll", shifts)
        axes = None if dims is None or dims in ((), []) else as_shape("roll", dims)
        if axes and not input.ndim:
            raise IndexOutOfRange("roll: Dimension specified as 0 but tensor has no dimensions")
        if not moves:
            raise ShapeError("`shifts` required")
        if len(moves) != (1 if axes is None else len(axes)):
            raise ShapeError("roll", "one dim for each shift", f"{moves} and {dims}")
        checked = None if axes is None else tuple(axis_of("roll", d, input.ndim) for d in axes if input.ndim)
        return (input,), {"shifts": moves, "dims": checked}

    forward = lambda xp, x, *, shifts, dims=None: xp.roll(x, shifts if dims else sum(shifts), dims or None)
    infer = lambda x, *, shifts, dims=None: Abstract(x.shape, x.dtype)
    vjp = lambda g, _, __, *, shifts, dims=None: (g.roll_back(shifts, dims),)


@function
def roll_back(input: Any, shifts: Any, dims: Any) -> Any:
    """What `roll` moved, moved back.

    >>> engine.tensor([3, 1, 2]).roll_back((1,), None)
    tensor([1, 2, 3])
    """
    return input.roll(tuple(-s for s in shifts), dims) if dims or dims is None else input


class CatWith(Op):
    """Tensors joined along an axis: `x.cat_with(y, z, dim=0)` is `cat([x, y, z], 0)`.

    >>> engine.tensor([1, 2]).cat_with(engine.tensor([3]))
    tensor([1, 2, 3])
    """

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
    """A frame of a constant around a tensor; `widths` = (before, after) for every axis.

    >>> engine.tensor([1, 2]).pad_constant(widths=((1, 0),))
    tensor([0, 1, 2])
    """

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


class CopyFrom(Op):
    """The numbers of `source`, repeated and cast to be like x, which they take the place of.

    >>> engine.zeros(2).copy_from(engine.tensor(3))
    tensor([3., 3.])
    """

    latex, jvp, promotion, node_name = r"{1}", "linear", "none", "CopyBackwards"
    cases = (Case(((3, 4), (3, 4))), Case(((3, 4), (4,))))
    forward = lambda xp, x, source: xp.broadcast_to(source, x.shape).astype(x.dtype)

    @staticmethod
    def infer(x: Any, source: Any) -> Abstract:
        if broadcast("copy_", x, source) != x.shape:
            raise ShapeError("copy_", f"numbers that fit into {words(x.shape)}", words(source.shape))
        return Abstract(x.shape, x.dtype)

    vjp = lambda g, _, __, ___: (lambda: g.new_zeros(g.shape), lambda: g * 1)
