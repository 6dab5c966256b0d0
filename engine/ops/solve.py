"""Systems of linear equations, and inverses."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from engine.array import Abstract
from engine.errors import LinAlgError, ShapeError
from engine.ops.decomposition import Factor, square
from engine.ops.op import Case, Rule, axis_of, broadcast, function, words

WELL = {"low": 0.5, "high": 2.0}


def _refused(where: str, refusal: Exception) -> LinAlgError:
    text = "The diagonal element of a triangle is zero, so the input matrix is singular"
    hint = "Is a row a multiple of others? linalg.lstsq and linalg.pinv take such matrices."
    return LinAlgError(f"linalg.{where}", "matrices that can be inverted", f"{refusal} ({text})", hint)


def _each(xp: Any, f: Any, out: Any, *arrays: Any) -> Any:
    """f of each matrix in a batch; nan where it is singular."""
    for i in np.ndindex(out.shape[:-2]):
        try:
            out[i] = f(*(a[i] for a in arrays))
        except np.linalg.LinAlgError:
            out[i] = xp.nan
    return out


class Inverse(Factor):
    """The inverse of square matrices.

    >>> engine.tensor([[2.0]]).inverse_of()
    tensor([[0.5000]])
    """

    name, latex = "inverse_of", r"{0}^{{-1}}"
    cases = (Case(((2, 2),), {"check": False}), Case(((2, 3, 3),)))
    infer = lambda a, *, check=True: Abstract(a.shape, a.dtype)

    @staticmethod
    def forward(xp: Any, a: Any, *, check: bool = True) -> Any:
        try:
            return xp.linalg.inv(a)
        except np.linalg.LinAlgError as refusal:
            if check:
                raise _refused("inv", refusal) from refusal
        return _each(xp, xp.linalg.inv, xp.empty_like(a), a)

    @staticmethod
    def vjp(g: Any, y: Any, _: Any, *, check: bool = True) -> Rule:
        return (-(y.mT @ g @ y.mT),)


class Solved(Factor):
    """X with A X = B, for matrices B. Giles (2008), section 2.3.

    >>> engine.tensor([[2.0]]).solved(engine.tensor([[4.0]]))
    tensor([[2.]])
    """

    latex = r"{0}^{{-1}} {1}"
    cases = (Case(((3, 3), (3, 2))), Case(((2, 3, 3), (3, 1))))

    @staticmethod
    def forward(xp: Any, a: Any, b: Any, *, check: bool = True) -> Any:
        try:
            return xp.linalg.solve(a, b)
        except np.linalg.LinAlgError as refusal:
            if check:
                raise _refused("solve", refusal) from refusal
        lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        whole = [xp.broadcast_to(m, lead + m.shape[-2:]) for m in (a, b)]
        return _each(xp, xp.linalg.solve, xp.empty_like(whole[1]), *whole)

    infer = lambda a, b, *, check=True: Abstract(
        (*broadcast("linalg.solve", Abstract(a.shape[:-2]), Abstract(b.shape[:-2])), *b.shape[-2:]), a.dtype
    )

    @staticmethod
    def vjp(g: Any, y: Any, a: Any, _: Any, *, check: bool = True) -> Rule:
        back = a.mT.solved(g, check=check)
        return -(back @ y.mT), back


class Triangular(Factor):
    """X with A X = B, where only one triangle of A counts (and with `unit` its diagonal counts as 1).

    >>> engine.tensor([[2.0]]).triangular(engine.tensor([[4.0]]), upper=True)
    tensor([[2.]])
    """

    latex = r"{0}^{{-1}} {1}"
    cases = (
        Case(((3, 3), (3, 2)), {"upper": True}, **WELL),
        Case(((2, 3, 3), (3, 2)), {"upper": False, "unit": True}, **WELL),
    )

    @staticmethod
    def forward(xp: Any, a: Any, b: Any, *, upper: bool, unit: bool = False) -> Any:
        side = xp.triu(a, int(unit)) if upper else xp.tril(a, -int(unit))
        side = side + xp.eye(a.shape[-1], dtype=a.dtype) if unit else side
        try:
            return xp.linalg.solve(side, b)
        except np.linalg.LinAlgError:
            return _substituted(xp, side, b, upper)

    infer = lambda a, b, *, upper, unit=False: Solved.infer(a, b)

    @staticmethod
    def vjp(g: Any, y: Any, a: Any, _: Any, *, upper: bool, unit: bool = False) -> Rule:
        back = a.mT.triangular(g, upper=not upper, unit=unit)
        slope = -(back @ y.mT)
        return slope.triu(int(unit)) if upper else slope.tril(-int(unit)), back


def _substituted(xp: Any, a: Any, b: Any, upper: bool) -> Any:
    """Substitution row by row: a 0 on the diagonal gives inf or nan, as in PyTorch."""
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    x = xp.array(xp.broadcast_to(b, lead + b.shape[-2:]))
    for i in reversed(range(a.shape[-1])) if upper else range(a.shape[-1]):
        done = slice(i + 1, None) if upper else slice(0, i)
        row = xp.matmul(a[..., i : i + 1, done], x[..., done, :])[..., 0, :]
        x[..., i, :] = (x[..., i, :] - row) / a[..., i, i, None]
    return x


class InvEx(NamedTuple):
    """The inverse, and 0 where it exists."""

    inverse: Any
    info: Any


class SolveEx(NamedTuple):
    """The solution, and 0 where it exists."""

    result: Any
    info: Any


class TriangularSolve(NamedTuple):
    """The solution, and the matrix."""

    solution: Any
    cloned_coefficient: Any


@function
def linalg_inv(A: Any) -> Any:
    """The inverse of square matrices; a singular one raises LinAlgError.

    >>> engine.linalg.inv(engine.tensor([[2.0]]))
    tensor([[0.5000]])
    """
    square("linalg.inv", A)
    return A.inverse_of()


@function
def inverse(input: Any) -> Any:
    """The same as `linalg.inv`.

    >>> engine.inverse(engine.tensor([[2.0]]))
    tensor([[0.5000]])
    """
    return linalg_inv(input)


def _info(x: Any) -> Any:
    """0 for each matrix of numbers, 1 for one that could not be computed."""
    return x.detach().sum((-2, -1)).isfinite().logical_not().to("int32")


@function
def linalg_inv_ex(A: Any, *, check_errors: bool = False) -> Any:
    """Like `linalg.inv`, but says in `info` which matrices are singular.

    >>> engine.linalg.inv_ex(engine.tensor([[2.0]])).inverse
    tensor([[0.5000]])
    """
    square("linalg.inv", A)
    y = A.inverse_of(check=check_errors)
    return InvEx(y, _info(y))


@function
def linalg_solve(A: Any, B: Any, *, left: bool = True) -> Any:
    """X with A @ X = B (or X @ A = B): vectors, matrices, and batches of them.

    >>> engine.linalg.solve(engine.tensor([[2.0]]), engine.tensor([4.0]))
    tensor([2.])
    """
    return _solved(A, B, left, True)


def _solved(A: Any, B: Any, left: bool, check: bool) -> Any:
    square("linalg.solve", A)
    if A.dtype != B.dtype:
        raise ShapeError("linalg.solve: Expected A and B to have the same dtype", A.dtype, B.dtype)
    if B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1]):
        if not left:
            raise ShapeError("linalg.solve: Vector broadcasting of the left hand side is not supported for left=False")
        _meeting("linalg.solve", A, B.unsqueeze(-1), True)
        return A.solved(B.unsqueeze(-1), check=check).squeeze(-1)
    _meeting("linalg.solve", A, B, left)
    return A.solved(B, check=check) if left else A.mT.solved(B.mT, check=check).mT


def _meeting(where: str, a: Any, b: Any, left: bool) -> None:
    if b.ndim < 2 or b.shape[-2 if left else -1] != a.shape[-1]:
        raise ShapeError(where, f"a right side that fits {words(a.shape)}", words(b.shape))
    broadcast(where, Abstract(a.shape[:-2]), Abstract(b.shape[:-2]))


@function
def linalg_solve_ex(A: Any, B: Any, *, left: bool = True, check_errors: bool = False) -> Any:
    """Like `linalg.solve`, but says in `info` which matrices are singular.

    >>> engine.linalg.solve_ex(engine.tensor([[2.0]]), engine.tensor([4.0])).result
    tensor([2.])
    """
    x = _solved(A, B, left, check_errors)
    return SolveEx(x, _info(A.detach().inverse_of(check=False)))


@function
def linalg_solve_triangular(A: Any, B: Any, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Any:
    """X with A @ X = B (or X @ A = B), where only one triangle of A counts.

    >>> engine.linalg.solve_triangular(engine.tensor([[2.0]]), engine.tensor([[4.0]]), upper=True)
    tensor([[2.]])
    """
    square("linalg.solve_triangular", A)
    _meeting("linalg.solve_triangular", A, B, left)
    if left:
        return A.triangular(B, upper=upper, unit=unitriangular)
    return A.mT.triangular(B.mT, upper=not upper, unit=unitriangular).mT


@function
def triangular_solve(b: Any, A: Any, upper: bool = True, transpose: bool = False, unitriangular: bool = False) -> Any:
    """The older form of `linalg.solve_triangular`: solves A @ X = b, or its transpose.

    >>> engine.triangular_solve(engine.tensor([[4.0]]), engine.tensor([[2.0]])).solution
    tensor([[2.]])
    """
    square("triangular_solve", A)
    a, side = (A.mT, not upper) if transpose else (A, upper)
    _meeting("triangular_solve", a, b, True)
    x = a.triangular(b, upper=side, unit=unitriangular)
    return TriangularSolve(x, A.clone().expand((*x.shape[:-2], *A.shape[-2:])))


def _lower(factor: Any, upper: bool) -> Any:
    """The triangle that counts; as in PyTorch the gradient is that of a factor whose other triangle counted too."""
    low = factor.mT if upper else factor
    return low.tril() + (low - low.detach()).triu(1)


@function
def cholesky_solve(B: Any, L: Any, upper: bool = False) -> Any:
    """X with A @ X = B from the Cholesky factor of A.

    >>> engine.cholesky_solve(engine.tensor([[8.0]]), engine.tensor([[2.0]]))
    tensor([[2.]])
    """
    square("cholesky_solve", L)
    _meeting("cholesky_solve", L, B, True)
    low = _lower(L, upper)
    return (low @ low.mT).solved(B)


@function
def cholesky_inverse(L: Any, upper: bool = False) -> Any:
    """The inverse of A from its Cholesky factor.

    >>> engine.cholesky_inverse(engine.tensor([[2.0]]))
    tensor([[0.2500]])
    """
    square("cholesky_inverse", L)
    low = _lower(L, upper)
    return (low @ low.mT).inverse_of()


@function
def linalg_tensorinv(A: Any, ind: int = 2) -> Any:
    """The inverse of a tensor seen as a matrix: the first `ind` axes are its rows.

    >>> engine.linalg.tensorinv(engine.eye(4).reshape(2, 2, 4)).shape
    engine.Size([4, 2, 2])
    """
    if ind < 1:
        raise ShapeError("Expected a strictly positive integer for 'ind'", got=ind)
    rows, columns = tuple(A.shape[:ind]), tuple(A.shape[ind:])
    if math.prod(rows) != math.prod(columns):
        raise ShapeError("linalg.tensorinv", "equal products of the first and last sizes", words(A.shape))
    return linalg_inv(A.reshape((math.prod(rows), -1)) if A.numel() else A.reshape((0, 0))).reshape((*columns, *rows))


@function
def linalg_tensorsolve(A: Any, B: Any, dims: Any = None) -> Any:
    """X with tensordot(A, X, X.ndim) = B; `dims` of A are moved to the end first.

    >>> engine.linalg.tensorsolve(engine.eye(4).reshape(2, 2, 4), engine.ones(2, 2))
    tensor([1., 1., 1., 1.])
    """
    if dims is not None:
        last = [axis_of("linalg.tensorsolve", d, A.ndim) for d in dims]
        A = A.permute((*(d for d in range(A.ndim) if d not in last), *last))
    shape = tuple(A.shape[B.ndim :])
    if math.prod(shape) != B.numel():
        raise ShapeError("linalg.tensorsolve", f"last sizes of A with the product {B.numel()}", words(A.shape))
    return linalg_solve(A.reshape((B.numel(), B.numel())), B.reshape((-1,))).reshape(shape)
