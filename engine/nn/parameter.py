"""Parameter: a tensor that a module learns; how its memory is made, written and moved."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from engine.array import (
    INT,
    Abstract,
    Shape,
    default_dtype,
    device_of,
    dtype_of,
    is_array,
    module_of,
    to_device,
    to_host,
)
from engine.errors import ShapeError
from engine.tensor import Tensor, wrap

_abstract: ContextVar[bool] = ContextVar("parameters are made without memory", default=False)


class Parameter(Tensor):
    """A tensor that modules list among their parameters; it asks for a gradient unless told otherwise."""

    __slots__ = ()

    def __init__(self, data: Any = (), requires_grad: bool = True) -> None:
        super().__init__(data, requires_grad)

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


@contextmanager
def abstract_parameters() -> Iterator[None]:
    """Within this context modules are built from shapes alone: parameters and buffers take no memory."""
    token = _abstract.set(True)
    try:
        yield
    finally:
        _abstract.reset(token)


def is_abstract(tensor: Tensor) -> bool:
    """Whether only shape and element type are known."""
    return isinstance(tensor.array, Abstract)


def empty_parameter(shape: Shape, device: Any = None, dtype: Any = None) -> Parameter:
    """A parameter whose values are still to be drawn."""
    return Parameter(_memory(shape, device, default_dtype() if dtype is None else dtype_of(dtype)))


def filled(shape: Shape, value: float, device: Any = None, dtype: Any = None) -> Tensor:
    """A tensor of one value, for buffers."""
    tensor = wrap(_memory(shape, device, default_dtype() if dtype is None else dtype_of(dtype)))
    if not is_abstract(tensor):
        tensor.array[...] = value
    return tensor


def counter(device: Any = None) -> Tensor:
    """A whole number at 0, int64 (), for buffers."""
    tensor = wrap(_memory((), device, INT))
    if not is_abstract(tensor):
        tensor.array[...] = 0
    return tensor


def count_up(tensor: Tensor) -> int:
    """Add 1 to a counter; its new value (1 where no value is known)."""
    if is_abstract(tensor):
        return 1
    tensor.array[...] += 1
    tensor.changed()
    return int(tensor.item())


def overwrite(tensor: Tensor, value: Any) -> None:
    """Write values into a tensor's own memory, whatever asks for its gradient. Raises: ShapeError."""
    array = value.array if isinstance(value, Tensor) else value
    array = array if is_array(array) else np.asarray(array)
    if tuple(array.shape) != tuple(tensor.array.shape):
        raise ShapeError(where="overwrite", expected=str(list(tensor.shape)), got=str(list(array.shape)))
    if not is_abstract(tensor):
        tensor.array[...] = to_device(array, device_of(tensor.array))
        tensor.changed()


def forget_gradient(tensor: Tensor, set_to_none: bool) -> None:
    """Take the gradient away, or fill it with 0."""
    if set_to_none or tensor.grad is None:
        tensor.grad = None
    else:
        tensor.grad = wrap(module_of(tensor.grad.array).zeros_like(tensor.grad.array))


def placed(tensor: Tensor, change: Callable[[Tensor], Tensor]) -> None:
    """Give a tensor other memory (a device, an element type) without making it another object."""
    tensor.array = change(tensor.detach()).array
    if tensor.grad is not None:
        tensor.grad = change(tensor.grad.detach())
    tensor.changed()


def host_copy(tensor: Tensor) -> Any:
    """A tensor's values as a NumPy array of their own."""
    return np.array(to_host(tensor.array))


def _memory(shape: Shape, device: Any, dtype: Any) -> Any:
    if _abstract.get():
        return Abstract(shape, dtype)
    return to_device(np.empty(shape, dtype), "cpu" if device is None else device)
