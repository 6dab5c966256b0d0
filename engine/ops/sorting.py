"""Order: sorting, the k-th and the most frequent element, places in a sorted sequence, distinct elements."""

from __future__ import annotations

from typing import Any, NamedTuple

from engine.array import Abstract, int32
from engine.errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError, Unsupported
from engine.ops.joining import cat
from engine.ops.op import INT, Op, axis_of, function, words


class Found(NamedTuple):
    """Values, and the positions along the axis at which they were found."""

    values: Any
    indices: Any


class Extremes(NamedTuple):
    """The smallest and the largest element."""

    min: Any
    max: Any


class Argsort(Op):
    """The order that sorts an axis; equal elements keep their order; no gradient.

    >>> engine.argsort(engine.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """

    latex, promotion = r"\operatorname{{argsort}}({0})", "none"
    bind = lambda input, dim=-1, descending=False, stable=False: (
        (input,),
        {"dim": axis_of("argsort", dim, input.ndim), "descending": descending},
    )
    infer = lambda x, *, dim, descending=False: Abstract(x.shape, INT)

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: int, descending: bool = False) -> Any:
        if not x.ndim:
            return xp.zeros((), xp.int64)
        if not descending:
            return xp.argsort(x, axis=dim, kind="stable")
        turned = xp.argsort(xp.flip(x, dim), axis=dim, kind="stable")
        return x.shape[dim] - 1 - xp.flip(turned, dim)


def found(x: Any, dim: int, places: Any, keepdim: bool = True) -> Found:
    """The elements at the places along an axis, and the places."""
    if not x.ndim:
        return Found(x.clone(), places)
    if places.ndim < x.ndim:
        return Found(x.picked(places, dim=axis_of("gather", dim, x.ndim)), places)
    values = x.gather(dim, places)
    return Found(values, places) if keepdim else Found(values.squeeze(dim), places.squeeze(dim))


