"""Behind a reshape that merges axes: what is computed there is computed before it, where the axes are still apart.

A pool's gradient is computed window by window; with what follows it in the same loops, it is written once.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from engine.compiler.graph.ir import TRUTH, TRUTHS, Cast, Expand, Map, Pad, Reduce, Reshape, Shape, Slice, Value
from engine.compiler.graph.shapes import made_of
from engine.compiler.passes.rules import made_by, rewrites


@rewrites(Map, of=[Reshape], readers=True)
def map_of_merged(b: Any, *inputs: Any, fn: str) -> Any:
    """A function of what a map made, merged: the function of the map, merged afterwards."""
    for merged in inputs:
        if made_by(merged, Reshape) and b.lonely(merged):
            inner = merged.node.inputs[0]
            rest = [v for v in inputs if isinstance(v, Value) and v is not merged]
            if made_by(inner, Map) and b.lonely(inner) and _merges(merged.node) and not any(_own(b, v) for v in rest):
                look = partial(_reshaped, b, inner.shape)
                apart = [_looked(b, v, look) if isinstance(v, Value) else v for v in inputs]
                return b.add(Reshape, b.map(fn, *apart), shape=merged.shape)
    return None


def _merges(node: Any) -> bool:
    """Whether a reshape makes one axis of several."""
    parts = made_of(node.output.shape, node.inputs[0].shape)
    return parts is not None and any(sum(node.inputs[0].shape[i] != 1 for i in part) > 1 for part in parts)


def _own(b: Any, v: Value) -> bool:
    """Whether a value is computed for one reader only: it belongs to the loops of what makes it."""
    while v.node is not None and (v.node.kind in (Cast, Expand, Reshape) or v.node.attrs.get("fn") in TRUTHS):
        v = v.node.values[0]
    return v.node is not None and b.lonely(v)


def _reshaped(b: Any, shape: Shape, v: Value) -> Value:
    return b.add(Reshape, v, shape=shape)  # type: ignore[no-any-return]


def _looked(b: Any, v: Value, look: Callable[[Value], Value]) -> Value:
    """A look at a value; a comparison is made anew of looks, so that it needs no memory."""
    node = v.node
    if node is not None and (node.attrs.get("fn") in TRUTHS or (node.kind is Cast and node.values[0].dtype == TRUTH)):
        seen = (_looked(b, x, look) if isinstance(x, Value) else x for x in node.inputs)
        return b.add(node.kind, *seen, **node.attrs)  # type: ignore[no-any-return]
    return look(v)


@rewrites(Map, of=[Pad], fns=["mul"])
def masked_before_framing(b: Any, *inputs: Any, fn: str) -> Any:
    """A pool's gradient with zeros around it, masked: masked first."""
    framed, mask = inputs if made_by(inputs[0], Pad) else inputs[::-1]
    truth = made_by(mask, Cast) and mask.node.values[0].dtype == TRUTH
    if not truth or not b.lonely(framed) or not _is_frame(framed) or not made_by(framed.node.inputs[0], Reshape):
        return None
    x, attrs = framed.node.inputs[0], framed.node.attrs
    look = lambda v: b.add(Slice, v, start=attrs["low"], size=x.shape, step=(1,) * len(x.shape))
    return b.add(Pad, b.map(fn, x, _looked(b, mask, look)), **attrs)


@rewrites(Reduce, of=[Pad], fns=["sum"])
def summed_without_frame(b: Any, x: Any, fn: str, axes: Shape) -> Any:
    """Zeros around change no sum over all axes along which they stand."""
    if not _is_frame(x):
        return None
    inner = x.node.inputs[0]
    wider = {i for i, (n, m) in enumerate(zip(x.shape, inner.shape, strict=True)) if n != m}
    return b.add(Reduce, inner, fn=fn, axes=axes) if wider <= set(axes) else None


def _is_frame(x: Any) -> bool:
    """Whether a value is another one with zeros around it."""
    return made_by(x, Pad) and not any(x.node.attrs["inner"]) and x.node.attrs.get("value", 0.0) == 0.0


@rewrites(Reduce, of=[Reshape])
def reduced_before_merging(b: Any, x: Any, fn: str, axes: Shape) -> Any:
    """A reduction over merged axes: over all of those that were merged."""
    if fn in ("argmax", "argmin") or not made_by(x, Reshape) or not made_by(x.node.inputs[0], Map):
        return None
    inner = x.node.inputs[0]
    parts = made_of(x.shape, inner.shape) if _merges(x.node) else None
    if parts is None:
        return None
    found = b.add(Reduce, inner, fn=fn, axes=tuple(i for a in axes for i in parts[a]))
    return b.add(Reshape, found, shape=tuple(n for i, n in enumerate(x.shape) if i not in axes))


@rewrites(Map, of=[Cast], fns=["mul"], readers=True)
def winner_above(b: Any, *inputs: Any, fn: str) -> Any:
    """The gradient of a pool, where what was pooled is greater than a number: the winner of a window is greater where
    the pooled number is, so that only this has to be read."""
    chosen, mask = inputs if made_by(inputs[1], Cast) else inputs[::-1]
    told: Any = mask.node.values[0] if made_by(mask, Cast) else None
    if not made_by(chosen, Map) or chosen.node.attrs["fn"] != "where" or chosen.node.inputs[2] != 0.0:
        return None
    if not made_by(told, Map) or told.node.attrs["fn"] != "gt" or isinstance(told.node.inputs[1], Value):
        return None
    seen, edge = told.node.inputs
    winner = _winner(chosen.node.inputs[0])
    if winner is None or not made_by(seen, Reshape):
        return None
    code, taps, shape = winner
    whole = seen.node.inputs[0]
    if made_by(whole, Slice) and not any(whole.node.attrs["start"]) and set(whole.node.attrs["step"]) == {1}:
        whole = whole.node.inputs[0]
    pooled = _pooled(code, whole)
    if pooled is None or not b.lonely(code):
        return None
    code = b.map("where", b.map("gt", pooled, edge), code, -1.0)
    spread = b.add(Expand, b.add(Reshape, code, shape=shape), shape=chosen.shape)
    return b.map("where", b.map("eq", spread, taps), chosen.node.inputs[1], 0.0)


def _winner(told: Any) -> tuple[Value, Value, Shape] | None:
    """Of the question whether a place is its window's winner: the number of the winner, the places' own numbers, and
    the shape under which the first is spread over the windows."""
    if not made_by(told, Map) or told.node.attrs["fn"] != "eq" or not all(made_by(v, Expand) for v in told.node.inputs):
        return None
    spread, taps = told.node.inputs
    inner = spread.node.inputs[0]
    return (inner.node.inputs[0], taps, inner.shape) if made_by(inner, Reshape) else None


def _pooled(code: Any, seen: Value) -> Value | None:
    """What a winner of windows of `seen` was compared with: the largest number of its window."""
    if not made_by(code, Map) or code.node.attrs["fn"] != "where":
        return None
    told = code.node.inputs[0]
    if not made_by(told, Map) or told.node.attrs["fn"] != "eq":
        return None
    look, pooled = told.node.inputs
    same = made_by(look, Slice) and look.node.inputs[0] is seen and isinstance(pooled, Value)
    return pooled if same else None
