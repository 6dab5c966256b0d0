"""Matrices as products, by PyTorch's names: cholesky, qr, eigh, svd."""

from __future__ import annotations

from typing import Any, NamedTuple

from engine.errors import ArgumentError, ShapeError
from engine.ops.decomposition import matrix, square
from engine.ops.op import function


class QR(NamedTuple):
    """Q with orthonormal columns, R an upper triangle."""

    Q: Any
    R: Any


class SVD(NamedTuple):
    """Left singular vectors, singular values, right singular vectors as rows."""

    U: Any
    S: Any
    Vh: Any


class OldSVD(NamedTuple):
    """Left singular vectors, singular values, right singular vectors as columns."""

    U: Any
    S: Any
    V: Any


class Eigen(NamedTuple):
    """Eigenvalues in ascending order, eigenvectors as columns."""

    eigenvalues: Any
    eigenvectors: Any


class CholeskyEx(NamedTuple):
    """The factor, and 0 where it exists."""

    L: Any
    info: Any


@function
def linalg_cholesky(input: Any, *, upper: bool = False) -> Any:
    """The lower triangle L with L @ L.mT = input (or the upper one), of positive-definite matrices.

    >>> engine.linalg.cholesky(engine.tensor([[4.0, 2.0], [2.0, 2.0]]))
    tensor([[2., 0.],
            [1., 1.]])
    """
    square("linalg.cholesky", input)
    return (input.mT if upper else input).cholesky_lower().mT if upper else input.cholesky_lower()


@function
def cholesky(input: Any, upper: bool = False) -> Any:
    """The same as `linalg.cholesky`.

    >>> engine.cholesky(engine.tensor([[4.0]]))
    tensor([[2.]])
    """
    return linalg_cholesky(input, upper=upper)


@function
def linalg_cholesky_ex(input: Any, *, upper: bool = False, check_errors: bool = False) -> Any:
    """Like `linalg.cholesky`, but says in `info` which matrices are not positive-definite.

    >>> engine.linalg.cholesky_ex(engine.tensor([[4.0]])).info
    tensor(0, dtype=engine.int32)
    """
    square("linalg.cholesky", input)
    low = (input.mT if upper else input).cholesky_lower(check=check_errors)
    info = low.detach().sum((-2, -1)).isfinite().logical_not().to("int32")
    return CholeskyEx(low.mT if upper else low, info)


@function
def linalg_qr(A: Any, mode: str = "reduced") -> Any:
    """A = Q @ R with orthonormal columns in Q and an upper triangle R; mode "reduced", "complete" or "r".

    >>> engine.linalg.qr(engine.tensor([[2.0]])).R.abs()
    tensor([[2.]])
    """
    matrix("linalg.qr", A)
    if mode not in ("reduced", "complete", "r"):
        raise ShapeError("linalg.qr", "mode reduced, complete or r", repr(mode))
    rows = A.shape[-2]
    parts = A.qr_parts()
    q, r = parts[..., :rows].mT, parts[..., rows:]
    if mode == "r":
        return QR(A.new_zeros((0,)), r.triu())
    if mode == "complete" and rows > A.shape[-1]:
        q = q.cat_with(q.detach().orthogonal_rest(), dim=A.ndim - 1)
        r = r.cat_with(r.new_zeros((*A.shape[:-2], rows - A.shape[-1], A.shape[-1])), dim=A.ndim - 2)
    return QR(q, r.triu())


@function
def qr(input: Any, some: bool = True) -> Any:
    """The same as `linalg.qr`, "complete" where `some` is off.

    >>> engine.qr(engine.tensor([[2.0]])).R.abs()
    tensor([[2.]])
    """
    return linalg_qr(input, "reduced" if some else "complete")


@function
def linalg_eigh(A: Any, UPLO: str = "L") -> Any:
    """Eigenvalues (ascending) and eigenvectors of symmetric matrices, of which one triangle is read.

    >>> engine.linalg.eigh(engine.tensor([[1.0, 0.0], [0.0, 3.0]])).eigenvalues
    tensor([1., 3.])
    """
    square("linalg.eigh", A)
    if UPLO.upper() not in ("L", "U"):
        raise ArgumentErrorHere("Expected UPLO argument to be 'L' or 'U'", got=repr(UPLO))
    parts = A.eigh_parts(UPLO=UPLO.upper())
    return Eigen(parts[..., -1], parts[..., :-1])


