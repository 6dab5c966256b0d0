"""Tensor's methods and operators, derived from the registry: every op, every composition, and in-place twins."""

from __future__ import annotations

from collections.abc import Callable
from types import EllipsisType
from typing import Any

import numpy as np

from engine import array as arrays_
from engine.array import Abstract, Device, DType, dtype_of
from engine.errors import ArgumentError
from engine.inplace import inplace
from engine.ops.compare import Eq, Ge, Gt, Le, Lt, Ne
from engine.ops.elementwise import Add, Cast, Div, Filled, Mul, Neg, Pow, Sub, Where
from engine.ops.index import Index, IndexPut, Take, is_basic
from engine.ops.linalg import Matmul
from engine.ops.op import FUNCTIONS, OPS, Elementwise, Op
from engine.tensor import Tensor, abstract, apply, as_operand, wrap

NOT_METHODS = frozenset(("cat", "stack", "einsum", "where"))
ALSO_IN_PLACE = ("masked_fill", "addcmul", "addcdiv", "scatter_add", "index_put", "selu", "tril", "triu", "cumsum")


def method_of(op: type[Op]) -> Callable[..., Tensor]:
    """The method of an op: PyTorch's call where `bind` says it, else inputs by place and attributes by name."""
    bind = op.bind
    if bind is None:

        def method(*inputs: Any, **attrs: Any) -> Tensor:
            return apply(op, inputs, attrs)
    else:

        def method(*arguments: Any, **named: Any) -> Tensor:
            inputs, attrs = bind(*arguments, **named)
            return apply(op, inputs, attrs)

    return _named(method, op.name, op.__doc__)


def twin_of(method: Callable[..., Tensor], name: str) -> Callable[..., Tensor]:
    """The in-place form of a method: `x.exp_()`."""

    def changed(self: Tensor, *arguments: Any, **named: Any) -> Tensor:
        return inplace(self, lambda old: method(old, *(old if a is self else a for a in arguments), **named))

    return _named(changed, name + "_", f"In place: {method.__doc__}")


def _named(method: Callable[..., Tensor], name: str, text: str | None) -> Callable[..., Tensor]:
    method.__name__, method.__qualname__, method.__doc__ = name, f"Tensor.{name}", text
    return method


def install() -> None:
    """Give Tensor a method for everything in the registry."""
    for name, f in FUNCTIONS.items():
        if name not in NOT_METHODS:
            setattr(Tensor, name, f)
    for name, op in OPS.items():
        if name not in NOT_METHODS:
            setattr(Tensor, name, method_of(op))
    elementwise = [name for name, op in OPS.items() if issubclass(op, Elementwise) and not name.endswith("_backward")]
    for name in (*elementwise, *ALSO_IN_PLACE):
        setattr(Tensor, name + "_", twin_of(getattr(Tensor, name), name))
    for name, given in (*_operators().items(), *_aliases().items(), *_conversions().items()):
        setattr(Tensor, name, given)


# ----------------------------------------------------------------------------------------------- operators
def _operators() -> dict[str, Any]:
    op: type[Op]
    table: dict[str, Any] = {
        "__neg__": lambda a: apply(Neg, (a,), {}),
        "__pos__": lambda a: a,
        "__abs__": lambda a: a.abs(),
    }
    for name, op in (("add", Add), ("sub", Sub), ("mul", Mul), ("truediv", Div), ("pow", Pow), ("matmul", Matmul)):
        table |= {f"__{name}__": _forward(op), f"__r{name}__": _reflected(op)}
        table[f"__i{name}__"] = _augmented(table[f"__{name}__"])
    for name, op in (("floordiv", OPS["floor_divide"]), ("mod", OPS["remainder"])):
        table |= {f"__{name}__": _forward(op), f"__r{name}__": _reflected(op)}
    for name, op in (("and", OPS["bitwise_and"]), ("or", OPS["bitwise_or"]), ("xor", OPS["bitwise_xor"])):
        table |= {f"__{name}__": _forward(op), f"__r{name}__": _reflected(op)}
    for name, op in (("eq", Eq), ("ne", Ne), ("lt", Lt), ("le", Le), ("gt", Gt), ("ge", Ge)):
        table[f"__{name}__"] = _forward(op)
    table["__invert__"] = lambda a: a.bitwise_not()
    return table | {"__getitem__": getitem, "__setitem__": setitem}


def _forward(op: type[Op]) -> Callable[[Any, Any], Any]:
    def operator(a: Tensor, b: Any) -> Any:
        try:
            return apply(op, (a, b), {})
        except TypeError:
            return NotImplemented

    return operator


