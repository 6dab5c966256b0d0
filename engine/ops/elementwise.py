"""Arithmetic: operations that work number by number, with broadcasting."""

from __future__ import annotations

import builtins
import math
from typing import Any

from engine.array import Abstract
from engine.errors import ArgumentError, DTypeError, OperandError
from engine.ops.op import Case, Elementwise, Op, broadcast, dtype_of_all, function

PAIR = (Case(((3, 4), (3, 4))), Case(((3, 4), (4,))), Case(((3, 1), (2, 1, 4))), Case(((), (3,))))
ONE = (Case(((3, 4),)), Case(((),)), Case(((0, 3),)))
POSITIVE = (Case(((3, 4),), low=0.5, high=3.0),)
INSIDE = (Case(((3, 4),), low=-0.9, high=0.9),)
Call = tuple[tuple[Any, ...], dict[str, Any]]


def two_tensors(input: Any, other: Any) -> Call:
    """The operands of an op that takes no numbers."""
    return _checked(input, other, "two tensors", hasattr(input, "shape") and hasattr(other, "shape"))


def then_number(input: Any, other: Any) -> Call:
    """The operands of an op whose second operand may be a number."""
    return _checked(input, other, "a tensor first", hasattr(input, "shape"))


def one_tensor(input: Any, other: Any) -> Call:
    """The operands of an op of which one may be a number."""
    return _checked(input, other, "at least one tensor", hasattr(input, "shape") or hasattr(other, "shape"))


def _checked(a: Any, b: Any, wanted: str, fine: bool) -> Call:
    if not fine:
        raise OperandError("operands", wanted, f"{type(a).__name__} and {type(b).__name__}")
    return (a, b), {}


def _weighed(where: str, input: Any, other: Any, alpha: Any) -> Call:
    """The operands of a sum, the second one times alpha."""
    if alpha.__class__ is int and alpha == 1:
        return (input, other), {}
    rank = max(_rank(input), _rank(other))
    if _rank(alpha) > max(rank, 1) or (isinstance(alpha, bool) and rank > 0):
        raise DTypeError(f"{where}(alpha=)", "a number of the kind of the tensors", alpha)
    return (input, other * alpha if rank else (other * alpha).to("bool")), {}


def _rank(value: Any) -> int:
    """0, 1 or 2 for truth values, whole numbers, floats: a tensor's or a number's."""
    if hasattr(value, "shape"):
        return {"b": 0, "f": 2}.get(str(value.array.dtype.kind), 1)
    return 0 if isinstance(value, bool) else 1 if isinstance(value, int) else 2


class Add(Elementwise):
    """The sum of two tensors: input + alpha * other.

    >>> engine.add(engine.tensor([1.0, 2.0]), 10)
    tensor([11., 12.])
    """

    latex, kernel, jvp, cases = r"{0} + {1}", "a + b", "linear", PAIR
    bind = lambda input, other, *, alpha=1: _weighed("add", input, other, alpha)
    forward = lambda xp, a, b: a + b
    vjp = lambda g, _, __, ___: (g, g)


class Sub(Elementwise):
    """The difference of two tensors: input - alpha * other.

    >>> engine.sub(engine.tensor([1.0, 2.0]), 1, alpha=2)
    tensor([-1.,  0.])
    """

    latex, kernel, jvp, cases = r"{0} - {1}", "a - b", "linear", PAIR
    bind = lambda input, other, *, alpha=1: _weighed("sub", input, other, alpha)
    forward = lambda xp, a, b: a - b
    vjp = lambda g, _, __, ___: (g, lambda: -g)


class Mul(Elementwise):
    """The product of two tensors.

    >>> engine.mul(engine.tensor([1.0, 2.0]), engine.tensor([3.0, 4.0]))
    tensor([3., 8.])
    """

    latex, kernel, jvp, cases = r"{0} \cdot {1}", "a * b", "multilinear", PAIR
    forward = lambda xp, a, b: a * b
    vjp = lambda g, _, a, b: (lambda: g * b, lambda: g * a)


class Div(Elementwise):
    """The quotient of two tensors; integers give floats."""

    latex, kernel, promotion = r"\frac{{{0}}}{{{1}}}", "a / b", "float"
    cases = (Case(((3, 4), (3, 4)), low=0.5, high=2.0), Case(((3, 4), (4,)), low=-2.0, high=-0.5))
    forward = lambda xp, a, b: xp.true_divide(a, b)
    vjp = lambda g, _, a, b: (lambda: g / b, lambda: -g * (a / b) / b)


class Neg(Elementwise):
    """The negative.

    >>> engine.neg(engine.tensor([1.0, -2.0]))
    tensor([-1.,  2.])
    """

    latex, kernel, jvp, cases = r"-{0}", "-a", "linear", ONE
    forward = lambda xp, x: xp.negative(x)
    vjp = lambda g, _, __: (-g,)