class ArgumentErrorHere(ArgumentError, RuntimeError):
    """A bad value of an argument, where PyTorch raises RuntimeError."""


@function
def linalg_eigvalsh(A: Any, UPLO: str = "L") -> Any:
    """The eigenvalues of symmetric matrices, ascending.

    >>> engine.linalg.eigvalsh(engine.tensor([[1.0, 0.0], [0.0, 3.0]]))
    tensor([1., 3.])
    """
    return linalg_eigh(A, UPLO).eigenvalues


@function
def linalg_svd(A: Any, full_matrices: bool = True, *, driver: Any = None) -> Any:
    """A = U @ S.diag() @ Vh with orthonormal columns in U, rows in Vh, and S >= 0 in descending order.

    >>> engine.linalg.svd(engine.tensor([[3.0, 0.0], [0.0, 2.0]])).S
    tensor([3., 2.])
    """
    matrix("linalg.svd", A)
    m, n = A.shape[-2:]
    parts = A.svd_parts()
    u, vh = parts[..., :m].mT, parts[..., m + 1 :]
    if full_matrices and m > n:
        u = u.cat_with(u.detach().orthogonal_rest(), dim=A.ndim - 1)
    if full_matrices and n > m:
        vh = vh.cat_with(vh.detach().mT.orthogonal_rest().mT, dim=A.ndim - 2)
    return SVD(u, parts[..., m], vh)


@function
def svd(input: Any, some: bool = True, compute_uv: bool = True) -> Any:
    """Like `linalg.svd`, with V in the place of its transpose.

    >>> engine.svd(engine.tensor([[3.0]])).S
    tensor([3.])
    """
    u, s, vh = linalg_svd(input, not some)
    if not compute_uv:
        m, n = input.shape[-2:]
        return OldSVD(u.new_zeros((*input.shape[:-2], m, m)), s, u.new_zeros((*input.shape[:-2], n, n)))
    return OldSVD(u, s, vh.mT)


@function
def linalg_svdvals(A: Any, *, driver: Any = None) -> Any:
    """The singular values, in descending order.

    >>> engine.linalg.svdvals(engine.tensor([[3.0, 0.0], [0.0, 2.0]]))
    tensor([3., 2.])
    """
    matrix("linalg.svdvals", A)
    return A.svd_parts()[..., A.shape[-2]]


@function
def svd_lowrank(A: Any, q: Any = 6, niter: Any = 2, M: Any = None) -> Any:
    """The q largest singular values and their vectors (of A - M): exact, where PyTorch draws an approximation.

    >>> engine.svd_lowrank(engine.tensor([[3.0]]), 1)[1]
    tensor([3.])
    """
    u, s, vh = linalg_svd(A if M is None else A - M, False)
    return u[..., :q], s[..., :q], vh.mT[..., :q]


@function
def pca_lowrank(A: Any, q: Any = None, center: bool = True, niter: Any = 2) -> Any:
    """The q main directions of the rows of A: `svd_lowrank` of A without its mean row.

    >>> engine.pca_lowrank(engine.tensor([[1.0], [3.0]]), 1)[1]
    tensor([1.4142])
    """
    q = min(6, *A.shape[-2:]) if q is None else q
    if not 0 <= q <= min(A.shape[-2:]):
        raise ArgumentError("pca_lowrank", f"q from 0 to {min(A.shape[-2:])}", q)
    return svd_lowrank(A - A.mean(-2, True) if center else A, q)


class GeQRF(NamedTuple):
    """R and Householder's vectors in one matrix, and the factors of the reflections."""

    a: Any
    tau: Any


@function
def geqrf(input: Any) -> Any:
    """QR as LAPACK keeps it: what `linalg.householder_product` and `ormqr` take; no gradient.

    >>> engine.geqrf(engine.tensor([[2.0]])).tau
    tensor([0.])
    """
    matrix("geqrf", input)
    parts = input.detach().geqrf_parts()
    return GeQRF(parts[..., :-1, :], parts[..., -1, : min(input.shape[-2:])])
