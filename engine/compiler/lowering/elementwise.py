"""Ops that work number by number and whose array code is not what the graph should see: the rest lowers by itself."""

from __future__ import annotations

import math
from typing import Any

from engine.compiler.lowering.library import Library
from engine.compiler.lowering.rules import rule
from engine.compiler.lowering.symbolic import Array


@rule("erf")
def erf(xp: Library, x: Array) -> Any:
    """A word of the graph."""
    return xp.noted("erf", x.value)


@rule("gelu")
def gelu(xp: Library, x: Array, *, approximate: str = "none") -> Any:
    """Its two formulas."""
    if approximate == "tanh":
        inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x)
        return 0.5 * x * (1 + xp.tanh(inner))
    return 0.5 * x * (1 + erf(xp, x * math.sqrt(0.5)))


@rule("sign")
def sign(xp: Library, x: Array) -> Any:
    """-1, 0 or 1; 0 for NaN."""
    return xp.where(x != x, x.dtype.type(0), xp.sign(x))


@rule("where")
def where(xp: Library, condition: Any, a: Any, b: Any) -> Any:
    """One or the other."""
    return xp.where(condition, a, b)


@rule("filled")
def filled(xp: Library, x: Array, *, value: float) -> Any:
    """One number everywhere."""
    return xp.full_like(x, value)
