"""From a drawing to a module whose parameters are called ``<node>.<parameter>``."""

from __future__ import annotations

from collections.abc import Mapping

from engine.autodiff import no_grad
from engine.errors import ArgumentError
from engine.nn.init import drawn_from
from engine.nn.module import Module
from engine.rng import Generator
from engine.spec.graph import GraphNode, GraphSpec
from engine.spec.graph_check import make, source_of, walk
from engine.spec.problem import Problem
from engine.tensor import Tensor


class Refused(ArgumentError):
    """A spec that `check` finds problems in; `problems` has them all."""

    def __init__(self, problems: list[Problem]) -> None:
        first = problems[0]
        super().__init__(
            where=first.node or first.field or "spec",
            expected=first.expected or "",
            got=first.got or "",
            hint=first.hint or "",
            node=first.node,
            field=first.field,
        )
        self.problems = problems

    def __str__(self) -> str:
        """The first problem's sentence, and how many more there are."""
        more = f" ({len(self.problems) - 1} more)" if len(self.problems) > 1 else ""
        return f"{self.problems[0].message}{more}"


class Network(Module):
    """A drawn graph that runs: nodes in an order in which each comes after what it reads."""

    def __init__(self, graph: GraphSpec, order: list[GraphNode], layers: Mapping[str, Module]) -> None:
        super().__init__()
        places = {block.id: index for index, block in enumerate([*graph.inputs, *order])}
        # Entered directly, and nothing of our own without an underscore: a node may bear any name, such as "forward".
        self._modules.update({node.id: layers[node.id] for node in order if node.shares is None})
        self._names = tuple(places)
        self._steps = [(layers[node.id], tuple(places[source_of(r)] for r in node.inputs)) for node in order]
        self._results = [places[source_of(r)] for r in graph.outputs]
        first = len(graph.inputs)
        self._chained = (
            first == 1
            and self._results == [len(order)]
            and all(sources == (index,) for index, (_, sources) in enumerate(self._steps))
        )

    def forward(self, *inputs: Tensor) -> Tensor:
        """The (first) output for a batch."""
        if self._chained:
            x = inputs[0]
            for layer, _ in self._steps:
                x = layer(x)
            return x
        return self.values(*inputs)[self._results[0]]

    def values(self, *inputs: Tensor) -> list[Tensor]:
        """The inputs and what every node gives, inputs first."""
        found = list(inputs)
        for layer, sources in self._steps:
            found.append(layer(*[found[source] for source in sources]))
        return found

    def outputs_of(self, *inputs: Tensor) -> dict[str, Tensor]:
        """What every input and node gives, by id, without gradients."""
        with no_grad():
            return dict(zip(self._names, self.values(*inputs), strict=True))

    @property
    def output(self) -> str:
        """Id of the node whose output the loss sees."""
        names: tuple[str, ...] = self._names
        return names[self._results[0]]


def build(graph: GraphSpec, seed: int = 0) -> Network:
    """The module of a graph, its weights drawn from `seed` in the order of the nodes.

    Raises: Refused when the graph has problems.
    """
    found = walk(graph)
    if found.problems:
        raise Refused(found.problems)
    layers: dict[str, Module] = {}
    with drawn_from(Generator(seed)):
        for node in found.order:
            shapes = [found.shapes[source_of(reference)] for reference in node.inputs]
            layers[node.id] = layers[node.shares] if node.shares else make(node, shapes)
    return Network(graph, found.order, layers)
