"""Reverse mode: `backward` and `grad`, and what says whether history is recorded."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from engine import methods as methods
from engine.errors import ArgumentError, GraphError, ShapeError
from engine.grad_mode import enable_grad as enable_grad
from engine.grad_mode import inference_mode as inference_mode
from engine.grad_mode import is_grad_enabled as is_grad_enabled
from engine.grad_mode import is_inference_mode_enabled as is_inference_mode_enabled
from engine.grad_mode import no_grad as no_grad
from engine.grad_mode import set_grad_enabled as set_grad_enabled
from engine.graph import AccumulateGrad, Node, node_of
from engine.ops.op import words
from engine.sweep import Sweep, accumulate, nodes_behind
from engine.sweep import ones_like as ones_like
from engine.sweep import unbroadcast as unbroadcast
from engine.sweep import zeros_like as zeros_like
from engine.tensor import Tensor, refresh


class GradientEdge(NamedTuple):
    """Where gradients arrive: a node and which of its outputs; stands for a tensor in `grad` and `backward`.

    >>> engine.autograd.graph.get_gradient_edge(engine.tensor(2.0, requires_grad=True) * 3).output_nr
    0
    """

    node: Any
    output_nr: int = 0


def seed(output: Any, gradient: Tensor | None, place: int = 0) -> Tensor:
    """The gradient that a walk starts with: 1 for a single number."""
    if isinstance(output, GradientEdge):
        if gradient is None:
            raise GraphError("grad can be implicitly created only for scalar outputs", "a gradient for a GradientEdge")
        return gradient
    shape = output.array.shape
    if gradient is None:
        if output.array.size != 1:
            raise GraphError(
                "grad can be implicitly created only for scalar outputs",
                "a single number",
                f"an output of shape {words(shape)}",
                "Take .sum() or .mean() first.",
            )
        return ones_like(output)
    if gradient.array.shape != shape:
        raise ShapeError(
            f"Mismatch in shape: grad_output[{place}] has a shape of {words(gradient.array.shape)}"
            f" and output[{place}] has a shape of {words(shape)}",
        )
    return gradient


def edge_of(t: Any, refusal: str = "One of the differentiated Tensors does not require grad") -> Any:
    """The node or leaf at which the gradient of a tensor arrives."""
    if isinstance(t, GradientEdge):
        node = t.node
        return node.variable if isinstance(node, AccumulateGrad) else node
    if t._view is not None:
        refresh(t)
    if not t._requires_grad:
        raise GraphError(refusal, hint="Nothing was recorded for it: say requires_grad=True before computing with it.")
    return t._node or t


def gradient_edge(t: Tensor) -> GradientEdge:
    """Where the gradient of a tensor arrives, without holding on to the tensor."""
    return GradientEdge(node_of(edge_of(t)))


def _start(sweep: Sweep, outputs: list[Any], starts: list[Any], weights: list[Any]) -> None:
    if weights and len(weights) != len(outputs):
        raise GraphError("grad_outputs", f"one gradient for each of {len(outputs)} outputs", len(weights))
    for i, (start, output) in enumerate(zip(starts, outputs, strict=True)):
        sweep.push(start, seed(output, weights[i] if weights else None, i))
    sweep.run()


def _starts(outputs: list[Any]) -> list[Any]:
    refusal = "element {} of tensors does not require grad and does not have a grad_fn"
    return [edge_of(t, refusal.format(i)) for i, t in enumerate(outputs)]


def backward(
    tensors: Any,
    grad_tensors: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add to the `.grad` of every leaf (or only to that of `inputs`) the gradient of the outputs, weighted.

    >>> x = engine.tensor(3.0, requires_grad=True)
    >>> engine.autograd.backward([x * 2, x * x], [engine.tensor(1.0), engine.tensor(10.0)]); x.grad
    tensor(62.)
    """
    outputs, chosen = _listed(tensors), None if inputs is None else _listed(inputs)
    if chosen == []:
        raise GraphError("`inputs` argument to `backward()` cannot be empty")
    starts, edges = _starts(outputs), None if chosen is None else [edge_of(t) for t in chosen]
    sweep = Sweep(create_graph, create_graph if retain_graph is None else retain_graph)
    if edges is not None:
        sweep.targets = {e for e in edges if isinstance(e, Node)}
        sweep.wanted = leading_to(starts, edges)
    _start(sweep, outputs, starts, _listed(grad_tensors))
    asked = None if edges is None else {id(e) for e in edges}
    for i, (leaf, g, fresh) in sweep.leaves.items():
        if asked is None or i in asked:
            if leaf._hooks is None:
                accumulate(leaf, g, create_graph, fresh)
            else:
                _arrive(leaf, g, create_graph)
    for t, edge in zip(chosen or (), edges or (), strict=True):
        if isinstance(t, Tensor) and isinstance(edge, Node) and edge in sweep.reached:
            accumulate(t, sweep.reached[edge], create_graph)


