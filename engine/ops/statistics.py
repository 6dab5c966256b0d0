"""Compositions of reductions: spread, length, distance, correlation, quantiles."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from engine.array import Abstract
from engine.errors import ArgumentError, DTypeError, ShapeError
from engine.ops.op import FUNCTIONS, Case, Op, axes_of, axis_of, count, function, reduced


def _correction(dim: Any, unbiased: Any, correction: Any) -> tuple[Any, float]:
    """(dim, what is taken off n): `var(False)` means unbiased=False, and the word correction wins."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if unbiased is not None:
        return dim, float(unbiased)
    return dim, 1.0 if correction is None else correction


class Spread(Op):
    """The mean squared distance to the mean, over n - correction."""

    latex, promotion, node_name = r"\operatorname{{var}}({0})", "none", "VarBackward0"
    cases = (Case(((3, 4),), {"dim": (1,), "correction": 1}), Case(((2, 3, 4),), {"dim": (0, 2), "keepdim": True}))
    infer = lambda x, *, dim, keepdim=False, correction=0: Abstract(reduced(x.shape, dim, keepdim), x.dtype)

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: Any, keepdim: bool = False, correction: float = 0) -> Any:
        n = count(x.shape, dim)
        mean = xp.mean if x.dtype.itemsize == 2 else xp.add.reduce
        far = x - mean(x, axis=dim, keepdims=True) * (1 if mean is xp.mean else 1.0 / (n or math.nan))
        far *= far
        return xp.add.reduce(far, axis=dim, keepdims=keepdim) * _share(n - correction)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, *, dim: Any, keepdim: bool = False, correction: float = 0) -> Any:
        share = 2.0 * _share(count(x.shape, dim) - correction)
        g = g if keepdim else g.reshape(reduced(x.shape, dim, True))
        return (g * (x - x.mean(dim, True)) * share,)


def _share(n: float) -> float:
    return 1.0 / n if n > 0 else math.inf


def _variance(where: str, x: Any, dim: Any, keepdim: bool, correction: float) -> Any:
    if not x.is_floating_point():
        raise DTypeError(where, "a floating-point tensor", x.dtype, "Convert it first: x.float().")
    return x.spread(dim=axes_of(where, dim, x.ndim), keepdim=keepdim, correction=correction)


@function
def var(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
) -> Any:
    """The variance: the mean squared distance to the mean, over n - correction (1 when left out).

    >>> engine.var(engine.tensor([1.0, 2.0, 4.0])), engine.var(engine.tensor([1.0, 2.0, 4.0]), correction=0)
    (tensor(2.3333), tensor(1.5556))
    """
    dim, correction = _correction(dim, unbiased, correction)
    return _variance("var", input, dim, keepdim, correction)


@function
def std(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
) -> Any:
    """The standard deviation: the root of the variance; its slope at 0 counts as 0.

    >>> engine.std(engine.tensor([1.0, 2.0, 4.0]))
    tensor(1.5275)
    """
    dim, correction = _correction(dim, unbiased, correction)
    return _safe_root(_variance("std", input, dim, keepdim, correction))


@function
def var_mean(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
) -> tuple[Any, Any]:
    """The variance and the mean.

    >>> engine.var_mean(engine.tensor([1.0, 2.0, 6.0]))[1]
    tensor(3.)
    """
    dim, correction = _correction(dim, unbiased, correction)
    return _variance("var_mean", input, dim, keepdim, correction), input.mean(dim, keepdim)


@function
def std_mean(
    input: Any, dim: Any = None, unbiased: bool | None = None, keepdim: bool = False, *, correction: float | None = None
) -> tuple[Any, Any]:
    """The standard deviation and the mean.

    >>> engine.std_mean(engine.tensor([1.0, 2.0, 6.0]))[1]
    tensor(3.)
    """
    dim, correction = _correction(dim, unbiased, correction)
    return _safe_root(_variance("std_mean", input, dim, keepdim, correction)), input.mean(dim, keepdim)


def _safe_root(squared: Any) -> Any:
    """The square root, with a slope of 0 (not infinite) at 0."""
    zero = squared == 0
    return zero.choose(0.0, zero.choose(1.0, squared).sqrt())


