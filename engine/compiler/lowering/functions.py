"""NumPy's functions that are more than one word of the graph, each made of those words."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.compiler.graph.ir import TRUTH
from engine.compiler.lowering.library import FUNCTIONS, Library, _type_of
from engine.compiler.lowering.symbolic import Array, NoRule


def function(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Enter a function under NumPy's names for it."""

    def entered(f: Callable[..., Any]) -> Callable[..., Any]:
        FUNCTIONS.update(dict.fromkeys(names, f))
        return f

    return entered


# -------------------------------------------------------------------------------------------------- arithmetic
@function("power")
def power(xp: Library, a: Any, b: Any) -> Any:
    """Powers; small whole ones are products."""
    if isinstance(a, Array) and a.dtype.kind == "f" and isinstance(b, int | float):
        if b in (1, 2, 3):
            return a.copy() if b == 1 else a * a if b == 2 else a * a * a
        if b in (0.5, -0.5, -1, -2):
            return {0.5: lambda: xp.sqrt(a), -0.5: lambda: 1 / xp.sqrt(a), -1: lambda: 1 / a}.get(
                b, lambda: 1 / (a * a)
            )()
    return xp.mapped("pow", a, b)


FUNCTIONS["square"] = lambda xp, x: x * x
FUNCTIONS["reciprocal"] = lambda xp, x: 1 / x
FUNCTIONS["isnan"] = lambda xp, x: x != x
FUNCTIONS["isfinite"] = lambda xp, x: xp.abs(x) < math.inf
FUNCTIONS["isinf"] = lambda xp, x: xp.abs(x) == math.inf
FUNCTIONS["exp2"] = lambda xp, x: xp.exp(x * math.log(2))
FUNCTIONS["log2"] = lambda xp, x: xp.log(x) * (1 / math.log(2))
FUNCTIONS["log10"] = lambda xp, x: xp.log(x) * (1 / math.log(10))
FUNCTIONS["tan"] = lambda xp, x: xp.sin(x) / xp.cos(x)
FUNCTIONS["cosh"] = lambda xp, x: (xp.exp(x) + xp.exp(-x)) * 0.5
FUNCTIONS["ceil"] = lambda xp, x: -xp.floor(-x)
FUNCTIONS["trunc"] = lambda xp, x: xp.where(x < 0, -xp.floor(-x), xp.floor(x))
FUNCTIONS["sinh"] = lambda xp, x: _halved(xp, xp.expm1(xp.abs(x)), x)
FUNCTIONS["arcsinh"] = lambda xp, x: xp.sign(x) * _area(xp, xp.abs(x))
FUNCTIONS["arctanh"] = lambda xp, x: (xp.log1p(x) - xp.log1p(-x)) * 0.5
FUNCTIONS["logaddexp"] = lambda xp, a, b: xp.maximum(a, b) + xp.log1p(xp.exp(-xp.abs(a - b)))
FUNCTIONS["fmax"] = lambda xp, a, b: xp.where(b != b, a, xp.where((a >= b) | (b != b), a, b))
FUNCTIONS["fmin"] = lambda xp, a, b: xp.where(b != b, a, xp.where((a <= b) | (b != b), a, b))


def _halved(xp: Library, e: Any, x: Any) -> Any:
    """The hyperbolic sine from e = exp(|x|) - 1, right to the last digits near 0."""
    return xp.sign(x) * (e + e / (e + 1)) * 0.5


def _area(xp: Library, size: Any) -> Any:
    square = size * size
    return xp.log1p(size + square / (1 + xp.sqrt(square + 1)))


@function("round", "rint")
def round_(xp: Library, x: Any) -> Any:
    """To the nearest whole number, halves to the even one."""
    below = xp.floor(x)
    beyond, odd = x - below, below - 2 * xp.floor(below * 0.5)
    return below + ((beyond > 0.5) | (beyond == 0.5) & (odd == 1)).astype(x.dtype)


@function("clip")
def clip(xp: Library, x: Any, low: Any = None, high: Any = None) -> Any:
    """Held between two bounds, of which one may be None."""
    x = x if low is None else xp.maximum(x, low)
    return x if high is None else xp.minimum(x, high)


@function("where")
def where(xp: Library, condition: Any, a: Any, b: Any) -> Any:
    """One or the other."""
    dtype = np.result_type(_type_of(a), _type_of(b))
    told = xp.array(condition).astype(TRUTH, copy=False)
    if all(not isinstance(x, Array) and np.ndim(x) == 0 for x in (a, b)):
        a = xp.array(np.asarray(a, dtype))
    return xp.noted("where", told.value, *(xp._operand(x, dtype) for x in (a, b)))


