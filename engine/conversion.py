"""A tensor with another element type or on another device."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine import array as arrays_
from engine.array import Abstract, Device, DType, dtype_of
from engine.errors import Unsupported
from engine.ops.elementwise import Cast
from engine.ops.op import Op
from engine.tensor import Tensor, apply

PLACES = frozenset((Device, int, str))


def to(
    input: Tensor,
    *targets: Any,
    dtype: Any = None,
    device: Any = None,
    other: Any = None,
    non_blocking: bool = False,
    copy: bool = False,
    memory_format: Any = None,
) -> Tensor:
    """The tensor with another element type, on another device, or like another tensor; itself where nothing changes.

    >>> engine.tensor([1, 2]).to(engine.float64)
    tensor([1., 2.], dtype=engine.float64)
    """
    places = 0
    for target in (*targets, *(() if other is None else (other,))):
        if isinstance(target, Tensor):
            dtype, device = target.dtype, target.device
        elif target.__class__ in PLACES and target not in arrays_.DTYPES:
            device = target
        elif isinstance(target, bool):
            places += 1
            copy = copy or (target and places == 2)
        elif target is not None:
            dtype = target
    wanted = input.array.dtype if dtype is None else dtype_of(dtype)
    moved = input if device is None else _moved(input, device)
    if wanted != moved.array.dtype:
        return apply(Cast, (moved,), {"dtype": wanted})
    return moved.clone() if copy and moved is input else moved


def _moved(x: Tensor, device: Any) -> Tensor:
    if isinstance(x.array, Abstract) or Device(device) == x.device:
        return x
    return apply(Transfer, (x,), {"device": device})


class Transfer(Op):
    """The same numbers on another device."""

    latex, jvp, promotion = r"{0}", "linear", "none"

    @staticmethod
    def forward(xp: Any, x: Any, *, device: Any) -> Any:
        return arrays_.to_device(x, device)

    @staticmethod
    def infer(x: Any, *, device: Any) -> Abstract:
        return Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, _y: Any, x: Any, *, device: Any) -> Any:
        return (g.to(x.device),)


def _cast(name: str, dtype: DType) -> Callable[..., Tensor]:
    def cast(input: Tensor, memory_format: Any = None) -> Tensor:
        return to(input, dtype)

    cast.__name__, cast.__doc__ = name, f"The tensor as {dtype.name}.\n\n>>> engine.ones(1).{name}().dtype\n{dtype!r}\n"
    return cast


def cpu(input: Tensor, memory_format: Any = None) -> Tensor:
    """The tensor in the computer's own memory.

    >>> engine.ones(1).cpu().device
    device(type='cpu')
    """
    return to(input, "cpu")


def cuda(input: Tensor, device: Any = None, non_blocking: bool = False, memory_format: Any = None) -> Tensor:
    """The tensor on a CUDA device (the current one when left out).

    >>> x = engine.ones(1).cuda() if engine.cuda.is_available() else engine.ones(1)
    """
    return to(input, Device("cuda" if device is None else device))


def type_(input: Tensor, dtype: Any = None, non_blocking: bool = False) -> Any:
    """The name of the tensor's type; with a dtype: the tensor converted to it.

    >>> engine.ones(1).type(), engine.ones(1).type(engine.int64)
    ('engine.FloatTensor', tensor([1]))
    """
    return LEGACY_OF[input.dtype] if dtype is None else to(input, getattr(dtype, "dtype", None) or _named(dtype))


def _named(dtype: Any) -> Any:
    if isinstance(dtype, str) and dtype.endswith("Tensor"):
        return LEGACY[dtype.rpartition(".")[2]]
    return dtype


def bfloat16(input: Tensor) -> Tensor:
    """Refused: NumPy has no bfloat16.

    >>> engine.ones(1).bfloat16()
    Traceback (most recent call last):
    engine.errors.Unsupported: bfloat16: expected a type that NumPy has. Use .half() or .float().
    """
    raise Unsupported("bfloat16", "a type that NumPy has", hint="Use .half() or .float().")


CASTS = {
    "float": "float32",
    "double": "float64",
    "half": "float16",
    "long": "int64",
    "int": "int32",
    "short": "int16",
    "char": "int8",
    "byte": "uint8",
    "bool": "bool",
}
LEGACY = {f"{name.capitalize()}Tensor": arrays_.DTYPES[kind] for name, kind in CASTS.items()}
LEGACY_OF = {dtype: f"engine.{name}" for name, dtype in LEGACY.items()}


def type_as(input: Tensor, other: Tensor) -> Tensor:
    """The tensor with the element type of another.

    >>> engine.ones(1).type_as(engine.tensor([1]))
    tensor([1])
    """
    return to(input, other.dtype)


METHODS: dict[str, Any] = {name: _cast(name, arrays_.DTYPES[kind]) for name, kind in CASTS.items()}
METHODS |= {"to": to, "cpu": cpu, "cuda": cuda, "type": type_, "type_as": type_as, "bfloat16": bfloat16}
