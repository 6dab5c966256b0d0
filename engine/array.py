"""Arrays below the tensors: NumPy or CuPy, element types and promotion, devices. The only file that may import cupy.

Floating-point events (an overflow, 0/0) give inf and nan silently, as in PyTorch: `quiet()` turns NumPy's warnings
about them off in the calling thread; the first operation of a thread calls it.
"""

from __future__ import annotations

import importlib
import importlib.util
import math
import os
from collections.abc import Iterable
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from engine.errors import ArgumentError, DeviceError, DTypeError, Unsupported

Shape = tuple[int, ...]
Number = bool | int | float


class DType:
    """An element type with PyTorch's name.

    >>> engine.float16, engine.float16.itemsize, engine.int64.is_floating_point
    (engine.float16, 2, False)
    """

    __slots__ = ("itemsize", "name", "numpy")

    def __init__(self, name: str, code: str) -> None:
        self.name, self.numpy = name, np.dtype(code)
        self.itemsize = self.numpy.itemsize

    def __repr__(self) -> str:
        return f"engine.{self.name}"

    def __reduce__(self) -> str:
        return "bool_" if self.name == "bool" else self.name

    @property
    def is_floating_point(self) -> bool:
        """Whether it holds fractions (and gradients)."""
        return self.numpy.kind == "f"

    @property
    def is_complex(self) -> bool:
        """Always False: complex numbers are not part of the engine."""
        return False


float16, float32, float64 = DType("float16", "f2"), DType("float32", "f4"), DType("float64", "f8")
uint8, int8, int16 = DType("uint8", "u1"), DType("int8", "i1"), DType("int16", "i2")
int32, int64, bool_ = DType("int32", "i4"), DType("int64", "i8"), DType("bool", "?")
half, double, short, int_, long = float16, float64, int16, int32, int64


class Word:
    """A name that PyTorch has and that changes nothing here: a memory format, a layout.

    >>> engine.ones(1).layout
    engine.strided
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"engine.{self.name}"

    def __reduce__(self) -> str:
        return self.name


strided, contiguous_format, preserve_format = Word("strided"), Word("contiguous_format"), Word("preserve_format")
bfloat16 = Word("bfloat16")
"""A name that programs mention; NumPy has no such numbers, so it is refused where it is used."""
channels_last, channels_last_3d = Word("channels_last"), Word("channels_last_3d")

DTYPES = {t.name: t for t in (float16, float32, float64, uint8, int8, int16, int32, int64, bool_)}
OF_NUMPY: dict[Any, DType] = {t.numpy: t for t in DTYPES.values()}
FLOAT, INT, BOOL = float32.numpy, int64.numpy, bool_.numpy
PYTHON: dict[type, DType] = {float: float32, int: int64, bool: bool_}
CONSTANTS = (math.inf, math.nan, math.pi, math.e)
_default: list[np.dtype[Any]] = [FLOAT]


def dtype_of(given: Any) -> np.dtype[Any]:
    """NumPy's dtype for an engine dtype, a NumPy dtype, a Python type, or a name such as "float32"."""
    if isinstance(given, DType):
        return given.numpy
    if given in PYTHON:
        return _default[0] if given is float else PYTHON[given].numpy
    try:
        wanted: np.dtype[Any] = np.dtype(given)
    except TypeError:
        raise DTypeError("dtype", f"one of {', '.join(DTYPES)}", repr(given)) from None
    if wanted not in OF_NUMPY:
        raise DTypeError("dtype", f"one of {', '.join(DTYPES)}", wanted, "Convert the data first, e.g. to float32.")
    return wanted


def default_dtype() -> np.dtype[Any]:
    """The float type that new tensors get: float32, unless `set_default_dtype` chose another."""
    return _default[0]


def set_default_dtype(d: Any) -> None:
    """Choose the float type of new tensors: float16, float32 or float64.

    >>> engine.set_default_dtype(engine.float32)
    """
    wanted = dtype_of(d)
    if wanted.kind != "f":
        raise DTypeError("set_default_dtype", "a floating-point type", OF_NUMPY[wanted])
    _default[0] = wanted


