"""From one op of the engine to nodes of the graph: a rule written for it, else its own array code, else a Python node.

Most ops need no rule: their `forward` runs once on symbolic arrays (`lowering.symbolic`), which note what is done to
them as nodes. Rules are written where structure matters or the graph has better words: products, windows, tables.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from engine.compiler.graph.ir import CompilerError, Graph, Python, Value
from engine.compiler.lowering import RULES
from engine.compiler.lowering.library import Library
from engine.compiler.lowering.symbolic import Array, NoRule
from engine.compiler.lowering.told import Open, Told, numbered, said
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

    The same op on values of the same shapes is told once more as it was told the first time; from its second sizes on,
    it is told for all sizes that would have led the rule the same way.
    """
    key = said(op, inputs, attrs)
    if key is None:
        return noted(graph, op, inputs, attrs)
    known = _TOLD.get(key, _UNKNOWN)
    if known is _UNKNOWN:
        like, sizes = numbered(key)
        opened = _OPEN.get(like)
        known = opened.at(sizes, _UNKNOWN) if opened else _UNKNOWN
        if known is _UNKNOWN:
            return _learnt(graph, op, inputs, attrs, key)
        _remember(key, known)
    return None if known is None else known.again(graph, inputs)


MOST = 4096
"""Ops that are remembered, each with the shapes that it met."""
_UNKNOWN: Any = object()
_TOLD: dict[Any, Told | None] = {}
_OPEN: dict[Any, Any] = {}
"""By what was said, sizes aside, an `Open`; None for what was seen once, False where more than sizes decides."""


def _remember(key: Any, told: Told | None) -> None:
    if len(_TOLD) >= MOST:
        _TOLD.clear()
        _OPEN.clear()
    _TOLD[key] = told


def _learnt(graph: Graph, op: type[Op], inputs: list[Any], attrs: dict[str, Any], key: Any) -> Value | None:
    """What an op becomes, which is remembered where it does not hold on to arrays."""
    nodes, sources = len(graph.nodes), len(graph.sources)
    found = noted(graph, op, inputs, attrs)
    if len(graph.sources) == sources:
        told = None if found is None else Told.of(graph.nodes[nodes:], inputs, found)
        _remember(key, told)
        like, sizes = numbered(key)
        if like in _OPEN and _OPEN[like] is None:
            _OPEN[like] = False
            with suppress(CompilerError):
                opened = Open(lambda scratch, given: noted(scratch, op, given, attrs), inputs)
                _OPEN[like] = opened.at(sizes, _UNKNOWN) == told and opened
        else:
            _OPEN.setdefault(like)
    return found


def noted(graph: Graph, op: type[Op], inputs: list[Any], attrs: dict[str, Any]) -> Value | None:
    """What `attempt` makes, found anew: sizes may be open."""
    found = None
    for rule in (RULES.get(op.name), op.forward):
        if rule is not None and found is None:
            found = _tried(graph, rule, inputs, attrs)
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
