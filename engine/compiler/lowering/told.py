"""What an op became, remembered: nodes to be made again of other values, and as a function of sizes (`sizes.py`)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.compiler.graph.ir import Graph, Node, Value
from engine.compiler.graph.sizes import Tape
from engine.compiler.graph.writer import Writer
from engine.ops import Op

PLAIN = (int, float, bool, str, slice, type(None), type(Ellipsis), np.dtype)
Attempt = Callable[[Graph, list[Any]], Value | None]


def said(op: type[Op], inputs: list[Any], attrs: dict[str, Any]) -> Any:
    """An op, its attributes and what its inputs are like, as a key; None where there is more to it than that."""
    if attrs and not all(map(_is_plain, attrs.values())):
        return None
    ids = [id(x) for x in inputs]
    read = [(ids.index(id(x)), x.shape, x.dtype) if isinstance(x, Value) else (x.__class__, repr(x)) for x in inputs]
    return op, repr([(n, v.str if isinstance(v, np.dtype) else v) for n, v in attrs.items()]), *read


def _is_plain(x: Any) -> bool:
    return all(map(_is_plain, x)) if x.__class__ in (tuple, list) else isinstance(x, PLAIN)


@dataclass
class Told:
    """Nodes that an op became, without the values that they were made of; found: the one that is its result."""

    nodes: list[Any]
    found: tuple[int, int]

    @classmethod
    def of(cls, nodes: list[Node], inputs: list[Any], found: Value) -> Told:
        """These nodes, made of these inputs."""
        place = {id(x): (0, i) for i, x in enumerate(inputs) if isinstance(x, Value)}
        told = []
        for i, node in enumerate(nodes):
            read = tuple(place[id(x)] if isinstance(x, Value) else (2, x) for x in node.inputs)
            numbers = len(node.values) < len(node.inputs)
            told.append((node.kind, read, numbers, node.attrs, node.output.shape, node.output.dtype))
            place[id(node.output)] = (1, i)
        return cls(told, place[id(found)])

    def again(self, graph: Graph, inputs: list[Any]) -> Value:
        """The same nodes of other values."""
        made: list[Value] = []
        lists = inputs, made
        for kind, read, numbers, attrs, shape, dtype in self.nodes:
            given = tuple([x if at == 2 else lists[at][x] for at, x in read])
            values = tuple([v for v in given if isinstance(v, Value)]) if numbers else given
            made.append(graph.known(kind, given, values, attrs, shape, dtype))
        at, place = self.found
        found: Value = lists[at][place]
        return found


class Open:
    """What an op becomes, as far as that is the same for other sizes of its inputs. Raises: CompilerError, where that
    says more than sizes."""

    def __init__(self, attempt: Attempt, inputs: list[Any]) -> None:
        tape, graph = Tape(), Graph()
        known = {id(x): x for x in inputs if isinstance(x, Value)}
        opened = {key: Value(tuple([tape.size(n) for n in x.shape]), x.dtype) for key, x in known.items()}
        given = [opened.get(id(x), x) for x in inputs]
        found = attempt(graph, given)
        told = None if found is None else Told.of(graph.nodes, given, found)
        self.found = None if told is None else told.found
        self.nodes = Writer(tape).function(told.nodes if told else [])

    def at(self, sizes: tuple[int, ...], unknown: Any) -> Any:
        """What it becomes with these sizes: None where there is no rule, `unknown` where it is something else."""
        try:
            nodes = self.nodes(*sizes)
        except ArithmeticError:
            return unknown
        return unknown if nodes is None else None if self.found is None else Told(nodes, self.found)


def numbered(key: Any) -> tuple[Any, tuple[int, ...]]:
    """What was said with the order of its sizes in the place of these, and its sizes; 0 and 1 are no sizes."""
    sizes: dict[int, int] = {}
    read = [
        (x[0], tuple([n if n < 2 else ~sizes.setdefault(n, len(sizes)) for n in x[1]]), x[2]) if len(x) == 3 else x
        for x in key[2:]
    ]
    return (*key[:2], *read), tuple(sizes)
