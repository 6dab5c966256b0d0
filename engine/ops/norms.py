"""Lengths of vectors and sizes of matrices, with a slope of 0 where PyTorch has one."""

from __future__ import annotations

import math
from typing import Any

from engine.errors import DTypeError, ShapeError
from engine.ops.op import axes_of, axis_of, function, words


def _floats(where: str, x: Any, dtype: Any) -> Any:
    if not x.dtype.is_floating_point:
        raise DTypeError(where, "a floating-point tensor", x.dtype)
    return x if dtype is None else x.to(dtype)


@function
def linalg_vector_norm(input: Any, ord: Any = 2, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The length of the vectors in some axes: the ord-th root of the sum of |x|**ord; inf, -inf and 0 as limits.

    >>> engine.linalg.vector_norm(engine.tensor([3.0, 4.0]))
    tensor(5.)
    """
    x = _floats("linalg.vector_norm", input, dtype)
    axes = axes_of("linalg.vector_norm", dim, x.ndim)
    if ord == 2:
        return root_of(x.square().sum(axes, keepdim) if axes else x.square())
    if ord == 1:
        return x.abs().sum(axes, keepdim) if axes else x.abs()
    if ord == 0:
        ones = (x != 0).choose(x.filled(value=1.0), 0.0)
        return ones.sum(axes, keepdim) if axes else ones
    if math.isinf(ord):
        if any(not x.shape[i] for i in axes):
            if ord > 0:
                return x.sum(axes, keepdim)
            raise ShapeError("linalg.vector_norm", "at least one element for the smallest", words(x.shape))
        return (x.abs().amax(axes, keepdim) if ord > 0 else x.abs().amin(axes, keepdim)) if axes else x.abs()
    if x.dtype.name == "float16":
        return linalg_vector_norm(x.to("float32"), ord, dim, keepdim).to(x.dtype)
    return _root_of_powers(x.abs(), ord, axes, keepdim)


def _root_of_powers(size: Any, ord: float, axes: tuple[int, ...], keepdim: bool) -> Any:
    """The ord-th root of the sum of size**ord, with a slope of 0 where that is 0."""
    none = size == 0
    zero = none.all(axes, True) if ord > 0 and axes else none.any(axes, True) if axes else none
    size = zero.choose(1.0, size)
    still = (size == 0) & (ord < 2)
    powers = still.choose(0.0, still.choose(1.0, size) ** ord)
    total = zero.choose(0.0, (powers.sum(axes, True) if axes else powers) ** (1 / ord))
    return total if keepdim or not axes else total.squeeze(axes)


def root_of(squared: Any) -> Any:
    """The square root, with a slope of 0 (not infinite) at 0."""
    zero = squared == 0
    return zero.choose(0.0, zero.choose(1.0, squared).sqrt())


@function
def linalg_matrix_norm(
    input: Any, ord: Any = "fro", dim: Any = (-2, -1), keepdim: bool = False, *, dtype: Any = None
) -> Any:
    """The size of the matrices in two axes: "fro", "nuc", or the largest (smallest) row (inf), column (1), stretch (2).

    >>> engine.linalg.matrix_norm(engine.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
    tensor(6.)
    """
    x = _floats("linalg.matrix_norm", input, dtype)
    if len(dim) != 2 or x.ndim < 2:
        raise ShapeError("linalg.matrix_norm", "two dims of a tensor with at least 2", f"{tuple(dim)}")
    rows, columns = (axis_of("linalg.matrix_norm", d, x.ndim) for d in dim)
    if rows == columns:
        raise ShapeError("linalg.matrix_norm", "two different dims", tuple(dim))
    if ord not in ("fro", "nuc") and (isinstance(ord, str) or abs(ord) not in (1, 2, math.inf)):
        raise ShapeError("linalg.matrix_norm", "fro, nuc, or +-1, +-2, +-inf", repr(ord))
    if ord == "fro":
        return linalg_vector_norm(x, 2, (rows, columns), keepdim)
    if ord == "nuc" or abs(ord) == 2:
        values = singular_values(x.movedim((rows, columns), (-2, -1)))
        y = values.sum(-1) if ord == "nuc" else _extreme(values, ord > 0, -1)
    else:
        across, along = (rows, columns) if abs(ord) == 1 else (columns, rows)
        y = _extreme(x.abs().sum(across, True).movedim((across, along), (-2, -1)).squeeze(-2), ord > 0, -1)
    return y.unsqueeze(min(rows, columns)).unsqueeze(max(rows, columns)) if keepdim else y


def singular_values(x: Any) -> Any:
    """The singular values of matrices in the last two axes."""
    return x.svd_parts()[..., x.shape[-2]]


def _extreme(x: Any, largest: bool, dim: int) -> Any:
    if largest and not x.shape[dim]:
        return x.sum(dim)
    return x.amax(dim) if largest else x.amin(dim)


@function
def linalg_norm(input: Any, ord: Any = None, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The length of vectors (one dim) or the size of matrices (two); without `ord` the root of the sum of squares.

    >>> engine.linalg.norm(engine.tensor([[3.0, 4.0]])), engine.linalg.norm(engine.tensor([[3.0, 4.0]]), float("inf"))
    (tensor(5.), tensor(7.))
    """
    dims = None if dim is None else (dim,) if isinstance(dim, int) else tuple(dim)
    if dims is not None and len(dims) not in (1, 2) and ord is not None:
        raise ShapeError("linalg.norm: If dim is specified, it must be of length 1 or 2", got=dims)
    if ord is None:
        return linalg_vector_norm(input, 2, dims, keepdim, dtype=dtype)
    if dims is None and input.ndim not in (1, 2):
        raise ShapeError("linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D", got=input.ndim)
    if (dims is not None and len(dims) == 2) or (dims is None and input.ndim == 2):
        return linalg_matrix_norm(input, ord, (-2, -1) if dims is None else dims, keepdim, dtype=dtype)
    if isinstance(ord, str):
        raise ShapeError("linalg.norm", "a number as the order of a vector norm", repr(ord))
    return linalg_vector_norm(input, ord, dims, keepdim, dtype=dtype)
