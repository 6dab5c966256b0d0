"""Walks over what was recorded: reverse mode, forward mode, and the derivatives made of them."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from functools import wraps
from types import FunctionType
from typing import Any, TypeVar

import numpy as np

from engine import array as arrays_
from engine import methods as methods
from engine.array import Abstract
from engine.errors import GraphError, ShapeError
from engine.graph import Mode, Node, current_mode, reset_mode, set_mode
from engine.ops.elementwise import Cast
from engine.ops.op import words
from engine.tensor import NUMBERS, Tensor, apply, refresh, wrap

F = TypeVar("F", bound=Callable[..., Any])


class set_grad_enabled:  # noqa: N801
    """Record history or not; works at once, as a `with` block, and as a decorator."""

    def __init__(self, mode: bool) -> None:
        self._on = mode
        self._before = current_mode()
        set_mode(Mode(mode, self._before.recorders))

    def __enter__(self) -> None:
        """The mode was already set."""

    def __exit__(self, *_: object) -> None:
        set_mode(self._before)

    def __call__(self, function: F) -> F:
        set_mode(self._before)
        return _decorated(function, self._on)  # type: ignore[no-any-return]


class _GradMode:
    """`with no_grad():`, `@no_grad()` and `@no_grad`."""

    on: bool

    def __new__(cls, function: Any = None) -> Any:
        return super().__new__(cls) if function is None or not callable(function) else _decorated(function, cls.on)

    def __enter__(self) -> None:
        self._token = set_mode(Mode(self.on, current_mode().recorders))

    def __exit__(self, *_: object) -> None:
        reset_mode(self._token)

    def __call__(self, function: F) -> F:
        return _decorated(function, self.on)  # type: ignore[no-any-return]


def _decorated(function: Any, on: bool) -> Any:
    @wraps(function)
    def inside(*arguments: Any, **named: Any) -> Any:
        token = set_mode(Mode(on, current_mode().recorders))
        try:
            return function(*arguments, **named)
        finally:
            reset_mode(token)

    return inside


class no_grad(_GradMode):  # noqa: N801
    """No history inside: results do not require gradients, and leaves may be written to."""

    on = False


class enable_grad(_GradMode):  # noqa: N801
    """History inside, also within `no_grad`."""

    on = True


class inference_mode(_GradMode):  # noqa: N801
    """The same as `no_grad`."""

    on = False


def is_grad_enabled() -> bool:
    """Whether ops are recorded now."""
    return current_mode().grad


# ---------------------------------------------------------------------------------------------- reverse mode
class Sweep:
    """One walk from outputs back to leaves, in decreasing creation order: a heap, no recursion."""

    def __init__(self, create_graph: bool, keep: bool, wanted: set[Node] | None = None) -> None:
        self.create_graph, self.keep, self.wanted = create_graph, keep, wanted
        self.pending: dict[Node, Tensor] = {}
        self.reached: dict[Node, Tensor] = {}
        self.leaves: dict[int, tuple[Tensor, Tensor, bool]] = {}
        self.heap: list[tuple[int, Node]] = []
        self.targets: set[Node] = set()

    def push(self, edge: Any, g: Tensor, fresh: bool = False) -> None:
        """Add a gradient to a node's or a leaf's. fresh: nobody else holds its memory."""
        if edge.__class__ is Node:
            known = self.pending.get(edge)
            if known is not None:
                self.pending[edge] = known + g
            elif self.wanted is None or edge in self.wanted:
                self.pending[edge] = g
                heapq.heappush(self.heap, (-edge.seq, edge))
        else:
            entry = self.leaves.get(id(edge))
            self.leaves[id(edge)] = (edge, g, fresh) if entry is None else (edge, entry[1] + g, True)

    def run(self) -> None:
        """Walk until nothing is left."""
        token = set_mode(Mode(self.create_graph, current_mode().recorders))
        heap, pending = self.heap, self.pending
        try:
            while heap:
                node = heapq.heappop(heap)[1]
                self._step(node, pending.pop(node))
        finally:
            reset_mode(token)

    def _step(self, node: Node, g: Tensor) -> None:
        """One node: its gradient arrives, the gradients of its inputs leave."""
        if node.hooks or node.retained is not None or self.targets:
            g = self._noticed(node, g)
        saved = node.saved
        if saved is None:
            raise GraphError(
                "Trying to backward through the graph a second time",
                hint="The values it needs were freed: say retain_graph=True the first time.",
            )
        for cell, version in node.guards:
            if cell[0] != version:
                raise _changed(node, cell[0], version)
        inputs, y = _rebuilt(node) if self.create_graph else ([_bare(a) for a in saved], _bare(node.out))
        slopes = node.op.vjp(g, y, *inputs, **node.attrs)
        for edge, slope, a in zip(node.edges, slopes, saved, strict=False):
            if edge is None or slope is None:
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
        """Hooks, `retain_grad()` and the caller of `grad()` see the gradient of an inner node."""
        if node.hooks:
            g = hooked(node.hooks, g)
        if node.retained is not None:
            _retain(node, g)
        if node in self.targets:
            self.reached[node] = g
        return g


def _fitted(slope: Tensor, shape: tuple[int, ...], dtype: Any) -> Tensor:
    """A gradient with the input's shape and element type."""
    if slope.array.shape != shape:
        slope = unbroadcast(slope, shape)
    return slope if slope.array.dtype == dtype else apply(Cast, (slope,), {"dtype": dtype})


