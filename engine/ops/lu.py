"""LU: a matrix as a permutation times a lower times an upper triangle, and systems solved with it."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from engine.array import Abstract
from engine.errors import DTypeError, LinAlgError, ShapeError
from engine.ops.decomposition import Factor, matrix
from engine.ops.op import Case, Rule, function, words


class LuParts(Factor):
    """Both triangles in one matrix, and the rows exchanged (counted from 1) as one more column.

    Each column eliminates at once in all matrices of a batch. The gradient is that of both triangles with the order of
    the rows held fixed.

    >>> engine.tensor([[2.0]]).lu_parts()
    tensor([[2., 1.]])
    """

    latex = r"\operatorname{{lu}}({0})"
    cases = (Case(((3, 3),), {"pivot": False}, low=1.0, high=5.0),)

    @staticmethod
    def forward(xp: Any, a: Any, *, pivot: bool = True) -> Any:
        m, n = a.shape[-2:]
        y = xp.zeros((*a.shape[:-1], n + 1), a.dtype)
        y[..., :n] = a
        for j in range(min(m, n)):
            if pivot:
                _exchange(xp, y, j, n)
            y[..., j, n] = y[..., j, n] if pivot else j + 1
            top = y[..., j, j][..., None]
            ratio = y[..., j + 1 :, j] / xp.where(top == 0, 1, top)
            y[..., j + 1 :, j] = ratio
            y[..., j + 1 :, j + 1 : n] -= ratio[..., None] * y[..., None, j, j + 1 : n]
        return y

    infer = lambda a, *, pivot=True: Abstract((*a.shape[:-1], a.shape[-1] + 1), a.dtype)

    @staticmethod
    def vjp(g: Any, y: Any, a: Any, *, pivot: bool = True) -> Rule:
        """With A1 the leading square of P^T A: L^-T (tril(L^T gL - rest, -1) + triu(gU U^T - rest)) U^-T."""
        m, n = a.shape[-2:]
        k = min(m, n)
        order = y[..., -1:].detach().pivot_order()
        g, y = g[..., :n], y[..., :n]
        low, up, whole = y[..., :k, :k], y[..., :k, :k].triu(), g[..., :k, :k]
        lower = low.tril(-1).zero_slope_eye()
        left, right = lower.mT @ whole.tril(-1), whole.triu() @ up.mT
        if n > k:
            left = left - g[..., k:] @ y[..., k:].mT
        if m > k:
            right = right - y[..., k:, :].mT @ g[..., k:, :]
        inner = left.tril(-1) + right.triu()
        slope = lower.mT.triangular(up.triangular(inner.mT, upper=True).mT, upper=True, unit=True)
        if n > k:
            rest = lower.mT.triangular(g[..., k:], upper=True, unit=True)
            slope = slope.cat_with(rest, dim=a.ndim - 1)
        if m > k:
            slope = slope.cat_with(up.triangular(g[..., k:, :].mT, upper=True).mT, dim=a.ndim - 2)
        return (order.permuted_rows(slope),)


def _exchange(xp: Any, y: Any, j: int, n: int) -> None:
    """The largest number of a column comes to its diagonal; its row's number is noted in column n."""
    best = xp.abs(y[..., j:, j]).argmax(-1) + j
    y[..., j, n] = best + 1
    spot = best[..., None, None]
    upper, lower = y[..., j, :n].copy(), xp.take_along_axis(y[..., :n], spot, -2)[..., 0, :]
    for place, row in ((spot, upper), (xp.full_like(spot, j), lower)):
        xp.put_along_axis(y[..., :n], xp.broadcast_to(place, (*place.shape[:-1], n)), row[..., None, :], -2)


class PivotOrder(Factor):
    """The order of rows that a list of exchanges (a column, counted from 1) leads to; no gradient.

    >>> engine.tensor([[2.0], [2.0]]).pivot_order()
    tensor([1, 0])
    """

    latex = r"\pi({0})"
    infer = lambda p: Abstract(p.shape[:-1], np.dtype(np.int64))

    @staticmethod
    def forward(xp: Any, p: Any) -> Any:
        rows = p.shape[-2]
        places = p[..., 0].reshape(math.prod(p.shape[:-2]), rows).astype(xp.int64) - 1
        order = xp.broadcast_to(xp.arange(rows), places.shape).copy()
        every = xp.arange(len(places))
        for j in range(rows):
            other = xp.where(places[:, j] < 0, j, places[:, j])
            order[every, j], order[every, other] = order[every, other], order[every, j].copy()
        return order.reshape(p.shape[:-1])


@function
def permuted_rows(input: Any, x: Any) -> Any:
    """Row i of x goes to row input[i].

    >>> engine.tensor([1, 0]).permuted_rows(engine.tensor([[1.0], [2.0]]))
    tensor([[2.],
            [1.]])
    """
    return x.new_zeros(x.shape).scatter(-2, input.unsqueeze(-1).expand(x.shape), x)


class LU(NamedTuple):
    """P @ L @ U = A."""

    P: Any
    L: Any
    U: Any


class LUFactor(NamedTuple):
    """Both triangles in one matrix, and the rows exchanged, counted from 1."""

    LU: Any
    pivots: Any


class LUFactorEx(NamedTuple):
    """Like LUFactor, with the first zero on the diagonal of U (0: none)."""

    LU: Any
    pivots: Any
    info: Any


