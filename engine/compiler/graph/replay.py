"""The NumPy plan: a graph's nodes one after the other on arrays, where there is no native code, and to look inside."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from engine.array import quiet
from engine.compiler.graph.ir import Graph, Node, Source, Value


def alive(graph: Graph, more: Iterable[Value] = ()) -> list[Node]:
    """The nodes that somebody wants, in order; more: values that are wanted besides."""
    wanted = {id(v) for v in (*graph.roots(), *more)}
    kept: list[Node] = []
    for node in reversed(graph.nodes):
        if id(node.output) in wanted:
            kept.append(node)
            wanted.update(id(v) for v in node.values)
    return kept[::-1]


class Replay:
    """Runs a graph on NumPy: what `ir.interpret` does, with the bookkeeping done beforehand."""

    def __init__(self, graph: Graph, more: Iterable[Value] = ()) -> None:
        self.graph = graph
        self.places: dict[int, int] = {}
        self.nodes = alive(graph, more)
        for source in graph.sources:
            self._place(source)
        self.lines = [self._line(node) for node in self.nodes]
        self.ends = self._ends()

    def _place(self, value: Value) -> int:
        return self.places.setdefault(id(value), len(self.places))

    def _line(self, node: Node) -> tuple[Any, ...]:
        inputs = [(self._place(v), None) if isinstance(v, Value) else (-1, v) for v in node.inputs]
        return node.kind.run, inputs, node.attrs, self._place(node.output), node.output.dtype

    def _ends(self) -> list[list[int]]:
        """For each line the places that nobody reads after it."""
        kept = {self.places[id(v)] for v in (*self.graph.roots(), *self.graph.sources) if id(v) in self.places}
        last: dict[int, int] = {}
        for i, (_, inputs, _, _, _) in enumerate(self.lines):
            last |= {place: i for place, _ in inputs if place >= 0 and place not in kept}
        ends: list[list[int]] = [[] for _ in self.lines]
        for place, i in last.items():
            ends[i].append(place)
        return ends

    def held(self, inputs: list[Any]) -> list[Any]:
        """What the sources hold before a step."""
        quiet()
        return [
            *(_read(s, inputs) for s in self.graph.sources),
            *[None] * (len(self.places) - len(self.graph.sources)),
        ]

    def compute(self, inputs: list[Any]) -> list[Any]:
        """Run the nodes; nothing is written."""
        held = self.held(inputs)
        for number, ends in enumerate(self.ends):
            self.node(number, held)
            for p in ends:
                held[p] = None
        return held

    def node(self, number: int, held: list[Any]) -> None:
        """Run one node."""
        run, given, attrs, place, dtype = self.lines[number]
        made = run(*[number if p < 0 else held[p] for p, number in given], **attrs)
        held[place] = made if getattr(made, "dtype", None) is dtype else np.asarray(made).astype(dtype, copy=False)

    def step(self, inputs: list[Any]) -> tuple[list[Any], bool]:
        """One step: the outputs, and whether everything that should be finite is (else nothing was written)."""
        held, at, graph = self.compute(inputs), self.places, self.graph
        finite = all(np.isfinite(held[at[id(v)]]).all() for v in graph.finite)
        outputs = [np.array(held[at[id(v)]]) for v in graph.outputs]
        if finite:
            values = [np.array(held[at[id(v)]]) for v in (v for _, vs in graph.effects for v in vs)]
            new = [(cell, held[at[id(v)]]) for cell, v in graph.writes]
            fresh = [
                (c, a.copy() if isinstance(a.base, np.ndarray) or any(a is d.array for d, _ in new) else a)
                for c, a in new
            ]
            for cell, array in fresh:
                cell.array[...] = array
            self._effects(values)
        return outputs, finite

    def _effects(self, values: list[Any]) -> None:
        for function, needed in self.graph.effects:
            function(*values[: len(needed)])
            del values[: len(needed)]


def _read(source: Source, inputs: list[Any]) -> Any:
    if source.role == "scalar":
        return np.asarray(source.read(), source.dtype)
    return inputs[source.slot] if source.role == "input" else source.array
