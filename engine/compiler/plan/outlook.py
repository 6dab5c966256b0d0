"""What a result will meet: values that already lie somewhere and are combined with it, place by place, later on."""

from __future__ import annotations

import math
from typing import Any

from engine.compiler.graph import ir
from engine.compiler.graph.ir import Graph, Node, Value
from engine.compiler.plan.places import Place, through
from engine.compiler.plan.wishes import outwards

Planner = Any
"""`engine.compiler.plan.planner.Planner`, which stands above this file."""

STEPS = 24
"""Values that are looked at on the way."""


class Outlook:
    """For results of a graph, along which axis those lie that they will meet."""

    def __init__(self, graph: Graph) -> None:
        self.users: dict[int, list[Node]] = {}
        for node in graph.nodes:
            for value in node.values:
                self.users.setdefault(id(value), []).append(node)

    def axis(self, value: Value, planner: Planner) -> int | None:
        """The axis along which most of them take steps of 1; None: nothing is met, or as many lie in another way."""
        axes = [i for i, n in enumerate(value.shape) if n != 1]
        met = sorted(((self._met(value, i, planner), i) for i in axes), reverse=True)
        clear = met and met[0][0] > (met[1][0] if len(met) > 1 else 0)
        return met[0][1] if clear else None

    def _met(self, value: Value, axis: int, planner: Planner) -> int:
        """How many of them take steps of 1 along an axis of the value."""
        waiting, seen, count = [(value, axis)], set[int](), 0
        while waiting and len(seen) < STEPS:
            here, axis = waiting.pop(0)
            if id(here) in seen:
                continue
            seen.add(id(here))
            for node in self.users.get(id(here), []):
                if node.kind is ir.Map:
                    count += sum(_lies_along(v, axis, planner) for v in node.values if v is not here)
                waiting += _onwards(node, here, axis)
        return count


def _onwards(node: Node, value: Value, axis: int) -> list[tuple[Value, int]]:
    """What a node makes of a value, and the axis there; of axes that become one, neighbours are those of the last."""
    if node.kind is not ir.Reshape:
        return list(outwards(node, value, axis))
    behind, shape = math.prod(value.shape[axis + 1 :]), node.output.shape
    return [(node.output, i) for i, n in enumerate(shape) if n != 1 and math.prod(shape[i + 1 :]) == behind]


def _lies_along(value: Any, axis: int, planner: Planner) -> bool:
    """Whether it is placed, with steps of 1 along an axis, and differs along all of them, as a bias does not."""
    place = _place(value, planner) if isinstance(value, Value) and len(value.shape) > axis and value.size > 1 else None
    if place is None or place.strides[axis] != 1:
        return False
    return all(s or n == 1 for s, n in zip(place.strides, value.shape, strict=True))


def _place(value: Value, planner: Planner) -> Place | None:
    """Where it lies; None: nowhere yet, or it would have to be copied to be seen so."""
    known: Place | None = planner.found.get(id(value))
    if known is not None or value.node is None or not value.node.kind.view:
        return known
    inner = _place(value.node.inputs[0], planner)
    return through(value.node, inner) if inner is not None else None