def _bits(fn: str) -> Callable[..., Any]:
    def of_truths(xp: Library, *operands: Any) -> Any:
        if any(_type_of(x) != TRUTH and not isinstance(x, bool) for x in operands):
            raise NoRule("bits of whole numbers")
        return xp.mapped(fn, *operands)

    return of_truths


FUNCTIONS.update({"bitwise_and": _bits("and"), "bitwise_or": _bits("or"), "bitwise_xor": _bits("ne")})
FUNCTIONS.update({"invert": _bits("not"), "logical_xor": lambda xp, a, b: _truth(xp, a) != _truth(xp, b)})


def _truth(xp: Library, x: Any) -> Any:
    return xp.array(x).astype(TRUTH, copy=False)


# -------------------------------------------------------------------------------------------------- reductions
@function("any")
def any_(xp: Library, x: Array, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether any is true."""
    return _truth(xp, x).reduced("any", axis, keepdims)


@function("all")
def all_(xp: Library, x: Array, axis: Any = None, keepdims: bool = False) -> Any:
    """Whether all are true."""
    return _truth(xp, x).reduced("all", axis, keepdims)


FUNCTIONS["sum"] = lambda xp, x, axis=None, keepdims=False: x.sum(axis, keepdims)
FUNCTIONS["mean"] = lambda xp, x, axis=None, keepdims=False: x.mean(axis, keepdims)


@function("dot")
def dot(xp: Library, a: Array, b: Array) -> Any:
    """The sum of products of two vectors."""
    if a.ndim != 1 or b.ndim != 1:
        raise NoRule("a product of matrices by its old name")
    return (a * b).sum()


# --------------------------------------------------------------------------------------------------- memory
FUNCTIONS["asarray"] = FUNCTIONS["ascontiguousarray"] = lambda xp, x: x
FUNCTIONS["full_like"] = lambda xp, x, value: xp.array(np.full(x.shape, value, x.dtype))
FUNCTIONS["zeros_like"] = lambda xp, x: xp.array(np.zeros(x.shape, x.dtype))
FUNCTIONS["ones_like"] = lambda xp, x: xp.array(np.ones(x.shape, x.dtype))
FUNCTIONS["broadcast_to"] = lambda xp, x, shape: xp.expanded(x, shape)
FUNCTIONS["may_share_memory"] = lambda xp, a, b: True


@function("concatenate")
def concatenate(xp: Library, parts: Any, axis: int = 0) -> Any:
    """Side by side along an axis, in the element type that all share."""
    arrays = [xp.array(p) for p in parts]
    dtype = np.result_type(*(a.dtype for a in arrays))
    return xp.joined([a.astype(dtype, copy=False) for a in arrays], axis % arrays[0].ndim)


@function("flip")
def flip(xp: Library, x: Array, axes: Any) -> Any:
    """The order along some axes reversed."""
    return xp.flipped(x, tuple(a % x.ndim for a in ((axes,) if isinstance(axes, int) else axes)))


@function("roll")
def roll(xp: Library, x: Array, shifts: Any, axes: Any = None) -> Any:
    """Moved along axes; what leaves at one end enters at the other."""
    if axes is None:
        return roll(xp, x.ravel(), (shifts,), (0,)).reshape(x.shape)
    for shift, axis in zip(shifts, axes, strict=True):
        by, at = shift % max(x.shape[axis], 1), (slice(None),) * axis
        if by:
            x = xp.joined([x[(*at, slice(-by, None))], x[(*at, slice(0, -by))]], axis)
    return x


@function("pad")
def pad(xp: Library, x: Array, widths: Any, constant_values: float = 0.0) -> Any:
    """A frame of a number."""
    return xp.framed(x, [a for a, _ in widths], [b for _, b in widths], None, constant_values)


@function("moveaxis")
def moveaxis(xp: Library, x: Array, source: int, target: int) -> Any:
    """One axis moved to another place."""
    order = [i for i in range(x.ndim) if i != source % x.ndim]
    order.insert(target % x.ndim, source % x.ndim)
    return x.transpose(order)


@function("tril")
def tril(xp: Library, x: Array, diagonal: int = 0) -> Any:
    """Zeros above a diagonal."""
    return where(xp, np.tri(x.shape[-2], x.shape[-1], diagonal, dtype=bool), x, x.dtype.type(0))


@function("triu")
def triu(xp: Library, x: Array, diagonal: int = 0) -> Any:
    """Zeros below a diagonal."""
    return where(xp, ~np.tri(x.shape[-2], x.shape[-1], diagonal - 1, dtype=bool), x, x.dtype.type(0))
