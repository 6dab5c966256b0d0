"""Reductions: many numbers become fewer."""

from __future__ import annotations

import math
from typing import Any

from engine.array import Abstract
from engine.errors import ArgumentError, DTypeError, IndexOutOfRange
from engine.ops.cumulative import shifted, summed
from engine.ops.op import BOOL, INT, Case, Op, axes_of, axis_of, count, function, reduced

Call = tuple[tuple[Any, ...], dict[str, Any]]
AXES = (
    Case(((3, 4),), {"dim": None}),
    Case(((3, 4),), {"dim": (0,)}),
    Case(((2, 3, 4),), {"dim": (0, 2), "keepdim": True}),
    Case(((2, 3, 4),), {"dim": (1,)}),
)


def _bound(where: str, x: Any, dim: Any, keepdim: bool) -> dict[str, Any]:
    return {"dim": None if dim is None else axes_of(where, dim, x.ndim), "keepdim": keepdim}


def kept(x: Any, dim: Any) -> tuple[int, ...]:
    """The shape of x with the reduced axes kept as 1."""
    return reduced(x.shape, axes_of("sum", dim, x.ndim), True)


class Reduction(Op, abstract=True):
    """Ops that reduce the axes in `dim` (None: all of them)."""

    promotion = "none"

    @staticmethod
    def infer(x: Any, *, dim: Any = None, keepdim: bool = False) -> Abstract:
        axes = tuple(range(x.ndim)) if dim is None else dim if isinstance(dim, tuple) else (dim,)
        return Abstract(reduced(x.shape, axes, keepdim), x.dtype)


class Sum(Reduction):
    """The sum along axes (all of them when `dim` is left out); whole numbers and truth values give int64.

    >>> engine.sum(engine.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
    tensor([3., 7.])
    """

    latex, jvp, cases = r"\sum {0}", "linear", AXES
    bind = lambda input, dim=None, keepdim=False, *, dtype=None: (
        (summed(input, dtype),),
        _bound("sum", input, dim, keepdim),
    )
    forward = lambda xp, x, *, dim=None, keepdim=False: xp.add.reduce(x, axis=dim, keepdims=keepdim)
    vjp = lambda g, _, _x, *, dim=None, keepdim=False: ((g if keepdim else g.reshape(kept(_x, dim))).expand(_x.shape),)


