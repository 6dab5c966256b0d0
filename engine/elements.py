"""Element types: PyTorch's names, how they meet, and arrays of which only shape and element type are known."""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import cache
from typing import Any

import numpy as np

from engine.errors import DTypeError

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
    if isinstance(value, (bool, int, float)):
        return 2, dtype_of(type(value))
    return (0 if value.ndim else 1), value.dtype


class Abstract:
    """Stands in for an array of which only shape and element type are known. Nothing is allocated."""

    __slots__ = ("dtype", "shape")
    device = "cpu"

    def __init__(self, shape: Shape, dtype: np.dtype[Any] = FLOAT) -> None:
        self.shape, self.dtype = shape if shape.__class__ is tuple else tuple(map(int, shape)), dtype

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


def wrapped(number: Any, dtype: np.dtype[Any]) -> Any:
    """A whole number in the range of an integer type: what is too large begins again at the other end."""
    if dtype.kind not in "iu" or number.__class__ is not int:
        return number
    low, size = (0 if dtype.kind == "u" else -(1 << (8 * dtype.itemsize - 1))), 1 << (8 * dtype.itemsize)
    return (number - low) % size + low
