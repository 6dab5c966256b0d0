"""Arithmetic and its like: operations that work number by number, with broadcasting."""

from __future__ import annotations

import math
from typing import Any

from engine.array import Abstract
from engine.ops.op import BOOL, Case, Elementwise, Op, Rule, broadcast, dtype_of_all, function

PAIR = (Case(((3, 4), (3, 4))), Case(((3, 4), (4,))), Case(((3, 1), (2, 1, 4))), Case(((), (3,))))
ONE = (Case(((3, 4),)), Case(((),)), Case(((0, 3),)))
POSITIVE = (Case(((3, 4),), low=0.5, high=3.0),)
INSIDE = (Case(((3, 4),), low=-0.9, high=0.9),)


class Add(Elementwise):
    """The sum of two tensors."""

    latex, kernel, jvp, cases = r"{0} + {1}", "a + b", "linear", PAIR

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return a + b

    @staticmethod
    def vjp(g: Any, _: Any, __: Any, ___: Any) -> Rule:
        return g, g


class Sub(Elementwise):
    """The difference of two tensors."""

    latex, kernel, jvp, cases = r"{0} - {1}", "a - b", "linear", PAIR

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return a - b

    @staticmethod
    def vjp(g: Any, _: Any, __: Any, ___: Any) -> Rule:
        return g, lambda: -g


class Mul(Elementwise):
    """The product of two tensors."""

    latex, kernel, jvp, cases = r"{0} \cdot {1}", "a * b", "multilinear", PAIR

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return a * b

    @staticmethod
    def vjp(g: Any, _: Any, a: Any, b: Any) -> Rule:
        return lambda: g * b, lambda: g * a


class Div(Elementwise):
    """The quotient of two tensors; integers give floats."""

    latex, kernel, promotion = r"\frac{{{0}}}{{{1}}}", "a / b", "float"
    cases = (Case(((3, 4), (3, 4)), low=0.5, high=2.0), Case(((3, 4), (4,)), low=-2.0, high=-0.5))

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.true_divide(a, b)

    @staticmethod
    def vjp(g: Any, y: Any, _: Any, b: Any) -> Rule:
        return lambda: g / b, lambda: -g * y / b


class Neg(Elementwise):
    """The negative."""

    latex, kernel, jvp, cases = r"-{0}", "-a", "linear", ONE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.negative(x)

    @staticmethod
    def vjp(g: Any, _: Any, __: Any) -> Rule:
        return (-g,)


class Pow(Elementwise):
    """A power; base and exponent may both be tensors or numbers."""

    latex, kernel = r"{0}^{{{1}}}", "pow(a, b)"
    cases = (Case(((3, 4), (3, 4)), low=0.5, high=2.0), Case(((3, 4), (4,)), low=0.5, high=2.0))

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.power(a, b)

    @staticmethod
    def vjp(g: Any, y: Any, a: Any, b: Any) -> Rule:
        return lambda: g * _slope_of_base(a, b), lambda: g * _slope_of_exponent(y, a, b)


def _slope_of_base(a: Any, b: Any) -> Any:
    """b * a ** (b - 1), and 0 where b is 0 (also for a = 0)."""
    if isinstance(b, int | float):
        return a * 2 if b == 2 else b * a ** (b - 1) if b != 0 else a * 0
    return (b == 0).choose(0.0, b * a ** (b - 1))


def _slope_of_exponent(y: Any, a: Any, b: Any) -> Any:
    """y * ln(a), and 0 where a is 0 and b is not negative; NaN for a negative base."""
    if isinstance(a, int | float):
        return y * math.log(a) if a > 0 else y * (0.0 if a == 0 else math.nan)
    quiet = (a == 0) & (b >= 0) if not isinstance(b, int | float) else (a == 0)
    return quiet.choose(0.0, y * quiet.choose(1.0, a).log())


class Maximum(Elementwise):
    """The larger of two numbers; a tie shares the gradient."""

    latex, kernel, cases = r"\max({0}, {1})", "a if a > b else b", PAIR

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.maximum(a, b)

    @staticmethod
    def vjp(g: Any, _: Any, a: Any, b: Any) -> Rule:
        tie = g / 2
        return (a == b).choose(tie, (a > b).choose(g, 0.0)), (a == b).choose(tie, (a < b).choose(g, 0.0))


class Minimum(Elementwise):
    """The smaller of two numbers; a tie shares the gradient."""

    latex, kernel, cases = r"\min({0}, {1})", "a if a < b else b", PAIR

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.minimum(a, b)

    @staticmethod
    def vjp(g: Any, _: Any, a: Any, b: Any) -> Rule:
        tie = g / 2
        return (a == b).choose(tie, (a < b).choose(g, 0.0)), (a == b).choose(tie, (a > b).choose(g, 0.0))


class Atan2(Elementwise):
    """The angle of the point (x = second, y = first), in radians."""

    latex, kernel, promotion, cases = r"\operatorname{{atan2}}({0}, {1})", "atan2(a, b)", "float", PAIR[:2]

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.arctan2(a, b)

    @staticmethod
    def vjp(g: Any, _: Any, a: Any, b: Any) -> Rule:
        scaled = g / (a * a + b * b)
        return scaled * b, -scaled * a


