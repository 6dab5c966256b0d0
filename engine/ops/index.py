"""Choosing elements, and writing chosen elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.array import Abstract, Shape, scatter_add
from engine.errors import ArgumentError, IndexOutOfRange, ShapeError
from engine.ops.op import Case, Op, Rule, axis_of, function, words

Call = tuple[tuple[Any, ...], dict[str, Any]]
Key = tuple[Any, ...]


def is_basic(key: Key) -> bool:
    """Whether a key consists of whole numbers, slices, None and `...` only: then the result is a view."""
    return all(k is None or k is Ellipsis or (isinstance(k, slice | int) and not isinstance(k, bool)) for k in key)


def key_shape(where: str, shape: Shape, key: Key) -> Shape:
    """The shape of x[key], found on an array that takes no memory."""
    key = tuple(k if not hasattr(k, "get") else np.empty(k.shape, k.dtype) for k in key)
    try:
        return np.broadcast_to(np.uint8(0), shape)[key].shape
    except IndexError as refusal:
        raise IndexOutOfRange(where, f"an index that fits the shape {words(shape)}", str(refusal)) from None


class Index(Op):
    """Elements chosen by whole numbers and slices: a view."""

    latex, jvp, promotion, view = r"{0}[\cdot]", "linear", "none", True
    cases = (
        Case(((4, 3),), {"key": (slice(1, 3),)}),
        Case(((4, 3),), {"key": (0,)}),
        Case(((4, 3, 2),), {"key": (Ellipsis, None, 1)}),
        Case(((7,),), {"key": (slice(None, None, 2),)}),
    )

    @staticmethod
    def forward(xp: Any, x: Any, *, key: Key) -> Any:
        return x[key if Ellipsis in key else (*key, Ellipsis)]

    @staticmethod
    def infer(x: Any, *, key: Key) -> Abstract:
        return Abstract(key_shape("index", x.shape, key), x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, _x: Any, *, key: Key) -> Rule:
        return (g.index_backward(key=key, shape=_x.shape),)


class IndexBackward(Op):
    """Zeros with g written at the places that the key names."""

    latex, jvp, promotion = r"\operatorname{{put}}({0})", "linear", "none"
    cases = (Case(((2, 3),), {"key": (slice(1, 3),), "shape": (4, 3)}),)

    @staticmethod
    def forward(xp: Any, g: Any, *, key: Key, shape: Shape) -> Any:
        full = xp.zeros(shape, g.dtype)
        full[key] = g
        return full

    @staticmethod
    def infer(g: Any, *, key: Key, shape: Shape) -> Abstract:
        return Abstract(shape, g.dtype)

    @staticmethod
    def vjp(h: Any, _: Any, __: Any, *, key: Key, shape: Shape) -> Rule:
        return (h[key],)


class Take(Op):
    """Elements chosen by arrays of positions or of truth values: a copy."""

    latex, jvp, promotion = r"{0}[\cdot]", "linear", "none"
    cases = (
        Case(((4, 3),), {"key": (np.array([2, 0, 2]),)}),
        Case(((4, 3),), {"key": (np.array([1, 3]), np.array([0, 0]))}),
        Case(((2, 3),), {"key": (np.array([[True, False, True], [False, True, False]]),)}),
        Case(((4, 3, 2),), {"key": (slice(None), np.array([1, 1]), 0)}),
    )

    @staticmethod
    def forward(xp: Any, x: Any, *, key: Key) -> Any:
        return x[key]

    @staticmethod
    def infer(x: Any, *, key: Key) -> Abstract:
        return Abstract(key_shape("index", x.shape, key), x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, _x: Any, *, key: Key) -> Rule:
        return (g.take_backward(key=key, shape=_x.shape),)


class TakeBackward(Op):
    """Zeros with g added at the places that the key names; equal places add up."""

    latex, jvp, promotion = r"\operatorname{{scatter}}({0})", "linear", "none"
    cases = (Case(((3, 3),), {"key": (np.array([2, 0, 2]),), "shape": (4, 3)}),)

    @staticmethod
    def forward(xp: Any, g: Any, *, key: Key, shape: Shape) -> Any:
        full = xp.zeros(shape, g.dtype)
        scatter_add(xp, full, key, g)
        return full

    @staticmethod
    def infer(g: Any, *, key: Key, shape: Shape) -> Abstract:
        return Abstract(shape, g.dtype)

    @staticmethod
    def vjp(h: Any, _: Any, __: Any, *, key: Key, shape: Shape) -> Rule:
        return (h[key],)


class IndexPut(Op):
    """x with the elements that the key names replaced by v (or v added to them)."""

    latex, jvp = r"\operatorname{{put}}({0}, {1})", "linear"
    cases = (
        Case(((4, 3), (2, 3)), {"key": (slice(1, 3),)}),
        Case(((4, 3), (3,)), {"key": (np.array([2, 0]),)}),
        Case(((4, 3), (2, 3)), {"key": (np.array([2, 2]),), "accumulate": True}),
    )

    @staticmethod
    def forward(xp: Any, x: Any, v: Any, *, key: Key, accumulate: bool = False) -> Any:
        changed = x.copy()
        if accumulate:
            scatter_add(xp, changed, key, v)
        else:
            changed[key] = v
        return changed

    @staticmethod
    def infer(x: Any, v: Any, *, key: Key, accumulate: bool = False) -> Abstract:
        place = key_shape("index_put", x.shape, key)
        _refuse_misfit(place, v)
        return Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, __: Any, ___: Any, *, key: Key, accumulate: bool = False) -> Rule:
        kept = g if accumulate else lambda: g.index_put(g[key] * 0, key=key)
        return kept, lambda: g[key]


def _refuse_misfit(place: Shape, v: Any) -> None:
    shape = getattr(v, "shape", ())
    try:
        fits = np.broadcast_shapes(place, shape) == place
    except ValueError:
        fits = False
    if not fits:
        raise ShapeError("index_put", f"values that broadcast to {words(place)}", words(shape))


class Gather(Op):
    """Along `dim`, at every place the element whose position `index` names."""

    latex, jvp, promotion = r"\operatorname{{gather}}({0}, {1})", None, "none"
    cases = (Case(((3, 4), ("int", (3, 2), 4)), {"dim": 1}), Case(((3, 4), ("int", (2, 4), 3)), {"dim": 0}))

    @staticmethod
    def bind(x: Any, dim: int, index: Any) -> Call:
        return (x, index), {"dim": axis_of("gather", dim, x.ndim)}

    @staticmethod
    def forward(xp: Any, x: Any, index: Any, *, dim: int) -> Any:
        return x[_grid(xp, x, index, dim)]

    @staticmethod
    def infer(x: Any, index: Any, *, dim: int) -> Abstract:
        if x.ndim != index.ndim:
            raise ShapeError("gather", f"an index with {x.ndim} dims", words(index.shape))
        return Abstract(index.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, _x: Any, index: Any, *, dim: int) -> Rule:
        return g.gather_backward(index, dim=dim, shape=_x.shape), None


class GatherBackward(Op):
    """Zeros with g added at the places that `index` names along `dim`."""

    latex, jvp, promotion = r"\operatorname{{scatter}}({0}, {1})", None, "none"
    cases = (Case(((3, 2), ("int", (3, 2), 4)), {"dim": 1, "shape": (3, 4)}),)

    @staticmethod
    def forward(xp: Any, g: Any, index: Any, *, dim: int, shape: Shape) -> Any:
        full = xp.zeros(shape, g.dtype)
        scatter_add(xp, full, _grid(xp, full, index, dim), g)
        return full

    @staticmethod
    def infer(g: Any, index: Any, *, dim: int, shape: Shape) -> Abstract:
        return Abstract(shape, g.dtype)

    @staticmethod
    def vjp(h: Any, _: Any, __: Any, index: Any, *, dim: int, shape: Shape) -> Rule:
        return h.gather(dim, index), None


def _grid(xp: Any, x: Any, index: Any, dim: int) -> Key:
    """The key that takes `index` along dim and every place's own position along the others."""
    if index.dtype.kind not in "iu":
        raise ArgumentError("gather", "an index of whole numbers", index.dtype)
    places = [xp.arange(n).reshape((-1,) + (1,) * (index.ndim - 1 - i)) for i, n in enumerate(index.shape)]
    places[dim] = index
    return tuple(places)


