"""Losses: how far outputs are from targets. `reduction` is "mean", "sum" or "none"."""

from __future__ import annotations

import math
from typing import Any

from engine.array import Abstract
from engine.errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError
from engine.ops.op import Case, Op, Rule, function, words

Call = tuple[tuple[Any, ...], dict[str, Any]]
MEAN, SUM, NONE = {"reduction": "mean"}, {"reduction": "sum"}, {"reduction": "none"}


def reduce_(values: Any, reduction: str) -> Any:
    """The mean or the sum of the values, or the values."""
    if reduction == "mean":
        return values.mean()
    return values.sum() if reduction == "sum" else values


def _checked(where: str, reduction: str) -> dict[str, Any]:
    if reduction not in ("mean", "sum", "none"):
        raise ArgumentError(where, 'reduction "mean", "sum" or "none"', repr(reduction))
    return {"reduction": reduction}


def _alike(where: str, a: Any, b: Any) -> None:
    if a.shape != b.shape:
        hint = "Give the target the shape of the output, e.g. target.reshape(output.shape)."
        raise ShapeError(where, f"a target of the output's shape {words(a.shape)}", words(b.shape), hint)


class MseLoss(Op):
    """The squared distance of two tensors of one shape."""

    latex = r"\operatorname{{mean}}\,({0} - {1})^2"
    cases = (Case(((3, 4), (3, 4)), MEAN), Case(((3, 4), (3, 4)), SUM), Case(((5,), (5,)), NONE))

    @staticmethod
    def bind(x: Any, target: Any, reduction: str = "mean") -> Call:
        return (x, target), _checked("mse_loss", reduction)

    @staticmethod
    def forward(xp: Any, x: Any, target: Any, *, reduction: str = "mean") -> Any:
        _alike("mse_loss", x, target)
        d = x - target
        if reduction == "none":
            return d * d
        flat = d.reshape(-1)
        total = xp.dot(flat, flat)
        return total if reduction == "sum" else total / (flat.size or math.nan)

    @staticmethod
    def infer(x: Any, target: Any, *, reduction: str = "mean") -> Abstract:
        _alike("mse_loss", x, target)
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


class CrossEntropyOp(Op):
    """Minus the log-probability that softmax gives to the right class; targets are class numbers, classes on axis 1."""

    latex, promotion = r"-\log\operatorname{{softmax}}({0})_{{{1}}}", "none"
    cases = (
        Case(((4, 3), ("int", (4,), 3)), {**MEAN, "ignore_index": -100}),
        Case(((4, 3), ("int", (4,), 3)), {**SUM, "ignore_index": 1}),
        Case(((4, 3), ("int", (4,), 3)), {**NONE, "ignore_index": -100}),
    )

    @staticmethod
    def forward(xp: Any, x: Any, target: Any, *, reduction: str, ignore_index: int) -> Any:
        CrossEntropyOp.infer(x, target, reduction=reduction, ignore_index=ignore_index)
        kept = target != ignore_index
        chosen = xp.where(kept, target, 0)
        _refuse_unknown_class(chosen, x.shape[1])
        z = x - x.max(axis=1, keepdims=True)
        rows = xp.arange(x.shape[0])
        losses = xp.log(xp.exp(z).sum(axis=1)) - z[rows, chosen]
        losses = losses * kept
        if reduction == "none":
            return losses
        return losses.sum() if reduction == "sum" else losses.sum() / kept.sum().astype(x.dtype)

    @staticmethod
    def infer(x: Any, target: Any, *, reduction: str, ignore_index: int) -> Abstract:
        if len(x.shape) != 2 or target.shape != x.shape[:1]:
            hint = "Scores are (batch, classes), targets one class number per example."
            raise ShapeError("cross_entropy", f"targets of shape {words(x.shape[:1])}", words(target.shape), hint)
        return Abstract(x.shape[:1] if reduction == "none" else (), x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, target: Any, *, reduction: str, ignore_index: int) -> Rule:
        return x.cross_entropy_slope(target, ignore_index=ignore_index) * _per_row(
            g, x, target, reduction, ignore_index
        ), None


def _per_row(g: Any, x: Any, target: Any, reduction: str, ignore_index: int) -> Any:
    if reduction == "none":
        return g.unsqueeze(1)
    return g if reduction == "sum" else g / (target != ignore_index).sum().to(x.dtype)


