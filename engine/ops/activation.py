"""Activation functions, each one op with a lean rule, and softmax."""

from __future__ import annotations

import math
from typing import Any

from engine.array import Abstract
from engine.ops.elementwise import ONE
from engine.ops.function import Erf
from engine.ops.op import Case, Elementwise, Op, Rule, axis_of, function

Call = tuple[tuple[Any, ...], dict[str, Any]]
AWAY = (Case(((3, 4),), low=0.1, high=2.0), Case(((3, 4),), low=-2.0, high=-0.1), Case(((),)))


class Tanh(Elementwise):
    """The hyperbolic tangent: squashes numbers into (-1, 1)."""

    latex, kernel, promotion, cases = r"\tanh({0})", "tanh(a)", "float", ONE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.tanh(x)

    @staticmethod
    def vjp(g: Any, y: Any, _: Any) -> Rule:
        return (g.tanh_backward(y),)


class TanhBackward(Elementwise):
    """g * (1 - y**2), the gradient of tanh by its output y."""

    latex, kernel, cases = r"{0}\,(1 - {1}^2)", "a * (1 - b * b)", (Case(((3, 4), (3, 4))),)

    @staticmethod
    def forward(xp: Any, g: Any, y: Any) -> Any:
        return g - g * (y * y)

    @staticmethod
    def vjp(h: Any, _: Any, g: Any, y: Any) -> Rule:
        return lambda: h.tanh_backward(y), lambda: h * g * y * -2


class Sigmoid(Elementwise):
    """1 / (1 + e**-x): squashes numbers into (0, 1)."""

    latex, kernel, promotion, cases = r"\sigma({0})", "1 / (1 + exp(-a))", "float", ONE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.tanh(x * 0.5) * 0.5 + 0.5

    @staticmethod
    def vjp(g: Any, y: Any, _: Any) -> Rule:
        return (g.sigmoid_backward(y),)


class SigmoidBackward(Elementwise):
    """g * y * (1 - y), the gradient of sigmoid by its output y."""

    latex, kernel, cases = r"{0}\,{1}\,(1 - {1})", "a * b * (1 - b)", (Case(((3, 4), (3, 4))),)

    @staticmethod
    def forward(xp: Any, g: Any, y: Any) -> Any:
        return g * (y - y * y)

    @staticmethod
    def vjp(h: Any, _: Any, g: Any, y: Any) -> Rule:
        return lambda: h.sigmoid_backward(y), lambda: h * g * (1 - y * 2)


class Relu(Elementwise):
    """max(0, x); its slope at 0 counts as 0."""

    latex, kernel, cases = r"\max(0, {0})", "a if a > 0 else 0", AWAY

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.maximum(x, 0)

    @staticmethod
    def vjp(g: Any, y: Any, _: Any) -> Rule:
        return (g.relu_backward(y),)


class ReluBackward(Elementwise):
    """g where the output y of a ReLU is positive, else 0."""

    latex, kernel, cases = r"[{1} > 0]\,{0}", "a if b > 0 else 0", (Case(((3, 4), (3, 4))),)

    @staticmethod
    def forward(xp: Any, g: Any, y: Any) -> Any:
        return g * (y > 0)

    @staticmethod
    def vjp(h: Any, _: Any, __: Any, y: Any) -> Rule:
        return lambda: h.relu_backward(y), None


class LeakyRelu(Elementwise):
    """x where it is positive, else a small multiple of it."""

    latex, kernel = r"\operatorname{{leaky}}({0})", "a if a > 0 else negative_slope * a"
    cases = (*AWAY, Case(((3, 4),), {"negative_slope": 0.2}))

    @staticmethod
    def bind(x: Any, negative_slope: float = 0.01) -> Call:
        return (x,), {"negative_slope": negative_slope}

    @staticmethod
    def forward(xp: Any, x: Any, *, negative_slope: float = 0.01) -> Any:
        return xp.where(x > 0, x, x * negative_slope)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, *, negative_slope: float = 0.01) -> Rule:
        return ((x > 0).choose(g, g * negative_slope),)


