"""From one op of the engine to nodes of the graph: a rule written for it, else its own array code, else a Python node.

Most ops need no rule: their `forward` runs once on symbolic arrays (`lowering.symbolic`), which note what is done to
them as nodes. Rules are written where structure matters or the graph has better words: products, windows, tables.
"""

from __future__ import annotations

from typing import Any

from engine.compiler.ir import CompilerError, Graph, Python, Value
from engine.compiler.lowering import RULES
from engine.compiler.lowering.library import Library
from engine.compiler.lowering.symbolic import Array, NoRule
from engine.elements import Abstract
from engine.errors import EngineError
from engine.ops import Op

REFUSALS = (NoRule, CompilerError, EngineError, ImportError, TypeError, ValueError, AttributeError, LookupError)
"""What symbolic arrays may meet in array code that was written for numbers: then the op is no business of the graph."""


def lower(graph: Graph, op: type[Op], inputs: list[Any], attrs: dict[str, Any]) -> Value:
    """The value that the op makes of these inputs (values, numbers or None), as new nodes of the graph."""
    found = attempt(graph, op, inputs, attrs)
    if found is None:
        shape = op.infer(*(Abstract(v.shape, v.dtype) if isinstance(v, Value) else v for v in inputs), **attrs)
        found = graph.add(Python, *inputs, op=op, attrs=attrs, shape=tuple(shape.shape), dtype=shape.dtype)
    return found


def attempt(graph: Graph, op: type[Op], inputs: list[Any], attrs: dict[str, Any]) -> Value | None:
    """What `lower` makes without Python; None, and the graph as it was, where there is no rule."""
    for rule in (RULES.get(op.name), op.forward):
        if rule is not None:
            found = _tried(graph, rule, inputs, attrs)
            if found is not None:
                return found
    return None


def _tried(graph: Graph, rule: Any, inputs: list[Any], attrs: dict[str, Any]) -> Value | None:
    nodes, sources = len(graph.nodes), len(graph.sources)
    library = Library(graph)
    arrays = [Array(library, v, [2]) if isinstance(v, Value) else v for v in inputs]
    try:
        return library.value_of(rule(library, *arrays, **attrs))
    except REFUSALS:
        del graph.nodes[nodes:], graph.sources[sources:]
        return None
