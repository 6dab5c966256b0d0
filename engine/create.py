"""Making tensors: from data, and filled."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from engine import array as arrays_
from engine.array import Abstract, Shape, dtype_of
from engine.derived import written
from engine.errors import ArgumentError, DTypeError, ShapeError, Unsupported
from engine.graph import Size
from engine.ops.elementwise import Filled
from engine.tensor import Tensor, apply, wrap

WORDS = ("out", "layout", "pin_memory", "memory_format", "names", "device", "requires_grad")
MORE = [inspect.Parameter(w, inspect.Parameter.KEYWORD_ONLY, default=False if "_" in w else None) for w in WORDS]


def maker(f: Callable[..., Any]) -> Callable[..., Tensor]:
    """PyTorch's common keywords around a function that makes an array: device, requires_grad, out, ...

    `f` gets `dtype` as NumPy's dtype or None. Memory formats and layouts change nothing here.
    """

    @wraps(f)
    def made(*arguments: Any, **named: Any) -> Tensor:
        if not named:
            return finished(f(*arguments))
        out, device, requires_grad = named.pop("out", None), named.pop("device", None), named.pop("requires_grad", None)
        for word in ("layout", "pin_memory", "memory_format", "names"):
            named.pop(word, None)
        if named.get("dtype") is not None:
            named["dtype"] = dtype_of(named["dtype"])
        y = finished(f(*arguments, **named), device, requires_grad)
        return y if out is None else written(f.__name__, out, y)

    signature = inspect.signature(f)
    parameters = [p for p in signature.parameters.values() if p.name != "self"]
    setattr(made, "__signature__", signature.replace(parameters=[*parameters, *MORE]))  # noqa: B010
    return made


def finished(a: Any, device: Any = None, requires_grad: Any = False) -> Tensor:
    """A tensor of an array, on the device that was asked for (or the default one)."""
    target = arrays_.default_device() if device is None else device
    if target is not arrays_.CPU and (device is not None or isinstance(a, np.ndarray)):
        a = arrays_.to_device(a, target)
    t = wrap(a)
    if requires_grad:
        t.requires_grad = True
    return t


def sizes_of(shape: tuple[Any, ...]) -> Shape:
    """Sizes from (2, 3) or ((2, 3),), none below 0."""
    sizes = arrays_.as_shape("shape", shape[0] if len(shape) == 1 and isinstance(shape[0], tuple | list) else shape)
    if min(sizes, default=0) < 0:
        raise ArgumentError("shape", "sizes of at least 0", sizes)
    return sizes


def float_or(dtype: Any) -> np.dtype[Any]:
    """The given dtype, or the default float type."""
    return arrays_.default_dtype() if dtype is None else dtype


def _size(given: tuple[Any, ...], size: Any) -> Shape:
    return sizes_of(given if size is None else (size,))


# --------------------------------------------------------------------------------------------------- from data
def tensor(
    data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False, pin_memory: bool = False
) -> Tensor:
    """A tensor with a copy of the data: numbers, nested lists, arrays or tensors. Python floats become float32.

    >>> engine.tensor([[1, 2], [3, 4]])
    tensor([[1, 2],
            [3, 4]])
    """
    if isinstance(data, Tensor):
        data, device = data.array, data.device if device is None else device
    elif isinstance(data, np.ndarray) is False and hasattr(data, "__dlpack__") and hasattr(data, "shape"):
        data = arrays_.from_dlpack(data) if not isinstance(data, np.generic) else data
    a = data.copy() if arrays_.is_array(data) else _from_python(data, dtype)
    dtype_of(a.dtype)
    return finished(a if dtype is None else a.astype(dtype_of(dtype)), device, requires_grad)


def _from_python(data: Any, dtype: Any = None) -> Any:
    if isinstance(data, list | tuple):
        data = [plain(x) for x in data]
    try:
        a = np.array(data)
    except ValueError as refusal:
        raise ArgumentError("tensor", "lists of equal length at every level", str(refusal)) from None
    if isinstance(data, np.generic):
        return a
    if a.dtype.kind == "f" or not a.size:
        return a.astype(arrays_.default_dtype()) if dtype is None else a
    if a.dtype.kind == "c":
        raise Unsupported("tensor", "real numbers", "complex ones", "Complex numbers are not part of the engine.")
    if a.dtype.kind not in "iub":
        raise TypeError(f"tensor: expected numbers, got {a.dtype}.")
    if a.dtype.kind == "u" and a.size and int(a.max()) > np.iinfo(np.int64).max:
        raise DTypeError("tensor", "numbers that fit int64", "larger ones")
    return a.astype(np.int64) if a.dtype.kind in "iu" else a


def plain(x: Any) -> Any:
    return x.tolist() if isinstance(x, Tensor) else x


def as_tensor(data: Any, dtype: Any = None, device: Any = None) -> Tensor:
    """A tensor of the data, sharing memory with an array where nothing must be changed.

    >>> engine.as_tensor(np.array([1.5]))
    tensor([1.5000], dtype=engine.float64)
    """
    if not isinstance(data, Tensor):
        data = wrap(data) if arrays_.is_array(data) and dtype_of(data.dtype) else tensor(data)
    result: Tensor = data.to(dtype=dtype, device=device)
    return result


def asarray(
    obj: Any, *, dtype: Any = None, device: Any = None, copy: bool | None = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of the data, sharing memory where it can; copy: always (True) or never (False).

    >>> engine.asarray([1.0, 2.0])
    tensor([1., 2.])
    """
    made = as_tensor(obj, dtype, device)
    source = obj.array if isinstance(obj, Tensor) else obj
    shared = arrays_.is_array(source) and arrays_.shares(source, made.array)
    if copy is False and not shared:
        raise ArgumentError("asarray", "data that can be shared (copy=False)", type(obj).__name__)
    made = made.detach().clone() if copy and shared else made
    return made.requires_grad_() if requires_grad else made


