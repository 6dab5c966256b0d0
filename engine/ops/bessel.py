"""Bessel's functions and Airy's, from SciPy.

The derivatives are from M. Abramowitz and I. Stegun, "Handbook of Mathematical Functions" (1964), chapters 9 and 10.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.array import scipy
from engine.errors import Unsupported
from engine.ops.elementwise import ONE, POSITIVE
from engine.ops.op import function
from engine.ops.special import Float, from_scipy


def _at_zero(x: Any, limit: float, slope: Callable[[Any], Any]) -> Any:
    """slope(x), but its limit where x is 0 and the formula divides 0 by 0."""
    zero = x == 0
    return zero.choose(limit, slope(zero.choose(1.0, x)))


class I0(Float):
    """The modified Bessel function of the first kind, of order 0.

    >>> engine.i0(engine.tensor([0.0, 1.0]))
    tensor([1.0000, 1.2661])
    """

    latex, kernel, cases = r"I_0({0})", "i0(a)", ONE
    forward = from_scipy("i0")
    vjp = lambda g, _, x: (g * x.special_i1(),)


class SpecialI0e(Float):
    """i0(x) * e**-|x|.

    >>> engine.special.i0e(engine.tensor([0.0, 1.0]))
    tensor([1.0000, 0.4658])
    """

    latex, kernel, cases = r"e^{{-|{0}|}} I_0({0})", "i0e(a)", ONE
    forward = from_scipy("i0e")
    vjp = lambda g, y, x: (g * (x.special_i1e() - x.sign() * y),)


class SpecialI1(Float):
    """The modified Bessel function of the first kind, of order 1.

    >>> engine.special.i1(engine.tensor([0.0, 1.0]))
    tensor([0.0000, 0.5652])
    """

    latex, kernel, cases = r"I_1({0})", "i1(a)", ONE
    forward = from_scipy("i1")
    vjp = lambda g, y, x: (g * _at_zero(x, 0.5, lambda z: z.i0() - y / z),)


class SpecialI1e(Float):
    """i1(x) * e**-|x|.

    >>> engine.special.i1e(engine.tensor([0.0, 1.0]))
    tensor([0.0000, 0.2079])
    """

    latex, kernel, cases = r"e^{{-|{0}|}} I_1({0})", "i1e(a)", ONE
    forward = from_scipy("i1e")
    vjp = lambda g, y, x: (g * _at_zero(x, 0.5, lambda z: z.special_i0e() - y * (z.sign() + 1 / z)),)


class SpecialBesselJ0(Float):
    """The Bessel function of the first kind, of order 0.

    >>> engine.special.bessel_j0(engine.tensor([0.0, 1.0]))
    tensor([1.0000, 0.7652])
    """

    latex, kernel, cases = r"J_0({0})", "j0(a)", ONE
    forward = from_scipy("j0")
    vjp = lambda g, _, x: (-g * x.special_bessel_j1(),)


class SpecialBesselJ1(Float):
    """The Bessel function of the first kind, of order 1.

    >>> engine.special.bessel_j1(engine.tensor([0.0, 1.0]))
    tensor([0.0000, 0.4401])
    """

    latex, kernel, cases = r"J_1({0})", "j1(a)", ONE
    forward = from_scipy("j1")
    vjp = lambda g, y, x: (g * _at_zero(x, 0.5, lambda z: z.special_bessel_j0() - y / z),)


class SpecialBesselY0(Float):
    """The Bessel function of the second kind, of order 0.

    >>> engine.special.bessel_y0(engine.tensor([1.0, 2.0]))
    tensor([0.0883, 0.5104])
    """

    latex, kernel, cases = r"Y_0({0})", "y0(a)", POSITIVE
    forward = from_scipy("y0")
    vjp = lambda g, _, x: (-g * x.special_bessel_y1(),)


class SpecialBesselY1(Float):
    """The Bessel function of the second kind, of order 1.

    >>> engine.special.bessel_y1(engine.tensor([1.0, 2.0]))
    tensor([-0.7812, -0.1070])
    """

    latex, kernel, cases = r"Y_1({0})", "y1(a)", POSITIVE
    forward = from_scipy("y1")
    vjp = lambda g, y, x: (g * (x.special_bessel_y0() - y / x),)


class SpecialModifiedBesselK0(Float):
    """The modified Bessel function of the second kind, of order 0.

    >>> engine.special.modified_bessel_k0(engine.tensor([1.0, 2.0]))
    tensor([0.4210, 0.1139])
    """

    latex, kernel, cases = r"K_0({0})", "k0(a)", POSITIVE
    forward = from_scipy("k0")
    vjp = lambda g, _, x: (-g * x.special_modified_bessel_k1(),)


class SpecialModifiedBesselK1(Float):
    """The modified Bessel function of the second kind, of order 1.

    >>> engine.special.modified_bessel_k1(engine.tensor([1.0, 2.0]))
    tensor([0.6019, 0.1399])
    """

    latex, kernel, cases = r"K_1({0})", "k1(a)", POSITIVE
    forward = from_scipy("k1")
    vjp = lambda g, y, x: (-g * (x.special_modified_bessel_k0() + y / x),)


class SpecialScaledModifiedBesselK0(Float):
    """modified_bessel_k0(x) * e**x.

    >>> engine.special.scaled_modified_bessel_k0(engine.tensor([1.0, 2.0]))
    tensor([1.1445, 0.8416])
    """

    latex, kernel, cases = r"e^{{{0}}} K_0({0})", "k0e(a)", POSITIVE
    forward = from_scipy("k0e")
    vjp = lambda g, y, x: (g * (y - x.special_scaled_modified_bessel_k1()),)


class SpecialScaledModifiedBesselK1(Float):
    """modified_bessel_k1(x) * e**x.

    >>> engine.special.scaled_modified_bessel_k1(engine.tensor([1.0, 2.0]))
    tensor([1.6362, 1.0335])
    """

    latex, kernel, cases = r"e^{{{0}}} K_1({0})", "k1e(a)", POSITIVE
    forward = from_scipy("k1e")
    vjp = lambda g, y, x: (g * (y - x.special_scaled_modified_bessel_k0() - y / x),)


def _airy(xp: Any, x: Any, derivative: int) -> Any:
    if xp is not np:
        raise Unsupported("special.airy_ai", "a tensor on the CPU", "one on a graphics processor", "Move it: x.cpu().")
    return scipy(xp, "special").airy(x)[derivative].astype(x.dtype, copy=False)


class SpecialAiryAi(Float):
    """Airy's function, which solves y'' = x y and dies out to the right.

    >>> engine.special.airy_ai(engine.tensor([0.0, 1.0]))
    tensor([0.3550, 0.1353])
    """

    latex, kernel, cases = r"\operatorname{{Ai}}({0})", "airy_ai(a)", ONE
    forward = lambda xp, x: _airy(xp, x, 0)
    vjp = lambda g, _, x: (g * x.airy_slope(),)


class AirySlope(Float):
    """The slope of Airy's function."""

    latex, kernel, cases = r"\operatorname{{Ai}}'({0})", "airy_ai_prime(a)", ONE
    forward = lambda xp, x: _airy(xp, x, 1)
    vjp = lambda g, _, x: (g * x * x.special_airy_ai(),)


@function
def special_spherical_bessel_j0(input: Any) -> Any:
    """sin(x) / x, and 1 at 0.

    >>> engine.special.spherical_bessel_j0(engine.tensor([0.0, 1.0]))
    tensor([1.0000, 0.8415])
    """
    return (input * (1 / math.pi)).sinc()


@function
def special_modified_bessel_i0(input: Any) -> Any:
    """The modified Bessel function of the first kind, of order 0: `i0`.

    >>> engine.special.modified_bessel_i0(engine.tensor([0.0, 1.0]))
    tensor([1.0000, 1.2661])
    """
    return input.i0()


@function
def special_modified_bessel_i1(input: Any) -> Any:
    """The modified Bessel function of the first kind, of order 1: `i1`.

    >>> engine.special.modified_bessel_i1(engine.tensor([0.0, 1.0]))
    tensor([0.0000, 0.5652])
    """
    return input.special_i1()
