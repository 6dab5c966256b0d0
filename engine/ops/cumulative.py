"""Running sums, products and extremes along an axis, differences, and integrals by the trapezoidal rule."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np

from engine.array import Abstract
from engine.errors import ArgumentError, ShapeError
from engine.ops.joining import cat
from engine.ops.op import INT, Case, Op, axes_of, axis_of, function, words

Call = tuple[tuple[Any, ...], dict[str, Any]]
ALONG = (Case(((3, 4),), {"dim": 1}), Case(((3, 4),), {"dim": 0}), Case(((0, 3),), {"dim": 0}), Case(((),), {"dim": 0}))


def summed(x: Any, dtype: Any) -> Any:
    """x as sums and products want it: in the type that was asked for, else whole numbers as int64."""
    return x.to(dtype) if dtype is not None else x if x.is_floating_point() else x.to(INT)


def _running(where: str, input: Any, dim: int, dtype: Any = None) -> Call:
    return (summed(input, dtype),), {"dim": axis_of(where, dim, input.ndim)}


class Along(Op, abstract=True):
    """Ops that keep shape and dtype and run along one axis."""

    promotion = "none"
    infer = lambda x, *rest, dim: Abstract(x.shape, x.dtype)


class Cumsum(Along):
    """Running sums along an axis.

    >>> engine.cumsum(engine.tensor([1.0, 2.0, 3.0]), 0)
    tensor([1., 3., 6.])
    """

    latex, jvp, cases = r"\operatorname{{cumsum}}({0})", "linear", ALONG
    bind = lambda input, dim, *, dtype=None: _running("cumsum", input, dim, dtype)
    forward = lambda xp, x, *, dim: xp.cumsum(x, axis=dim, dtype=x.dtype) if x.ndim else x.copy()
    vjp = lambda g, _, _x, *, dim: (g.flip((dim,)).cumsum(dim).flip((dim,)) if _x.ndim else g,)


class Cumprod(Along):
    """Running products along an axis; the gradient is right at zeros too: nothing is divided.

    >>> engine.cumprod(engine.tensor([1.0, 2.0, 3.0]), 0)
    tensor([1., 2., 6.])
    """

    latex, cases = r"\operatorname{{cumprod}}({0})", ALONG
    bind = lambda input, dim, *, dtype=None: _running("cumprod", input, dim, dtype)
    forward = lambda xp, x, *, dim: xp.cumprod(x, axis=dim, dtype=x.dtype) if x.ndim else x.copy()

    @staticmethod
    def vjp(g: Any, y: Any, x: Any, *, dim: int) -> Any:
        """The product of what comes before i, times r_i = g_i + x_{i+1} r_{i+1}, what comes behind."""
        if not x.ndim:
            return (g,)
        return (shifted(y, dim, 1.0) * behind(g, x, dim),)


class Scan(Along):
    """h_i = a_i * h_{i-1} + b_i along an axis, from h = 0: what running products and their gradients are made of."""

    latex, cases = (
        r"\operatorname{{scan}}({0}, {1})",
        (Case(((3, 4), (3, 4)), {"dim": 1}), Case(((5, 2), (5, 2)), {"dim": 0})),
    )
    promotion = "promote"

    @staticmethod
    def forward(xp: Any, a: Any, b: Any, *, dim: int) -> Any:
        """By doubling: after each round a and b speak of twice as many steps (Hillis and Steele 1986)."""
        a, h, n, step = xp.moveaxis(a, dim, 0).copy(), xp.moveaxis(b, dim, 0).copy(), a.shape[dim], 1
        while step < n:
            h[step:] += a[step:] * h[:-step].copy()
            a[step:] = a[step:] * a[:-step]
            step *= 2
        return xp.ascontiguousarray(xp.moveaxis(h, 0, dim))

    @staticmethod
    def vjp(g: Any, h: Any, a: Any, _: Any, *, dim: int) -> Any:
        u = behind(g, a, dim)
        return u * shifted(h, dim, 0.0), u


def behind(g: Any, a: Any, dim: int) -> Any:
    """u_i = g_i + a_{i+1} u_{i+1}: a scan from the end."""
    turned = a.flip((dim,))
    return shifted(turned, dim, 0.0).scan(g.flip((dim,)), dim=dim).flip((dim,))


def shifted(x: Any, dim: int, first: float) -> Any:
    """x moved by one along an axis: `first` enters, the last one leaves."""
    if not x.shape[dim]:
        return x
    head = x.narrow(dim, 0, 1).filled(value=first)
    return head.cat_with(x.narrow(dim, 0, x.shape[dim] - 1), dim=dim)


class Logcumsumexp(Along):
    """ln(e**x_0 + ... + e**x_i) for every i, without overflow.

    >>> engine.logcumsumexp(engine.tensor([1000.0, 1000.0]), 0)
    tensor([1000.0000, 1000.6932])
    """

    latex, cases, promotion = r"\ln\operatorname{{cumsum}}(e^{{{0}}})", ALONG, "float"
    bind = lambda input, dim: ((input,), {"dim": axis_of("logcumsumexp", dim, input.ndim)})
    forward = lambda xp, x, *, dim: running(xp, xp.logaddexp, x, dim)

    @staticmethod
    def vjp(g: Any, y: Any, x: Any, *, dim: int) -> Any:
        """e**(x_i - y_i) * u_i with u_i = g_i + e**(y_i - y_{i+1}) u_{i+1}: no exponential exceeds 1."""
        if not x.ndim:
            return (g,)
        safe = y.isfinite().choose(y, 0.0)
        return ((x - safe).exp() * behind(g, (shifted(y, dim, -math.inf) - safe).exp(), dim),)


def running(xp: Any, pair: Any, x: Any, dim: int) -> Any:
    """A function of two numbers run along an axis."""
    if not x.ndim or not x.size:
        return x.copy()
    if xp is np:
        return pair.accumulate(x, axis=dim)
    y, step = xp.moveaxis(x, dim, 0).copy(), 1
    while step < y.shape[0]:
        y[step:] = pair(y[step:], y[:-step].copy())
        step *= 2
    return xp.moveaxis(y, 0, dim)


class CummaxIndices(Op):
    """Where the largest element so far is (the last one of equals; a NaN stays)."""

    latex, promotion = r"\operatorname{{argcummax}}({0})", "none"
    bind = lambda input, dim: ((input,), {"dim": axis_of("cummax", dim, input.ndim)})
    forward = lambda xp, x, *, dim: _record_places(xp, xp.maximum, x, dim)
    infer = lambda x, *, dim: Abstract(x.shape, INT)


class CumminIndices(Op):
    """Where the smallest element so far is (the last one of equals; a NaN stays)."""

    latex, promotion = r"\operatorname{{argcummin}}({0})", "none"
    bind = lambda input, dim: ((input,), {"dim": axis_of("cummin", dim, input.ndim)})
    forward = lambda xp, x, *, dim: _record_places(xp, xp.minimum, x, dim)
    infer = lambda x, *, dim: Abstract(x.shape, INT)


def _record_places(xp: Any, pair: Any, x: Any, dim: int) -> Any:
    if not x.ndim:
        return xp.zeros((), xp.int64)
    best = running(xp, pair, x, dim)
    places = xp.arange(x.shape[dim]).reshape([-1 if i == dim else 1 for i in range(x.ndim)])
    return running(xp, xp.maximum, xp.where((x == best) | (x != x), places, 0), dim)


class Running(NamedTuple):
    """The extreme so far, and where it is."""

    values: Any
    indices: Any


@function
def cummax(input: Any, dim: int) -> Running:
    """The largest element so far along an axis, and where it is: (values, indices).

    >>> engine.cummax(engine.tensor([1.0, 3.0, 2.0]), 0).values
    tensor([1., 3., 3.])
    """
    return _gathered(input, dim, input.cummax_indices(dim))


@function
def cummin(input: Any, dim: int) -> Running:
    """The smallest element so far along an axis, and where it is: (values, indices).

    >>> engine.cummin(engine.tensor([3.0, 1.0, 2.0]), 0).values
    tensor([3., 1., 1.])
    """
    return _gathered(input, dim, input.cummin_indices(dim))


def _gathered(x: Any, dim: int, places: Any) -> Running:
    return Running(x.gather(dim, places) if x.ndim else x.clone(), places)


# ------------------------------------------------------------------------------------- differences and integrals
@function
def diff(input: Any, n: int = 1, dim: int = -1, prepend: Any = None, append: Any = None) -> Any:
    """Differences of neighbours along an axis, n times.

    >>> engine.diff(engine.tensor([1.0, 4.0, 9.0]))
    tensor([3., 5.])
    """
    if not input.ndim:
        raise ShapeError("diff", "at least one axis", "a single number")
    if n < 0:
        raise ArgumentError("diff", "n from 0 on", n)
    axis = axis_of("diff", dim, input.ndim)
    if n == 0:
        return input
    parts = [t for t in (prepend, input, append) if t is not None]
    x = input if len(parts) == 1 else cat([t.expand(_beside(input, t, axis)) if not t.ndim else t for t in parts], axis)
    for _ in range(min(n, x.shape[axis])):
        size = x.shape[axis] - 1
        late, early = x.narrow(axis, 1, size), x.narrow(axis, 0, size)
        x = late ^ early if "bool" in str(x.dtype) else late - early
    return x


def _beside(x: Any, _t: Any, axis: int) -> tuple[int, ...]:
    return tuple(1 if i == axis else n for i, n in enumerate(x.shape))


def _widths(y: Any, x: Any, dx: Any, dim: int, where: str) -> Any:
    """The distances between the sample points: a number, or a tensor that broadcasts with y's neighbours."""
    if x is None:
        return 1 if dx is None else dx
    if x.ndim == 1 and y.ndim > 1:
        if x.shape[0] != y.shape[dim]:
            raise ShapeError(where, f"{y.shape[dim]} sample points", words(x.shape))
        x = x.reshape([-1 if i == axis_of(where, dim, y.ndim) else 1 for i in range(y.ndim)])
    return x.diff(1, dim) if x.ndim else 0