def from_numpy(ndarray: Any) -> Tensor:
    """A tensor that shares memory with a NumPy array.

    >>> a = np.zeros(2, np.float32); t = engine.from_numpy(a); a[0] = 5; t
    tensor([5., 0.])
    """
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    if ndarray.dtype not in arrays_.OF_NUMPY:
        raise TypeError(f"can't convert np.ndarray of type {ndarray.dtype}. Convert it first, e.g. to float32.")
    if min(ndarray.strides, default=0) < 0:
        raise ArgumentError("from_numpy", "strides of at least 0", ndarray.strides, "Use array.copy() first.")
    return wrap(ndarray)


def frombuffer(
    buffer: Any, *, dtype: Any, count: int = -1, offset: int = 0, requires_grad: bool = False
) -> Tensor:  # fmt: skip
    """A tensor that looks into the memory of an object with Python's buffer protocol.

    >>> engine.frombuffer(bytearray(b"ab"), dtype=engine.uint8)
    tensor([97, 98], dtype=engine.uint8)
    """
    return finished(np.frombuffer(buffer, dtype_of(dtype), count, offset), requires_grad=requires_grad)


@maker
def scalar_tensor(s: Any, *, dtype: Any = None) -> Any:
    """A tensor without axes.

    >>> engine.scalar_tensor(2)
    tensor(2.)
    """
    return np.array(plain(s), float_or(dtype))


# ------------------------------------------------------------------------------------------------------ filled
@maker
def zeros(*sizes: Any, size: Any = None, dtype: Any = None) -> Any:
    """Zeros: zeros(2, 3) or zeros((2, 3)).

    >>> engine.zeros(2)
    tensor([0., 0.])
    """
    return np.zeros(_size(sizes, size), float_or(dtype))


@maker
def ones(*sizes: Any, size: Any = None, dtype: Any = None) -> Any:
    """Ones: ones(2, 3) or ones((2, 3)).

    >>> engine.ones(2, dtype=engine.int64)
    tensor([1, 1])
    """
    return np.ones(_size(sizes, size), float_or(dtype))


@maker
def empty(*sizes: Any, size: Any = None, dtype: Any = None) -> Any:
    """Memory whose content means nothing yet (here: zeros).

    >>> engine.empty(2, 3).shape
    engine.Size([2, 3])
    """
    return np.zeros(_size(sizes, size), float_or(dtype))


@maker
def full(size: Any, fill_value: Any, *, dtype: Any = None) -> Any:
    """One number everywhere; its kind gives the dtype.

    >>> engine.full((2,), 7)
    tensor([7, 7])
    """
    value = plain(fill_value)
    return np.full(sizes_of((size,)), value, dtype_of(type(value)) if dtype is None else dtype)


