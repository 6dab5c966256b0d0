"""Reductions: many numbers become fewer."""

from __future__ import annotations

import math
from typing import Any

from engine.array import Abstract
from engine.errors import ArgumentError
from engine.ops.op import BOOL, INT, Case, Op, Rule, axes_of, axis_of, count, reduced

Call = tuple[tuple[Any, ...], dict[str, Any]]
AXES = (
    Case(((3, 4),), {"dim": None}),
    Case(((3, 4),), {"dim": (0,)}),
    Case(((2, 3, 4),), {"dim": (0, 2), "keepdim": True}),
    Case(((2, 3, 4),), {"dim": (1,)}),
)


def _bound(where: str, x: Any, dim: Any, keepdim: bool) -> dict[str, Any]:
    return {"dim": None if dim is None else axes_of(where, dim, x.ndim), "keepdim": keepdim}


def _inferred(x: Any, dim: Any, keepdim: bool, dtype: Any = None) -> Abstract:
    axes = tuple(range(x.ndim)) if dim is None else dim
    return Abstract(reduced(x.shape, axes, keepdim), dtype or x.dtype)


def kept(x: Any, dim: Any) -> tuple[int, ...]:
    """The shape of x with the reduced axes kept as 1."""
    return reduced(x.shape, axes_of("sum", dim, x.ndim), True)


class Sum(Op):
    """The sum along axes (all of them when `dim` is left out)."""

    latex, jvp, promotion, cases = r"\sum {0}", "linear", "none", AXES

    @staticmethod
    def bind(x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Call:
        if dtype is not None:
            x = x.to(dtype)
        elif not x.is_floating_point():
            x = x.to(INT)
        return (x,), _bound("sum", x, dim, keepdim)

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
        return xp.add.reduce(x, axis=dim, keepdims=keepdim)

    @staticmethod
    def infer(x: Any, *, dim: Any = None, keepdim: bool = False) -> Abstract:
        return _inferred(x, dim, keepdim)

    @staticmethod
    def vjp(g: Any, _: Any, _x: Any, *, dim: Any = None, keepdim: bool = False) -> Rule:
        return ((g if keepdim else g.reshape(kept(_x, dim))).expand(_x.shape),)


class Mean(Op):
    """The mean along axes (all of them when `dim` is left out)."""

    latex, jvp, promotion, cases = r"\operatorname{{mean}}({0})", "linear", "none", AXES

    @staticmethod
    def bind(x: Any, dim: Any = None, keepdim: bool = False, *, dtype: Any = None) -> Call:
        x = x if dtype is None else x.to(dtype)
        if not x.is_floating_point():
            raise ArgumentError("mean", "a floating-point tensor", x.dtype, "Convert it first: x.float().mean().")
        return (x,), _bound("mean", x, dim, keepdim)

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
        total = xp.add.reduce(x, axis=dim, keepdims=keepdim)
        return total * (1.0 / (count(x.shape, dim) or math.nan))

    @staticmethod
    def infer(x: Any, *, dim: Any = None, keepdim: bool = False) -> Abstract:
        return _inferred(x, dim, keepdim)

    @staticmethod
    def vjp(g: Any, _: Any, _x: Any, *, dim: Any = None, keepdim: bool = False) -> Rule:
        share = g * (1.0 / (count(_x.shape, dim) or math.nan))
        return ((share if keepdim else share.reshape(kept(_x, dim))).expand(_x.shape),)


class Extreme(Op, abstract=True):
    """Largest or smallest element; equal ones share the gradient."""

    promotion = "none"

    @staticmethod
    def bind(x: Any, dim: Any = (), keepdim: bool = False) -> Call:
        return (x,), _bound("amax", x, None if dim == () else dim, keepdim)

    @staticmethod
    def infer(x: Any, *, dim: Any = None, keepdim: bool = False) -> Abstract:
        return _inferred(x, dim, keepdim)

    @staticmethod
    def vjp(g: Any, y: Any, x: Any, *, dim: Any = None, keepdim: bool = False) -> Rule:
        shape = kept(x, dim)
        chosen = (x == y.reshape(shape)).to(x.dtype)
        return (chosen / chosen.sum(dim, True) * g.reshape(shape),)


class Amax(Extreme):
    """The largest element along axes; equal ones share the gradient."""

    latex, cases = r"\max({0})", AXES

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
        _refuse_empty("amax", x, dim)
        return x.max(axis=dim, keepdims=keepdim)


class Amin(Extreme):
    """The smallest element along axes; equal ones share the gradient."""

    latex, cases = r"\min({0})", AXES

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
        _refuse_empty("amin", x, dim)
        return x.min(axis=dim, keepdims=keepdim)


def _refuse_empty(where: str, x: Any, dim: Any) -> None:
    if not count(x.shape, dim):
        raise ArgumentError(where, "at least one element to choose from", f"shape {list(x.shape)}")


class Prod(Op):
    """The product along one axis (of everything when `dim` is left out); right at zeros too."""

    latex, promotion = r"\prod {0}", "none"
    cases = (Case(((3, 4),), {"dim": 1}), Case(((2, 3, 2),), {"dim": 0, "keepdim": True}))

    @staticmethod
    def bind(x: Any, dim: int | None = None, keepdim: bool = False, *, dtype: Any = None) -> Call:
        if dtype is not None:
            x = x.to(dtype)
        elif not x.is_floating_point():
            x = x.to(INT)
        if dim is None:
            return (x.reshape((-1,)),), {"dim": 0, "keepdim": False}
        return (x,), {"dim": axis_of("prod", dim, x.ndim), "keepdim": keepdim}

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: int, keepdim: bool = False) -> Any:
        return x.prod(axis=dim, keepdims=keepdim)

    @staticmethod
    def infer(x: Any, *, dim: int, keepdim: bool = False) -> Abstract:
        return _inferred(x, (dim,), keepdim)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, *, dim: int, keepdim: bool = False) -> Rule:
        """Each element's slope is the product of those before it and of those behind it: nothing is divided."""
        n = x.shape[dim]
        before, behind = x.narrow(dim, 0, 1) * 0 + 1, x.narrow(dim, 0, 1) * 0 + 1
        left, right = [before], [behind]
        for i in range(n - 1):
            left.append(left[-1] * x.narrow(dim, i, 1))
            right.append(right[-1] * x.narrow(dim, n - 1 - i, 1))
        slopes = [a * b for a, b in zip(left, reversed(right), strict=True)]
        return ((g if keepdim else g.unsqueeze(dim)) * slopes[0].cat_with(*slopes[1:], dim=dim),)


