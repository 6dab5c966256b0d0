"""Losses: how far outputs are from targets. `reduction` is "mean", "sum" or "none".

`size_average` and `reduce` are the older words for it, at PyTorch's places; they go before `reduction` where given.
"""

from __future__ import annotations

import math
import warnings
from typing import Any

from engine.array import Abstract
from engine.errors import ArgumentError, DTypeError, ShapeError
from engine.ops.entropy import MEAN, NONE, SUM, refuse_unknown_class
from engine.ops.op import Case, Op, Rule, broadcast, function, words

Call = tuple[tuple[Any, ...], dict[str, Any]]


def reduction_of(where: str, reduction: str, size_average: bool | None = None, reduce: bool | None = None) -> str:
    """The word for how single losses become one; the older flags go first."""
    if size_average is not None or reduce is not None:
        if reduce is False:
            return "none"
        return "sum" if size_average is False else "mean"
    if reduction not in ("mean", "sum", "none"):
        raise ArgumentError(where, 'a valid value for reduction: "mean", "sum" or "none"', repr(reduction))
    return reduction


def reduced_(values: Any, where: str, reduction: str, size_average: bool | None, reduce: bool | None) -> Any:
    """The mean or the sum of the values, or the values."""
    word = reduction_of(where, reduction, size_average, reduce)
    return values if word == "none" else values.sum() if word == "sum" else values.mean()


def _alike(where: str, a: Any, b: Any) -> None:
    if a.shape != b.shape:
        hint = "Give the target the shape of the output, e.g. target.reshape(output.shape)."
        raise ArgumentError(where, f"a target of the output's shape {words(a.shape)}", words(b.shape), hint)


def _spread(where: str, input: Any, target: Any) -> tuple[Any, Any]:
    """Both in their common shape; a warning where they had to be repeated, for that is rarely meant."""
    if input.shape == target.shape:
        return input, target
    warnings.warn(
        f"{where}: a target of shape {words(target.shape)} for an output of shape {words(input.shape)} is repeated "
        "to fit, which is rarely what is meant. Give the target the shape of the output.",
        stacklevel=4,
    )
    shape = broadcast(where, input, target)
    return input.expand(shape), target.expand(shape)


def _weighted(values: Any, weight: Any, where: str, reduction: str, size_average: Any, reduce: Any) -> Any:
    """A mean over weighted values is over their weights."""
    if weight is None:
        return reduced_(values, where, reduction, size_average, reduce)
    if weight.shape != values.shape:
        raise ArgumentError(where, f"weights of the input's shape {words(values.shape)}", words(weight.shape))
    word = reduction_of(where, reduction, size_average, reduce)
    values = values * weight
    return values.sum() / weight.sum() if word == "mean" else values.sum() if word == "sum" else values


class SquaredDistance(Op):
    """The squared distance of two tensors of one shape: its mean, its sum, or each number's."""

    latex = r"\operatorname{{mean}}\,({0} - {1})^2"
    cases = (Case(((3, 4), (3, 4)), MEAN), Case(((3, 4), (3, 4)), SUM), Case(((5,), (5,)), NONE))

    @staticmethod
    def bind(input: Any, target: Any, reduction: str = "mean") -> Call:
        return (input, target), {"reduction": reduction}

    @staticmethod
    def forward(xp: Any, x: Any, target: Any, *, reduction: str = "mean") -> Any:
        d = x - target
        if reduction == "none":
            return d * d
        flat = d.reshape(-1)
        total = xp.dot(flat, flat)
        return total if reduction == "sum" else total / (flat.size or math.nan)

    @staticmethod
    def infer(x: Any, target: Any, *, reduction: str = "mean") -> Abstract:
        return Abstract(x.shape if reduction == "none" else (), x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, target: Any, *, reduction: str = "mean") -> Rule:
        scale = 2.0 / (math.prod(x.shape) or math.nan) if reduction == "mean" else 2.0
        return lambda: g.mse_loss_slope(x, target, scale=scale), lambda: g.mse_loss_slope(x, target, scale=-scale)


