"""Modules on other devices and with other element types."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Self

from engine.nn.parameter import placed
from engine.tensor import Tensor


class MovedModule:
    """The part of a module that moves its values."""

    modules: Callable[..., Any]

    def _apply(self, change: Callable[[Tensor], Tensor], recurse: bool = True) -> Self:
        """Replace the content of every parameter and buffer; parameters stay the same objects."""
        done: dict[int, Tensor] = {}
        parts: Any = self.modules() if recurse else [self]
        for module in parts:
            for parameter in module._parameters.values():
                if parameter is not None and id(parameter) not in done:
                    done[id(parameter)] = parameter
                    placed(parameter, change)
            for name, buffer in module._buffers.items():
                if buffer is not None:
                    module._buffers[name] = done.setdefault(id(buffer), change(buffer))
        return self

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """Move to a device, or change the float type: the arguments of Tensor.to."""
        kwargs.pop("memory_format", None)
        return self._apply(lambda t: t.to(*args, **kwargs) if t.is_floating_point() else _moved(t, args, kwargs))

    def cpu(self) -> Self:
        """Move to the computer's own memory."""
        return self.to("cpu")

    def cuda(self, device: int | str | None = None) -> Self:
        """Move to a GPU."""
        return self.to(f"cuda:{device}" if isinstance(device, int) else device or "cuda")

    def float(self) -> Self:
        """All floating-point values as float32."""
        return self._apply(lambda t: t.float() if t.is_floating_point() else t)

    def double(self) -> Self:
        """All floating-point values as float64."""
        return self._apply(lambda t: t.double() if t.is_floating_point() else t)

    def half(self) -> Self:
        """All floating-point values as float16."""
        return self._apply(lambda t: t.half() if t.is_floating_point() else t)

    def type(self, dst_type: Any) -> Self:
        """All values as another element type."""
        return self._apply(lambda t: t.to(dst_type))

    def to_empty(self, *, device: Any, recurse: bool = True) -> Self:
        """Move to a device without the values, which are still to be drawn."""
        return self._apply(lambda t: t.to(device), recurse)

    def share_memory(self) -> Self:
        """Nothing: processes of this engine share no tensors."""
        return self


def _moved(tensor: Tensor, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor:
    """Whole numbers follow to a device, but keep their type."""
    return tensor.to(tensor.detach().to(*args, **kwargs).device)
