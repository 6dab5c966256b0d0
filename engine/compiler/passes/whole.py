"""Counts stay floats: whole numbers that come from truths and places are computed in float32 while that is exact.

Kernels know no arithmetic of int64. A whole number of which the greatest size is known to be below 2**24 is a float32
without error; only where somebody wants it as int64 is it cast, at the end.
"""

from __future__ import annotations

import math
from typing import Any

from engine.compiler.graph.ir import (
    FLOAT,
    LONG,
    TRUTH,
    WORD,
    Cast,
    Expand,
    Fill,
    Iota,
    Map,
    Permute,
    Reduce,
    Reshape,
    Shape,
    Slice,
    Value,
)  # fmt: skip
from engine.compiler.passes.rules import COUNT, made_by, number_in, rewrites

EXACT = 2**24
ARITHMETIC: dict[str, Any] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a + b,
    "mul": lambda a, b: a * b,
    "max": max,
    "min": max,
}
COMPARISONS = frozenset(["eq", "ne", "lt", "le", "gt", "ge"])


def small(b: Any, v: Any) -> tuple[Any, float] | None:
    """A whole number as a float32 value (or as a number) with its greatest size; None where that is not known."""
    if isinstance(v, bool | int | float):
        return (float(v), abs(v)) if abs(v) < EXACT else None
    if made_by(v, Fill):
        number = number_in(v)
        return (b.fill(v.shape, float(number), FLOAT), abs(number)) if abs(number) < EXACT else None
    if made_by(v, Cast):
        inner = v.node.inputs[0]
        if id(inner) in b.whole:
            return inner, b.whole[id(inner)]
        if inner.dtype == WORD and _largest_place(inner) < EXACT:
            return b.add(Cast, inner, dtype=FLOAT), _largest_place(inner)
    return None


def _largest_place(v: Any) -> float:
    while v.node is not None and v.node.kind.view:
        v = v.node.inputs[0]
    if not made_by(v, Iota):
        return math.inf
    axis = v.node.attrs["axis"]
    return float(v.size if axis is None else v.shape[axis])


def _counted(b: Any, value: Value, most: float) -> Any:
    """A float32 value known to be whole, as int64."""
    b.whole[id(value)] = most
    return b.add(Cast, value, dtype=LONG)


@rewrites(Cast)
def truth_as_float(b: Any, x: Any, dtype: Any) -> Any:
    """A truth becomes a float first, a count becomes the float that it was."""
    if dtype == LONG and x.dtype == TRUTH:
        return _counted(b, b.add(Cast, x, dtype=FLOAT), 1)
    if dtype == FLOAT and x.dtype == LONG and made_by(x, Cast):
        found = small(b, x)
        return None if found is None else found[0]
    return None


@rewrites(Cast, of=[Map, Reshape, Expand, Permute, Slice])
def float_before(b: Any, x: Any, dtype: Any) -> Any:
    """A choice among whole numbers, or a look at them, as one of floats."""
    if dtype != FLOAT or x.dtype != LONG:
        return None
    node = x.node
    if node.kind is not Map:
        return b.add(node.kind, b.add(Cast, node.inputs[0], dtype=FLOAT), **node.attrs)
    if node.attrs["fn"] != "where":
        return None
    told, *sides = node.inputs
    return b.map("where", told, *(b.add(Cast, v, dtype=FLOAT) if isinstance(v, Value) else float(v) for v in sides))


@rewrites(Map, of=[COUNT], fns=[*ARITHMETIC, *COMPARISONS])
def whole_arithmetic(b: Any, *inputs: Any, fn: str) -> Any:
    """Sums, products and comparisons of counts as those of floats.

    Of a comparison one side may be any int64: rounded to float32 it stays on its side of every small number.
    """
    if any(v.dtype != LONG for v in inputs if isinstance(v, Value)):
        return None
    known = [small(b, v) for v in inputs]
    if fn in COMPARISONS:
        if all(k is None for k in known):
            return None
        sides = [b.add(Cast, v, dtype=FLOAT) if k is None else k[0] for v, k in zip(inputs, known, strict=True)]
        return b.map(fn, *sides)
    if any(k is None for k in known):
        return None
    (x, m), (y, n) = known  # type: ignore[misc]
    most = ARITHMETIC[fn](m, n)
    return _counted(b, b.map(fn, x, y), most) if most < EXACT else None


@rewrites(Reduce, of=[COUNT], fns=["sum", "max", "min"])
def whole_reduction(b: Any, x: Any, fn: str, axes: Shape) -> Any:
    """Counting in floats."""
    found = small(b, x) if x.dtype == LONG else None
    if found is None:
        return None
    most = found[1] * (math.prod(x.shape[i] for i in axes) if fn == "sum" else 1)
    return _counted(b, b.add(Reduce, found[0], fn=fn, axes=axes), most) if most < EXACT else None


@rewrites(Reduce, fns=["argmax", "argmin"])
def first_of_extremes(b: Any, x: Any, fn: str, axes: Shape) -> Any:
    """Where the largest number stands: the smallest of the places at which it stands (behind the last one for NaN)."""
    many = x.shape[axes[0]]
    if x.dtype != FLOAT or not many or many >= EXACT:
        return None
    kept = tuple(1 if i in axes else n for i, n in enumerate(x.shape))
    extreme = b.add(Reshape, b.add(Reduce, x, fn=fn[3:], axes=axes), shape=kept)
    places = b.add(Cast, b.add(Iota, shape=x.shape, axis=axes[0]), dtype=FLOAT)
    found = b.map("where", b.map("eq", x, b.add(Expand, extreme, shape=x.shape)), places, float(many))
    return _counted(b, b.add(Reduce, found, fn="min", axes=axes), many)


@rewrites(Reshape, Expand, Permute, Slice, of=[COUNT])
def whole_view(b: Any, kind: Any, x: Any, **attrs: Any) -> Any:
    """Looks at counts."""
    found = small(b, x) if x.dtype == LONG and made_by(x, Cast) else None
    return None if found is None else _counted(b, b.add(kind, found[0], **attrs), found[1])
