"""Comparisons, logic and bits."""

from __future__ import annotations

from typing import Any

from engine.ops.elementwise import PAIR
from engine.ops.op import Comparison, Elementwise


class Eq(Comparison):
    """Whether a equals b."""

    latex, kernel, cases = r"{0} = {1}", "a == b", PAIR

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.equal(a, b)


class Ne(Comparison):
    """Whether a differs from b."""

    latex, kernel, cases = r"{0} \ne {1}", "a != b", PAIR

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.not_equal(a, b)


class Lt(Comparison):
    """Whether a is less than b."""

    latex, kernel, cases = r"{0} < {1}", "a < b", PAIR

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.less(a, b)


class Le(Comparison):
    """Whether a is at most b."""

    latex, kernel, cases = r"{0} \le {1}", "a <= b", PAIR

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.less_equal(a, b)


class Gt(Comparison):
    """Whether a is greater than b."""

    latex, kernel, cases = r"{0} > {1}", "a > b", PAIR

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.greater(a, b)


class Ge(Comparison):
    """Whether a is at least b."""

    latex, kernel, cases = r"{0} \ge {1}", "a >= b", PAIR

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.greater_equal(a, b)


class LogicalAnd(Comparison):
    """Whether both are true."""

    latex, kernel = r"{0} \land {1}", "a and b"

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.logical_and(a, b)


class LogicalOr(Comparison):
    """Whether at least one is true."""

    latex, kernel = r"{0} \lor {1}", "a or b"

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.logical_or(a, b)


class LogicalXor(Comparison):
    """Whether exactly one is true."""

    latex, kernel = r"{0} \oplus {1}", "(not a) != (not b)"

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return xp.logical_xor(a, b)


class LogicalNot(Comparison):
    """Whether it is false."""

    latex, kernel = r"\lnot {0}", "not a"

    @staticmethod
    def forward(xp: Any, a: Any) -> Any:
        return xp.logical_not(a)


class BitwiseAnd(Elementwise):
    """`a & b`, bit by bit."""

    latex, kernel, jvp = r"{0} \mathbin{{\&}} {1}", "a & b", None

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return a & b


class BitwiseOr(Elementwise):
    """`a | b`, bit by bit."""

    latex, kernel, jvp = r"{0} \mathbin{{|}} {1}", "a | b", None

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return a | b


class BitwiseXor(Elementwise):
    """`a ^ b`, bit by bit."""

    latex, kernel, jvp = r"{0} \oplus {1}", "a ^ b", None

    @staticmethod
    def forward(xp: Any, a: Any, b: Any) -> Any:
        return a ^ b


class BitwiseNot(Elementwise):
    """`~a`, bit by bit."""

    latex, kernel, jvp = r"\sim {0}", "~a", None

    @staticmethod
    def forward(xp: Any, a: Any) -> Any:
        return ~a
