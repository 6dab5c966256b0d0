"""Functions of one number, applied to every element: exponentials, roots, trigonometry."""

from __future__ import annotations

import math
from typing import Any

from engine.ops.elementwise import INSIDE, ONE, POSITIVE
from engine.ops.errorfunction import erf
from engine.ops.op import INT, Case, Elementwise

ABOVE_ONE = (Case(((3, 4),), low=1.2, high=3.0),)


class Exp(Elementwise):
    """e to the power x.

    >>> engine.exp(engine.tensor([0.0, 1.0]))
    tensor([1.0000, 2.7183])
    """

    latex, kernel, promotion, cases = r"e^{{{0}}}", "exp(a)", "float", ONE
    forward = lambda xp, x: xp.exp(x)
    vjp = lambda g, y, _: (g * y,)


class Exp2(Elementwise):
    """2 to the power x.

    >>> engine.exp2(engine.tensor([0.0, 3.0]))
    tensor([1., 8.])
    """

    latex, kernel, promotion, cases = r"2^{{{0}}}", "exp2(a)", "float", ONE
    forward = lambda xp, x: xp.exp2(x)
    vjp = lambda g, y, _: (g * y * math.log(2),)


class Expm1(Elementwise):
    """e**x - 1, exact near 0.

    >>> engine.expm1(engine.tensor([0.0, 1.0]))
    tensor([0.0000, 1.7183])
    """

    latex, kernel, promotion, cases = r"e^{{{0}}} - 1", "expm1(a)", "float", ONE
    forward = lambda xp, x: xp.expm1(x)
    vjp = lambda g, y, _: (g * (y + 1),)


class Log(Elementwise):
    """The natural logarithm.

    >>> engine.log(engine.tensor([1.0, 10.0]))
    tensor([0.0000, 2.3026])
    """

    latex, kernel, promotion, cases = r"\ln({0})", "log(a)", "float", POSITIVE
    forward = lambda xp, x: xp.log(x)
    vjp = lambda g, _, x: (g / x,)


class Log2(Elementwise):
    """The logarithm to base 2.

    >>> engine.log2(engine.tensor([1.0, 8.0]))
    tensor([0., 3.])
    """

    latex, kernel, promotion, cases = r"\log_2({0})", "log2(a)", "float", POSITIVE
    forward = lambda xp, x: xp.log2(x)
    vjp = lambda g, _, x: (g / (x * math.log(2)),)


class Log10(Elementwise):
    """The logarithm to base 10.

    >>> engine.log10(engine.tensor([1.0, 100.0]))
    tensor([0.0000, 2.0000])
    """

    latex, kernel, promotion, cases = r"\log_{{10}}({0})", "log10(a)", "float", POSITIVE
    forward = lambda xp, x: xp.log10(x)
    vjp = lambda g, _, x: (g / (x * math.log(10)),)


class Log1p(Elementwise):
    """ln(1 + x), exact near 0.

    >>> engine.log1p(engine.tensor([0.0, 1.0]))
    tensor([0.0000, 0.6931])
    """

    latex, kernel, promotion, cases = r"\ln(1 + {0})", "log1p(a)", "float", INSIDE
    forward = lambda xp, x: xp.log1p(x)
    vjp = lambda g, _, x: (g / (x + 1),)


class Sqrt(Elementwise):
    """The square root.

    >>> engine.sqrt(engine.tensor([4.0, 9.0]))
    tensor([2., 3.])
    """

    latex, kernel, promotion, cases = r"\sqrt{{{0}}}", "sqrt(a)", "float", POSITIVE
    forward = lambda xp, x: xp.sqrt(x)
    vjp = lambda g, y, _: (g / (y * 2),)


class Rsqrt(Elementwise):
    """One over the square root.

    >>> engine.rsqrt(engine.tensor([4.0, 16.0]))
    tensor([0.5000, 0.2500])
    """

    latex, kernel, promotion, cases = r"\frac{{1}}{{\sqrt{{{0}}}}}", "1 / sqrt(a)", "float", POSITIVE
    forward = lambda xp, x: 1 / xp.sqrt(x)
    vjp = lambda g, y, _: (g * y * y * y * -0.5,)


