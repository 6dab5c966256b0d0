"""Compositions of reductions: extremes and where they are, order, spread, length."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from engine.ops.op import axes_of, count, function


class Found(NamedTuple):
    """Values, and the positions along the axis at which they were found."""

    values: Any
    indices: Any


@function
def max_(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The largest element; of two tensors, element by element; along a dim also where: (values, indices)."""
    if dim is None:
        return x.amax(())
    if hasattr(dim, "shape"):
        return x.maximum(dim)
    where = x.argmax(dim, True)
    return _picked(x, where, dim, keepdim)


@function
def min_(x: Any, dim: Any = None, keepdim: bool = False) -> Any:
    """The smallest element; of two tensors, element by element; along a dim also where: (values, indices)."""
    if dim is None:
        return x.amin(())
    if hasattr(dim, "shape"):
        return x.minimum(dim)
    return _picked(x, x.argmin(dim, True), dim, keepdim)


def _picked(x: Any, where: Any, dim: int, keepdim: bool) -> Any:
    values = x.gather(dim, where) if x.ndim else x
    return Found(values, where) if keepdim or not x.ndim else Found(values.squeeze(dim), where.squeeze(dim))


@function
def sort(x: Any, dim: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The elements of an axis in order, and where they were: (values, indices)."""
    order = x.argsort(dim, descending)
    return Found(x.gather(dim, order), order)


@function
def topk(x: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Any:
    """The k largest (or smallest) elements of an axis, and where they are: (values, indices)."""
    order = x.argsort(dim, largest).narrow(dim, 0, k)
    return Found(x.gather(dim, order), order)


@function
def var(x: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float = 1) -> Any:
    """The variance: the mean squared distance to the mean, over n - correction."""
    correction = correction if unbiased is None else int(unbiased)
    axes = axes_of("var", dim, x.ndim)
    distance = x - x.mean(axes, True)
    n = count(x.shape, axes) - correction
    return (distance * distance).sum(axes, keepdim) * (1.0 / n if n > 0 else math.inf)


@function
def std(x: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float = 1) -> Any:
    """The standard deviation: the root of the variance; its slope at 0 counts as 0."""
    return _safe_root(x.var(dim, unbiased, keepdim, correction=correction))


def _safe_root(squared: Any) -> Any:
    """The square root, with a slope of 0 (not infinite) at 0."""
    zero = squared == 0
    return zero.choose(0.0, zero.choose(1.0, squared).sqrt())


@function
def norm(x: Any, p: Any = 2, dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """The length of a vector: the p-th root of the sum of |x|**p; "fro" is p = 2."""
    x = x if dtype is None else x.to(dtype)
    p = 2 if p in ("fro", None) else p
    axes = axes_of("norm", dim, x.ndim)
    if p == 2:
        return _safe_root((x * x).sum(axes, keepdim))
    if p == 1:
        return x.abs().sum(axes, keepdim)
    if p in (math.inf, -math.inf):
        return x.abs().amax(axes, keepdim) if p > 0 else x.abs().amin(axes, keepdim)
    if p == 0:
        return (x != 0).to(x.dtype).sum(axes, keepdim)
    total = (x.abs() ** p).sum(axes, keepdim)
    zero = total == 0
    return zero.choose(0.0, zero.choose(1.0, total) ** (1 / p))


@function
def count_nonzero(x: Any, dim: Any = None) -> Any:
    """How many elements are not 0."""
    return (x != 0).sum(dim)
