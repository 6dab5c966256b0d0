"""Pools: windows of few taps are chains over strided looks at the image, one for each tap."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np

from engine.compiler.graph.ir import FLOAT, Shape
from engine.compiler.lowering.library import Library
from engine.compiler.lowering.rules import rule
from engine.compiler.lowering.symbolic import Array, NoRule
from engine.ops.pool import _counts, pooled_size


def looks(
    xp: Library, x: Array, taps: Shape, positions: Shape, stride: Shape, padding: Shape, dilation: Shape, fill: float
) -> list[Array]:
    """What every tap sees of (..., *space), in the order in which a window is read; outside stands `fill`."""
    n, lead = len(taps), (0,) * (x.ndim - len(taps))
    each = list(zip(positions, taps, stride, dilation, strict=True))
    reach = [(m - 1) * s + d * (k - 1) + 1 for m, k, s, d in each]
    behind = [max(r - size - p, 0) for r, size, p in zip(reach, x.shape[-n:], padding, strict=True)]
    x = xp.framed(x, (*lead, *padding), (*lead, *behind), None, fill)
    return [
        x[(..., *(slice(t * d, t * d + (m - 1) * s + 1, s) for t, (m, _, s, d) in zip(tap, each, strict=True)))]
        for tap in product(*map(range, taps))
    ]


def folded(
    xp: Library, parts: list[Array], size: Shape, taps: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Any:
    """Every tap's numbers added where it looked: the transpose of `looks`.

    With strides, places fall into classes by their remainder; each class is a dense sum, and they are laid between
    each other at the end.
    """
    n, first = len(size), parts[0]
    wide = tuple(-(-k // s) for k, s in zip(size, stride, strict=True))
    classes: dict[Shape, Array] = {}
    for tap, part in zip(product(*map(range, taps)), parts, strict=True):
        places = [divmod(t * d - p, s) for t, d, p, s in zip(tap, dilation, padding, stride, strict=True)]
        low = tuple(a for a, _ in places)
        high = tuple(w - a - m for w, a, m in zip(wide, low, part.shape[-n:], strict=True))
        if any(max(a, 0) >= w or a + m <= 0 for a, w, m in zip(low, wide, part.shape[-n:], strict=True)):
            continue
        lead = (0,) * (part.ndim - n)
        moved, rest = xp.framed(part, (*lead, *low), (*lead, *high)), tuple(r for _, r in places)
        classes[rest] = classes[rest] + moved if rest in classes else moved
    nothing = xp.array(np.zeros((*first.shape[:-n], *wide), first.dtype)) if len(classes) < math.prod(stride) else first
    whole = interleaved(xp, classes, nothing, stride)
    return whole[(..., *(slice(0, k) for k in size))]


def interleaved(xp: Library, classes: dict[Shape, Array], nothing: Array, stride: Shape) -> Any:
    """Arrays by the remainders of their places, laid between each other; `nothing` where a remainder has none."""
    n = len(stride)
    if set(stride) == {1}:
        return classes.get((0,) * n, nothing)
    some = next(iter(classes.values()), nothing)
    lead, wide = some.shape[:-n], some.shape[-n:]
    apart = (*lead, *(m for w in wide for m in (w, 1)))
    grid = {rest: classes.get(rest, nothing).reshape(apart) for rest in product(*map(range, stride))}
    for axis in reversed(range(n)):
        rows = {rest[:axis] for rest in grid}
        at = len(lead) + 2 * axis + 1
        grid = {row: xp.joined([grid[(*row, r)] for r in range(stride[axis])], at) for row in sorted(rows)}
    return grid[()].reshape((*lead, *(w * s for w, s in zip(wide, stride, strict=True))))


# ------------------------------------------------------------------------------------------------------ largest
@rule("max_pool")
def max_pool(
    xp: Library, x: Array, *, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil: bool
) -> Any:
    """The largest of what the taps see."""
    size = pooled_size("max_pool", x.shape, kernel, stride, padding, dilation, ceil)
    seen = looks(xp, x, kernel, size, stride, padding, dilation, _lowest(x.dtype))
    y = seen[0]
    for other in seen[1:]:
        y = xp.maximum(y, other)
    return y


def _lowest(dtype: Any) -> float:
    return -math.inf if dtype.kind == "f" else int(np.iinfo(dtype).min)


def _winner(xp: Library, x: Array, y: Array, window: tuple[Shape, ...]) -> Any:
    """The number of the first tap that sees the window's largest number, as float32; -1 for NaN."""
    kernel, stride, padding, dilation = window
    seen = looks(xp, x, kernel, y.shape[-len(kernel) :], stride, padding, dilation, _lowest(x.dtype))
    code: Any = -1.0
    for tap in reversed(range(len(seen))):
        code = xp.where(seen[tap] == y, FLOAT.type(tap), code if isinstance(code, Array) else FLOAT.type(code))
    return xp.array(code)


@rule("max_pool_backward")
def max_pool_backward(
    xp: Library,
    g: Array,
    x: Array,
    y: Array,
    *,
    kernel: Shape,
    stride: Shape,
    padding: Shape,
    dilation: Shape,
    ceil: bool,
) -> Any:
    """Windows that lie side by side: every place asks whether its tap is the winner; others: sums over the taps."""
    n, code = len(kernel), _winner(xp, x, y, (kernel, stride, padding, dilation))
    inside = all(m * k <= size for m, k, size in zip(y.shape[-n:], kernel, x.shape[-n:], strict=True))
    if kernel == stride and set(dilation) == {1} and not any(padding) and inside:
        return _side_by_side(xp, g, x, code, kernel)
    parts = [xp.where(code == tap, g, g.dtype.type(0)) for tap in range(math.prod(kernel))]
    return folded(xp, parts, x.shape[-n:], kernel, stride, padding, dilation)


