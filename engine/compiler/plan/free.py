"""What needs no kernel of its own: views that only turn and repeat, and nodes that are computed where they are read."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from engine.compiler.graph import ir
from engine.compiler.graph.ir import Graph, Node, Value

Loops = tuple[int | None, ...]
"""For each axis of a value the loop that walks along it, or None where it has one place for all."""

COSTLY = frozenset(("exp", "log", "log1p", "expm1", "tanh", "erf", "pow", "sin", "cos", "div", "sqrt"))
NATIVE = frozenset("f?I")
"""The element types (NumPy's letters) that kernels compute: float32, truths, uint32."""
READ = NATIVE | {np.dtype(np.int64).char}
"""What kernels can read: int64 too."""
AGAIN = 64
"""Operations that one reading of a value computes anew at most: h * h of a free h asks for h twice, so every link of a
chain of these doubles what the last one costs."""


def is_native(node: Node) -> bool:
    """Whether kernels can compute it in a scalar program or a product."""
    if node.output.dtype.char not in NATIVE or node.attrs.get("fn") in ("argmax", "argmin"):
        return False
    return all(v.dtype.char in READ for v in node.values)


def free_nodes(graph: Graph) -> set[int]:
    """The ids of nodes that are computed anew wherever they are needed: places, constants, comparisons, and cheap maps
    of nothing but those and sources."""
    free: set[int] = set()
    leaves: set[int] = set()
    for node in graph.nodes:
        kind = node.kind
        if kind is ir.Iota or kind is ir.Fill:
            if is_native(node):
                leaves.add(id(node))
        elif (kind is ir.Map or kind is ir.Cast) and is_native(node):
            fn = node.attrs.get("fn")
            bases = [v.root.node for v in node.values]
            if fn not in COSTLY and all(n is None or id(n) in leaves for n in bases):
                leaves.add(id(node))
            elif fn in ir.TRUTHS or (kind is ir.Cast and node.values[0].dtype == ir.TRUTH):
                free.add(id(node))
    free |= leaves
    return _bounded(graph, free | _deferred(graph, free))


def _bounded(graph: Graph, free: set[int]) -> set[int]:
    """Those of which one reading costs little, all that is computed anew for it counted as often as it is."""
    costs: dict[int, int] = {}
    kept: set[int] = set()
    for node in graph.nodes:
        if id(node) in free:
            cost = 1 + sum([costs.get(id(v.root), 0) for v in node.values])
            if cost <= AGAIN:
                costs[id(node.output)] = cost
                kept.add(id(node))
    return kept


def _deferred(graph: Graph, free: set[int]) -> set[int]:
    """Cheap maps of one stored value that only later kernels need: they load that value and compute again, which moves
    less memory than keeping the result. (What a gradient makes of a saved output, such as 1 - y * y.)"""
    depth: dict[int, int] = {}
    for node in graph.nodes:
        most = 0
        for v in node.values:
            behind = depth.get(id(v), 0) + _is_border(v.node)
            most = behind if behind > most else most
        depth[id(node.output)] = most
    wanted: dict[int, int] = {id(v.root): -1 for v in graph.roots()}
    found: set[int] = set()
    for node in reversed(graph.nodes):
        own, key = depth[id(node.output)], id(node.output)
        later = wanted.get(key, -1)
        passed = later
        if id(node) not in free:
            cheap = later > own and node.kind is ir.Map and node.attrs["fn"] not in COSTLY and is_native(node)
            if cheap and len(_bases(node, free)) == 1:
                found.add(id(node))
            elif not node.kind.view:
                passed = own
        for value in node.values:
            if wanted.get(id(value), passed) >= passed:
                wanted[id(value)] = passed
    return found


def _is_border(node: Node | None) -> bool:
    """Whether a kernel ends behind a node."""
    return node is not None and not node.kind.view and node.kind not in (ir.Map, ir.Cast, ir.Iota, ir.Fill)


def _bases(node: Node, free: set[int]) -> set[int]:
    """The computed values that a map stands on, looked through views, free nodes and cheap maps."""
    found: set[int] = set()
    stack = list(node.values)
    while stack and len(found) < 2:
        value = stack.pop().root
        if value.node is None:
            continue
        cheap = value.node.kind is ir.Map and value.node.attrs["fn"] not in COSTLY
        if id(value.node) in free or (
            cheap and len({id(v.root) for v in value.node.values}) == 1 and value.node.values[0].node
        ):
            stack.extend(value.node.values)
        else:
            found.add(id(value))
    return found


def is_simple(node: Node) -> bool:
    """Whether a view only reorders, repeats, or adds and removes axes of size 1."""
    if node.kind is ir.Reshape:
        return _same_axes(node.inputs[0].shape, node.output.shape)
    return node.kind is ir.Permute or node.kind is ir.Expand


@lru_cache(4096)
def _same_axes(old: tuple[int, ...], new: tuple[int, ...]) -> bool:
    """Whether two shapes are one but for axes of size 1."""
    return [n for n in old if n != 1] == [n for n in new if n != 1]


def through(node: Node, loops: Loops) -> Loops:
    """The loops of a simple view's input, from those of its output."""
    base = node.inputs[0]
    if node.kind is ir.Permute:
        found: list[int | None] = [None] * len(loops)
        for i, axis in enumerate(node.attrs["order"]):
            found[axis] = loops[i]
        return tuple(found)
    if node.kind is ir.Expand:
        lead = len(loops) - len(base.shape)
        return tuple([None if n == 1 else i for n, i in zip(base.shape, loops[lead:], strict=True)])
    real = iter([i for n, i in zip(node.output.shape, loops, strict=True) if n != 1])
    return tuple([None if n == 1 else next(real) for n in base.shape])


def root(value: Value) -> Value:
    """What a chain of views looks at."""
    return value.root


def held(value: Value) -> Value:
    """What a chain of views looks at, where a piece of a source counts as something of its own: a parameter among those
    that lie side by side."""
    while value.node is not None and value.node.kind.view:
        if value.node.kind is ir.Slice and value.node.inputs[0].node is None:
            break
        value = value.node.inputs[0]
    return value


def early_nodes(graph: Graph) -> set[int]:
    """Nodes that compute more than what cells hold after the step. The rest, updates of parameters, gets kernels of its
    own: they begin when the step is known to be finite, and run over all parameters at once."""
    late = {id(v) for cell, v in graph.writes if cell.name != "grad"}
    wanted = {id(v.root) for v in (*graph.outputs, *graph.finite, *(v for c, v in graph.writes if id(v) not in late))}
    wanted |= {id(v.root) for _, values in graph.effects for v in values}
    early = set()
    for node in reversed(graph.nodes):
        if id(node.output) in wanted:
            early.add(id(node))
            wanted.update(id(v) for v in node.values)
    return early