@function
def max_(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The largest element; of two tensors, element by element; along a dim also where: (values, indices).

    >>> engine.max(engine.tensor([1.0, 3.0, 2.0])), engine.max(engine.tensor([[1.0, 3.0]]), 1).indices
    (tensor(3.), tensor([1]))
    """
    dim = other if dim is None else dim
    if dim is None:
        return input.amax(())
    return input.maximum(dim) if hasattr(dim, "shape") else found(input, dim, input.argmax(dim, keepdim))


@function
def min_(input: Any, dim: Any = None, keepdim: bool = False, *, other: Any = None) -> Any:
    """The smallest element; of two tensors, element by element; along a dim also where: (values, indices).

    >>> engine.min(engine.tensor([3.0, 1.0, 2.0])), engine.min(engine.tensor([[3.0, 1.0]]), 1).indices
    (tensor(1.), tensor([1]))
    """
    dim = other if dim is None else dim
    if dim is None:
        return input.amin(())
    return input.minimum(dim) if hasattr(dim, "shape") else found(input, dim, input.argmin(dim, keepdim))


@function
def aminmax(input: Any, *, dim: int | None = None, keepdim: bool = False) -> Extremes:
    """The smallest and the largest element: (min, max).

    >>> engine.aminmax(engine.tensor([3.0, 1.0, 2.0])).max
    tensor(3.)
    """
    axes = () if dim is None else dim
    return Extremes(input.amin(axes, keepdim), input.amax(axes, keepdim))


@function
def sort(input: Any, dim: int = -1, descending: bool = False, stable: bool = False) -> Found:
    """The elements of an axis in order, and where they were: (values, indices). Equal ones keep their order.

    >>> engine.sort(engine.tensor([3.0, 1.0, 2.0])).values
    tensor([1., 2., 3.])
    """
    return found(input, dim, input.argsort(dim, descending))


@function
def msort(input: Any) -> Any:
    """The elements of the first axis in order.

    >>> engine.msort(engine.tensor([3.0, 1.0, 2.0]))
    tensor([1., 2., 3.])
    """
    return input.sort(0)[0]


@function
def topk(input: Any, k: int, dim: int = -1, largest: bool = True, sorted: bool = True) -> Found:
    """The k largest (or smallest) elements of an axis, and where they are: (values, indices).

    >>> engine.topk(engine.tensor([3.0, 1.0, 2.0]), 2).indices
    tensor([0, 2])
    """
    size = input.shape[axis_of("topk", dim, input.ndim)] if input.ndim else 1
    if not 0 <= k <= size:
        raise ArgumentError("topk", f"k from 0 to {size}, the size of the axis", k)
    order = input.argsort(dim, largest)
    return found(input, dim, order.narrow(dim, 0, k) if input.ndim else order)


def _kth(x: Any, order: Any, k: int, dim: int, keepdim: bool) -> Found:
    return found(x, dim, order.narrow(dim, k, 1) if x.ndim else order, keepdim)


@function
def kthvalue(input: Any, k: int, dim: int = -1, keepdim: bool = False) -> Found:
    """The k-th smallest element of an axis (k counts from 1), and where it is: (values, indices).

    >>> engine.kthvalue(engine.tensor([3.0, 1.0, 2.0]), 2)
    engine.return_types.kthvalue(
    values=tensor(2.),
    indices=tensor(2))
    """
    size = input.shape[axis_of("kthvalue", dim, input.ndim)] if input.ndim else 1
    if not 1 <= k <= size:
        raise (IndexOutOfRange if not size else ArgumentError)("kthvalue", f"k from 1 to {size}", k)
    return _kth(input, input.argsort(dim), k - 1, dim, keepdim)


@function
def median(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle element, the lower one of two, NaN where there is one; along a dim also where: (values, indices).

    >>> engine.median(engine.tensor([3.0, 1.0, 2.0]))
    tensor(2.)
    """
    return input.median_of_all() if dim is None else _middle("median", input, dim, keepdim, True)


@function
def nanmedian(input: Any, dim: int | None = None, keepdim: bool = False) -> Any:
    """The middle of the elements that are not NaN, the lower one of two; along a dim also where: (values, indices).

    >>> engine.nanmedian(engine.tensor([3.0, float("nan"), 2.0]))
    tensor(2.)
    """
    return input.nanmedian_of_all() if dim is None else _middle("nanmedian", input, dim, keepdim, False)


def _middle(where: str, x: Any, dim: int, keepdim: bool, nan_wins: bool) -> Found:
    if not x.ndim:
        return found(x, dim, x.argsort())
    axis = axis_of(where, dim, x.ndim)
    if not x.shape[axis]:
        raise IndexOutOfRange(where, "at least one element to choose from", f"shape {words(x.shape)}")
    nan = x != x
    number = (~nan).sum(axis, True)
    k = (number - 1).clamp(0).floor_divide(2)
    if nan_wins:
        k = (number < x.shape[axis]).choose(number, k)
    return found(x, axis, x.argsort(axis).gather(axis, k), keepdim)


@function
def mode(input: Any, dim: int = -1, keepdim: bool = False) -> Found:
    """The most frequent element of an axis (the smallest of several), and where it is last: (values, indices).

    >>> engine.mode(engine.tensor([3, 1, 3, 2]))
    engine.return_types.mode(
    values=tensor(3),
    indices=tensor(2))
    """
    if not input.ndim:
        return found(input, dim, input.argsort())
    axis = axis_of("mode", dim, input.ndim)
    if not input.shape[axis]:
        raise IndexOutOfRange("mode", "at least one element to choose from", f"shape {words(input.shape)}")
    ordered, order = input.sort(axis)
    same = ordered.narrow(axis, 1, ordered.shape[axis] - 1) == ordered.narrow(axis, 0, ordered.shape[axis] - 1)
    starts = cat([same.narrow(axis, 0, 0).new_zeros(_one(ordered, axis)).to(same.dtype), same], axis)
    places = starts.new_ones(starts.shape).to("int64").cumsum(axis)
    since = starts.choose(0, places).cummax(axis)[0]
    longest = (places - since).argmax(axis, True)
    return found(input, axis, order.gather(axis, longest), keepdim)


def _one(x: Any, axis: int) -> tuple[int, ...]:
    return tuple(1 if i == axis else n for i, n in enumerate(x.shape))


# ------------------------------------------------------------------------------- positions in a sorted sequence
class Searchsorted(Op):
    """Where each value belongs in a sorted sequence (along its last axis), so that it stays sorted.

    >>> engine.searchsorted(engine.tensor([1, 3, 5]), engine.tensor([3, 6]))
    tensor([1, 3])
    """

    latex, promotion = r"\operatorname{{search}}({0}, {1})", "none"
    infer = lambda s, v, *, right=False, small=False: Abstract(getattr(v, "shape", ()), int32.numpy if small else INT)

    @staticmethod
    def bind(
        sorted_sequence: Any,
        input: Any,
        *,
        out_int32: bool = False,
        right: bool = False,
        side: Any = None,
        sorter: Any = None,
    ) -> Any:
        if side not in (None, "left", "right") or (side == "left" and right):
            raise ArgumentError("searchsorted", 'side "left" or "right", and right saying the same', f"{side}, {right}")
        if sorter is not None:
            if sorter.shape != sorted_sequence.shape or "int64" not in str(sorter.dtype):
                raise DTypeError("searchsorted", "a sorter of the sequence's shape, int64", sorter.dtype)
            sorted_sequence = sorted_sequence.gather(-1, sorter)
        _refuse_unlike("searchsorted", sorted_sequence, input)
        return (sorted_sequence, input), {"right": right or side == "right", "small": out_int32}

    @staticmethod
    def forward(xp: Any, s: Any, v: Any, *, right: bool = False, small: bool = False) -> Any:
        side = "right" if right else "left"
        places = xp.searchsorted(s, v, side) if s.ndim == 1 else _searched(xp, s, v, right)
        return xp.asarray(places).astype(xp.int32 if small else xp.int64, copy=False)


def _refuse_unlike(where: str, s: Any, v: Any) -> None:
    if not hasattr(v, "shape"):
        if s.ndim != 1:
            raise ShapeError(where, "a sequence of one axis for a single number", words(s.shape))
        return
    if s.dtype != v.dtype:
        raise DTypeError(where, f"values of the sequence's dtype, {s.dtype}", v.dtype)
    if s.ndim == 0 or (s.ndim > 1 and s.shape[:-1] != v.shape[:-1]):
        raise ShapeError(
            where, "a sequence of one axis, or the same leading axes", f"{words(s.shape)}, {words(v.shape)}"
        )


def _searched(xp: Any, s: Any, v: Any, right: bool) -> Any:
    """A binary search in every row at once."""
    low, high = xp.zeros(v.shape, xp.int64), xp.full(v.shape, s.shape[-1], xp.int64)
    for _ in range(int(s.shape[-1]).bit_length()):
        middle = (low + high) // 2
        there = xp.take_along_axis(s, xp.minimum(middle, s.shape[-1] - 1), -1)
        behind = ((v >= there) if right else (v > there)) & (low < high)
        low, high = xp.where(behind, middle + 1, low), xp.where(behind, high, xp.minimum(middle, high))
    return low


class Bucketize(Op):
    """The number of the bucket, between sorted boundaries, into which each element falls.

    >>> engine.bucketize(engine.tensor([2, 7]), engine.tensor([1, 3, 5]))
    tensor([1, 3])
    """

    latex, promotion = r"\operatorname{{bucket}}({0}, {1})", "none"
    infer = lambda v, s, *, right=False, small=False: Abstract(getattr(v, "shape", ()), int32.numpy if small else INT)
    forward = lambda xp, v, s, *, right=False, small=False: Searchsorted.forward(xp, s, v, right=right, small=small)

    @staticmethod
    def bind(input: Any, boundaries: Any, *, out_int32: bool = False, right: bool = False) -> Any:
        if boundaries.ndim != 1:
            raise ShapeError("bucketize", "boundaries of one axis", words(boundaries.shape))
        return (input, boundaries), {"right": right, "small": out_int32}


# --------------------------------------------------------------------------------------------- distinct elements
class RowOrder(Op):
    """The order that sorts the rows of a matrix, the first column first."""

    latex, promotion = r"\operatorname{{lexsort}}({0})", "none"
    forward = lambda xp, x: xp.lexsort(x.T[::-1]) if x.shape[1] else xp.arange(x.shape[0])
    infer = lambda x: Abstract(x.shape[:1], INT)


def _rows(x: Any, dim: int | None, where: str) -> Any:
    """The elements, or what lies along an axis, as rows."""
    if dim is None:
        return x.reshape((-1, 1))
    axis = axis_of(where, dim, x.ndim)
    if not x.numel() and x.shape[axis]:
        raise ShapeError(where, "no axis of size 0 beside the one that is searched", words(x.shape))
    moved = x.movedim(axis, 0)
    return moved.reshape((x.shape[axis], -1 if x.numel() else 1))


def _distinct(where: str, x: Any, dim: int | None, order: Any) -> tuple[Any, Any, Any]:
    """For rows in an order: the row that begins each run, the run of every row, the runs' lengths."""
    rows = _rows(x, dim, where)
    rows = rows if order is None else rows[order]
    n = rows.shape[0]
    new = (rows[1:] != rows[:-1]).any(1) if n else rows.new_zeros((0,)).to("bool")
    new = cat([new.new_ones((min(n, 1),)), new])
    starts = new.nonzero().reshape((-1,))
    ends = cat([starts[1:], starts.new_full((min(n, 1),), n)])
    return starts, new.to("int64").cumsum(0) - 1, ends - starts


def _answer(x: Any, dim: Any, first: Any, inverse: Any, counts: Any, wanted: tuple[bool, bool]) -> Any:
    values = x.reshape((-1,))[first] if dim is None else x.index_select(dim, first)
    inverse = inverse.reshape(x.shape) if dim is None else inverse
    more = [t for t, want in zip((inverse, counts), wanted, strict=True) if want]
    return (values, *more) if more else values


def _known(where: str, x: Any) -> Any:
    if not hasattr(x.array, "ctypes") and not hasattr(x.array, "data"):
        raise Unsupported(where, "values", "a tensor of which only the shape is known")
    return x.detach()


@function
def unique(
    input: Any, sorted: bool = True, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The distinct elements in order (or slices along `dim`); where each element went; how often each occurs.

    >>> engine.unique(engine.tensor([3, 1, 3, 2]), return_counts=True)
    (tensor([1, 2, 3]), tensor([1, 1, 2]))
    """
    x = _known("unique", input)
    rows = _rows(x, dim, "unique")
    order = rows.reshape((-1,)).argsort() if rows.shape[1] == 1 else rows.row_order()
    starts, runs, counts = _distinct("unique", x, dim, order)
    inverse = runs[order.argsort()]
    return _answer(x, dim, order[starts], inverse, counts, (return_inverse, return_counts))


@function
def unique_consecutive(
    input: Any, return_inverse: bool = False, return_counts: bool = False, dim: int | None = None
) -> Any:
    """The elements (or slices along `dim`) without those that equal the one before.

    >>> engine.unique_consecutive(engine.tensor([1, 1, 2, 2, 1]))
    tensor([1, 2, 1])
    """
    x = _known("unique_consecutive", input)
    starts, runs, counts = _distinct("unique_consecutive", x, dim, None)
    return _answer(x, dim, starts, runs, counts, (return_inverse, return_counts))
