"""Gathering along an axis, scattering along an axis, and what masks choose."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.array import Abstract, Shape
from engine.errors import DTypeError, PlaceError, ShapeError
from engine.ops.accumulate import add_at
from engine.ops.op import Case, Op, Rule, axis_of, broadcast, function, words

Call = tuple[tuple[Any, ...], dict[str, Any]]
PLACES = ("int", (3, 2), 4)


def check_index(where: str, x: Any, dim: int, index: Any) -> int:
    """The axis, if `index` is made of whole numbers and reaches into no axis further than x does."""
    axis = axis_of(where, dim, x.ndim)
    if index.dtype.name not in ("int64", "int32", "uint8"):
        raise DTypeError(where, "an index of int64", index.dtype)
    if index.numel() and max(index.ndim, 1) != max(x.ndim, 1):
        raise ShapeError(where, f"an index with {x.ndim} dims", words(index.shape))
    pairs = zip(index.shape, x.shape, strict=False)
    if index.numel() and any(n > m for i, (n, m) in enumerate(pairs) if i != axis):
        raise ShapeError(where, f"an index that fits {words(x.shape)} apart from dim {dim}", words(index.shape))
    return axis


def grid(xp: Any, index: Any, dim: int, size: int) -> tuple[Any, ...]:
    """The key that takes `index` along dim and every place's own position along the others."""
    index = index.reshape((1,)) if not index.ndim else index
    if xp is np and index.size and (index.min() < 0 or index.max() >= size):
        bad = index[(index < 0) | (index >= size)][0]
        raise PlaceError("gather and scatter", f"an index from 0 to {size - 1}", bad)
    places = [xp.arange(n).reshape((-1,) + (1,) * (index.ndim - 1 - i)) for i, n in enumerate(index.shape)]
    places[dim] = index
    return tuple(places)


def _lifted(x: Any) -> Any:
    return x if x.ndim else x.reshape((1,))


def _extent(shape: Shape, dim: int) -> int:
    return shape[dim] if shape else 1


class Gather(Op):
    """Along `dim`, at every place the element whose position `index` names.

    >>> engine.tensor([[1, 2], [3, 4]]).gather(1, engine.tensor([[0], [1]]))
    tensor([[1],
            [4]])
    """

    latex, jvp, promotion = r"\operatorname{{gather}}({0}, {1})", None, "none"
    cases = (Case(((3, 4), PLACES), {"dim": 1}), Case(((3, 4), ("int", (2, 4), 3)), {"dim": 0}))

    @staticmethod
    def bind(input: Any, dim: int, index: Any, *, sparse_grad: bool = False) -> Call:
        return (input, index), {"dim": check_index("gather", input, dim, index)}

    @staticmethod
    def forward(xp: Any, x: Any, index: Any, *, dim: int) -> Any:
        if not index.size:
            return xp.zeros(index.shape, x.dtype)
        return _lifted(x)[grid(xp, index, dim, _extent(x.shape, dim))].reshape(index.shape)

    infer = lambda x, index, *, dim: Abstract(index.shape, x.dtype)
    vjp = lambda g, _, _x, index, *, dim: (g.gather_backward(index, dim=dim, shape=_x.shape), None)


class Picked(Op):
    """Along `dim` the one element whose position `index` names; the axis is gone."""

    latex, promotion, node_name = r"\operatorname{{gather}}({0}, {1})", "none", "GatherBackward0"
    cases = (Case(((3, 4), ("int", (3,), 4)), {"dim": 1}), Case(((2, 3, 4), ("int", (2, 4), 3)), {"dim": 1}))
    infer = lambda x, index, *, dim: Abstract(index.shape, x.dtype)
    vjp = lambda g, _, _x, index, *, dim: (
        g.unsqueeze(dim).gather_backward(index.unsqueeze(dim), dim=dim, shape=_x.shape),
        None,
    )

    @staticmethod
    def forward(xp: Any, x: Any, index: Any, *, dim: int) -> Any:
        rest, places = index.ndim, [index]
        for axis, n in enumerate(index.shape):
            places.insert(axis + (axis >= dim), xp.arange(n).reshape((n, *[1] * (rest - 1 - axis))))
        return x[tuple(places)]


