"""Comparisons, logic and bits."""

from __future__ import annotations

import math
from typing import Any

from engine.array import Abstract
from engine.errors import ArgumentError, DTypeError
from engine.ops.elementwise import PAIR, one_tensor, then_number, two_tensors
from engine.ops.op import BOOL, Comparison, Elementwise, function


class Eq(Comparison):
    """Whether a equals b.

    >>> engine.eq(engine.tensor([1, 2]), engine.tensor([1, 3]))
    tensor([ True, False])
    """

    latex, kernel, cases = r"{0} = {1}", "a == b", PAIR
    bind = then_number
    forward = lambda xp, a, b: xp.equal(a, b)


class Ne(Comparison):
    """Whether a differs from b.

    >>> engine.ne(engine.tensor([1, 2]), engine.tensor([1, 3]))
    tensor([False,  True])
    """

    latex, kernel, cases = r"{0} \ne {1}", "a != b", PAIR
    bind = then_number
    forward = lambda xp, a, b: xp.not_equal(a, b)


class Lt(Comparison):
    """Whether a is less than b.

    >>> engine.lt(engine.tensor([1, 2]), engine.tensor([1, 3]))
    tensor([False,  True])
    """

    latex, kernel, cases = r"{0} < {1}", "a < b", PAIR
    bind = then_number
    forward = lambda xp, a, b: xp.less(a, b)


class Le(Comparison):
    """Whether a is at most b.

    >>> engine.le(engine.tensor([1, 2]), engine.tensor([1, 3]))
    tensor([True, True])
    """

    latex, kernel, cases = r"{0} \le {1}", "a <= b", PAIR
    bind = then_number
    forward = lambda xp, a, b: xp.less_equal(a, b)


class Gt(Comparison):
    """Whether a is greater than b.

    >>> engine.gt(engine.tensor([1, 4]), engine.tensor([1, 3]))
    tensor([False,  True])
    """

    latex, kernel, cases = r"{0} > {1}", "a > b", PAIR
    bind = then_number
    forward = lambda xp, a, b: xp.greater(a, b)


class Ge(Comparison):
    """Whether a is at least b.

    >>> engine.ge(engine.tensor([1, 2]), engine.tensor([1, 3]))
    tensor([ True, False])
    """

    latex, kernel, cases = r"{0} \ge {1}", "a >= b", PAIR
    bind = then_number
    forward = lambda xp, a, b: xp.greater_equal(a, b)


class LogicalAnd(Comparison):
    """Whether both are true (not 0).

    >>> engine.logical_and(engine.tensor([0, 2]), engine.tensor([1, 3]))
    tensor([False,  True])
    """

    latex, kernel, promotion = r"{0} \land {1}", "a and b", "none"
    bind = two_tensors
    forward = lambda xp, a, b: xp.logical_and(a, b)


class LogicalOr(Comparison):
    """Whether at least one is true (not 0).

    >>> engine.logical_or(engine.tensor([0, 2]), engine.tensor([0, 3]))
    tensor([False,  True])
    """

    latex, kernel, promotion = r"{0} \lor {1}", "a or b", "none"
    bind = two_tensors
    forward = lambda xp, a, b: xp.logical_or(a, b)


class LogicalXor(Comparison):
    """Whether exactly one is true (not 0).

    >>> engine.logical_xor(engine.tensor([0, 2]), engine.tensor([1, 3]))
    tensor([ True, False])
    """

    latex, kernel, promotion = r"{0} \oplus {1}", "(not a) != (not b)", "none"
    bind = two_tensors
    forward = lambda xp, a, b: xp.logical_xor(a, b)


class LogicalNot(Comparison):
    """Whether it is false (0).

    >>> engine.logical_not(engine.tensor([0, 2]))
    tensor([ True, False])
    """

    latex, kernel = r"\lnot {0}", "not a"
    forward = lambda xp, a: xp.logical_not(a)


class BitwiseAnd(Elementwise):
    """`a & b`, bit by bit.

    >>> engine.bitwise_and(engine.tensor([6]), engine.tensor([3]))
    tensor([2])
    """

    latex, kernel, jvp = r"{0} \mathbin{{\&}} {1}", "a & b", None
    bind = one_tensor
    forward = lambda xp, a, b: a & b


class BitwiseOr(Elementwise):
    """`a | b`, bit by bit.

    >>> engine.bitwise_or(engine.tensor([6]), engine.tensor([3]))
    tensor([7])
    """

    latex, kernel, jvp = r"{0} \mathbin{{|}} {1}", "a | b", None
    bind = one_tensor
    forward = lambda xp, a, b: a | b


class BitwiseXor(Elementwise):
    """`a ^ b`, bit by bit.

    >>> engine.bitwise_xor(engine.tensor([6]), engine.tensor([3]))
    tensor([5])
    """

    latex, kernel, jvp = r"{0} \oplus {1}", "a ^ b", None
    bind = one_tensor
    forward = lambda xp, a, b: a ^ b


