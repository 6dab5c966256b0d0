"""Longer products and sums of products: chains of matrices, tensordot, kron, cross; distances of rows."""

from __future__ import annotations

import math
from typing import Any

from engine.errors import ShapeError
from engine.ops.linalg import fitting, sized
from engine.ops.norms import linalg_vector_norm
from engine.ops.op import axes_of, axis_of, broadcast, function, words


@function
def chain_matmul(*matrices: Any) -> Any:
    """The product of several matrices, in the order that costs least.

    >>> engine.chain_matmul(engine.ones(1, 2), engine.ones(2, 3), engine.ones(3, 1))
    tensor([[6.]])
    """
    for x in matrices:
        sized("chain_matmul", (2,), x)
    return matrices[0] if len(matrices) == 1 else linalg_multi_dot(matrices)


@function
def linalg_multi_dot(tensors: Any) -> Any:
    """The product of several matrices, in the order that costs least; the first and the last may be vectors.

    >>> engine.linalg.multi_dot([engine.ones(2), engine.ones(2, 3), engine.ones(3)])
    tensor(6.)
    """
    parts = list(tensors)
    if len(parts) < 2:
        raise ShapeError("multi_dot(): expected at least 2 tensors", got=len(parts))
    first, last = parts[0].ndim == 1, parts[-1].ndim == 1
    parts[0] = parts[0].unsqueeze(0) if first else parts[0]
    parts[-1] = parts[-1].unsqueeze(1) if last else parts[-1]
    sized("multi_dot", (2,) * len(parts), *parts)
    whole = _product_of(parts, cheapest([x.shape[0] for x in parts] + [parts[-1].shape[1]]), 0, len(parts) - 1)
    whole = whole.squeeze(0) if first else whole
    return whole.squeeze(-1) if last else whole


def cheapest(sizes: list[int]) -> dict[tuple[int, int], int]:
    """Where to cut each stretch of a chain of matrices (Cormen et al., Introduction to Algorithms, chapter 14)."""
    many = len(sizes) - 1
    cost, cuts = {(i, i): 0 for i in range(many)}, {}
    for length in range(1, many):
        for i in range(many - length):
            j = i + length
            price = {k: cost[i, k] + cost[k + 1, j] + sizes[i] * sizes[k + 1] * sizes[j + 1] for k in range(i, j)}
            cuts[i, j] = min(price, key=price.__getitem__)
            cost[i, j] = price[cuts[i, j]]
    return cuts


def _product_of(parts: list[Any], cuts: dict[tuple[int, int], int], i: int, j: int) -> Any:
    if i == j:
        return parts[i]
    k = cuts[i, j]
    return fitting("multi_dot", _product_of(parts, cuts, i, k), _product_of(parts, cuts, k + 1, j))


@function
def tensordot(input: Any, other: Any, dims: Any = 2) -> Any:
    """The sums of products along several axes of both: the last and first `dims`, or two lists of them.

    >>> engine.tensordot(engine.ones(2, 3, 4), engine.ones(3, 4, 5)).shape
    engine.Size([2, 5])
    """
    if hasattr(dims, "ndim"):
        dims = dims.tolist() if dims.numel() > 1 else dims.item()
    if isinstance(dims, int):
        if not 0 <= dims <= min(input.ndim, other.ndim):
            raise ShapeError("tensordot expects dims >= 0 that both tensors have", got=dims)
        dims = range(input.ndim - dims, input.ndim), range(dims)
    left, right = ([d] if isinstance(d, int) else list(d) for d in dims)
    a, b = (
        axes_of("tensordot", left, input.ndim) if left else (),
        axes_of("tensordot", right, other.ndim) if right else (),
    )
    pairs = list(zip(a, b, strict=False))
    if len(a) != len(b) or any(1 not in (n := (input.shape[i], other.shape[j])) and n[0] != n[1] for i, j in pairs):
        raise ShapeError(
            "tensordot", "contracted dims of equal sizes", f"{words(input.shape)} and {words(other.shape)}"
        )
    for i, j in pairs:
        if input.shape[i] != other.shape[j]:
            input = input.sum(i, True).to(input.dtype) if other.shape[j] == 1 else input
            other = other.sum(j, True).to(other.dtype) if input.shape[i] == 1 else other
    free = [i for i in range(input.ndim) if i not in a], [j for j in range(other.ndim) if j not in b]
    size = math.prod(input.shape[i] for i in a)
    rows, columns = [input.shape[i] for i in free[0]], [other.shape[j] for j in free[1]]
    product = input.permute((*free[0], *a)).reshape((math.prod(rows), size)) @ other.permute((*b, *free[1])).reshape(
        (size, math.prod(columns))
    )
    return product.reshape((*rows, *columns))


@function
def kron(input: Any, other: Any) -> Any:
    """Every element of one times the whole of the other, as one large tensor.

    >>> engine.kron(engine.tensor([1, 10]), engine.tensor([1, 2]))
    tensor([ 1,  2, 10, 20])
    """
    ndim = max(input.ndim, other.ndim)
    a, b = ((1,) * (ndim - x.ndim) + tuple(x.shape) for x in (input, other))
    left = input.reshape(tuple(n for size in a for n in (size, 1)))
    right = other.reshape(tuple(n for size in b for n in (1, size)))
    return (left * right).reshape(tuple(n * m for n, m in zip(a, b, strict=True)))


@function
def linalg_cross(input: Any, other: Any, *, dim: int = -1) -> Any:
    """The vectors at right angles to pairs of vectors of length 3.

    >>> engine.linalg.cross(engine.tensor([1, 0, 0]), engine.tensor([0, 1, 0]))
    tensor([0, 0, 1])
    """
    if input.ndim != other.ndim:
        raise ShapeError(
            "linalg.cross", "tensors with equally many dims", f"{words(input.shape)} and {words(other.shape)}"
        )
    common = broadcast("linalg.cross", input, other)
    axis = axis_of("linalg.cross", dim, input.ndim)
    if input.shape[axis] != 3 or other.shape[axis] != 3:
        raise ShapeError("linalg.cross", f"size 3 along dim {dim}", words(common))
    a, b = input.expand(common), other.expand(common)
    return a.roll(-1, axis) * b.roll(-2, axis) - a.roll(-2, axis) * b.roll(-1, axis)


@function
def cross(input: Any, other: Any, dim: Any = None) -> Any:
    """Like `linalg.cross`, by default along the first axis of size 3.

    >>> engine.cross(engine.tensor([1, 0, 0]), engine.tensor([0, 1, 0]))
    tensor([0, 0, 1])
    """
    if dim is None:
        common = broadcast("cross", input, other)
        dim = next((i for i, n in enumerate(common) if n == 3), None)
        if dim is None:
            raise ShapeError("no dimension of size 3 in input", got=words(common))
    return linalg_cross(input, other, dim=dim)


@function
def cdist(x1: Any, x2: Any, p: float = 2.0, compute_mode: str = "use_mm_for_euclid_dist_if_necessary") -> Any:
    """The distance of every row of one to every row of the other, in the p-norm.

    >>> engine.cdist(engine.zeros(1, 2), engine.tensor([[3.0, 4.0]]))
    tensor([[5.]])
    """
    if x1.ndim < 2 or x2.ndim < 2 or x1.shape[-1] != x2.shape[-1]:
        raise ShapeError("cdist", "matrices with equally many columns", f"{words(x1.shape)} and {words(x2.shape)}")
    if p < 0:
        raise ShapeError("cdist only supports non-negative p values", got=p)
    return linalg_vector_norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)
