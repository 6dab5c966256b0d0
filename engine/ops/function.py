"""Functions of one number, applied to every element: exponentials, roots, trigonometry, rounding, and comparisons."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.ops.elementwise import INSIDE, ONE, PAIR, POSITIVE
from engine.ops.op import Case, Comparison, Elementwise, Rule


class Exp(Elementwise):
    """e to the power x."""

    latex, kernel, promotion, cases = r"e^{{{0}}}", "exp(a)", "float", ONE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.exp(x)

    @staticmethod
    def vjp(g: Any, y: Any, _: Any) -> Rule:
        return (g * y,)


class Expm1(Elementwise):
    """e**x - 1, exact near 0."""

    latex, kernel, promotion, cases = r"e^{{{0}}} - 1", "expm1(a)", "float", ONE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.expm1(x)

    @staticmethod
    def vjp(g: Any, y: Any, _: Any) -> Rule:
        return (g * (y + 1),)


class Log(Elementwise):
    """The natural logarithm."""

    latex, kernel, promotion, cases = r"\ln({0})", "log(a)", "float", POSITIVE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.log(x)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any) -> Rule:
        return (g / x,)


class Log2(Elementwise):
    """The logarithm to base 2."""

    latex, kernel, promotion, cases = r"\log_2({0})", "log2(a)", "float", POSITIVE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.log2(x)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any) -> Rule:
        return (g / (x * math.log(2)),)


class Log10(Elementwise):
    """The logarithm to base 10."""

    latex, kernel, promotion, cases = r"\log_{{10}}({0})", "log10(a)", "float", POSITIVE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.log10(x)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any) -> Rule:
        return (g / (x * math.log(10)),)


class Log1p(Elementwise):
    """ln(1 + x), exact near 0."""

    latex, kernel, promotion, cases = r"\ln(1 + {0})", "log1p(a)", "float", INSIDE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.log1p(x)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any) -> Rule:
        return (g / (x + 1),)


class Sqrt(Elementwise):
    """The square root."""

    latex, kernel, promotion, cases = r"\sqrt{{{0}}}", "sqrt(a)", "float", POSITIVE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.sqrt(x)

    @staticmethod
    def vjp(g: Any, y: Any, _: Any) -> Rule:
        return (g / (y * 2),)


class Rsqrt(Elementwise):
    """One over the square root."""

    latex, kernel, promotion, cases = r"\frac{{1}}{{\sqrt{{{0}}}}}", "1 / sqrt(a)", "float", POSITIVE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return 1 / xp.sqrt(x)

    @staticmethod
    def vjp(g: Any, y: Any, _: Any) -> Rule:
        return (g * y * y * y * -0.5,)


class Reciprocal(Elementwise):
    """One over x."""

    latex, kernel, promotion, cases = r"\frac{{1}}{{{0}}}", "1 / a", "float", POSITIVE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return 1 / x

    @staticmethod
    def vjp(g: Any, y: Any, _: Any) -> Rule:
        return (-g * y * y,)


class Square(Elementwise):
    """x times x."""

    latex, kernel, cases = r"{0}^2", "a * a", ONE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.square(x)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any) -> Rule:
        return (g * x * 2,)


class Sin(Elementwise):
    """The sine, x in radians."""

    latex, kernel, promotion, cases = r"\sin({0})", "sin(a)", "float", ONE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.sin(x)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any) -> Rule:
        return (g * x.cos(),)


class Cos(Elementwise):
    """The cosine, x in radians."""

    latex, kernel, promotion, cases = r"\cos({0})", "cos(a)", "float", ONE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.cos(x)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any) -> Rule:
        return (-g * x.sin(),)


class Tan(Elementwise):
    """The tangent, x in radians."""

    latex, kernel, promotion, cases = r"\tan({0})", "tan(a)", "float", INSIDE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.tan(x)

    @staticmethod
    def vjp(g: Any, y: Any, _: Any) -> Rule:
        return (g * (y * y + 1),)


class Asin(Elementwise):
    """The angle whose sine is x."""

    latex, kernel, promotion, cases = r"\arcsin({0})", "asin(a)", "float", INSIDE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.arcsin(x)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any) -> Rule:
        return (g * (1 - x * x).rsqrt(),)


class Acos(Elementwise):
    """The angle whose cosine is x."""

    latex, kernel, promotion, cases = r"\arccos({0})", "acos(a)", "float", INSIDE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.arccos(x)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any) -> Rule:
        return (-g * (1 - x * x).rsqrt(),)


class Atan(Elementwise):
    """The angle whose tangent is x."""

    latex, kernel, promotion, cases = r"\arctan({0})", "atan(a)", "float", ONE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.arctan(x)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any) -> Rule:
        return (g / (x * x + 1),)


class Sinh(Elementwise):
    """The hyperbolic sine."""

    latex, kernel, promotion, cases = r"\sinh({0})", "sinh(a)", "float", ONE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.sinh(x)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any) -> Rule:
        return (g * x.cosh(),)


class Cosh(Elementwise):
    """The hyperbolic cosine."""

    latex, kernel, promotion, cases = r"\cosh({0})", "cosh(a)", "float", ONE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.cosh(x)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any) -> Rule:
        return (g * x.sinh(),)


class Erf(Elementwise):
    """The error function: the area under the bell curve, 2/sqrt(pi) * integral of exp(-t**2) from 0 to x."""

    latex, kernel, promotion, cases = r"\operatorname{{erf}}({0})", "erf(a)", "float", (*ONE, Case(((40,),), low=-6.5, high=6.5))

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return _erf(xp, x.astype(xp.float64)).astype(x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any) -> Rule:
        return (g * (x * x * -1).exp() * (2 / math.sqrt(math.pi)),)


# W. J. Cody, "Rational Chebyshev approximations for the error function", Math. Comp. 23 (1969), pages 631-637: the
# coefficients of the three ranges, highest power first.
_NEAR = (1.85777706184603153e-1, 3.16112374387056560, 1.13864154151050156e2, 3.77485237685302021e2, 3.20937758913846947e3)
_NEAR_BELOW = (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3)
_MIDDLE = (2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594, 6.61191906371416295e1, 2.98635138197400131e2,
           8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3, 1.23033935479799725e3)  # fmt: skip
_MIDDLE_BELOW = (1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3,
                 3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3)  # fmt: skip
_FAR = (1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1,
        1.60837851487422766e-2, 6.58749161529837803e-4)  # fmt: skip
_FAR_BELOW = (1.0, 2.56852019228982242, 1.87295284992346725, 5.27905102951428412e-1, 6.05183413124413191e-2,
              2.33520497626869185e-3)  # fmt: skip


def _erf(xp: Any, x: Any) -> Any:
    """Float64 in, float64 out, right to about 1e-16."""
    size = xp.minimum(xp.abs(x), 6.0)
    square = xp.minimum(size, 0.5) ** 2
    near = size * _horner(_NEAR, square) / _horner(_NEAR_BELOW, square)
    middle = xp.clip(size, 0.46875, 4.0)
    result = 1 - xp.exp(-middle * middle) * _horner(_MIDDLE, middle) / _horner(_MIDDLE_BELOW, middle)
    result = xp.where(size < 0.46875, near, result)
    if xp is not np or (size > 4).any():
        result = xp.where(size > 4, 1 - _erfc_far(xp, xp.maximum(size, 4.0)), result)
    return xp.where(xp.isnan(x), x, xp.copysign(result, x))


def _erfc_far(xp: Any, size: Any) -> Any:
    inverse = 1 / (size * size)
    tail = inverse * _horner(_FAR, inverse) / _horner(_FAR_BELOW, inverse)
    return xp.exp(-size * size) / size * (1 / math.sqrt(math.pi) - tail)


def _horner(coefficients: tuple[float, ...], x: Any) -> Any:
    value = coefficients[0]
    for c in coefficients[1:]:
        value = value * x + c
    return value


class Abs(Elementwise):
    """The distance from 0; its slope at 0 counts as 0."""

    latex, kernel, cases = r"|{0}|", "abs(a)", ONE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.abs(x)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any) -> Rule:
        return (g * x.sign(),)


class Flat(Elementwise, abstract=True):
    """Functions made of steps: their gradient is 0."""

    @staticmethod
    def vjp(g: Any, _: Any, __: Any) -> Rule:
        return (g * 0,)


class Sign(Flat):
    """-1, 0 or 1."""

    latex, kernel, cases = r"\operatorname{{sign}}({0})", "sign(a)", ONE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.sign(x)


class Floor(Flat):
    """The next whole number below."""

    latex, kernel, cases = r"\lfloor {0} \rfloor", "floor(a)", ONE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.floor(x)


class Ceil(Flat):
    """The next whole number above."""

    latex, kernel, cases = r"\lceil {0} \rceil", "ceil(a)", ONE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.ceil(x)


class Round(Flat):
    """The nearest whole number; halves go to the even one."""

    latex, kernel, cases = r"\operatorname{{round}}({0})", "round(a)", ONE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.round(x)


class Trunc(Flat):
    """The whole part, towards 0."""

    latex, kernel, cases = r"\operatorname{{trunc}}({0})", "trunc(a)", ONE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.trunc(x)


class Eq(Comparison):
    """Whether a equals b."""

    latex, kernel, cases = r"{0} = {1}", "a == b", PAIR

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.equal(a, b)


class Ne(Comparison):
    """Whether a differs from b."""

    latex, kernel, cases = r"{0} \ne {1}", "a != b", PAIR

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.not_equal(a, b)


class Lt(Comparison):
    """Whether a is less than b."""

    latex, kernel, cases = r"{0} < {1}", "a < b", PAIR

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.less(a, b)


class Le(Comparison):
    """Whether a is at most b."""

    latex, kernel, cases = r"{0} \le {1}", "a <= b", PAIR

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.less_equal(a, b)


class Gt(Comparison):
    """Whether a is greater than b."""

    latex, kernel, cases = r"{0} > {1}", "a > b", PAIR

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.greater(a, b)


class Ge(Comparison):
    """Whether a is at least b."""

    latex, kernel, cases = r"{0} \ge {1}", "a >= b", PAIR

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.greater_equal(a, b)


class LogicalAnd(Comparison):
    """Whether both are true."""

    latex, kernel = r"{0} \land {1}", "a and b"

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.logical_and(a, b)


class LogicalOr(Comparison):
    """Whether at least one is true."""

    latex, kernel = r"{0} \lor {1}", "a or b"

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.logical_or(a, b)


class LogicalXor(Comparison):
    """Whether exactly one is true."""

    latex, kernel = r"{0} \oplus {1}", "(not a) != (not b)"

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.logical_xor(a, b)


class LogicalNot(Comparison):
    """Whether it is false."""

    latex, kernel = r"\lnot {0}", "not a"

    @staticmethod
    def forward(xp: Any, a: Any) -> Any:
        return xp.logical_not(a)


class BitwiseAnd(Elementwise):
    """`a & b`, bit by bit."""

    latex, kernel, jvp = r"{0} \mathbin{{\&}} {1}", "a & b", None

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return a & b


class BitwiseOr(Elementwise):
    """`a | b`, bit by bit."""

    latex, kernel, jvp = r"{0} \mathbin{{|}} {1}", "a | b", None

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return a | b


class BitwiseXor(Elementwise):
    """`a ^ b`, bit by bit."""

    latex, kernel, jvp = r"{0} \oplus {1}", "a ^ b", None

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return a ^ b


class BitwiseNot(Elementwise):
    """`~a`, bit by bit."""

    latex, kernel, jvp = r"\sim {0}", "~a", None

    @staticmethod
    def forward(xp: Any, a: Any) -> Any:
        return ~a
