"""Activation functions, each one op with a lean rule, and softmax."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.array import Abstract
from engine.errors import ArgumentError, ShapeError
from engine.ops.elementwise import ONE
from engine.ops.function import Erf
from engine.ops.op import Case, Elementwise, Op, axis_of, function

Call = tuple[tuple[Any, ...], dict[str, Any]]


class Tanh(Elementwise):
    """The hyperbolic tangent: squashes numbers into (-1, 1).

    >>> engine.tanh(engine.tensor([0.0, 1.0]))
    tensor([0.0000, 0.7616])
    """

    latex, kernel, promotion, cases = r"\tanh({0})", "tanh(a)", "float", ONE
    forward = lambda xp, x: xp.tanh(x)
    vjp = lambda g, y, _: (g.tanh_backward(y),)


class TanhBackward(Elementwise):
    """g * (1 - y**2), the gradient of tanh by its output y."""

    latex, kernel, cases = r"{0}\,(1 - {1}^2)", "a * (1 - b * b)", (Case(((3, 4), (3, 4))),)
    forward = lambda xp, g, y: g - g * (y * y)
    vjp = lambda h, _, g, y: (lambda: h.tanh_backward(y), lambda: h * g * y * -2)


class Sigmoid(Elementwise):
    """1 / (1 + e**-x): squashes numbers into (0, 1).

    >>> engine.sigmoid(engine.tensor([0.0, 2.0]))
    tensor([0.5000, 0.8808])
    """

    latex, kernel, promotion, cases = r"\sigma({0})", "1 / (1 + exp(-a))", "float", ONE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        y = xp.asarray(xp.negative(x))
        xp.exp(y, out=y)
        y += 1
        return xp.reciprocal(y, out=y)

    vjp = lambda g, y, _: (g.sigmoid_backward(y),)


class SigmoidBackward(Elementwise):
    """g * y * (1 - y), the gradient of sigmoid by its output y."""

    latex, kernel, cases = r"{0}\,{1}\,(1 - {1})", "a * b * (1 - b)", (Case(((3, 4), (3, 4))),)
    forward = lambda xp, g, y: g * (y - y * y)
    vjp = lambda h, _, g, y: (lambda: h.sigmoid_backward(y), lambda: h * g * (1 - y * 2))


class Gelu(Elementwise):
    """x times the chance that a normal number is below x; `approximate="tanh"` is the faster formula.

    >>> F.gelu(engine.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.1587,  0.0000,  1.9545])
    """

    latex, kernel, cases = (
        r"{0}\,\Phi({0})",
        "0.5 * a * (1 + erf(a / sqrt(2)))",
        (*ONE, Case(((3, 4),), {"approximate": "tanh"})),
    )
    bind = lambda input, *, approximate="none": _approximation(input, approximate)

    @staticmethod
    def forward(xp: Any, x: Any, *, approximate: str = "none") -> Any:
        if approximate == "tanh":
            return 0.5 * x * (1 + xp.tanh(_GELU_SCALE * (x + 0.044715 * x * x * x)))
        from_erf = Erf.forward(xp, x * math.sqrt(0.5))
        return 0.5 * x * (1 + from_erf)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, *, approximate: str = "none") -> Any:
        if approximate == "tanh":
            t = ((x + x * x * x * 0.044715) * _GELU_SCALE).tanh()
            inner = (x * x * (3 * 0.044715) + 1) * _GELU_SCALE
            return (g * ((t + 1) * 0.5 + x * 0.5 * (1 - t * t) * inner),)
        bell = (x * x * -0.5).exp() * (1 / math.sqrt(2 * math.pi))
        return (g * (((x * math.sqrt(0.5)).erf() + 1) * 0.5 + x * bell),)


def _approximation(x: Any, approximate: str) -> Any:
    if approximate not in ("none", "tanh"):
        raise ArgumentError("gelu", 'approximate "none" or "tanh"', repr(approximate))
    return (x,), {"approximate": approximate}


_GELU_SCALE = math.sqrt(2 / math.pi)


class Silu(Elementwise):
    """x * sigmoid(x), also called swish.

    >>> F.silu(engine.tensor([-1.0, 0.0, 2.0]))
    tensor([-0.2689,  0.0000,  1.7616])
    """

    latex, kernel, cases = r"{0}\,\sigma({0})", "a / (1 + exp(-a))", ONE
    forward = lambda xp, x: x / (1 + xp.exp(-x))

    @staticmethod
    def vjp(g: Any, _: Any, x: Any) -> Any:
        s = x.sigmoid()
        return (g * (s + x * s * (1 - s)),)


class Softplus(Elementwise):
    """ln(1 + e**(beta x)) / beta: a smooth ReLU, linear above the threshold.

    >>> F.softplus(engine.tensor([-1.0, 0.0, 30.0]))
    tensor([ 0.3133,  0.6931, 30.0000])
    """

    latex, kernel, cases = r"\ln(1 + e^{{{0}}})", "log1p(exp(beta * a)) / beta", (*ONE, Case(((3, 4),), {"beta": 2.0}))
    bind = lambda input, beta=1.0, threshold=20.0: ((input,), {"beta": beta, "threshold": threshold})

    @staticmethod
    def forward(xp: Any, x: Any, *, beta: float = 1.0, threshold: float = 20.0) -> Any:
        z = x * beta
        return xp.where(z > threshold, x, xp.log1p(xp.exp(xp.minimum(z, threshold))) / beta)

    vjp = lambda g, _, x, *, beta=1.0, threshold=20.0: ((x * beta > threshold).choose(g, g * (x * beta).sigmoid()),)


def below_largest(xp: Any, x: Any, dim: int) -> Any:
    """A new array: x less its largest number along an axis, so that no exponential overflows."""
    if not x.size:
        return x.copy()
    below = x - (np.maximum.reduce(x, axis=dim, keepdims=True) if xp is np else x.max(axis=dim, keepdims=True))
    return below if x.ndim else xp.asarray(below)


class Softmax(Op):
    """Positive numbers that sum to 1 along `dim`: e**x, divided by its sum.

    >>> engine.softmax(engine.tensor([0.0, 1.0, 2.0]), 0)
    tensor([0.0900, 0.2447, 0.6652])
    """

    latex, promotion = r"\operatorname{{softmax}}({0})", "float"
    cases = (Case(((3, 4),), {"dim": 1}), Case(((2, 3, 4),), {"dim": 1}))

    @staticmethod
    def bind(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Call:
        x = input if dtype is None else input.to(dtype)
        return (x,), {"dim": _usual_dim("softmax", x, dim)}

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: int) -> Any:
        e = below_largest(xp, x, dim)
        xp.exp(e, out=e)
        e /= xp.add.reduce(e, axis=dim, keepdims=True)
        return e

    @staticmethod
    def infer(x: Any, *, dim: int) -> Abstract:
        axis_of("softmax", dim, x.ndim)
        return Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, y: Any, _: Any, *, dim: int) -> Any:
        gy = g * y
        return (gy - y * gy.sum(dim, True),)


class LogSoftmax(Op):
    """The logarithm of softmax, computed without overflow.

    >>> engine.log_softmax(engine.tensor([0.0, 1.0, 2.0]), 0)
    tensor([-2.4076, -1.4076, -0.4076])
    """

    latex, promotion = r"\log\operatorname{{softmax}}({0})", "float"
    cases = (Case(((3, 4),), {"dim": 1}), Case(((2, 3, 4),), {"dim": 0}))

    @staticmethod
    def bind(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Call:
        x = input if dtype is None else input.to(dtype)
        return (x,), {"dim": _usual_dim("log_softmax", x, dim)}

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: int) -> Any:
        z = below_largest(xp, x, dim)
        z -= xp.log(xp.add.reduce(xp.exp(z), axis=dim, keepdims=True))
        return z

    @staticmethod
    def infer(x: Any, *, dim: int) -> Abstract:
        axis_of("log_softmax", dim, x.ndim)
        return Abstract(x.shape, x.dtype)

    vjp = lambda g, y, _, *, dim: (g - y.exp() * g.sum(dim, True),)


def _usual_dim(where: str, x: Any, dim: int | None) -> int:
    if dim is None:
        return 0 if x.ndim in (0, 1, 3) else 1
    return axis_of(where, dim, x.ndim)


@function
def softmin(input: Any, dim: int | None = None, _stacklevel: int = 3, dtype: Any = None) -> Any:
    """softmax of -x.

    >>> F.softmin(engine.tensor([0.0, 1.0]), 0)
    tensor([0.7311, 0.2689])
    """
    return (-input).softmax(dim, dtype=dtype)


@function
def mish(input: Any) -> Any:
    """x * tanh(softplus(x)).

    >>> F.mish(engine.tensor([-1.0, 2.0]))
    tensor([-0.3034,  1.9440])
    """
    return input * input.softplus().tanh()


@function
def softsign(input: Any) -> Any:
    """x / (1 + |x|).

    >>> F.softsign(engine.tensor([-1.0, 3.0]))
    tensor([-0.5000,  0.7500])
    """
    return input / (input.abs() + 1)


@function
def logsigmoid(input: Any) -> Any:
    """ln(sigmoid(x)), without underflow.

    >>> F.logsigmoid(engine.tensor([-100.0, 0.0]))
    tensor([-100.0000,   -0.6931])
    """
    return -((-input).softplus())


@function
def tanhshrink(input: Any) -> Any:
    """x - tanh(x).

    >>> F.tanhshrink(engine.tensor([-2.0, 2.0]))
    tensor([-1.0360,  1.0360])
    """
    return input - input.tanh()


@function
def glu(input: Any, dim: int = -1) -> Any:
    """The first half of `dim`, gated by the sigmoid of the second half.

    >>> F.glu(engine.tensor([1.0, 2.0, 0.0, 0.0]))
    tensor([0.5000, 1.0000])
    """
    if not input.ndim or input.shape[axis_of("glu", dim, input.ndim)] % 2:
        raise ShapeError("glu", "an even size of the axis that is halved", list(input.shape))
    first, second = input.chunk(2, dim)
    return first * second.sigmoid()
