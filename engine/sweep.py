"""The walk of reverse mode: from outputs back to leaves over what was recorded."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from contextvars import ContextVar
from types import FunctionType
from typing import Any

from engine.array import Abstract, module_of
from engine.errors import GraphError
from engine.graph import Mode, Node, Recorder, current_mode, freed, reset_mode, set_mode, tell
from engine.hooks import changed_by
from engine.ops.elementwise import Cast, Filled
from engine.ops.op import words
from engine.tensor import NUMBERS, Tensor, apply, ndarray, wrap


class Kept:
    """In the place of a saved array: what a pack hook made of it, and how to get it back."""

    __slots__ = ("dtype", "packed", "shape", "unpack")

    def __init__(self, packed: Any, unpack: Any, a: Any) -> None:
        self.packed, self.unpack, self.shape, self.dtype = packed, unpack, a.shape, a.dtype


_SWEEP: ContextVar[Sweep | None] = ContextVar("sweep", default=None)
current_sweep = _SWEEP.get


class Sweep:
    """One walk from outputs back to leaves, in decreasing creation order: a heap, no recursion.

    wanted: the ids of the nodes and leaves that lead to something asked for (None: all); targets: the nodes asked for.
    """

    def __init__(self, create_graph: bool, keep: bool, wanted: set[int] | None = None) -> None:
        self.create_graph, self.keep, self.wanted = create_graph, keep, wanted
        self.pending: dict[Node, Tensor] = {}
        self.reached: dict[Node, Tensor] = {}
        self.leaves: dict[int, tuple[Tensor, Tensor, bool]] = {}
        self.heap: list[tuple[int, Node]] = []
        self.targets: set[Node] = set()
        self.recorders = current_mode().recorders
        self.leaving = bool(self.recorders) and any(type(r).leave is not Recorder.leave for r in self.recorders)

    def push(self, edge: Any, g: Tensor, fresh: bool = False) -> None:
        """Add a gradient to a node's or a leaf's. fresh: nobody else holds its memory."""
        if isinstance(edge, Node):
            known = self.pending.get(edge)
            if known is not None:
                self.pending[edge] = known + g
            else:
                self.pending[edge] = g
                heapq.heappush(self.heap, (-edge.seq, edge))
        else:
            entry = self.leaves.get(id(edge))
            self.leaves[id(edge)] = (edge, g, fresh) if entry is None else (edge, entry[1] + g, True)

    def run(self) -> None:
        """Walk until nothing is left."""
        token, outer = set_mode(Mode(self.create_graph, self.recorders)), _SWEEP.set(self)
        heap, pending = self.heap, self.pending
        self.starts = [node for _, node in heap]
        try:
            while heap:
                node = heapq.heappop(heap)[1]
                self._step(node, pending.pop(node))
            for i, (leaf, g, _) in self.leaves.items():
                if leaf._hooks is not None and leaf._hooks.tensor:
                    self.leaves[i] = (leaf, changed_by(leaf._hooks.tensor, g), False)
        finally:
            reset_mode(token)
            _SWEEP.reset(outer)

    def reaches(self, edge: Any) -> bool:
        """Whether this walk will come to a node or a leaf."""
        if self.wanted is not None and id(edge) not in self.wanted:
            return False
        seen = nodes_behind(self.starts)
        return edge in seen if isinstance(edge, Node) else any(e is edge for node in seen for e in node.edges)

    def _step(self, node: Node, g: Tensor) -> None:
        """One node: its gradient arrives, the gradients of its inputs leave."""
        notes, wanted = node.notes, self.wanted
        if notes is not None or self.targets:
            g = self._noticed(node, g)
        saved = node.saved
        if saved is None:
            raise freed()
        for cell, version, _ in node.guards:
            if cell[0] != version:
                raise _changed(node)
        if self.create_graph:
            inputs, y = _rebuilt(node)
        else:
            inputs, y = [wrap(a) if a.__class__ is ndarray else _bare(a) for a in saved], _bare(node.out)
        recorders = self.recorders
        if recorders:
            for recorder in recorders:
                recorder.enter(node, inputs, y)
        slopes = node.op.vjp(g, y, *inputs, **node.attrs)
        if self.leaving or (notes is not None and notes.after):
            slopes = self._seen(node, g, slopes)
        for edge, slope, a in zip(node.edges, slopes, saved, strict=False):
            if edge is None or slope is None:
                continue
            if wanted is not None and id(edge) not in wanted:
                continue
            fresh = slope.__class__ is FunctionType
            if fresh:
                slope = slope()
            shape, dtype = a if a.__class__ is tuple else (a.shape, a.dtype)
            array = slope.array
            if array.shape != shape or array.dtype is not dtype:
                slope, fresh = _fitted(slope, shape, dtype), False
            self.push(edge, slope, fresh)
        if not self.keep:
            node.free()

    def _noticed(self, node: Node, g: Tensor) -> Tensor:
        """Hooks, `retain_grad()` and the caller of `grad()` see the gradient of an inner node, in this order."""
        notes = node.notes
        if notes is not None:
            g = changed_by(notes.tensor, g)
            if notes.retained is not None:
                _retain(node, notes.retained(), g, self.create_graph)
        if node in self.targets:
            self.reached[node] = g
        if notes is not None:
            for hook in list(notes.before.values()):
                (g,) = hook((g,)) or (g,)
        return g

    def _seen(self, node: Node, g: Tensor, slopes: Any) -> Any:
        """Hooks of the node and recorders see the gradients of the inputs."""
        found: list[Any] = []
        for edge, slope, a in zip(node.edges, slopes, node.saved, strict=False):
            slope = slope() if slope.__class__ is FunctionType and edge is not None else slope
            if isinstance(slope, Tensor) and edge is not None:
                slope = _fitted(slope, *(a if a.__class__ is tuple else (a.shape, a.dtype)))
            found.append(None if edge is None else slope)
        for recorder in self.recorders:
            recorder.leave(node, found)
        for hook in [] if node.notes is None else list(node.notes.after.values()):
            answer = hook(tuple(found), (g,))
            found = found if answer is None else list(answer if isinstance(answer, tuple) else (answer,))
        return found


def _fitted(slope: Tensor, shape: tuple[int, ...], dtype: Any) -> Tensor:
    """A gradient with the input's shape and element type."""
    if slope.array.shape != shape:
        slope = unbroadcast(slope, shape)
    return slope if slope.array.dtype == dtype else apply(Cast, (slope,), {"dtype": dtype})


