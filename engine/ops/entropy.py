"""Cross-entropies as single ops: of classes, and of yes/no answers; the losses are made of them."""

from __future__ import annotations

from typing import Any

from engine.array import FLOAT, Abstract
from engine.errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError
from engine.ops.op import Case, Op, Rule, words

Call = tuple[tuple[Any, ...], dict[str, Any]]
MEAN, SUM, NONE = {"reduction": "mean"}, {"reduction": "sum"}, {"reduction": "none"}


class CrossEntropyOp(Op):
    """Minus the log-probability that softmax gives to the right class; targets are class numbers, classes on axis 1."""

    latex, promotion = r"-\log\operatorname{{softmax}}({0})_{{{1}}}", "none"
    cases = (
        Case(((4, 3), ("int", (4,), 3)), {**MEAN, "ignore_index": -100}),
        Case(((4, 3), ("int", (4,), 3)), {**SUM, "ignore_index": 1}),
        Case(((4, 3), ("int", (4,), 3)), {**NONE, "ignore_index": -100}),
    )

    @staticmethod
    def bind(input: Any, target: Any, reduction: str = "mean", ignore_index: int = -100) -> Call:
        return (input, target), {"reduction": reduction, "ignore_index": ignore_index}

    @staticmethod
    def forward(xp: Any, x: Any, target: Any, *, reduction: str, ignore_index: int) -> Any:
        kept, chosen = CrossEntropyOp.named(xp, x, target, reduction=reduction, ignore_index=ignore_index)
        z = x - x.max(axis=1, keepdims=True)
        rows = xp.arange(x.shape[0])
        losses = xp.log(xp.exp(z).sum(axis=1)) - z[rows, chosen]
        losses = losses * kept
        if reduction == "none":
            return losses
        return losses.sum() if reduction == "sum" else losses.sum() / kept.sum().astype(x.dtype)

    @staticmethod
    def named(xp: Any, x: Any, target: Any, *, reduction: str, ignore_index: int) -> Any:
        CrossEntropyOp.infer(x, target, reduction=reduction, ignore_index=ignore_index)
        kept = target != ignore_index
        chosen = xp.where(kept, target, 0)
        refuse_unknown_class(chosen, x.shape[1])
        return kept, chosen

    @staticmethod
    def infer(x: Any, target: Any, *, reduction: str, ignore_index: int) -> Abstract:
        if len(x.shape) != 2 or target.shape != x.shape[:1]:
            hint = "Scores are (batch, classes), targets one class number per example."
            error = ArgumentError if len(target.shape) == 1 else ShapeError
            raise error("cross_entropy", f"targets of shape {words(x.shape[:1])}", words(target.shape), hint)
        return Abstract(x.shape[:1] if reduction == "none" else (), x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, target: Any, *, reduction: str, ignore_index: int) -> Rule:
        return x.cross_entropy_slope(target, ignore_index=ignore_index) * _per_row(
            g, x, target, reduction, ignore_index
        ), None


def _per_row(g: Any, x: Any, target: Any, reduction: str, ignore_index: int) -> Any:
    if reduction == "none":
        return g.unsqueeze(1)
    return g if reduction == "sum" else g / (target != ignore_index).to(FLOAT).sum().clamp_between(1).to(x.dtype)


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


def refuse_unknown_class(chosen: Any, classes: int) -> None:
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
        return xp.maximum(x, 0) - x * target + xp.log1p(xp.exp(-xp.abs(x)))

    @staticmethod
    def infer(x: Any, target: Any) -> Abstract:
        return Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, target: Any) -> Rule:
        return lambda: g * (x.sigmoid() - target), lambda: -g * x


class Bce(Op):
    """The cross-entropy of a yes/no answer given as a chance; logarithms are held at -100, slopes at 1e12."""

    latex, jvp, asks = r"-{1}\ln {0} - (1 - {1})\ln(1 - {0})", "elementwise", True
    cases = (Case(((3, 4), (3, 4)), low=0.1, high=0.9),)

    @staticmethod
    def forward(xp: Any, x: Any, target: Any) -> Any:
        if x.size and not (x.min() >= 0 and x.max() <= 1):
            raise ShapeError("binary_cross_entropy", "all elements of input between 0 and 1", f"{x.min()} to {x.max()}")
        return -target * xp.maximum(xp.log(x), -100) - (1 - target) * xp.maximum(xp.log(1 - x), -100)

    @staticmethod
    def infer(x: Any, target: Any) -> Abstract:
        return Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, target: Any) -> Rule:
        return (
            lambda: g * (x - target) / (x * (1 - x)).clamp(min=1e-12),
            lambda: g * ((1 - x).log().clamp(min=-100) - x.log().clamp(min=-100)),
        )
