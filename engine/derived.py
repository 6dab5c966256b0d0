"""Calls derived from the registry: PyTorch's parameter names and `out=`, and the in-place twins."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from engine import array as arrays_
from engine import return_types
from engine.array import Abstract
from engine.errors import DTypeError, GraphError
from engine.graph import current_mode
from engine.inplace import inplace, refuse_overlap
from engine.ops.op import OPS, Op
from engine.tensor import Tensor, apply

Call = Callable[..., Any]
NOTHING: dict[str, Any] = {}

# NumPy's words for PyTorch's; heard only where the function itself does not know them.
NUMPY_WORDS = {"axis": "dim", "keepdims": "keepdim", "x": "input", "a": "input", "x1": "input", "x2": "other"}

_TWINS = """
abs absolute acos acosh add addbmm addcdiv addcmul addmm addmv addr arccos arccosh arcsin arcsinh arctan arctan2
arctanh asin asinh atan atan2 atanh baddbmm bitwise_and bitwise_left_shift bitwise_not bitwise_or bitwise_right_shift
bitwise_xor ceil celu clamp clamp_max clamp_min clip conj_physical copysign cos cosh cumprod cumsum deg2rad digamma
div divide elu eq erf erfc erfinv exp exp2 expm1 fix float_power floor floor_divide fmod frac gcd ge greater
greater_equal gt hardtanh heaviside hypot i0 igamma igammac index_add index_copy index_fill index_put index_reduce lcm
ldexp le leaky_relu lerp less less_equal lgamma log log10 log1p log2 logical_and logical_not logical_or logical_xor
logit lt masked_fill masked_scatter mul multiply mvlgamma nan_to_num ne neg negative nextafter not_equal polygamma pow
put rad2deg reciprocal relu remainder renorm round rsqrt scatter scatter_add scatter_reduce selu sgn sigmoid sign sin
sinc sinh sqrt square sub subtract tan tanh tril triu true_divide trunc xlogy
"""
TWINS = frozenset(_TWINS.split())
"""What PyTorch also has in place: `exp_` beside `exp`."""


COPYING = frozenset(("cat", "gather", "index_select", "masked_select", "stack", "take", "take_along_dim"))
"""Calls whose `out=` may not be one of their inputs."""


def method_of(op: type[Op]) -> Call:
    """The method of an op: PyTorch's call where `bind` says it, else inputs by place and attributes by name."""
    signature = inspect.signature(op.bind) if op.bind is not None else _plain_signature(op)
    bind = op.bind or _binder(op, list(signature.parameters))
    renamed, takes_out = _renamed(signature), "out" in signature.parameters
    rare = frozenset(renamed) | {"out"}

    def worded(*arguments: Any, **named: Any) -> Tensor:
        inputs, attrs = bind(*arguments, **named)
        return apply(op, inputs, attrs)

    worded.__name__ = op.name
    if op.bind is None:

        def method(*inputs: Any, **named: Any) -> Any:
            if not named:
                return apply(op, inputs, NOTHING)
            if not rare.isdisjoint(named):
                return _with_words(worded, inputs, named, renamed, takes_out)
            inputs, attrs = bind(*inputs, **named)
            return apply(op, inputs, attrs)
    else:

        def method(*arguments: Any, **named: Any) -> Any:
            if named and not rare.isdisjoint(named):
                return _with_words(worded, arguments, named, renamed, takes_out)
            inputs, attrs = bind(*arguments, **named)
            return apply(op, inputs, attrs)

    return described(method, op.name, op.__doc__, signature)


def called(f: Call, name: str) -> Call:
    """A composition with PyTorch's words: `input=`, `other=`, `axis=`, and `out=`."""
    signature = inspect.signature(f)
    renamed, takes_out = _renamed(signature), "out" in signature.parameters
    rare = frozenset(renamed) | {"out"}

    def method(*arguments: Any, **named: Any) -> Any:
        if named and not rare.isdisjoint(named):
            y = _with_words(f, arguments, named, renamed, takes_out)
        else:
            y = f(*arguments, **named)
        return y if y.__class__ is Tensor else return_types.named(name, y)

    return described(method, name, f.__doc__, signature)


def twin_of(method: Call, name: str) -> Call:
    """The in-place form of a method: `x.exp_()`."""

    def changed(self: Tensor, *arguments: Any, **named: Any) -> Tensor:
        return inplace(self, lambda old: method(old, *(old if a is self else a for a in arguments), **named))

    return described(changed, name + "_", f"In place: {method.__doc__}", inspect.signature(method))


