"""The same graph with less to do: every node is made again by `Builder.add`, which knows shorter ways to say things.

A round goes through the nodes in order; equal nodes become one, dead ones are left out at its end. Rounds follow until
one changes nothing. The rules lie beside this page, one file for each kind of thought; each is given the kind's inputs
and attributes and returns a value that means the same, or None.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from engine.compiler.graph.ir import (
    NOWHERE,
    Cast,
    Concat,
    Fill,
    Graph,
    Kind,
    Map,
    Node,
    Python,
    Reduce,
    Source,
    Value,
)  # fmt: skip
from engine.compiler.passes.pieces import only_cut
from engine.compiler.passes.rules import fitting
from engine.compiler.passes.sharing import share_rows

ROUNDS = 6
SMALL = 4096
"""Constants with at most so many elements are compared with each other."""

THOROUGH = frozenset(
    ["again", "dead", "numbers_as_floats", "unchanged", "reshaped_once", "map_of_numbers", "cast_of_one_number",
     "view_of_one_number", "over_axes_of_one", "truth_as_float", "whole_arithmetic", "whole_reduction", "whole_view"]
)  # fmt: skip
"""Rules that leave nothing to a second round: what comes behind sees at once what they made."""
COMMUTES = frozenset(["add", "mul", "eq", "ne", "and", "or"])


class Builder:
    """Nodes of the next round.

    known: nodes by what they say. readers: by the id of a value, the kinds of nodes that read it in the graph so far
    (None for a root). settled: ids of the nodes that an earlier round left as they are. whole: float32 values that are
    whole numbers, with their greatest size: counts stay floats while that is exact. cut: ids of values of which only
    pieces are wanted; pieces: those that were made. told: how often each rule found a shorter way.
    """

    def __init__(self, graph: Graph, before: Builder | None) -> None:
        self.graph = graph
        self.settled = frozenset(map(id, before.nodes)) if before is not None else frozenset()
        self.nodes: list[Node] = []
        self.known: dict[Any, Value] = {}
        self.readers: dict[int, list[Any]] = {}
        self.whole: dict[int, float] = {}
        self.cut: set[int] = set()
        self.pieces: dict[Any, Value] = {}
        self.told: Counter[str] = Counter()
        self.origin = NOWHERE

    def add(self, kind: type[Kind], *inputs: Any, **attrs: Any) -> Value:
        """The value of such a node, made as shortly as the rules know."""
        return self.say(kind, inputs, attrs, None)

    def say(self, kind: type[Kind], inputs: tuple[Any, ...], attrs: dict[str, Any], node: Node | None) -> Value:
        """As `add`; node: one of the graph that says just that, and is taken over where there is no shorter way."""
        what = (kind, attrs["fn"]) if kind is Map or kind is Reduce else kind
        for rule in fitting(what, inputs, node is not None and id(node) in self.settled):
            found: Value | None = rule(self, *inputs, **attrs)
            if found is not None:
                self.told[rule.__name__] += 1
                return found
        key = _key(kind, inputs, attrs)
        known = self.known.get(key)
        if known is not None:
            self.told["again"] += 1
            return known
        if node is None:
            node = Node(kind, inputs, attrs, self.origin)  # checks itself
        self.nodes.append(node)
        if key is not None:
            self.known[key] = node.output
        return node.output

    def lonely(self, value: Value) -> bool:
        """Whether one node reads a value, and nobody else."""
        return len(self.readers.get(id(value), ())) == 1

    def map(self, fn: str, *inputs: Any) -> Value:
        """A scalar function of values of one shape and numbers."""
        return self.add(Map, *inputs, fn=fn)

    def fill(self, shape: Any, value: Any, dtype: Any) -> Value:
        """One number everywhere."""
        return self.add(Fill, shape=tuple(shape), value=value, dtype=np.dtype(dtype))

    def constant(self, array: Any) -> Value:
        """A new constant source."""
        return self.graph.constant(array)


def _key(kind: type[Kind], inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
    """What a node says, as a key; None for what is never the same twice."""
    if kind is Python:
        return None
    read = [id(x) if isinstance(x, Value) else _said(x) for x in inputs]
    if attrs.get("fn") in COMMUTES and isinstance(read[0], int) and isinstance(read[1], int):
        read.sort()
    return kind, *read, *[_said(v) if v.__class__ is float else v for v in attrs.values()]


def _said(x: Any) -> Any:
    """A number as a key: its type counts (1 and 1.0 make other element types), and so does the sign of 0."""
    return x.__class__, repr(x)


def simplify(graph: Graph, counts_as_floats: bool = False) -> dict[str, int]:
    """Rewrite the graph in place; how often each rule was of use, and the number of nodes before and after.

    counts_as_floats: outputs that are counts may be float32 (without error); whoever wants int64 casts them.
    """
    before, told = len(graph.nodes), Counter[str]()
    builder: Builder | None = None
    for _ in range(ROUNDS):
        builder = _round(graph, counts_as_floats, builder)
        told.update(builder.told)
        if builder.told.keys() <= THOROUGH:
            break
    told["share_rows"] = share_rows(graph)
    if told["share_rows"]:
        graph.check(shapes=False)
    return {"nodes before": before, "nodes after": len(graph.nodes), **dict(sorted(told.items()))}


def _round(graph: Graph, counts_as_floats: bool, before: Builder | None) -> Builder:
    builder, made = Builder(graph, before), _distinct(graph.sources)
    readers, cut = _readers(graph), only_cut(graph)
    whole: set[int] = set()
    for node in graph.nodes:
        builder.origin = node.origin
        inputs = tuple([made[id(v)] if isinstance(v, Value) else v for v in node.inputs])
        same = (
            node if inputs == node.inputs and (before or node.kind is not Concat) else None
        )  # `share_rows` changes it
        new = made[id(node.output)] = builder.say(node.kind, inputs, node.attrs, same)
        if id(node.output) in cut and id(new) not in whole:
            builder.cut.add(id(new))
        else:
            whole.add(id(new))
            builder.cut.discard(id(new))
        builder.readers.setdefault(id(new), []).extend(readers.get(id(node.output), ()))
    _handed_over(graph, made)
    if counts_as_floats:
        graph.outputs = [v.node.inputs[0] if _is_count(builder, v) else v for v in graph.outputs]
    graph.nodes = alive(graph, builder.nodes)
    builder.told["dead"] = len(builder.nodes) - len(graph.nodes)
    wanted = {id(v) for node in graph.nodes for v in node.values} | {id(v) for v in graph.roots()}
    graph.sources = [s for s in graph.sources if s.role != "constant" or id(s) in wanted]
    graph.check(shapes=False)
    return builder


def _is_count(builder: Builder, value: Any) -> bool:
    """Whether a value is a float32 count, cast."""
    node = value.node
    return node is not None and node.kind is Cast and id(node.inputs[0]) in builder.whole


def _distinct(sources: list[Source]) -> dict[int, Any]:
    """Sources by their id; small constants with the same numbers are one."""
    made: dict[int, Any] = {}
    known: dict[Any, Source] = {}
    for s in sources:
        same = s.role == "constant" and s.size <= SMALL
        made[id(s)] = known.setdefault((s.shape, s.dtype.str, s.array.tobytes()), s) if same else s
    return made


def _readers(graph: Graph) -> dict[int, list[Any]]:
    """By the id of a value, the kinds of the nodes that read it; None for every root."""
    found: dict[int, list[Any]] = {}
    for node in graph.nodes:
        for value in node.values:
            found.setdefault(id(value), []).append(node.kind)
    for value in graph.roots():
        found.setdefault(id(value), []).append(None)
    return found


def _handed_over(graph: Graph, made: dict[int, Any]) -> None:
    """The roots as values of the new nodes."""
    graph.outputs = [made[id(v)] for v in graph.outputs]
    graph.writes = [(cell, made[id(v)]) for cell, v in graph.writes]
    graph.finite = [made[id(v)] for v in graph.finite]
    graph.effects = [(f, tuple(made[id(v)] for v in values)) for f, values in graph.effects]


def alive(graph: Graph, nodes: list[Node]) -> list[Node]:
    """The nodes that a root needs."""
    wanted, kept = {id(v) for v in graph.roots()}, []
    for node in reversed(nodes):
        if id(node.output) in wanted:
            kept.append(node)
            wanted.update(id(v) for v in node.values)
    return kept[::-1]
