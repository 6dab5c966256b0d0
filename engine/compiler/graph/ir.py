"""The compiler's own language: a graph of few kinds of nodes, each with one meaning, every value assigned once.

A kind (`kinds.py`) declares its shape rule and its meaning on NumPy arrays; passes, plans and kernels are tested
against that meaning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from engine.compiler.graph.kinds import KINDS as KINDS
from engine.compiler.graph.kinds import SCALARS as SCALARS
from engine.compiler.graph.kinds import TRUTHS as TRUTHS
from engine.compiler.graph.kinds import Cast as Cast
from engine.compiler.graph.kinds import Concat as Concat
from engine.compiler.graph.kinds import Contract as Contract
from engine.compiler.graph.kinds import Expand as Expand
from engine.compiler.graph.kinds import Fill as Fill
from engine.compiler.graph.kinds import Gather as Gather
from engine.compiler.graph.kinds import Iota as Iota
from engine.compiler.graph.kinds import Kind as Kind
from engine.compiler.graph.kinds import Map as Map
from engine.compiler.graph.kinds import Pad as Pad
from engine.compiler.graph.kinds import Permute as Permute
from engine.compiler.graph.kinds import Python as Python
from engine.compiler.graph.kinds import Reduce as Reduce
from engine.compiler.graph.kinds import Reshape as Reshape
from engine.compiler.graph.kinds import Scatter as Scatter
from engine.compiler.graph.kinds import Slice as Slice
from engine.compiler.graph.kinds import Window as Window
from engine.compiler.graph.values import FLOAT as FLOAT
from engine.compiler.graph.values import LONG as LONG
from engine.compiler.graph.values import TRUTH as TRUTH
from engine.compiler.graph.values import WORD as WORD
from engine.compiler.graph.values import CompilerError as CompilerError
from engine.compiler.graph.values import Input as Input
from engine.compiler.graph.values import Shape as Shape
from engine.compiler.graph.values import Source as Source
from engine.compiler.graph.values import Value as Value
from engine.compiler.graph.values import defect as defect
from engine.ops.op import broadcast


class Origin(NamedTuple):
    """Where a node comes from: the number of the traced call, its op, and the user's line ("file.py:12")."""

    call: int = -1
    op: str = ""
    line: str = ""
    backward: bool = False


NOWHERE = Origin()


class Node:
    """One computation: its kind, what it reads, its attributes, what it makes, where it comes from.

    values: the inputs that are values, numbers left out. A node is checked by its kind's shape rule when it is made.
    """

    __slots__ = ("attrs", "inputs", "kind", "origin", "output", "values")

    def __init__(
        self, kind: type[Kind], inputs: tuple[Any, ...], attrs: dict[str, Any], origin: Origin = NOWHERE
    ) -> None:
        self.kind, self.inputs, self.attrs, self.origin = kind, inputs, attrs, origin
        self.values: tuple[Value, ...] = tuple([v for v in inputs if isinstance(v, Value)])
        shape, dtype = kind.infer(*inputs, **attrs)
        self.output = Value(shape, dtype, self)

    def __repr__(self) -> str:
        return f"{self.output!r} = {self.kind.name}({', '.join(map(repr, self.inputs))}, {self.attrs})"