class Pow(Elementwise):
    """A power; base and exponent may both be tensors or numbers.

    >>> engine.pow(engine.tensor([1.0, 2.0, 3.0]), 2)
    tensor([1., 4., 9.])
    """

    latex, kernel = r"{0}^{{{1}}}", "pow(a, b)"
    bind = lambda input, exponent: one_tensor(input, exponent)
    cases = (Case(((3, 4), (3, 4)), low=0.5, high=2.0), Case(((3, 4), (4,)), low=0.5, high=2.0))
    vjp = lambda g, y, a, b: (lambda: g * _slope_of_base(a, b), lambda: g * _slope_of_exponent(y, a, b))

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        if dtype_of_all(a, b).kind in "iu":
            return _whole_power(xp, a, b)
        return xp.power(a, b)


def _whole_power(xp: Any, a: Any, b: Any) -> Any:
    """Powers of whole numbers: to a negative power 1 stays 1, -1 becomes 1 or -1, all else 0."""
    if isinstance(b, int) and b < 0:
        raise DTypeError("pow", "a float, or an exponent from 0 on", b, "Convert the base first: x.float().")
    below = xp.asarray(b) < 0
    if not below.any():
        return xp.power(a, b)
    odd = xp.where(xp.asarray(b) % 2 == 0, 1, a)
    return xp.where(below, xp.where(xp.abs(a) == 1, odd, 0), xp.power(a, xp.where(below, 0, b)))


def _slope_of_base(a: Any, b: Any) -> Any:
    """b * a ** (b - 1), and 0 where b is 0 (also for a = 0)."""
    if isinstance(b, int | float):
        return a * 2 if b == 2 else b * a ** (b - 1) if b != 0 else a * 0
    return (b == 0).choose(0.0, b * a ** (b - 1))


def _slope_of_exponent(y: Any, a: Any, b: Any) -> Any:
    """y * ln(a), and 0 where a is 0 and b is not negative; NaN for a negative base."""
    if isinstance(a, int | float):
        if a == 0:
            return y * (b < 0).choose(-math.inf, 0.0)
        return y * (math.log(a) if a > 0 else math.nan)
    quiet = (a == 0) & (b >= 0) if not isinstance(b, int | float) else (a == 0)
    return quiet.choose(0.0, y * quiet.choose(1.0, a).log())


class Maximum(Elementwise):
    """The larger of two numbers; a tie shares the gradient.

    >>> engine.maximum(engine.tensor([1.0, 5.0]), engine.tensor([3.0, 4.0]))
    tensor([3., 5.])
    """

    latex, kernel, cases = r"\max({0}, {1})", "a if a > b else b", PAIR
    bind = two_tensors
    forward = lambda xp, a, b: xp.maximum(a, b)
    vjp = lambda g, _, a, b: (_shared(g, a, b, a > b), _shared(g, a, b, a < b))


class Minimum(Elementwise):
    """The smaller of two numbers; a tie shares the gradient.

    >>> engine.minimum(engine.tensor([1.0, 5.0]), engine.tensor([3.0, 4.0]))
    tensor([1., 4.])
    """

    latex, kernel, cases = r"\min({0}, {1})", "a if a < b else b", PAIR
    bind = two_tensors
    forward = lambda xp, a, b: xp.minimum(a, b)
    vjp = lambda g, _, a, b: (_shared(g, a, b, a < b), _shared(g, a, b, a > b))


def _shared(g: Any, a: Any, b: Any, won: Any) -> Any:
    return (a == b).choose(g / 2, won.choose(g, 0.0))


class Fmax(Elementwise):
    """The larger of two numbers; of a number and NaN the number.

    >>> engine.fmax(engine.tensor([1.0, float("nan")]), engine.tensor([3.0, 4.0]))
    tensor([3., 4.])
    """

    latex, kernel, cases = r"\operatorname{{fmax}}({0}, {1})", "fmax(a, b)", PAIR
    bind = two_tensors
    forward = lambda xp, a, b: xp.fmax(a, b)

    @staticmethod
    def vjp(g: Any, _: Any, a: Any, b: Any) -> Any:
        first = (a >= b) | (b != b)
        return first.choose(g, 0.0), first.choose(0.0, g)


class Fmin(Elementwise):
    """The smaller of two numbers; of a number and NaN the number.

    >>> engine.fmin(engine.tensor([1.0, float("nan")]), engine.tensor([3.0, 4.0]))
    tensor([1., 4.])
    """

    latex, kernel, cases = r"\operatorname{{fmin}}({0}, {1})", "fmin(a, b)", PAIR
    bind = two_tensors
    forward = lambda xp, a, b: xp.fmin(a, b)

    @staticmethod
    def vjp(g: Any, _: Any, a: Any, b: Any) -> Any:
        first = (a <= b) | (b != b)
        return first.choose(g, 0.0), first.choose(0.0, g)


class Where(Op):
    """`a` where the condition holds, else `b`."""

    latex, kernel, promotion = r"[{0}]\,{1} + [\lnot {0}]\,{2}", "b if a else c", "tail"
    cases = (Case((("bool", (3, 4)), (3, 4), (4,))), Case((("bool", (3, 1)), (), (3, 4))))
    jvp = "elementwise"
    forward = lambda xp, condition, a, b: xp.where(condition, a, b)
    infer = lambda condition, a, b: Abstract(broadcast("where", condition, a, b), dtype_of_all(a, b))
    vjp = lambda g, _, condition, __, ___: (None, lambda: condition.choose(g, 0.0), lambda: condition.choose(0.0, g))