def _changed(node: Node) -> GraphError:
    """Which of the things that the node read was written to: its kind, where it came from, both versions."""
    cell, then, a = next(guard for guard in node.guards if guard[0][0] != guard[1])
    edges = [e for e, kept in zip(node.edges, node.saved, strict=True) if kept is a]
    source = node if a is node.out or not edges else edges[0]
    made = f", which is output 0 of {source.name()}" if isinstance(source, Node) else ""
    return GraphError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[{a.dtype} {words(a.shape)}]{made}, needed by {node.name()}",
        f"version {then}",
        f"version {cell[0]}",
        "Write x = x.op() instead of x.op_(), or do it after backward().",
    )


def _bare(a: Any) -> Any:
    """What a node saved, as a rule wants it: a tensor without history, a number, or None."""
    if a.__class__ is tuple:
        return None
    if a.__class__ is Kept:
        return a.unpack(a.packed)
    return a if a.__class__ in NUMBERS else wrap(a)


def _rebuilt(node: Node) -> tuple[list[Any], Any]:
    """Inputs and output of a node with their history and version cells, for gradients of gradients."""
    inputs = [_recalled(node, edge, a) for edge, a in zip(node.edges, node.saved, strict=True)]
    return inputs, _recalled(node, node, node.out)


def _recalled(node: Node, edge: Any, a: Any) -> Any:
    if isinstance(edge, Tensor) and a.__class__ not in (tuple, Abstract):
        return edge
    t = _bare(a)
    if isinstance(t, Tensor):
        for cell, _, kept in node.guards:
            if kept is a:
                t._cell = cell
        if isinstance(edge, Node):
            t._node, t._requires_grad = edge, True
    return t


def _retain(node: Node, owner: Tensor | None, g: Tensor, create_graph: bool) -> None:
    if owner is not None and owner._node is node:
        accumulate(owner, g, create_graph)


def unbroadcast(g: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Sum over the axes along which the input was repeated: the only place where broadcasting is undone."""
    lead = g.array.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(i + lead for i, n in enumerate(shape) if n == 1 and g.array.shape[i + lead] != 1)
    total: Tensor = g.sum(axes, True) if axes else g
    return total if total.array.shape == shape else total.reshape(shape)


def accumulate(leaf: Tensor, g: Tensor, create_graph: bool, fresh: bool = False) -> None:
    """Add to `.grad`, which never shares memory with a gradient that others hold."""
    known, a = leaf.grad, g.array
    if create_graph:
        leaf.grad = g if known is None else known + g
    elif known is None:
        leaf.grad = g if isinstance(a, Abstract) or (fresh and a.base is None) else wrap(a.copy())
    elif isinstance(a, Abstract) or known.requires_grad:
        leaf.grad = known + g
    else:
        known.array += a
        known.changed()
    tell("accumulated", leaf, g, known)


def ones_like(t: Tensor) -> Tensor:
    """Ones in the shape of t."""
    return _filled(t.array, 1)


def zeros_like(t: Tensor) -> Tensor:
    """Zeros in the shape of t."""
    return _filled(t.array, 0)


def _filled(a: Any, value: int) -> Tensor:
    if isinstance(a, Abstract):
        return apply(Filled, (wrap(a),), {"value": value})
    return wrap(module_of(a).full_like(a, value))


def nodes_behind(starts: Iterable[Any]) -> set[Node]:
    """Every node of the graph that ends in the starts."""
    seen: set[Node] = set()
    stack = [s for s in starts if isinstance(s, Node)]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(e for e in node.edges if isinstance(e, Node))
    return seen
