"""Arrays below the tensors: NumPy or CuPy, element types and promotion, devices. The only file that may import cupy.

Floating-point events (an overflow, 0/0) give inf and nan silently, as in PyTorch: `quiet()` turns NumPy's warnings
about them off in the calling thread; the first operation of a thread calls it.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from functools import cache
from types import ModuleType
from typing import Any

import numpy as np

from engine.elements import BOOL as BOOL
from engine.elements import CONSTANTS as CONSTANTS
from engine.elements import DTYPES as DTYPES
from engine.elements import FLOAT as FLOAT
from engine.elements import INT as INT
from engine.elements import OF_NUMPY as OF_NUMPY
from engine.elements import PYTHON as PYTHON
from engine.elements import Abstract as Abstract
from engine.elements import DType as DType
from engine.elements import Number as Number
from engine.elements import Shape as Shape
from engine.elements import Word as Word
from engine.elements import bfloat16 as bfloat16
from engine.elements import bool_ as bool_
from engine.elements import can_cast as can_cast
from engine.elements import channels_last as channels_last
from engine.elements import channels_last_3d as channels_last_3d
from engine.elements import contiguous_format as contiguous_format
from engine.elements import default_dtype as default_dtype
from engine.elements import double as double
from engine.elements import dtype_of as dtype_of
from engine.elements import float16 as float16
from engine.elements import float32 as float32
from engine.elements import float64 as float64
from engine.elements import half as half
from engine.elements import int8 as int8
from engine.elements import int16 as int16
from engine.elements import int32 as int32
from engine.elements import int64 as int64
from engine.elements import int_ as int_
from engine.elements import long as long
from engine.elements import preserve_format as preserve_format
from engine.elements import promote_types as promote_types
from engine.elements import result_type as result_type
from engine.elements import set_default_dtype as set_default_dtype
from engine.elements import short as short
from engine.elements import strided as strided
from engine.elements import uint8 as uint8
from engine.elements import wrapped as wrapped
from engine.errors import ArgumentError, DeviceError, Unsupported


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
    if old == shape[lead:]:
        return np.ndarray(shape, array.dtype, array, 0, (0,) * lead + array.strides)
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