def _changed(node: Node, now: int, then: int) -> GraphError:
    return GraphError(
        "one of the variables needed for gradient computation has been modified by an inplace operation",
        f"version {then} of what {node.name()} read",
        f"version {now}",
        "Write x = x.op() instead of x.op_(), or do it after backward().",
    )


def _bare(a: Any) -> Any:
    """What a node saved, as a rule wants it: a tensor without history, a number, or None."""
    if a.__class__ is tuple:
        return None
    return a if a.__class__ in NUMBERS else wrap(a)


def _rebuilt(node: Node) -> tuple[list[Any], Tensor]:
    """Inputs and output of a node with their history, for gradients of gradients."""
    inputs = []
    for edge, a in zip(node.edges, node.saved, strict=True):
        t = edge if isinstance(edge, Tensor) and a.__class__ is np.ndarray else _bare(a)
        if t is not None and isinstance(edge, Node):
            t._node, t._requires_grad = edge, True
        inputs.append(t)
    y = _bare(node.out)
    if y is not None:
        y._node, y._requires_grad = node, True
    return inputs, y


def hooked(hooks: list[Any], g: Tensor) -> Tensor:
    """The gradient after every hook had its say."""
    for hook in list(hooks):
        changed = hook(g)
        g = g if changed is None else changed
    return g


def _retain(node: Node, g: Tensor) -> None:
    owner = node.retained()
    if owner is not None:
        accumulate(owner, g, False)


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
        leaf.grad = g if fresh and a.base is None else wrap(a if isinstance(a, Abstract) else a.copy())
    elif isinstance(a, Abstract) or known.requires_grad:
        leaf.grad = known + g
    else:
        known.array += a
        known.changed()


def seed(output: Tensor, gradient: Tensor | None) -> Tensor:
    """The gradient that a walk starts with: 1 for a single number."""
    if gradient is None:
        if output.array.size != 1:
            got = f"an output of shape {words(output.array.shape)}"
            raise GraphError(
                "grad can be implicitly created only for scalar outputs",
                "a single number",
                got,
                "Take .sum() or .mean() first.",
            )
        return ones_like(output)
    if gradient.array.shape != output.array.shape:
        raise ShapeError("backward", f"a gradient of shape {words(output.array.shape)}", words(gradient.array.shape))
    return gradient


def ones_like(t: Tensor) -> Tensor:
    """Ones in the shape of t."""
    return wrap(t.array) if isinstance(t.array, Abstract) else wrap(arrays_.module_of(t.array).ones_like(t.array))


