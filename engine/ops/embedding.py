"""Rows of a table that whole numbers name: embeddings, and bags of them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.array import INT, Abstract, scatter_add
from engine.errors import ArgumentError, IndexOutOfRange, ShapeError
from engine.ops.op import Case, Op, Rule, function, words


class Rows(Op):
    """The rows of a table that an index names; `skip` is the row whose gradient is 0.

    by_count: each row's gradient is divided by how often the row was named.
    """

    latex, promotion = r"{0}[{1}]", "none"
    cases = (
        Case(((5, 3), ("int", (4,), 5)), {"skip": None, "by_count": False}),
        Case(((5, 3), ("int", (2, 3), 5)), {"skip": None, "by_count": False}),
    )

    @staticmethod
    def forward(xp: Any, weight: Any, index: Any, *, skip: int | None, by_count: bool) -> Any:
        Rows.infer(weight, index, skip=skip, by_count=by_count)
        if index.size and not 0 <= int(index.min()) <= int(index.max()) < len(weight):
            got = f"{int(index.min())} to {int(index.max())}"
            raise IndexOutOfRange("embedding", f"rows from 0 to {len(weight) - 1}", got)
        return xp.take(weight, index, axis=0)

    @staticmethod
    def infer(weight: Any, index: Any, *, skip: int | None, by_count: bool) -> Abstract:
        if len(weight.shape) != 2:
            raise ShapeError("embedding", "'weight' must be 2-D: one row for every number", words(weight.shape))
        if index.dtype.kind not in "iu":
            raise ShapeError("embedding", "an index of whole numbers (int64)", index.dtype)
        return Abstract((*index.shape, weight.shape[1]), weight.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, _weight: Any, index: Any, *, skip: int | None, by_count: bool) -> Rule:
        return lambda: g.rows_backward(index, count=_weight.shape[0], skip=skip, by_count=by_count), None


class RowsBackward(Op):
    """Zeros with the rows of g added where the index names them."""

    latex, promotion = r"\operatorname{{scatter}}({0}, {1})", "none"
    cases = (Case(((4, 3), ("int", (4,), 5)), {"count": 5, "skip": 1, "by_count": True}),)

    @staticmethod
    def forward(xp: Any, g: Any, index: Any, *, count: int, skip: int | None, by_count: bool) -> Any:
        full = xp.zeros((count, g.shape[-1]), g.dtype)
        flat = index.reshape(-1)
        share = _share(xp, flat, count, skip, by_count)
        rows = g.reshape((flat.size, g.shape[-1]))
        scatter_add(xp, full, flat, rows if share is None else rows * share.astype(g.dtype)[:, None])
        return full

    @staticmethod
    def infer(g: Any, index: Any, *, count: int, skip: int | None, by_count: bool) -> Abstract:
        return Abstract((count, g.shape[-1]), g.dtype)

    @staticmethod
    def vjp(h: Any, _: Any, __: Any, index: Any, *, count: int, skip: int | None, by_count: bool) -> Rule:
        return lambda: h.rows_shared(index, skip=skip, by_count=by_count), None


class RowsShared(Op):
    """The rows that an index names, as RowsBackward weighs them."""

    latex, promotion = r"{0}[{1}]", "none"
    cases = (Case(((5, 3), ("int", (4,), 5)), {"skip": 1, "by_count": True}),)

    @staticmethod
    def forward(xp: Any, h: Any, index: Any, *, skip: int | None, by_count: bool) -> Any:
        share = _share(xp, index.reshape(-1), len(h), skip, by_count)
        found = xp.take(h, index, axis=0)
        return found if share is None else found * share.astype(h.dtype).reshape((*index.shape, 1))

    @staticmethod
    def infer(h: Any, index: Any, *, skip: int | None, by_count: bool) -> Abstract:
        return Abstract((*index.shape, h.shape[1]), h.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, _h: Any, index: Any, *, skip: int | None, by_count: bool) -> Rule:
        return lambda: g.rows_backward(index, count=_h.shape[0], skip=skip, by_count=by_count), None


def _share(xp: Any, flat: Any, count: int, skip: int | None, by_count: bool) -> Any:
    """How much of its gradient every named row gets; None where it is all of it."""
    share = 1 / xp.bincount(flat, minlength=count)[flat] if by_count else None
    if skip is not None:
        share = (flat != skip) * (1.0 if share is None else share)
    return share


@function
def embedded(
    input: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
    sparse: bool = False,
) -> Any:
    """The rows of `weight` that the whole numbers of `input` name: `F.embedding`.

    padding_idx: the row whose gradient is 0. max_norm: rows that are longer are first shortened to it, in place.

    >>> F.embedding(engine.tensor([2, 0]), engine.tensor([[1.0], [2.0], [3.0]]))
    tensor([[3.],
            [1.]])
    """
    skip = _row("embedding", weight, padding_idx)
    if max_norm is not None:
        _shorten(weight, input, max_norm, norm_type)
    return weight.rows(input, skip=skip, by_count=bool(scale_grad_by_freq))


@function
def embedding(
    weight: Any, indices: Any, padding_idx: int = -1, scale_grad_by_freq: bool = False, sparse: bool = False
) -> Any:
    """The rows of `weight` that the whole numbers of `indices` name; padding_idx: the row whose gradient is 0.

    >>> engine.embedding(engine.tensor([[1.0], [2.0]]), engine.tensor([1]))
    tensor([[2.]])
    """
    return embedded(indices, weight, None if padding_idx < 0 else padding_idx, None, 2.0, scale_grad_by_freq)


def _row(where: str, weight: Any, padding_idx: int | None) -> int | None:
    if padding_idx is None or weight.ndim != 2:
        return None
    n = int(weight.shape[0])
    if not -n <= padding_idx < n:
        raise ArgumentError(where, f"a padding_idx between {-n} and {n - 1}", padding_idx)
    return int(padding_idx) % n


def _shorten(weight: Any, index: Any, max_norm: float, norm_type: float) -> None:
    """The named rows that are longer than max_norm shortened to it, in place and without history."""
    table, flat = weight.detach(), index.detach().flatten()
    named = table.new_zeros((table.shape[0],)).scatter_add(0, flat, table.new_ones(tuple(flat.shape))) > 0
    lengths = table.norm(norm_type, 1, True)
    long = named.unsqueeze(1) & (lengths > max_norm)
    table.copy_(long.choose(table * (max_norm / (lengths + 1e-7)), table))


@function
def one_hot(tensor: Any, num_classes: int = -1) -> Any:
    """Whole numbers as rows of zeros with a single 1; num_classes -1: one more than the largest number.

    >>> F.one_hot(engine.tensor([1, 0]), 3)
    tensor([[0, 1, 0],
            [1, 0, 0]])
    """
    if tensor.dtype.name != "int64":
        raise ShapeError("one_hot", "class numbers of int64", tensor.dtype)
    if num_classes == -1:
        if not tensor.numel():
            raise ShapeError("one_hot", "num_classes for an empty tensor", num_classes)
        num_classes = int(tensor.max()) + 1
    if tensor.numel() and not 0 <= int(tensor.min()) <= int(tensor.max()) < num_classes:
        got = f"{int(tensor.min())} to {int(tensor.max())}"
        raise ShapeError("one_hot", f"class values from 0 to {num_classes - 1}", got)
    return (tensor.unsqueeze(-1) == tensor.new_tensor(np.arange(num_classes))).to("int64")


@function
def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """For every output o the sum of input1_i weight_oij input2_j, plus the bias.

    >>> F.bilinear(engine.tensor([2.0]), engine.tensor([3.0]), engine.ones(1, 1, 1))
    tensor([6.])
    """
    if input1.shape[:-1] != input2.shape[:-1] or tuple(weight.shape[1:]) != (input1.shape[-1], input2.shape[-1]):
        facts = f"{words(input1.shape)}, {words(input2.shape)} and {words(weight.shape)}"
        raise ShapeError("bilinear", "inputs (*, i) and (*, j) for a weight (o, i, j)", facts)
    outputs, i, j = weight.shape
    many = math.prod(input1.shape[:-1])
    half = input1.reshape((many, i)) @ weight.permute((1, 0, 2)).reshape((i, outputs * j))
    y = half.reshape((many, outputs, j)) @ input2.reshape((many, j, 1))
    y = y.reshape((*input1.shape[:-1], outputs))
    return y if bias is None else y + bias


# ------------------------------------------------------------------------------------------------------ bags
class BagArgmax(Op):
    """For every bag and column, which of all rows is the bag's largest (-1 for an empty bag); no gradient."""

    latex, promotion = r"\operatorname{{argmax}}({0})", "none"

    @staticmethod
    def forward(xp: Any, rows: Any, bag: Any, *, bags: int) -> Any:
        found = xp.full((bags, rows.shape[1]), -1, xp.int64)
        for b in range(bags):
            members = xp.nonzero(bag == b)[0]
            if members.size:
                found[b] = members[rows[members].argmax(axis=0)]
        return found

    @staticmethod
    def infer(rows: Any, bag: Any, *, bags: int) -> Abstract:
        return Abstract((bags, rows.shape[1]), INT)