# ------------------------------------------------------------------------------------------------ promotion
@cache
def promote_types(a: np.dtype[Any], b: np.dtype[Any]) -> np.dtype[Any]:
    """PyTorch's table for two tensors with axes: a float wins over an integer whatever its width."""
    if a.kind == "f" and b.kind != "f":
        return a
    if b.kind == "f" and a.kind != "f":
        return b
    return np.promote_types(a, b)


def can_cast(source: np.dtype[Any], target: np.dtype[Any]) -> bool:
    """Whether numbers of one type may be stored as another: a float never as an integer, only bool as bool."""
    return _RANK[source.kind] <= _RANK[target.kind]


_RANK = {"b": 0, "u": 1, "i": 1, "f": 2}


def result_type(operands: Iterable[Any]) -> np.dtype[Any]:
    """Element type of an operation on arrays and Python numbers.

    Three classes, each heard only if its kind (bool < integer < float) is higher than what the classes before it say:
    arrays with axes, arrays without, Python numbers.
    """
    classes: list[np.dtype[Any] | None] = [None, None, None]
    for value in operands:
        place, dtype = _class_of(value)
        known = classes[place]
        classes[place] = dtype if known is None else promote_types(known, dtype)
    result: np.dtype[Any] | None = None
    for heard in classes:
        if heard is not None and (result is None or _RANK[heard.kind] > _RANK[result.kind]):
            result = heard
    return FLOAT if result is None else result


def _class_of(value: Any) -> tuple[int, np.dtype[Any]]:
    if isinstance(value, bool | int | float):
        return 2, dtype_of(type(value))
    return (0 if value.ndim else 1), value.dtype


class Abstract:
    """Stands in for an array of which only shape and element type are known. Nothing is allocated."""

    __slots__ = ("dtype", "shape")
    device = "cpu"

    def __init__(self, shape: Shape, dtype: np.dtype[Any] = FLOAT) -> None:
        self.shape, self.dtype = tuple(int(n) for n in shape), dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        count = 1
        for n in self.shape:
            count *= n
        return count

    @property
    def nbytes(self) -> int:
        """Bytes that a real array would take."""
        return self.size * self.dtype.itemsize

    @classmethod
    def of(cls, array: Any) -> Abstract:
        """What is known of an array without its values."""
        hollow = cls.__new__(cls)
        hollow.shape, hollow.dtype = array.shape, array.dtype
        return hollow

    def __repr__(self) -> str:
        return f"Abstract({list(self.shape)}, {OF_NUMPY[self.dtype]})"


# -------------------------------------------------------------------------------------------------- devices
class Device:
    """Where a tensor lives: `cpu`, or `cuda:0`, `cuda:1`, ...; in a `with` block: where new tensors are made.

    >>> engine.device("cuda:1").index
    1
    """

    __slots__ = ("index", "type")

    def __init__(self, name: Any, index: int | None = None) -> None:
        text = f"cuda:{name}" if isinstance(name, int) else str(name)
        kind, _, number = text.partition(":")
        if kind not in ("cpu", "cuda") or (number and not number.isdecimal()):
            raise DeviceError("device", '"cpu" or "cuda:0"', repr(text))
        self.type = kind
        self.index = None if kind == "cpu" else int(number or index or 0)

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __repr__(self) -> str:
        return f"device(type='{self.type}'{'' if self.index is None else f', index={self.index}'})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device | str) and str(self) in (str(other), f"{other}:0")

    def __hash__(self) -> int:
        return hash(str(self))

    def __reduce__(self) -> Any:
        return Device, (str(self),)

    def __enter__(self) -> Device:
        _devices.append(self)
        return self

    def __exit__(self, *_: object) -> None:
        _devices.remove(self)


CPU = Device("cpu")
_devices = [CPU]


def default_device() -> Device:
    """Where new tensors are made: the device of the innermost `with device:`, or the one that was set."""
    return _devices[-1]


