"""Normalisation: means and variances as reductions; the gradient of a batch norm shares its sums with the weight's."""

from __future__ import annotations

import math
from typing import Any

from engine.compiler.graph.ir import FLOAT, Shape
from engine.compiler.lowering.library import Library
from engine.compiler.lowering.rules import rule
from engine.compiler.lowering.symbolic import Array, NoRule

MANY = 256
"""Numbers whose mean is looked at again: where they hardly vary beside it, what rounding took from it counts."""


@rule("moments")
def moments(xp: Library, x: Array, *, dims: Shape, centred: bool = True) -> Any:
    """Mean and biased variance, stacked."""
    if x.dtype != FLOAT:
        raise NoRule("other than float32")
    mean = x.mean(axis=dims, keepdims=True)
    far = x - mean if centred else x
    variance = (far * far).mean(axis=dims, keepdims=True)
    if not centred:
        mean = xp.zeros_like(mean)
    elif math.prod(x.shape[d] for d in dims) > MANY:
        mean = mean + far.mean(axis=dims, keepdims=True)
    return xp.joined([mean[None], variance[None]], 0)


@rule("standardize_backward")
def standardize_backward(
    xp: Library, g: Array, x: Array, moments: Array, weight: Any = None, *, dims: Shape, eps: float, centred: bool
) -> Any:
    """r (w g - m(w g) - u m(w g u)); a weight that is the same along `dims` stands before the means."""
    r = 1 / xp.sqrt(moments[1] + eps)
    u = (x - moments[0] if centred else x) * r
    outer = weight is not None and all(_size(weight, x.ndim, d) == 1 for d in dims)
    wg = g if weight is None or outer else g * weight
    y = wg - u * _mean(wg * u, dims)
    y = y - _mean(wg, dims) if centred else y
    return y * (r * weight if outer else r)


def _mean(x: Array, dims: Shape) -> Any:
    """The mean along axes; the sum is a node that others may share."""
    return x.reduced("sum", dims, True) * (1.0 / math.prod(x.shape[d] for d in dims))


def _size(weight: Array, ndim: int, axis: int) -> int:
    """The size of a weight along an axis of the tensor that it broadcasts to."""
    own = axis - (ndim - weight.ndim)
    return weight.shape[own] if own >= 0 else 1