class CrossEntropySlope(Op):
    """softmax(x) minus the one-hot target: the slope of the cross-entropy; rows that are ignored are 0."""

    latex, promotion = r"\operatorname{{softmax}}({0}) - e_{{{1}}}", "none"
    cases = (Case(((4, 3), ("int", (4,), 3)), {"ignore_index": 2}),)

    @staticmethod
    def forward(xp: Any, x: Any, target: Any, *, ignore_index: int) -> Any:
        p = xp.exp(x - x.max(axis=1, keepdims=True))
        p /= p.sum(axis=1, keepdims=True)
        kept = target != ignore_index
        p[xp.arange(x.shape[0]), xp.where(kept, target, 0)] -= 1
        if not kept.all():
            p *= kept[:, None]
        return p

    @staticmethod
    def infer(x: Any, target: Any, *, ignore_index: int) -> Abstract:
        return Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(h: Any, _: Any, x: Any, target: Any, *, ignore_index: int) -> Rule:
        p = x.softmax(1)
        hp = h * (target != ignore_index).unsqueeze(1).to(x.dtype) * p
        return hp - p * hp.sum(1, True), None


def _refuse_unknown_class(chosen: Any, classes: int) -> None:
    if chosen.dtype.kind not in "iu":
        raise DTypeError("cross_entropy", "class numbers (int64) as targets", chosen.dtype)
    if chosen.size and not 0 <= int(chosen.min()) <= int(chosen.max()) < classes:
        got = f"{int(chosen.min())} to {int(chosen.max())}"
        raise IndexOutOfRange("cross_entropy", f"class numbers from 0 to {classes - 1}", got)


class BceWithLogits(Op):
    """The cross-entropy of a yes/no answer given as a score: max(x, 0) - x t + ln(1 + e**-|x|)."""

    latex = r"-{1}\ln\sigma({0}) - (1 - {1})\ln(1 - \sigma({0}))"
    kernel, jvp = "max(a, 0) - a * b + log1p(exp(-abs(a)))", "elementwise"
    cases = (Case(((3, 4), (3, 4)), low=0.1, high=0.9),)

    @staticmethod
    def forward(xp: Any, x: Any, target: Any) -> Any:
        _alike("binary_cross_entropy_with_logits", x, target)
        return xp.maximum(x, 0) - x * target + xp.log1p(xp.exp(-xp.abs(x)))

    @staticmethod
    def infer(x: Any, target: Any) -> Abstract:
        _alike("binary_cross_entropy_with_logits", x, target)
        return Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, target: Any) -> Rule:
        return lambda: g * (x.sigmoid() - target), lambda: -g * x


@function
def half_mse_loss(x: Any, target: Any, reduction: str = "mean") -> Any:
    """Half the squared distance: its slope is the difference itself."""
    return x.mse_loss(target, reduction) * 0.5


@function
def l1_loss(x: Any, target: Any, reduction: str = "mean") -> Any:
    """The distance |x - target|."""
    _alike("l1_loss", x, target)
    return reduce_((x - target).abs(), **_checked("l1_loss", reduction))


@function
def huber_loss(x: Any, target: Any, reduction: str = "mean", delta: float = 1.0) -> Any:
    """Half the square within delta, a straight line beyond."""
    _alike("huber_loss", x, target)
    size = (x - target).abs()
    values = (size < delta).choose(size * size * 0.5, (size - 0.5 * delta) * delta)
    return reduce_(values, **_checked("huber_loss", reduction))


@function
def smooth_l1_loss(x: Any, target: Any, reduction: str = "mean", beta: float = 1.0) -> Any:
    """The Huber loss divided by beta."""
    if beta == 0:
        return x.l1_loss(target, reduction)
    return x.huber_loss(target, reduction, beta) * (1.0 / beta)


@function
def binary_cross_entropy_with_logits(
    x: Any, target: Any, weight: Any = None, reduction: str = "mean", pos_weight: Any = None
) -> Any:
    """The cross-entropy of yes/no answers given as scores (before the sigmoid)."""
    if pos_weight is None:
        values = x.bce_with_logits(target)
    else:
        _alike("binary_cross_entropy_with_logits", x, target)
        values = (1 - target) * x + (1 + (pos_weight - 1) * target) * (-x).softplus()
    values = values if weight is None else values * weight
    return reduce_(values, **_checked("binary_cross_entropy_with_logits", reduction))