class Reciprocal(Elementwise):
    """One over x.

    >>> engine.reciprocal(engine.tensor([2.0, 4.0]))
    tensor([0.5000, 0.2500])
    """

    latex, kernel, promotion, cases = r"\frac{{1}}{{{0}}}", "1 / a", "float", POSITIVE
    forward = lambda xp, x: 1 / x
    vjp = lambda g, y, _: (-g * y * y,)


class Square(Elementwise):
    """x times x.

    >>> engine.square(engine.tensor([-2.0, 3.0]))
    tensor([4., 9.])
    """

    latex, kernel, cases = r"{0}^2", "a * a", ONE
    bind = lambda input: ((input.to(INT) if str(input.dtype).endswith("bool") else input,), {})
    forward = lambda xp, x: xp.square(x)
    vjp = lambda g, _, x: (g * x * 2,)


class Sin(Elementwise):
    """The sine, x in radians.

    >>> engine.sin(engine.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8415])
    """

    latex, kernel, promotion, cases = r"\sin({0})", "sin(a)", "float", ONE
    forward = lambda xp, x: xp.sin(x)
    vjp = lambda g, _, x: (g * x.cos(),)


class Cos(Elementwise):
    """The cosine, x in radians.

    >>> engine.cos(engine.tensor([0.0, 1.0]))
    tensor([1.0000, 0.5403])
    """

    latex, kernel, promotion, cases = r"\cos({0})", "cos(a)", "float", ONE
    forward = lambda xp, x: xp.cos(x)
    vjp = lambda g, _, x: (-g * x.sin(),)


class Tan(Elementwise):
    """The tangent, x in radians.

    >>> engine.tan(engine.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5574])
    """

    latex, kernel, promotion, cases = r"\tan({0})", "tan(a)", "float", INSIDE
    forward = lambda xp, x: xp.tan(x)
    vjp = lambda g, y, _: (g * (y * y + 1),)


class Asin(Elementwise):
    """The angle whose sine is x.

    >>> engine.asin(engine.tensor([0.0, 1.0]))
    tensor([0.0000, 1.5708])
    """

    latex, kernel, promotion, cases = r"\arcsin({0})", "asin(a)", "float", INSIDE
    forward = lambda xp, x: xp.arcsin(x)
    vjp = lambda g, _, x: (g * (1 - x * x).rsqrt(),)


class Acos(Elementwise):
    """The angle whose cosine is x.

    >>> engine.acos(engine.tensor([0.0, 1.0]))
    tensor([1.5708, 0.0000])
    """

    latex, kernel, promotion, cases = r"\arccos({0})", "acos(a)", "float", INSIDE
    forward = lambda xp, x: xp.arccos(x)
    vjp = lambda g, _, x: (-g * (1 - x * x).rsqrt(),)


class Atan(Elementwise):
    """The angle whose tangent is x.

    >>> engine.atan(engine.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7854])
    """

    latex, kernel, promotion, cases = r"\arctan({0})", "atan(a)", "float", ONE
    forward = lambda xp, x: xp.arctan(x)
    vjp = lambda g, _, x: (g / (x * x + 1),)


class Sinh(Elementwise):
    """The hyperbolic sine.

    >>> engine.sinh(engine.tensor([0.0, 1.0]))
    tensor([0.0000, 1.1752])
    """

    latex, kernel, promotion, cases = r"\sinh({0})", "sinh(a)", "float", ONE
    forward = lambda xp, x: xp.sinh(x)
    vjp = lambda g, _, x: (g * x.cosh(),)


class Cosh(Elementwise):
    """The hyperbolic cosine.

    >>> engine.cosh(engine.tensor([0.0, 1.0]))
    tensor([1.0000, 1.5431])
    """

    latex, kernel, promotion, cases = r"\cosh({0})", "cosh(a)", "float", ONE
    forward = lambda xp, x: xp.cosh(x)
    vjp = lambda g, _, x: (g * x.sinh(),)


