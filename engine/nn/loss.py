"""Losses: one number that says how wrong a batch of outputs is. `LOSSES` lists those that a drawing may use."""

# mypy: disable-error-code="no-any-return"
# (the methods of a tensor are derived from the ops, so their types are not written anywhere)

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, TypeVar

from engine.nn import functional
from engine.nn.module import Between, Module
from engine.nn.settings import checked
from engine.tensor import Tensor

Reduction = Literal["mean", "sum", "none"]
LossTask = Literal["classification", "regression", "both"]
Threshold = Annotated[float, Between(1e-6, 1e6, common=(0.1, 5))]
Index = Annotated[int, Between(-(2**31), 2**31 - 1)]

LOSSES: dict[str, type[Loss]] = {}


class Loss(Module):
    """Base of the losses: called with outputs and targets. `function` is what computes it, `passed` its settings."""

    task: ClassVar[LossTask]
    function: ClassVar[str]
    passed: ClassVar[tuple[str, ...]] = ()
    reduction: Reduction

    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__()
        self.reduction = reduction

    def forward(self, *inputs: Tensor, **named: Tensor) -> Tensor:
        """The loss: a single number, or with reduction "none" one for each example or element."""
        settings = {name: getattr(self, name) for name in self.passed}
        return getattr(functional, self.function)(*inputs, **named, **settings, reduction=self.reduction)


L = TypeVar("L", bound=Loss)


def loss(task: LossTask) -> Callable[[type[L]], type[L]]:
    """Class decorator: enter a loss into `LOSSES` and check its settings."""

    def enter(cls: type[L]) -> type[L]:
        LOSSES[cls.__name__] = plain_loss(task)(cls)
        return cls

    return enter


def plain_loss(task: LossTask) -> Callable[[type[L]], type[L]]:
    """Class decorator: check a loss's settings, and take the `size_average` and `reduce` of old programs."""

    def enter(cls: type[L]) -> type[L]:
        cls.task = task
        inner = checked(cls).__init__

        @functools.wraps(inner)
        def build(
            self: Any, *args: Any, size_average: bool | None = None, reduce: bool | None = None, **named: Any
        ) -> None:
            if size_average is not None or reduce is not None:
                named["reduction"] = "none" if reduce is False else "sum" if size_average is False else "mean"
            inner(self, *args, **named)

        setattr(cls, "__init__", build)  # noqa: B010
        return cls

    return enter


@loss("both")
class MSELoss(Loss):
    """The mean of the squared differences.

    >>> nn.MSELoss()(engine.tensor([1.0, 2.0]), engine.tensor([1.0, 4.0]))
    tensor(2.)
    """

    function = "mse_loss"


@loss("both")
class HalfMSELoss(Loss):
    """Half the mean of the squared differences, the loss of TensorFlow Playground.

    >>> nn.HalfMSELoss()(engine.tensor([1.0, 2.0]), engine.tensor([1.0, 4.0]))
    tensor(1.)
    """

    function = "half_mse_loss"


@loss("both")
class L1Loss(Loss):
    """The mean of the absolute differences.

    >>> nn.L1Loss()(engine.tensor([1.0, 2.0]), engine.tensor([1.0, 4.0]))
    tensor(1.)
    """

    function = "l1_loss"


@loss("both")
class HuberLoss(Loss):
    """Squared for small differences, absolute for large ones, so that outliers count less.

    >>> nn.HuberLoss()(engine.tensor([1.0, 2.0]), engine.tensor([1.0, 4.0]))
    tensor(0.7500)
    """

    function = "huber_loss"
    passed = ("delta",)

    def __init__(self, reduction: Reduction = "mean", delta: Threshold = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta


@plain_loss("both")
class SmoothL1Loss(Loss):
    """The Huber loss divided by its threshold.

    >>> nn.SmoothL1Loss()(engine.tensor([1.0, 2.0]), engine.tensor([1.0, 4.0]))
    tensor(0.7500)
    """

    function = "smooth_l1_loss"
    passed = ("beta",)

    def __init__(
        self, reduction: Reduction = "mean", beta: Annotated[float, Between(0, 1e6, common=(0.1, 5))] = 1.0
    ) -> None:
        super().__init__(reduction)
        self.beta = beta


@loss("classification")
class CrossEntropyLoss(Loss):
    """The surprise at the right class, for scores that softmax turns into probabilities.

    Scores (N, classes, ...), targets (N, ...) class indices or (N, classes, ...) probabilities.

    >>> nn.CrossEntropyLoss()(engine.tensor([[0.0, 0.0]]), engine.tensor([1]))
    tensor(0.6931)
    """

    function = "cross_entropy"
    passed = ("weight", "ignore_index", "label_smoothing")

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: Index = -100,
        reduction: Reduction = "mean",
        label_smoothing: Annotated[float, Between(0, 1, common=(0, 0.3))] = 0.0,
    ) -> None:
        super().__init__(reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing
        self.register_buffer("weight", weight)


@plain_loss("classification")
class NLLLoss(Loss):
    """The surprise at the right class, for logarithms of probabilities (N, classes, ...).

    >>> nn.NLLLoss()(engine.tensor([[-0.5, -1.0]]), engine.tensor([1]))
    tensor(1.)
    """

    function = "nll_loss"
    passed = ("weight", "ignore_index")

    def __init__(self, weight: Tensor | None = None, ignore_index: Index = -100, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.ignore_index = ignore_index
        self.register_buffer("weight", weight)


@loss("classification")
class BCEWithLogitsLoss(Loss):
    """The surprise at yes or no, for a score that the sigmoid turns into a probability.

    >>> nn.BCEWithLogitsLoss()(engine.tensor([0.0]), engine.tensor([1.0]))
    tensor(0.6931)
    """

    function = "binary_cross_entropy_with_logits"
    passed = ("weight", "pos_weight")

    def __init__(
        self, weight: Tensor | None = None, reduction: Reduction = "mean", pos_weight: Tensor | None = None
    ) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)


@plain_loss("classification")
class BCELoss(Loss):
    """The surprise at yes or no, for probabilities.

    >>> nn.BCELoss()(engine.tensor([0.5]), engine.tensor([1.0]))
    tensor(0.6931)
    """

    function = "binary_cross_entropy"
    passed = ("weight",)

    def __init__(self, weight: Tensor | None = None, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
