"""Values that are zero in many places: what ReLU lets through and what it sends back, and what a pool sends back."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.compiler.graph import ir
from engine.compiler.graph.ir import Node, Value
from engine.compiler.kernels.tiles import WIDTH
from engine.compiler.machine.cpu import NoNativeCode, host

COMPARISONS = ("gt", "ge", "lt", "le")
FEW = 4
"""Places of a window of a pool, at least, of which one is sent something."""


def often_zero(value: Any) -> bool:
    """Whether a value is made so that about half of its numbers are zero."""
    seen, waiting = set[int](), [value]
    while waiting:  # each value once: factors may be the same ones, as in h * h
        node = _map(waiting.pop())
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        fn, inputs = node.attrs["fn"], node.inputs
        if (fn == "max" and _has_zero(inputs)) or (fn == "mul" and any(map(_mask, inputs))):
            return True
        if fn == "where" and _compared(inputs[0]) and _has_zero(inputs[1:]):
            return True
        waiting += inputs if fn == "mul" else inputs[:1] if fn in ("div", "min") else ()
    return False


def mostly_zero(value: Any) -> bool:
    """Whether at most one in `FEW` numbers of a value is not zero: what is sent back to the largest of each window."""
    seen, waiting = set[int](), [value]
    while waiting:
        value = waiting.pop()
        node = value.root.node if isinstance(value, Value) else None
        if node is None or id(node) in seen:
            continue
        seen.add(id(node))
        fn, inputs = node.attrs.get("fn"), node.inputs
        if node.kind is ir.Map and fn == "where" and _has_zero(inputs[2:]) and _one_of_few(inputs[0]):
            return True
        if node.kind is ir.Map or (node.kind is ir.Pad and node.attrs["value"] == 0):
            waiting += inputs if fn == "mul" else inputs[:1] if fn in (None, "div") else ()
    return False


def left_out() -> bool:
    """Whether this processor can leave zeros out of products: for others that takes longer than to multiply them."""
    try:
        return host().lanes == WIDTH
    except NoNativeCode:
        return False


def _has_zero(inputs: Any) -> bool:
    return any(not isinstance(x, Value) and x == 0.0 for x in inputs)


def _mask(value: Any) -> bool:
    """Whether it is 1 where a comparison with zero holds, else 0."""
    node = value.root.node if isinstance(value, Value) else None
    return node is not None and node.kind is ir.Cast and _compared(node.inputs[0])


def _compared(value: Any) -> bool:
    node = _map(value)
    return node is not None and node.attrs["fn"] in COMPARISONS and _has_zero(node.inputs)


def _one_of_few(value: Any) -> bool:
    """Whether it holds in one place of `FEW` at most: a number that stands for a whole window is compared with the
    numbers of its places."""
    node = _map(value)
    if node is None or node.attrs["fn"] != "eq" or not all(_is_expanded(x) for x in node.inputs):
        return False
    whole, places = (x.node.inputs[0] for x in node.inputs)
    numbers = places.root.array if places.root.node is None and places.root.role == "constant" else None
    if numbers is None or numbers.size < FEW or np.unique(numbers).size != numbers.size:
        return False
    ranks = len(node.output.shape)
    one, other = ((1,) * (ranks - len(x.shape)) + x.shape for x in (whole, places))
    return all(n == 1 for n, m in zip(one, other, strict=True) if m != 1)


def _is_expanded(value: Any) -> bool:
    return isinstance(value, Value) and value.node is not None and value.node.kind is ir.Expand


def _map(value: Any) -> Node | None:
    """The map that has made a value, or what it is a view of."""
    node = value.root.node if isinstance(value, Value) else None
    return node if node is not None and node.kind is ir.Map else None
