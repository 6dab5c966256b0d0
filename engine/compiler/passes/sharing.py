"""Parts that lie side by side in a longer row of parts already: the shorter row is a look into the longer one.

The outputs of a recurrent layer are joined for the next layer, and all but the last once more for the gradient of its
weights: the same memory serves both. What reads the shorter row then waits for the longer one, so nodes change order.
"""

from __future__ import annotations

from typing import Any

from engine.compiler.graph.ir import Concat, Graph, Node, Slice

FEWEST = 3
"""Rows of fewer parts are not worth the wait."""


def share_rows(graph: Graph) -> int:
    """Replace rows of parts by slices of longer rows that hold the same parts in the same order; how many."""
    rows = [n for n in graph.nodes if n.kind is Concat]
    holders: dict[int, list[Node]] = {}
    for row in rows:
        for part in row.inputs:
            holders.setdefault(id(part), []).append(row)
    done = 0
    for row in sorted(rows, key=lambda n: len(n.inputs)):
        longer = _longer(row, holders)
        if longer is not None and not _reads(longer, row):
            _become_slice(row, longer)
            done += 1
    if done:
        graph.nodes = in_order(graph.nodes)
        for node in graph.nodes:
            node.output.root = node.inputs[0].root if node.kind.view else node.output
    return done


def _longer(row: Node, holders: dict[int, list[Node]]) -> Node | None:
    """The longest row along the same axis that holds these parts one after another."""
    if len(row.inputs) < FEWEST:
        return None
    known = [n for n in holders[id(row.inputs[0])] if n.kind is Concat and len(n.inputs) > len(row.inputs)]
    fitting = [n for n in known if n.attrs["axis"] == row.attrs["axis"] and _place(n, row) is not None]
    return max(fitting, key=lambda n: len(n.inputs), default=None)


def _place(longer: Node, row: Node) -> int | None:
    """At which part the row begins in the longer one."""
    ids, wanted = [id(p) for p in longer.inputs], [id(p) for p in row.inputs]
    return next((i for i in range(len(ids) - len(wanted) + 1) if ids[i : i + len(wanted)] == wanted), None)


def _reads(node: Node, other: Node) -> bool:
    """Whether a node is computed from another one."""
    seen: set[int] = set()
    waiting: list[Any] = [node]
    while waiting:
        for value in waiting.pop().values:
            if value.node is other:
                return True
            if value.node is not None and id(value) not in seen:
                seen.add(id(value))
                waiting.append(value.node)
    return False


def _become_slice(row: Node, longer: Node) -> None:
    axis, at = row.attrs["axis"], _place(longer, row) or 0
    first = sum(p.shape[axis] for p in longer.inputs[:at])
    shape = row.output.shape
    start = tuple(first if i == axis else 0 for i in range(len(shape)))
    made = Node(Slice, (longer.output,), {"start": start, "size": shape, "step": (1,) * len(shape)})  # checks itself
    row.kind, row.inputs, row.values, row.attrs = made.kind, made.inputs, made.values, made.attrs


def in_order(nodes: list[Node]) -> list[Node]:
    """The nodes in an order that computes: as they were, but none before what it reads."""
    made: set[int] = set()
    inside = {id(n.output) for n in nodes}
    found: list[Node] = []
    for node in nodes:
        waiting = [node]
        while waiting:
            top = waiting[-1]
            if id(top.output) in made:
                waiting.pop()
                continue
            missing = [v.node for v in top.values if id(v) not in made and id(v) in inside]
            if missing:
                waiting.extend([n for n in missing if n is not None])
            else:
                made.add(id(top.output))
                found.append(top)
                waiting.pop()
    return found