class MseLossSlope(Op):
    """scale * g * (x - target): the slope of the squared distance."""

    latex = r"2\,{0}\,({1} - {2})"
    cases = (Case(((3, 4), (3, 4), (3, 4)), {"scale": 2.0}), Case(((), (3, 4), (3, 4)), {"scale": 0.5}))

    @staticmethod
    def forward(xp: Any, g: Any, x: Any, target: Any, *, scale: float) -> Any:
        d = x - target
        d *= g * scale
        return d

    @staticmethod
    def infer(g: Any, x: Any, target: Any, *, scale: float) -> Abstract:
        return Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(h: Any, _: Any, g: Any, x: Any, target: Any, *, scale: float) -> Rule:
        return lambda: h * (x - target) * scale, lambda: h * (g * scale), lambda: h * (g * -scale)


@function
def mse_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """The squared distance (input - target)**2; with weights its weighted mean.

    >>> F.mse_loss(engine.tensor([1.0, 2.0]), engine.tensor([0.0, 0.0]))
    tensor(2.5000)
    """
    x, target = _spread("mse_loss", input, target)
    if weight is not None:
        return _weighted((x - target) ** 2, weight, "mse_loss", reduction, size_average, reduce)
    return x.squared_distance(target, reduction_of("mse_loss", reduction, size_average, reduce))


@function
def half_mse_loss(input: Any, target: Any, reduction: str = "mean") -> Any:
    """Half the squared distance: its slope is the difference itself.

    >>> F.half_mse_loss(engine.tensor([1.0, 2.0]), engine.tensor([0.0, 0.0]))
    tensor(1.2500)
    """
    return input.mse_loss(target, reduction=reduction) * 0.5


@function
def l1_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    weight: Any = None,
) -> Any:
    """The distance |input - target|.

    >>> F.l1_loss(engine.tensor([1.0, 2.0]), engine.tensor([0.0, 0.0]))
    tensor(1.5000)
    """
    x, target = _spread("l1_loss", input, target)
    return _weighted((x - target).abs(), weight, "l1_loss", reduction, size_average, reduce)


@function
def huber_loss(input: Any, target: Any, reduction: str = "mean", delta: float = 1.0, weight: Any = None) -> Any:
    """Half the square of the distance within delta, a straight line beyond. P. J. Huber, 1964.

    >>> F.huber_loss(engine.tensor([0.5, 3.0]), engine.zeros(2), reduction="none")
    tensor([0.1250, 2.5000])
    """
    if delta <= 0:
        raise ShapeError("huber_loss", "a delta greater than 0", delta)
    x, target = _spread("huber_loss", input, target)
    size = (x - target).abs()
    values = (size < delta).choose(size * size * 0.5, (size - 0.5 * delta) * delta)
    return _weighted(values, weight, "huber_loss", reduction, None, None)


@function
def smooth_l1_loss(
    input: Any,
    target: Any,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    beta: float = 1.0,
) -> Any:
    """The Huber loss divided by beta: d**2 / (2 beta) for |d| below beta, else |d| - beta / 2.

    >>> F.smooth_l1_loss(engine.tensor([0.5, 3.0]), engine.zeros(2), reduction="none")
    tensor([0.1250, 2.5000])
    """
    if beta < 0:
        raise ShapeError("smooth_l1_loss", "a beta of at least 0", beta)
    word = reduction_of("smooth_l1_loss", reduction, size_average, reduce)
    if beta == 0:
        return input.l1_loss(target, reduction=word)
    return input.huber_loss(target, word, beta) * (1.0 / beta)


@function
def binary_cross_entropy_with_logits(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
    pos_weight: Any = None,
) -> Any:
    """The cross-entropy of yes/no answers given as scores (before the sigmoid); pos_weight counts the yeses more.

    >>> F.binary_cross_entropy_with_logits(engine.zeros(2), engine.tensor([0.0, 1.0]))
    tensor(0.6931)
    """
    where = "binary_cross_entropy_with_logits"
    _alike(where, input, target)
    if pos_weight is None:
        values = input.bce_with_logits(target)
    else:
        values = (1 - target) * input + (1 + (pos_weight - 1) * target) * (-input).softplus(1.0, math.inf)
    values = values if weight is None else values * weight
    return reduced_(values, where, reduction, size_average, reduce)


