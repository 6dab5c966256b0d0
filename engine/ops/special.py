"""Rare functions, from SciPy: gamma and error functions and their relatives; the names of `engine.special`.

The derivatives are from M. Abramowitz and I. Stegun, "Handbook of Mathematical Functions" (1964), chapters 6 and 7.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from engine.array import scipy
from engine.errors import ArgumentError, Unsupported
from engine.ops.elementwise import INSIDE, ONE, POSITIVE, one_tensor, two_tensors
from engine.ops.op import Case, Elementwise, dtype_of_all, function

BELOW_ONE = (Case(((3, 4),), low=0.1, high=0.9),)
PAIRS = (Case(((3, 4), (3, 4)), low=1.1, high=3.0),)
ROOT_PI = math.sqrt(math.pi)


def from_scipy(name: str) -> Callable[..., Any]:
    """The forward rule that calls SciPy's function of that name; float16 is computed in float32."""

    def forward(xp: Any, *arrays: Any) -> Any:
        dtype = dtype_of_all(*arrays)
        wide = [a.astype(xp.float32) if dtype.itemsize == 2 and hasattr(a, "dtype") else a for a in arrays]
        return getattr(scipy(xp, "special"), name)(*wide).astype(dtype, copy=False)

    return forward


def _refused(name: str) -> Callable[[], Any]:
    def refuse() -> Any:
        raise Unsupported(name, "a gradient for the second argument", "one for the first", "It has no simple formula.")

    return refuse


class Float(Elementwise, abstract=True):
    """A function of floats; integers become floats."""

    promotion = "float"


class Erfc(Float):
    """1 - erf(x), exact where that is small.

    >>> engine.erfc(engine.tensor([0.0, 1.0]))
    tensor([1.0000, 0.1573])
    """

    latex, kernel, cases = r"\operatorname{{erfc}}({0})", "erfc(a)", ONE
    forward = from_scipy("erfc")
    vjp = lambda g, _, x: (g * (x * x * -1).exp() * (-2 / ROOT_PI),)


class Erfinv(Float):
    """The number whose error function is x.

    >>> engine.erfinv(engine.tensor([0.0, 0.5]))
    tensor([0.0000, 0.4769])
    """

    latex, kernel, cases = r"\operatorname{{erf}}^{{-1}}({0})", "erfinv(a)", INSIDE
    forward = from_scipy("erfinv")
    vjp = lambda g, y, _: (g * (y * y).exp() * (ROOT_PI / 2),)


class SpecialErfcx(Float):
    """e**(x**2) * erfc(x), without underflow.

    >>> engine.special.erfcx(engine.tensor([0.0, 10.0]))
    tensor([1.0000, 0.0561])
    """

    latex, kernel, cases = r"\operatorname{{erfcx}}({0})", "erfcx(a)", ONE
    forward = from_scipy("erfcx")
    vjp = lambda g, y, x: (g * (x * y * 2 - 2 / ROOT_PI),)


class SpecialNdtr(Float):
    """The chance that a normal number is below x.

    >>> engine.special.ndtr(engine.tensor([0.0, 1.0]))
    tensor([0.5000, 0.8413])
    """

    latex, kernel, cases = r"\Phi({0})", "0.5 * erfc(-a / sqrt(2))", ONE
    forward = from_scipy("ndtr")
    vjp = lambda g, _, x: (g * (x * x * -0.5).exp() * (1 / math.sqrt(2 * math.pi)),)


class SpecialNdtri(Float):
    """The number below which a normal number is with chance x.

    >>> engine.special.ndtri(engine.tensor([0.5, 0.9]))
    tensor([0.0000, 1.2816])
    """

    latex, kernel, cases = r"\Phi^{{-1}}({0})", "ndtri(a)", BELOW_ONE
    forward = from_scipy("ndtri")
    vjp = lambda g, y, _: (g * (y * y * 0.5).exp() * math.sqrt(2 * math.pi),)


class SpecialLogNdtr(Float):
    """The logarithm of the chance that a normal number is below x, without underflow.

    >>> engine.special.log_ndtr(engine.tensor([0.0, -30.0]))
    tensor([  -0.6931, -454.3213])
    """

    latex, kernel, cases = r"\ln\Phi({0})", "log_ndtr(a)", ONE
    forward = from_scipy("log_ndtr")
    vjp = lambda g, _, x: (g / (x * -math.sqrt(0.5)).special_erfcx() * math.sqrt(2 / math.pi),)


class SpecialEntr(Float):
    """-x ln(x): what one outcome adds to an entropy; 0 at 0, minus infinity below.

    >>> engine.special.entr(engine.tensor([0.0, 0.5]))
    tensor([0.0000, 0.3466])
    """

    latex, kernel, cases = r"-{0}\ln {0}", "a > 0 ? -a * log(a) : a == 0 ? 0 : -inf", POSITIVE
    forward = from_scipy("entr")
    vjp = lambda g, _, x: (g * (-x.log() - 1),)