class Elu(Elementwise):
    """x where it is positive, else alpha * (e**x - 1)."""

    latex, kernel = r"\operatorname{{elu}}({0})", "a if a > 0 else alpha * expm1(a)"
    cases = (*AWAY, Case(((3, 4),), {"alpha": 1.5}, -2.0, -0.1))

    @staticmethod
    def bind(x: Any, alpha: float = 1.0) -> Call:
        return (x,), {"alpha": alpha}

    @staticmethod
    def forward(xp: Any, x: Any, *, alpha: float = 1.0) -> Any:
        return xp.where(x > 0, x, xp.expm1(xp.minimum(x, 0)) * alpha)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, *, alpha: float = 1.0) -> Rule:
        return ((x > 0).choose(g, g * x.clamp(max=0).exp() * alpha),)


class Gelu(Elementwise):
    """x times the chance that a normal number is below x; `approximate="tanh"` is the faster formula."""

    latex, kernel, cases = (
        r"{0}\,\Phi({0})",
        "0.5 * a * (1 + erf(a / sqrt(2)))",
        (*ONE, Case(((3, 4),), {"approximate": "tanh"})),
    )

    @staticmethod
    def bind(x: Any, approximate: str = "none") -> Call:
        return (x,), {"approximate": approximate}

    @staticmethod
    def forward(xp: Any, x: Any, *, approximate: str = "none") -> Any:
        if approximate == "tanh":
            return 0.5 * x * (1 + xp.tanh(_GELU_SCALE * (x + 0.044715 * x * x * x)))
        from_erf = Erf.forward(xp, x * math.sqrt(0.5))
        return 0.5 * x * (1 + from_erf)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, *, approximate: str = "none") -> Rule:
        if approximate == "tanh":
            t = ((x + x * x * x * 0.044715) * _GELU_SCALE).tanh()
            inner = (x * x * (3 * 0.044715) + 1) * _GELU_SCALE
            return (g * ((t + 1) * 0.5 + x * 0.5 * (1 - t * t) * inner),)
        bell = (x * x * -0.5).exp() * (1 / math.sqrt(2 * math.pi))
        return (g * (((x * math.sqrt(0.5)).erf() + 1) * 0.5 + x * bell),)


_GELU_SCALE = math.sqrt(2 / math.pi)


class Silu(Elementwise):
    """x * sigmoid(x), also called swish."""

    latex, kernel, cases = r"{0}\,\sigma({0})", "a / (1 + exp(-a))", ONE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return x * (xp.tanh(x * 0.5) * 0.5 + 0.5)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any) -> Rule:
        s = x.sigmoid()
        return (g * (s + x * s * (1 - s)),)


class Softplus(Elementwise):
    """ln(1 + e**(beta x)) / beta: a smooth ReLU, linear above the threshold."""

    latex, kernel, cases = r"\ln(1 + e^{{{0}}})", "log1p(exp(beta * a)) / beta", (*ONE, Case(((3, 4),), {"beta": 2.0}))

    @staticmethod
    def bind(x: Any, beta: float = 1.0, threshold: float = 20.0) -> Call:
        return (x,), {"beta": beta, "threshold": threshold}

    @staticmethod
    def forward(xp: Any, x: Any, *, beta: float = 1.0, threshold: float = 20.0) -> Any:
        z = x * beta
        return xp.where(z > threshold, x, xp.log1p(xp.exp(xp.minimum(z, threshold))) / beta)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, *, beta: float = 1.0, threshold: float = 20.0) -> Rule:
        return ((x * beta > threshold).choose(g, g * (x * beta).sigmoid()),)


class Hardtanh(Elementwise):
    """x, held between `min_val` and `max_val`."""

    latex, kernel = r"\operatorname{{hardtanh}}({0})", "min_val if a < min_val else max_val if a > max_val else a"
    cases = (Case(((3, 4),)), Case(((3, 4),), {"min_val": -0.5, "max_val": 1.5}))

    @staticmethod
    def bind(x: Any, min_val: float = -1.0, max_val: float = 1.0) -> Call:
        return (x,), {"min_val": min_val, "max_val": max_val}

    @staticmethod
    def forward(xp: Any, x: Any, *, min_val: float = -1.0, max_val: float = 1.0) -> Any:
        return xp.clip(x, min_val, max_val)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, *, min_val: float = -1.0, max_val: float = 1.0) -> Rule:
        return (((x > min_val) & (x < max_val)).choose(g, 0.0),)


