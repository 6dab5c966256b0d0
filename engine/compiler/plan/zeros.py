"""Values that are zero in many places: what ReLU lets through, and what it sends back."""

from __future__ import annotations

from typing import Any

from engine.compiler.graph import ir
from engine.compiler.graph.ir import Value
from engine.compiler.kernels.tiles import WIDTH
from engine.compiler.machine.cpu import NoNativeCode, host

COMPARISONS = ("gt", "ge", "lt", "le")


def often_zero(value: Any) -> bool:
    """Whether a value is made so that about half of its numbers are zero."""
    node = value.root.node if isinstance(value, Value) else None
    if node is None or node.kind is not ir.Map:
        return False
    fn, inputs = node.attrs["fn"], node.inputs
    if fn == "max":
        return _has_zero(inputs)
    if fn == "where":
        return _compared(inputs[0]) and _has_zero(inputs[1:])
    if fn == "mul":
        return any(_mask(x) or often_zero(x) for x in inputs)
    return fn in ("div", "min") and often_zero(inputs[0])


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
    node = value.root.node if isinstance(value, Value) else None
    return node is not None and node.kind is ir.Map and node.attrs["fn"] in COMPARISONS and _has_zero(node.inputs)