class Mean(Reduction):
    """The mean along axes (all of them when `dim` is left out).

    >>> engine.mean(engine.tensor([[1.0, 2.0], [3.0, 4.0]]), 0)
    tensor([2., 3.])
    """

    latex, jvp, cases = r"\operatorname{{mean}}({0})", "linear", AXES

    @staticmethod
    def bind(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Call:
        x = input if dtype is None else input.to(dtype)
        if not x.is_floating_point():
            raise DTypeError("mean", "a floating-point tensor", x.dtype, "Convert it first: x.float().mean().")
        return (x,), _bound("mean", x, dim, keepdim)

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
        if x.dtype.itemsize == 2:
            return xp.mean(x, axis=dim, keepdims=keepdim)
        total = xp.add.reduce(x, axis=dim, keepdims=keepdim)
        return total * (1.0 / (count(x.shape, dim) or math.nan))

    @staticmethod
    def vjp(g: Any, _: Any, _x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
        share = g * (1.0 / (count(_x.shape, dim) or math.nan))
        return ((share if keepdim else share.reshape(kept(_x, dim))).expand(_x.shape),)


def _chosen(where: str, input: Any, dim: Any, keepdim: bool) -> Call:
    return (input,), _bound(where, input, None if dim == () else dim, keepdim)


def _refuse_empty(where: str, x: Any, dim: Any) -> None:
    if not count(x.shape, dim):
        kind = ArgumentError if dim is None else IndexOutOfRange
        raise kind(where, "at least one element to choose from", f"shape {list(x.shape)}")


class Extreme(Reduction, abstract=True):
    """Largest or smallest element; equal ones share the gradient."""

    @staticmethod
    def vjp(g: Any, y: Any, x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
        shape = kept(x, dim)
        y = y.reshape(shape)
        chosen = ((x == y) | (x != x) & (y != y)).to(x.dtype)
        return (chosen / chosen.sum(dim, True) * g.reshape(shape),)


class Amax(Extreme):
    """The largest element along axes; equal ones share the gradient.

    >>> engine.amax(engine.tensor([[1.0, 5.0], [3.0, 4.0]]), 1)
    tensor([5., 4.])
    """

    latex, cases = r"\max({0})", AXES
    bind = lambda input, dim=(), keepdim=False: _chosen("amax", input, dim, keepdim)

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
        if not x.size:
            _refuse_empty("amax", x, dim)
        return x.max(axis=dim, keepdims=keepdim)


class Amin(Extreme):
    """The smallest element along axes; equal ones share the gradient.

    >>> engine.amin(engine.tensor([[1.0, 5.0], [3.0, 4.0]]), 1)
    tensor([1., 3.])
    """

    latex, cases = r"\min({0})", AXES
    bind = lambda input, dim=(), keepdim=False: _chosen("amin", input, dim, keepdim)

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
        if not x.size:
            _refuse_empty("amin", x, dim)
        return x.min(axis=dim, keepdims=keepdim)


class MedianOfAll(Extreme):
    """The middle element of all, the lower one of two; NaN where there is one. Equal ones share the gradient."""

    latex, cases = r"\operatorname{{median}}({0})", (Case(((3, 3),)), Case(((4,),)))
    forward = lambda xp, x: _middle(xp, x, ~xp.isnan(x) if x.dtype.kind == "f" else None, True)


class NanmedianOfAll(Extreme):
    """The middle element of all that are not NaN, the lower one of two. Equal ones share the gradient."""

    latex, cases = r"\operatorname{{nanmedian}}({0})", (Case(((3, 3),)), Case(((4,),)))
    forward = lambda xp, x: _middle(xp, x, ~xp.isnan(x) if x.dtype.kind == "f" else None, False)


def _middle(xp: Any, x: Any, real: Any, nan_wins: bool) -> Any:
    flat = x.ravel() if real is None or nan_wins else x[real]
    if not flat.size or (nan_wins and real is not None and not real.all()):
        return xp.full((), math.nan if x.dtype.kind == "f" else xp.iinfo(x.dtype).min, x.dtype)
    k = (flat.size - 1) // 2
    return xp.partition(flat, k)[k]


class Prod(Op):
    """The product along one axis (of everything when `dim` is left out); right at zeros too.

    >>> engine.prod(engine.tensor([[1.0, 2.0], [3.0, 4.0]]), 1)
    tensor([ 2., 12.])
    """

    latex, promotion = r"\prod {0}", "none"
    cases = (Case(((3, 4),), {"dim": 1}), Case(((2, 3, 2),), {"dim": 0, "keepdim": True}), Case(((0, 2),), {"dim": 0}))
    infer = Reduction.infer

    @staticmethod
    def bind(input: Any, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Call:
        x = summed(input, dtype)
        if dim is None or not x.ndim:
            return (x.reshape((-1,)),), {"dim": 0 if dim is None else axis_of("prod", dim, 0), "keepdim": False}
        return (x,), {"dim": axis_of("prod", dim, x.ndim), "keepdim": keepdim}

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: int, keepdim: bool = False) -> Any:
        return x.prod(axis=dim, keepdims=keepdim, dtype=x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, *, dim: int, keepdim: bool = False) -> Any:
        """Each element's slope is the product of those before it and of those behind it: nothing is divided."""
        before = shifted(x.cumprod(dim), dim, 1.0)
        after = shifted(x.flip((dim,)).cumprod(dim), dim, 1.0).flip((dim,))
        return ((g if keepdim else g.unsqueeze(dim)) * (before * after),)


class Arg(Op, abstract=True):
    """Where the extreme element is; no gradient."""

    promotion = "none"

    @classmethod
    def bind(cls, input: Any, dim: int | None = None, keepdim: bool = False) -> Call:
        if dim is None:
            return (input,), {"dim": None, "keepdim": keepdim}
        return (input,), {"dim": axis_of(cls.name, dim, input.ndim), "keepdim": keepdim}

    @staticmethod
    def infer(x: Any, *, dim: int | None, keepdim: bool = False) -> Abstract:
        return Abstract(reduced(x.shape, tuple(range(x.ndim)) if dim is None else (dim,), keepdim), INT)

    @staticmethod
    def place(where: str, find: Any, x: Any, dim: int | None, keepdim: bool) -> Any:
        """NumPy's argmax or argmin."""
        if not x.size:
            _refuse_empty(where, x, (dim,) if x.ndim and dim is not None else None)
        return find(axis=dim if x.ndim else None, keepdims=keepdim)


class Argmax(Arg):
    """The position of the largest element along an axis (the first one of equals).

    >>> engine.argmax(engine.tensor([[1.0, 5.0], [3.0, 2.0]]), 1)
    tensor([1, 0])
    """

    latex = r"\operatorname{{argmax}}({0})"
    forward = lambda xp, x, *, dim, keepdim=False: Arg.place("argmax", x.argmax, x, dim, keepdim)


class Argmin(Arg):
    """The position of the smallest element along an axis (the first one of equals).

    >>> engine.argmin(engine.tensor([[1.0, 5.0], [3.0, 2.0]]), 1)
    tensor([0, 1])
    """

    latex = r"\operatorname{{argmin}}({0})"
    forward = lambda xp, x, *, dim, keepdim=False: Arg.place("argmin", x.argmin, x, dim, keepdim)


class Logsumexp(Reduction):
    """ln(sum of e**x) along axes, without overflow.

    >>> engine.logsumexp(engine.tensor([1000.0, 1000.0]), 0)
    tensor(1000.6932)
    """

    latex, promotion = r"\ln \sum e^{{{0}}}", "float"
    cases = (Case(((3, 4),), {"dim": (1,)}), Case(((2, 3, 4),), {"dim": (0, 2), "keepdim": True}))
    bind = lambda input, dim, keepdim=False: ((input,), _bound("logsumexp", input, dim, keepdim))

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
        if not count(x.shape, dim):
            return xp.full(reduced(x.shape, dim, keepdim), -math.inf, x.dtype)
        top = x.max(axis=dim, keepdims=True)
        top = xp.where(xp.isfinite(top), top, 0).astype(x.dtype)
        total = xp.log(xp.exp(x - top).sum(axis=dim, keepdims=keepdim))
        return total + (top if keepdim else top.reshape(total.shape))

    @staticmethod
    def vjp(g: Any, y: Any, x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
        shape = kept(x, dim)
        safe = y.reshape(shape)
        return (g.reshape(shape) * (x - safe.isfinite().choose(safe, 0.0)).exp(),)


class Truth(Reduction, abstract=True):
    """Reductions of truth values; uint8 stays uint8, as in PyTorch."""

    @staticmethod
    def infer(x: Any, *, dim: Any = None, keepdim: bool = False) -> Abstract:
        return Abstract(Reduction.infer(x, dim=dim, keepdim=keepdim).shape, x.dtype if x.dtype == "u1" else BOOL)

    @staticmethod
    def fitted(x: Any, found: Any) -> Any:
        """The truth in the dtype that the shape rule names."""
        return found.astype(x.dtype) if x.dtype == "u1" else found


class AnyTrue(Truth):
    """Whether any element is true (not 0).

    >>> engine.any(engine.tensor([[0, 1], [0, 0]]), 1)
    tensor([ True, False])
    """

    name, latex = "any", r"\exists {0}"
    bind = lambda input, dim=None, keepdim=False: ((input,), _bound("any", input, dim, keepdim))
    forward = lambda xp, x, *, dim=None, keepdim=False: Truth.fitted(x, xp.any(x, axis=dim, keepdims=keepdim))


class AllTrue(Truth):
    """Whether every element is true (not 0).

    >>> engine.all(engine.tensor([[0, 1], [1, 1]]), 1)
    tensor([False,  True])
    """

    name, latex = "all", r"\forall {0}"
    bind = lambda input, dim=None, keepdim=False: ((input,), _bound("all", input, dim, keepdim))
    forward = lambda xp, x, *, dim=None, keepdim=False: Truth.fitted(x, xp.all(x, axis=dim, keepdims=keepdim))


@function
def nansum(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The sum of what is not NaN.

    >>> engine.nansum(engine.tensor([1.0, float("nan"), 2.0]))
    tensor(3.)
    """
    return input.isnan().choose(0, input).to(input.dtype).sum(dim, keepdim, dtype=dtype)


@function
def nanmean(input: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Any:
    """The mean of what is not NaN.

    >>> engine.nanmean(engine.tensor([1.0, float("nan"), 2.0]))
    tensor(1.5000)
    """
    if not input.is_floating_point():
        raise DTypeError("nanmean", "a floating-point tensor", input.dtype, "Convert it first: x.float().")
    number = (input == input).sum(dim, keepdim)
    return input.nansum(dim, keepdim, dtype=dtype) / number


@function
def count_nonzero(input: Any, dim: Any = None) -> Any:
    """How many elements are not 0.

    >>> engine.count_nonzero(engine.tensor([[0, 1], [2, 3]]), 1)
    tensor([1, 2])
    """
    return (input != 0).sum(dim)
