"""Determinants, and the powers and the exponential of a matrix."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from engine.array import Abstract
from engine.errors import ShapeError
from engine.ops.decomposition import Factor, quotient, square
from engine.ops.op import Case, Rule, function, words
from engine.ops.solve import linalg_inv


class Det(Factor):
    """The determinant.

    >>> engine.tensor([[1.0, 2.0], [3.0, 4.0]]).det()
    tensor(-2.)
    """

    name, latex = "determinant", r"\det {0}"
    cases = (Case(((3, 3),)), Case(((2, 2, 2),)))
    forward = lambda xp, a: xp.linalg.det(a)
    infer = lambda a: Abstract(a.shape[:-2], a.dtype)
    vjp = lambda g, y, a: (g.unsqueeze(-1).unsqueeze(-1) * a.cofactors(),)


class Cofactors(Factor):
    """The determinants of what is left without one row and column, with signs: the slope of the determinant.

    By the singular value decomposition, so that singular matrices have them too. Their own slope is
    (<C, H> C - C H^T C) / det, and for det = 0 a limit: the matrix is moved by rounding's own width.

    >>> engine.tensor([[1.0, 2.0], [3.0, 4.0]]).cofactors()
    tensor([[ 4.0000, -3.0000],
            [-2.0000,  1.0000]])
    """

    latex = r"\operatorname{{cof}} {0}"
    cases = (Case(((3, 3),)), Case(((2, 2, 2),)))
    infer = lambda a: Abstract(a.shape, a.dtype)

    @staticmethod
    def forward(xp: Any, a: Any) -> Any:
        n = a.shape[-1]
        if not n:
            return xp.zeros_like(a)
        u, s, vh = xp.linalg.svd(a)
        others = xp.where(xp.eye(n, dtype=bool), 1, s[..., None, :]).prod(-1).astype(a.dtype)
        sign = xp.linalg.det(u) * xp.linalg.det(vh)
        return xp.matmul(u * (others * xp.sign(sign)[..., None])[..., None, :], vh)

    @staticmethod
    def vjp(h: Any, y: Any, a: Any) -> Rule:
        inner = (y * h).sum((-2, -1), True)
        whole = (a * y).sum((-2, -1), True) / max(a.shape[-1], 1)
        return (quotient(inner * y - y @ h.mT @ y, whole),)


class LogAbsDet(Factor):
    """The logarithm of the determinant's size.

    >>> engine.tensor([[1.0, 2.0], [3.0, 4.0]]).log_abs_det()
    tensor(0.6931)
    """

    latex = r"\ln |\det {0}|"
    cases = (Case(((3, 3),)),)
    forward = lambda xp, a: xp.linalg.slogdet(a)[1]
    infer = lambda a: Abstract(a.shape[:-2], a.dtype)
    vjp = lambda g, _, a: (g.unsqueeze(-1).unsqueeze(-1) * a.inverse_of(check=False).mT,)


class SignDet(Factor):
    """The sign of the determinant; its slope is 0.

    >>> engine.tensor([[1.0, 2.0], [3.0, 4.0]]).sign_det()
    tensor(-1.)
    """

    latex = r"\operatorname{{sign}} \det {0}"
    cases = (Case(((3, 3),)),)
    forward = lambda xp, a: xp.linalg.slogdet(a)[0]
    infer = lambda a: Abstract(a.shape[:-2], a.dtype)
    vjp = lambda g, _, a: (a * 0,)


class MatrixExp(Factor):
    """1 + A + A^2/2! + ...: scaling, a Pade quotient of degree 13, squaring (Higham 2005).

    Its slope is a corner of the exponential of a matrix of twice the size (Najfeld and Havel 1995).

    >>> engine.tensor([[0.0, 1.0], [0.0, 0.0]]).matrix_exp()
    tensor([[1., 1.],
            [0., 1.]])
    """

    latex = r"e^{{{0}}}"
    cases = (Case(((3, 3),)), Case(((2, 2, 2),)))
    infer = lambda a: Abstract(a.shape, a.dtype)

    @staticmethod
    def forward(xp: Any, a: Any) -> Any:
        if not a.size:
            return a.copy()
        size = xp.abs(a).sum(-2).max(-1)[..., None, None]
        with np.errstate(divide="ignore"):
            halvings = xp.maximum(0, xp.ceil(xp.log2(xp.maximum(size, 1e-30) / 5.37)))
        y = _pade(xp, (a / 2**halvings).astype(xp.float64))
        for i in range(int(halvings.max())):
            y = xp.where(i < halvings, xp.matmul(y, y), y)
        return y.astype(a.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, a: Any) -> Rule:
        n, last = a.shape[-1], a.ndim - 1
        top = a.mT.cat_with(g, dim=last)
        low = (a * 0).cat_with(a.mT, dim=last)
        return (top.cat_with(low, dim=last - 1).matrix_exp()[..., :n, n:],)


def _pade(xp: Any, a: Any) -> Any:
    degree, c = 13, 1.0
    power = xp.broadcast_to(xp.eye(a.shape[-1]), a.shape)
    up, down = power.copy(), power.copy()
    for k in range(1, degree + 1):
        c *= (degree - k + 1) / (k * (2 * degree - k + 1))
        power = xp.matmul(power, a)
        up, down = up + c * power, down + (-1) ** k * c * power
    return xp.linalg.solve(down, up)


class SlogDet(NamedTuple):
    """The sign of the determinant, and the logarithm of its size."""

    sign: Any
    logabsdet: Any


@function
def linalg_det(A: Any) -> Any:
    """The determinant of square matrices.

    >>> engine.linalg.det(engine.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor(-2.)
    """
    square("linalg.det", A)
    return A.determinant()


@function
def det(input: Any) -> Any:
    """The same as `linalg.det`.

    >>> engine.det(engine.tensor([[3.0]]))
    tensor(3.)
    """
    return linalg_det(input)


@function
def linalg_slogdet(A: Any) -> Any:
    """The sign of the determinant and the logarithm of its size: no overflow for large matrices.

    >>> engine.linalg.slogdet(engine.tensor([[-1.0]])).sign
    tensor(-1.)
    """
    square("linalg.slogdet", A)
    return SlogDet(A.sign_det(), A.log_abs_det())


@function
def slogdet(input: Any) -> Any:
    """The same as `linalg.slogdet`.

    >>> engine.slogdet(engine.tensor([[-1.0]])).sign
    tensor(-1.)
    """
    return linalg_slogdet(input)


@function
def logdet(input: Any) -> Any:
    """The logarithm of the determinant; nan where that is negative.

    >>> engine.logdet(engine.tensor([[1.0]]))
    tensor(0.)
    """
    square("logdet", input)
    sign, size = linalg_slogdet(input)
    return (sign == -1).choose(math.nan, size)


@function
def linalg_matrix_power(A: Any, n: int) -> Any:
    """A square matrix times itself n times; of its inverse where n is negative.

    >>> engine.linalg.matrix_power(engine.tensor([[2.0]]), 3)
    tensor([[8.]])
    """
    if A.ndim < 2 or A.shape[-1] != A.shape[-2]:
        raise ShapeError("linalg.matrix_power", "square matrices", words(A.shape))
    if n == 0:
        return (A * 0).zero_slope_eye()
    base, n, result = (linalg_inv(A), -n, None) if n < 0 else (A, n, None)
    while n:
        if n & 1:
            result = base if result is None else result @ base
        n >>= 1
        base = base @ base if n else base
    return result.clone() if result is A else result


@function
def matrix_power(input: Any, n: int) -> Any:
    """The same as `linalg.matrix_power`.

    >>> engine.matrix_power(engine.tensor([[2.0]]), 3)
    tensor([[8.]])
    """
    return linalg_matrix_power(input, n)


@function
def zero_slope_eye(input: Any) -> Any:
    """The unit matrix in the shape of a square one.

    >>> engine.zeros(1, 1).zero_slope_eye()
    tensor([[1.]])
    """
    n = input.shape[-1]
    return input + input.new_ones((n,)).diag_embed()


@function
def linalg_matrix_exp(A: Any) -> Any:
    """The exponential of square matrices.

    >>> engine.linalg.matrix_exp(engine.zeros(1, 1))
    tensor([[1.]])
    """
    square("linalg.matrix_exp", A)
    return A.matrix_exp()
