"""From one op of the engine to nodes of the graph: a rule written for it, else its own array code, else a Python node.

Most ops need no rule: their `forward` runs once on symbolic arrays (`lowering.symbolic`), which note what is done to
them as nodes. Rules are written where structure matters or the graph has better words: products, windows, tables.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.compiler.ir import CompilerError, Graph, Node, Python, Value
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
    """What `lower` makes without Python; None, and the graph as it was, where there is no rule.

    The same op on values of the same shapes is told once more as it was told the first time.
    """
    key = _said(op, inputs, attrs)
    known = _TOLD.get(key, _UNKNOWN) if key is not None else _UNKNOWN
    if known is not _UNKNOWN:
        return None if known is None else known.again(graph, inputs)
    nodes, sources, found = len(graph.nodes), len(graph.sources), None
    for rule in (RULES.get(op.name), op.forward):
        if rule is not None and found is None:
            found = _tried(graph, rule, inputs, attrs)
    if key is not None and len(graph.sources) == sources:
        if len(_TOLD) >= MOST:
            _TOLD.clear()
        _TOLD[key] = None if found is None else _Told(graph.nodes[nodes:], inputs, found)
    return found


MOST = 4096
"""Ops that are remembered, each with the shapes that it met."""
_UNKNOWN: Any = object()
_TOLD: dict[Any, Any] = {}
_PLAIN = (int, float, bool, str, slice, type(None), type(Ellipsis), np.dtype)


def _said(op: type[Op], inputs: list[Any], attrs: dict[str, Any]) -> Any:
    """An op, its attributes and what its inputs are like, as a key; None where there is more to it than that."""
    if not all(map(_is_plain, attrs.values())):
        return None
    ids = [id(x) for x in inputs]
    read = [(ids.index(id(x)), x.shape, x.dtype) if isinstance(x, Value) else (x.__class__, repr(x)) for x in inputs]
    return op, repr(attrs), *read


def _is_plain(x: Any) -> bool:
    return all(map(_is_plain, x)) if x.__class__ in (tuple, list) else isinstance(x, _PLAIN)


class _Told:
    """Nodes that an op became, without the values that they were made of."""

    def __init__(self, nodes: list[Node], inputs: list[Any], found: Value) -> None:
        place = {id(x): (0, i) for i, x in enumerate(inputs) if isinstance(x, Value)}
        self.nodes = []
        for i, node in enumerate(nodes):
            read = tuple(place[id(x)] if isinstance(x, Value) else (2, x) for x in node.inputs)
            alone = len(node.values) == len(node.inputs)
            self.nodes.append((node.kind, read, alone, node.attrs, node.output.shape, node.output.dtype))
            place[id(node.output)] = (1, i)
        self.found = place[id(found)]

    def again(self, graph: Graph, inputs: list[Any]) -> Value:
        """The same nodes of other values."""
        made: list[Value] = []
        lists, origin = (inputs, made), graph.origin
        for kind, read, alone, attrs, shape, dtype in self.nodes:
            given = tuple([x if at == 2 else lists[at][x] for at, x in read])
            node = Node.known(kind, given, given if alone else None, attrs, origin)
            output = node.output = Value.known(shape, dtype, node)
            made.append(output)
            graph.nodes.append(node)
        at, place = self.found
        found: Value = lists[at][place]
        return found


def _tried(graph: Graph, rule: Any, inputs: list[Any], attrs: dict[str, Any]) -> Value | None:
    nodes, sources = len(graph.nodes), len(graph.sources)
    library = Library(graph)
    arrays = [Array(library, v, [2]) if isinstance(v, Value) else v for v in inputs]
    try:
        return library.value_of(rule(library, *arrays, **attrs))
    except REFUSALS:
        del graph.nodes[nodes:], graph.sources[sources:]
        return None