# ----------------------------------------------------------------------------------------------- length, distance
@function
def norm(input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None) -> Any:
    """The length of a vector: the p-th root of the sum of |x|**p; "fro" is p = 2, "nuc" the sum of singular values.

    >>> engine.norm(engine.tensor([3.0, 4.0]))
    tensor(5.)
    """
    x = input if dtype is None else input.to(dtype)
    if not x.is_floating_point():
        raise DTypeError("norm", "a floating-point tensor", x.dtype, "Convert it first: x.float().")
    if p == "nuc":
        return FUNCTIONS["linalg_matrix_norm"](x, "nuc", (-2, -1) if dim is None else dim, keepdim)
    if isinstance(p, str) and p != "fro":
        raise ArgumentError("norm", 'a number, "fro" or "nuc"', repr(p))
    p = 2 if p in ("fro", None) else p
    axes = axes_of("norm", dim, x.ndim)
    return length(x, float(p.item() if hasattr(p, "shape") else p), axes, keepdim)


def length(x: Any, p: float, axes: tuple[int, ...], keepdim: bool) -> Any:
    """The p-norm along axes; where it is 0 its slope counts as 0. Powers of float16 are summed as float32."""
    if x.dtype.itemsize == 2 and 0 < p < math.inf:
        return length(x.to("float32"), p, axes, keepdim).to(x.dtype)
    if p == 2:
        return _safe_root((x * x).sum(axes, keepdim))
    if p == 1:
        return x.abs().sum(axes, keepdim)
    if p in (math.inf, -math.inf):
        return _outermost(x.abs(), p, axes, keepdim)
    if p == 0:
        return (x != 0).to(x.dtype).sum(axes, keepdim) + (x == 0).choose(x, 0.0).sum(axes, keepdim) * 0
    zero = x == 0
    power = x.abs() ** p if p >= 2 else zero.choose(0.0 if p > 0 else math.inf, zero.choose(1.0, x.abs()) ** p)
    total = power.sum(axes, keepdim)
    nothing = total == 0
    return nothing.choose(0.0, nothing.choose(1.0, total) ** (1 / p))


def _outermost(size: Any, p: float, axes: tuple[int, ...], keepdim: bool) -> Any:
    if p > 0 and size.ndim and not count(size.shape, axes):
        return size.sum(axes, keepdim)
    return size.amax(axes, keepdim) if p > 0 else size.amin(axes, keepdim)


@function
def dist(input: Any, other: Any, p: float = 2) -> Any:
    """The p-norm of input - other.

    >>> engine.dist(engine.tensor([1.0, 2.0]), engine.tensor([4.0, 6.0]))
    tensor(5.)
    """
    return (input - other).norm(p)


@function
def renorm(input: Any, p: float, dim: int, maxnorm: float) -> Any:
    """Each slice along `dim` whose p-norm exceeds `maxnorm`, shortened to it.

    >>> engine.renorm(engine.tensor([[3.0, 4.0], [0.3, 0.4]]), 2, 0, 1.0)
    tensor([[0.6000, 0.8000],
            [0.3000, 0.4000]])
    """
    if input.ndim < 2:
        raise ShapeError("renorm", "at least two axes", f"{input.ndim}")
    if p <= 0 or maxnorm < 0:
        raise ArgumentError("renorm", "p above 0 and maxnorm from 0 on", f"{p} and {maxnorm}")
    axis = axis_of("renorm", dim, input.ndim)
    size = input.norm(p, tuple(i for i in range(input.ndim) if i != axis), True)
    return input * (size > maxnorm).choose(maxnorm / (size + 1e-7), 1.0)


