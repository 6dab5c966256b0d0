"""Connectionist temporal classification: the chance of a sequence of labels over all its alignments.

A. Graves, S. Fernandez, F. Gomez, J. Schmidhuber, 2006. The forward recursion over the labels with blanks between them
is a chain of logsumexps; its gradient, of any order, comes out of it. As in PyTorch the gradient is that by the scores
in front of a log-softmax (which is the same there: the log-softmax that follows on the way back does not change it).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.errors import ArgumentError, ShapeError
from engine.ops.loss import reduction_of
from engine.ops.op import function, words


def _lengths(given: Any) -> Any:
    found = given.numpy() if hasattr(given, "numpy") else np.asarray(given)
    return found.reshape(-1).astype(np.int64)


@function
def ctc_loss(
    log_probs: Any,
    targets: Any,
    input_lengths: Any,
    target_lengths: Any,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Any:
    """Minus the log-probability of label sequences, summed over all their alignments with the inputs.

    log_probs (time, batch, classes) or (time, classes); targets (batch, length), or all labels in a row. "mean" divides
    each loss by its target's length first. zero_infinity: sequences that can not be aligned count 0.

    >>> x = engine.zeros(2, 1, 2).log_softmax(2)
    >>> F.ctc_loss(x, engine.tensor([[1]]), (2,), (1,), reduction="sum")
    tensor(0.2877)
    """
    word = reduction_of("ctc_loss", reduction)
    x = log_probs if log_probs.ndim == 3 else log_probs.unsqueeze(1)
    times, sizes = _lengths(input_lengths), _lengths(target_lengths)
    _check(x, times, sizes, blank)
    labels = _labels(targets, sizes, x.shape[1], blank)
    sums = x.logsumexp((2,), True)
    losses = -_total(x - sums + sums.detach(), labels, times, sizes, blank)
    if zero_infinity:
        losses = (losses == math.inf).choose(0.0, losses)
    if word == "none":
        return losses if log_probs.ndim == 3 else losses.squeeze(0)
    if word == "sum":
        return losses.sum()
    return (losses / losses.new_tensor(np.maximum(sizes, 1))).mean()


def _check(x: Any, times: Any, sizes: Any, blank: int) -> None:
    steps, batch, classes = x.shape
    if not 0 <= blank < classes:
        raise ShapeError("ctc_loss", f"a blank from 0 to {classes - 1}", blank)
    if len(times) != batch or len(sizes) != batch:
        raise ShapeError(
            "ctc_loss", f"input_lengths and target_lengths for each of {batch}", f"{len(times)}, {len(sizes)}"
        )
    if batch and (times.max() > steps or times.min() < 0 or sizes.min() < 0):
        raise ShapeError("ctc_loss", f"input_lengths of at most {steps}", words(times.tolist()))


def _labels(targets: Any, sizes: Any, batch: int, blank: int) -> Any:
    """The labels of every sequence with blanks around them: (batch, 2 * longest + 1)."""
    given = targets.numpy()
    if given.ndim == 2 or batch == 1:
        rows = given.reshape((batch, -1))
        if sizes.size and sizes.max() > rows.shape[1]:
            raise ShapeError("ctc_loss", f"target_lengths of at most {rows.shape[1]}", words(sizes.tolist()))
        parts = [row[:n] for row, n in zip(rows, sizes, strict=True)]
    elif given.size != sizes.sum():
        raise ArgumentError("ctc_loss", f"{sizes.sum()} labels in a row", given.size)
    else:
        parts = np.split(given, np.cumsum(sizes)[:-1])
    labels = np.full((batch, 2 * int(sizes.max(initial=0)) + 1), blank, np.int64)
    for row, part in zip(labels, parts, strict=True):
        row[1 : 2 * len(part) : 2] = part
    return labels


def _total(x: Any, labels: Any, times: Any, sizes: Any, blank: int) -> Any:
    """The log-probability of every sequence: (batch,)."""
    steps, batch = int(x.shape[0]), int(x.shape[1])
    states = labels.shape[1]
    place = np.arange(states)
    heard = x.gather(2, x.detach().new_tensor(labels).to("int64").expand((steps, batch, states)))
    skips = np.zeros((batch, states), bool)
    skips[:, 2:] = (labels[:, 2:] != blank) & (labels[:, 2:] != labels[:, :-2])
    known = x.detach().new_tensor(place[None, :] <= 2 * sizes[:, None]).to("bool")
    may_skip, never = x.detach().new_tensor(skips).to("bool"), -math.inf
    begin = x.detach().new_tensor(np.where((place < 2) & (place <= 2 * sizes[:, None]), 0.0, never))
    alpha = heard[0] + begin if steps else begin
    for t in range(1, steps):
        one = alpha[:, :-1].pad((1, 0), value=never)
        two = may_skip.choose(alpha[:, :-2].pad((2, 0), value=never), never) if states > 2 else one * 0 + never
        ways = alpha.unsqueeze(0).cat_with(one.unsqueeze(0), two.unsqueeze(0), dim=0)
        stepped = known.choose(ways.logsumexp((0,)) + heard[t], never)
        running = x.detach().new_tensor(t < times).to("bool").unsqueeze(1)
        alpha = running.choose(stepped, alpha)
    ends = np.stack([2 * sizes, np.maximum(2 * sizes - 1, 0)], 1)
    last = alpha.gather(1, x.detach().new_tensor(ends).to("int64"))
    single = x.detach().new_tensor(np.stack([sizes >= 0, sizes > 0], 1)).to("bool")
    total = single.choose(last, never).logsumexp((1,))
    # Without any time there is one way to say nothing, and none to say something.
    timeless = x.detach().new_tensor(np.where(sizes == 0, 0.0, never))
    return x.detach().new_tensor(times > 0).to("bool").choose(total, timeless)
