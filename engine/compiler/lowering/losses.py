"""Cross-entropies: their array code chooses by class number; here a class is compared with the places of its axis."""

from __future__ import annotations

import math
from typing import Any

from engine.compiler.graph.ir import FLOAT
from engine.compiler.lowering.library import Library
from engine.compiler.lowering.rules import rule
from engine.compiler.lowering.symbolic import Array, NoRule


def one_hot(xp: Library, target: Array, shape: tuple[int, ...]) -> Any:
    """Where the class of each row (axis 0) stands among its places (axis 1)."""
    return xp.same_number(xp.iota(shape, 1), target.astype(FLOAT).reshape(-1, 1))


def shares(xp: Library, x: Array, dim: int) -> tuple[Array, Array, Array]:
    """x less its largest number along an axis, its exponential, and the sum of that: what softmax is made of."""
    if not x.size:
        raise NoRule("the largest of none")
    z = x - x.max(axis=dim, keepdims=True)
    e = xp.exp(z)
    return z, e, e.reduced("sum", dim, True)


@rule("softmax")
def softmax(xp: Library, x: Array, *, dim: int) -> Any:
    """One division a row, and a product for each number."""
    if not x.ndim:
        raise NoRule("no axis")
    _, e, total = shares(xp, x, dim)
    return e * (1 / total)


@rule("log_softmax")
def log_softmax(xp: Library, x: Array, *, dim: int) -> Any:
    """z - ln(sum e**z)."""
    if not x.ndim:
        raise NoRule("no axis")
    z, _, total = shares(xp, x, dim)
    return z - xp.log(total)


@rule("cross_entropy_op")
def cross_entropy(xp: Library, x: Array, target: Array, *, reduction: str, ignore_index: int) -> Any:
    """The array code refuses a class that does not exist; here its loss is NaN."""
    z, _, total = shares(xp, x, 1)
    chosen = xp.where(one_hot(xp, target, x.shape), z, 0.0).reduced("sum", 1)
    number = target.astype(FLOAT)
    kept = number != ignore_index
    known = (number >= 0) & (number < x.shape[1])
    losses = xp.where(kept, xp.where(known, xp.log(total.reshape(-1)) - chosen, math.nan), 0.0)
    if reduction == "none":
        return losses
    return losses.sum() if reduction == "sum" else losses.sum() / kept.astype(x.dtype).sum()


@rule("cross_entropy_slope")
def cross_entropy_slope(xp: Library, x: Array, target: Array, *, ignore_index: int) -> Any:
    """softmax(x) minus the one-hot target; rows that are ignored are 0."""
    p = softmax(xp, x, dim=1) - one_hot(xp, target, x.shape).astype(x.dtype)
    kept = target.astype(FLOAT) != ignore_index
    return p * kept.astype(x.dtype).reshape(-1, 1)


@rule("bce")
def bce(xp: Library, x: Array, target: Array) -> Any:
    """The array code refuses chances outside of 0 to 1; here their logarithms are NaN."""
    return -target * xp.maximum(xp.log(x), -100) - (1 - target) * xp.maximum(xp.log(1 - x), -100)
