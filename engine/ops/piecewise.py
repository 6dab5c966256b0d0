"""Activation functions made of pieces: the ReLU and its relatives, shrinkage, straight-line sigmoids."""

from __future__ import annotations

from typing import Any

from engine.array import Abstract
from engine.errors import ArgumentError, ShapeError
from engine.ops.op import Case, Elementwise, Op, function
from engine.rng import Generator, default_generator, hashed

AWAY = (Case(((3, 4),), low=0.1, high=2.0), Case(((3, 4),), low=-2.0, high=-0.1), Case(((),)))


class Relu(Elementwise):
    """max(0, x); its slope at 0 counts as 0.

    >>> engine.relu(engine.tensor([-1.0, 2.0]))
    tensor([0., 2.])
    """

    latex, kernel, cases = r"\max(0, {0})", "a if a > 0 else 0", AWAY
    forward = lambda xp, x: xp.maximum(x, 0)
    vjp = lambda g, y, _: (g.relu_backward(y),)


class ReluBackward(Elementwise):
    """g where the output y of a ReLU is positive, else 0."""

    latex, kernel, cases = r"[{1} > 0]\,{0}", "a if b > 0 else 0", (Case(((3, 4), (3, 4))),)
    forward = lambda xp, g, y: g * (y > 0)
    vjp = lambda h, _, __, y: (lambda: h.relu_backward(y), None)


class LeakyRelu(Elementwise):
    """x where it is positive, else a small multiple of it.

    >>> F.leaky_relu(engine.tensor([-1.0, 2.0]))
    tensor([-0.0100,  2.0000])
    """

    latex, kernel = r"\operatorname{{leaky}}({0})", "a if a > 0 else negative_slope * a"
    cases = (*AWAY, Case(((3, 4),), {"negative_slope": 0.2}))
    bind = lambda input, negative_slope=0.01: ((input,), {"negative_slope": negative_slope})
    forward = lambda xp, x, *, negative_slope=0.01: xp.where(x > 0, x, x * negative_slope)
    vjp = lambda g, _, x, *, negative_slope=0.01: ((x > 0).choose(g, g * negative_slope),)


class Elu(Elementwise):
    """x where it is positive, else alpha * (e**x - 1).

    >>> F.elu(engine.tensor([-1.0, 2.0]))
    tensor([-0.6321,  2.0000])
    """

    latex, kernel = r"\operatorname{{elu}}({0})", "a if a > 0 else alpha * expm1(a)"
    cases = (*AWAY, Case(((3, 4),), {"alpha": 1.5}, -2.0, -0.1))
    bind = lambda input, alpha=1.0: ((input,), {"alpha": alpha})
    forward = lambda xp, x, *, alpha=1.0: xp.where(x > 0, x, xp.expm1(xp.minimum(x, 0)) * alpha)
    vjp = lambda g, _, x, *, alpha=1.0: ((x > 0).choose(g, g * (-((-x).relu())).exp() * alpha),)


class Hardtanh(Elementwise):
    """x, held between `min_val` and `max_val`.

    >>> F.hardtanh(engine.tensor([-3.0, 0.5, 2.0]))
    tensor([-1.0000,  0.5000,  1.0000])
    """

    latex, kernel = r"\operatorname{{hardtanh}}({0})", "min_val if a < min_val else max_val if a > max_val else a"
    cases = (Case(((3, 4),)), Case(((3, 4),), {"min_val": -0.5, "max_val": 1.5}))
    bind = lambda input, min_val=-1.0, max_val=1.0: _bounds(input, min_val, max_val)
    forward = lambda xp, x, *, min_val=-1.0, max_val=1.0: xp.clip(x, min_val, max_val)
    vjp = lambda g, _, x, *, min_val=-1.0, max_val=1.0: (((x > min_val) & (x < max_val)).choose(g, 0.0),)


def _bounds(x: Any, min_val: float, max_val: float) -> Any:
    if min_val > max_val:
        raise ArgumentError("hardtanh", "min_val below max_val", f"{min_val} and {max_val}")
    if not x.is_floating_point():
        min_val, max_val = int(min_val), int(max_val)
    return (x,), {"min_val": min_val, "max_val": max_val}


@function
def selu(input: Any) -> Any:
    """The ELU whose outputs keep mean 0 and variance 1.

    >>> F.selu(engine.tensor([-1.0, 2.0]))
    tensor([-1.1113,  2.1014])
    """
    return input.elu(1.6732632423543772848170429916717) * 1.0507009873554804934193349852946