def view_twin_of(method: Call, name: str) -> Call:
    """The in-place form of a view: the tensor itself looks at its memory in another way."""

    def changed(self: Tensor, *arguments: Any, **named: Any) -> Tensor:
        if current_mode().grad and self.requires_grad and self.is_leaf:
            raise GraphError("a leaf Variable that requires grad is being used in an in-place operation")
        seen = method(self, *arguments, **named)
        self.array, self._node = seen.array, seen._node
        self._view = seen._view if self._view is not None else None
        self.changed()
        return self

    return described(changed, name + "_", f"In place: {method.__doc__}", inspect.signature(method))


def described(method: Call, name: str, text: str | None, signature: inspect.Signature) -> Call:
    """A derived call that says its name, its words and its parameters.

    inner: it is an op without an example of its own, a part of the rules of others, and not listed to readers.
    """
    method.__name__, method.__qualname__, method.__doc__ = name, f"Tensor.{name}", text
    setattr(method, "inner", name in OPS and name not in TWINS and ">>>" not in (text or ""))  # noqa: B010
    setattr(method, "__signature__", signature)  # noqa: B010
    return method


def _with_words(f: Call, arguments: tuple[Any, ...], named: dict[str, Any], renamed: Any, takes_out: bool) -> Any:
    out = None if takes_out else named.pop("out", None)
    for word in named.keys() & renamed.keys():
        named[renamed[word]] = named.pop(word)
    if f.__name__ in COPYING and isinstance(out, Tensor):
        _refuse_overlap(f.__name__, out, (*arguments, *named.values()))
    y = f(*arguments, **named)
    return y if out is None else written(f.__name__, out, y)


def _refuse_overlap(where: str, out: Tensor, given: tuple[Any, ...]) -> None:
    for x in given:
        if isinstance(x, list | tuple):
            _refuse_overlap(where, out, tuple(x))
        elif isinstance(x, Tensor) and isinstance(x.array, np.ndarray) and np.may_share_memory(x.array, out.array):
            hint = "The memory of out= is that of an input: please clone() the input first."
            raise GraphError(f"{where}: unsupported operation", hint=hint)


def _renamed(signature: inspect.Signature) -> dict[str, str]:
    """Words of a caller and the parameters that they mean here."""
    own = [p.name for p in signature.parameters.values() if p.kind is p.POSITIONAL_OR_KEYWORD]
    words = {old: new for old, new in NUMPY_WORDS.items() if new in signature.parameters}
    if own and own[0] not in ("input", "tensors"):
        words |= {"input": own[0], "self": own[0]}
    return {old: new for old, new in words.items() if old not in signature.parameters}


def _plain_signature(op: type[Op]) -> inspect.Signature:
    """`(input, other, *, attributes)` from the parameters of `forward`."""
    given = list(inspect.signature(op.forward).parameters.values())[1:]
    places = [p for p in given if p.kind is p.POSITIONAL_OR_KEYWORD]
    words = ("input", "other") if len(places) == 2 and issubclass(op, Op) else ("input",)
    named = [p.replace(name=w) for p, w in zip(places, words, strict=False)] + places[len(words) :]
    return inspect.Signature([*named, *(p for p in given if p.kind is not p.POSITIONAL_OR_KEYWORD)])


def _binder(op: type[Op], names: list[str]) -> Call:
    keywords = {p.name for p in inspect.signature(op.forward).parameters.values() if p.kind is p.KEYWORD_ONLY}
    inputs = [n for n in names if n not in keywords]

    def bind(*given: Any, **named: Any) -> tuple[tuple[Any, ...], dict[str, Any]]:
        if len(given) == len(inputs):
            return given, named
        rest = [named.pop(n) for n in inputs[len(given) :] if n in named]
        return (*given, *rest), named

    return bind


def written(where: str, out: Any, y: Any) -> Any:
    """`out=`: the results in the memory that the caller gave (made to fit where its shape does not)."""
    if isinstance(y, tuple) and isinstance(out, tuple | list):
        parts = [written(where, o, part) for o, part in zip(out, y, strict=True)]
        return type(y)(*parts) if hasattr(y, "_fields") else tuple(parts)
    if current_mode().grad and (y.requires_grad or out.requires_grad):
        raise GraphError(
            f"{where}(): functions with out=... arguments don't support automatic differentiation",
            hint="One of the arguments requires grad: call it under no_grad(), or without out=.",
        )
    if not arrays_.can_cast(y.array.dtype, out.array.dtype):
        raise DTypeError(f"{where}(out=)", f"a result that can be cast to {out.dtype}", y.dtype)
    refuse_overlap(out.array)
    if out.array.shape != y.array.shape:
        _refit(out, y.array)
    out.copy_(y)
    return out


def _refit(out: Tensor, a: Any) -> None:
    if out.array.size:
        warnings.warn("An output with one or more elements was resized since its shape did not fit.", stacklevel=5)
    kind = out.array.dtype
    out.array = Abstract(a.shape, kind) if isinstance(a, Abstract) else arrays_.module_of(a).empty(a.shape, kind)