class Arg(Op, abstract=True):
    """Where the extreme element is; no gradient."""

    promotion = "none"

    @staticmethod
    def bind(x: Any, dim: int | None = None, keepdim: bool = False) -> Call:
        if dim is None:
            return (x.reshape((-1,)),), {"dim": 0, "keepdim": False}
        return (x,), {"dim": axis_of("argmax", dim, x.ndim), "keepdim": keepdim}

    @staticmethod
    def infer(x: Any, *, dim: int, keepdim: bool = False) -> Abstract:
        return _inferred(x, (dim,), keepdim, INT)


class Argmax(Arg):
    """The position of the largest element along an axis (the first one of equals)."""

    latex = r"\operatorname{{argmax}}({0})"

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: int, keepdim: bool = False) -> Any:
        _refuse_empty("argmax", x, (dim,) if x.ndim else None)
        return x.argmax(axis=dim if x.ndim else None, keepdims=keepdim)


class Argmin(Arg):
    """The position of the smallest element along an axis (the first one of equals)."""

    latex = r"\operatorname{{argmin}}({0})"

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: int, keepdim: bool = False) -> Any:
        _refuse_empty("argmin", x, (dim,) if x.ndim else None)
        return x.argmin(axis=dim if x.ndim else None, keepdims=keepdim)