def set_default_device(device: Any) -> None:
    """Choose where new tensors are made ("cpu" or None: in the computer's own memory).

    >>> engine.set_default_device("cpu")
    """
    _devices[:] = [CPU if device is None or Device(device) == CPU else Device(device)]


@cache
def _cupy() -> ModuleType | None:
    return importlib.import_module("cupy") if importlib.util.find_spec("cupy") is not None else None


@cache
def scipy(xp: Any, name: str) -> Any:
    """`scipy.<name>` for NumPy, `cupyx.scipy.<name>` for CuPy: rare functions that the array library itself has not."""
    package = "scipy" if xp is np else "cupyx.scipy"
    try:
        return importlib.import_module(f"{package}.{name}")
    except ImportError:
        raise Unsupported(name, "SciPy", "a computer without it", "This needs SciPy: pip install scipy.") from None


def cuda(where: str) -> Any:
    """CuPy, or a sentence that says why there is none."""
    if not cuda_count():
        raise DeviceError(where, "a CUDA device", "none", "Install cupy and a driver, or stay on 'cpu'.")
    return _cupy()


def cuda_count() -> int:
    """Number of CUDA devices that can be used; 0 where CuPy or the driver is missing."""
    cupy = _cupy()
    return int(cupy.cuda.runtime.getDeviceCount()) if cupy is not None and cupy.cuda.is_available() else 0


def module_of(array: Any) -> Any:
    """The array library of an array: numpy, or cupy."""
    return np if isinstance(array, np.ndarray) else _cupy()


def is_array(value: Any) -> bool:
    """Whether it is a NumPy or CuPy array."""
    if isinstance(value, np.ndarray):
        return True
    return type(value).__module__.partition(".")[0] == "cupy" and hasattr(value, "device")


def device_of(array: Any) -> Device:
    """The device on which an array lies."""
    return CPU if isinstance(array, np.ndarray | Abstract) else Device("cuda", array.device.id)


def to_device(array: Any, device: Any) -> Any:
    """The array on that device: itself where it already lies there, else a copy."""
    target = Device(device)
    if isinstance(array, Abstract) or device_of(array) == target:
        return array
    if target.type == "cpu":
        return to_host(array)
    if (target.index or 0) >= cuda_count():
        raise DeviceError(
            "to", "a device that this machine has", target, "Install cupy and a driver, or stay on 'cpu'."
        )
    cupy: Any = _cupy()
    with cupy.cuda.Device(target.index):
        return cupy.asarray(array)


def broadcast_to(xp: Any, array: Any, shape: Shape) -> Any:
    """The array repeated to a shape without copying (by hand where that is much faster)."""
    lead, old = len(shape) - array.ndim, array.shape
    if xp is not np or lead < 0 or not array.flags.c_contiguous or not array.size or 0 in shape:
        return xp.broadcast_to(array, shape)
    strides = [0] * lead
    for n, wanted, step in zip(old, shape[lead:], array.strides, strict=True):
        if n != wanted and n != 1:
            return xp.broadcast_to(array, shape)
        strides.append(step if n == wanted else 0)
    return np.ndarray(shape, array.dtype, array, 0, tuple(strides))


def owner_of(array: Any) -> Any:
    """The array that holds the memory into which this one looks."""
    while isinstance(array.base, type(array)):
        array = array.base
    return array


def flat_memory(array: Any) -> Any:
    """The whole memory into which an array looks, in its order, as a vector that shares it."""
    owner = owner_of(array)
    flat = owner if owner.ndim == 1 else owner.ravel(order="K")
    return flat if flat.dtype == array.dtype else flat.view(array.dtype)


