"""Further losses: of counts, distributions, margins, pairs and triplets, alignments."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from engine.errors import ArgumentError
from engine.nn import functional
from engine.nn.loss import Loss, Reduction, plain_loss
from engine.nn.module import Between
from engine.tensor import Tensor

Margin = Annotated[float, Between(-1e6, 1e6, common=(0, 2))]
Tiny = Annotated[float, Between(0, 1)]


@plain_loss("both")
class KLDivLoss(Loss):
    """How much a distribution differs from another, given logarithms of probabilities.

    >>> nn.KLDivLoss(reduction="sum")(engine.tensor([0.5, 0.5]).log(), engine.tensor([1.0, 0.0]))
    tensor(0.6931)
    """

    function = "kl_div"
    passed = ("log_target",)

    def __init__(
        self, reduction: Literal["mean", "sum", "none", "batchmean"] = "mean", log_target: bool = False
    ) -> None:
        super().__init__(reduction)  # type: ignore[arg-type]
        self.log_target = log_target


@plain_loss("regression")
class PoissonNLLLoss(Loss):
    """The surprise at a count, for the logarithm of the expected count.

    >>> nn.PoissonNLLLoss()(engine.tensor([0.0]), engine.tensor([2.0]))
    tensor(1.)
    """

    function = "poisson_nll_loss"
    passed = ("log_input", "full", "eps")

    def __init__(
        self, log_input: bool = True, full: bool = False, eps: Tiny = 1e-8, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction)
        self.log_input, self.full, self.eps = log_input, full, eps


@plain_loss("regression")
class GaussianNLLLoss(Loss):
    """The surprise at a number, for the mean and variance of a normal distribution.

    >>> nn.GaussianNLLLoss()(engine.tensor([0.0]), engine.tensor([2.0]), engine.tensor([1.0]))
    tensor(2.)
    """

    function = "gaussian_nll_loss"
    passed = ("full", "eps")

    def __init__(self, *, full: bool = False, eps: Tiny = 1e-6, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.full, self.eps = full, eps


@plain_loss("classification")
class HingeEmbeddingLoss(Loss):
    """For distances: small ones for the target 1, at least a margin for the target -1.

    >>> nn.HingeEmbeddingLoss()(engine.tensor([0.25, 0.25]), engine.tensor([1.0, -1.0]))
    tensor(0.5000)
    """

    function = "hinge_embedding_loss"
    passed = ("margin",)

    def __init__(self, margin: Margin = 1.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin


@plain_loss("classification")
class MultiLabelMarginLoss(Loss):
    """Every right class should score higher than every wrong one by 1; targets end at the first -1.

    >>> nn.MultiLabelMarginLoss()(engine.tensor([[1.0, 0.0]]), engine.tensor([[0, -1]]))
    tensor(0.)
    """

    function = "multilabel_margin_loss"


@plain_loss("classification")
class SoftMarginLoss(Loss):
    """ln(1 + e**(-y x)), for targets 1 and -1.

    >>> nn.SoftMarginLoss()(engine.tensor([0.0]), engine.tensor([1.0]))
    tensor(0.6931)
    """

    function = "soft_margin_loss"


@plain_loss("classification")
class MultiLabelSoftMarginLoss(Loss):
    """Yes or no for each of several labels, by score.

    >>> nn.MultiLabelSoftMarginLoss()(engine.tensor([[0.0]]), engine.tensor([[1.0]]))
    tensor(0.6931)
    """

    function = "multilabel_soft_margin_loss"
    passed = ("weight",)

    def __init__(self, weight: Tensor | None = None, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.register_buffer("weight", weight)


@plain_loss("classification")
class CosineEmbeddingLoss(Loss):
    """For pairs of vectors: one direction for the target 1, different ones for the target -1.

    >>> nn.CosineEmbeddingLoss()(engine.tensor([[1.0, 0.0]]), engine.tensor([[0.0, 1.0]]), engine.tensor([1]))
    tensor(1.)
    """

    function = "cosine_embedding_loss"
    passed = ("margin",)

    def __init__(self, margin: Margin = 0.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin


@plain_loss("both")
class MarginRankingLoss(Loss):
    """The first score should be the higher one for the target 1, the second for the target -1.

    >>> nn.MarginRankingLoss()(engine.tensor([0.0]), engine.tensor([2.0]), engine.tensor([1.0]))
    tensor(2.)
    """

    function = "margin_ranking_loss"
    passed = ("margin",)

    def __init__(self, margin: Margin = 0.0, reduction: Reduction = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin


@plain_loss("classification")
class MultiMarginLoss(Loss):
    """The right class should score higher than the others by a margin (a support vector machine).

    >>> nn.MultiMarginLoss()(engine.tensor([[0.0, 0.0]]), engine.tensor([1]))
    tensor(0.5000)
    """

    function = "multi_margin_loss"
    passed = ("p", "margin", "weight")

    def __init__(
        self, p: Literal[1, 2] = 1, margin: Margin = 1.0, weight: Tensor | None = None, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction)
        self.p, self.margin = p, margin
        self.register_buffer("weight", weight)


@plain_loss("both")
class TripletMarginLoss(Loss):
    """An anchor should be nearer to the positive example than to the negative one, by a margin.

    >>> nn.TripletMarginLoss()(*[engine.zeros(1, 2)] * 3)
    tensor(1.)
    """

    function = "triplet_margin_loss"
    passed = ("margin", "p", "eps", "swap")

    def __init__(
        self, margin: Margin = 1.0, p: float = 2.0, eps: float = 1e-6, swap: bool = False, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction)
        if margin <= 0:
            raise ArgumentError("TripletMarginLoss(margin)", "a number above 0", margin, field="margin")
        self.margin, self.p, self.eps, self.swap = margin, p, eps, swap


@plain_loss("both")
class TripletMarginWithDistanceLoss(Loss):
    """The triplet loss with a distance of one's own.

    >>> far = lambda x, y: (x - y).abs().sum(-1)
    >>> nn.TripletMarginWithDistanceLoss(distance_function=far)(*[engine.zeros(1, 2)] * 3)
    tensor(1.)
    """

    function = "triplet_margin_with_distance_loss"
    passed = ("distance_function", "margin", "swap")

    def __init__(
        self, *, distance_function: Any = None, margin: Margin = 1.0, swap: bool = False, reduction: Reduction = "mean"
    ) -> None:
        super().__init__(reduction)
        if margin <= 0:
            raise ArgumentError("TripletMarginWithDistanceLoss(margin)", "a number above 0", margin, field="margin")
        self.distance_function = functional.pairwise_distance if distance_function is None else distance_function
        self.margin, self.swap = margin, swap


@plain_loss("classification")
class CTCLoss(Loss):
    """The surprise at a sequence of labels whose places in time are not known (Graves et al., 2006).

    >>> scores = engine.zeros(4, 1, 3).log_softmax(2)
    >>> nn.CTCLoss()(scores, engine.tensor([[1]]), engine.tensor([4]), engine.tensor([1]))
    tensor(2.0919)
    """

    function = "ctc_loss"
    passed = ("blank", "zero_infinity")

    def __init__(
        self,
        blank: Annotated[int, Between(0, 2**31 - 1)] = 0,
        reduction: Reduction = "mean",
        zero_infinity: bool = False,
    ) -> None:
        super().__init__(reduction)
        self.blank, self.zero_infinity = blank, zero_infinity
