"""Making tensors whose numbers count: ranges, grids, the places of a triangle, the unit matrix."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np

from engine import array as arrays_
from engine.create import float_or, maker, plain
from engine.errors import ArgumentError, ShapeError
from engine.tensor import Tensor, wrap


@maker
def eye(n: int, m: int | None = None, *, dtype: Any = None) -> Any:
    """Ones on the diagonal, zeros elsewhere.

    >>> engine.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    if n < 0 or (m or 0) < 0:
        raise ArgumentError("eye", "sizes of at least 0", (n, m))
    return np.eye(n, m, dtype=float_or(dtype))


@maker
def arange(start: Any, end: Any = None, step: Any = 1, *, dtype: Any = None) -> Any:
    """start, start + step, ... below end; whole numbers give int64.

    >>> engine.arange(1, 6, 2)
    tensor([1, 3, 5])
    """
    low, high, by = (plain(n) for n in ((0, start, step) if end is None else (start, end, step)))
    if not all(math.isfinite(n) for n in (low, high)):
        raise ShapeError("arange: unsupported range", "finite bounds", f"{low} to {high}")
    if by == 0 or (high - low) / by < 0:
        raise ArgumentError("arange", "a step that leads from start to end", f"start {low}, end {high}, step {by}")
    whole = all(isinstance(n, int) for n in (low, high, by))
    kind = (arrays_.INT if whole else arrays_.default_dtype()) if dtype is None else dtype
    if kind.kind in "iu":
        low, high, by = int(low), int(high), int(by) or by
    return (np.arange(math.ceil((high - low) / by)) * by + low).astype(kind)


@maker
def range_(start: Any = 0, end: Any = 0, step: Any = 1, *, dtype: Any = None) -> Any:
    """start, start + step, ... up to and including end (an old name; use arange).

    >>> import warnings; warnings.simplefilter("ignore"); engine.range(1, 3)
    tensor([1., 2., 3.])
    """
    warnings.warn("range is deprecated: use arange, whose end is not included.", stacklevel=3)
    return (np.arange(math.floor((end - start) / step) + 1) * step + start).astype(float_or(dtype))


def _ends(where: str, start: Any, end: Any) -> tuple[Any, Any]:
    if any(isinstance(x, Tensor) and x.ndim for x in (start, end)):
        raise ShapeError(where, "start and end without axes", "a tensor with axes")
    return plain(start), plain(end)


@maker
def linspace(start: Any, end: Any, steps: int, *, dtype: Any = None) -> Any:
    """`steps` numbers from start to end, both included, evenly spaced.

    >>> engine.linspace(0, 1, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000])
    """
    if steps < 0:
        raise ArgumentError("linspace", "a number of steps of at least 0", steps)
    low, high = _ends("linspace", start, end)
    kind = float_or(dtype)
    drawn = np.linspace(int(low), int(high), steps) if kind.kind in "iu" else np.linspace(low, high, steps)
    return np.trunc(drawn).astype(kind) if kind.kind in "iu" else drawn.astype(kind)


@maker
def logspace(start: Any, end: Any, steps: int, base: float = 10.0, *, dtype: Any = None) -> Any:
    """Powers of the base whose exponents are evenly spaced from start to end.

    >>> engine.logspace(0, 2, 3)
    tensor([  1.,  10., 100.])
    """
    if steps < 0:
        raise ArgumentError("logspace", "a number of steps of at least 0", steps)
    kind, ends = float_or(dtype), _ends("logspace", start, end)
    if kind.kind in "iu":
        return np.power(float(base), np.trunc(np.linspace(int(ends[0]), int(ends[1]), steps))).astype(kind)
    return np.power(float(base), np.linspace(*ends, steps)).astype(kind)


@maker
def tril_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None) -> Any:
    """The positions on and below a diagonal: a row of rows, a row of columns.

    >>> engine.tril_indices(2, 2)
    tensor([[0, 1, 1],
            [0, 0, 1]])
    """
    return np.stack(np.tril_indices(row, offset, col)).astype(arrays_.INT if dtype is None else dtype)


@maker
def triu_indices(row: int, col: int, offset: int = 0, *, dtype: Any = None) -> Any:
    """The positions on and above a diagonal: a row of rows, a row of columns.

    >>> engine.triu_indices(2, 2)
    tensor([[0, 0, 1],
            [0, 1, 1]])
    """
    return np.stack(np.triu_indices(row, offset, col)).astype(arrays_.INT if dtype is None else dtype)


def meshgrid(*tensors: Any, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Coordinates of a grid, one tensor per axis.

    >>> engine.meshgrid(engine.tensor([1, 2]), engine.tensor([3, 4]))[0]
    tensor([[1, 1],
            [2, 2]])
    """
    given = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], tuple | list) else tensors
    return tuple(wrap(np.ascontiguousarray(a)) for a in np.meshgrid(*(t.numpy() for t in given), indexing=indexing))  # type: ignore[call-overload]