def _reflected(op: type[Op]) -> Callable[[Any, Any], Any]:
    def operator(a: Tensor, b: Any) -> Any:
        try:
            return apply(op, (b, a), {})
        except TypeError:
            return NotImplemented

    return operator


def _augmented(operator: Callable[[Any, Any], Any]) -> Callable[[Tensor, Any], Tensor]:
    return lambda a, b: inplace(a, lambda old: operator(old, old if b is a else b))


# ------------------------------------------------------------------------------------------------ indexing
def key_of(given: Any) -> tuple[Any, ...]:
    """An index as a tuple of numbers, slices, None, ... and arrays."""
    if given.__class__ is int or given.__class__ is slice:
        return (_part(given),)
    return tuple(_part(k) for k in (given if isinstance(given, tuple) else (given,)))


def _part(k: Any) -> Any:
    if isinstance(k, slice):
        if k.step is not None and k.step <= 0:
            raise ArgumentError("index", "a step greater than zero", k.step, "Use x.flip(dim) to turn an axis around.")
        return slice(*(None if n is None else n.__index__() for n in (k.start, k.stop, k.step)))
    if k is None or isinstance(k, EllipsisType):
        return k
    if isinstance(k, Tensor):
        return k.array if k.array.dtype.kind == "b" or k.array.ndim else int(k)
    if isinstance(k, bool | np.bool_):
        return np.asarray(k)
    if isinstance(k, int | np.integer):
        return int(k)
    places = np.asarray(k)
    return places.astype(np.int64) if not places.size else places


def getitem(x: Tensor, given: Any) -> Tensor:
    """x[...]: a view for numbers and slices, a copy for arrays of positions or truth values."""
    key = key_of(given)
    return apply(Index if is_basic(key) else Take, (x,), {"key": key})


def setitem(x: Tensor, given: Any, value: Any) -> None:
    """x[...] = value, with history."""
    key = key_of(given)
    value = as_operand(np.asarray(value)) if isinstance(value, list | tuple) else as_operand(value)
    if is_basic(key):
        part = apply(Index, (x,), {"key": key})
        copy_(part, value)
        return
    inplace(x, lambda old: apply(IndexPut, (old, _fitting(old, value)), {"key": key}))


def _fitting(old: Tensor, value: Any) -> Any:
    return value.to(old.dtype) if isinstance(value, Tensor) else value


def copy_(x: Tensor, source: Any, non_blocking: bool = False) -> Tensor:
    """Write the numbers of another tensor (broadcast, cast) into this one."""
    if not isinstance(source, Tensor):
        return fill_(x, source)
    return inplace(x, lambda old: _dropping_lead(source, old).to(old.dtype).to(old.device).expand(old.shape))


def _dropping_lead(source: Tensor, old: Tensor) -> Tensor:
    while source.ndim > old.ndim and source.shape[0] == 1:
        source = source.reshape(source.shape[1:])
    return source


def fill_(x: Tensor, value: Any) -> Tensor:
    """Write one number everywhere."""
    if isinstance(value, Tensor):
        return copy_(x, value)
    return inplace(x, lambda old: apply(Filled, (old,), {"value": value}))


# ------------------------------------------------------------------------------------- kinds, places, aliases
def to(
    x: Tensor, *targets: Any, dtype: Any = None, device: Any = None, non_blocking: bool = False, copy: bool = False
) -> Tensor:
    """The tensor with another element type, on another device, or like another tensor."""
    for target in targets:
        if isinstance(target, Tensor):
            dtype, device = target.dtype, target.device
        elif isinstance(target, Device) or (isinstance(target, str) and target not in arrays_.DTYPES):
            device = target
        elif isinstance(target, bool):
            copy = copy or target
        else:
            dtype = target
    wanted = x.array.dtype if dtype is None else dtype_of(dtype)
    moved = x if device is None else _moved(x, device)
    if wanted != moved.array.dtype:
        return apply(Cast, (moved,), {"dtype": wanted})
    return moved.clone() if copy and moved is x else moved


def _moved(x: Tensor, device: Any) -> Tensor:
    return (
        x if Device(device) == x.device or isinstance(x.array, Abstract) else apply(Transfer, (x,), {"device": device})
    )


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


def where(condition: Any, input: Any = None, other: Any = None) -> Any:
    """`input` where the condition holds, else `other`; with the condition alone: the positions where it holds."""
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    return apply(Where, (condition, input, other), {})


def nonzero(x: Tensor, as_tuple: bool = False) -> Any:
    """The positions of the elements that are not 0: one row each, or one tensor per axis."""
    places = x._known("nonzero()").nonzero()
    if as_tuple:
        return tuple(wrap(p) for p in places)
    xp = arrays_.module_of(x.array)
    return wrap(xp.stack(places, 1) if places else xp.zeros((int(x.array != 0), 0), xp.int64))


