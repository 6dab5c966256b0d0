"""Tensors joined into one, and one tensor cut into pieces."""

from __future__ import annotations

import itertools
from typing import Any

from engine.errors import ArgumentError, ShapeError
from engine.ops.op import axis_of, function, words
from engine.ops.shape import at_least


def _listed(where: str, tensors: Any) -> list[Any]:
    """At least one tensor, from a sequence of them."""
    if hasattr(tensors, "ndim") and not tensors.ndim:
        raise TypeError(f"{where}(): argument 'tensors' must be tuple of Tensors, not Tensor")
    parts = list(tensors)
    for x in parts:
        if not hasattr(x, "ndim"):
            raise TypeError(f"{where}(): expected tensors, got {type(x).__name__}")
    if not parts:
        kind = ArgumentError if where == "cat" else ShapeError
        raise kind(f"{where}(): expected a non-empty list of Tensors")
    return parts


@function
def cat(tensors: Any, dim: int = 0) -> Any:
    """Tensors joined along an existing axis.

    >>> engine.cat([engine.tensor([1, 2]), engine.tensor([3])])
    tensor([1, 2, 3])
    """
    parts = _listed("cat", tensors)
    ranks = {x.ndim for x in parts}
    if 0 in ranks:
        raise ShapeError("zero-dimensional tensors cannot be concatenated", hint="Use stack().")
    ndim = ranks.pop() if len(ranks) == 1 else max((x.ndim for x in parts if x.shape != (0,)), default=1)
    axis = axis_of("cat", dim, ndim)
    if ranks and ndim > 1:  # of several ranks: vectors without elements are let through
        hollow = tuple(0 if i == axis else n for i, n in enumerate(next(x for x in parts if x.shape != (0,)).shape))
        parts = [x.reshape(hollow) if x.shape == (0,) else x for x in parts]
    return parts[0].cat_with(*parts[1:], dim=axis)


@function
def stack(tensors: Any, dim: int = 0) -> Any:
    """Tensors of one shape joined along a new axis.

    >>> engine.stack([engine.tensor([1, 2]), engine.tensor([3, 4])], 1)
    tensor([[1, 3],
            [2, 4]])
    """
    parts = _listed("stack", tensors)
    odd = next((x.shape for x in parts if x.shape != parts[0].shape), None)
    if odd is not None:
        raise ShapeError("stack expects each tensor to be equal size", words(parts[0].shape), words(odd))
    return cat([x.unsqueeze(dim) for x in parts], axis_of("stack", dim, parts[0].ndim + 1))


@function
def hstack(tensors: Any) -> Any:
    """Tensors side by side: joined along dim 1, vectors along dim 0.

    >>> engine.hstack([engine.tensor([1, 2]), engine.tensor([3])])
    tensor([1, 2, 3])
    """
    parts = [at_least(1, "stack", x) for x in _listed("hstack", tensors)]
    return cat(parts, 0 if parts[0].ndim == 1 else 1)


@function
def vstack(tensors: Any) -> Any:
    """Tensors under each other: joined along dim 0, vectors as rows.

    >>> engine.vstack([engine.tensor([1, 2]), engine.tensor([3, 4])])
    tensor([[1, 2],
            [3, 4]])
    """
    return cat([at_least(2, "stack", x) for x in _listed("vstack", tensors)], 0)


@function
def dstack(tensors: Any) -> Any:
    """Tensors behind each other: joined along dim 2.

    >>> engine.dstack([engine.tensor([1, 2]), engine.tensor([3, 4])]).shape
    engine.Size([1, 2, 2])
    """
    return cat([at_least(3, "stack", x) for x in _listed("dstack", tensors)], 2)


@function
def column_stack(tensors: Any) -> Any:
    """Tensors side by side, vectors as columns.

    >>> engine.column_stack([engine.tensor([1, 2]), engine.tensor([3, 4])])
    tensor([[1, 3],
            [2, 4]])
    """
    parts = _listed("column_stack", tensors)
    return cat([x.reshape((-1, 1)) if x.ndim < 2 else x for x in parts], 1)


