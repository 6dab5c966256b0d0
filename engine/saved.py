"""What is done with the values that a graph keeps for its gradients: packed, moved away, dropped and computed again."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.array import is_array
from engine.errors import GraphError
from engine.graph import Mode, Recorder, current_mode, reset_mode, set_mode
from engine.ops.op import Op
from engine.sweep import Kept
from engine.tensor import Tensor, wrap


class saved_tensors_hooks(Recorder):  # noqa: N801
    """Inside, every tensor that is saved for backward passes through `pack_hook`, and through `unpack_hook` when used.

    >>> x = engine.tensor(3.0, requires_grad=True)
    >>> with engine.autograd.graph.saved_tensors_hooks(lambda t: t.item(), lambda number: engine.tensor(number)):
    ...     y = x * x
    >>> y.backward(); x.grad
    tensor(6.)
    """

    def __init__(self, pack_hook: Callable[[Tensor], Any], unpack_hook: Callable[[Any], Tensor]) -> None:
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self) -> saved_tensors_hooks:
        mode = current_mode()
        refusal = next((r.message for r in reversed(mode.recorders) if isinstance(r, _Disabled)), None)
        if refusal is not None:
            raise GraphError(refusal)
        self._token = set_mode(Mode(mode.grad, (*mode.recorders, self)))
        return self

    def __exit__(self, *_: object) -> None:
        reset_mode(self._token)

    def record(self, op: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any], output: Tensor) -> None:
        """Pack what the new node has saved; the innermost pair of hooks does it alone."""
        node = output._node
        if node is None or node.saved is None or innermost() is not self:
            return
        kept = {id(a): a for _, _, a in node.guards if is_array(a)}
        packed = {i: self.keep(wrap(a)) for i, a in kept.items()}
        if packed:
            node.saved = [packed.get(id(a), a) for a in node.saved]
            node.out = packed.get(id(node.out), node.out)
            node.guards = [([0], 0, None)]

    def keep(self, t: Tensor) -> Kept:
        """A packed tensor; packing is no part of any history."""
        return Kept(_aside(self.pack_hook, t), lambda packed: _aside(self.unpack_hook, packed), t.array)


def _aside(f: Callable[[Any], Any], value: Any) -> Any:
    token = set_mode(Mode(False, ()))
    try:
        return f(value)
    finally:
        reset_mode(token)


def innermost() -> saved_tensors_hooks | None:
    """The pair of hooks that is asked now."""
    return next((r for r in reversed(current_mode().recorders) if isinstance(r, saved_tensors_hooks)), None)


class save_on_cpu(saved_tensors_hooks):  # noqa: N801
    """Inside, tensors saved for backward wait in the host's memory.

    >>> x = engine.tensor(3.0, requires_grad=True)
    >>> with engine.autograd.graph.save_on_cpu(): y = x * x
    >>> y.backward(); x.grad
    tensor(6.)
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        super().__init__(lambda t: (t.device, t.to("cpu", copy=True)), lambda packed: packed[1].to(packed[0]))


class _Disabled(Recorder):
    def __init__(self, message: str) -> None:
        self.message = message


class disable_saved_tensors_hooks:  # noqa: N801
    """Inside, saved-tensor hooks are refused with a message of yours.

    >>> with engine.autograd.graph.disable_saved_tensors_hooks("not here"): pass
    """

    def __init__(self, error_message: str) -> None:
        self._refusal = _Disabled(error_message)

    def __enter__(self) -> None:
        mode = current_mode()
        self._token = set_mode(Mode(mode.grad, (*mode.recorders, self._refusal)))

    def __exit__(self, *_: object) -> None:
        reset_mode(self._token)
