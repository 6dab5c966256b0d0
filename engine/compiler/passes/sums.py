"""Sums of parts: gradients of a value that was cut into pieces, or used in many steps, arrive as sums."""

from __future__ import annotations

from typing import Any

from engine.compiler.graph.ir import Concat, Contract, Fill, Map, Pad, Source, Value
from engine.compiler.passes.rules import made_by, number_in, rewrites

INPUTS = 4
"""How many times as large as their result the inputs of products that are joined may be: they may have to be copied."""
Piece = tuple[int, Value]
"""Where a piece begins along the axis, and the piece."""


@rewrites(Map, of=[Pad, Concat], fns=["add"])
def laid_side_by_side(b: Any, *inputs: Any, fn: str) -> Any:
    """The sum of values that are 0 where the other one is not: their parts, side by side."""
    if not all(isinstance(v, Value) for v in inputs):
        return None
    axis = next((a for a in map(_axis, inputs) if a is not None), None)
    if axis is None:
        return None
    found = [_pieces(v, axis) for v in inputs]
    if any(p is None for p in found):
        return None
    parts = sorted((p for pieces in found for p in pieces or ()), key=lambda p: p[0])
    size, at, whole = inputs[0].shape[axis], 0, []
    for start, part in parts:
        if start < at:
            return None
        whole += _nothing(b, inputs[0], axis, start - at)
        whole.append(part)
        at = start + part.shape[axis]
    return b.add(Concat, *whole, *_nothing(b, inputs[0], axis, size - at), axis=axis)


def _nothing(b: Any, like: Any, axis: int, size: int) -> list[Value]:
    shape = tuple(size if i == axis else n for i, n in enumerate(like.shape))
    return [b.fill(shape, 0.0, like.dtype)] if size else []


def _axis(v: Any) -> int | None:
    """The one axis along which a value is framed by zeros, or has parts of zeros."""
    if made_by(v, Pad):
        attrs = v.node.attrs
        axes = [i for i, w in enumerate(zip(attrs["low"], attrs["high"], attrs["inner"], strict=True)) if any(w)]
        return axes[0] if len(axes) == 1 and not any(attrs["inner"]) and attrs.get("value", 0.0) == 0 else None
    if made_by(v, Concat) and any(_empty(p) for p in v.node.inputs):
        return int(v.node.attrs["axis"])
    return None


def _empty(v: Any) -> bool:
    return made_by(v, Fill) and number_in(v) == 0


def _pieces(v: Any, axis: int) -> list[Piece] | None:
    """The parts of a value that are not known to be 0."""
    if _axis(v) != axis:
        return None
    if made_by(v, Pad):
        return [(v.node.attrs["low"][axis], v.node.inputs[0])]
    found, at = [], 0
    for part in v.node.inputs:
        if not _empty(part):
            found.append((at, part))
        at += part.shape[axis]
    return found


@rewrites(Map, of=[Contract], fns=["add"], readers=True)
def one_long_product(b: Any, *inputs: Any, fn: str) -> Any:
    """The sum of small products, such as a recurrent layer's weights get from every step: one product of them all.

    The later term goes first, because the backward pass goes back in time: then the rows lie in the order of the steps.
    """
    if not all(made_by(v, Contract) and b.lonely(v) for v in inputs) or inputs[0] is inputs[1]:
        return None
    one, two = inputs
    if one.node.attrs != two.node.attrs:
        return None
    left, right, out = (one.node.attrs[name] for name in ("left", "right", "out"))
    summed = [letter for letter in left if letter in right and letter not in out]
    (a1, b1), (a2, b2) = one.node.inputs, two.node.inputs
    if len(summed) != 1 or any(_held(v) for v in (a1, b1, a2, b2)) or a2.size + b2.size > INPUTS * one.size:
        return None
    first, second = left.index(summed[0]), right.index(summed[0])
    long = b.add(Concat, a2, a1, axis=first), b.add(Concat, b2, b1, axis=second)
    found = b.add(Contract, *long, **one.node.attrs)
    return found


@rewrites(Contract, of=[Fill])
def product_with_nothing(b: Any, x: Any, y: Any, left: str, right: str, out: str) -> Any:
    """Products with zeros known beforehand (the first state of a recurrent layer) are left out."""
    if not _empty(x) and not _empty(y):
        return None
    return b.fill(Contract.infer(x, y, left, right, out)[0], 0.0, x.dtype)


def _held(v: Any) -> bool:
    """Whether it is memory that is not made in the step (parameters): it would have to be copied."""
    while v.node is not None and v.node.kind.view:
        v = v.node.inputs[0]
    return isinstance(v, Source)
