"""PyTorch's `torch.autograd.graph`: nodes, edges, hooks over several tensors, and what is saved for backward."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.autodiff import GradientEdge as GradientEdge
from engine.autodiff import gradient_edge
from engine.errors import ArgumentError
from engine.graph import AccumulateGrad as AccumulateGrad
from engine.graph import Node as Node
from engine.hooks import register_hook
from engine.saved import disable_saved_tensors_hooks as disable_saved_tensors_hooks
from engine.saved import save_on_cpu as save_on_cpu
from engine.saved import saved_tensors_hooks as saved_tensors_hooks
from engine.sweep import current_sweep
from engine.tensor import Tensor

__all__ = [
    "GradientEdge",
    "Node",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]


def get_gradient_edge(tensor: Tensor) -> GradientEdge:
    """Where the gradient of a tensor arrives; `grad` and `backward` take it in the place of the tensor.

    >>> x = engine.tensor(2.0, requires_grad=True); y = x * 3
    >>> engine.autograd.grad(y, engine.autograd.graph.get_gradient_edge(x))
    (tensor(3.),)
    """
    return gradient_edge(tensor)


def increment_version(tensor: Tensor | Sequence[Tensor]) -> None:
    """Say that a tensor's numbers were written to without the engine's knowledge.

    >>> x = engine.tensor(1.0); engine.autograd.graph.increment_version(x); x._version
    1
    """
    for t in [tensor] if isinstance(tensor, Tensor) else tensor:
        t.changed()


class _Handles:
    """Takes several hooks away at once."""

    def __init__(self, handles: list[Any]) -> None:
        self._handles = handles

    def remove(self) -> None:
        """Take them away."""
        for handle in self._handles:
            handle.remove()

    def __enter__(self) -> _Handles:
        return self

    def __exit__(self, *_: object) -> None:
        self.remove()


def register_multi_grad_hook(tensors: Sequence[Tensor], fn: Callable[..., None], *, mode: str = "all") -> _Handles:
    """Call `fn(gradients)` once in a backward when all gradients are known (None: not computed in it).

    With mode="any": `fn(gradient)` with the first of them.

    >>> x, y = engine.ones(2, requires_grad=True), engine.ones(1, requires_grad=True)
    >>> _ = engine.autograd.graph.register_multi_grad_hook([x, y], lambda gs: print(gs[1])); (x * y).sum().backward()
    tensor([2.])
    """
    if mode not in ("all", "any"):
        raise ArgumentError("register_multi_grad_hook", '"all" or "any"', mode)
    state = _Waiting(list(tensors), fn, mode == "any")
    return _Handles([register_hook(t, state.hook_of(i)) for i, t in enumerate(tensors)])


class _Waiting:
    """The gradients that have arrived in one walk."""

    def __init__(self, tensors: list[Tensor], call: Callable[..., None], first: bool) -> None:
        self._edges = [t.grad_fn or t for t in tensors]
        self._call, self._first = call, first
        self._walk: Any = None

    def hook_of(self, place: int) -> Callable[[Tensor], None]:
        """What one of the tensors calls."""
        return lambda g: self._arrive(place, g)

    def _arrive(self, place: int, g: Tensor) -> None:
        walk = current_sweep()
        if walk is not self._walk:
            self._walk, self._known = walk, dict[int, Tensor]()
            self._expected = 1 if self._first or walk is None else sum(walk.reaches(edge) for edge in self._edges)
        self._known[place] = g
        if len(self._known) == self._expected:
            self._call(g if self._first else [self._known.get(i) for i in range(len(self._edges))])
