"""Losses of margins and distances, of counts and of spreads, and the distances themselves."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from engine.errors import ArgumentError, ShapeError
from engine.ops.loss import reduced_, reduction_of
from engine.ops.op import axis_of, broadcast, function, words

Flag = bool | None


def _held(x: Any, low: float) -> Any:
    """x, but at least `low`; its slope stays 1 there."""
    still = x.detach()
    return x - still + still.clamp(min=low)


# ------------------------------------------------------------------------------------------------- distances
@function
def cosine_similarity(x1: Any, x2: Any, dim: int = 1, eps: float = 1e-8) -> Any:
    """The cosine of the angle between vectors along `dim`; lengths below eps count as eps.

    >>> F.cosine_similarity(engine.tensor([[1.0, 0.0]]), engine.tensor([[1.0, 1.0]]))
    tensor([0.7071])
    """
    shape = broadcast("cosine_similarity", x1, x2)
    axis_of("cosine_similarity", dim, len(shape))
    one, two = (
        x / _held(x.norm(2, dim, True) if shape else x.abs(), eps) for x in (x1.expand(shape), x2.expand(shape))
    )
    return (one * two).sum(dim) if shape else one * two


@function
def pairwise_distance(x1: Any, x2: Any, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Any:
    """The p-norm of x1 - x2 + eps along the last axis.

    >>> F.pairwise_distance(engine.tensor([[3.0, 4.0]]), engine.zeros(1, 2), eps=0.0)
    tensor([5.])
    """
    return (x1 - x2 + eps).norm(p, -1, keepdim)


@function
def pdist(input: Any, p: float = 2) -> Any:
    """The p-norm distances of all pairs of rows, those of the first row first.

    >>> F.pdist(engine.tensor([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]]))
    tensor([5.0000, 1.0000, 4.2426])
    """
    if input.ndim != 2 or p < 0:
        raise ShapeError("pdist", "a matrix and p of at least 0", f"{words(input.shape)} and p {p}")
    first, second = np.triu_indices(int(input.shape[0]), 1)
    apart = input[first] - input[second]
    return apart.norm(p, -1) if p else (apart != 0).sum(-1).to(input.dtype) + (apart * 0).sum(-1)


# ---------------------------------------------------------------------------------------------------- margins
@function
def margin_ranking_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
) -> Any:
    """max(0, -target * (input1 - input2) + margin): which of two should be larger (target 1: the first).

    >>> F.margin_ranking_loss(engine.tensor([1.0]), engine.tensor([3.0]), engine.tensor([1.0]))
    tensor(2.)
    """
    if not input1.ndim == input2.ndim == target.ndim:
        facts = f"{words(input1.shape)}, {words(input2.shape)} and {words(target.shape)}"
        raise ShapeError("margin_ranking_loss", "inputs and a target with equally many dims", facts)
    values = (-target * (input1 - input2) + margin).clamp(min=0)
    return reduced_(values, "margin_ranking_loss", reduction, size_average, reduce)


@function
def hinge_embedding_loss(
    input: Any,
    target: Any,
    margin: float = 1.0,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
) -> Any:
    """The distance itself where the target is 1, max(0, margin - distance) where it is -1.

    >>> F.hinge_embedding_loss(engine.tensor([0.5, 0.2]), engine.tensor([1.0, -1.0]))
    tensor(0.6500)
    """
    values = (target != 1).choose((margin - input).clamp(min=0), 0.0) + (target != -1).choose(input, 0.0)
    return reduced_(values, "hinge_embedding_loss", reduction, size_average, reduce)


@function
def soft_margin_loss(
    input: Any, target: Any, size_average: Flag = None, reduce: Flag = None, reduction: str = "mean"
) -> Any:
    """ln(1 + e**(-target * input)), targets 1 or -1.

    >>> F.soft_margin_loss(engine.zeros(2), engine.tensor([1.0, -1.0]))
    tensor(0.6931)
    """
    return reduced_((-target * input).exp().log1p(), "soft_margin_loss", reduction, size_average, reduce)


@function
def multi_margin_loss(
    input: Any,
    target: Any,
    p: int = 1,
    margin: float = 1.0,
    weight: Any = None,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
) -> Any:
    """Over the wrong classes the mean of max(0, margin - score of the right one + score)**p.

    >>> F.multi_margin_loss(engine.tensor([[0.0, 2.0, 1.5]]), engine.tensor([1]))
    tensor(0.1667)
    """
    word = reduction_of("multi_margin_loss", reduction, size_average, reduce)
    x = input if input.ndim == 2 else input.reshape((1, -1))
    right = target.reshape((-1, 1))
    if p not in (1, 2):
        raise ArgumentError("multi_margin_loss", "only p == 1 and p == 2 are supported", p)
    if x.ndim != 2 or not x.shape[1] or right.shape[0] != x.shape[0] or target.ndim > 1:
        raise ShapeError("multi_margin_loss", f"one class number for each of {x.shape[0]} rows", words(target.shape))
    if weight is not None and tuple(weight.shape) != (x.shape[1],):
        raise ArgumentError("multi_margin_loss", f"one weight for each of {x.shape[1]} classes", words(weight.shape))
    values = (x - x.gather(1, right) + margin).relu()
    values = values if p == 1 else values * values
    if weight is not None:
        values = values * weight[right]
    others = (x.new_tensor(np.arange(x.shape[1])) != right).to(x.dtype)
    each = (values * others).sum(1) / x.shape[1]
    each = each if input.ndim == 2 else each.reshape(target.shape)
    return reduced_(each, "multi_margin_loss", word, None, None)


@function
def multilabel_margin_loss(
    input: Any, target: Any, size_average: Flag = None, reduce: Flag = None, reduction: str = "mean"
) -> Any:
    """Every right class against every wrong one: max(0, 1 - right + wrong), summed, over the number of classes.

    target: each row's class numbers, ended by -1.

    >>> F.multilabel_margin_loss(engine.tensor([[0.1, 0.2, 0.4, 0.8]]), engine.tensor([[3, 0, -1, 1]]))
    tensor(0.8500)
    """
    word = reduction_of("multilabel_margin_loss", reduction, size_average, reduce)
    if input.shape != target.shape or input.ndim > 2 or not all(input.shape[1:]):
        raise ShapeError("multilabel_margin_loss", f"a target of shape {words(input.shape)}", words(target.shape))
    x, classes = (t if t.ndim == 2 else t.reshape((1, -1)) for t in (input, target))
    listed = (classes < 0).to("int64").cumsum(1) == 0
    safe = listed.choose(classes, 0)
    right = x.detach().new_zeros(x.shape).scatter_add(1, safe, listed.to(x.dtype)) > 0
    gaps = (1 - x.gather(1, safe).unsqueeze(2) + x.unsqueeze(1)).relu()
    counted = listed.unsqueeze(2) & right.logical_not().unsqueeze(1)
    each = (gaps * counted.to(x.dtype)).sum((1, 2)) / max(x.shape[1], 1)
    return reduced_(each if input.ndim == 2 else each.squeeze(0), "multilabel_margin_loss", word, None, None)


@function
def multilabel_soft_margin_loss(
    input: Any,
    target: Any,
    weight: Any = None,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
) -> Any:
    """The mean over the classes of the cross-entropies of yes/no answers given as scores.

    >>> F.multilabel_soft_margin_loss(engine.zeros(1, 2), engine.tensor([[0.0, 1.0]]))
    tensor(0.6931)
    """
    values = -(target * input.logsigmoid() + (1 - target) * (-input).logsigmoid())
    values = values if weight is None else values * weight
    return reduced_(values.mean(-1), "multilabel_soft_margin_loss", reduction, size_average, reduce)


@function
def cosine_embedding_loss(
    input1: Any,
    input2: Any,
    target: Any,
    margin: float = 0,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
) -> Any:
    """1 - cosine where the target is 1, max(0, cosine - margin) where it is -1.

    >>> F.cosine_embedding_loss(engine.tensor([[1.0, 0.0]]), engine.tensor([[0.0, 1.0]]), engine.tensor([1]))
    tensor(1.)
    """
    if target.ndim + 1 != input1.ndim or input1.ndim != input2.ndim or target.ndim > 1:
        facts = f"{words(input1.shape)}, {words(input2.shape)} and {words(target.shape)}"
        raise ShapeError("cosine_embedding_loss", "rows and one target for each", facts)
    lengths = ((input1 * input1).sum(-1) + 1e-12) * ((input2 * input2).sum(-1) + 1e-12)
    cosine = (input1 * input2).sum(-1) / lengths.sqrt()
    apart = (target == -1).choose((cosine - margin).clamp(min=0), 0.0)
    return reduced_(
        (target == 1).choose(1 - cosine, 0.0) + apart, "cosine_embedding_loss", reduction, size_average, reduce
    )


@function
def triplet_margin_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    margin: float = 1.0,
    p: float = 2,
    eps: float = 1e-6,
    swap: bool = False,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
) -> Any:
    """max(0, distance to the positive - distance to the negative + margin). V. Balntas et al., 2016.

    >>> F.triplet_margin_loss(engine.zeros(1, 2), engine.ones(1, 2), engine.ones(1, 2))
    tensor(1.)
    """
    if not anchor.ndim == positive.ndim == negative.ndim:
        facts = f"{words(anchor.shape)}, {words(positive.shape)} and {words(negative.shape)}"
        raise ShapeError("triplet_margin_loss", "anchor, positive and negative with equally many dims", facts)
    if margin <= 0:
        raise ArgumentError("triplet_margin_loss", "margin to be greater than 0", margin)
    each = _triplet(anchor, positive, negative, lambda a, b: a.pairwise_distance(b, p, eps), margin, swap)
    return reduced_(each, "triplet_margin_loss", reduction, size_average, reduce)


def _triplet(
    anchor: Any, positive: Any, negative: Any, distance: Callable[[Any, Any], Any], margin: float, swap: bool
) -> Any:
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = far.minimum(distance(positive, negative))
    return (near - far + margin).clamp(min=0)


@function
def triplet_margin_with_distance_loss(
    anchor: Any,
    positive: Any,
    negative: Any,
    *,
    distance_function: Callable[[Any, Any], Any] | None = None,
    margin: float = 1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Any:
    """The triplet loss with a distance of one's own.

    >>> F.triplet_margin_with_distance_loss(engine.zeros(1, 2), engine.ones(1, 2), engine.ones(1, 2), margin=0.5)
    tensor(0.5000)
    """
    where = "triplet_margin_with_distance_loss"
    if not anchor.ndim == positive.ndim == negative.ndim:
        facts = f"{words(anchor.shape)}, {words(positive.shape)} and {words(negative.shape)}"
        raise ShapeError(where, "anchor, positive and negative with equally many dims", facts)
    if margin <= 0:
        raise ArgumentError(where, "margin to be greater than 0", margin)
    distance = distance_function or (lambda a, b: a.pairwise_distance(b))
    return reduced_(_triplet(anchor, positive, negative, distance, margin, swap), where, reduction, None, None)


# -------------------------------------------------------------------------------------------- of distributions
@function
def kl_div(
    input: Any,
    target: Any,
    size_average: Flag = None,
    reduce: Flag = None,
    reduction: str = "mean",
    log_target: bool = False,
) -> Any:
    """target * (ln target - input) for an input of log-probabilities; reduction "batchmean": the sum over the batch.

    S. Kullback, R. A. Leibler, 1951.

    >>> F.kl_div(engine.tensor([0.0]), engine.tensor([1.0]), reduction="sum")
    tensor(0.)
    """
    values = target.exp() * (target - input) if log_target else target.xlogy(target) - target * input
    if reduction == "batchmean" and size_average is None and reduce is None:
        return values.sum() / input.shape[0] if input.ndim else values.sum()
    return reduced_(values, "kl_div", reduction, size_average, reduce)


@function
def poisson_nll_loss(
    input: Any,
    target: Any,
    log_input: bool = True,
    full: bool = False,
    size_average: Flag = None,
    eps: float = 1e-8,
    reduce: Flag = None,
    reduction: str = "mean",
) -> Any:
    """e**input - target * input, for counts whose rate is e**input (log_input) or input.

    full: with Stirling's formula for ln(target!) where the target is above 1.

    >>> F.poisson_nll_loss(engine.tensor([0.0]), engine.tensor([2.0]))
    tensor(1.)
    """
    values = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        large = (target > 1).choose(target, 2.0)
        stirling = large * large.log() - large + (large * (2 * math.pi)).log() * 0.5
        values = values + (target > 1).choose(stirling, 0.0)
    return reduced_(values, "poisson_nll_loss", reduction, size_average, reduce)


@function
def gaussian_nll_loss(
    input: Any, target: Any, var: Any, full: bool = False, eps: float = 1e-6, reduction: str = "mean"
) -> Any:
    """(ln var + (input - target)**2 / var) / 2: the surprise at the target for a bell curve of that variance.

    D. A. Nix, A. S. Weigend, 1994.

    >>> F.gaussian_nll_loss(engine.tensor([1.0]), engine.tensor([3.0]), engine.tensor([1.0]))
    tensor(2.)
    """
    if isinstance(var, int | float):
        var = input.new_full(input.shape, var) if var >= 0 else var
    if isinstance(var, int | float) or bool((var < 0).any()):
        raise ArgumentError("gaussian_nll_loss", "var has no negative entries", "a negative one")
    if var.shape != input.shape:
        if var.shape == input.shape[:-1]:
            var = var.unsqueeze(-1)
        elif input.ndim != var.ndim or [v for n, v in zip(input.shape, var.shape, strict=True) if n != v] != [1]:
            raise ArgumentError("gaussian_nll_loss", "var is of incorrect size: the input's", words(var.shape))
    var = _held(var, eps)
    values = (var.log() + (input - target) ** 2 / var) * 0.5
    values = values + 0.5 * math.log(2 * math.pi) if full else values
    return reduced_(values, "gaussian_nll_loss", reduction, None, None)