# ------------------------------------------------------------------------------------------------------- graph
class Graph:
    """A step as nodes in an order that computes.

    outputs: what the step hands back. writes: (cell, value): what cells hold after the step; all of them happen after
    everything was computed. finite: values that must be finite, else nothing is written and the step reports itself.
    effects: (function, values): Python that runs after the writes with the values' arrays, e.g. an optimiser that has
    no rule here.
    """

    def __init__(self) -> None:
        self.nodes: list[Node] = []
        self.sources: list[Source] = []
        self.outputs: list[Value] = []
        self.writes: list[tuple[Source, Value]] = []
        self.finite: list[Value] = []
        self.effects: list[tuple[Callable[..., None], tuple[Value, ...]]] = []
        self.parted = (0, 1)
        """Images of a shard, and into how many shards the batch was cut, if it was (see `parted.py`)."""
        self.origin = NOWHERE

    # ------------------------------------------------------------------------------------------------- building
    def source(self, role: str, shape: Shape, dtype: Any, **more: Any) -> Source:
        """A new source."""
        found = Source(role, shape, dtype, **more)
        self.sources.append(found)
        return found

    def constant(self, array: Any, name: str = "") -> Source:
        """An array that never changes."""
        return self.source("constant", array.shape, array.dtype, array=array, name=name)

    def add(self, kind: type[Kind], *inputs: Any, **attrs: Any) -> Value:
        """Append a node; its output."""
        node = Node(kind, inputs, attrs, self.origin)
        self.nodes.append(node)
        return node.output

    def known(self, kind: type[Kind], inputs: Any, values: Any, attrs: Any, shape: Shape, dtype: Any) -> Value:
        """Append a node of which it is known what it makes, a shape that is a tuple, an element type of NumPy; its
        output. values: the inputs that are values."""
        node, value = Node.__new__(Node), Value.__new__(Value)
        node.kind, node.inputs, node.values, node.attrs, node.origin = kind, inputs, values, attrs, self.origin
        node.output = value
        value.shape, value.dtype, value.node, value.name = shape, dtype, node, ""
        value.root = inputs[0].root if kind.view else value
        self.nodes.append(node)
        return value

    def map(self, fn: str, *inputs: Input) -> Value:
        """A scalar function with NumPy's broadcasting."""
        values = tuple([v for v in inputs if isinstance(v, Value)])
        shape = values[0].shape if values else ()
        if any([v.shape != shape for v in values]):  # noqa: C419
            shape = broadcast(fn, *values)
            inputs = tuple([self.expand(v, shape) if isinstance(v, Value) else v for v in inputs])
            values = tuple([v for v in inputs if isinstance(v, Value)])
        if not values:
            raise defect(f"map {fn} of numbers")
        return self.known(Map, inputs, values, {"fn": fn}, shape, Map.element(fn, inputs, values))

    def expand(self, x: Value, shape: Shape) -> Value:
        """x with this shape; nothing where it has it."""
        if not x.shape and shape:
            return self.known(Expand, (x,), (x,), {"shape": tuple(shape)}, tuple(shape), x.dtype)
        return x if x.shape == tuple(shape) else self.add(Expand, x, shape=tuple(shape))

    def reshape(self, x: Value, shape: Shape) -> Value:
        """x under another shape; nothing where it has it."""
        return x if x.shape == tuple(shape) else self.add(Reshape, x, shape=tuple(shape))

    def cast(self, x: Value, dtype: Any) -> Value:
        """x in another element type; nothing where it has it."""
        return x if x.dtype == np.dtype(dtype) else self.add(Cast, x, dtype=np.dtype(dtype))

    def reduce(self, x: Value, fn: str, axes: Shape, keepdim: bool = False) -> Value:
        """x reduced over the axes, which stay with size 1 if keepdim."""
        y = self.add(Reduce, x, fn=fn, axes=tuple(axes)) if axes else x
        return self.reshape(y, tuple(1 if i in axes else n for i, n in enumerate(x.shape))) if keepdim else y

    # ------------------------------------------------------------------------------------------------- looking
    def roots(self) -> Iterator[Value]:
        """Everything that somebody wants."""
        yield from self.outputs
        yield from (value for _, value in self.writes)
        yield from self.finite
        for _, values in self.effects:
            yield from values

    def check(self, shapes: bool = True) -> None:
        """Values are made once, before they are read; nodes are right about their shapes (which each node asks of its
        kind when it is made: not once more without `shapes`). Raises: CompilerError."""
        known: set[int] = {id(s) for s in self.sources}
        for node in self.nodes:
            for value in node.values:
                if id(value) not in known:
                    raise defect(f"{node} reads {value}, which nothing has made")
            if shapes:
                shape, dtype = node.kind.infer(*node.inputs, **node.attrs)
                if (tuple(shape), np.dtype(dtype)) != (node.output.shape, node.output.dtype):
                    raise defect(f"{node}: {shape} {dtype}")
            if not (id(node.output) not in known and node.output.node is node):
                raise defect(f"{node} is made twice")
            known.add(id(node.output))
        for value in self.roots():
            if id(value) not in known:
                raise defect(f"{value} is wanted and never made")
        for cell, value in self.writes:
            if not (cell.role == "cell" and cell.shape == value.shape and cell.dtype == value.dtype):
                raise defect(f"{cell} := {value}")


def interpret(graph: Graph, inputs: list[Any]) -> list[Any]:
    """What the graph means: run it on NumPy arrays, node by node; cells are written, outputs handed back."""
    held: dict[int, Any] = {}
    for source in graph.sources:
        if source.role == "scalar":
            held[id(source)] = np.asarray(source.read(), source.dtype)
        else:
            held[id(source)] = inputs[source.slot] if source.role == "input" else source.array
    for node in graph.nodes:
        arrays = [held[id(v)] if isinstance(v, Value) else v for v in node.inputs]
        held[id(node.output)] = np.asarray(node.kind.run(*arrays, **node.attrs)).astype(node.output.dtype, copy=False)
    outputs = [held[id(v)].copy() for v in graph.outputs]
    if all(np.isfinite(held[id(v)]).all() for v in graph.finite):
        new = [(cell, held[id(v)].copy()) for cell, v in graph.writes]
        for cell, array in new:
            cell.array[...] = array
    for function, values in graph.effects:
        function(*(held[id(v)] for v in values))
    return outputs