class GatherBackward(Op):
    """Zeros with g added at the places that `index` names along `dim`.

    >>> engine.ones(3).gather_backward(engine.tensor([0, 2, 2]), dim=0, shape=(3,))
    tensor([1., 0., 2.])
    """

    latex, jvp, promotion = r"\operatorname{{scatter}}({0}, {1})", None, "none"
    cases = (Case(((3, 2), PLACES), {"dim": 1, "shape": (3, 4)}),)

    @staticmethod
    def forward(xp: Any, g: Any, index: Any, *, dim: int, shape: Shape) -> Any:
        full = xp.zeros(shape or (1,), g.dtype)
        if index.size:
            add_at(xp, full, grid(xp, index, dim, full.shape[dim]), _lifted(g))
        return full.reshape(shape)

    infer = lambda g, index, *, dim, shape: Abstract(shape, g.dtype)
    vjp = lambda h, _, __, index, *, dim, shape: (h.gather(dim, index), None)


class ScatterInto(Op):
    """x with v written at the places that `index` names along `dim`.

    >>> engine.zeros(3).scatter_into(engine.tensor([2]), engine.ones(1), dim=0)
    tensor([0., 0., 1.])
    """

    latex, jvp, promotion = r"\operatorname{{scatter}}({0}, {1}, {2})", None, "none"
    cases = (Case(((3, 4), ("int", (3, 1), 4), (3, 1)), {"dim": 1}),)

    @staticmethod
    def forward(xp: Any, x: Any, index: Any, v: Any, *, dim: int) -> Any:
        changed = _lifted(x).copy()
        if index.size:
            changed[grid(xp, index, dim, changed.shape[dim])] = v
        return changed.reshape(x.shape)

    infer = lambda x, index, v, *, dim: Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, __: Any, index: Any, ___: Any, *, dim: int) -> Rule:
        return lambda: g.scatter_into(index, 0.0, dim=dim), None, lambda: g.gather(dim, index)


class ScatterExtreme(Op):
    """The product, largest or smallest of what goes to each place (and of x there, unless include_self is off).

    >>> engine.zeros(2).scatter_extreme(engine.tensor([0, 0]), engine.tensor([1.0, 3.0]), dim=0, reduce="amax")
    tensor([3., 0.])
    """

    latex, jvp, promotion = r"\operatorname{{reduce}}({0}, {1}, {2})", None, "none"
    cases = tuple(
        Case(((3, 4), PLACES, (3, 2)), {"dim": 1, "reduce": how, "include_self": own})
        for how, own in (("prod", True), ("prod", False), ("amax", True), ("amin", False))
    )

    @staticmethod
    def forward(xp: Any, x: Any, index: Any, v: Any, *, dim: int, reduce: str, include_self: bool = True) -> Any:
        y = _lifted(x).copy()
        if index.size:
            key = grid(xp, index, dim, y.shape[dim])
            if not include_self:
                y[key] = _neutral(xp, reduce, y.dtype)
            {"prod": xp.multiply, "amax": xp.maximum, "amin": xp.minimum}[reduce].at(y, key, _lifted(v))
        return y.reshape(x.shape)

    infer = lambda x, index, v, *, dim, reduce, include_self=True: Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, y: Any, x: Any, index: Any, v: Any, *, dim: int, reduce: str, include_self: bool = True) -> Rule:
        """Products without dividing by 0; the largest share a gradient equally."""
        slope = _product_slopes if reduce == "prod" else _extreme_slopes
        gx, gv = slope(g, y, x, index, v, dim, include_self)
        return (gx if include_self else lambda: gx.scatter_into(index, 0.0, dim=dim)), None, gv


def _neutral(xp: Any, reduce: str, dtype: Any) -> Any:
    if reduce == "prod":
        return 1
    low, high = (-np.inf, np.inf) if dtype.kind == "f" else (False, True)
    if dtype.kind in "iu":
        low, high = np.iinfo(dtype).min, np.iinfo(dtype).max
    return low if reduce == "amax" else high


def _extreme_slopes(g: Any, y: Any, x: Any, index: Any, v: Any, dim: int, include_self: bool) -> tuple[Any, Any]:
    own, given = (x == y).to(g.dtype), (v == y.gather(dim, index)).to(g.dtype)
    share = g / (own + given.gather_backward(index, dim=dim, shape=tuple(x.shape)))
    return own * share, given * share.gather(dim, index)


def _product_slopes(g: Any, y: Any, x: Any, index: Any, v: Any, dim: int, include_self: bool) -> tuple[Any, Any]:
    """A factor that is 0 is left out of the product that its own slope needs, not divided out."""
    rest = {"dim": dim, "reduce": "prod", "include_self": include_self}
    mine = x.masked_fill(x == 0, 1)
    zero = v == 0
    zeros = zero.to(g.dtype).gather_backward(index, dim=dim, shape=tuple(x.shape)).gather(dim, index)
    lonely = zero & (zeros == 1)
    without = (g * x.scatter_extreme(index, v.masked_fill(lonely, 1), **rest)).gather(dim, index)
    divided = (g * y).gather(dim, index) / v.masked_fill(zero, 1)
    return g * mine.scatter_extreme(index, v, **rest) / mine, lonely.choose(without, divided)