@function
def cov(input: Any, *, correction: int = 1, fweights: Any = None, aweights: Any = None) -> Any:
    """The covariances of variables (rows) over observations (columns), which may be repeated or weighted.

    >>> engine.cov(engine.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input.ndim > 2:
        raise ShapeError("cov", "at most two axes", f"{input.ndim}")
    _refuse_weights(input, fweights, aweights)
    x = input.reshape((1, -1)) if input.ndim < 2 else input
    w = fweights if aweights is None else aweights if fweights is None else fweights * aweights
    if w is None:
        total, mean = x.shape[1], x.mean(1, True) if x.is_floating_point() else (x * 1.0).mean(1, True)
        centred = (x - mean) * 1.0
        freedom = (x * 1.0).new_zeros(()) + max(0, total - correction)
        product = centred @ centred.mT
    else:
        weight = w.sum()
        centred = x - (x * w).sum(1, True) / weight
        taken = correction if aweights is None else correction * (w * aweights).sum() / weight
        freedom = (weight - taken).clamp(min=0)
        product = centred @ (centred * w).mT
    return (product / freedom).squeeze()


def _refuse_weights(x: Any, fweights: Any, aweights: Any) -> None:
    number = x.shape[-1] if x.ndim else 1
    for name, w, floats in (("fweights", fweights, False), ("aweights", aweights, True)):
        if w is None:
            continue
        if w.ndim > 1 or w.numel() != number:
            raise ShapeError(f"cov({name}=)", f"one axis with {number} weights", list(w.shape))
        if w.is_floating_point() is not floats:
            raise DTypeError(f"cov({name}=)", "floats" if floats else "whole numbers", w.dtype)
        if bool((w < 0).any()):
            raise ArgumentError(f"cov({name}=)", "weights from 0 on", "a negative one")


@function
def corrcoef(input: Any) -> Any:
    """The correlations of variables (rows) over observations (columns).

    >>> engine.corrcoef(engine.tensor([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0]]))
    tensor([[ 1., -1.],
            [-1.,  1.]])
    """
    if input.ndim > 2:
        raise ShapeError("corrcoef", "at most two axes", f"{input.ndim}")
    c = input.cov()
    if not c.ndim:
        return c / c
    spread = c.diagonal().sqrt()
    return (c / spread.unsqueeze(-1) / spread.unsqueeze(0)).clamp(-1, 1)


# -------------------------------------------------------------------------------------------------------- quantiles
_BETWEEN: dict[str, Callable[[Any, Any], Any]] = {
    "linear": lambda rank, low: rank - low,
    "lower": lambda rank, low: rank * 0,
    "higher": lambda rank, low: (rank > low).to(rank.dtype),
    "midpoint": lambda rank, low: (rank > low).to(rank.dtype) * 0.5,
    "nearest": lambda rank, low: rank.round() - low,
}


@function
def quantile(
    input: Any, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Any:
    """The value below which a share q of the elements lies; several q give a first axis; NaN where there is one.

    >>> engine.quantile(engine.tensor([1.0, 2.0, 3.0, 4.0]), 0.5)
    tensor(2.5000)
    """
    return _quantile("quantile", input, q, dim, keepdim, interpolation, True)


@function
def nanquantile(
    input: Any, q: Any, dim: int | None = None, keepdim: bool = False, *, interpolation: str = "linear"
) -> Any:
    """The quantile of the elements that are not NaN.

    >>> engine.nanquantile(engine.tensor([1.0, float("nan"), 3.0]), 0.5)
    tensor(2.)
    """
    return _quantile("nanquantile", input, q, dim, keepdim, interpolation, False)


def _quantile(where: str, x: Any, q: Any, dim: int | None, keepdim: bool, interpolation: str, nan_wins: bool) -> Any:
    q = _checked_shares(where, x, q, interpolation)
    flat = x.reshape((-1,)) if dim is None or not x.ndim else x.movedim(axis_of(where, dim, x.ndim), -1)
    ordered = flat.sort(-1)[0]
    number = (flat == flat).sum(-1, True)
    rank = q.reshape((-1,)) * (number - 1).clamp(0).to(x.dtype)
    low = rank.floor()
    weight = _BETWEEN[interpolation](rank, low)
    first, second = (ordered.gather(-1, r.detach().to("int64")) for r in (low, rank.ceil()))
    value = first.lerp(second, weight)
    void = number < flat.shape[-1] if nan_wins else number == 0
    value = void.choose(math.nan, value).movedim(-1, 0)
    if keepdim:
        axes = range(x.ndim) if dim is None else (axis_of(where, dim, x.ndim),)
        value = value.reshape((value.shape[0], *(1 if i in axes else n for i, n in enumerate(x.shape))))
    return value if q.ndim else value.squeeze(0)


def _checked_shares(where: str, x: Any, q: Any, interpolation: str) -> Any:
    if interpolation not in _BETWEEN:
        raise ArgumentError(where, f"interpolation one of {', '.join(_BETWEEN)}", repr(interpolation))
    if not x.is_floating_point() or x.dtype.itemsize == 2:
        raise DTypeError(where, "a float32 or float64 tensor", x.dtype)
    if not x.numel():
        raise ShapeError(where, "at least one element", list(x.shape))
    if not hasattr(q, "shape"):
        if not 0 <= q <= 1:
            raise ArgumentError(where, "q between 0 and 1", q)
        return x.new_full((), q)
    if q.ndim > 1:
        raise ShapeError(where, "q as a number or with one axis", list(q.shape))
    if q.dtype != x.dtype:
        raise DTypeError(where, f"q of the input's dtype, {x.dtype}", q.dtype)
    if not bool(((q >= 0) & (q <= 1)).all()):
        raise ArgumentError(where, "q between 0 and 1", "a value outside")
    return q
