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
from engine.errors import EngineError, ShapeError
from engine.graph import tell
from engine.tensor import Tensor, wrap


class UnknownShape(EngineError, RuntimeError):
    """The shape of a parameter is not known before the first call."""

    code = "shape"


_abstract: ContextVar[bool] = ContextVar("parameters are made without memory", default=False)


class Parameter(Tensor):
    """A tensor that modules list among their parameters; it asks for a gradient unless told otherwise.

    >>> nn.Parameter(engine.tensor([1.0, 2.0]))
    Parameter containing:
    tensor([1., 2.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any = None, requires_grad: bool = True) -> None:
        super().__init__(() if data is None else data, requires_grad=requires_grad)

    def __repr__(self) -> str:
        return "Parameter containing:\n" + super().__repr__()


class Buffer(Tensor):
    """A tensor that a module keeps but does not learn, by plain assignment; see `Module.register_buffer`.

    >>> module = nn.Module()
    >>> module.seen = nn.Buffer(engine.zeros(1))
    >>> list(module.state_dict())
    ['seen']
    """

    __slots__ = ()

    def __init__(self, data: Any = None, *, persistent: bool = True) -> None:
        super().__init__(() if data is None else data)
        self.persistent = persistent


class _Postponed(Tensor):
    """What a tensor whose shape is not known yet can do."""

    __slots__ = ()

    @property
    def shape(self) -> Any:
        """Not known. Raises: UnknownShape."""
        raise UnknownShape(
            f"{type(self).__name__}.shape", "", "", "Call the model once with an example, so that shapes are known."
        )

    def materialize(self, shape: Shape, device: Any = None, dtype: Any = None) -> None:
        """Become an ordinary tensor of this shape, its values still to be drawn."""
        self.array = _memory(tuple(shape), device, self.array.dtype if dtype is None else dtype_of(dtype))
        self.__class__ = Parameter if isinstance(self, Parameter) else Tensor  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"


class UninitializedParameter(_Postponed, Parameter):
    """A parameter whose shape is not known yet.

    >>> nn.UninitializedParameter()
    <UninitializedParameter>
    """

    __slots__ = ()
    cls_to_become = Parameter

    def __init__(self, requires_grad: bool = True, device: Any = None, dtype: Any = None) -> None:
        super().__init__(
            Abstract((0,), default_dtype() if dtype is None else dtype_of(dtype)), requires_grad=requires_grad
        )


class UninitializedBuffer(_Postponed):
    """A buffer whose shape is not known yet.

    >>> nn.UninitializedBuffer()
    <UninitializedBuffer>
    """

    __slots__ = ()
    cls_to_become = Tensor

    def __init__(self, requires_grad: bool = False, device: Any = None, dtype: Any = None) -> None:
        super().__init__(Abstract((0,), default_dtype() if dtype is None else dtype_of(dtype)))


def is_lazy(tensor: Any) -> bool:
    """Whether a tensor's shape is not known yet."""
    return isinstance(tensor, _Postponed)


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
    tell("counted", tensor)
    return int(tensor.array)


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
    """Take the gradient away, or fill it with 0, where it lies."""
    grad: Any = tensor.grad
    if set_to_none or grad is None:
        tensor.grad = None
    elif grad.requires_grad:  # it has a history, which others may still go back along
        tensor.grad = wrap(module_of(grad.array).zeros_like(grad.array))
    else:
        grad.zero_()


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
