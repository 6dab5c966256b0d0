"""Tensor's methods and operators, derived from the registry: every op, every composition, and in-place twins."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from engine import array as arrays_
from engine import conversion, storage
from engine.array import Abstract
from engine.derived import TWINS, called, method_of, twin_of
from engine.indexing import copy_, fill_, getitem, setitem
from engine.inplace import inplace
from engine.ops.compare import Eq, Ge, Gt, Le, Lt, Ne
from engine.ops.elementwise import Add, Div, Mul, Neg, Pow, Sub, Where
from engine.ops.linalg import Matmul
from engine.ops.op import FUNCTIONS, OPS, Op
from engine.tensor import Tensor, abstract, apply, wrap

SPACES = ("linalg_", "special_")
FUNCTION_ONLY = frozenset(("einsum", "where", "cartesian_prod", "block_diag", "broadcast_tensors", "atleast_1d"))
CALLS: dict[str, Callable[..., Any]] = {}
"""Every derived call by PyTorch's name: ops, compositions, aliases."""


def install() -> None:
    """Give Tensor a method for everything in the registry."""
    CALLS.update({name: called(f, name) for name, f in FUNCTIONS.items()})
    CALLS.update({name: method_of(op) for name, op in OPS.items()})
    CALLS.update(storage.FUNCTIONS)
    for name, call in CALLS.items():
        if _is_method(name, call):
            setattr(Tensor, name, call)
    for name in TWINS & CALLS.keys():
        setattr(Tensor, name + "_", twin_of(CALLS[name], name))
    for table in (_operators(), _aliases(), conversion.METHODS, storage.METHODS, _more()):
        for name, given in table.items():
            setattr(Tensor, name, given)


def _is_method(name: str, call: Callable[..., Any]) -> bool:
    first = next(iter(inspect.signature(call).parameters), "")
    if name in OPS:
        return name not in FUNCTION_ONLY
    return first not in ("tensors", "equation") and name not in FUNCTION_ONLY and not name.startswith(SPACES)


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


def _more() -> dict[str, Any]:
    return {
        "copy_": copy_,
        "fill_": fill_,
        "zero_": lambda x: fill_(x, 0),
        "nonzero": nonzero,
        "choose": lambda condition, a, b: apply(Where, (condition, a, b), {}),
        "where": lambda x, condition, other: apply(Where, (condition, x, other), {}),
        "is_floating_point": lambda x: x.array.dtype.kind == "f",
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
        "is_cuda": property(lambda x: x.device.type == "cuda"),
        "detach_": _detach_,
        "equal": lambda a, b: a.shape == b.shape and bool((a == b).all()),
        "allclose": lambda a, b, rtol=1e-05, atol=1e-08, equal_nan=False: bool(
            a.isclose(b, rtol, atol, equal_nan).all()
        ),
    }


def _detach_(x: Tensor) -> Tensor:
    x._node, x._requires_grad, x._view = None, False, None
    return x


install()