class Softmax(Op):
    """Positive numbers that sum to 1 along `dim`: e**x, divided by its sum."""

    latex, promotion = r"\operatorname{{softmax}}({0})", "float"
    cases = (Case(((3, 4),), {"dim": 1}), Case(((2, 3, 4),), {"dim": 1}))

    @staticmethod
    def bind(x: Any, dim: int | None = None, dtype: Any = None) -> Call:
        x = x if dtype is None else x.to(dtype)
        return (x,), {"dim": _usual_dim("softmax", x, dim)}

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: int) -> Any:
        e = xp.exp(x - x.max(axis=dim, keepdims=True)) if x.size else x.copy()
        e /= e.sum(axis=dim, keepdims=True)
        return e

    @staticmethod
    def infer(x: Any, *, dim: int) -> Abstract:
        axis_of("softmax", dim, x.ndim)
        return Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, y: Any, _: Any, *, dim: int) -> Rule:
        gy = g * y
        return (gy - y * gy.sum(dim, True),)


class LogSoftmax(Op):
    """The logarithm of softmax, computed without overflow."""

    latex, promotion = r"\log\operatorname{{softmax}}({0})", "float"
    cases = (Case(((3, 4),), {"dim": 1}), Case(((2, 3, 4),), {"dim": 0}))

    @staticmethod
    def bind(x: Any, dim: int | None = None, dtype: Any = None) -> Call:
        x = x if dtype is None else x.to(dtype)
        return (x,), {"dim": _usual_dim("log_softmax", x, dim)}

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: int) -> Any:
        z = x - x.max(axis=dim, keepdims=True) if x.size else x.copy()
        z -= xp.log(xp.exp(z).sum(axis=dim, keepdims=True))
        return z

    @staticmethod
    def infer(x: Any, *, dim: int) -> Abstract:
        axis_of("log_softmax", dim, x.ndim)
        return Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, y: Any, _: Any, *, dim: int) -> Rule:
        return (g - y.exp() * g.sum(dim, True),)


def _usual_dim(where: str, x: Any, dim: int | None) -> int:
    if dim is None:
        return 0 if x.ndim in (0, 1, 3) else 1
    return axis_of(where, dim, x.ndim)


@function
def selu(x: Any) -> Any:
    """The ELU whose outputs keep mean 0 and variance 1."""
    return x.elu(1.6732632423543772848170429916717) * 1.0507009873554804934193349852946


@function
def mish(x: Any) -> Any:
    """x * tanh(softplus(x))."""
    return x * x.softplus().tanh()


@function
def softsign(x: Any) -> Any:
    """x / (1 + |x|)."""
    return x / (x.abs() + 1)


@function
def relu6(x: Any) -> Any:
    """max(0, x), at most 6."""
    return x.hardtanh(0.0, 6.0)


@function
def hardsigmoid(x: Any) -> Any:
    """A straight-line sigmoid: (x + 3) / 6, held between 0 and 1."""
    return (x + 3).hardtanh(0.0, 6.0) / 6


@function
def hardswish(x: Any) -> Any:
    """x * hardsigmoid(x)."""
    return x * (x + 3).hardtanh(0.0, 6.0) / 6


@function
def logsigmoid(x: Any) -> Any:
    """ln(sigmoid(x)), without underflow."""
    return -((-x).softplus())


@function
def tanhshrink(x: Any) -> Any:
    """x - tanh(x)."""
    return x - x.tanh()


@function
def softmin(x: Any, dim: int | None = None) -> Any:
    """softmax of -x."""
    return (-x).softmax(dim)


@function
def prelu(x: Any, weight: Any) -> Any:
    """A leaky ReLU whose slope is learned, one for all channels or one each (axis 1)."""
    if weight.numel() > 1 and x.ndim > 1:
        weight = weight.reshape((1, -1) + (1,) * (x.ndim - 2))
    return (x > 0).choose(x, x * weight)


@function
def glu(x: Any, dim: int = -1) -> Any:
    """The first half of `dim`, gated by the sigmoid of the second half."""
    first, second = x.chunk(2, dim)
    return first * second.sigmoid()


@function
def celu(input: Any, alpha: float = 1.0) -> Any:
    """x, or alpha * (e**(x / alpha) - 1) where x is negative.

    >>> F.celu(engine.tensor([-1.0, 1.0]), 2.0)
    tensor([-0.7869,  1.0000])
    """
    return (input * (1.0 / alpha)).elu() * alpha
