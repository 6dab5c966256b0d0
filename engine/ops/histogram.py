"""Counting: how many numbers fall into which bin."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

from engine.array import Abstract
from engine.errors import ArgumentError, DTypeError, ShapeError, Unsupported
from engine.ops.op import Op, function, words


class Bincount(Op):
    """How often each of 0, 1, 2, ... occurs; with weights: their sums.

    >>> engine.bincount(engine.tensor([0, 2, 2]))
    tensor([1, 0, 2])
    """

    latex, promotion = r"\operatorname{{count}}({0})", "none"

    @staticmethod
    def bind(input: Any, weights: Any = None, minlength: int = 0) -> Any:
        if minlength < 0:
            raise ArgumentError("bincount", "minlength from 0 on", minlength)
        if input.ndim != 1 or input.is_floating_point() or (input.numel() and bool((input < 0).any())):
            raise ArgumentError(
                "bincount", "one axis of whole numbers from 0 on", f"{input.dtype}, {words(input.shape)}"
            )
        if weights is not None and weights.shape != input.shape:
            raise ShapeError("bincount", f"weights of shape {words(input.shape)}", words(weights.shape))
        return (input, weights), {"minlength": minlength}

    @staticmethod
    def forward(xp: Any, x: Any, weights: Any, *, minlength: int) -> Any:
        counts = xp.bincount(x.astype(xp.int64), weights, minlength)
        return counts.astype(xp.float32) if weights is not None and weights.dtype == xp.float32 else counts

    @staticmethod
    def infer(*_: Any, **__: Any) -> Abstract:
        raise Unsupported("bincount", "values", "a tensor of which only the shape is known")


class BinEdges(Op):
    """The edges of equal bins between two numbers, or, where these are equal, between the extremes of x."""

    latex, promotion = r"\operatorname{{edges}}({0})", "none"
    bind = lambda input, bins, low, high: ((input,), {"bins": bins, "low": low, "high": high})
    infer = lambda x, *, bins, low, high: Abstract((bins + 1,), x.dtype)

    @staticmethod
    def forward(xp: Any, x: Any, *, bins: int, low: float, high: float) -> Any:
        if low == high and x.size:
            low, high = float(x.min()), float(x.max())
        if not low <= high < math.inf or low == -math.inf:
            raise ValueError(f"a finite range, not [{low}, {high}]")
        if low == high:
            low, high = (low - 0.5, high + 0.5) if x.size else (0.0, 1.0)
        return xp.linspace(low, high, bins + 1, dtype=x.dtype)


class BinCounts(Op):
    """How many points (rows) fall into each box between edges; with weights: their sums."""

    latex, promotion = r"\operatorname{{histogram}}({0})", "none"
    infer = lambda x, weight, *edges: Abstract(tuple(e.shape[0] - 1 for e in edges), x.dtype)

    @staticmethod
    def forward(xp: Any, x: Any, weight: Any, *edges: Any) -> Any:
        inside, place = xp.ones(x.shape[0], bool), xp.zeros(x.shape[0], xp.int64)
        for column, e in zip(x.T, edges, strict=True):
            inside &= (column >= e[0]) & (column <= e[-1])
            bin_ = xp.searchsorted(e, column, side="right") - 1
            place = place * (e.size - 1) + xp.clip(bin_, 0, e.size - 2)
        shape = [e.size - 1 for e in edges]
        size = 1
        for n in shape:
            size *= n
        counts = xp.bincount(place[inside], None if weight is None else weight[inside], size)
        return counts.reshape(shape).astype(x.dtype)


class Histogram(NamedTuple):
    """How much is in each bin, and the edges of the bins."""

    hist: Any
    bin_edges: Any


@function
def histc(input: Any, bins: int = 100, min: float = 0, max: float = 0) -> Any:
    """How many elements are in each of equal bins between min and max (the extremes where these are equal).

    >>> engine.histc(engine.tensor([1.0, 2.0, 1.0]), bins=4, min=0, max=3)
    tensor([0., 2., 1., 0.])
    """
    if bins <= 0 or max < min:
        raise ArgumentError("histc", "at least one bin, and max from min on", f"{bins} bins from {min} to {max}")
    x = input.detach().reshape((-1,))
    if not x.is_floating_point():
        raise DTypeError("histc", "a floating-point tensor", x.dtype)
    if min == max and x.numel():
        min, max = float(x.amin()), float(x.amax())
    if not -math.inf < min <= max < math.inf:
        raise ArgumentError("histc", "a finite range", f"[{min}, {max}]")
    if min == max:
        min, max = min - 1, max + 1
    x = x[(x >= min) & (x <= max)]
    place = ((x - min) * bins / (max - min)).to("int64").clamp(max=bins - 1)
    return place.bincount(None, bins).to(x.dtype)


@function
def histogram(
    input: Any, bins: Any = 100, *, range: Any = None, weight: Any = None, density: bool = False
) -> Histogram:
    """How many elements (or how much weight) are in each bin, and the bins' edges: (hist, bin_edges).

    >>> engine.histogram(engine.tensor([1.0, 2.0, 1.0]), 4, range=(0.0, 3.0)).hist
    tensor([0., 2., 1., 0.])
    """
    flat = None if weight is None else weight.reshape((-1,))
    if weight is not None and weight.shape != input.shape:
        raise ShapeError("histogram", f"weights of shape {words(input.shape)}", words(weight.shape))
    hist, edges = _counted("histogram", input.reshape((-1, 1)), [bins], range, flat, density)
    return Histogram(hist, edges[0])


@function
def histogramdd(input: Any, bins: Any, *, range: Any = None, weight: Any = None, density: bool = False) -> Histogram:
    """Points (along the last axis) counted in boxes: (hist, bin_edges), the edges one tensor for each axis.

    >>> engine.histogramdd(engine.tensor([[0.0, 1.0], [1.0, 1.0]]), bins=[2, 1])[0]
    tensor([[1.],
            [1.]])
    """
    if input.ndim < 2:
        raise ShapeError("histogramdd", "points along the last of at least two axes", words(input.shape))
    number = input.shape[-1]
    given = [bins] * number if isinstance(bins, int) else list(bins)
    if len(given) != number:
        raise ArgumentError("histogramdd", f"bins for each of {number} coordinates", len(given))
    if weight is not None and weight.shape != input.shape[:-1]:
        raise ShapeError("histogramdd", f"weights of shape {words(input.shape[:-1])}", words(weight.shape))
    flat = None if weight is None else weight.reshape((-1,))
    return Histogram(*_counted("histogramdd", input.reshape((-1, number)), given, range, flat, density))


def _counted(where: str, x: Any, bins: list[Any], range: Any, weight: Any, density: bool) -> tuple[Any, Any]:
    x = x.detach()
    if weight is not None and weight.dtype != x.dtype:
        raise DTypeError(where, f"weights of dtype {x.dtype}", weight.dtype)
    limits = [0.0, 0.0] * len(bins) if range is None else list(range)
    if len(limits) != 2 * len(bins) or any(a > b for a, b in zip(limits[::2], limits[1::2], strict=True)):
        raise ArgumentError(where, "a smallest and a largest value for each coordinate", limits)
    edges = []
    for i, b in enumerate(bins):
        if hasattr(b, "shape"):
            edges.append(_given(where, x, b))
        elif b <= 0:
            raise ArgumentError(where, "at least one bin", b)
        else:
            edges.append(x[:, i].bin_edges(b, limits[2 * i], limits[2 * i + 1]))
    hist = x.bin_counts(None if weight is None else weight.detach(), *edges)
    return _as_density(hist, edges) if density else hist, tuple(edges)


def _given(where: str, x: Any, edges: Any) -> Any:
    if edges.dtype != x.dtype:
        raise DTypeError(where, f"edges of dtype {x.dtype}", edges.dtype)
    if edges.ndim != 1 or not edges.numel():
        raise ShapeError(where, "edges of one axis", words(edges.shape))
    return edges


def _as_density(hist: Any, edges: list[Any]) -> Any:
    """Divided by the total and by the sizes of the boxes."""
    hist = hist / hist.sum()
    for i, e in enumerate(edges):
        hist = hist / e.diff().reshape([-1 if k == i else 1 for k, _ in enumerate(edges)])
    return hist
