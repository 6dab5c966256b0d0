"""Looks at looks: one look; looks at what was only laid side by side or framed: at the part itself."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.compiler.graph.ir import (
    LONG,
    Cast,
    Concat,
    Contract,
    Expand,
    Gather,
    Map,
    Pad,
    Permute,
    Reshape,
    Scatter,
    Shape,
    Slice,
    Source,
    Value,
)  # fmt: skip
from engine.compiler.passes.rules import CONSTANT, made_by, rewrites


@rewrites(Permute)
def permuted_once(b: Any, x: Any, order: Shape) -> Any:
    """No order, an order of an order, an order in which only axes of size 1 move."""
    if order == tuple(range(len(order))):
        return x
    if made_by(x, Permute):
        inner = x.node.attrs["order"]
        return b.add(Permute, x.node.inputs[0], order=tuple(inner[i] for i in order))
    moved = [i for i in order if x.shape[i] != 1]
    return b.add(Reshape, x, shape=tuple(x.shape[i] for i in order)) if moved == sorted(moved) else None


@rewrites(Permute, of=[Contract], readers=True)
def letters_permuted(b: Any, x: Any, order: Shape) -> Any:
    """A product that nobody else wants, in the order in which it is wanted."""
    if not made_by(x, Contract) or not b.lonely(x):
        return None
    attrs = x.node.attrs
    return b.add(Contract, *x.node.inputs, **{**attrs, "out": "".join(attrs["out"][i] for i in order)})


@rewrites(Permute, of=[Map], readers=True)
def permuted_before(b: Any, x: Any, order: Shape) -> Any:
    """A function of one value, permuted: the function of the permuted value (which may be a product's letters)."""
    if not made_by(x, Map) or not b.lonely(x) or sum(isinstance(v, Value) for v in x.node.inputs) != 1:
        return None
    turned = (b.add(Permute, v, order=order) if isinstance(v, Value) else v for v in x.node.inputs)
    return b.add(Map, *turned, fn=x.node.attrs["fn"])


@rewrites(Contract, of=[Permute])
def letters_of_permuted(b: Any, x: Any, y: Any, left: str, right: str, out: str) -> Any:
    """Operands as they were before their axes were permuted."""
    if not made_by(x, Permute) and not made_by(y, Permute):
        return None
    (x, left), (y, right) = _unpermuted(x, left), _unpermuted(y, right)
    return b.add(Contract, x, y, left=left, right=right, out=out)


def _unpermuted(x: Any, letters: str) -> tuple[Value, str]:
    if not made_by(x, Permute):
        return x, letters
    order = x.node.attrs["order"]
    return x.node.inputs[0], "".join(letters[order.index(i)] for i in range(len(order)))


@rewrites(Reshape)
def reshaped_once(b: Any, x: Any, shape: Shape) -> Any:
    """The same shape, a shape of a shape."""
    if x.shape == tuple(shape):
        return x
    return b.add(Reshape, x.node.inputs[0], shape=tuple(shape)) if made_by(x, Reshape) else None


@rewrites(Reshape, of=[Pad])
def frame_of_reshaped(b: Any, x: Any, shape: Shape) -> Any:
    """Zeros before and behind along the first axis stay so when that axis takes in the ones after it."""
    if not made_by(x, Pad) or len(shape) >= len(x.shape) or not x.size:
        return None
    attrs, inside = x.node.attrs, x.node.inputs[0]
    merged = len(x.shape) - len(shape) + 1
    times = math.prod(x.shape[1:merged])
    only_first = not any((*attrs["low"][1:], *attrs["high"][1:], *attrs["inner"]))
    if not only_first or tuple(shape) != (x.shape[0] * times, *x.shape[merged:]):
        return None
    flat = b.add(Reshape, inside, shape=(inside.shape[0] * times, *x.shape[merged:]))
    rest = (0,) * (len(shape) - 1)
    low, high = ((attrs[side][0] * times, *rest) for side in ("low", "high"))
    return b.add(Pad, flat, low=low, high=high, inner=(0, *rest), value=attrs.get("value", 0.0))


@rewrites(Expand)
def expanded_once(b: Any, x: Any, shape: Shape) -> Any:
    """The same shape, a repetition of a repetition, of a value that only got new axes in front."""
    if x.shape == tuple(shape):
        return x
    if made_by(x, Expand):
        return b.add(Expand, x.node.inputs[0], shape=shape)
    if made_by(x, Reshape):
        inner = x.node.inputs[0]
        front = len(x.shape) - len(inner.shape)
        if front > 0 and x.shape == (1,) * front + inner.shape:
            return b.add(Expand, inner, shape=shape)
    return None


@rewrites(Slice)
def sliced_once(b: Any, x: Any, start: Shape, size: Shape, step: Shape) -> Any:
    """Everything, a part of a part."""
    if size == x.shape and not any(start) and set(step) <= {1}:
        return x
    if not made_by(x, Slice) or 0 in size:
        return None
    a = x.node.attrs
    first = tuple(s + i * d for s, d, i in zip(a["start"], a["step"], start, strict=True))
    far = tuple(d * e for d, e in zip(a["step"], step, strict=True))
    return b.add(Slice, x.node.inputs[0], start=first, size=size, step=far)


@rewrites(Slice, of=[Concat])
def slice_of_parts(b: Any, x: Any, start: Shape, size: Shape, step: Shape) -> Any:
    """A part of what was laid side by side, where it lies in one of the parts."""
    if not made_by(x, Concat) or 0 in size:
        return None
    axis, at = x.node.attrs["axis"], 0
    low, high = sorted((start[axis], start[axis] + (size[axis] - 1) * step[axis]))
    for part in x.node.inputs:
        if at <= low and high < at + part.shape[axis]:
            first = tuple(s - at if i == axis else s for i, s in enumerate(start))
            return b.add(Slice, part, start=first, size=size, step=step)
        at += part.shape[axis]
    return None


@rewrites(Slice, of=[Pad])
def slice_of_frame(b: Any, x: Any, start: Shape, size: Shape, step: Shape) -> Any:
    """A part inside of a frame, or one that sees nothing but the frame."""
    if not made_by(x, Pad) or 0 in size:
        return None
    attrs, inside = x.node.attrs, x.node.inputs[0]
    if any(attrs["inner"]):
        return None
    ends = [sorted((a, a + (s - 1) * d)) for a, s, d in zip(start, size, step, strict=True)]
    where = list(zip(ends, attrs["low"], inside.shape, strict=True))
    if any(high < p or low >= p + n for (low, high), p, n in where):
        return b.fill(size, attrs.get("value", 0.0), x.dtype)
    if all(p <= low and high < p + n for (low, high), p, n in where):
        first = tuple(a - p for a, p in zip(start, attrs["low"], strict=True))
        return b.add(Slice, inside, start=first, size=size, step=step)
    return None


@rewrites(Slice, of=[Expand])
def slice_of_repetition(b: Any, x: Any, start: Shape, size: Shape, step: Shape) -> Any:
    """A part of what is repeated: the repetition of a part."""
    if not made_by(x, Expand) or 0 in size:
        return None
    inner = x.node.inputs[0]
    front = len(x.shape) - len(inner.shape)
    each = [
        (0, 1, 1) if n == 1 else (a, s, d)
        for n, a, s, d in zip(inner.shape, start[front:], size[front:], step[front:], strict=True)
    ]
    part = b.add(Slice, inner, start=tuple(a for a, _, _ in each), size=tuple(s for _, s, _ in each),
                 step=tuple(d for _, _, d in each))  # fmt: skip
    return b.add(Expand, part, shape=size)


@rewrites(Concat)
def parts_of_parts(b: Any, *parts: Any, axis: int) -> Any:
    """One part, parts of parts, neighbouring slices of one value."""
    kept = [p for p in parts if p.shape[axis]] or [parts[0]]
    flat = [q for p in kept for q in (p.node.inputs if made_by(p, Concat) and p.node.attrs["axis"] == axis else (p,))]
    joined: list[Value] = []
    for part in flat:
        whole = _together(b, joined[-1], part, axis) if joined else None
        if whole is None:
            joined.append(part)
        else:
            joined[-1] = whole
    if len(joined) == 1:
        return joined[0]
    return b.add(Concat, *joined, axis=axis) if len(joined) != len(parts) or flat != list(parts) else None


def _together(b: Any, first: Any, second: Any, axis: int) -> Any:
    """Two slices of one value that lie next to each other, as one."""
    if not made_by(first, Slice) or not made_by(second, Slice) or first.node.inputs[0] is not second.node.inputs[0]:
        return None
    one, two = first.node.attrs, second.node.attrs
    rest = all(
        i == axis or (one["start"][i], one["size"][i]) == (two["start"][i], two["size"][i])
        for i in range(len(first.shape))
    )
    next_to = two["start"][axis] == one["start"][axis] + one["size"][axis] * one["step"][axis]
    if one["step"] != two["step"] or not rest or not next_to:
        return None
    size = tuple(a + c if i == axis else a for i, (a, c) in enumerate(zip(one["size"], two["size"], strict=True)))
    return b.add(Slice, first.node.inputs[0], start=one["start"], size=size, step=one["step"])


@rewrites(Map, Cast, of=[Expand])
def before_repetition(b: Any, kind: Any, *inputs: Any, **attrs: Any) -> Any:
    """What is computed of repeated values only is computed once, and repeated."""
    values: list[Any] = [v for v in inputs if isinstance(v, Value)]
    if attrs.get("dtype") == LONG:  # counts stay floats as long as they can: `whole` says the opposite
        return None
    if not values or not all(made_by(v, Expand) for v in values):
        return None
    inner = [v.node.inputs[0] for v in values]
    if len({v.shape for v in inner}) != 1:
        return None
    smaller = b.add(kind, *(v.node.inputs[0] if v in values else v for v in inputs), **attrs)
    return b.add(Expand, smaller, shape=values[0].shape)


@rewrites(Gather, of=[CONSTANT])
def rows_in_order(b: Any, table: Any, index: Any) -> Any:
    """Rows that are known to follow each other: a part of the table."""
    first = _first(index)
    if first is None:
        return None
    part = b.add(Slice, table, start=(first,) + (0,) * (len(table.shape) - 1), size=(index.size, *table.shape[1:]),
                 step=(1,) * len(table.shape))  # fmt: skip
    return b.add(Reshape, part, shape=(*index.shape, *table.shape[1:]))


@rewrites(Scatter, of=[CONSTANT])
def rows_back_in_order(b: Any, rows: Any, index: Any, count: int) -> Any:
    """Rows that go to places known to follow each other: a frame around them."""
    first = _first(index)
    if first is None or first + index.size > count:
        return None
    flat = b.add(Reshape, rows, shape=(index.size, *rows.shape[len(index.shape) :]))
    rest = (0,) * (len(flat.shape) - 1)
    return b.add(Pad, flat, low=(first, *rest), high=(count - first - index.size, *rest), inner=(0, *rest))


def _first(index: Any) -> int | None:
    """Where a constant index begins, if its numbers follow each other."""
    if not isinstance(index, Source) or index.role != "constant" or not index.size:
        return None
    flat = index.array.reshape(-1)
    return int(flat[0]) if flat[0] >= 0 and (np.diff(flat) == 1).all() else None