class Asinh(Elementwise):
    """The number whose hyperbolic sine is x.

    >>> engine.asinh(engine.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8814])
    """

    latex, kernel, promotion, cases = r"\operatorname{{arsinh}}({0})", "asinh(a)", "float", ONE
    forward = lambda xp, x: xp.arcsinh(x)
    vjp = lambda g, _, x: (g * (x * x + 1).rsqrt(),)


class Acosh(Elementwise):
    """The number, 0 or more, whose hyperbolic cosine is x.

    >>> engine.acosh(engine.tensor([1.0, 2.0]))
    tensor([0.0000, 1.3170])
    """

    latex, kernel, promotion, cases = r"\operatorname{{arcosh}}({0})", "acosh(a)", "float", ABOVE_ONE
    forward = lambda xp, x: xp.arccosh(x)
    vjp = lambda g, _, x: (g * (x * x - 1).rsqrt(),)


class Atanh(Elementwise):
    """The number whose hyperbolic tangent is x.

    >>> engine.atanh(engine.tensor([0.0, 0.5]))
    tensor([0.0000, 0.5493])
    """

    latex, kernel, promotion, cases = r"\operatorname{{artanh}}({0})", "atanh(a)", "float", INSIDE
    forward = lambda xp, x: xp.arctanh(x)
    vjp = lambda g, _, x: (g / (1 - x * x),)


class Sinc(Elementwise):
    """sin(pi x) / (pi x), and 1 at x = 0.

    >>> engine.sinc(engine.tensor([0.0, 0.5]))
    tensor([1.0000, 0.6366])
    """

    latex, kernel, promotion = r"\operatorname{{sinc}}({0})", "a == 0 ? 1 : sin(pi * a) / (pi * a)", "float"
    cases = (*ONE, Case(((3,),), low=0.4, high=0.6))
    forward = lambda xp, x: xp.sinc(x.astype(xp.float32) if x.dtype.itemsize == 2 else x).astype(x.dtype, copy=False)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any) -> Any:
        """(pi x cos(pi x) - sin(pi x)) / (pi x**2); near 0, where digits cancel, the first terms of its series."""
        near, angle = x.abs() < 1e-3, x * math.pi
        safe = near.choose(1.0, x)
        far = ((safe * math.pi).cos() - (safe * math.pi).sin() / (safe * math.pi)) / safe
        series = (angle * angle / 10 - 1) * angle * (math.pi / 3)
        return (g * near.choose(series, far),)


class Erf(Elementwise):
    """The error function: the area under the bell curve, 2/sqrt(pi) * integral of exp(-t**2) from 0 to x.

    >>> engine.erf(engine.tensor([0.0, 1.0]))
    tensor([0.0000, 0.8427])
    """

    latex, kernel, promotion = r"\operatorname{{erf}}({0})", "erf(a)", "float"
    cases = (*ONE, Case(((40,),), low=-6.5, high=6.5))
    forward = erf
    vjp = lambda g, _, x: (g * (x * x * -1).exp() * (2 / math.sqrt(math.pi)),)


class Logit(Elementwise):
    """ln(x / (1 - x)), the inverse of sigmoid; with `eps`, x is first held between eps and 1 - eps.

    >>> engine.logit(engine.tensor([0.5, 0.9]))
    tensor([0.0000, 2.1972])
    """

    latex, kernel, promotion = r"\operatorname{{logit}}({0})", "log(a / (1 - a))", "float"
    cases = (Case(((3, 4),), low=0.1, high=0.9), Case(((3, 4),), {"eps": 0.2}, 0.05, 0.95))
    bind = lambda input, eps=None: ((input,), {"eps": eps})

    @staticmethod
    def forward(xp: Any, x: Any, *, eps: float | None = None) -> Any:
        z = x if eps is None else xp.clip(x, eps, 1 - eps)
        return xp.log(z / (1 - z))

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, *, eps: float | None = None) -> Any:
        low, outside = (0.0, math.nan) if eps is None else (eps, 0.0)
        return (((x < low) | (x > 1 - low)).choose(outside, g / (x * (1 - x))),)
