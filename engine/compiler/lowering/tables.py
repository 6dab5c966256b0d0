"""Rows of tables by number, choices along an axis, and random masks."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.compiler.graph.ir import FLOAT, LONG, Shape, Value
from engine.compiler.lowering.library import Library
from engine.compiler.lowering.rules import rule
from engine.compiler.lowering.symbolic import Array, NoRule
from engine.rng import folded

COMPARABLE = 1024
"""Up to this size of an axis, one of its places is chosen by comparing with all of them."""


# ---------------------------------------------------------------------------------------------------- embedding
@rule("rows")
def rows(xp: Library, weight: Array, index: Array, *, skip: int | None, by_count: bool) -> Any:
    """The rows that an index names."""
    return xp.gathered(weight, index.astype(LONG, copy=False))


@rule("rows_backward")
def rows_backward(xp: Library, g: Array, index: Array, *, count: int, skip: int | None, by_count: bool) -> Any:
    """Rows added up where the index sends them; none for the row `skip`."""
    kept = _kept(xp, g, index, skip, by_count)
    return xp.scattered(kept, index.astype(LONG, copy=False), count)


@rule("rows_shared")
def rows_shared(xp: Library, h: Array, index: Array, *, skip: int | None, by_count: bool) -> Any:
    """The rows that an index names; zeros for the row `skip`."""
    return _kept(xp, xp.gathered(h, index.astype(LONG, copy=False)), index, skip, by_count)


def _kept(xp: Library, rows: Array, index: Array, skip: int | None, by_count: bool) -> Any:
    if by_count:
        raise NoRule("shares by how often a row is named")
    if skip is None:
        return rows
    return rows * (index.astype(FLOAT) != skip).astype(rows.dtype).reshape((*index.shape, 1))


# ------------------------------------------------------------------------------------------------ along an axis
@rule("gather")
def gather(xp: Library, x: Array, index: Array, *, dim: int) -> Any:
    """Along an axis the place that the index names: the sum over all places, of which one is not masked."""
    seen = x[tuple(slice(None) if i == dim else slice(0, n) for i, n in enumerate(index.shape))]
    mask, shape = _places(xp, index, dim, seen.shape)
    return xp.where(mask, xp.expanded(_spread(seen, dim + 1), shape), x.dtype.type(0)).reduced("sum", dim)


@rule("picked")
def picked(xp: Library, x: Array, index: Array, *, dim: int) -> Any:
    """One place of an axis, which is gone."""
    return gather(xp, x, _spread(index, dim), dim=dim).reshape(index.shape)


@rule("gather_backward")
def gather_backward(xp: Library, g: Array, index: Array, *, dim: int, shape: Shape) -> Any:
    """Numbers added up at the places of an axis that the index names."""
    some = tuple(shape[dim] if i == dim else n for i, n in enumerate(index.shape))
    mask, wide = _places(xp, index, dim, some)
    whole = xp.where(mask, xp.expanded(_spread(g, dim), wide), g.dtype.type(0)).reduced("sum", dim + 1)
    return xp.framed(whole, (0,) * len(shape), tuple(n - m for n, m in zip(shape, whole.shape, strict=True)))


def _places(xp: Library, index: Array, dim: int, shape: Shape) -> tuple[Array, Shape]:
    """Whether place l of the axis (axis dim) is the one that index m names (axis dim + 1)."""
    if not index.ndim or not index.size or shape[dim] > COMPARABLE or index.dtype not in (LONG, FLOAT):
        raise NoRule("no axis, or one with too many places")
    wide = (*shape[: dim + 1], index.shape[dim], *shape[dim + 1 :])
    return xp.same_number(xp.iota(wide, dim), xp.expanded(_spread(index, dim), wide)), wide


def _spread(x: Array, axis: int) -> Any:
    return x.reshape((*x.shape[:axis], 1, *x.shape[axis:]))


# -------------------------------------------------------------------------------------------- by arrays of places
@rule("read_at")
def read_at(xp: Library, x: Array, *, key: Any) -> Any:
    """Elements at places that are known beforehand; of a vector also at places that are computed."""
    if len(key) == 1 and isinstance(key[0], Value) and x.ndim == 1:
        return picked(xp, xp.expanded(x, (key[0].size, x.size)), _counted(xp, key[0], x.size), dim=1).reshape(
            key[0].shape
        )
    axis = _axis(key)
    if axis is not None:
        moved = xp.moveaxis(x, axis, 0)
        found = xp.gathered(moved.reshape((x.shape[axis], -1)), xp.array(key[axis] % x.shape[axis]))
        return xp.moveaxis(found.reshape((key[axis].size, *moved.shape[1:])), 0, axis)
    places = _flat(key, x.shape)
    return xp.gathered(x.reshape((-1, 1)), xp.array(places)).reshape(places.shape)


@rule("read_at_backward")
def read_at_backward(xp: Library, g: Array, *, key: Any, shape: Shape) -> Any:
    """Numbers added up at places that are known beforehand; into a vector also at places that are computed."""
    if len(key) == 1 and isinstance(key[0], Value) and len(shape) == 1:
        index = _counted(xp, key[0], shape[0])
        return gather_backward(xp, g.reshape(-1), index, dim=0, shape=tuple(shape))
    places = _flat(key, shape)
    return xp.scattered(g.reshape((-1, 1)), xp.array(places.reshape(-1)), int(np.prod(shape))).reshape(tuple(shape))


def _counted(xp: Library, index: Value, size: int) -> Any:
    """Places in a row, as floats; negative ones count from the end."""
    if index.dtype != LONG:
        raise NoRule("a choice by truths")
    places = xp.array(index).astype(FLOAT).reshape(-1)
    return xp.where(places < 0, places + size, places)


def _axis(key: Any) -> int | None:
    """The axis along which one vector of places chooses, where nothing else does."""
    arrays = [i for i, k in enumerate(key) if isinstance(k, np.ndarray)]
    if len(arrays) != 1 or key[arrays[0]].dtype.kind not in "iu" or key[arrays[0]].ndim != 1:
        return None
    return (
        arrays[0] if all(k == slice(None) for k in key if isinstance(k, slice)) and len(key) == arrays[0] + 1 else None
    )


def _flat(key: Any, shape: Shape) -> Any:
    """The places in flattened memory."""
    if any(isinstance(k, Value) for k in key):
        raise NoRule("places that are computed")
    return np.arange(int(np.prod(shape))).reshape(shape)[key]


# ------------------------------------------------------------------------------------------------------- random
@rule("dropout_op")
def dropout(xp: Library, x: Array, *, p: Any, seed: Any, draw: Any) -> Any:
    """Where the hash of a place is below p it becomes 0; `draw` is a number, or the folded key as a value."""
    if p >= 1:
        return x * np.zeros(x.shape, x.dtype)
    key = draw if isinstance(draw, Value) else folded(seed, draw)
    hashed = xp.noted("hash", key, xp.iota(x.shape, None).value)
    kept = xp.noted("ge", hashed.value, int(min(p * 2**32, 2**32 - 1)))
    return x * xp.where(kept, x.dtype.type(1 / (1 - p)), x.dtype.type(0))


@rule("random_slopes")
def random_slopes(xp: Library, x: Array, *, lower: float, upper: float, seed: Any, draw: Any) -> Any:
    """The hash of a place, as a number between two others; `draw` as for dropout."""
    key = draw if isinstance(draw, Value) else folded(seed, draw)
    hashed = xp.noted("hash", key, xp.iota(x.shape, None).value)
    return hashed.astype(FLOAT) * ((upper - lower) / 2**32) + lower