class Remainder(Elementwise):
    """What is left of a after division by b, with the sign of b."""

    latex, kernel = r"{0} \bmod {1}", "a - b * floor(a / b)"
    cases = (Case(((3, 4), (3, 4)), low=0.6, high=0.9), Case(((3,), (3,)), low=1.1, high=1.9))

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.remainder(a, b)

    @staticmethod
    def vjp(g: Any, _: Any, a: Any, b: Any) -> Rule:
        return g, lambda: -g * (a / b).floor()


class FloorDivide(Elementwise):
    """The quotient rounded down; no gradient."""

    latex, kernel, cases = r"\left\lfloor {0} / {1} \right\rfloor", "floor(a / b)", ()

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.floor_divide(a, b)


class Where(Op):
    """`a` where the condition holds, else `b`."""

    latex, kernel, promotion = r"[{0}]\,{1} + [\lnot {0}]\,{2}", "b if a else c", "tail"
    cases = (Case((("bool", (3, 4)), (3, 4), (4,))), Case((("bool", (3, 1)), (), (3, 4))))
    jvp = "elementwise"

    @staticmethod
    def forward(xp: Any, condition: Any, a: Any, b: Any) -> Any:
        return xp.where(condition, a, b)

    @staticmethod
    def infer(condition: Any, a: Any, b: Any) -> Abstract:
        return Abstract(broadcast("where", condition, a, b), dtype_of_all(a, b))

    @staticmethod
    def vjp(g: Any, _: Any, condition: Any, __: Any, ___: Any) -> Rule:
        return None, lambda: condition.choose(g, 0.0), lambda: condition.choose(0.0, g)


class Clamp(Elementwise):
    """Numbers below `min` become `min`, above `max` become `max`."""

    latex, kernel = r"\operatorname{{clamp}}({0})", "min if a < min else max if a > max else a"
    cases = (
        Case(((3, 4),), {"min": -0.5, "max": 0.7}),
        Case(((3, 4),), {"min": 0.1}),
        Case(((3, 4),), {"max": 0.1}),
    )

    @staticmethod
    def bind(x: Any, min: Any = None, max: Any = None) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return (x,), {"min": min, "max": max}

    @staticmethod
    def forward(xp: Any, x: Any, *, min: Any = None, max: Any = None) -> Any:
        return xp.clip(x, min, max)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, *, min: Any = None, max: Any = None) -> Rule:
        if min is not None:
            g = (x >= min).choose(g, 0.0)
        return (g if max is None else (x <= max).choose(g, 0.0),)


class Cast(Op):
    """The same numbers with another element type."""

    latex, jvp, promotion = r"{0}", "linear", "none"

    @staticmethod
    def forward(xp: Any, x: Any, *, dtype: Any) -> Any:
        return x.astype(dtype)

    @staticmethod
    def infer(x: Any, *, dtype: Any) -> Abstract:
        return Abstract(x.shape, dtype)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, *, dtype: Any) -> Rule:
        return (g,)


class Clone(Op):
    """A copy with its own memory."""

    latex, jvp, promotion, kernel, cases = r"{0}", "linear", "none", "a", ONE

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return x.copy()

    @staticmethod
    def infer(x: Any) -> Abstract:
        return Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, __: Any) -> Rule:
        return (g,)


class Filled(Elementwise):
    """One number everywhere, in the shape of x; nothing of x is left, so its gradient is 0."""

    latex, promotion, kernel = r"{value}", "none", "value"
    cases = (Case(((3, 4),), {"value": 2.5}),)

    @staticmethod
    def forward(xp: Any, x: Any, *, value: float) -> Any:
        return xp.full_like(x, value)

    @staticmethod
    def vjp(g: Any, _: Any, __: Any, *, value: float) -> Rule:
        return (g * 0,)


class Lerp(Elementwise):
    """A point between two others: start + weight * (end - start)."""

    latex, kernel = r"{0} + {2} ({1} - {0})", "a + c * (b - a)"
    cases = (Case(((3, 4), (3, 4), (3, 4))), Case(((3, 4), (4,), ())))

    @staticmethod
    def forward(xp: Any, start: Any, end: Any, weight: Any) -> Any:
        return start + weight * (end - start)

    @staticmethod
    def vjp(g: Any, _: Any, start: Any, end: Any, weight: Any) -> Rule:
        return lambda: g * (1 - weight), lambda: g * weight, lambda: g * (end - start)


class IsFinite(Elementwise):
    """Whether a number is neither infinite nor NaN."""

    name, jvp, latex = "isfinite", None, r"{0} \in \mathbb{{R}}"

    @staticmethod
    def forward(xp: Any, x: Any) -> Any:
        return xp.isfinite(x)

    @staticmethod
    def infer(x: Any) -> Abstract:
        return Abstract(x.shape, BOOL)


@function
def addcmul(x: Any, first: Any, second: Any, *, value: float = 1) -> Any:
    """x + value * first * second."""
    return x + value * first * second


@function
def addcdiv(x: Any, first: Any, second: Any, *, value: float = 1) -> Any:
    """x + value * first / second."""
    return x + value * first / second


@function
def isclose(x: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    """Whether |x - other| <= atol + rtol * |other|, number by number."""
    near = (x - other).abs() <= atol + rtol * other.abs()
    near = near & other.isfinite() | (x == other)
    return near | (x != x) & (other != other) if equal_nan else near


@function
def isnan(x: Any) -> Any:
    """Whether a number is NaN."""
    return x != x


@function
def isinf(x: Any) -> Any:
    """Whether a number is infinite."""
    return x.abs() == math.inf