class Argsort(Op):
    """The order that sorts an axis; equal elements keep their order; no gradient."""

    latex, promotion = r"\operatorname{{argsort}}({0})", "none"

    @staticmethod
    def bind(x: Any, dim: int = -1, descending: bool = False, stable: bool = True) -> Call:
        return (x,), {"dim": axis_of("argsort", dim, x.ndim), "descending": descending}

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: int, descending: bool = False) -> Any:
        if not descending:
            return xp.argsort(x, axis=dim, kind="stable")
        turned = xp.argsort(xp.flip(x, dim), axis=dim, kind="stable")
        return x.shape[dim] - 1 - xp.flip(turned, dim)

    @staticmethod
    def infer(x: Any, *, dim: int, descending: bool = False) -> Abstract:
        return Abstract(x.shape, INT)


class Cumsum(Op):
    """Running sums along an axis."""

    latex, jvp, promotion = r"\operatorname{{cumsum}}({0})", "linear", "none"
    cases = (Case(((3, 4),), {"dim": 1}), Case(((3, 4),), {"dim": 0}))

    @staticmethod
    def bind(x: Any, dim: int, *, dtype: Any = None) -> Call:
        if dtype is not None:
            x = x.to(dtype)
        elif not x.is_floating_point():
            x = x.to(INT)
        return (x,), {"dim": axis_of("cumsum", dim, x.ndim)}

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: int) -> Any:
        return xp.cumsum(x, axis=dim) if x.ndim else x.copy()

    @staticmethod
    def infer(x: Any, *, dim: int) -> Abstract:
        return Abstract(x.shape, x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, _x: Any, *, dim: int) -> Rule:
        return (g.flip((dim,)).cumsum(dim).flip((dim,)) if _x.ndim else g,)


class Logsumexp(Op):
    """ln(sum of e**x) along axes, without overflow."""

    latex, promotion = r"\ln \sum e^{{{0}}}", "float"
    cases = (Case(((3, 4),), {"dim": (1,)}), Case(((2, 3, 4),), {"dim": (0, 2), "keepdim": True}))

    @staticmethod
    def bind(x: Any, dim: Any, keepdim: bool = False) -> Call:
        return (x,), _bound("logsumexp", x, dim, keepdim)

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
        top = x.max(axis=dim, keepdims=True)
        top = xp.where(xp.isfinite(top), top, 0).astype(x.dtype)
        total = xp.log(xp.exp(x - top).sum(axis=dim, keepdims=keepdim))
        return total + (top if keepdim else top.reshape(total.shape))

    @staticmethod
    def infer(x: Any, *, dim: Any = None, keepdim: bool = False) -> Abstract:
        return _inferred(x, dim, keepdim)

    @staticmethod
    def vjp(g: Any, y: Any, x: Any, *, dim: Any = None, keepdim: bool = False) -> Rule:
        shape = kept(x, dim)
        safe = y.reshape(shape)
        return (g.reshape(shape) * (x - safe.isfinite().choose(safe, 0.0)).exp(),)


class AnyTrue(Op):
    """Whether any element is true."""

    name, latex, promotion = "any", r"\exists {0}", "none"

    @staticmethod
    def bind(x: Any, dim: Any = None, keepdim: bool = False) -> Call:
        return (x,), _bound("any", x, dim, keepdim)

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
        return x.any(axis=dim, keepdims=keepdim)

    @staticmethod
    def infer(x: Any, *, dim: Any = None, keepdim: bool = False) -> Abstract:
        return _inferred(x, dim, keepdim, BOOL)


class AllTrue(Op):
    """Whether every element is true."""

    name, latex, promotion = "all", r"\forall {0}", "none"

    @staticmethod
    def bind(x: Any, dim: Any = None, keepdim: bool = False) -> Call:
        return (x,), _bound("all", x, dim, keepdim)

    @staticmethod
    def forward(xp: Any, x: Any, *, dim: Any = None, keepdim: bool = False) -> Any:
        return x.all(axis=dim, keepdims=keepdim)

    @staticmethod
    def infer(x: Any, *, dim: Any = None, keepdim: bool = False) -> Abstract:
        return _inferred(x, dim, keepdim, BOOL)