@function
def celu(input: Any, alpha: float = 1.0) -> Any:
    """x where it is positive, else alpha * (e**(x / alpha) - 1): an ELU without a kink.

    >>> F.celu(engine.tensor([-1.0, 2.0]), 2.0)
    tensor([-0.7869,  2.0000])
    """
    if alpha == 0:
        raise ArgumentError("celu", "an alpha other than 0", alpha)
    return (input / alpha).elu() * alpha if alpha > 0 else -((input / alpha).elu() * -alpha)


@function
def relu6(input: Any) -> Any:
    """max(0, x), at most 6.

    >>> F.relu6(engine.tensor([-1.0, 2.0, 8.0]))
    tensor([0., 2., 6.])
    """
    return input.hardtanh(0.0, 6.0)


@function
def hardsigmoid(input: Any) -> Any:
    """A straight-line sigmoid: (x + 3) / 6, held between 0 and 1.

    >>> F.hardsigmoid(engine.tensor([-4.0, 0.0, 1.0]))
    tensor([0.0000, 0.5000, 0.6667])
    """
    return (input + 3).hardtanh(0.0, 6.0) / 6


@function
def hardswish(input: Any) -> Any:
    """x * hardsigmoid(x).

    >>> F.hardswish(engine.tensor([-4.0, 1.0, 4.0]))
    tensor([-0.0000, 0.6667, 4.0000])
    """
    return input * (input + 3).hardtanh(0.0, 6.0) / 6


@function
def hardshrink(input: Any, lambd: float = 0.5) -> Any:
    """x, but 0 where it is closer to 0 than lambd.

    >>> engine.hardshrink(engine.tensor([-1.0, 0.2, 2.0]))
    tensor([-1.,  0.,  2.])
    """
    return ((input >= -lambd) & (input <= lambd)).choose(0.0, input)


@function
def softshrink(input: Any, lambd: float = 0.5) -> Any:
    """x moved towards 0 by lambd, and 0 where it is closer than that.

    >>> F.softshrink(engine.tensor([-1.0, 0.2, 2.0]))
    tensor([-0.5000,  0.0000,  1.5000])
    """
    if lambd < 0:
        raise ArgumentError("softshrink", "lambd from 0 on", lambd)
    return (input > lambd).choose(input - lambd, (input < -lambd).choose(input + lambd, input * 0))


@function
def threshold(input: Any, threshold: float, value: float) -> Any:
    """x where it is above the threshold, else `value`.

    >>> engine.threshold(engine.tensor([-1.0, 0.2, 2.0]), 0.5, 9.0)
    tensor([9., 9., 2.])
    """
    return (input <= threshold).choose(value, input).to(input.dtype)


class RandomSlopes(Op):
    """Numbers drawn evenly between two others, in the shape of x; no gradient."""

    latex, promotion = r"U({lower}, {upper})", "none"
    infer = lambda x, *, lower, upper, seed, draw: Abstract(x.shape, x.dtype)

    @staticmethod
    def forward(xp: Any, x: Any, *, lower: float, upper: float, seed: int, draw: int) -> Any:
        share = hashed(xp, seed, draw, x.size).astype(xp.float64) / 2**32
        return (lower + share * (upper - lower)).astype(x.dtype).reshape(x.shape)


@function
def rrelu(
    input: Any,
    lower: float = 1 / 8,
    upper: float = 1 / 3,
    training: bool = False,
    *,
    generator: Generator | None = None,
) -> Any:
    """A leaky ReLU whose slope is drawn between two numbers while training, else their mean. B. Xu et al., 2015.

    >>> F.rrelu(engine.tensor([-4.8, 2.0]))
    tensor([-1.1000,  2.0000])
    """
    if not lower <= upper:
        raise ArgumentError("rrelu", f"lower at most upper, {upper}", lower)
    if not training:
        return input.leaky_relu((lower + upper) / 2)
    seed, draw = (generator or default_generator).draw()
    slopes = input.detach().random_slopes(lower=float(lower), upper=float(upper), seed=seed, draw=draw)
    return (input > 0).choose(input, input * slopes)


@function
def prelu(input: Any, weight: Any) -> Any:
    """A leaky ReLU whose slope is learned, one for all channels or one each (axis 1).

    >>> engine.prelu(engine.tensor([-1.0, 2.0]), engine.tensor([0.25]))
    tensor([-0.2500,  2.0000])
    """
    if weight.ndim > 1:
        raise ShapeError("prelu", "a weight of at most one axis", list(weight.shape))
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.numel() not in (1, channels):
        raise ShapeError("prelu", f"1 weight or {channels}, one for each channel", weight.numel())
    weight = weight.reshape((1, -1) + (1,) * (input.ndim - 2) if weight.numel() > 1 else ())
    return (input > 0).choose(input, input * weight)
