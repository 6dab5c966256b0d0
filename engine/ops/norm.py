"""Normalisation: numbers brought to mean 0 and variance 1, then scaled and shifted."""

from __future__ import annotations

import math
from typing import Any

from engine.array import Abstract, Shape
from engine.errors import ArgumentError, ShapeError
from engine.ops.op import Case, Op, Rule, function, words

Axes = tuple[int, ...]


class Normalize(Op):
    """(x - mean) / sqrt(variance + eps), mean and (biased) variance taken along `dims`."""

    latex, promotion = r"\frac{{{0} - \mu}}{{\sqrt{{\sigma^2 + \epsilon}}}}", "none"
    cases = (Case(((4, 3),), {"dims": (0,), "eps": 1e-5}), Case(((2, 3, 4, 4),), {"dims": (0, 2, 3), "eps": 1e-5}))

    @staticmethod
    def forward(xp: Any, x: Any, *, dims: Axes, eps: float) -> Any:
        centred = x - x.mean(axis=dims, keepdims=True)
        centred *= 1 / xp.sqrt((centred * centred).mean(axis=dims, keepdims=True) + eps)
        return centred

    @staticmethod
    def infer(x: Any, *, dims: Axes, eps: float) -> Abstract:
        return Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, y: Any, x: Any, *, dims: Axes, eps: float) -> Rule:
        """The part of g that changes neither mean nor variance, over the standard deviation."""
        scale = (x.var(dims, keepdim=True, correction=0) + eps).rsqrt()
        return (scale * (g - g.mean(dims, True) - y * (g * y).mean(dims, True)),)


@function
def batch_norm(
    x: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """Each channel (axis 1) normalised over the batch, or by the running figures outside of training.

    In training the running figures move towards the batch's by `momentum` (in place; the variance is the unbiased one).
    """
    if x.ndim < 2:
        raise ShapeError("batch_norm", "an input with at least 2 dims", words(x.shape))
    column = (1, x.shape[1]) + (1,) * (x.ndim - 2)
    if training or running_mean is None or running_var is None:
        y = (
            _by_batch(x, running_mean, running_var, momentum, eps)
            if training
            else x.normalize(dims=_others(x), eps=eps)
        )
    else:
        scale = (running_var.reshape(column) + eps).rsqrt()
        y = (x - running_mean.reshape(column)) * scale
    y = y if weight is None else y * weight.reshape(column)
    return y if bias is None else y + bias.reshape(column)


def _others(x: Any) -> Axes:
    return (0, *range(2, x.ndim))


def _by_batch(x: Any, running_mean: Any, running_var: Any, momentum: float, eps: float) -> Any:
    dims = _others(x)
    if math.prod(x.shape[d] for d in dims) <= 1:
        hint = "Train with a larger batch, or switch to evaluation: model.eval()."
        raise ArgumentError("batch_norm", "more than 1 value per channel when training", words(x.shape), hint)
    if running_mean is not None and running_var is not None:
        seen = x.detach()
        running_mean.lerp_(seen.mean(dims), momentum)
        running_var.lerp_(seen.var(dims), momentum)
    return x.normalize(dims=dims, eps=eps)


@function
def layer_norm(x: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """Every example normalised over its last axes, which must have the shape `normalized_shape`."""
    shape: Shape = tuple(normalized_shape) if isinstance(normalized_shape, tuple | list) else (normalized_shape,)
    if tuple(x.shape[x.ndim - len(shape) :]) != shape:
        raise ShapeError("layer_norm", f"an input that ends in {words(shape)}", words(x.shape))
    y = x.normalize(dims=tuple(range(x.ndim - len(shape), x.ndim)), eps=eps)
    y = y if weight is None else y * weight
    return y if bias is None else y + bias


@function
def group_norm(x: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """The channels in groups, each example's group normalised."""
    if x.shape[1] % num_groups:
        raise ArgumentError("group_norm", f"a number of groups that divides {x.shape[1]} channels", num_groups)
    grouped = x.reshape((x.shape[0], num_groups, -1))
    y = grouped.normalize(dims=(2,), eps=eps).reshape(x.shape)
    column = (1, x.shape[1]) + (1,) * (x.ndim - 2)
    y = y if weight is None else y * weight.reshape(column)
    return y if bias is None else y + bias.reshape(column)