def zeros_like(t: Tensor) -> Tensor:
    """Zeros in the shape of t."""
    return wrap(t.array) if isinstance(t.array, Abstract) else wrap(arrays_.module_of(t.array).zeros_like(t.array))


def _edge(t: Tensor) -> Any:
    if t._view is not None:
        refresh(t)
    if not t._requires_grad:
        raise GraphError(
            "element 0 of tensors does not require grad and does not have a grad_fn",
            hint="Nothing was recorded for it.",
        )
    return t._node or t


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add to the `.grad` of every leaf the gradient of the outputs, weighted by `grad_tensors`."""
    outputs, weights = _listed(tensors), _listed(grad_tensors)
    sweep = Sweep(create_graph, create_graph if retain_graph is None else retain_graph)
    for i, output in enumerate(outputs):
        sweep.push(_edge(output), seed(output, weights[i] if i < len(weights) else None))
    sweep.run()
    chosen = None if inputs is None else {id(t) for t in _listed(inputs)}
    for leaf, g, fresh in sweep.leaves.values():
        if chosen is None or id(leaf) in chosen:
            if leaf._hooks:
                g, fresh = hooked(leaf._hooks, g), False
            accumulate(leaf, g, create_graph, fresh)


def _listed(given: Any) -> list[Any]:
    return [] if given is None else [given] if isinstance(given, Tensor) else list(given)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    allow_unused: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of the outputs with respect to the inputs; nothing is stored in `.grad`."""
    outs, ins, weights = _listed(outputs), _listed(inputs), _listed(grad_outputs)
    edges = [_edge(t) for t in ins]
    targets = {e for e in edges if isinstance(e, Node)}
    leaves = {id(e) for e in edges if isinstance(e, Tensor)}
    starts = [_edge(t) for t in outs]
    keep = create_graph if retain_graph is None else retain_graph
    sweep = Sweep(create_graph, keep, _leading_to(starts, targets, leaves))
    sweep.targets = targets
    for i, (start, output) in enumerate(zip(starts, outs, strict=True)):
        sweep.push(start, seed(output, weights[i] if i < len(weights) else None))
    sweep.run()
    found = [sweep.reached.get(e) if isinstance(e, Node) else _leaf_gradient(sweep, e) for e in edges]
    return tuple(_used(g, t, allow_unused, materialize_grads) for g, t in zip(found, ins, strict=True))


def _leaf_gradient(sweep: Sweep, leaf: Tensor) -> Tensor | None:
    entry = sweep.leaves.get(id(leaf))
    return None if entry is None else hooked(leaf._hooks, entry[1]) if leaf._hooks else entry[1]


def _used(g: Tensor | None, t: Tensor, allow_unused: bool, materialize: bool) -> Tensor | None:
    if g is not None or (allow_unused and not materialize):
        return g
    if materialize:
        return zeros_like(t)
    raise GraphError(
        "One of the differentiated Tensors appears to not have been used in the graph",
        hint="Say allow_unused=True to get None for it.",
    )


def _leading_to(starts: Iterable[Any], targets: set[Node], leaves: set[int]) -> set[Node]:
    """The nodes from which a target can be reached: the others need no work."""
    seen: set[Node] = set()
    stack = [s for s in starts if isinstance(s, Node)]
    while stack:
        node = stack.pop()
        if node not in seen:
            seen.add(node)
            stack.extend(e for e in node.edges if isinstance(e, Node))
    leading = set(targets)
    for node in sorted(seen, key=lambda n: n.seq):
        if any(id(e) in leaves or (e.__class__ is Node and e in leading) for e in node.edges if e is not None):
            leading.add(node)
    return leading


def _tensor_backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add to the `.grad` of every leaf the gradient of this tensor."""
    backward(self, gradient, retain_graph, create_graph, inputs)


setattr(Tensor, "backward", _tensor_backward)  # noqa: B010
