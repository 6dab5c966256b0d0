"""What singular values decide: pseudoinverses, least squares, ranks, conditions."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from engine.array import Abstract
from engine.errors import ShapeError
from engine.ops.decomposition import Factor, matrix, square
from engine.ops.factors import linalg_svdvals
from engine.ops.norms import linalg_matrix_norm
from engine.ops.op import Case, Rule, function, words


class PseudoInverse(Factor):
    """The matrix that undoes what can be undone. Golub and Pereyra (1973).

    >>> engine.tensor([[2.0], [0.0]]).pseudo_inverse()
    tensor([[0.5000, 0.0000]])
    """

    latex = r"{0}^+"
    cases = (Case(((3, 2),)), Case(((2, 2, 3),)))

    @staticmethod
    def forward(xp: Any, a: Any, *, atol: Any = None, rtol: Any = None, hermitian: bool = False) -> Any:
        if not a.size:
            return xp.zeros((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)
        if hermitian:
            a = xp.tril(a) + xp.swapaxes(xp.tril(a, -1), -1, -2)
        u, s, vh = xp.linalg.svd(a, full_matrices=False)
        cut = threshold(xp, s, a, atol, rtol)
        inverted = xp.where(s > cut, 1 / xp.where(s > cut, s, 1), 0).astype(a.dtype)
        return xp.matmul(xp.swapaxes(vh, -1, -2) * inverted[..., None, :], xp.swapaxes(u, -1, -2))

    infer = lambda a, **_: Abstract((*a.shape[:-2], a.shape[-1], a.shape[-2]), a.dtype)

    @staticmethod
    def vjp(g: Any, p: Any, a: Any, **_: Any) -> Rule:
        left = g.mT @ p @ p.mT
        right = p.mT @ p @ g.mT
        return (left - a @ (p @ left) + right - (right @ p) @ a - p.mT @ g @ p.mT,)


def threshold(xp: Any, s: Any, a: Any, atol: Any, rtol: Any) -> Any:
    """Below which singular values count as 0: max(atol, rtol * the largest)."""
    if rtol is None:
        none = atol is not None and not (hasattr(atol, "ndim")) and atol > 0
        rtol = 0 if none else max(a.shape[-2:]) * float(np.finfo(a.dtype).eps)
    relative = xp.asarray(rtol)[..., None] * s.max(-1, keepdims=True)
    return relative if atol is None else xp.maximum(xp.asarray(atol)[..., None], relative)


class RankOf(Factor):
    """How many singular values count; no gradient.

    >>> engine.ones(3, 3).rank_of()
    tensor(1)
    """

    latex = r"\operatorname{{rank}} {0}"
    infer = lambda a, **_: Abstract(a.shape[:-2], np.dtype(np.int64))

    @staticmethod
    def forward(xp: Any, a: Any, *, atol: Any = None, rtol: Any = None) -> Any:
        if not a.size:
            return xp.zeros(a.shape[:-2], xp.int64)
        s = xp.linalg.svd(a, compute_uv=False)
        return (s > threshold(xp, s, a, atol, rtol)).sum(-1)


class LstSq(NamedTuple):
    """What fits best, how far it misses, the rank, and the singular values (which this driver does not give)."""

    solution: Any
    residuals: Any
    rank: Any
    singular_values: Any


@function
def linalg_pinv(A: Any, *, atol: Any = None, rtol: Any = None, hermitian: bool = False, rcond: Any = None) -> Any:
    """The pseudoinverse; singular values up to max(atol, rtol * the largest) count as 0.

    >>> engine.linalg.pinv(engine.tensor([[2.0], [0.0]]))
    tensor([[0.5000, 0.0000]])
    """
    matrix("linalg.pinv", A)
    if hermitian:
        square("linalg.pinv", A)
    rtol = rcond if rtol is None else rtol
    return A.pseudo_inverse(atol=_plain(atol), rtol=_plain(rtol), hermitian=hermitian)


def _plain(limit: Any) -> Any:
    return limit.detach().array if hasattr(limit, "ndim") else limit


@function
def pinverse(input: Any, rcond: float = 1e-15) -> Any:
    """The pseudoinverse, as `linalg.pinv`.

    >>> engine.pinverse(engine.tensor([[2.0]]))
    tensor([[0.5000]])
    """
    return linalg_pinv(input, rtol=rcond)


@function
def linalg_lstsq(A: Any, B: Any, rcond: Any = None, *, driver: Any = None) -> Any:
    """X for which A @ X comes nearest to B.

    >>> engine.linalg.lstsq(engine.tensor([[1.0], [1.0]]), engine.tensor([[1.0], [3.0]])).solution
    tensor([[2.0000]])
    """
    matrix("linalg.lstsq", A)
    vector = B.ndim == A.ndim - 1
    b = B.unsqueeze(-1) if vector else B
    if b.ndim < 2 or b.shape[-2] != A.shape[-2]:
        raise ShapeError("linalg.lstsq", f"{A.shape[-2]} rows on the right", words(B.shape))
    x = linalg_pinv(A, rtol=rcond) @ b
    m, n = A.shape[-2:]
    full = driver != "gelsy" and m > n
    residuals = (A @ x - b).square().sum(-2) if full else (A.reshape((-1,))[:0] + b.reshape((-1,))[:0])
    none = driver in (None, "gelsy", "gels")
    rank = linalg_matrix_rank(A, rtol=rcond) if driver != "gels" else A.new_zeros((0,)).to("int64")
    values = A.new_zeros((0,)) if none else linalg_svdvals(A.detach())
    return LstSq(x.squeeze(-1) if vector else x, residuals, rank, values)


@function
def linalg_matrix_rank(A: Any, tol: Any = None, hermitian: bool = False, *, atol: Any = None, rtol: Any = None) -> Any:
    """How many singular values are larger than max(atol, rtol * the largest).

    >>> engine.linalg.matrix_rank(engine.ones(3, 3))
    tensor(1)
    """
    matrix("linalg.matrix_rank", A)
    if hermitian:
        square("linalg.matrix_rank", A)
        A = A.tril() + A.tril(-1).mT
    atol, rtol = (tol, 0.0 if tol is not None and rtol is None else rtol) if atol is None else (atol, rtol)
    return A.detach().rank_of(atol=_plain(atol), rtol=_plain(rtol))


@function
def linalg_cond(A: Any, p: Any = None) -> Any:
    """How much larger an error can become when a system is solved: the norm times the norm of the inverse.

    >>> engine.linalg.cond(engine.tensor([[4.0, 0.0], [0.0, 2.0]]))
    tensor(2.)
    """
    matrix("linalg.cond", A)
    if p in (None, 2, -2):
        if not all(A.shape[-2:]):
            raise ShapeError("linalg.cond", "matrices with elements", words(A.shape))
        values = linalg_svdvals(A)
        return values[..., 0] / values[..., -1] if p != -2 else values[..., -1] / values[..., 0]
    square(f"linalg.cond({p})", A)
    return linalg_matrix_norm(A, p) * linalg_matrix_norm(A.inverse_of(check=False), p)
