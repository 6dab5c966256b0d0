"""Questions about element types, and PyTorch's old names for tensors of one type."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine import array as arrays_
from engine import conversion
from engine.array import DType
from engine.create import tensor, zeros
from engine.errors import DTypeError
from engine.graph import Size
from engine.tensor import Tensor


class finfo:  # noqa: N801
    """The limits of a floating-point type (the default one when left out).

    >>> engine.finfo(engine.float32).max
    3.4028234663852886e+38
    """

    def __init__(self, type: Any = None) -> None:
        kind = arrays_.default_dtype() if type is None else arrays_.dtype_of(type)
        if kind.kind != "f":
            raise TypeError("finfo() requires a floating point input type. Use iinfo to handle 'iinfo'")
        known = np.finfo(kind)
        self.dtype, self.bits = arrays_.OF_NUMPY[kind].name, kind.itemsize * 8
        self.eps, self.max, self.min = float(known.eps), float(known.max), float(known.min)
        self.tiny = self.smallest_normal = float(known.tiny)
        self.resolution = float(known.resolution)

    def __repr__(self) -> str:
        facts = ("resolution", "min", "max", "eps", "smallest_normal", "tiny")
        return f"finfo({', '.join(f'{f}={getattr(self, f):g}' for f in facts)}, dtype={self.dtype})"


class iinfo:  # noqa: N801
    """The limits of an integer type.

    >>> engine.iinfo(engine.int8).max
    127
    """

    def __init__(self, type: Any) -> None:
        kind = arrays_.dtype_of(type)
        if kind.kind not in "iu":
            raise TypeError("iinfo() requires an integer input type. Use finfo to handle 'torch.finfo'")
        known = np.iinfo(kind)
        self.dtype, self.bits, self.max, self.min = arrays_.OF_NUMPY[kind].name, known.bits, known.max, known.min

    def __repr__(self) -> str:
        return f"iinfo(min={self.min}, max={self.max}, dtype={self.dtype})"


def promote_types(type1: DType, type2: DType) -> DType:
    """The smallest type that holds the numbers of both, by PyTorch's table.

    >>> engine.promote_types(engine.int64, engine.float16)
    engine.float16
    """
    return arrays_.OF_NUMPY[arrays_.promote_types(arrays_.dtype_of(type1), arrays_.dtype_of(type2))]


def result_type(tensor1: Any, tensor2: Any) -> DType:
    """The type that an operation on the two operands would have.

    >>> engine.result_type(engine.tensor([1, 2]), 1.0)
    engine.float32
    """
    return arrays_.OF_NUMPY[
        arrays_.result_type([x.array if isinstance(x, Tensor) else x for x in (tensor1, tensor2)])
    ]  # fmt: skip


def can_cast(from_: DType, to: DType) -> bool:
    """Whether an in-place operation may store numbers of the first type as the second.

    >>> engine.can_cast(engine.float32, engine.int64)
    False
    """
    return arrays_.can_cast(arrays_.dtype_of(from_), arrays_.dtype_of(to))


def get_default_dtype() -> DType:
    """The float type that new tensors get.

    >>> engine.get_default_dtype()
    engine.float32
    """
    return arrays_.OF_NUMPY[arrays_.default_dtype()]


def get_default_device() -> arrays_.Device:
    """Where new tensors are made.

    >>> engine.get_default_device()
    device(type='cpu')
    """
    return arrays_.default_device()


def set_default_tensor_type(t: Any) -> None:
    """The old way to choose the default float type.

    >>> engine.set_default_tensor_type(engine.FloatTensor)
    """
    kind = t.dtype if isinstance(t, Legacy) else conversion.LEGACY.get(str(t).rpartition(".")[2])
    if kind is None:
        raise DTypeError("set_default_tensor_type", f"one of {', '.join(conversion.LEGACY)}", t)
    arrays_.set_default_dtype(kind)


class Legacy:
    """An old constructor such as `FloatTensor(2, 3)` or `LongTensor([1, 2])`; also good for isinstance.

    >>> engine.LongTensor([1, 2]), isinstance(engine.ones(1), engine.FloatTensor)
    (tensor([1, 2]), True)
    """

    def __init__(self, name: str, dtype: DType) -> None:
        self.__name__, self.dtype = name, dtype

    def __call__(self, *data: Any) -> Tensor:
        """A tensor of sizes, or of data."""
        if not data or isinstance(data[0], Size) or all(isinstance(n, int) for n in data):
            return zeros(data[0] if data and isinstance(data[0], Size) else data or (0,), dtype=self.dtype)
        return tensor(data[0], dtype=self.dtype)

    def __instancecheck__(self, value: object) -> bool:
        return isinstance(value, Tensor) and value.dtype is self.dtype

    def __repr__(self) -> str:
        return f"<class 'engine.{self.__name__}'>"


LEGACY = {name: Legacy(name, dtype) for name, dtype in conversion.LEGACY.items()}