@function
def linalg_lu_factor_ex(A: Any, *, pivot: bool = True, check_errors: bool = False) -> Any:
    """Both triangles in one matrix, the rows exchanged, and where the first zero on the diagonal is.

    >>> engine.linalg.lu_factor_ex(engine.tensor([[2.0]])).LU
    tensor([[2.]])
    """
    matrix("linalg.lu_factor", A)
    if not pivot:
        raise ShapeError("linalg.lu_factor: LU without pivoting is not implemented on the CPU")
    k = min(A.shape[-2:])
    parts = A.lu_parts(pivot=pivot)
    both, pivots = parts[..., :-1], parts[..., :k, -1].detach().to("int32")
    zero = both.detach().diagonal(0, -2, -1) == 0
    place = (zero.to("int32").cumsum(-1) == 0).sum(-1).to("int32") + 1
    info = (place > k).choose(0, place).to("int32")
    if check_errors and bool((info != 0).any()):
        raise LinAlgError("linalg.lu_factor", "matrices with a factor U that can be inverted", "a zero on its diagonal")
    return LUFactorEx(both, pivots, info)


@function
def linalg_lu_factor(A: Any, *, pivot: bool = True) -> Any:
    """Both triangles in one matrix, and the rows exchanged, counted from 1: what `linalg.lu_solve` takes.

    >>> engine.linalg.lu_factor(engine.tensor([[2.0]])).pivots
    tensor([1], dtype=engine.int32)
    """
    return LUFactor(*linalg_lu_factor_ex(A, pivot=pivot)[:2])


@function
def lu(input: Any, pivot: bool = True, get_infos: bool = False) -> Any:
    """The older form of `linalg.lu_factor`, with the infos where wanted.

    >>> engine.lu(engine.tensor([[2.0]]))[0]
    tensor([[2.]])
    """
    found = linalg_lu_factor_ex(input, pivot=pivot)
    return found if get_infos else LUFactor(*found[:2])


@function
def lu_unpack(LU_data: Any, LU_pivots: Any, unpack_data: bool = True, unpack_pivots: bool = True) -> Any:
    """P, L and U from what `linalg.lu_factor` gave.

    >>> engine.lu_unpack(*engine.linalg.lu_factor(engine.tensor([[2.0]]))).U
    tensor([[2.]])
    """
    if unpack_pivots and LU_pivots.dtype.name != "int32":
        raise DTypeError(
            "torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype", got=LU_pivots.dtype
        )
    m, n = LU_data.shape[-2:]
    k, none = min(m, n), LU_data.new_zeros((0,))
    low, up, order = none, none, none
    if unpack_data:
        low, up = LU_data[..., :k].tril(-1), LU_data[..., :k, :].triu()
        low = low + LU_data.new_ones((k,)).diag_embed().pad_constant(widths=((0, m - k), (0, 0)))
    if unpack_pivots:
        rest = LU_pivots.new_zeros((*LU_pivots.shape[:-1], m - k))
        places = LU_pivots.cat_with(rest, dim=LU_pivots.ndim - 1).unsqueeze(-1).pivot_order()
        one = LU_data.new_ones((m,)).diag_embed().expand((*LU_data.shape[:-2], m, m))
        order = places.permuted_rows(one)
    return LU(order, low, up)


@function
def linalg_lu(A: Any, *, pivot: bool = True) -> Any:
    """A = P @ L @ U: a permutation, a lower triangle with ones on its diagonal, an upper triangle.

    >>> engine.linalg.lu(engine.tensor([[2.0]])).U
    tensor([[2.]])
    """
    return lu_unpack(*linalg_lu_factor(A, pivot=pivot))


@function
def linalg_lu_solve(LU: Any, pivots: Any, B: Any, *, left: bool = True, adjoint: bool = False) -> Any:
    """X with A @ X = B (or X @ A = B; adjoint: with the transpose of A), from what `linalg.lu_factor` gave.

    >>> engine.linalg.lu_solve(*engine.linalg.lu_factor(engine.tensor([[2.0]])), engine.tensor([[4.0]]))
    tensor([[2.]])
    """
    matrix("linalg.lu_solve", LU)
    if LU.shape[-1] != LU.shape[-2] or B.ndim < 2 or B.shape[-2 if left else -1] != LU.shape[-1]:
        raise ShapeError("linalg.lu_solve", f"a right side that fits {words(LU.shape)}", words(B.shape))
    if not left:
        return linalg_lu_solve(LU, pivots, B.mT, adjoint=not adjoint).mT
    order = lu_unpack(LU, pivots, False, True).P
    if adjoint:
        inner = LU.mT.triangular(B, upper=False)
        return order @ LU.mT.triangular(inner, upper=True, unit=True)
    return LU.triangular(LU.triangular(order.mT @ B, upper=False, unit=True), upper=True)


@function
def lu_solve(b: Any, LU_data: Any, LU_pivots: Any) -> Any:
    """The older form of `linalg.lu_solve`.

    >>> engine.lu_solve(engine.tensor([[4.0]]), *engine.linalg.lu_factor(engine.tensor([[2.0]])))
    tensor([[2.]])
    """
    return linalg_lu_solve(LU_data, LU_pivots, b)