@function
def binary_cross_entropy(x: Any, target: Any, weight: Any = None, reduction: str = "mean") -> Any:
    """The cross-entropy of yes/no answers given as chances; logarithms are held at -100."""
    _alike("binary_cross_entropy", x, target)
    values = -(target * x.log().clamp(min=-100) + (1 - target) * (1 - x).log().clamp(min=-100))
    values = values if weight is None else values * weight
    return reduce_(values, **_checked("binary_cross_entropy", reduction))


@function
def nll_loss(x: Any, target: Any, weight: Any = None, ignore_index: int = -100, reduction: str = "mean") -> Any:
    """Minus the log-probability of the right class; x holds log-probabilities, classes on axis 1."""
    x, target, shape = _rows(x, target)
    kept = target != ignore_index
    chosen = kept.choose(target, 0)
    losses = -x.gather(1, chosen.unsqueeze(1)).squeeze(1)
    share = kept.to(x.dtype) if weight is None else weight[chosen] * kept.to(x.dtype)
    losses = losses * share
    if _checked("nll_loss", reduction)["reduction"] == "mean":
        return losses.sum() / share.sum()
    return losses.sum() if reduction == "sum" else losses.reshape(shape)


def _rows(x: Any, target: Any) -> tuple[Any, Any, Any]:
    """Scores as (examples, classes) and targets as (examples,), and the shape that the targets had."""
    shape = target.shape
    if x.ndim == 1:
        return x.unsqueeze(0), target.reshape((1,)), shape
    if x.ndim > 2:
        last = (0, *range(2, x.ndim), 1)
        return x.permute(last).reshape((-1, x.shape[1])), target.reshape((-1,)), shape
    return x, target, shape


@function
def cross_entropy(
    x: Any,
    target: Any,
    weight: Any = None,
    ignore_index: int = -100,
    reduction: str = "mean",
    label_smoothing: float = 0.0,
) -> Any:
    """Softmax and the negative log-likelihood in one; the target holds class numbers or chances."""
    _checked("cross_entropy", reduction)
    if target.is_floating_point():
        return _soft_cross_entropy(x, target, weight, reduction, label_smoothing)
    if weight is None and not label_smoothing and x.ndim > 1:
        rows, chosen, shape = _rows(x, target)
        values = rows.cross_entropy_op(chosen, reduction=reduction, ignore_index=ignore_index)
        return values.reshape(shape) if reduction == "none" else values
    logs = x.log_softmax(min(1, x.ndim - 1))
    plain = logs.nll_loss(target, weight, ignore_index, reduction)
    if not label_smoothing:
        return plain
    return plain * (1 - label_smoothing) + _spread(logs, target, weight, ignore_index, reduction) * label_smoothing


def _spread(logs: Any, target: Any, weight: Any, ignore_index: int, reduction: str) -> Any:
    """The loss against equal chances for all classes."""
    logs, target, shape = _rows(logs, target)
    kept = (target != ignore_index).to(logs.dtype)
    each = (logs if weight is None else logs * weight).sum(1) * kept * (-1.0 / logs.shape[1])
    if reduction == "mean":
        share = kept if weight is None else weight[(target != ignore_index).choose(target, 0)] * kept
        return each.sum() / share.sum()
    return each.sum() if reduction == "sum" else each.reshape(shape)


def _soft_cross_entropy(x: Any, target: Any, weight: Any, reduction: str, smoothing: float) -> Any:
    _alike("cross_entropy", x, target)
    axis = min(1, x.ndim - 1)
    if smoothing:
        target = target * (1 - smoothing) + smoothing / x.shape[axis]
    logs = x.log_softmax(axis)
    if weight is not None:
        logs = logs * weight.reshape((-1,) + (1,) * (x.ndim - 1 - axis))
    values = -(logs * target).sum(axis)
    if reduction == "mean":
        return values.sum() * (1.0 / max(math.prod(x.shape) // x.shape[axis], 1))
    return values.sum() if reduction == "sum" else values