def steps_of(array: Any) -> Shape:
    """Strides counted in elements."""
    return tuple(n // array.itemsize for n in array.strides)


def seen(memory: Any, size: Shape, stride: Shape, offset: int) -> Any:
    """A vector of memory through sizes and strides; what lies outside of it must have been refused before."""
    steps = tuple(n * memory.itemsize for n in stride)
    if isinstance(memory, np.ndarray):
        return np.ndarray(size, memory.dtype, memory, offset * memory.itemsize, steps)
    return importlib.import_module("cupy").lib.stride_tricks.as_strided(memory[offset:], size, steps)


def from_dlpack(other: Any) -> Any:
    """The array that an object with `__dlpack__` holds, sharing its memory."""
    kind = int(other.__dlpack_device__()[0])
    if kind == 1:
        return np.from_dlpack(other)
    cupy = _cupy()
    if kind != 2 or cupy is None:
        raise DeviceError("from_dlpack", "memory of the CPU, or of a CUDA device and CuPy", f"device kind {kind}")
    return cupy.from_dlpack(other)


def shares(a: Any, b: Any) -> bool:
    """Whether two arrays look into the same memory."""
    return address(owner_of(a)) == address(owner_of(b))


def address(array: Any) -> int:
    """Where the first element lies in memory."""
    return int(array.ctypes.data if isinstance(array, np.ndarray) else array.data.ptr)


def to_host(array: Any) -> Any:
    """The array in the computer's own memory, as NumPy sees it."""
    return array if isinstance(array, np.ndarray) else array.get()


def synchronize() -> None:
    """Wait until the device has done what it was told.

    >>> engine.cuda.synchronize()
    """
    cupy = _cupy()
    if cupy is not None and cupy.cuda.is_available():
        cupy.cuda.Stream.null.synchronize()


_deterministic = [False]


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Ask for sums in the same order every time, also on CUDA (where equal indices meet, that is slower).

    >>> engine.use_deterministic_algorithms(False)
    """
    _deterministic[0] = bool(mode)


def are_deterministic_algorithms_enabled() -> bool:
    """What `use_deterministic_algorithms` chose.

    >>> engine.are_deterministic_algorithms_enabled()
    False
    """
    return _deterministic[0]


def scatter_add(xp: Any, target: Any, key: Any, values: Any) -> None:
    """target[key] += values where equal indices add up."""
    if xp is np:
        np.add.at(target, key, values)
    elif _deterministic[0]:
        ordered_add(xp, target, key, values)
    else:
        importlib.import_module("cupyx").scatter_add(target, key, values)


def ordered_add(xp: Any, target: Any, key: Any, values: Any) -> None:
    """target[key] += values, in a fixed order: first what comes first at every place, then what comes second, ..."""
    places = xp.arange(target.size).reshape(target.shape)[key].ravel()
    given = xp.broadcast_to(values, target[key].shape).ravel()
    order = xp.argsort(places, kind="stable")
    places, given = places[order], given[order]
    first = xp.concatenate([xp.ones(min(places.size, 1), bool), places[1:] != places[:-1]])
    turn = xp.arange(places.size) - xp.flatnonzero(first)[xp.cumsum(first) - 1]
    flat = target.reshape(-1).copy()
    for k in range(int(turn.max()) + 1 if places.size else 0):
        flat[places[turn == k]] += given[turn == k]
    target[...] = flat.reshape(target.shape)


def quiet() -> None:
    """Turn NumPy's floating-point warnings off in this thread."""
    np.seterr(all="ignore")


def threads() -> int:
    """The threads of NumPy's linear algebra, where an environment variable says how many."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        if os.environ.get(name, "").isdecimal():
            return int(os.environ[name])
    return 1


def wrapped(number: Any, dtype: np.dtype[Any]) -> Any:
    """A whole number in the range of an integer type: what is too large begins again at the other end."""
    if dtype.kind not in "iu" or number.__class__ is not int:
        return number
    low, size = (0 if dtype.kind == "u" else -(1 << (8 * dtype.itemsize - 1))), 1 << (8 * dtype.itemsize)
    return (number - low) % size + low


def as_shape(where: str, given: Any) -> Shape:
    """A tuple of sizes from (2, 3), [2, 3] or 2."""
    sizes = tuple(given) if isinstance(given, tuple | list) else (given,)
    for n in sizes:
        if n.__class__ is not int:
            break
    else:
        return sizes
    try:
        return tuple(int(n.__index__()) for n in sizes)
    except (AttributeError, TypeError):
        raise ArgumentError(where, "whole numbers as sizes", sizes) from None
