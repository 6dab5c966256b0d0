"""What users hang on tensors: hooks that see and change gradients on their way, and gradients that are retained."""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

from engine.errors import GraphError
from engine.graph import Notes, RemovableHandle, noted
from engine.tensor import Tensor


def notes_of(t: Tensor) -> Notes:
    """Where hooks of a tensor are kept: at its node, or with the leaf itself."""
    node = t.grad_fn
    return noted(t) if node is None else node.noted()


def register_hook(t: Tensor, hook: Callable[[Tensor], Tensor | None]) -> RemovableHandle:
    """Call `hook(gradient)` when this tensor's gradient is known; what it returns takes its place.

    >>> x = engine.tensor(2.0, requires_grad=True); _ = x.register_hook(lambda g: g * 10)
    >>> (x * 3).backward(); x.grad
    tensor(30.)
    """
    if not t.requires_grad:
        raise GraphError("cannot register a hook on a tensor that doesn't require gradient")
    return RemovableHandle(notes_of(t).tensor, hook)


def register_post_accumulate_grad_hook(t: Tensor, hook: Callable[[Tensor], None]) -> RemovableHandle:
    """Call `hook(leaf)` after a gradient was added to the leaf's `.grad`.

    >>> x = engine.tensor(2.0, requires_grad=True)
    >>> _ = x.register_post_accumulate_grad_hook(lambda leaf: print(leaf.grad)); (x * 3).backward()
    tensor(3.)
    """
    if not t.requires_grad:
        raise GraphError("cannot register a hook on a tensor that doesn't require gradient")
    if t.grad_fn is not None:
        raise GraphError("post accumulate grad hooks cannot be registered on non-leaf tensors")
    return RemovableHandle(noted(t).stored, hook)


def retain_grad(t: Tensor) -> None:
    """Keep the gradient of this tensor in `.grad` although it is no leaf.

    >>> x = engine.tensor(3.0, requires_grad=True); y = x * 2; y.retain_grad()
    >>> (y * y).backward(); y.grad
    tensor(12.)
    """
    node = t.grad_fn
    if not t._requires_grad:
        raise GraphError("can't retain_grad on Tensor that has requires_grad=False")
    if node is not None:
        node.noted().retained = weakref.ref(t)


def retains_grad(t: Tensor) -> bool:
    """Whether `retain_grad()` was asked for; False for a leaf, which keeps its gradient anyhow."""
    node = t.grad_fn
    return node is not None and node.notes is not None and node.notes.retained is not None


def changed_by(hooks: dict[int, Any], g: Any) -> Any:
    """The gradient after every hook had its say."""
    for hook in list(hooks.values()):
        changed = hook(g)
        g = g if changed is None else changed
    return g


def install() -> None:
    """Give Tensor these methods."""
    for method in (register_hook, register_post_accumulate_grad_hook, retain_grad):
        setattr(Tensor, method.__name__, method)
    setattr(Tensor, "retains_grad", property(retains_grad))  # noqa: B010


install()
