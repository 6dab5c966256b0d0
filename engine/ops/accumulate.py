"""Adding into chosen places, where equal places add up: what the gradient of every choice needs.

`np.add.at` on rows is slow. One number per row is a histogram; many rows are the product with a sparse matrix of ones
(SciPy); the rest is `np.add.at` on flat positions. Measured for 100,000 rows of 32 numbers: 52, then 2.4 ms.
"""

from __future__ import annotations

import math
from functools import cache
from typing import Any

import numpy as np

from engine.array import Shape, scatter_add, scipy
from engine.errors import Unsupported

MANY = 20_000
"""Numbers from which on the sparse product pays."""


def add_at(xp: Any, target: Any, key: tuple[Any, ...], values: Any) -> None:
    """target[key] += values where equal places add up; key: whole axes, arrays of positions, at most one mask."""
    chosen = [k for k in key if not isinstance(k, slice)]
    if any(k.dtype.kind == "b" for k in chosen):
        if len(chosen) == 1:
            target[key] += values
        else:
            scatter_add(xp, target, key, values)
    elif xp is not np or target.dtype.kind != "f":
        scatter_add(xp, target, key, values)
    else:
        _add_places(target, key, chosen, values)


def _add_places(target: Any, key: tuple[Any, ...], chosen: list[Any], values: Any) -> None:
    axes = [i for i, k in enumerate(key) if not isinstance(k, slice)]
    places = np.broadcast_arrays(*chosen)
    lead = places[0].ndim
    shape: Shape = target[key].shape if values.shape == () else np.broadcast_shapes(values.shape, target[key].shape)
    together = axes == list(range(axes[0], axes[-1] + 1))
    first = axes[0] if together else 0
    spread = np.moveaxis(np.broadcast_to(values, shape), range(first, first + lead), range(lead))
    moved = np.moveaxis(target, axes, range(len(axes)))
    sizes = moved.shape[: len(axes)]
    rows = _flat(places, sizes)
    total = added(rows, spread.reshape(rows.size, math.prod(moved.shape[len(axes) :])), math.prod(sizes))
    moved += total.reshape(moved.shape)


def _flat(places: Any, sizes: Shape) -> Any:
    """Positions in several axes as positions in one; refuses what lies outside."""
    whole: Any = 0
    for place, size in zip(places, sizes, strict=True):
        p = place.reshape(-1).astype(np.intp)
        if p.size and (p.min() < -size or p.max() >= size):
            raise IndexError(f"index {p[(p < -size) | (p >= size)][0]} is out of bounds for dimension with size {size}")
        whole = whole * size + np.where(p < 0, p + size, p)
    return whole


def added(rows: Any, values: Any, count: int) -> Any:
    """The sums of the rows of values that go to the same of `count` rows."""
    many, width = values.shape
    if width == 1:
        return np.bincount(rows, values[:, 0], count).astype(values.dtype)[:, None]
    sparse = _sparse() if values.size >= MANY and values.dtype.itemsize >= 4 else None
    if sparse is not None:
        ones = np.ones(many, values.dtype)
        return sparse.csc_matrix((ones, rows, np.arange(many + 1)), (count, many)) @ values
    total = np.zeros(count * width, values.dtype)
    np.add.at(total, (rows[:, None] * width + np.arange(width)).reshape(-1), values.reshape(-1))
    return total.reshape(count, width)


@cache
def _sparse() -> Any:
    try:
        return scipy(np, "sparse")
    except Unsupported:
        return None