@maker
def empty_strided(size: Any, stride: Any, *, dtype: Any = None) -> Any:
    """Memory without meaningful content, laid out with the given strides.

    >>> engine.empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    sizes, steps = sizes_of((size,)), sizes_of((stride,))
    if len(sizes) != len(steps):
        raise ArgumentError("empty_strided", "as many strides as sizes", f"{sizes} and {steps}")
    needed = 0 if 0 in sizes else 1 + sum((n - 1) * step for n, step in zip(sizes, steps, strict=True))
    return arrays_.seen(np.zeros(needed, float_or(dtype)), sizes, steps, 0)


@maker
def empty_permuted(size: Any, physical_layout: Any, *, dtype: Any = None) -> Any:
    """Memory without meaningful content whose axes lie in the given order.

    >>> engine.empty_permuted((2, 3), (1, 0)).stride()
    (1, 2)
    """
    sizes, order = sizes_of((size,)), sizes_of((physical_layout,))
    if sorted(order) != list(range(len(sizes))):
        raise ShapeError("empty_permuted", f"each of the {len(sizes)} axes once", order)
    return np.zeros([sizes[i] for i in order], float_or(dtype)).transpose(np.argsort(order))


def _like(input: Tensor, value: Any, dtype: Any, shape: Any = None) -> Any:
    sizes = tuple(input.array.shape) if shape is None else shape
    kind = input.array.dtype if dtype is None else dtype_of(dtype)
    if isinstance(input.array, Abstract):
        return Abstract(sizes, kind)
    if shape is not None:
        return arrays_.module_of(input.array).full(sizes, value, kind)
    return arrays_.module_of(input.array).full_like(input.array, value, kind, subok=False)


@maker
def zeros_like(input: Tensor, *, dtype: Any = None) -> Any:
    """Zeros in the shape of another tensor.

    >>> engine.zeros_like(engine.tensor([1, 2]))
    tensor([0, 0])
    """
    return _like(input, 0, dtype)


@maker
def ones_like(input: Tensor, *, dtype: Any = None) -> Any:
    """Ones in the shape of another tensor.

    >>> engine.ones_like(engine.tensor([1.5, 2.5]))
    tensor([1., 1.])
    """
    return _like(input, 1, dtype)


@maker
def full_like(input: Tensor, fill_value: Any, *, dtype: Any = None) -> Any:
    """One number in the shape of another tensor.

    >>> engine.full_like(engine.tensor([1.5, 2.5]), 7)
    tensor([7., 7.])
    """
    return _like(input, plain(fill_value), dtype)


@maker
def empty_like(input: Tensor, *, dtype: Any = None) -> Any:
    """Memory without meaningful content in the shape of another tensor.

    >>> engine.empty_like(engine.ones(2)).shape
    engine.Size([2])
    """
    return _like(input, 0, dtype)


@maker
def new_zeros(input: Tensor, *sizes: Any, size: Any = None, dtype: Any = None) -> Any:
    """Zeros of the tensor's kind, in another shape.

    >>> engine.tensor([1, 2]).new_zeros(3)
    tensor([0, 0, 0])
    """
    return _like(input, 0, dtype, _size(sizes, size))


@maker
def new_ones(input: Tensor, *sizes: Any, size: Any = None, dtype: Any = None) -> Any:
    """Ones of the tensor's kind, in another shape.

    >>> engine.tensor([1, 2]).new_ones(3)
    tensor([1, 1, 1])
    """
    return _like(input, 1, dtype, _size(sizes, size))


@maker
def new_empty(input: Tensor, *sizes: Any, size: Any = None, dtype: Any = None) -> Any:
    """Memory without meaningful content of the tensor's kind, in another shape.

    >>> engine.tensor([1, 2]).new_empty(3).dtype
    engine.int64
    """
    return _like(input, 0, dtype, _size(sizes, size))


@maker
def new_full(input: Tensor, size: Any, fill_value: Any, *, dtype: Any = None) -> Any:
    """One number of the tensor's kind, in another shape.

    >>> engine.tensor([1, 2]).new_full((3,), 4)
    tensor([4, 4, 4])
    """
    return _like(input, plain(fill_value), dtype, sizes_of((size,)))


@maker
def new_empty_strided(input: Tensor, size: Any, stride: Any, *, dtype: Any = None) -> Any:
    """Memory of the tensor's kind with the given strides.

    >>> engine.ones(1).new_empty_strided((2, 3), (1, 2)).stride()
    (1, 2)
    """
    return empty_strided(size, stride, dtype=input.dtype if dtype is None else dtype).array


def new_tensor(
    input: Tensor, data: Any, *, dtype: Any = None, device: Any = None, requires_grad: bool = False
) -> Tensor:
    """A tensor of the tensor's kind from data.

    >>> engine.ones(1).new_tensor([1, 2])
    tensor([1., 2.])
    """
    return tensor(
        data, dtype=dtype or input.dtype, device=device or input.device, requires_grad=requires_grad
    )  # fmt: skip


def new(input: Tensor, *data: Any) -> Tensor:
    """The old way to make a tensor of the tensor's kind: from sizes, or from data.

    >>> engine.ones(1).new(2).shape, engine.ones(1).new([1, 2])
    (engine.Size([2]), tensor([1., 2.]))
    """
    if not data or isinstance(data[0], Size) or all(isinstance(n, int) for n in data):
        return new_zeros(input, data[0] if data and isinstance(data[0], Size) else data or (0,))
    return new_tensor(input, data[0])


def fill(input: Tensor, value: Any) -> Tensor:
    """A tensor of the same shape with one number everywhere.

    >>> engine.fill(engine.ones(2), 3)
    tensor([3., 3.])
    """
    if isinstance(value, Tensor):
        return value.to(input.dtype).expand(input.shape) + apply(Filled, (input,), {"value": 0})
    return apply(Filled, (input,), {"value": value})


METHODS = (new, new_zeros, new_ones, new_empty, new_full, new_empty_strided, new_tensor)
for _method in METHODS:
    setattr(Tensor, _method.__name__, _method)