def _parts(where: str, input: Any, dim: int, index: Any, src: Any) -> tuple[int, Any]:
    """The axis, and the part of src that index speaks of."""
    axis = check_index(where, input, dim, index)
    if src.dtype != input.dtype:
        raise DTypeError(f"{where}(): Expected self.dtype to be equal to src.dtype", input.dtype, src.dtype)
    if not index.numel():
        return axis, src.new_zeros(index.shape)
    if max(src.ndim, 1) != max(index.ndim, 1) or any(n > m for n, m in zip(index.shape, src.shape, strict=False)):
        raise ShapeError(where, f"a source of at least {words(index.shape)}", words(src.shape))
    if src.shape == index.shape:
        return axis, src
    return axis, src[tuple(slice(0, n) for n in index.shape)] if src.ndim and index.ndim else src.reshape(index.shape)


@function
def scatter(input: Any, dim: int, index: Any, src: Any = None, *, value: Any = None, reduce: Any = None) -> Any:
    """A copy with a number, or the elements of `src`, written at the places that `index` names along `dim`.

    >>> engine.zeros(2, 2).scatter(1, engine.tensor([[0], [1]]), 1.0)
    tensor([[1., 0.],
            [0., 1.]])
    """
    src = value if src is None else src
    if reduce is not None:
        if reduce not in ("add", "multiply"):
            raise ShapeError("reduce argument must be either add or multiply.", got=repr(reduce))
        src = src if hasattr(src, "ndim") else input.new_full(tuple(index.shape), src)
        return input.scatter_reduce(dim, index, src, "sum" if reduce == "add" else "prod")
    if not hasattr(src, "ndim"):
        return input.scatter_into(index, src, dim=check_index("scatter", input, dim, index))
    axis, part = _parts("scatter", input, dim, index, src)
    return input.scatter_into(index, part, dim=axis)


@function
def scatter_add(input: Any, dim: int, index: Any, src: Any) -> Any:
    """A copy with the elements of `src` added at the places that `index` names along `dim`; equal places add up.

    >>> engine.zeros(3).scatter_add(0, engine.tensor([0, 2, 2]), engine.ones(3))
    tensor([1., 0., 2.])
    """
    axis, part = _parts("scatter_add", input, dim, index, src)
    return input + part.gather_backward(index, dim=axis, shape=tuple(input.shape))


@function
def scatter_reduce(input: Any, dim: int, index: Any, src: Any, reduce: str, *, include_self: bool = True) -> Any:
    """What goes to each place along `dim`, reduced: "sum", "prod", "mean", "amax" or "amin".

    include_self: whether the old value takes part.

    >>> engine.ones(2).scatter_reduce(0, engine.tensor([0, 0]), engine.tensor([2.0, 4.0]), "mean", include_self=False)
    tensor([3., 1.])
    """
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise ShapeError("scatter_reduce", "reduce: sum, prod, mean, amax or amin", repr(reduce))
    axis, part = _parts("scatter_reduce", input, dim, index, src)
    if reduce not in ("sum", "mean"):
        return input.scatter_extreme(index, part, dim=axis, reduce=reduce, include_self=include_self)
    start = input if include_self else input.scatter_into(index, 0, dim=axis)
    total = start.scatter_add(axis, index, part)
    return total if reduce == "sum" else _averaged(total, input, axis, index, include_self)


def _averaged(total: Any, input: Any, axis: int, index: Any, include_self: bool) -> Any:
    ones, shape = input.new_full(tuple(index.shape), 1), tuple(input.shape)
    many = (ones.gather_backward(index, dim=axis, shape=shape) + int(include_self)).clamp(1)
    return total / many if total.dtype.is_floating_point else total.floor_divide(many).to(total.dtype)


@function
def index_reduce(input: Any, dim: int, index: Any, source: Any, reduce: str, *, include_self: bool = True) -> Any:
    """The positions of `source` that go to the same position of an axis, reduced: prod, mean, amax or amin.

    >>> engine.ones(2).index_reduce(0, engine.tensor([1, 1]), engine.tensor([2.0, 3.0]), "prod")
    tensor([1., 6.])
    """
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise ShapeError("index_reduce", "reduce: prod, mean, amax or amin", repr(reduce))
    axis = axis_of("index_reduce", dim, input.ndim)
    if index.ndim > 1 or index.numel() != (source.shape[axis] if source.ndim else 1):
        raise ShapeError("index_reduce", "an index with one number for each position of source", words(index.shape))
    spread = index.reshape((-1,) + (1,) * (source.ndim - 1 - axis)) if source.ndim else index.reshape(())
    return input.scatter_reduce(axis, spread.expand(source.shape), source, reduce, include_self=include_self)


