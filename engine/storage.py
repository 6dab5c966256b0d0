"""The memory behind tensors: storages, strides, and tensors that are pointed to other memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from engine import array as arrays_
from engine.array import Abstract, Device, DType, Shape
from engine.errors import ArgumentError, ShapeError
from engine.ops.op import words
from engine.ops.strided import AsStrided, Layout
from engine.tensor import Tensor, apply, wrap


class Storage:
    """A block of memory: `x.untyped_storage()` counts bytes, `x.storage()` elements. Tensors may share one.

    >>> x = engine.zeros(2, 3)
    >>> x.untyped_storage().nbytes(), x.storage().size(), x[1].storage().data_ptr() == x.data_ptr()
    (24, 6, True)
    """

    __slots__ = ("memory", "typed")

    def __init__(self, array: Any, typed: bool) -> None:
        flat = arrays_.flat_memory(array)
        self.memory, self.typed = flat if typed else flat.view(np.uint8), typed

    @property
    def dtype(self) -> DType:
        """The element type."""
        return arrays_.OF_NUMPY[self.memory.dtype]

    @property
    def device(self) -> Device:
        """Where the memory lies."""
        return arrays_.device_of(self.memory)

    def data_ptr(self) -> int:
        """The address of the first byte."""
        return arrays_.address(self.memory)

    def size(self) -> int:
        """The number of elements (bytes, of an untyped storage)."""
        return int(self.memory.size)

    def nbytes(self) -> int:
        """The number of bytes."""
        return int(self.memory.nbytes)

    def element_size(self) -> int:
        """The number of bytes of one element."""
        return int(self.memory.itemsize)

    def untyped(self) -> Storage:
        """The same memory, counted in bytes."""
        return Storage(self.memory, False)

    def tolist(self) -> list[Any]:
        """The elements as a list."""
        return list(self)

    def fill_(self, value: Any) -> Storage:
        """Write one number everywhere."""
        self.memory[...] = value
        return self

    def clone(self) -> Storage:
        """A copy."""
        return Storage(self.memory.copy(), self.typed)

    def __len__(self) -> int:
        return self.size()

    def __getitem__(self, place: Any) -> Any:
        part = self.memory[place]
        return Storage(part, self.typed) if isinstance(place, slice) else part.item()

    def __setitem__(self, place: Any, value: Any) -> None:
        self.memory[place] = value

    def __iter__(self) -> Iterator[Any]:
        return iter(arrays_.to_host(self.memory).tolist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Storage) and (self.data_ptr(), len(self)) == (other.data_ptr(), len(other))

    def __hash__(self) -> int:
        return hash(self.data_ptr())

    def __repr__(self) -> str:
        kind = f"TypedStorage(dtype={self.dtype}, " if self.typed else "UntypedStorage("
        return " " + "\n ".join(map(str, self)) + f"\n[engine.storage.{kind}device={self.device}) of size {len(self)}]"


def untyped_storage(input: Tensor) -> Storage:
    """The memory that the tensor looks into, counted in bytes.

    >>> engine.zeros(3).untyped_storage().nbytes()
    12
    """
    return Storage(input._known("untyped_storage()"), False)


def storage(input: Tensor) -> Storage:
    """The memory that the tensor looks into, counted in elements.

    >>> engine.tensor([1.0, 2.0])[1].storage().tolist()
    [1.0, 2.0]
    """
    return Storage(input._known("storage()"), True)


def data_ptr(input: Tensor) -> int:
    """The address of the first element.

    >>> x = engine.zeros(3)
    >>> x[1].data_ptr() - x.data_ptr()
    4
    """
    return arrays_.address(input._known("data_ptr()"))


def storage_offset(input: Tensor) -> int:
    """How many elements of its memory lie before the first one of the tensor.

    >>> engine.zeros(3, 4)[1].storage_offset()
    4
    """
    a = input.array
    if isinstance(a, Abstract) or a.base is None:
        return 0
    return (arrays_.address(a) - arrays_.address(arrays_.owner_of(a))) // int(a.itemsize)


def stride(input: Tensor, dim: int | None = None) -> Any:
    """How many elements of memory lie between neighbours along each axis.

    >>> engine.zeros(3, 4).stride(), engine.zeros(3, 4).t().stride(), engine.zeros(3, 1).expand(3, 4).stride()
    ((4, 1), (1, 4), (1, 0))
    """
    steps = dense_steps(input.array.shape) if isinstance(input.array, Abstract) else arrays_.steps_of(input.array)
    return steps if dim is None else steps[dim]


def dense_steps(shape: Shape) -> Shape:
    """The strides of contiguous memory."""
    return tuple(math.prod(max(n, 1) for n in shape[i + 1 :]) for i in range(len(shape)))


def is_contiguous(input: Tensor, memory_format: Any = None) -> bool:
    """Whether the elements lie one behind the other, the last axis fastest.

    >>> engine.zeros(3, 4).is_contiguous(), engine.zeros(3, 4).t().is_contiguous()
    (True, False)
    """
    return isinstance(input.array, Abstract) or bool(input.array.flags.c_contiguous)


def contiguous(input: Tensor, memory_format: Any = None) -> Tensor:
    """Itself where it is contiguous, else a contiguous copy.

    >>> engine.zeros(3, 4).t().contiguous().stride()
    (3, 1)
    """
    return input if is_contiguous(input) else input.clone()


def as_strided(input: Tensor, size: Any, stride: Any, storage_offset: int | None = None) -> Tensor:
    """The tensor's memory seen with other sizes and strides, as a view with gradients.

    >>> engine.arange(6).as_strided((3, 2), (1, 2))
    tensor([[0, 2],
            [1, 3],
            [2, 4]])
    """
    sizes, steps = arrays_.as_shape("as_strided", size), arrays_.as_shape("as_strided", stride)
    base = input if input._view is None else input._view.base
    if isinstance(input.array, Abstract):
        return apply(AsStrided, (input,), {"layout": Layout(sizes, steps, 0), "own": None, "total": 0})
    first = input.storage_offset() if storage_offset is None else storage_offset
    layout, total = _checked(Layout(sizes, steps, int(first)), input.array)
    own = Layout(tuple(base.shape), base.stride(), base.storage_offset())
    return apply(AsStrided, (base,), {"layout": layout, "own": own, "total": total})


def _checked(layout: Layout, memory: Any) -> tuple[Layout, int]:
    if len(layout.size) != len(layout.stride):
        raise ShapeError("as_strided", "as many strides as sizes", f"{words(layout.size)} and {words(layout.stride)}")
    if min((*layout.size, *layout.stride, layout.offset), default=0) < 0:
        raise ArgumentError("as_strided", "no negative size, stride or offset", tuple(layout))
    total = int(arrays_.flat_memory(memory).size)
    if layout.needs() > total:
        raise ShapeError("as_strided", f"at most the {total} elements of the memory", f"{layout.needs()} needed")
    return layout, total


def set_(input: Tensor, source: Any = None, storage_offset: int = 0, size: Any = None, stride: Any = None) -> Tensor:
    """Point the tensor to the memory of another tensor, or of a storage.

    >>> x, y = engine.zeros(2), engine.ones(3)
    >>> x.set_(y), x.is_set_to(y)
    (tensor([1., 1., 1.]), True)
    """
    if isinstance(source, Tensor) and size is None:
        input.array = source.array
    else:
        memory = source.memory if isinstance(source, Storage) else arrays_.flat_memory(source.array)
        memory = memory if memory.dtype == input.array.dtype else memory.view(input.array.dtype)
        sizes = (memory.size,) if size is None else arrays_.as_shape("set_", size)
        steps = dense_steps(sizes) if stride is None else arrays_.as_shape("set_", stride)
        layout, _ = _checked(Layout(sizes, steps, storage_offset), memory)
        input.array = arrays_.seen(memory, *layout)
    input._view = None
    input.changed()
    return input


def is_set_to(input: Tensor, tensor: Tensor) -> bool:
    """Whether both look at the same memory in the same way.

    >>> x = engine.zeros(2)
    >>> x.is_set_to(x.detach()), x.is_set_to(x.clone())
    (True, False)
    """
    same = input.shape == tensor.shape and input.stride() == tensor.stride()
    return bool(same and input.data_ptr() == tensor.data_ptr())


def resize_(input: Tensor, *sizes: Any, memory_format: Any = None) -> Tensor:
    """Another shape for the tensor itself: the memory is kept, and grows where it is too small.

    >>> engine.arange(6).resize_(2, 2)
    tensor([[0, 1],
            [2, 3]])
    """
    if input.requires_grad:
        raise ArgumentError("resize_", "a tensor that does not require grad", hint="Use reshape or view.")
    shape = arrays_.as_shape("resize_", sizes[0] if len(sizes) == 1 and isinstance(sizes[0], tuple | list) else sizes)
    memory, first = arrays_.flat_memory(input.array), storage_offset(input)
    if first + math.prod(shape) > memory.size:
        grown = arrays_.module_of(memory).zeros(first + math.prod(shape), memory.dtype)
        grown[: memory.size] = memory
        memory = grown
    input.array, input._view = arrays_.seen(memory, shape, dense_steps(shape), first), None
    input.changed()
    return input


def resize_as_(input: Tensor, the_template: Tensor, memory_format: Any = None) -> Tensor:
    """The shape of another tensor for the tensor itself.

    >>> engine.arange(6).resize_as_(engine.zeros(3))
    tensor([0, 1, 2])
    """
    return resize_(input, tuple(the_template.shape))


def view(input: Tensor, *shape: Any, dtype: Any = None) -> Tensor:
    """The same memory in another shape (or, with a dtype, its bytes read as another type); never a copy.

    >>> engine.arange(6).view(2, -1).shape
    engine.Size([2, 3])
    """
    first = dtype if dtype is not None else shape[0] if len(shape) == 1 else None
    if (
        first is not None
        and first.__class__ is not int
        and not isinstance(first, tuple | list | int | Tensor | np.integer)
    ):
        return wrap(input.array.view(arrays_.dtype_of(first)))
    seen = input.reshape(*shape)
    a = input.array
    if seen._view is None and a.size and not isinstance(a, Abstract) and not arrays_.shares(a, seen.array):
        hint = "At least one dimension spans across two contiguous subspaces. Use .reshape(...) instead."
        raise ShapeError("view size is not compatible with input tensor's size and stride", hint=hint)
    return seen


FUNCTIONS = {"as_strided": as_strided}
METHODS = {
    f.__name__: f
    for f in (untyped_storage, storage, data_ptr, storage_offset, stride, is_contiguous, contiguous, as_strided, set_)
} | {f.__name__: f for f in (is_set_to, resize_, resize_as_, view)}