@function
def block_diag(*tensors: Any) -> Any:
    """The matrices along the diagonal of one that is 0 elsewhere.

    >>> engine.block_diag(engine.tensor([[1]]), engine.tensor([[2, 3]]))
    tensor([[1, 0, 0],
            [0, 2, 3]])
    """
    if not tensors:
        raise ShapeError("block_diag", "at least one tensor", "none")
    parts = [at_least(2, "stack", x) for x in _listed("block_diag", tensors)]
    odd = next((x for x in parts if x.ndim > 2), None)
    if odd is not None:
        raise ShapeError("block_diag", "tensors with at most 2 dims", words(odd.shape))
    columns, rows, start = sum(x.shape[1] for x in parts), [], 0
    for x in parts:
        left, right = x.new_zeros((x.shape[0], start)), x.new_zeros((x.shape[0], columns - start - x.shape[1]))
        rows.append(cat([left, x, right], 1))
        start += x.shape[1]
    return cat(rows, 0)


@function
def cartesian_prod(*tensors: Any) -> Any:
    """Every way to take one element of each vector, one way a row.

    >>> engine.cartesian_prod(engine.tensor([1, 2]), engine.tensor([4, 5]))
    tensor([[1, 4],
            [1, 5],
            [2, 4],
            [2, 5]])
    """
    parts = _listed("cartesian_prod", tensors)
    odd = next((x for x in parts if x.ndim != 1), None)
    if odd is not None:
        raise ShapeError("cartesian_prod", "tensors with 1 dim", words(odd.shape))
    if len(parts) == 1:
        return parts[0]
    sizes = tuple(x.shape[0] for x in parts)
    places = ((1,) * i + (n,) + (1,) * (len(sizes) - 1 - i) for i, n in enumerate(sizes))
    return stack([x.reshape(p).expand(sizes).reshape((-1,)) for x, p in zip(parts, places, strict=True)], 1)


@function
def combinations(input: Any, r: int = 2, with_replacement: bool = False) -> Any:
    """Every way to take r elements of a vector, one way a row.

    >>> engine.combinations(engine.tensor([1, 2, 3]))
    tensor([[1, 2],
            [1, 3],
            [2, 3]])
    """
    if input.ndim != 1:
        raise ShapeError("combinations", "a tensor with 1 dim", words(input.shape))
    if r < 0:
        raise ShapeError("combinations", "a number of at least 0", r)
    if r == 0:
        return input[:0]
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    rows = list(choose(range(input.shape[0]), r))
    return input[[i for row in rows for i in row]].reshape((len(rows), r))


@function
def meshgrid(*tensors: Any, indexing: str = "ij") -> Any:
    """The coordinates of a grid: for each vector a tensor that repeats it along the axes of the others.

    indexing: "ij": the first vector runs along dim 0; "xy": along dim 1, as in pictures.

    >>> engine.meshgrid(engine.tensor([1, 2]), engine.tensor([3, 4]))[0]
    tensor([[1, 1],
            [2, 2]])
    """
    parts = _listed("meshgrid", tensors[0] if len(tensors) == 1 and isinstance(tensors[0], tuple | list) else tensors)
    if indexing not in ("ij", "xy"):
        raise ShapeError('torch.meshgrid: indexing must be one of "xy" or "ij"', got=repr(indexing))
    if any(x.ndim > 1 for x in parts):
        raise ShapeError("meshgrid", "vectors", " and ".join(words(x.shape) for x in parts))
    if any(x.dtype != parts[0].dtype for x in parts):
        raise ShapeError("torch.meshgrid expects all tensors to have the same dtype")
    swap = indexing == "xy" and len(parts) > 1
    parts = [parts[1], parts[0], *parts[2:]] if swap else parts
    sizes = tuple(x.numel() for x in parts)
    places = ((1,) * i + (n,) + (1,) * (len(sizes) - 1 - i) for i, n in enumerate(sizes))
    grids = [x.reshape(p).expand(sizes) for x, p in zip(parts, places, strict=True)]
    return tuple([grids[1], grids[0], *grids[2:]] if swap else grids)