_LOG_GAMMA = from_scipy("gammaln")


class Lgamma(Float):
    """The logarithm of |Gamma(x)|; Gamma(n) = (n - 1)!.

    >>> engine.lgamma(engine.tensor([3.0, 5.0]))
    tensor([0.6931, 3.1781])
    """

    latex, kernel, cases = r"\ln|\Gamma({0})|", "lgamma(a)", POSITIVE
    forward = lambda xp, x: xp.where(xp.isinf(x), xp.abs(x), _LOG_GAMMA(xp, x))
    vjp = lambda g, _, x: (g * x.digamma(),)


class Digamma(Float):
    """The slope of lgamma.

    >>> engine.digamma(engine.tensor([1.0, 2.0]))
    tensor([-0.5772,  0.4228])
    """

    latex, kernel, cases = r"\psi({0})", "digamma(a)", POSITIVE
    forward = from_scipy("digamma")
    vjp = lambda g, _, x: (g * x.polygamma(1),)


class Polygamma(Float):
    """The n-th derivative of digamma; `polygamma(n, x)`, or `x.polygamma(n)`.

    >>> engine.polygamma(1, engine.tensor([1.0, 2.0]))
    tensor([1.6449, 0.6449])
    """

    latex, kernel, cases = (
        r"\psi^{{({n})}}({0})",
        "polygamma(n, a)",
        tuple(Case(((4,),), {"n": n}, 0.5, 3) for n in (1, 2)),
    )
    vjp = lambda g, _, x, *, n: (g * x.polygamma(n + 1),)

    @staticmethod
    def bind(input: Any, n: Any) -> Any:
        input, n = (n, input) if isinstance(input, int) else (input, n)
        if n < 0:
            raise ArgumentError("polygamma", "n from 0 on", n)
        return (input,), {"n": n}

    @staticmethod
    def forward(xp: Any, x: Any, *, n: int) -> Any:
        special = scipy(xp, "special")
        if n == 0:
            return special.digamma(x).astype(x.dtype, copy=False)
        wide = x.astype(xp.float64)
        return ((-1.0) ** (n + 1) * math.gamma(n + 1.0) * special.zeta(n + 1.0, wide)).astype(x.dtype)


@function
def mvlgamma(input: Any, p: int) -> Any:
    """The logarithm of the gamma function of p dimensions.

    >>> engine.mvlgamma(engine.tensor([3.0]), 2)
    tensor([1.5502])
    """
    if p < 1:
        raise ArgumentError("mvlgamma", "p from 1 on", p)
    total = input.lgamma()
    for i in range(1, p):
        total = total + (input - i / 2).lgamma()
    return total + p * (p - 1) / 4 * math.log(math.pi)


class Igamma(Float):
    """The lower incomplete gamma function of (a, x), from 0 to 1; its gradient is by x.

    >>> engine.igamma(engine.tensor([1.0]), engine.tensor([2.0]))
    tensor([0.8647])
    """

    latex, kernel, jvp, cases = r"P({0}, {1})", "igamma(a, b)", None, ()
    bind = two_tensors
    forward = from_scipy("gammainc")
    vjp = lambda g, _, a, x: (_refused("igamma"), lambda: g * _gamma_density(a, x))


class Igammac(Float):
    """The upper incomplete gamma function of (a, x): 1 - igamma(a, x).

    >>> engine.igammac(engine.tensor([1.0]), engine.tensor([2.0]))
    tensor([0.1353])
    """

    latex, kernel, jvp, cases = r"Q({0}, {1})", "igammac(a, b)", None, ()
    bind = two_tensors
    forward = from_scipy("gammaincc")
    vjp = lambda g, _, a, x: (_refused("igammac"), lambda: -g * _gamma_density(a, x))


def _gamma_density(a: Any, x: Any) -> Any:
    log_gamma = a.lgamma() if hasattr(a, "shape") else math.lgamma(a)
    return ((a - 1) * x.log() - x - log_gamma).exp()


class SpecialZeta(Float):
    """Hurwitz's zeta function: the sum of (k + q)**-x over k = 0, 1, 2, ...; its gradient is by q.

    >>> engine.special.zeta(engine.tensor([2.0]), 1.0)
    tensor([1.6449])
    """

    latex, kernel, jvp, cases = r"\zeta({0}, {1})", "zeta(a, b)", None, ()
    bind = one_tensor
    forward = from_scipy("zeta")
    vjp = lambda g, _, x, q: (_refused("special.zeta"), lambda: -g * x * q.new_zeros(()).add(x + 1).special_zeta(q))
