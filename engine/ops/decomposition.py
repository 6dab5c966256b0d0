"""Matrices taken apart: Cholesky, QR, eigenvalues, singular values, LU.

Each is one op whose parts lie side by side in one matrix; a composition slices them out. Where two eigenvalues or
singular values are equal, a quotient 0/0 in a gradient counts as 0, which is right for every function of the matrix.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.array import Abstract
from engine.errors import DTypeError, LinAlgError, ShapeError
from engine.ops.op import Case, Op, Rule, words


class Factor(Op, abstract=True):
    """Ops on matrices in the last two axes."""

    jvp, promotion = None, "none"


def square(where: str, *matrices: Any) -> None:
    """Refuse what is not a square matrix of floats (or a batch of them)."""
    for a in matrices:
        matrix(where, a)
        if a.shape[-1] != a.shape[-2]:
            raise ShapeError(f"{where}: A must be batches of square matrices", got=words(a.shape))


def matrix(where: str, a: Any) -> None:
    """Refuse what is not a matrix of float32 or float64 (or a batch of them)."""
    if a.ndim < 2:
        raise ShapeError(f"{where}: The input tensor must have at least 2 dimensions", got=words(a.shape))
    if a.dtype.name not in ("float32", "float64"):
        raise DTypeError(f"{where}: Expected a floating point tensor", "float32 or float64", a.dtype)


def singular(where: str, refusal: Exception) -> LinAlgError:
    """NumPy's refusal of a matrix in the engine's words."""
    hint = "Is a row a multiple of others? Adding a small number to the diagonal helps."
    return LinAlgError(f"linalg.{where}", "matrices that can be decomposed", str(refusal), hint)


def zero_where(condition: Any, x: Any) -> Any:
    """x, but 0 where the condition holds."""
    return condition.choose(0.0, x)


def quotient(a: Any, b: Any) -> Any:
    """a / b, and 0 where b is 0."""
    zero = b == 0
    return zero_where(zero, a / zero.choose(1.0, b))


class CholeskyLower(Factor):
    """The lower triangle L with L L^T = A. Murray, Differentiation of the Cholesky decomposition (2016).

    >>> engine.tensor([[4.0]]).cholesky_lower()
    tensor([[2.]])
    """

    latex = r"\operatorname{{cholesky}}({0})"
    infer = lambda a, *, check=True: Abstract(a.shape, a.dtype)

    @staticmethod
    def forward(xp: Any, a: Any, *, check: bool = True) -> Any:
        low = xp.tril(a)
        whole = low + xp.swapaxes(xp.tril(a, -1), -1, -2)
        try:
            return xp.linalg.cholesky(whole)
        except np.linalg.LinAlgError as refusal:
            if check:
                text = "The factorization could not be completed because the input is not positive-definite"
                raise LinAlgError("linalg.cholesky", "positive-definite matrices", text) from refusal
        return _one_by_one(xp, xp.linalg.cholesky, whole)

    @staticmethod
    def vjp(g: Any, y: Any, _: Any, *, check: bool = True) -> Rule:
        half = (y.mT @ g).tril()
        half = half - half.diagonal(0, -2, -1).diag_embed() * 0.5
        slope = y.mT.triangular(y.mT.triangular(half, upper=True).mT, upper=True)
        return ((slope + slope.mT) * 0.5,)


def _one_by_one(xp: Any, f: Any, whole: Any) -> Any:
    """A function of each matrix; nan where it refuses."""
    result = xp.full_like(whole, xp.nan)
    for i in np.ndindex(whole.shape[:-2]):
        try:
            result[i] = f(whole[i])
        except np.linalg.LinAlgError:
            continue
    return result


class Qr(Factor):
    """Q^T and R of A = Q R (Q^T Q = 1, R an upper triangle), side by side. Walter and Lehmann (2018).

    >>> engine.tensor([[2.0]]).qr_parts().abs()
    tensor([[1., 2.]])
    """

    name, latex = "qr_parts", r"\operatorname{{qr}}({0})"
    cases = (Case(((4, 3),)), Case(((3, 3),)), Case(((2, 3, 5),)))

    @staticmethod
    def forward(xp: Any, a: Any) -> Any:
        q, r = xp.linalg.qr(a)
        return xp.concatenate([xp.swapaxes(q, -1, -2), r], -1)

    infer = lambda a: Abstract((*a.shape[:-2], min(a.shape[-2:]), a.shape[-2] + a.shape[-1]), a.dtype)

    @staticmethod
    def vjp(g: Any, y: Any, a: Any) -> Rule:
        rows, columns = a.shape[-2], a.shape[-1]
        k = min(rows, columns)
        q, r = y[..., :rows].mT, y[..., rows : rows + k]
        gq, gr = g[..., :rows].mT, g[..., rows : rows + k]
        if columns <= rows:
            return (_qr_slope(q, r, gq, gr),)
        rest = g[..., rows + k :]
        left = _qr_slope(q, r, gq + a[..., k:] @ rest.mT, gr)
        return (left.cat_with(q @ rest, dim=a.ndim - 1),)


def _qr_slope(q: Any, r: Any, gq: Any, gr: Any) -> Any:
    m = r @ gr.mT - gq.mT @ q
    whole = m.tril() + m.tril(-1).mT
    return r.triangular((gq + q @ whole).mT, upper=True).mT


class Eigh(Factor):
    """Eigenvectors (columns) and, as the last column, eigenvalues of a symmetric matrix. Giles (2008), section 3.1.

    >>> engine.tensor([[3.0]]).eigh_parts().abs()
    tensor([[1., 3.]])
    """

    name, latex = "eigh_parts", r"\operatorname{{eigh}}({0})"

    @staticmethod
    def forward(xp: Any, a: Any, *, UPLO: str = "L") -> Any:
        try:
            values, vectors = xp.linalg.eigh(a, UPLO)
        except np.linalg.LinAlgError as refusal:
            raise singular("eigh", refusal) from refusal
        return xp.concatenate([vectors, values[..., None]], -1)

    infer = lambda a, *, UPLO="L": Abstract((*a.shape[:-1], a.shape[-1] + 1), a.dtype)

    @staticmethod
    def vjp(g: Any, y: Any, _: Any, *, UPLO: str = "L") -> Rule:
        v, w, gv, gw = y[..., :-1], y[..., -1], g[..., :-1], g[..., -1]
        gap = w.unsqueeze(-2) - w.unsqueeze(-1)
        turn = v.mT @ gv
        inner = quotient((turn - turn.mT) * 0.5, gap) + gw.diag_embed()
        return (v @ inner @ v.mT,)


class Svd(Factor):
    """U^T, the singular values, and V^T, side by side. Townsend, Differentiating the SVD (2016).

    >>> engine.tensor([[3.0]]).svd_parts().abs()
    tensor([[1., 3., 1.]])
    """

    name, latex = "svd_parts", r"\operatorname{{svd}}({0})"
    cases = (Case(((3, 2),)), Case(((2, 2, 3),)))

    @staticmethod
    def forward(xp: Any, a: Any) -> Any:
        try:
            u, s, vh = xp.linalg.svd(a, full_matrices=False)
        except np.linalg.LinAlgError as refusal:
            raise singular("svd", refusal) from refusal
        return xp.concatenate([xp.swapaxes(u, -1, -2), s[..., None], vh], -1)

    infer = lambda a: Abstract((*a.shape[:-2], min(a.shape[-2:]), a.shape[-2] + 1 + a.shape[-1]), a.dtype)

    @staticmethod
    def vjp(g: Any, y: Any, _a: Any) -> Rule:
        m = _a.shape[-2]
        u, s, v = y[..., :m].mT, y[..., m], y[..., m + 1 :].mT
        gu, gs, gv = g[..., :m].mT, g[..., m], g[..., m + 1 :].mT
        gap = (s.unsqueeze(-2) - s.unsqueeze(-1)) * (s.unsqueeze(-2) + s.unsqueeze(-1))
        turn_u, turn_v = u.mT @ gu, v.mT @ gv
        inner = quotient(turn_u - turn_u.mT, gap) * s.unsqueeze(-2) + s.unsqueeze(-1) * quotient(
            turn_v - turn_v.mT, gap
        )
        inner = inner + gs.diag_embed()
        slope = u @ inner @ v.mT
        if m > s.shape[-1]:
            slope = slope + quotient(gu - u @ turn_u, s.unsqueeze(-2)) @ v.mT
        if _a.shape[-1] > s.shape[-1]:
            slope = slope + u @ quotient((gv - v @ turn_v).mT, s.unsqueeze(-1))
        return (slope,)


class OrthogonalRest(Factor):
    """Columns that complete orthonormal columns to a whole basis; no gradient, for any such columns do.

    >>> engine.tensor([[1.0], [0.0]]).orthogonal_rest().abs()
    tensor([[0.],
            [1.]])
    """

    latex = r"{0}^\perp"
    forward = lambda xp, q: xp.linalg.qr(q, "complete")[0][..., q.shape[-1] :]
    infer = lambda q: Abstract((*q.shape[:-1], q.shape[-2] - q.shape[-1]), q.dtype)


class Geqrf(Factor):
    """LAPACK's QR: R above and Householder's vectors below the diagonal; as one more row their factors; no gradient.

    >>> engine.tensor([[2.0]]).geqrf_parts()
    tensor([[2.],
            [0.]])
    """

    name, latex = "geqrf_parts", r"\operatorname{{geqrf}}({0})"
    infer = lambda a: Abstract((*a.shape[:-2], a.shape[-2] + 1, a.shape[-1]), a.dtype)

    @staticmethod
    def forward(xp: Any, a: Any) -> Any:
        y = xp.zeros((*a.shape[:-2], a.shape[-2] + 1, a.shape[-1]), a.dtype)
        if a.size:
            h, tau = xp.linalg.qr(a, "raw")
            y[..., :-1, :], y[..., -1, : tau.shape[-1]] = xp.swapaxes(h, -1, -2), tau
        return y
