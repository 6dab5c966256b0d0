"""Arithmetic that changes nothing."""

from __future__ import annotations

import math
from typing import Any

from engine.compiler.graph.ir import Contract, Expand, Map, Permute, Reduce, Reshape, Shape, Value
from engine.compiler.passes.rules import NUMBER, WHOLE, made_by, rewrites

NEUTRAL = {"add": (0, 0), "sub": (None, 0), "mul": (1, 1), "div": (None, 1), "pow": (None, 1)}
"""The number that changes nothing, to the left and to the right."""


@rewrites(Map, of=[WHOLE])
def numbers_as_floats(b: Any, *inputs: Any, fn: str) -> Any:
    """Beside floats a number is a float, so that 0 and 0.0 say the same."""
    whole = [isinstance(v, int) for v in inputs]
    if not any(whole) or any(v.dtype.kind != "f" for v in inputs[fn == "where" :] if isinstance(v, Value)):
        return None
    if all(not isinstance(v, Value) for v in inputs[fn == "where" :]):
        return None
    return b.map(fn, *(float(v) if w else v for v, w in zip(inputs, whole, strict=True)))


@rewrites(Map, of=[Map, WHOLE, NUMBER], fns=["add", "sub", "mul", "div", "pow", "neg"])
def unchanged(b: Any, *inputs: Any, fn: str) -> Any:
    """x + 0, x * 1, x / 1, x ** 1; neg(neg(x))."""
    if fn == "neg":
        twice = made_by(inputs[0], Map) and inputs[0].node.attrs["fn"] == "neg"
        return inputs[0].node.inputs[0] if twice else None
    left, right = NEUTRAL[fn]
    for number, x, neutral in ((inputs[1], inputs[0], right), (inputs[0], inputs[1], left)):
        if isinstance(x, Value) and not isinstance(number, Value) and neutral is not None and number == neutral:
            return x
    return None


@rewrites(Contract, of=[Map], readers=True)
def factor_behind(b: Any, x: Any, y: Any, left: str, right: str, out: str) -> Any:
    """A number that multiplies an operand multiplies the product, where only products want the operand."""
    if x is y:
        return None
    for at, v in enumerate((x, y)):
        number, rest = _factor(v)
        if rest is not None and set(b.readers.get(id(v), (None,))) <= {Contract, Permute}:
            pair = (rest, y) if at == 0 else (x, rest)
            return b.map("mul", b.add(Contract, *pair, left=left, right=right, out=out), number)
    return None


def _factor(v: Any) -> tuple[Any, Value | None]:
    """The number and the value of which a value is the product; (None, None) for others."""
    if not made_by(v, Map) or v.node.attrs["fn"] != "mul":
        return None, None
    numbers = [i for i in v.node.inputs if not isinstance(i, Value)]
    rest = [i for i in v.node.inputs if isinstance(i, Value)]
    return (numbers[0], rest[0]) if numbers else (None, None)


@rewrites(Reduce, fns=["sum", "max", "min", "prod", "any", "all"])
def over_axes_of_one(b: Any, x: Any, fn: str, axes: Shape) -> Any:
    """A reduction over axes of size 1 changes the shape only."""
    if any(x.shape[i] != 1 for i in axes):
        return None
    return b.add(Reshape, x, shape=tuple(n for i, n in enumerate(x.shape) if i not in axes))


@rewrites(Reduce, of=[Map], fns=["all"])
def all_minus_infinity(b: Any, x: Any, fn: str, axes: Shape) -> Any:
    """Whether all numbers are minus infinity: whether the largest is (attention asks, and needs the largest anyway)."""
    if not made_by(x, Map) or x.node.attrs["fn"] != "eq" or x.node.inputs[1] != -math.inf:
        return None
    inner = x.node.inputs[0]
    if not inner.size:
        return None
    return b.map("eq", b.add(Reduce, inner, fn="max", axes=axes), -math.inf)


@rewrites(Reduce, of=[Map], fns=["max", "min"])
def largest_of_choice(b: Any, x: Any, fn: str, axes: Shape) -> Any:
    """The largest of one number or of a row, as a whole row chooses: the number or the row's largest."""
    if not x.size or not made_by(x, Map) or x.node.attrs["fn"] != "where":
        return None
    told, number, row = x.node.inputs
    if isinstance(number, Value) or not isinstance(row, Value) or not made_by(told, Expand):
        return None
    one = told.node.inputs[0]
    if len(one.shape) != len(x.shape) or any(one.shape[i] != 1 for i in axes):
        return None
    kept = tuple(n for i, n in enumerate(one.shape) if i not in axes)
    largest = b.add(Reduce, row, fn=fn, axes=axes)
    return b.map("where", b.add(Expand, b.add(Reshape, one, shape=kept), shape=largest.shape), number, largest)