def _cast(dtype: DType) -> Callable[[Tensor], Tensor]:
    return lambda x: to(x, dtype)


def _conversions() -> dict[str, Any]:
    table: dict[str, Any] = {
        "to": to,
        "cpu": lambda x: to(x, "cpu"),
        "cuda": lambda x, device=0: to(x, f"cuda:{device}"),
    }
    names = {
        "float": "float32",
        "double": "float64",
        "half": "float16",
        "long": "int64",
        "int": "int32",
        "bool": "bool",
    }
    table |= {name: _cast(arrays_.DTYPES[kind]) for name, kind in names.items()}
    return table | {
        "type": lambda x, dtype=None: f"engine.{x.dtype.name}" if dtype is None else to(x, dtype),
        "type_as": lambda x, other: to(x, other),
        "copy_": copy_,
        "fill_": fill_,
        "zero_": lambda x: fill_(x, 0),
        "nonzero": nonzero,
        "choose": lambda condition, a, b: apply(Where, (condition, a, b), {}),
        "where": lambda x, condition, other: apply(Where, (condition, x, other), {}),
        "is_floating_point": lambda x: x.array.dtype.kind == "f",
        "is_contiguous": lambda x: isinstance(x.array, Abstract) or bool(x.array.flags.c_contiguous),
        "contiguous": lambda x: x if x.is_contiguous() else x.clone(),
        "new_zeros": lambda x, *shape: _new(x, 0, shape),
        "new_ones": lambda x, *shape: _new(x, 1, shape),
        "new_full": lambda x, shape, value: _new(x, value, (shape,)),
        "new_tensor": lambda x, data: wrap(np.array(data, x.array.dtype)),
    }


def _new(x: Tensor, value: Any, shape: tuple[Any, ...]) -> Tensor:
    sizes = arrays_.as_shape("new", shape[0] if len(shape) == 1 else shape)
    if isinstance(x.array, Abstract):
        return abstract(sizes, x.dtype)
    return wrap(arrays_.module_of(x.array).full(sizes, value, x.array.dtype))


def _turned(x: Tensor) -> Tensor:
    return apply(OPS["permute"], (x,), {"dims": tuple(reversed(range(x.ndim)))})


def _stride(x: Tensor, dim: int | None = None) -> Any:
    steps = tuple(n // x.array.itemsize for n in x.array.strides)
    return steps if dim is None else steps[dim]


def _size(x: Tensor, dim: int | None = None) -> Any:
    return x.shape if dim is None else x.shape[dim]


def _aliases() -> dict[str, Any]:
    table: dict[str, Any] = {"T": property(_turned), "mT": property(lambda x: x.transpose(-2, -1))}
    pairs = {
        "absolute": "abs",
        "negative": "neg",
        "multiply": "mul",
        "divide": "div",
        "true_divide": "div",
        "subtract": "sub",
    }
    pairs |= {
        "greater": "gt",
        "less": "lt",
        "greater_equal": "ge",
        "less_equal": "le",
        "not_equal": "ne",
        "clip": "clamp",
    }
    pairs |= {"arctan": "atan", "arcsin": "asin", "arccos": "acos", "concat": "cat_with", "swapdims": "transpose"}
    table |= {new: getattr(Tensor, old) for new, old in pairs.items()}
    return table | {
        "size": _size,
        "dim": lambda x: x.ndim,
        "numel": lambda x: int(x.array.size),
        "nelement": lambda x: int(x.array.size),
        "element_size": lambda x: x.array.dtype.itemsize,
        "nbytes": property(lambda x: x.array.nbytes),
        "itemsize": property(lambda x: x.array.dtype.itemsize),
        "stride": _stride,
        "data_ptr": lambda x: x.array.ctypes.data,
        "is_cuda": property(lambda x: x.device.type == "cuda"),
        "storage_offset": _storage_offset,
        "detach_": _detach_,
        "equal": lambda a, b: a.shape == b.shape and bool((a == b).all()),
        "allclose": lambda a, b, rtol=1e-05, atol=1e-08, equal_nan=False: bool(
            a.isclose(b, rtol, atol, equal_nan).all()
        ),
    }


def _storage_offset(x: Tensor) -> int:
    root = x.array
    while isinstance(root.base, np.ndarray):
        root = root.base
    return int(x.array.ctypes.data - root.ctypes.data) // int(x.array.itemsize)


def _detach_(x: Tensor) -> Tensor:
    x._node, x._requires_grad, x._view = None, False, None
    return x


install()