@function
def binary_cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """The cross-entropy of yes/no answers given as chances; logarithms are held at -100.

    >>> F.binary_cross_entropy(engine.tensor([0.5, 1.0]), engine.tensor([1.0, 1.0]))
    tensor(0.3466)
    """
    _alike("binary_cross_entropy", input, target)
    values = input.bce(target)
    values = values if weight is None else values * weight
    return reduced_(values, "binary_cross_entropy", reduction, size_average, reduce)


@function
def nll_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
) -> Any:
    """Minus the log-probability of the right class; input (batch, classes, ...) holds log-probabilities.

    weight: one per class; the mean is over the weights. Targets equal to ignore_index count nothing.

    >>> F.nll_loss(engine.tensor([[-1.0, -2.0], [-3.0, -4.0]]), engine.tensor([0, 1]))
    tensor(2.5000)
    """
    word = reduction_of("nll_loss", reduction, size_average, reduce)
    if weight is not None and weight.dtype != input.dtype:
        raise DTypeError("nll_loss", f"a weight of {input.dtype}", weight.dtype)
    _check_targets("nll_loss", input, target, weight)
    x, target, shape = _rows(input, target)
    kept = target != ignore_index
    chosen = kept.choose(target, 0)
    _refuse_unknown(x, chosen)
    losses = -x.gather(1, chosen.unsqueeze(1)).squeeze(1)
    share = kept.to(x.dtype) if weight is None else weight[chosen] * kept.to(x.dtype)
    losses = kept.choose(losses, 0.0) * share
    if word == "mean":
        return losses.sum() / share.sum()
    return losses.sum() if word == "sum" else losses.reshape(shape)


def _refuse_unknown(x: Any, chosen: Any) -> None:
    if not isinstance(x.array, Abstract):
        refuse_unknown_class(chosen.array, x.shape[1])


def _check_targets(where: str, x: Any, target: Any, weight: Any) -> None:
    axis = min(1, x.ndim - 1)
    if not x.ndim or tuple(target.shape) != (*x.shape[:axis], *x.shape[axis + 1 :]):
        expected = f"targets of shape {words((*x.shape[:axis], *x.shape[axis + 1 :]))}" if x.ndim else "1 dim or more"
        error = ArgumentError if target.shape[:1] != x.shape[:1] else ShapeError
        raise error(where, expected, words(target.shape), "Scores are (batch, classes, ...), targets class numbers.")
    if weight is not None and tuple(weight.shape) != (x.shape[axis],):
        raise ShapeError(where, f"one weight for each of {x.shape[axis]} classes", words(weight.shape))


def _rows(x: Any, target: Any) -> tuple[Any, Any, Any]:
    """Scores as (examples, classes) and targets as (examples,), and the shape that the targets had."""
    shape = target.shape
    if x.ndim == 1:
        return x.unsqueeze(0), target.reshape((1,)), shape
    if x.ndim > 2:
        last = (0, *range(2, x.ndim), 1)
        return x.permute(last).reshape((math.prod(shape), x.shape[1])), target.reshape((math.prod(shape),)), shape
    return x, target, shape


