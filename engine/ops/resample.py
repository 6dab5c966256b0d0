"""Resampling along an axis: every output place is a weighted sum of a few input places. Interpolation is made of it."""

from __future__ import annotations

import math
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from engine.array import Abstract, Shape
from engine.errors import ArgumentError, ShapeError, Unsupported
from engine.ops.op import Case, Op, Rule, function, words


class Plan:
    """For every output place the input places it takes (rows of `places`) and how much of each (`weights`)."""

    def __init__(self, places: Any, weights: Any, size: int) -> None:
        self.places, self.weights, self.size = np.asarray(places, np.int64), np.asarray(weights, np.float64), size

    def __len__(self) -> int:
        return len(self.places)

    @cached_property
    def back(self) -> Plan:
        """The transposed plan: for every input place the output places that took it."""
        to, column = np.nonzero(self.weights)
        source, weight = self.places[to, column], self.weights[to, column]
        order = np.argsort(source, kind="stable")
        to, source, weight = to[order], source[order], weight[order]
        counts = np.bincount(source, minlength=self.size)
        rank = np.arange(len(source)) - (np.cumsum(counts) - counts)[source]
        places, weights = np.zeros((2, self.size, max(counts, default=0)))
        places[source, rank], weights[source, rank] = to, weight
        return Plan(places, weights, len(self))


class Resample(Op):
    """Along `dim` (counted from the end), every place of the result a weighted sum of some places of x."""

    latex, jvp, promotion = r"\operatorname{{resample}}({0})", "linear", "none"
    cases = (
        Case(((2, 3, 4),), {"dim": -1, "plan": Plan([[0, 1], [3, 3], [2, 0]], [[0.5, 0.5], [1, 0], [2, -1]], 4)}),
        Case(((3, 2),), {"dim": -2, "plan": Plan([[2], [2], [0], [1]], [[1], [1], [1], [1]], 3)}),
    )

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: int, plan: Plan) -> Any:
        full = x.astype(xp.float32) if x.dtype == xp.float16 else x
        y = None
        shares = _fixed_point(plan) if x.dtype == xp.uint8 else plan.weights
        for places, weights in zip(plan.places.T, shares.T, strict=True):
            term = xp.take(full, xp.asarray(places), axis=dim)
            if (weights != 1).any():
                column = xp.asarray(weights).reshape((-1,) + (1,) * (-dim - 1))
                term = term * column.astype(full.dtype) if x.dtype.kind == "f" else term * column
                term = term if weights.all() else xp.where(column == 0, 0, term).astype(term.dtype)
            y = term if y is None else y + term
        if y is None:
            y = xp.zeros(Resample.infer(x, dim=dim, plan=plan).shape, x.dtype)
        return y.astype(x.dtype, copy=False) if x.dtype.kind == "f" else _whole(xp, y, x.dtype)

    @staticmethod
    def infer(x: Any, *, dim: int, plan: Plan) -> Abstract:
        axis = len(x.shape) + dim
        return Abstract((*x.shape[:axis], len(plan), *x.shape[axis + 1 :]), x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, __: Any, *, dim: int, plan: Plan) -> Rule:
        return (g.resample(dim=dim, plan=plan.back),)


def _fixed_point(plan: Plan) -> Any:
    """Weights as PyTorch holds them for bytes: in 16 bits, with as many places behind the point as fit."""
    weights = plan.weights.copy()
    for k in range(1, weights.shape[1]):  # a border that is taken several times is one place with one weight
        again = plan.places[:, k] == plan.places[:, k - 1]
        weights[again, k] += weights[again, k - 1]
        weights[again, k - 1] = 0
    largest = float(np.abs(weights).max(initial=0)) or 1.0
    bits = next((b for b in range(22) if int(0.5 + largest * 2 ** (b + 1)) >= 1 << 15), 22)
    return np.where(weights < 0, np.ceil(weights * 2**bits - 0.5), np.floor(weights * 2**bits + 0.5)) / 2**bits


def _whole(xp: Any, y: Any, dtype: Any) -> Any:
    """Whole numbers from a weighted sum: rounded, and held within what the type can tell."""
    if y.dtype.kind != "f":
        return y.astype(dtype, copy=False)
    limits = np.iinfo(dtype)
    return xp.clip(xp.floor(y + 0.5), limits.min, limits.max).astype(dtype)