class BitwiseNot(Elementwise):
    """`~a`, bit by bit.

    >>> engine.bitwise_not(engine.tensor([0, 5]))
    tensor([-1, -6])
    """

    latex, kernel, jvp = r"\sim {0}", "~a", None
    forward = lambda xp, a: ~a


class BitwiseLeftShift(Elementwise):
    """`a << b`: the bits moved up by b places.

    >>> engine.bitwise_left_shift(engine.tensor([1, 3]), 2)
    tensor([ 4, 12])
    """

    latex, kernel, jvp = r"{0} \ll {1}", "a << b", None
    bind = one_tensor
    forward = lambda xp, a, b: xp.left_shift(a, b)


class BitwiseRightShift(Elementwise):
    """`a >> b`: the bits moved down by b places.

    >>> engine.bitwise_right_shift(engine.tensor([4, 12]), 2)
    tensor([1, 3])
    """

    latex, kernel, jvp = r"{0} \gg {1}", "a >> b", None
    bind = one_tensor
    forward = lambda xp, a, b: xp.right_shift(a, b)


class IsFinite(Comparison):
    """Whether a number is neither infinite nor NaN.

    >>> engine.isfinite(engine.tensor([1.0, float("inf")]))
    tensor([ True, False])
    """

    name, latex = "isfinite", r"{0} \in \mathbb{{R}}"
    forward = lambda xp, x: xp.isfinite(x)


class Signbit(Comparison):
    """Whether the sign is a minus (also that of -0.0).

    >>> engine.signbit(engine.tensor([1.0, -0.0]))
    tensor([False,  True])
    """

    latex = r"{0} < 0"
    forward = lambda xp, x: xp.signbit(x) if x.dtype.kind == "f" else x < 0


class Isin(Comparison):
    """Whether each element is among the test elements.

    >>> engine.isin(engine.tensor([1, 2, 3]), engine.tensor([2, 3]))
    tensor([False,  True,  True])
    """

    latex, promotion = r"{0} \in {1}", "promote"
    bind = lambda elements, test_elements, *, assume_unique=False, invert=False: (
        (elements, test_elements),
        {"invert": invert},
    )
    forward = lambda xp, a, b, *, invert: xp.isin(a, b, invert=invert)
    infer = lambda a, b, *, invert: Abstract(getattr(a, "shape", ()), BOOL)


@function
def isclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> Any:
    """Whether |input - other| <= atol + rtol * |other|, number by number.

    >>> engine.isclose(engine.tensor([1.0, 2.0]), engine.tensor([1.0, 2.1]))
    tensor([ True, False])
    """
    if input.dtype != other.dtype:
        raise DTypeError("isclose", f"two tensors of one dtype, {input.dtype}", other.dtype)
    if rtol < 0 or atol < 0:
        raise ArgumentError("isclose", "rtol and atol from 0 on", f"{rtol} and {atol}")
    same = input == other
    if not input.is_floating_point():
        input, other = input.to("float64"), other.to("float64")
    near = same | ((input - other).abs() <= (other * rtol).abs() + atol) & (input - other).isfinite()
    return near | (input != input) & (other != other) if equal_nan else near


@function
def allclose(input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> bool:
    """Whether all numbers are close: |input - other| <= atol + rtol * |other|.

    >>> engine.allclose(engine.tensor([1.0]), engine.tensor([1.0 + 1e-7]))
    True
    """
    return bool(input.isclose(other, rtol, atol, equal_nan).all())


@function
def equal(input: Any, other: Any) -> bool:
    """Whether two tensors have the same shape and the same elements.

    >>> engine.equal(engine.tensor([1, 2]), engine.tensor([1, 2]))
    True
    """
    return input.shape == other.shape and bool((input == other).all())


@function
def isnan(input: Any) -> Any:
    """Whether a number is NaN.

    >>> engine.isnan(engine.tensor([1.0, float("nan")]))
    tensor([False,  True])
    """
    return input != input


@function
def isinf(input: Any) -> Any:
    """Whether a number is infinite.

    >>> engine.isinf(engine.tensor([1.0, float("-inf")]))
    tensor([False,  True])
    """
    return (input == math.inf) | (input == -math.inf)


@function
def isposinf(input: Any) -> Any:
    """Whether a number is plus infinity.

    >>> engine.isposinf(engine.tensor([float("inf"), float("-inf")]))
    tensor([ True, False])
    """
    return input == math.inf


@function
def isneginf(input: Any) -> Any:
    """Whether a number is minus infinity.

    >>> engine.isneginf(engine.tensor([float("inf"), float("-inf")]))
    tensor([False,  True])
    """
    return input == -math.inf


@function
def isreal(input: Any) -> Any:
    """Whether a number is real: here all of them are.

    >>> engine.isreal(engine.tensor([1.0, 2.0]))
    tensor([True, True])
    """
    return (input == input) | True
