"""Orthogonal polynomials P_n(x) by their recurrences, with derivatives of any order from the same recurrence.

Each family is one row of a table: P_0 = 1, P_1(x) = first(x), P_{k+1}(x) = (a_k x + b_k) P_k(x) - c_k P_{k-1}(x)
(M. Abramowitz and I. Stegun, "Handbook of Mathematical Functions", 1964, table 22.7). The d-th derivative obeys what
the product rule makes of it: P_{k+1}^(d) = (a_k x + b_k) P_k^(d) + d a_k P_k^(d-1) - c_k P_{k-1}^(d).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from engine.ops.elementwise import one_tensor
from engine.ops.op import Case, Elementwise

Row = Callable[[int], tuple[float, float, float]]


class Polynomial(Elementwise, abstract=True):
    """P_n(x); n is a number or a tensor of whole numbers (what is behind its point is cut off); 0 for n < 0."""

    promotion = "float"
    first: ClassVar[tuple[float, float]]
    """P_1(x) = slope * x + offset."""
    row: ClassVar[Row]
    bind = lambda input, n, *, derivative=0: (one_tensor(input, n)[0], {"derivative": derivative})

    @classmethod
    def forward(cls, xp: Any, x: Any, n: Any, *, derivative: int = 0) -> Any:
        x, n = xp.asarray(x), xp.trunc(xp.asarray(n))
        shape = xp.broadcast_shapes(x.shape, n.shape) if hasattr(xp, "broadcast_shapes") else (x + n).shape
        dtype = x.dtype if x.ndim or not n.ndim else n.dtype
        y = xp.zeros(shape, dtype)
        top = int(n.max()) if n.size else -1
        for k, value in enumerate(_members(xp, x.astype(dtype), cls.first, cls.row, derivative, top)):
            y = xp.where(n == k, value, y)
        return xp.where(xp.isnan(x), x, y).astype(dtype, copy=False)

    @classmethod
    def vjp(cls, g: Any, _: Any, x: Any, n: Any, *, derivative: int = 0) -> Any:
        return g * _again(cls.name, x, n, derivative + 1), None


DEGREES = (Case(((3, 4), ("int", (4,), 5)), low=0.1, high=0.9),)


def _members(xp: Any, x: Any, first: tuple[float, float], row: Row, derivative: int, top: int) -> Any:
    """The derivative of P_0, P_1, ... P_top, one after the other."""
    before = [xp.zeros_like(x) for _ in range(derivative + 1)]
    now = [xp.ones_like(x), *before[1:]]
    for k in range(top + 1):
        yield now[derivative]
        a, b, c = (*first, 0.0) if k == 0 else row(k)
        turned = [(a * x + b) * p - c * q for p, q in zip(now, before, strict=True)]
        before, now = now, [p + d * a * now[d - 1] if d else p for d, p in enumerate(turned)]


def _again(name: str, x: Any, n: Any, derivative: int) -> Any:
    return getattr(x, name)(n, derivative=derivative)


class SpecialChebyshevPolynomialT(Polynomial):
    """Chebyshev's polynomial of the first kind: cos(n arccos x).

    >>> engine.special.chebyshev_polynomial_t(engine.tensor([0.5, 2.0]), 3)
    tensor([-1., 26.])
    """

    latex, kernel, cases, first = r"T_{{{1}}}({0})", "chebyshev_polynomial_t(a, b)", DEGREES, (1, 0)
    row = lambda k: (2, 0, 1)


class SpecialChebyshevPolynomialU(Polynomial):
    """Chebyshev's polynomial of the second kind.

    >>> engine.special.chebyshev_polynomial_u(engine.tensor([0.5, 2.0]), 3)
    tensor([-1., 56.])
    """

    latex, kernel, cases, first = r"U_{{{1}}}({0})", "chebyshev_polynomial_u(a, b)", DEGREES, (2, 0)
    row = lambda k: (2, 0, 1)


class SpecialChebyshevPolynomialV(Polynomial):
    """Chebyshev's polynomial of the third kind.

    >>> engine.special.chebyshev_polynomial_v(engine.tensor([0.5, 2.0]), 3)
    tensor([-1., 41.])
    """

    latex, kernel, cases, first = r"V_{{{1}}}({0})", "chebyshev_polynomial_v(a, b)", DEGREES, (2, -1)
    row = lambda k: (2, 0, 1)


class SpecialChebyshevPolynomialW(Polynomial):
    """Chebyshev's polynomial of the fourth kind.

    >>> engine.special.chebyshev_polynomial_w(engine.tensor([0.5, 2.0]), 3)
    tensor([-1., 71.])
    """

    latex, kernel, cases, first = r"W_{{{1}}}({0})", "chebyshev_polynomial_w(a, b)", DEGREES, (2, 1)
    row = lambda k: (2, 0, 1)


class SpecialShiftedChebyshevPolynomialT(Polynomial):
    """Chebyshev's polynomial of the first kind at 2x - 1.

    >>> engine.special.shifted_chebyshev_polynomial_t(engine.tensor([0.5, 2.0]), 3)
    tensor([-0., 99.])
    """

    latex, kernel, cases, first = r"T^*_{{{1}}}({0})", "shifted_chebyshev_polynomial_t(a, b)", DEGREES, (2, -1)
    row = lambda k: (4, -2, 1)


class SpecialShiftedChebyshevPolynomialU(Polynomial):
    """Chebyshev's polynomial of the second kind at 2x - 1.

    >>> engine.special.shifted_chebyshev_polynomial_u(engine.tensor([0.5, 2.0]), 3)
    tensor([ -0., 204.])
    """

    latex, kernel, cases, first = r"U^*_{{{1}}}({0})", "shifted_chebyshev_polynomial_u(a, b)", DEGREES, (4, -2)
    row = lambda k: (4, -2, 1)


class SpecialShiftedChebyshevPolynomialV(Polynomial):
    """Chebyshev's polynomial of the third kind at 2x - 1.

    >>> engine.special.shifted_chebyshev_polynomial_v(engine.tensor([0.5, 2.0]), 3)
    tensor([  1., 169.])
    """

    latex, kernel, cases, first = r"V^*_{{{1}}}({0})", "shifted_chebyshev_polynomial_v(a, b)", DEGREES, (4, -3)
    row = lambda k: (4, -2, 1)


class SpecialShiftedChebyshevPolynomialW(Polynomial):
    """Chebyshev's polynomial of the fourth kind at 2x - 1.

    >>> engine.special.shifted_chebyshev_polynomial_w(engine.tensor([0.5, 2.0]), 3)
    tensor([ -1., 239.])
    """

    latex, kernel, cases, first = r"W^*_{{{1}}}({0})", "shifted_chebyshev_polynomial_w(a, b)", DEGREES, (4, -1)
    row = lambda k: (4, -2, 1)


class SpecialHermitePolynomialH(Polynomial):
    """Hermite's polynomial as physicists write it.

    >>> engine.special.hermite_polynomial_h(engine.tensor([0.5, 2.0]), 3)
    tensor([-5., 40.])
    """

    latex, kernel, cases, first = r"H_{{{1}}}({0})", "hermite_polynomial_h(a, b)", DEGREES, (2, 0)
    row = lambda k: (2, 0, 2 * k)


class SpecialHermitePolynomialHe(Polynomial):
    """Hermite's polynomial as statisticians write it.

    >>> engine.special.hermite_polynomial_he(engine.tensor([0.5, 2.0]), 3)
    tensor([-1.3750,  2.0000])
    """

    latex, kernel, cases, first = r"\mathrm{{He}}_{{{1}}}({0})", "hermite_polynomial_he(a, b)", DEGREES, (1, 0)
    row = lambda k: (1, 0, k)


class SpecialLaguerrePolynomialL(Polynomial):
    """Laguerre's polynomial.

    >>> engine.special.laguerre_polynomial_l(engine.tensor([0.5, 2.0]), 3)
    tensor([-0.1458, -0.3333])
    """

    latex, kernel, cases, first = r"L_{{{1}}}({0})", "laguerre_polynomial_l(a, b)", DEGREES, (-1, 1)
    row = lambda k: (-1 / (k + 1), (2 * k + 1) / (k + 1), k / (k + 1))


class SpecialLegendrePolynomialP(Polynomial):
    """Legendre's polynomial.

    >>> engine.special.legendre_polynomial_p(engine.tensor([0.5, 2.0]), 3)
    tensor([-0.4375, 17.0000])
    """

    latex, kernel, cases, first = r"P_{{{1}}}({0})", "legendre_polynomial_p(a, b)", DEGREES, (1, 0)
    row = lambda k: ((2 * k + 1) / (k + 1), 0, k / (k + 1))