@function
def cross_entropy(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: bool | None = None,
    ignore_index: int = -100,
    reduce: bool | None = None,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """Softmax and the negative log-likelihood in one, for scores (batch, classes, ...).

    The target holds class numbers, or chances in the input's shape. label_smoothing: a share of equal chances.

    >>> F.cross_entropy(engine.tensor([[0.0, 0.0]]), engine.tensor([1]))
    tensor(0.6931)
    """
    word = reduction_of("cross_entropy", reduction, size_average, reduce)
    if not 0 <= label_smoothing <= 1:
        raise ShapeError("cross_entropy", "a label_smoothing between 0 and 1", label_smoothing)
    if target.is_floating_point():
        if ignore_index >= 0:
            raise ShapeError("cross_entropy", "no ignore_index for targets that are chances", ignore_index)
        return _soft_cross_entropy(input, target, weight, word, label_smoothing)
    if weight is None and not label_smoothing and input.ndim > 1:
        if input.ndim > 2 or target.ndim != 1:
            _check_targets("cross_entropy", input, target, None)
        rows, chosen, shape = _rows(input, target)
        values = rows.cross_entropy_op(chosen, word, ignore_index)
        return values.reshape(shape) if word == "none" else values
    logs = input.log_softmax(min(1, input.ndim - 1))
    plain = logs.nll_loss(target, weight, ignore_index=ignore_index, reduction=word)
    if not label_smoothing:
        return plain
    return plain * (1 - label_smoothing) + _even(logs, target, weight, ignore_index, word) * label_smoothing


def _even(logs: Any, target: Any, weight: Any, ignore_index: int, reduction: str) -> Any:
    """The loss against equal chances for all classes."""
    logs, target, shape = _rows(logs, target)
    kept = target != ignore_index
    each = kept.choose((logs if weight is None else logs * weight).sum(1), 0.0) * (-1.0 / logs.shape[1])
    if reduction == "mean":
        share = kept.to(logs.dtype) if weight is None else weight[kept.choose(target, 0)] * kept.to(logs.dtype)
        return each.sum() / share.sum()
    return each.sum() if reduction == "sum" else each.reshape(shape)


def _soft_cross_entropy(x: Any, target: Any, weight: Any, reduction: str, smoothing: float) -> Any:
    if x.shape != target.shape:
        raise ShapeError("cross_entropy", f"chances of the input's shape {words(x.shape)}", words(target.shape))
    axis = min(1, x.ndim - 1)
    if smoothing:
        target = target * (1 - smoothing) + smoothing / x.shape[axis]
    logs = x.log_softmax(axis)
    if weight is not None:
        logs = logs * weight.reshape((-1,) + (1,) * (x.ndim - 1 - axis))
    values = -(logs * target).sum(axis)
    if reduction == "mean":
        return values.sum() * (1.0 / max(math.prod(x.shape) // max(x.shape[axis], 1), 1))
    return values.sum() if reduction == "sum" else values


@function
def linear_cross_entropy(
    input: Any,
    linear_weight: Any,
    target: Any,
    *,
    linear_bias: Any = None,
    weight: Any = None,
    reduction: str = "mean",
    ignore_index: int | None = None,
    label_smoothing: float = 0.0,
    options: Any = None,
) -> Any:
    """The cross-entropy of linear(input, linear_weight, linear_bias); `options` (about memory) change no number.

    >>> F.linear_cross_entropy(engine.ones(1, 2), engine.zeros(3, 2), engine.tensor([1]))
    tensor(1.0986)
    """
    where, (classes, *places) = "linear_cross_entropy", linear_weight.shape[:-1] or (0,)
    if input.ndim not in (1, 2) or linear_weight.ndim < 2 or (places and input.ndim == 1):
        facts = f"{words(input.shape)} and {words(linear_weight.shape)}"
        raise ShapeError(where, "an input (N, in) and a linear_weight (C, *places, in)", facts)
    if linear_bias is not None and tuple(linear_bias.shape) != (classes, *places):
        raise ShapeError(where, f"a linear_bias of shape {words((classes, *places))}", words(linear_bias.shape))
    bias = None if linear_bias is None else linear_bias.flatten()
    scores = input.linear(linear_weight.flatten(0, -2), bias).reshape((*input.shape[:-1], classes, *places))
    if ignore_index is not None and target.shape == scores.shape:
        raise ShapeError(where, "no ignore_index when the target contains probabilities", ignore_index)
    ignored = -100 if ignore_index is None else ignore_index
    return scores.cross_entropy(target, weight, None, ignored, None, reduction, label_smoothing)