# ---------------------------------------------------------------------------------------------------- plans
@lru_cache(256)
def mean_plan(n: int, out: int) -> Plan:
    """`out` windows of almost equal size over n places, averaged."""
    places = window_places(n, out)
    counted = np.arange(places.shape[1]) < (-(-np.arange(1, out + 1) * n // out) - np.arange(out) * n // out)[:, None]
    return Plan(places, counted / np.maximum(counted.sum(1, keepdims=True), 1), n)


def window_places(n: int, out: int) -> Any:
    """The places of `out` windows over n places, one row each; shorter rows repeat their last place."""
    start = np.arange(out) * n // max(out, 1)
    end = -(-np.arange(1, out + 1) * n // max(out, 1))
    width = int((end - start).max(initial=0))
    return np.minimum(start[:, None] + np.arange(width), end[:, None] - 1)


def _source(n: int, out: int, ratio: float, corners: bool) -> Any:
    """Where every output place lies on the axis of the input."""
    if corners:
        return np.arange(out) * ((n - 1) / (out - 1) if out > 1 else 0.0)
    return (np.arange(out) + 0.5) * ratio - 0.5


def _nearest(n: int, out: int, ratio: float, shift: float) -> Plan:
    places = np.floor((np.arange(out, dtype=np.float32) + np.float32(shift)) * np.float32(ratio)).astype(np.int64)
    return Plan(np.minimum(places, n - 1)[:, None], np.ones((out, 1)), n)


def _linear(n: int, out: int, ratio: float, corners: bool) -> Plan:
    at = np.maximum(_source(n, out, ratio, corners), 0)
    low = np.minimum(np.floor(at).astype(np.int64), n - 1)
    part = np.clip(at - low, 0, 1)
    return Plan(np.stack([low, np.minimum(low + 1, n - 1)], 1), np.stack([1 - part, part], 1), n)


def _cubic(n: int, out: int, ratio: float, corners: bool) -> Plan:
    at = _source(n, out, ratio, corners)
    low = np.floor(at)
    places = low[:, None] + np.arange(-1, 3)
    return Plan(np.clip(places, 0, n - 1), cubic_weight(at[:, None] - places, -0.75), n)


def cubic_weight(distance: Any, a: float) -> Any:
    """Keys' cubic convolution kernel (R. Keys, 1981) with slope `a` at distance 1."""
    d = np.abs(distance)
    near, far = ((a + 2) * d - (a + 3)) * d * d + 1, (((d - 5) * d + 8) * d - 4) * a
    return np.where(d <= 1, near, np.where(d < 2, far, 0.0))


def _smooth(n: int, out: int, ratio: float, cubic: bool) -> Plan:
    """Shrinking without aliasing: the kernel grows with the ratio, so that every input place is heard."""
    stretch = max(ratio, 1.0)
    support = (2.0 if cubic else 1.0) * stretch
    center = (np.arange(out) + 0.5) * ratio
    start = np.maximum((center - support + 0.5).astype(np.int64), 0)
    end = np.minimum((center + support + 0.5).astype(np.int64), n)
    places = start[:, None] + np.arange(int((end - start).max()))
    distance = (places - center[:, None] + 0.5) / stretch
    weights = cubic_weight(distance, -0.5) if cubic else np.maximum(1 - np.abs(distance), 0)
    weights = weights * (places < end[:, None])
    return Plan(np.minimum(places, n - 1), weights / weights.sum(1, keepdims=True), n)


@lru_cache(256)
def _plan(mode: str, n: int, out: int, ratio: float, corners: bool, antialias: bool) -> Plan:
    if mode.startswith("nearest"):
        return _nearest(n, out, ratio, 0.5 if mode == "nearest-exact" else 0.0)
    if antialias:
        apart = ((n - 1) / (out - 1) if out > 1 else 0.0) if corners else ratio
        return _smooth(n, out, apart, mode == "bicubic")
    return (_cubic if mode == "bicubic" else _linear)(n, out, ratio, corners)


# ------------------------------------------------------------------------------------------------ compositions
AXES = {"linear": 1, "bilinear": 2, "trilinear": 3, "bicubic": 2}


@function
def interpolate(
    input: Any,
    size: Any = None,
    scale_factor: Any = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> Any:
    """The input (batch, channel, *space) at another size.

    mode: nearest, nearest-exact, linear (one axis), bilinear or bicubic (two), trilinear (three), area (means of
    windows). align_corners: the corner places of both keep their values. antialias: shrink without aliasing (bilinear
    and bicubic).

    >>> F.interpolate(engine.tensor([[[1.0, 2.0]]]), scale_factor=2, mode="linear")
    tensor([[[1.0000, 1.2500, 1.7500, 2.0000]]])
    """
    n = input.ndim - 2
    _check_mode(input, n, mode, align_corners, antialias)
    targets, ratios = _targets(input, n, size, scale_factor, recompute_scale_factor)
    if mode == "area":
        return getattr(input, f"adaptive_avg_pool{n}d")(targets)
    y = input
    for k in reversed(range(n)):
        plan = _plan(mode, int(input.shape[2 + k]), targets[k], ratios[k], bool(align_corners), bool(antialias))
        y = y.resample(dim=k - n, plan=plan)
    return y


def _check_mode(input: Any, n: int, mode: str, corners: bool | None, antialias: bool) -> None:
    if mode not in ("nearest", "nearest-exact", "area", *AXES):
        raise Unsupported("interpolate", "a mode of nearest, nearest-exact, area, " + ", ".join(AXES), repr(mode))
    if AXES.get(mode, n) != n or not 1 <= n <= 3:
        expected = f"{AXES.get(mode, 'one to three')} spatial axes for mode {mode!r}"
        raise Unsupported("interpolate", expected, words(input.shape), "The axes are (batch, channel, *space).")
    if corners is not None and mode not in AXES:
        raise ArgumentError("interpolate", f"no align_corners with mode {mode!r}", corners)
    if antialias and mode not in ("bilinear", "bicubic"):
        raise ArgumentError("interpolate", "mode bilinear or bicubic with antialias=True", repr(mode))
    if not all(input.shape[1:]):
        raise ShapeError("interpolate", "an input that is not empty", words(input.shape))


def _targets(input: Any, n: int, size: Any, scale: Any, again: bool | None) -> tuple[Shape, tuple[float, ...]]:
    """The sizes of the output, and how far one of its places is on the input's axes."""
    if (size is None) == (scale is None):
        raise ArgumentError("interpolate", "either size or scale_factor", f"{size} and {scale}")
    if again and size is not None:
        raise ArgumentError("interpolate", "recompute_scale_factor with scale_factor only", f"size {size}")
    space = [int(k) for k in input.shape[2:]]
    given = size if scale is None else scale
    given = list(given) if isinstance(given, tuple | list) else [given] * n
    if len(given) != n:
        raise ArgumentError("interpolate", f"one size or scale per spatial axis, {n} of them", given)
    out = (
        tuple(int(g) for g in given)
        if scale is None
        else tuple(math.floor(k * float(g)) for k, g in zip(space, given, strict=True))
    )
    if min(out) < 1:
        raise ShapeError("interpolate", "sizes greater than 0", words(out))
    if scale is None or again:
        return out, tuple(k / o for k, o in zip(space, out, strict=True))
    return out, tuple(1.0 / float(g) for g in given)


@function
def upsample(
    input: Any, size: Any = None, scale_factor: Any = None, mode: str = "nearest", align_corners: bool | None = None
) -> Any:
    """The older name of `interpolate`.

    >>> F.upsample(engine.tensor([[[1.0, 2.0]]]), scale_factor=2)
    tensor([[[1., 1., 2., 2.]]])
    """
    return input.interpolate(size, scale_factor, mode, align_corners)


@function
def upsample_nearest(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """`interpolate` with mode "nearest".

    >>> F.upsample_nearest(engine.tensor([[[1.0, 2.0]]]), size=3)
    tensor([[[1., 1., 2.]]])
    """
    return input.interpolate(size, scale_factor)


@function
def upsample_bilinear(input: Any, size: Any = None, scale_factor: Any = None) -> Any:
    """`interpolate` with mode "bilinear" and aligned corners.

    >>> F.upsample_bilinear(engine.tensor([[[[0.0, 2.0]]]]), size=(1, 3))
    tensor([[[[0., 1., 2.]]]])
    """
    return input.interpolate(size, scale_factor, "bilinear", True)
