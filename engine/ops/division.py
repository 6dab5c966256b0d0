"""Division in its forms, what it leaves over, and arithmetic of pairs that programs need less often."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.errors import ArgumentError, DTypeError
from engine.ops.elementwise import PAIR, one_tensor, then_number, two_tensors
from engine.ops.op import Case, Elementwise, dtype_of_all, function

WHOLE = (Case(((3, 4), (3, 4)), low=0.6, high=0.9), Case(((3,), (3,)), low=1.1, high=1.9))
POSITIVES = (Case(((3, 4), (3, 4)), low=0.5, high=2.0), Case(((3, 4), (4,)), low=0.5, high=2.0))


def _refuse_zero(xp: Any, where: str, a: Any, b: Any) -> None:
    """Whole numbers cannot be divided by 0."""
    if dtype_of_all(a, b).kind in "iu" and not xp.all(xp.asarray(b) != 0):
        raise DTypeError(where, "a divisor that is not 0 (ZeroDivisionError)", "0", "Floats give inf or nan instead.")


class Remainder(Elementwise):
    """What is left of a after division by b, with the sign of b.

    >>> engine.remainder(engine.tensor([-3.0, 3.0]), 2)
    tensor([1., 1.])
    """

    latex, kernel, cases = r"{0} \bmod {1}", "a - b * floor(a / b)", WHOLE
    bind = one_tensor
    vjp = lambda g, _, a, b: (g, lambda: -g * (a // b))

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        _refuse_zero(xp, "remainder", a, b)
        return xp.remainder(a, b)


class Fmod(Elementwise):
    """What is left of a after division by b, with the sign of a.

    >>> engine.fmod(engine.tensor([-3.0, 3.0]), 2)
    tensor([-1.,  1.])
    """

    latex, kernel, cases = r"\operatorname{{fmod}}({0}, {1})", "fmod(a, b)", WHOLE
    bind = then_number
    vjp = lambda g, _, a, b: (g, lambda: -g * a.truncated_divide(b))

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        _refuse_zero(xp, "fmod", a, b)
        return xp.fmod(a, b)


class FloorDivide(Elementwise):
    """The quotient rounded down.

    >>> engine.floor_divide(engine.tensor([-3.0, 3.0]), 2)
    tensor([-2.,  1.])
    """

    latex, kernel, cases = r"\left\lfloor {0} / {1} \right\rfloor", "floor(a / b)", WHOLE
    vjp = lambda g, _, __, ___: (lambda: g * 0, lambda: g * 0)

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        _refuse_zero(xp, "floor_divide", a, b)
        return xp.floor_divide(a, b)


class TruncatedDivide(Elementwise):
    """The quotient without what is behind the point."""

    latex, kernel, cases = r"\operatorname{{trunc}}({0} / {1})", "trunc(a / b)", WHOLE
    vjp = lambda g, _, __, ___: (lambda: g * 0, lambda: g * 0)

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        _refuse_zero(xp, "div", a, b)
        if dtype_of_all(a, b).kind == "f":
            return xp.trunc(xp.true_divide(a, b))
        whole = xp.floor_divide(a, b)
        return whole + ((whole < 0) & (whole * b != a))


@function
def div(input: Any, other: Any, *, rounding_mode: str | None = None) -> Any:
    """The quotient; integers give floats. `rounding_mode`: "floor" rounds it down, "trunc" towards 0.

    >>> engine.div(engine.tensor([-3, 3]), 2), engine.div(engine.tensor([-3, 3]), 2, rounding_mode="floor")
    (tensor([-1.5000,  1.5000]), tensor([-2,  1]))
    """
    if rounding_mode is None:
        return input / other
    if rounding_mode == "floor":
        return input // other
    if rounding_mode == "trunc":
        return input.truncated_divide(other)
    raise ArgumentError("div", 'rounding_mode None, "trunc" or "floor"', repr(rounding_mode))


@function
def float_power(input: Any, exponent: Any) -> Any:
    """A power, computed in float64.

    >>> engine.float_power(engine.tensor([2, 3]), 2)
    tensor([4., 9.], dtype=engine.float64)
    """
    one_tensor(input, exponent)
    base, power = (t.to("float64") if hasattr(t, "shape") else t for t in (input, exponent))
    return base**power


class Atan2(Elementwise):
    """The angle of the point (x = second, y = first), in radians.

    >>> engine.atan2(engine.tensor([1.0, 0.0]), engine.tensor([1.0, -1.0]))
    tensor([0.7854, 3.1416])
    """

    latex, kernel, promotion, cases = r"\operatorname{{atan2}}({0}, {1})", "atan2(a, b)", "float", PAIR[:2]
    bind = two_tensors
    forward = lambda xp, a, b: xp.arctan2(a, b)

    @staticmethod
    def vjp(g: Any, _: Any, a: Any, b: Any) -> Any:
        square = a * a + b * b
        scaled = (square == 0).choose(0.0, g / square)
        return scaled * b, -scaled * a


class Hypot(Elementwise):
    """The length of the point (a, b), without overflow.

    >>> engine.hypot(engine.tensor([3.0]), engine.tensor([4.0]))
    tensor([5.])
    """

    latex, kernel, cases = r"\sqrt{{{0}^2 + {1}^2}}", "hypot(a, b)", POSITIVES
    bind = two_tensors
    forward = lambda xp, a, b: xp.hypot(a, b)
    vjp = lambda g, y, a, b: (lambda: g * (a / y), lambda: g * (b / y))


class Copysign(Elementwise):
    """The size of a with the sign of b.

    >>> engine.copysign(engine.tensor([1.0, 2.0]), engine.tensor([-1.0, 1.0]))
    tensor([-1.,  2.])
    """

    latex, kernel, promotion, cases = r"|{0}| \operatorname{{sign}}({1})", "copysign(a, b)", "float", PAIR
    bind = then_number
    forward = lambda xp, a, b: xp.copysign(a, b)
    vjp = lambda g, y, a, b: (lambda: g * (y.sign() * a.sign()), lambda: g * 0)


class Nextafter(Elementwise):
    """The next float after a towards b.

    >>> engine.nextafter(engine.tensor([1.0]), engine.tensor([2.0])) > 1
    tensor([True])
    """

    latex, kernel, jvp = r"\operatorname{{next}}({0}, {1})", "nextafter(a, b)", None
    bind = two_tensors
    vjp = lambda g, _, a, b: (lambda: (a == b).choose(0.0, g), lambda: g * 0)
    forward = lambda xp, a, b: xp.nextafter(a, b)


class Heaviside(Elementwise):
    """0 below 0, 1 above it, and `values` at 0; no gradient.

    >>> engine.heaviside(engine.tensor([-2.0, 0.0, 2.0]), engine.tensor(0.5))
    tensor([0.0000, 0.5000, 1.0000])
    """

    latex, kernel, jvp, promotion = r"H({0}, {1})", "a == 0 ? b : a > 0", None, "same"
    bind = lambda input, values: two_tensors(input, values)
    forward = lambda xp, x, values: xp.where(x == 0, values, (x > 0).astype(x.dtype))


class Logaddexp(Elementwise):
    """ln(e**a + e**b), without overflow.

    >>> engine.logaddexp(engine.tensor([1000.0]), engine.tensor([1000.0]))
    tensor([1000.6932])
    """

    latex, kernel, promotion, cases = r"\ln(e^{{{0}}} + e^{{{1}}})", "logaddexp(a, b)", "float", PAIR
    bind = two_tensors
    forward = lambda xp, a, b: xp.logaddexp(a, b)
    vjp = lambda g, _, a, b: (lambda: g * (a - b).sigmoid(), lambda: g * (b - a).sigmoid())


class Logaddexp2(Elementwise):
    """log2(2**a + 2**b), without overflow.

    >>> engine.logaddexp2(engine.tensor([1000.0]), engine.tensor([1000.0]))
    tensor([1001.])
    """

    latex, kernel, promotion, cases = r"\log_2(2^{{{0}}} + 2^{{{1}}})", "logaddexp2(a, b)", "float", PAIR
    bind = two_tensors
    forward = lambda xp, a, b: xp.logaddexp2(a, b)
    vjp = lambda g, _, a, b: (
        lambda: g * ((a - b) * math.log(2)).sigmoid(),
        lambda: g * ((b - a) * math.log(2)).sigmoid(),
    )


class Xlogy(Elementwise):
    """x * ln(y), and 0 where x is 0.

    >>> engine.xlogy(engine.tensor([0.0, 2.0]), engine.tensor([0.0, 3.0]))
    tensor([0.0000, 2.1972])
    """

    latex, kernel, promotion, cases = r"{0} \ln({1})", "a == 0 ? 0 : a * log(b)", "float", POSITIVES
    bind = one_tensor
    forward = lambda xp, x, y: _times_log(xp, x, y, xp.log)
    vjp = lambda g, _, x, y: (lambda: _unless_zero(x, y <= 0, g * _log(y)), lambda: g * x / y)


def _times_log(xp: Any, x: Any, y: Any, log: Any) -> Any:
    product = xp.where((xp.asarray(x) == 0) & ~xp.isnan(y), 0, x * log(y))
    return product.astype(dtype_of_all(x, y), copy=False)


def _log(y: Any, log: str = "log") -> Any:
    if hasattr(y, "shape"):
        return getattr(y, log)()
    return float(getattr(np, log)(y))


def _unless_zero(x: Any, below: Any, slope: Any) -> Any:
    return ((x == 0) & below).choose(0.0, slope)


class SpecialXlog1py(Elementwise):
    """x * ln(1 + y), and 0 where x is 0.

    >>> engine.special.xlog1py(engine.tensor([0.0, 2.0]), engine.tensor([-1.0, 3.0]))
    tensor([0.0000, 2.7726])
    """

    latex, kernel, promotion, cases = r"{0} \ln(1 + {1})", "a == 0 ? 0 : a * log1p(b)", "float", POSITIVES
    bind = one_tensor
    forward = lambda xp, x, y: _times_log(xp, x, y, xp.log1p)
    vjp = lambda g, _, x, y: (lambda: _unless_zero(x, y <= -1, g * _log(y, "log1p")), lambda: g * x / (y + 1))


class Gcd(Elementwise):
    """The greatest common divisor.

    >>> engine.gcd(engine.tensor([12, 18]), engine.tensor([8, 12]))
    tensor([4, 6])
    """

    latex, kernel, jvp = r"\gcd({0}, {1})", "gcd(a, b)", None
    bind = two_tensors
    forward = lambda xp, a, b: xp.gcd(a, b)


class Lcm(Elementwise):
    """The least common multiple.

    >>> engine.lcm(engine.tensor([4, 6]), engine.tensor([6, 8]))
    tensor([12, 24])
    """

    latex, kernel, jvp = r"\operatorname{{lcm}}({0}, {1})", "lcm(a, b)", None
    bind = two_tensors
    forward = lambda xp, a, b: xp.lcm(a, b)


@function
def rsub(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """other - alpha * input.

    >>> engine.rsub(engine.tensor([1.0, 2.0]), 10)
    tensor([9., 8.])
    """
    then_number(input, other)
    return other - (input if alpha == 1 else input * alpha)


@function
def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Any:
    """input + value * tensor1 * tensor2.

    >>> engine.addcmul(engine.ones(2), engine.tensor([1.0, 2.0]), engine.tensor([3.0, 4.0]), value=10)
    tensor([31., 81.])
    """
    product = tensor1 * tensor2
    return input + (product if value == 1 else value * product)


@function
def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Any:
    """input + value * tensor1 / tensor2.

    >>> engine.addcdiv(engine.ones(2), engine.tensor([1.0, 2.0]), engine.tensor([4.0, 4.0]))
    tensor([1.2500, 1.5000])
    """
    quotient = tensor1 / tensor2
    return input + (quotient if value == 1 else value * quotient)


@function
def ldexp(input: Any, other: Any) -> Any:
    """input * 2**other.

    >>> engine.ldexp(engine.tensor([1.0, 3.0]), engine.tensor([1, 2]))
    tensor([ 2., 12.])
    """
    two_tensors(input, other)
    return input * 2.0**other
