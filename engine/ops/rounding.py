"""Signs, whole parts, parts of numbers; for complex numbers' sake, functions that leave real ones alone."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from engine.array import Abstract, int32
from engine.errors import DTypeError
from engine.ops.elementwise import ONE
from engine.ops.op import Case, Elementwise, function


class Abs(Elementwise):
    """The distance from 0; its slope at 0 counts as 0.

    >>> engine.abs(engine.tensor([-2.0, 3.0]))
    tensor([2., 3.])
    """

    latex, kernel, cases = r"|{0}|", "abs(a)", ONE
    forward = lambda xp, x: xp.abs(x)
    vjp = lambda g, _, x: (g * x.sign(),)


class Flat(Elementwise, abstract=True):
    """Functions made of steps: their gradient is 0."""

    vjp = lambda g, _, __: (g * 0,)


class Sign(Flat):
    """-1, 0 or 1.

    >>> engine.sign(engine.tensor([-2.0, 0.0, 3.0]))
    tensor([-1.,  0.,  1.])
    """

    latex, kernel, cases = r"\operatorname{{sign}}({0})", "sign(a)", ONE
    forward = lambda xp, x: (
        x.copy() if x.dtype.kind == "b" else xp.where(x != x, 0, xp.sign(x)).astype(x.dtype, copy=False)
    )


class Floor(Flat):
    """The next whole number below.

    >>> engine.floor(engine.tensor([-1.5, 1.5]))
    tensor([-2.,  1.])
    """

    latex, kernel, cases = r"\lfloor {0} \rfloor", "floor(a)", ONE
    forward = lambda xp, x: xp.floor(x)


class Ceil(Flat):
    """The next whole number above.

    >>> engine.ceil(engine.tensor([-1.5, 1.5]))
    tensor([-1.,  2.])
    """

    latex, kernel, cases = r"\lceil {0} \rceil", "ceil(a)", ONE
    forward = lambda xp, x: xp.ceil(x)


class Round(Elementwise):
    """The nearest whole number, or the nearest with so many decimals; halves go to the even one.

    >>> engine.round(engine.tensor([0.5, 1.26])), engine.round(engine.tensor([1.26]), decimals=1)
    (tensor([0., 1.]), tensor([1.3000]))
    """

    latex, kernel = r"\operatorname{{round}}({0})", "round(a)"
    cases = (*ONE, Case(((3,),), {"decimals": 1}))
    bind = lambda input, *, decimals=0: ((input,), {"decimals": decimals})
    vjp = lambda g, _, __, *, decimals=0: (g * 0,)

    @staticmethod
    def forward(xp: Any, x: Any, *, decimals: int = 0) -> Any:
        if decimals == 0 or x.dtype.kind != "f":
            return xp.round(x)
        ten = 10.0 ** abs(decimals)
        return xp.round(x * ten) / ten if decimals > 0 else xp.round(x / ten) * ten


class Trunc(Flat):
    """The whole part, towards 0.

    >>> engine.trunc(engine.tensor([-1.5, 1.5]))
    tensor([-1.,  1.])
    """

    latex, kernel, cases = r"\operatorname{{trunc}}({0})", "trunc(a)", ONE
    forward = lambda xp, x: xp.trunc(x)


class Angle(Flat):
    """0 for numbers from 0 on, pi for negative ones.

    >>> engine.angle(engine.tensor([2.0, -2.0]))
    tensor([0.0000, 3.1416])
    """

    latex, kernel, promotion, cases = r"\arg({0})", "a < 0 ? pi : 0", "float", ONE
    forward = lambda xp, x: xp.where(xp.isnan(x), x, xp.where(x < 0, math.pi, 0.0).astype(x.dtype))


class FrexpMantissa(Elementwise):
    """The number between 0.5 and 1 (or minus that) that times 2 to the power of `frexp_exponent` is x."""

    latex, kernel, cases = r"\operatorname{{mantissa}}({0})", "frexp(a).mantissa", ONE
    forward = lambda xp, x: xp.asarray(xp.frexp(x)[0])
    vjp = lambda g, _, x: (g / x.frexp_exponent().exp2().to(x.dtype),)


class FrexpExponent(Elementwise):
    """The power of two of which x is `frexp_mantissa` times as much; no gradient."""

    latex, jvp = r"\operatorname{{exponent}}({0})", None
    forward = lambda xp, x: xp.asarray(xp.frexp(x)[1]).astype(xp.int32)
    infer = lambda x: Abstract(x.shape, int32.numpy)


class NanToNum(Elementwise):
    """NaN becomes `nan` (0), infinities become the largest numbers or what is given for them.

    >>> engine.nan_to_num(engine.tensor([float("nan"), float("inf"), 1.0]), posinf=9.0)
    tensor([0., 9., 1.])
    """

    latex, kernel, cases = r"\operatorname{{number}}({0})", "isnan(a) ? nan : a", ONE
    bind = lambda input, nan=None, posinf=None, neginf=None: (
        (input,),
        {"nan": nan or 0.0, "posinf": posinf, "neginf": neginf},
    )
    vjp = lambda g, _, x, *, nan=0.0, posinf=None, neginf=None: (x.isfinite().choose(g, 0.0),)

    @staticmethod
    def forward(xp: Any, x: Any, *, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Any:
        return xp.nan_to_num(x, True, nan, posinf, neginf)


class Frexp(NamedTuple):
    """x = mantissa * 2**exponent."""

    mantissa: Any
    exponent: Any


@function
def frexp(input: Any) -> Frexp:
    """A mantissa between 0.5 and 1, and the power of two: (mantissa, exponent).

    >>> engine.frexp(engine.tensor([10.0])).exponent
    tensor([4], dtype=engine.int32)
    """
    return Frexp(input.frexp_mantissa(), input.frexp_exponent())


@function
def sgn(input: Any) -> Any:
    """-1, 0 or 1: for real numbers the same as `sign`.

    >>> engine.sgn(engine.tensor([-2.0, 0.0, 3.0]))
    tensor([-1.,  0.,  1.])
    """
    return input.sign()


@function
def frac(input: Any) -> Any:
    """What is behind the point: x - trunc(x).

    >>> engine.frac(engine.tensor([1.5, -2.25]))
    tensor([ 0.5000, -0.2500])
    """
    return input - input.trunc()


@function
def deg2rad(input: Any) -> Any:
    """Degrees as radians.

    >>> engine.deg2rad(engine.tensor([180.0, 90.0]))
    tensor([3.1416, 1.5708])
    """
    return input * (math.pi / 180)


@function
def rad2deg(input: Any) -> Any:
    """Radians as degrees.

    >>> engine.rad2deg(engine.tensor([1.0, 3.0]))
    tensor([ 57.2958, 171.8873])
    """
    return input * (180 / math.pi)


@function
def positive(input: Any) -> Any:
    """The tensor itself: `+x`.

    >>> engine.positive(engine.tensor([-1.0]))
    tensor([-1.])
    """
    if str(input.dtype).endswith("bool"):
        raise DTypeError("positive", "numbers", "truth values", "Convert them first: x.int().")
    return input


def _itself(name: str, text: str) -> None:
    def same(input: Any) -> Any:
        return input

    same.__name__, same.__doc__ = name, f"{text}\n\n>>> engine.{name}(engine.tensor([-1.0]))\ntensor([-1.])\n"
    function(same)


for _name in ("real", "conj", "resolve_conj", "resolve_neg"):
    _itself(_name, "The tensor itself: there are no complex numbers here.")


@function
def conj_physical(input: Any) -> Any:
    """A copy: there are no complex numbers here.

    >>> engine.conj_physical(engine.tensor([-1.0]))
    tensor([-1.])
    """
    return input.clone()