class ClampBetween(Elementwise):
    """Numbers below `min` become `min`, above `max` become `max`; both are numbers."""

    latex, kernel = r"\operatorname{{clamp}}({0})", "min if a < min else max if a > max else a"
    cases = (
        Case(((3, 4),), {"min": -0.5, "max": 0.7}),
        Case(((3, 4),), {"min": 0.1}),
        Case(((3, 4),), {"max": 0.1}),
    )
    bind = lambda input, min=None, max=None: ((input,), {"min": min, "max": max})
    forward = lambda xp, x, *, min=None, max=None: xp.clip(x, min, max)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, *, min: Any = None, max: Any = None) -> Any:
        if min is not None:
            g = (x >= min).choose(g, 0.0)
        return (g if max is None else (x <= max).choose(g, 0.0),)


class ClampMin(Elementwise):
    """Numbers below `min` become `min`.

    >>> engine.clamp_min(engine.tensor([-1.0, 2.0]), 0.5)
    tensor([0.5000, 2.0000])
    """

    latex, kernel, cases = r"\max({0}, {1})", "a if a > b else b", PAIR
    bind = lambda input, min: ((input, min), {})
    forward = lambda xp, x, min: xp.maximum(x, min)
    vjp = lambda g, _, x, min: (lambda: (x >= min).choose(g, 0.0), lambda: (x < min).choose(g, 0.0))


class ClampMax(Elementwise):
    """Numbers above `max` become `max`.

    >>> engine.clamp_max(engine.tensor([-1.0, 2.0]), 0.5)
    tensor([-1.0000,  0.5000])
    """

    latex, kernel, cases = r"\min({0}, {1})", "a if a < b else b", PAIR
    bind = lambda input, max: ((input, max), {})
    forward = lambda xp, x, max: xp.minimum(x, max)
    vjp = lambda g, _, x, max: (lambda: (x <= max).choose(g, 0.0), lambda: (x > max).choose(g, 0.0))


@function
def clamp(input: Any, min: Any = None, max: Any = None) -> Any:
    """Numbers below `min` become `min`, above `max` become `max`; both may be tensors.

    >>> engine.clamp(engine.tensor([-2.0, 0.5, 2.0]), -1, 1)
    tensor([-1.0000,  0.5000,  1.0000])
    """
    if min is None and max is None:
        raise ArgumentError("clamp", "at least one of min and max", "neither")
    if not hasattr(min, "shape") and not hasattr(max, "shape"):
        if input.array.dtype.kind != "f":
            rank = builtins.max(_rank(b) for b in (min, max) if b is not None)
            input = input * 1.0 if rank == 2 else input * 1 if rank > _rank(input) else input
        return input.clamp_between(min, max)
    input = input if min is None else input.clamp_min(min)
    return input if max is None else input.clamp_max(max)


class Cast(Op):
    """The same numbers with another element type."""

    latex, jvp, promotion = r"{0}", "linear", "none"
    forward = lambda xp, x, *, dtype: x.astype(dtype)
    infer = lambda x, *, dtype: Abstract(x.shape, dtype)
    vjp = lambda g, _, x, *, dtype: (g,)


class Clone(Op):
    """A copy with its own memory.

    >>> engine.clone(engine.tensor([1.0]))
    tensor([1.])
    """

    latex, jvp, promotion, kernel, cases = r"{0}", "linear", "none", "a", ONE
    bind = lambda input, *, memory_format=None: ((input,), {})
    forward = lambda xp, x: x.copy()
    infer = lambda x: Abstract(x.shape, x.dtype)
    vjp = lambda g, _, __: (g,)


class Filled(Elementwise):
    """One number everywhere, in the shape of x; nothing of x is left, so its gradient is 0."""

    latex, promotion, kernel = r"{value}", "none", "value"
    cases = (Case(((3, 4),), {"value": 2.5}),)
    forward = lambda xp, x, *, value: xp.full_like(x, value)
    vjp = lambda g, _, __, *, value: (g * 0,)


class Lerp(Elementwise):
    """A point between two others: start + weight * (end - start).

    >>> engine.lerp(engine.tensor([0.0, 10.0]), engine.tensor([10.0, 20.0]), 0.5)
    tensor([ 5., 15.])
    """

    latex, kernel = r"{0} + {2} ({1} - {0})", "a + c * (b - a)"
    cases = (Case(((3, 4), (3, 4), (3, 4))), Case(((3, 4), (4,), ())))
    bind = lambda input, end, weight: ((input, end, weight), {})
    forward = lambda xp, start, end, weight: start + weight * (end - start)
    vjp = lambda g, _, start, end, weight: (
        lambda: g * (1 - weight),
        lambda: g * weight,
        lambda: g * (end - start),
    )
