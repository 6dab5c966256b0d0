"""Losses: one number that says how wrong a batch of outputs is. `LOSSES` lists them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, ClassVar, Literal, TypeVar

from engine.nn import functional
from engine.nn.module import Between, Module
from engine.nn.settings import checked
from engine.tensor import Tensor

Reduction = Literal["mean", "sum", "none"]
LossTask = Literal["classification", "regression", "both"]
Threshold = Annotated[float, Between(1e-6, 1e6, common=(0.1, 5))]

LOSSES: dict[str, type[Loss]] = {}


class Loss(Module):
    """Base of the losses: called with outputs and targets."""

    task: ClassVar[LossTask]

    def __init__(self, reduction: Reduction = "mean") -> None:
        super().__init__()
        self.reduction: Reduction = reduction

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """The loss: a single number, or with reduction "none" one for each example or element."""
        raise NotImplementedError


L = TypeVar("L", bound=Loss)


def loss(task: LossTask) -> Callable[[type[L]], type[L]]:
    """Class decorator: enter a loss into `LOSSES` and check its settings."""

    def enter(cls: type[L]) -> type[L]:
        cls.task = task
        LOSSES[cls.__name__] = checked(cls)
        return cls

    return enter


@loss("both")
class MSELoss(Loss):
    """The mean of the squared differences."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """(input - target)**2."""
        return functional.mse_loss(input, target, reduction=self.reduction)


@loss("both")
class HalfMSELoss(Loss):
    """Half the mean of the squared differences, the loss of TensorFlow Playground."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """(input - target)**2 / 2."""
        return functional.half_mse_loss(input, target, reduction=self.reduction)


@loss("both")
class L1Loss(Loss):
    """The mean of the absolute differences."""

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """|input - target|."""
        return functional.l1_loss(input, target, reduction=self.reduction)


@loss("both")
class HuberLoss(Loss):
    """Squared for small differences, absolute for large ones, so that outliers count less."""

    def __init__(self, reduction: Reduction = "mean", delta: Threshold = 1.0) -> None:
        super().__init__(reduction)
        self.delta = delta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """d**2 / 2 for |d| up to delta, else delta * (|d| - delta / 2)."""
        return functional.huber_loss(input, target, reduction=self.reduction, delta=self.delta)


@checked
class SmoothL1Loss(Loss):
    """The Huber loss divided by its threshold."""

    task = "both"

    def __init__(self, reduction: Reduction = "mean", beta: Threshold = 1.0) -> None:
        super().__init__(reduction)
        self.beta = beta

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """d**2 / (2 * beta) for |d| up to beta, else |d| - beta / 2."""
        return functional.smooth_l1_loss(input, target, reduction=self.reduction, beta=self.beta)


@loss("classification")
class CrossEntropyLoss(Loss):
    """The surprise at the right class, for scores that softmax turns into probabilities."""

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: Annotated[int, Between(-(2**31), 2**31 - 1)] = -100,
        reduction: Reduction = "mean",
        label_smoothing: Annotated[float, Between(0, 1, common=(0, 0.3))] = 0.0,
    ) -> None:
        super().__init__(reduction)
        self.ignore_index, self.label_smoothing = ignore_index, label_smoothing
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Scores (N, classes), targets (N,) class indices or (N, classes) probabilities."""
        return functional.cross_entropy(
            input, target, self.weight, self.ignore_index, self.reduction, self.label_smoothing
        )


@checked
class NLLLoss(Loss):
    """The surprise at the right class, for logarithms of probabilities."""

    task = "classification"

    def __init__(
        self,
        weight: Tensor | None = None,
        ignore_index: Annotated[int, Between(-(2**31), 2**31 - 1)] = -100,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__(reduction)
        self.ignore_index = ignore_index
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Log-probabilities (N, classes), targets (N,) class indices."""
        return functional.nll_loss(input, target, self.weight, self.ignore_index, self.reduction)


@loss("classification")
class BCEWithLogitsLoss(Loss):
    """The surprise at yes or no, for a score that the sigmoid turns into a probability."""

    def __init__(
        self, weight: Tensor | None = None, reduction: Reduction = "mean", pos_weight: Tensor | None = None
    ) -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)
        self.register_buffer("pos_weight", pos_weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Scores and targets in [0, 1] of the same shape."""
        return functional.binary_cross_entropy_with_logits(input, target, self.weight, self.reduction, self.pos_weight)


@checked
class BCELoss(Loss):
    """The surprise at yes or no, for probabilities."""

    task = "classification"

    def __init__(self, weight: Tensor | None = None, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)

    def forward(self, input: Tensor, target: Tensor) -> Tensor:
        """Probabilities and targets in [0, 1] of the same shape."""
        return functional.binary_cross_entropy(input, target, self.weight, self.reduction)