@function
def embedding_bag(
    input: Any,
    weight: Any,
    offsets: Any = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Any = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Any:
    """The sum, mean or max of the rows that every bag of whole numbers names.

    input: (bags, size), or one long vector with the `offsets` where bags begin. per_sample_weights: a factor for every
    number (mode "sum"). Numbers equal to padding_idx do not count.

    >>> F.embedding_bag(engine.tensor([[0, 1]]), engine.tensor([[1.0], [3.0]]))
    tensor([[2.]])
    """
    if mode not in ("sum", "mean", "max"):
        raise ArgumentError("embedding_bag", "mode sum, mean or max", repr(mode))
    if per_sample_weights is not None and (mode != "sum" or per_sample_weights.shape != input.shape):
        raise ArgumentError("embedding_bag", "weights of the input's shape with mode 'sum'", repr(mode))
    flat, starts, bags = _bags(input, offsets, include_last_offset)
    skip = _row("embedding_bag", weight, padding_idx)
    bag = flat.new_tensor(np.searchsorted(starts, np.arange(len(starts) and flat.numel()), side="right") - 1)
    if max_norm is not None:
        _shorten(weight, flat, max_norm, norm_type)
    factor = None if per_sample_weights is None else per_sample_weights.flatten()
    if skip is not None:
        kept = (flat != skip).nonzero().flatten()
        flat, bag, factor = flat[kept], bag[kept], None if factor is None else factor[kept]
    rows = weight.rows(flat, skip=None, by_count=bool(scale_grad_by_freq))
    if mode == "max":
        chosen = rows.detach().bag_argmax(bag, bags=bags)
        picked = rows.gather(0, chosen.clamp(min=0)) if rows.shape[0] else rows.new_zeros(tuple(chosen.shape))
        return picked * (chosen >= 0).to(rows.dtype)
    rows = rows if factor is None else rows * factor.unsqueeze(1)
    total = rows.rows_backward(bag, count=bags, skip=None, by_count=False)
    if mode == "sum":
        return total
    sizes = np.bincount(bag.numpy(), minlength=bags)
    return total / total.new_tensor(np.maximum(sizes, 1)).unsqueeze(1)


def _bags(input: Any, offsets: Any, include_last: bool) -> tuple[Any, Any, int]:
    """The numbers in a row, where each bag begins, and how many bags there are."""
    if input.ndim == 2:
        if offsets is not None:
            raise ArgumentError("embedding_bag", "no offsets with an input of two dims", words(offsets.shape))
        bags, size = (int(n) for n in input.shape)
        return input.flatten(), np.arange(bags) * size, bags
    if input.ndim != 1 or offsets is None or offsets.ndim != 1:
        raise ArgumentError("embedding_bag", "numbers of one dim with offsets of one dim", words(input.shape))
    starts = offsets.numpy()
    if starts.size and (starts[0] != 0 or starts[-1] > input.shape[0]):
        raise ArgumentError("embedding_bag", f"offsets from 0 to at most {input.shape[0]}", starts.tolist())
    return input, starts, len(starts) - bool(include_last)