@function
def take_along_dim(input: Any, indices: Any, dim: Any = None) -> Any:
    """Like `gather`, with broadcasting; without dim: positions in the flattened tensor.

    >>> engine.take_along_dim(engine.tensor([[3, 1, 2]]), engine.tensor([[1, 2, 0]]), 1)
    tensor([[1, 2, 3]])
    """
    if indices.dtype.name != "int64":
        raise DTypeError("take_along_dim", "indices of int64", indices.dtype)
    if dim is None:
        return input.reshape((-1,)).take_along_dim(indices.reshape((-1,)), 0)
    if input.ndim != indices.ndim:
        raise ShapeError("take_along_dim", f"indices with {input.ndim} dims", words(indices.shape))
    axis = axis_of("take_along_dim", dim, input.ndim)
    indices = (indices < 0).choose(indices + input.shape[axis], indices)
    common = broadcast("take_along_dim", *(Abstract(_with(x.shape, axis, 1)) for x in (input, indices)))
    wide = [x.expand(_with(common, axis, x.shape[axis])) for x in (input, indices)]
    return wide[0].gather(axis, wide[1])


def _with(shape: Shape, axis: int, size: int) -> Shape:
    return tuple(size if i == axis else n for i, n in enumerate(shape))


# --------------------------------------------------------------------------------------------------------- masks
def _checked_mask(where: str, mask: Any) -> Any:
    if mask.dtype.name not in ("bool", "uint8"):
        raise DTypeError(f"{where}: expected a mask of bool", got=mask.dtype)
    return mask.bool()


@function
def masked_fill(input: Any, mask: Any, value: Any) -> Any:
    """A copy with one number where the mask is true.

    >>> engine.tensor([1, 2, 3]).masked_fill(engine.tensor([True, False, True]), 0)
    tensor([0, 2, 0])
    """
    if hasattr(value, "ndim") and value.ndim:
        raise ShapeError("masked_fill_ only supports a 0-dimensional value tensor", got=words(value.shape))
    if mask.dtype.name != "bool":
        raise DTypeError("masked_fill: expected a mask of bool", got=mask.dtype)
    if hasattr(value, "ndim"):
        value = value.to(input.dtype)
    elif isinstance(value, float) and not input.dtype.is_floating_point:
        value = int(value)
    return mask.choose(value, input).to(input.dtype)


@function
def masked_select(input: Any, mask: Any) -> Any:
    """The elements where the mask is true, as a vector.

    >>> engine.tensor([1, 2, 3]).masked_select(engine.tensor([True, False, True]))
    tensor([1, 3])
    """
    mask = _checked_mask("masked_select", mask)
    common = broadcast("masked_select", input, mask)
    return input.expand(common).reshape((-1,))[mask.expand(common).reshape((-1,))]


@function
def masked_scatter(input: Any, mask: Any, source: Any) -> Any:
    """A copy in which the elements where the mask is true are replaced by those of `source`, in order.

    >>> engine.zeros(3).masked_scatter(engine.tensor([True, False, True]), engine.tensor([1.0, 2.0]))
    tensor([1., 0., 2.])
    """
    if source.dtype != input.dtype:
        raise DTypeError("masked_scatter", f"a source of {input.dtype}", source.dtype)
    if mask.dtype.name != "bool":
        raise DTypeError("masked_scatter: expected a mask of bool", got=mask.dtype)
    common = broadcast("masked_scatter", input, mask)
    mask, wide = mask.expand(common), input.expand(common)
    order = (mask.reshape((-1,)).to("int64").cumsum(0) - 1).clamp(0)
    if not source.numel() and not order.numel():
        return wide.clone()
    if not source.numel():
        raise ShapeError("masked_scatter", "a source with an element for every true place of the mask", "none")
    return mask.choose(source.reshape((-1,)).gather(0, order).reshape(common), wide)


@function
def argwhere(input: Any) -> Any:
    """The positions of the elements that are not 0, one row each.

    >>> engine.argwhere(engine.tensor([0, 3, 4]))
    tensor([[1],
            [2]])
    """
    return input.nonzero()
