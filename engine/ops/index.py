"""Choosing elements by a key, `x[...]`, and writing chosen elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.array import Abstract, Shape
from engine.errors import DTypeError, IndexOutOfRange, ShapeError
from engine.ops.accumulate import add_at
from engine.ops.op import Case, Op, Rule, axis_of, broadcast, function, words

Call = tuple[tuple[Any, ...], dict[str, Any]]
Key = tuple[Any, ...]
EVERY = slice(None)


def is_basic(key: Key) -> bool:
    """Whether a key consists of whole numbers, slices, None and `...` only: then the result is a view."""
    return all(k is None or k is Ellipsis or (isinstance(k, slice | int) and not isinstance(k, bool)) for k in key)


def key_shape(where: str, shape: Shape, key: Key) -> Shape:
    """The shape of x[key], found on an array that takes no memory."""
    key = tuple(np.broadcast_to(np.zeros((), k.dtype), k.shape) if _hollow(k) else k for k in key)
    try:
        return np.broadcast_to(np.uint8(0), shape)[key].shape
    except IndexError as refusal:
        raise IndexOutOfRange(where, f"an index that fits the shape {words(shape)}", str(refusal)) from None


def _hollow(k: Any) -> bool:
    return isinstance(k, Abstract) or hasattr(k, "get")


class Index(Op):
    """Elements chosen by whole numbers and slices: a view.

    >>> engine.arange(6).index(key=(slice(1, 3),))
    tensor([1, 2])
    """

    latex, jvp, promotion, view = r"{0}[\cdot]", "linear", "none", True
    cases = (
        Case(((4, 3),), {"key": (slice(1, 3),)}),
        Case(((4, 3),), {"key": (0,)}),
        Case(((4, 3, 2),), {"key": (Ellipsis, None, 1)}),
        Case(((7,),), {"key": (slice(None, None, 2),)}),
    )
    forward = lambda xp, x, *, key: x[key if Ellipsis in key else (*key, Ellipsis)]
    infer = lambda x, *, key: Abstract(key_shape("index", x.shape, key), x.dtype)
    vjp = lambda g, _, _x, *, key: (g.index_backward(key=key, shape=_x.shape),)


class IndexBackward(Op):
    """Zeros with g written at the places that the key names.

    >>> engine.ones(2).index_backward(key=(slice(1, 3),), shape=(4,))
    tensor([0., 1., 1., 0.])
    """

    latex, jvp, promotion = r"\operatorname{{put}}({0})", "linear", "none"
    cases = (Case(((2, 3),), {"key": (slice(1, 3),), "shape": (4, 3)}),)

    @staticmethod
    def forward(xp: Any, g: Any, *, key: Key, shape: Shape) -> Any:
        full = xp.zeros(shape, g.dtype)
        full[key] = g
        return full

    infer = lambda g, *, key, shape: Abstract(shape, g.dtype)
    vjp = lambda h, _, __, *, key, shape: (h[key],)


class Take(Op):
    """Elements chosen by arrays of positions or of truth values: a copy.

    >>> engine.tensor([1, 2, 3]).read_at(key=(np.array([2, 0]),))
    tensor([3, 1])
    """

    name, latex, jvp, promotion = "read_at", r"{0}[\cdot]", "linear", "none"
    cases = (
        Case(((4, 3),), {"key": (np.array([2, 0, 2]),)}),
        Case(((4, 3),), {"key": (np.array([1, 3]), np.array([0, 0]))}),
        Case(((2, 3),), {"key": (np.array([[True, False, True], [False, True, False]]),)}),
        Case(((4, 3, 2),), {"key": (EVERY, np.array([1, 1]), np.array([0]))}),
    )
    forward = lambda xp, x, *, key: x[key]
    infer = lambda x, *, key: Abstract(key_shape("index", x.shape, key), x.dtype)
    vjp = lambda g, _, _x, *, key: (g.read_at_backward(key=key, shape=_x.shape),)


class TakeBackward(Op):
    """Zeros with g added at the places that the key names; equal places add up.

    >>> engine.ones(3).read_at_backward(key=(np.array([0, 2, 2]),), shape=(3,))
    tensor([1., 0., 2.])
    """

    name, latex, jvp, promotion = "read_at_backward", r"\operatorname{{scatter}}({0})", "linear", "none"
    cases = (
        Case(((3, 3),), {"key": (np.array([2, 0, 2]),), "shape": (4, 3)}),
        Case(((2, 3, 4),), {"key": (np.array([[2], [-1]]), EVERY, np.array([0, 0, 1])), "shape": (3, 4, 2)}),
    )

    @staticmethod
    def forward(xp: Any, g: Any, *, key: Key, shape: Shape) -> Any:
        full = xp.zeros(shape, g.dtype)
        add_at(xp, full, key, g)
        return full

    infer = lambda g, *, key, shape: Abstract(shape, g.dtype)
    vjp = lambda h, _, __, *, key, shape: (h[key],)


class IndexPut(Op):
    """x with the elements that the key names replaced by v (or v added to them).

    >>> engine.zeros(3).write_at(engine.ones(1), key=(np.array([1]),))
    tensor([0., 1., 0.])
    """

    name, latex, jvp = "write_at", r"\operatorname{{put}}({0}, {1})", "linear"
    cases = (
        Case(((4, 3), (2, 3)), {"key": (slice(1, 3),)}),
        Case(((4, 3), (3,)), {"key": (np.array([2, 0]),)}),
        Case(((4, 3), (2, 3)), {"key": (np.array([2, 2]),), "accumulate": True}),
    )

    @staticmethod
    def forward(xp: Any, x: Any, v: Any, *, key: Key, accumulate: bool = False) -> Any:
        changed = x.copy()
        if accumulate:
            add_at(xp, changed, key, xp.asarray(v, x.dtype))
        else:
            changed[key] = v
        return changed

    @staticmethod
    def infer(x: Any, v: Any, *, key: Key, accumulate: bool = False) -> Abstract:
        place, shape = key_shape("index_put", x.shape, key), getattr(v, "shape", ())
        if broadcast("index_put", Abstract(place), Abstract(shape)) != place:
            raise ShapeError("index_put", f"values that broadcast to {words(place)}", words(shape))
        return Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, __: Any, ___: Any, *, key: Key, accumulate: bool = False) -> Rule:
        return g if accumulate else lambda: g.write_at(0.0, key=key), lambda: g[key]


class PutView(Op):
    """x with the part that a chain of views shows replaced by v: what a write through a view does."""

    latex, jvp, promotion = r"\operatorname{{put}}({0}, {1})", "linear", "none"

    @staticmethod
    def forward(xp: Any, x: Any, v: Any, *, path: tuple[tuple[type[Op], dict[str, Any]], ...]) -> Any:
        changed = x.copy(order="K")
        part = changed
        for op, attrs in path:
            part = op.forward(xp, part, **attrs)
        part[...] = v
        return changed

    infer = lambda x, v, *, path: Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, __: Any, ___: Any, *, path: Any) -> Rule:
        return lambda: g.put_view(g.via(path) * 0, path=path), lambda: g.via(path)


class RepeatedPlaces(Op):
    """Each position as often as the vector says: [0, 2, 1] gives [1, 1, 2]; no gradient.

    >>> engine.tensor([0, 2, 1]).repeated_places()
    tensor([1, 1, 2])
    """

    latex, promotion = r"\operatorname{{repeat}}({0})", "none"

    @staticmethod
    def forward(xp: Any, repeats: Any, *, size: int | None = None) -> Any:
        if repeats.dtype not in (np.int32, np.int64) or repeats.ndim != 1:
            raise TypeError("repeats has to be a vector of int32 or int64")
        if repeats.size and int(repeats.min()) < 0:
            raise ValueError("repeats can not be negative")
        ends = xp.cumsum(repeats)
        total = int(ends[-1]) if repeats.size else 0
        if size is not None and size != total:
            raise ValueError(f"allocated size {size} does not match required size {total}")
        return xp.searchsorted(ends, xp.arange(total), side="right")

    @staticmethod
    def infer(repeats: Any, *, size: int | None = None) -> Abstract:
        if repeats.dtype not in (np.int32, np.int64) or repeats.ndim != 1:
            raise DTypeError(
                "repeat_interleave", "a vector of int32 or int64", f"{words(repeats.shape)} {repeats.dtype}"
            )
        if size is None:
            raise ShapeError("repeat_interleave", "repeats whose sum is output_size, none below 0")
        return Abstract((size,), np.dtype(np.int64))


# ------------------------------------------------------------------------------------------- PyTorch's functions
@function
def index_put(input: Any, indices: Any, values: Any, accumulate: bool = False) -> Any:
    """A copy with `values` written (or added) at the places x[indices].

    >>> engine.zeros(3).index_put((engine.tensor([0, 0]),), engine.tensor(1.0), accumulate=True)
    tensor([2., 0., 0.])
    """
    key = tuple(EVERY if k is None else k for k in indices)
    odd = next((k for k in key if hasattr(k, "dtype") and k.dtype.is_floating_point), None)
    if odd is not None:
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    if values.dtype != input.dtype:
        raise DTypeError("Index put requires the source and destination dtypes match", input.dtype, values.dtype)
    return input.put_at(key, values, accumulate)


def _line(where: str, index: Any) -> Any:
    """An index as a vector of whole numbers."""
    if index.ndim > 1:
        raise IndexOutOfRange(where, "an index with at most 1 dim", words(index.shape))
    if index.dtype.name not in ("int64", "int32"):
        raise DTypeError(where, "an index of int32 or int64", index.dtype)
    return index.reshape((-1,))


def _along(where: str, x: Any, dim: int, index: Any) -> Key:
    return (EVERY,) * axis_of(where, dim, x.ndim) + (_line(where, index),)


def _like(where: str, x: Any, source: Any) -> None:
    if source.dtype != x.dtype:
        raise DTypeError(where, f"a source of {x.dtype}", source.dtype)


@function
def index_select(input: Any, dim: int, index: Any) -> Any:
    """The positions of an axis that `index` lists.

    >>> engine.tensor([[1, 2], [3, 4]]).index_select(1, engine.tensor([1, 1]))
    tensor([[2, 2],
            [4, 4]])
    """
    key = _along("index_select", input, dim, index)
    return input[key] if input.ndim else input.reshape((1,))[key].reshape(())


def _written(where: str, x: Any, dim: int, index: Any, source: Any, accumulate: bool) -> Any:
    key = _along(where, x, dim, index)
    _like(where, x, source)
    axis, whole = len(key) - 1, x.reshape((1,)) if not x.ndim else x
    place = (*whole.shape[:axis], key[-1].shape[0], *whole.shape[axis + 1 :])
    if source.shape != place and (source.ndim or place.count(1) != len(place)):
        kind = IndexOutOfRange if where == "index_copy" else ShapeError
        raise kind(where, f"a source of shape {words(place)}", words(source.shape))
    return whole.put_at(key, source.reshape(place), accumulate).reshape(x.shape)


def _times(source: Any, alpha: Any) -> Any:
    """alpha * source, also where the numbers of source have no sign."""
    return source if alpha == 1 else source * alpha if alpha >= 0 else -(source * -alpha)


@function
def index_add(input: Any, dim: int, index: Any, source: Any, *, alpha: float = 1) -> Any:
    """A copy with the positions of `source` added to those that `index` lists; equal ones add up.

    >>> engine.zeros(3).index_add(0, engine.tensor([0, 2, 2]), engine.ones(3))
    tensor([1., 0., 2.])
    """
    return _written("index_add", input, dim, index, _times(source, alpha), True)


@function
def index_copy(input: Any, dim: int, index: Any, source: Any) -> Any:
    """A copy with the positions that `index` lists replaced by those of `source`.

    >>> engine.zeros(3).index_copy(0, engine.tensor([2, 0]), engine.tensor([1.0, 2.0]))
    tensor([2., 0., 1.])
    """
    return _written("index_copy", input, dim, index, source, False)


@function
def index_fill(input: Any, dim: int, index: Any, value: Any) -> Any:
    """A copy with one number at the positions that `index` lists.

    >>> engine.zeros(3).index_fill(0, engine.tensor([1]), 5)
    tensor([0., 5., 0.])
    """
    if hasattr(value, "ndim"):
        if value.ndim:
            raise ShapeError("index_fill_ only supports a 0-dimensional value tensor", got=words(value.shape))
        value = value.to(input.dtype)
    *before, line = _along("index_fill", input, dim, index)
    many = input.shape[len(before)] if input.ndim else 1
    chosen = line.new_zeros((many,)).put_at((line,), 1).to("bool")
    spread = chosen.reshape((many,) + (1,) * (input.ndim - 1 - len(before))) if input.ndim else chosen.reshape(())
    return input.masked_fill(spread, value)


@function
def take(input: Any, index: Any) -> Any:
    """The elements at positions in the flattened tensor.

    >>> engine.take(engine.tensor([[1, 2], [3, 4]]), engine.tensor([0, 3]))
    tensor([1, 4])
    """
    if index.dtype.name != "int64":
        raise DTypeError("take", "an index of int64", index.dtype)
    return input.reshape((-1,))[index.reshape((-1,))].reshape(index.shape)


@function
def put(input: Any, index: Any, source: Any, accumulate: bool = False) -> Any:
    """A copy with elements written (or added) at positions in the flattened tensor.

    >>> engine.zeros(2, 2).put(engine.tensor([3]), engine.tensor([7.0]))
    tensor([[0., 0.],
            [0., 7.]])
    """
    _like("put", input, source)
    if index.dtype.name != "int64":
        raise DTypeError("put", "an index of int64", index.dtype)
    if index.numel() != source.numel():
        raise ShapeError("put", f"a source with {index.numel()} elements", source.numel())
    flat = input.reshape((-1,)).put_at((index.reshape((-1,)),), source.reshape((-1,)), accumulate)
    return flat.reshape(input.shape)