def _side_by_side(xp: Library, g: Array, x: Array, code: Array, kernel: Shape) -> Any:
    n = len(kernel)
    lead, many = g.shape[:-n], g.shape[-n:]
    numbers = np.arange(math.prod(kernel), dtype=np.float32).reshape(tuple(k for m in kernel for k in (1, m)))
    apart = (*lead, *(k for m in many for k in (m, 1)))
    spread = xp.where(code.reshape(apart) == numbers, g.reshape(apart), g.dtype.type(0))
    whole = spread.reshape((*lead, *(m * k for m, k in zip(many, kernel, strict=True))))
    rest = tuple(size - m for size, m in zip(x.shape[-n:], whole.shape[-n:], strict=True))
    return xp.framed(whole, (0,) * x.ndim, (*(0,) * len(lead), *rest))


@rule("max_pool_gather")
def max_pool_gather(
    xp: Library,
    h: Array,
    x: Array,
    y: Array,
    *,
    kernel: Shape,
    stride: Shape,
    padding: Shape,
    dilation: Shape,
    ceil: bool,
) -> Any:
    """From another image, what the winning taps see."""
    code = _winner(xp, x, y, (kernel, stride, padding, dilation))
    seen = looks(xp, h, kernel, y.shape[-len(kernel) :], stride, padding, dilation, 0.0)
    found: Any = h.dtype.type(0)
    for tap, look in enumerate(seen):
        found = xp.where(code == tap, look, found)
    return xp.array(found)


# --------------------------------------------------------------------------------------------------------- mean
@rule("avg_pool")
def avg_pool(
    xp: Library, x: Array, *, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil: bool, pad: bool,
    divisor: int | None = None,
) -> Any:  # fmt: skip
    """The sum of what the taps see, over the places that count."""
    if x.dtype.kind != "f":
        raise NoRule("the mean of whole numbers")
    n, size = len(kernel), pooled_size("avg_pool", x.shape, kernel, stride, padding, dilation, ceil)
    seen = looks(xp, x, kernel, size, stride, padding, dilation, 0.0)
    total = seen[0]
    for other in seen[1:]:
        total = total + other
    counts = _counts(np, x.shape[-n:], size, kernel, stride, padding, pad, divisor)
    return total * _uniform((1 / counts).astype(x.dtype))


@rule("avg_pool_backward")
def avg_pool_backward(
    xp: Library, g: Array, *, size: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil: bool,
    pad: bool, divisor: int | None = None,
) -> Any:  # fmt: skip
    """Each window's share for every tap; windows that lie side by side are repeated."""
    n, many = len(kernel), g.shape[-len(kernel) :]
    shared = g * _uniform((1 / _counts(np, size, many, kernel, stride, padding, pad, divisor)).astype(g.dtype))
    inside = all(m * k <= s for m, k, s in zip(many, kernel, size, strict=True))
    if kernel != stride or set(dilation) != {1} or any(padding) or not inside:
        return folded(xp, [shared] * math.prod(kernel), size, kernel, stride, padding, dilation)
    lead = g.shape[:-n]
    apart = shared.reshape((*lead, *(k for m in many for k in (m, 1))))
    wide = xp.expanded(apart, (*lead, *(k for m, taps in zip(many, kernel, strict=True) for k in (m, taps))))
    whole = wide.reshape((*lead, *(m * k for m, k in zip(many, kernel, strict=True))))
    rest = tuple(s - m for s, m in zip(size, whole.shape[-n:], strict=True))
    return xp.framed(whole, (0,) * g.ndim, (*(0,) * len(lead), *rest))


def _uniform(factors: Any) -> Any:
    """One number, where all are the same."""
    return factors.flat[0] if factors.size and (factors == factors.flat[0]).all() else factors


# ------------------------------------------------------------------------------------------------ windows as axes
@rule("unfold")
def unfold(xp: Library, x: Array, *, dim: int, size: int, step: int) -> Any:
    """Windows along an axis, as a new last axis."""
    if not x.ndim or not size:
        raise NoRule("no axis, or no tap")
    return xp.window(x, dim, size, step, 1)


@rule("unfold_backward")
def unfold_backward(xp: Library, g: Array, *, dim: int, size: int, step: int, shape: Shape) -> Any:
    """Windows laid back."""
    if not shape or not size:
        raise NoRule("no axis, or no tap")
    parts = [xp.moveaxis(g[..., k], dim, -1) for k in range(size)]
    whole = folded(xp, parts, (shape[dim],), (size,), (step,), (0,), (1,))
    return xp.moveaxis(whole, -1, dim)


@rule("patches")
def patches(xp: Library, x: Array, *, taps: Shape, stride: Shape, dilation: Shape) -> Any:
    """What a window sees at every position, taps before positions."""
    seen = xp.window(xp.window(x, 2, taps[0], stride[0], dilation[0]), 3, taps[1], stride[1], dilation[1])
    return seen.transpose((0, 1, 4, 5, 2, 3))


@rule("patches_backward")
def patches_backward(xp: Library, g: Array, *, size: Shape, stride: Shape, dilation: Shape) -> Any:
    """Patches laid back."""
    parts = [g[:, :, i, j] for i, j in product(range(g.shape[2]), range(g.shape[3]))]
    return folded(xp, parts, size, g.shape[2:4], stride, (0, 0), dilation)
