"""Functions of one number, applied to every element: exponentials, roots, trigonometry, rounding."""

from __future__ import annotations

import math
from typing import Any

from engine.ops.elementwise import INSIDE, ONE, POSITIVE
from engine.ops.errorfunction import erf
from engine.ops.op import Case, Elementwise, Rule


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

    latex, kernel, promotion, cases = (
        r"\operatorname{{erf}}({0})",
        "erf(a)",
        "float",
        (*ONE, Case(((40,),), low=-6.5, high=6.5)),
    )

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return erf(xp, x.astype(xp.float64)).astype(x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any) -> Rule:
        return (g * (x * x * -1).exp() * (2 / math.sqrt(math.pi)),)


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