class OneHot(Op):
    """For each whole number a row of zeros with a 1 at its position; no gradient."""

    latex, promotion = r"e_{{{0}}}", "none"

    @staticmethod
    def forward(xp: Any, x: Any, *, num_classes: int, dtype: Any) -> Any:
        if x.size and (int(x.max()) >= num_classes or int(x.min()) < 0):
            raise IndexOutOfRange(
                "one_hot", f"classes from 0 to {num_classes - 1}", f"{int(x.min())} to {int(x.max())}"
            )
        return (x[..., None] == xp.arange(num_classes)).astype(dtype)

    @staticmethod
    def infer(x: Any, *, num_classes: int, dtype: Any) -> Abstract:
        return Abstract((*x.shape, num_classes), dtype)


@function
def scatter_add_(x: Any, dim: int, index: Any, src: Any) -> Any:
    """x with src added at the places that `index` names along `dim`."""
    part = src[tuple(slice(0, n) for n in index.shape)]
    return x + part.gather_backward(index, dim=axis_of("scatter_add", dim, x.ndim), shape=tuple(x.shape))


@function
def index_select(x: Any, dim: int, index: Any) -> Any:
    """The positions of an axis that `index` lists."""
    return x[(slice(None),) * axis_of("index_select", dim, x.ndim) + (index,)]


@function
def masked_select(x: Any, mask: Any) -> Any:
    """The elements where the mask is true, as a vector."""
    return x.expand(mask.shape)[mask] if x.ndim < mask.ndim else x[mask.expand(x.shape)]


@function
def take_along_dim(x: Any, indices: Any, dim: int) -> Any:
    """The same as `gather`."""
    return x.gather(dim, indices)


class PutView(Op):
    """x with the part that a chain of views shows replaced by v: what a write through a view does."""

    latex, jvp, promotion = r"\operatorname{{put}}({0}, {1})", "linear", "none"

    @staticmethod
    def forward(xp: Any, x: Any, v: Any, *, path: tuple[tuple[type[Op], dict[str, Any]], ...]) -> Any:
        changed = x.copy()
        part = changed
        for op, attrs in path:
            part = op.forward(xp, part, **attrs)
        part[...] = v
        return changed

    @staticmethod
    def infer(x: Any, v: Any, *, path: Any) -> Abstract:
        return Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, __: Any, ___: Any, *, path: Any) -> Rule:
        return lambda: g.put_view(g.via(path) * 0, path=path), lambda: g.via(path)
