"""A traced step as a whole: its graph, and what goes with it outside of arrays."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from engine.compiler.graph.ir import Graph, Value
from engine.compiler.trace.numbers import number_of
from engine.nn.module import Module
from engine.optim.optimizer import Optimizer
from engine.sample import Sample
from engine.tensor import Tensor, wrap


class Call(NamedTuple):
    """One op of the step as the user wrote it. number: its place in the trace, the same in every program of the step;
    module: the module in whose forward it ran (for the backward pass: of the op that it belongs to)."""

    number: int
    op: str
    line: str
    backward: bool
    module: Module | None
    value: Value


@dataclass
class Program:
    """A graph and what goes with it outside of arrays.

    tensors: (tensor, its memory) of all cells that belong to one; states: (optimiser, parameter, name -> memory);
    structures: what of the optimisers' settings is part of the program; slopes: (leaf, the tensor that `.grad` is after
    a step, or None); carried: leaves whose gradient from before the step is added to; counters: counts that grow by
    one a step; schedules: (scheduler, whether it steps before the optimiser); generators: who is asked for a draw, in
    order; keys: the draws of the step to come; samples: random numbers that are drawn before each step, which stand
    behind its arguments; settings: grows whenever a setting of an optimiser is found to be
    another one; result: the tree of what the step returns, with `Made` for tensors. called: finds `calls`; says: what
    `resized.said` says of the graph, where that is known; learn: see `alike.py`.
    """

    graph: Graph = field(default_factory=Graph)
    tensors: list[tuple[Tensor, Any]] = field(default_factory=list)
    states: list[tuple[Optimizer, Tensor, dict[str, Any]]] = field(default_factory=list)
    structures: list[tuple[Optimizer, Any]] = field(default_factory=list)
    slopes: list[tuple[Tensor, Tensor | None]] = field(default_factory=list)
    carried: list[Tensor] = field(default_factory=list)
    counters: list[Tensor] = field(default_factory=list)
    schedules: list[tuple[Any, bool]] = field(default_factory=list)
    generators: list[Any] = field(default_factory=list)
    keys: list[int] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    settings: int = 0
    result: Any = None
    called: Callable[[], list[Call]] = list
    says: tuple[Any, tuple[int, ...]] | None = None
    learn: Callable[[Program], None] | None = None

    @functools.cached_property
    def calls(self) -> list[Call]:
        """The ops as they ran, with what each made."""
        return self.called()

    def __del__(self) -> None:
        """Nodes and values hold each other and themselves; let go of, they and a model need not wait for the collector,
        which comes late to what counts as old (see `variant.py`)."""
        for source in self.graph.sources:
            source.array = source.read = None
            del source.root
        for node in self.graph.__dict__.get("nodes", ()):  # a graph without them needs none any more
            del node.output.node, node.output.root


@dataclass(eq=False, slots=True)
class Drawn:
    """The number of a draw in the step to come."""

    keys: list[int]
    place: int

    def __call__(self) -> int:
        return self.keys[self.place]


@dataclass(frozen=True)
class Made:
    """In the place of a tensor that a step returns: the number of the graph's output, and its element type; kind: how
    a number is made of it, where that is returned (see `numbers.Number`)."""

    number: int
    dtype: Any
    kind: str = ""

    def of(self, array: Any) -> Any:
        """What a step returns in the place of this."""
        return number_of(self.typed(array), self.kind) if self.kind else wrap(self.typed(array))

    def typed(self, array: Any) -> Any:
        """An array in its element type."""
        return array if array.dtype == self.dtype else np.asarray(array, self.dtype)
