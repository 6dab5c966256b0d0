"""Householder's reflections, and matrices made of powers."""

from __future__ import annotations

from typing import Any

from engine.errors import ShapeError
from engine.ops.decomposition import matrix
from engine.ops.op import function, words


def _reflected(a: Any, tau: Any, y: Any, transpose: bool) -> Any:
    """H1 H2 ... Hk y (or its transpose), where Hi = 1 - tau_i v_i v_i^T and v_i is column i of a below its 1."""
    rows = a.shape[-2]
    lower = a.tril(-1)
    unit = lower + a.new_ones((min(a.shape[-2:]),)).diag_embed().pad_constant(
        widths=((0, rows - min(a.shape[-2:])), (0, a.shape[-1] - min(a.shape[-2:])))
    )
    many = range(tau.shape[-1])
    y = y + (unit[..., :0].sum() + tau[..., :0].sum()) if not many else y
    for i in many if transpose else reversed(many):
        v = unit[..., i : i + 1]
        y = y - (tau[..., i : i + 1].unsqueeze(-1) * v) @ (v.mT @ y)
    return y


@function
def linalg_householder_product(A: Any, tau: Any) -> Any:
    """The first columns of a product of Householder's reflections: Q from what LAPACK's geqrf gives.

    >>> engine.linalg.householder_product(engine.zeros(2, 1), engine.zeros(1))
    tensor([[1.],
            [0.]])
    """
    matrix("linalg.householder_product", A)
    m, n = A.shape[-2:]
    if m < n or tau.shape[-1] > n:
        raise ShapeError(
            "linalg.householder_product", "at least as many rows as columns, and as columns as tau", words(A.shape)
        )
    if tuple(tau.shape[:-1]) != tuple(A.shape[:-2]):
        raise ShapeError("linalg.householder_product", f"tau of shape {words((*A.shape[:-2], n))}", words(tau.shape))
    if tau.dtype != A.dtype:
        raise ShapeError("linalg.householder_product", f"tau of {A.dtype}", tau.dtype)
    one = A.new_ones((n,)).diag_embed().pad_constant(widths=((0, m - n), (0, 0)))
    return _reflected(A, tau, one.expand(A.shape), False)


@function
def orgqr(input: Any, tau: Any) -> Any:
    """The same as `linalg.householder_product`.

    >>> engine.orgqr(engine.zeros(1, 1), engine.zeros(1))
    tensor([[1.]])
    """
    return linalg_householder_product(input, tau)


@function
def ormqr(input: Any, tau: Any, other: Any, left: bool = True, transpose: bool = False) -> Any:
    """The whole product Q of Householder's reflections times a matrix: Q @ other, or other @ Q.

    >>> engine.ormqr(engine.zeros(2, 1), engine.zeros(1), engine.ones(2, 1))
    tensor([[1.],
            [1.]])
    """
    for x in (input, other):
        matrix("torch.ormqr", x)
    if tau.shape[-1] > input.shape[-1] or input.shape[-2] != other.shape[-2 if left else -1]:
        raise ShapeError(
            "torch.ormqr", "other that fits the reflections", f"{words(input.shape)}, {words(other.shape)}"
        )
    if tuple(tau.shape[:-1]) != tuple(input.shape[:-2]) or input.shape[:-2] != other.shape[:-2]:
        raise ShapeError(
            "torch.ormqr", "equal batches", f"{words(input.shape)}, {words(tau.shape)}, {words(other.shape)}"
        )
    if input.dtype != tau.dtype or input.dtype != other.dtype:
        raise ShapeError("torch.ormqr", f"tensors of {input.dtype}", f"{tau.dtype}, {other.dtype}")
    if left:
        return _reflected(input, tau, other, transpose)
    return _reflected(input, tau, other.mT, not transpose).mT


@function
def linalg_vander(x: Any, *, N: Any = None) -> Any:
    """The powers 0 to N - 1 of each number, one number a row.

    >>> engine.linalg.vander(engine.tensor([2, 3]), N=3)
    tensor([[1, 2, 4],
            [1, 3, 9]])
    """
    x = x if x.ndim else x.reshape((1,))
    many = x.shape[-1] if N is None else N
    if many < 1:
        raise ShapeError("linalg.vander: N must be greater than 1.", got=many)
    x = x if x.dtype.name != "bool" else x.to("int64")
    base = x.unsqueeze(-1)
    ones = base.new_ones(base.shape)
    return ones.cat_with(base.expand((*x.shape, many - 1)).cumprod(-1), dim=x.ndim) if many > 1 else ones


@function
def vander(x: Any, N: Any = None, increasing: bool = False) -> Any:
    """The powers of each number of a vector, one number a row, the highest first.

    >>> engine.vander(engine.tensor([2, 3]), 3)
    tensor([[4, 2, 1],
            [9, 3, 1]])
    """
    powers = linalg_vander(x, N=N)
    return powers if increasing else powers.flip(-1)


@function
def linalg_diagonal(A: Any, *, offset: int = 0, dim1: int = -2, dim2: int = -1) -> Any:
    """The diagonals of matrices (a view).

    >>> engine.linalg.diagonal(engine.tensor([[1, 2], [3, 4]]))
    tensor([1, 4])
    """
    return A.diagonal(offset, dim1, dim2)
