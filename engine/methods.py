"""Tensor's methods and operators, derived from the registry: every op, every composition, and in-place twins."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from engine import array as arrays_
from engine import conversion, members, storage
from engine.derived import TWINS, called, method_of, twin_of, view_twin_of
from engine.indexing import getitem, setitem
from engine.inplace import inplace
from engine.ops.compare import Eq, Ge, Gt, Le, Lt, Ne
from engine.ops.elementwise import Add, Div, Mul, Neg, Pow, Sub, Where
from engine.ops.linalg import Matmul
from engine.ops.op import FUNCTIONS, OPS, Elementwise, Op
from engine.tensor import Tensor, apply, wrap

SPACES = ("linalg_", "special_")
FUNCTION_ONLY = frozenset(("einsum", "where", "cartesian_prod", "block_diag", "broadcast_tensors", "atleast_1d"))
CALLS: dict[str, Callable[..., Any]] = {}
"""Every derived call by PyTorch's name: ops, compositions, aliases."""


ALIASES = {
    **{f"arc{name}": f"a{name}" for name in ("cos", "cosh", "sin", "sinh", "tan", "tanh", "tan2")},
    **{"absolute": "abs", "negative": "neg", "multiply": "mul", "divide": "div", "true_divide": "div"},
    **{"subtract": "sub", "greater": "gt", "less": "lt", "greater_equal": "ge", "less_equal": "le"},
    **{"not_equal": "ne", "clip": "clamp", "fix": "trunc", "concat": "cat", "concatenate": "cat", "ger": "outer"},
    **{"swapdims": "transpose", "swapaxes": "transpose", "moveaxis": "movedim", "row_stack": "vstack"},
    **{"linalg_matmul": "matmul", "special_expit": "sigmoid", "special_psi": "digamma", "special_gammaln": "lgamma"},
    **{"special_multigammaln": "mvlgamma", "special_gammainc": "igamma", "special_gammaincc": "igammac"},
    **{f"special_{name}": name for name in ("digamma", "erf", "erfc", "erfinv", "exp2", "expm1", "i0", "log1p")},
    **{f"special_{name}": name for name in ("log_softmax", "logit", "logsumexp", "polygamma", "round", "sinc")},
    **{f"special_{name}": name for name in ("softmax", "xlogy")},
}
"""Second names; one that the registry has of its own is left alone."""
VIEWS_IN_PLACE = ("squeeze", "unsqueeze", "transpose", "swapaxes", "swapdims", "t", "as_strided")


def install() -> None:
    """Give Tensor a method for everything in the registry."""
    CALLS.update({name: method_of(op) for name, op in OPS.items()})
    CALLS.update({name: called(f, name) for name, f in FUNCTIONS.items()})
    CALLS.update(storage.FUNCTIONS | members.FUNCTIONS | {"where": where, "nonzero": nonzero})
    CALLS.update({new: CALLS[old] for new, old in ALIASES.items() if new not in CALLS and old in CALLS})
    for name, call in CALLS.items():
        if _is_method(name, call):
            setattr(Tensor, name, call)
    for name in twins():
        setattr(Tensor, name + "_", twin_of(CALLS[name], name))
    for name in VIEWS_IN_PLACE:
        setattr(Tensor, name + "_", view_twin_of(CALLS[name], name))
    for table in (conversion.METHODS, storage.METHODS, members.METHODS, _operators(), _more()):
        for name, given in table.items():
            setattr(Tensor, name, given)


def twins() -> set[str]:
    """What has a form in place: what PyTorch has so, and every elementwise op."""
    elementwise = {name for name, op in OPS.items() if issubclass(op, Elementwise) and _is_method(name, CALLS[name])}
    return set(TWINS & CALLS.keys()) | {name for name in elementwise if not name.endswith("_backward")}


def _is_method(name: str, call: Callable[..., Any]) -> bool:
    first = next(iter(inspect.signature(call).parameters), "")
    if name in OPS:
        return name not in FUNCTION_ONLY
    return first not in ("tensors", "equation") and name not in FUNCTION_ONLY and not name.startswith(SPACES)


# ----------------------------------------------------------------------------------------------- operators
BITS = {"floordiv": "floor_divide", "mod": "remainder", "and": "bitwise_and", "or": "bitwise_or", "xor": "bitwise_xor"}
BITS |= {"lshift": "bitwise_left_shift", "rshift": "bitwise_right_shift"}
IN_PLACE = ("add", "sub", "mul", "truediv", "pow", *BITS)


def _operators() -> dict[str, Any]:
    op: type[Op]
    table: dict[str, Any] = {
        "__neg__": lambda a: apply(Neg, (a,), {}),
        "__pos__": lambda a: a,
        "__abs__": lambda a: a.abs(),
    }
    for name, op in (("add", Add), ("sub", Sub), ("mul", Mul), ("truediv", Div), ("pow", Pow), ("matmul", Matmul)):
        table |= {f"__{name}__": _forward(op), f"__r{name}__": _reflected(op)}
    for name, called_ in BITS.items():
        if called_ in OPS:
            table |= {f"__{name}__": _forward(OPS[called_]), f"__r{name}__": _reflected(OPS[called_])}
    for name in IN_PLACE:
        if f"__{name}__" in table:
            table[f"__i{name}__"] = _augmented(table[f"__{name}__"])
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
    """`input` where the condition holds, else `other`; with the condition alone: the positions where it holds.

    >>> engine.where(engine.tensor([True, False]), engine.tensor([1, 2]), 0)
    tensor([1, 0])
    """
    if input is None and other is None:
        return nonzero(condition, as_tuple=True)
    return apply(Where, (condition, input, other), {})


def choose(condition: Tensor, input: Any, other: Any) -> Tensor:
    """`input` where the condition holds, else `other`: `where` as a method of the condition, for rules of gradients.

    >>> engine.tensor([True, False]).choose(1.0, 2.0)
    tensor([1., 2.])
    """
    return apply(Where, (condition, input, other), {})


def _where(input: Tensor, condition: Tensor, other: Any) -> Tensor:
    """The tensor where the condition holds, else `other`.

    >>> engine.tensor([1, 2]).where(engine.tensor([True, False]), 0)
    tensor([1, 0])
    """
    return apply(Where, (condition, input, other), {})


def is_tensor(obj: Any) -> bool:
    """Whether it is a tensor.

    >>> engine.is_tensor(engine.ones(1)), engine.is_tensor(1)
    (True, False)
    """
    return isinstance(obj, Tensor)


def nonzero(x: Tensor, as_tuple: bool = False) -> Any:
    """The positions of the elements that are not 0: one row each, or one tensor per axis.

    >>> engine.tensor([0, 5, 7]).nonzero()
    tensor([[1],
            [2]])
    """
    values = x._known("nonzero()")
    if as_tuple:
        return tuple(wrap(p) for p in values.reshape(values.shape or (1,)).nonzero())
    xp = arrays_.module_of(values)
    return wrap(xp.stack(values.nonzero(), 1) if values.ndim else xp.zeros((int(values != 0), 0), xp.int64))


def _more() -> dict[str, Any]:
    return {
        "choose": choose,
        "where": _where,
        "nonzero": nonzero,
        "T": property(_turned),
        "mT": property(lambda x: x.transpose(-2, -1)),
    }


def _turned(x: Tensor) -> Tensor:
    return apply(OPS["permute"], (x,), {"dims": tuple(reversed(range(x.ndim)))})


install()