def _slices(y: Any, x: Any, dx: Any, dim: int, where: str) -> Any:
    """The areas of the trapezoids (times 2)."""
    width = _widths(y, x, dx, dim, where)
    size = y.shape[dim] - 1
    if size < 0:
        return y
    return (y.narrow(dim, 1, size) + y.narrow(dim, 0, size)) * width


@function
def trapezoid(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Any:
    """The integral along an axis by the trapezoidal rule, at the points x or with the distance dx.

    >>> engine.trapezoid(engine.tensor([1.0, 5.0, 10.0]))
    tensor(10.5000)
    """
    return _slices(y, x, dx, dim, "trapezoid").sum(dim) / 2


@function
def trapz(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Any:
    """The integral along an axis by the trapezoidal rule: another name of `trapezoid`.

    >>> engine.trapz(engine.tensor([1.0, 5.0, 10.0]))
    tensor(10.5000)
    """
    return trapezoid(y, x, dx=dx, dim=dim)


@function
def cumulative_trapezoid(y: Any, x: Any = None, *, dx: Any = None, dim: int = -1) -> Any:
    """The integral up to every point along an axis by the trapezoidal rule.

    >>> engine.cumulative_trapezoid(engine.tensor([1.0, 5.0, 10.0]))
    tensor([ 3.0000, 10.5000])
    """
    return _slices(y, x, dx, dim, "cumulative_trapezoid").cumsum(dim) / 2


@function
def gradient(input: Any, *, spacing: Any = 1, dim: Any = None, edge_order: int = 1) -> tuple[Any, ...]:
    """The slopes of sampled values along axes: central differences inside, one-sided ones at the edges.

    >>> engine.gradient(engine.tensor([1.0, 4.0, 9.0, 16.0]))
    (tensor([3., 4., 6., 7.]),)
    """
    dims = range(input.ndim) if dim is None else dim if isinstance(dim, tuple | list) else (dim,)
    axes = axes_of("gradient", tuple(dims), input.ndim)
    spacing = 1 if spacing is None else spacing
    if edge_order not in (1, 2):
        raise ArgumentError("gradient", "edge_order 1 or 2", edge_order)
    given = list(spacing) if isinstance(spacing, tuple | list) else [spacing] * len(axes)
    if len(given) != len(axes):
        raise ArgumentError("gradient", f"a spacing for each of {len(axes)} axes", f"{len(given)}")
    return tuple(_slope(input, axis, space, edge_order) for axis, space in zip(axes, given, strict=True))


def _slope(x: Any, axis: int, space: Any, edge_order: int) -> Any:
    n = x.shape[axis]
    if n <= edge_order:
        raise ShapeError("gradient", f"at least {edge_order + 1} samples along axis {axis}", n)
    x = x if x.is_floating_point() else x * 1.0
    if hasattr(space, "shape"):
        widths = space.diff().to(x.dtype).reshape([-1 if i == axis else 1 for i in range(x.ndim)])
        steps = [widths.narrow(axis, i % (n - 1), 1) for i in (0, 1, -2, -1)] if n > 2 else [widths] * 4
        left, right = widths.narrow(axis, 0, n - 2), widths.narrow(axis, 1, n - 2)
    else:
        steps = [space] * 4
    inner = []
    if n > 2:
        low, mid, high = (x.narrow(axis, i, n - 2) for i in range(3))
        inner = [(high - low) / (2 * space)]
        if hasattr(space, "shape"):
            inner = [((high - mid) / right * left + (mid - low) / left * right) / (left + right)]
    jumps = x.diff(1, axis)
    first = _edge(jumps, axis, (0, 1), steps[:2], edge_order)
    last = _edge(jumps, axis, (n - 2, n - 3), steps[:1:-1], edge_order)
    return cat([first, *inner, last], axis)


def _edge(jumps: Any, axis: int, places: tuple[int, int], steps: Any, edge_order: int) -> Any:
    """The slope at an edge: one-sided, or (order 2) that of the parabola through three samples."""
    a, b = steps
    near = jumps.narrow(axis, places[0], 1) / a
    if edge_order == 1:
        return near
    return near + (near - jumps.narrow(axis, places[1], 1) / b) * (a / (a + b))