def _arrive(leaf: Tensor, g: Tensor, create_graph: bool) -> None:
    """Store a leaf's gradient, with the hooks of its AccumulateGrad around and behind it."""
    notes = leaf._hooks
    if notes is None:
        return
    for hook in list(notes.before.values()):
        (g,) = hook((g,)) or (g,)
    accumulate(leaf, g, create_graph)
    for hook in list(notes.stored.values()):
        hook(leaf)
    for hook in list(notes.after.values()):
        hook((), (g,))


def _listed(given: Any) -> list[Any]:
    if given is None or given.__class__ is Tensor:
        return [] if given is None else [given]
    return [given] if isinstance(given, Tensor | GradientEdge) else list(given)


def grad(
    outputs: Any,
    inputs: Any,
    grad_outputs: Any = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Any, ...]:
    """The gradients of the outputs with respect to the inputs; nothing is stored in `.grad`. `only_inputs` is not read.

    >>> x = engine.tensor(2.0, requires_grad=True)
    >>> (g,) = engine.autograd.grad(x ** 3, x, create_graph=True); engine.autograd.grad(g, x)
    (tensor(12.),)
    """
    if allow_unused is False and materialize_grads:
        raise ArgumentError("grad", "allow_unused=True or None with materialize_grads=True", "allow_unused=False")
    outs, ins, weights = _listed(outputs), _listed(inputs), _listed(grad_outputs)
    keep = create_graph if retain_graph is None else retain_graph
    rest = (create_graph, bool(allow_unused or materialize_grads), materialize_grads)
    if not is_grads_batched:
        return _once(outs, ins, weights, keep, *rest)
    count = next(w.array.shape[0] for w in weights if w is not None)
    rows = [
        _once(outs, ins, [None if w is None else w[i] for w in weights], keep or i < count - 1, *rest)
        for i in range(count)
    ]
    return tuple(None if row[0] is None else stacked(list(row)) for row in zip(*rows, strict=True))


def stacked(rows: list[Tensor]) -> Tensor:
    """Tensors of one shape as one, along a new first axis."""
    if not rows:
        raise ArgumentError("stack", "at least one tensor", "none")
    parts = [r.reshape((1, *r.array.shape)) for r in rows]
    return parts[0].cat_with(*parts[1:], dim=0)


def _once(
    outs: list[Any], ins: list[Any], weights: list[Any], keep: bool, create_graph: bool, unused: bool, zeros: bool
) -> tuple[Any, ...]:
    edges = [edge_of(t) for t in ins]
    starts = _starts(outs)
    sweep = Sweep(create_graph, keep, leading_to(starts, edges))
    sweep.targets = {e for e in edges if isinstance(e, Node)}
    _start(sweep, outs, starts, weights)
    found = [sweep.reached.get(e) if isinstance(e, Node) else sweep.leaves.get(id(e), (None, None))[1] for e in edges]
    return tuple(_used(g, ins[i], i, unused, zeros) for i, g in enumerate(found))


def _used(g: Tensor | None, t: Any, place: int, unused: bool, zeros: bool) -> Tensor | None:
    if g is not None or (unused and not zeros):
        return g
    if zeros:
        return zeros_like(t)
    raise GraphError(
        f"The differentiated Tensor at index {place} appears to not have been used in the graph",
        hint="Say allow_unused=True to get None for it.",
    )


def leading_to(starts: Iterable[Any], edges: list[Any]) -> set[int]:
    """The ids of the nodes and leaves from which one of the edges can be reached: the others need no work."""
    seen = nodes_behind(starts)
    leading = {id(e) for e in edges}
    for node in sorted(seen, key=lambda n: n.seq):
        if any(id(e) in leading for e in node.edges if e is not None):
            leading.add(id(node))
    return leading


def _tensor_backward(
    self: Tensor,
    gradient: Tensor | None = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Any = None,
) -> None:
    """Add to the `.grad` of every leaf the gradient of this tensor.

    >>> x = engine.tensor([1.0, 2.0], requires_grad=True); (x * x).sum().backward(); x.grad
    tensor([2., 4.])
    """
    backward(self, gradient, retain_graph, create_graph, inputs)


setattr(Tensor, "backward", _tensor_backward)  # noqa: B010
