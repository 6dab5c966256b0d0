"""Pooling: a summary of every neighbourhood, over one, two or three axes. Inputs are (batch, channel, *space)."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

from engine.array import INT, Abstract, Shape
from engine.errors import ShapeError
from engine.ops.op import Case, Op, Rule, words
from engine.ops.space import ranked, sizes

TWO = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0), "dilation": (1, 1), "ceil": False}
OVERLAPPING = {"kernel": (3, 2), "stride": (2, 1), "padding": (1, 1), "dilation": (1, 1), "ceil": False}
LINE = {"kernel": (3,), "stride": (2,), "padding": (1,), "dilation": (2,), "ceil": True}
SOLID = {"kernel": (2, 1, 2), "stride": (1, 2, 2), "padding": (1, 0, 0), "dilation": (1, 1, 1), "ceil": False}
LAW = (Case(((2, 3, 4, 6),), TWO), Case(((1, 2, 5, 5),), OVERLAPPING), Case(((3, 5, 4),), TWO))
RANKS = (Case(((2, 3, 8),), LINE), Case(((1, 2, 3, 3, 4),), SOLID))
Window = dict[str, Any]


def _window(where: str, n: int, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool) -> Window:
    kernel = sizes(f"{where}: kernel_size", kernel, n)
    if stride is None or (isinstance(stride, tuple | list) and not stride):
        stride = kernel
    return {
        "kernel": kernel,
        "stride": sizes(f"{where}: stride", stride, n),
        "padding": sizes(f"{where}: padding", padding, n),
        "dilation": sizes(f"{where}: dilation", dilation, n),
        "ceil": bool(ceil),
    }


def pooled_size(
    where: str, shape: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil: bool
) -> Shape:
    """The spatial sizes after pooling; with `ceil` a last window that begins inside may reach over the end."""
    n = len(kernel)
    if len(shape) not in (n + 1, n + 2) or not all(shape[-n - 1 :]):
        hint = "The axes are (batch, channel, *space); the batch may be left out, the others may not be empty."
        raise ShapeError(f"{where}{n}d", f"an input with {n + 1} or {n + 2} dims", words(shape), hint)
    if min(kernel) < 1 or min(stride) < 1 or min(dilation) < 1:
        got = f"kernel {words(kernel)}, stride {words(stride)}, dilation {words(dilation)}"
        raise ShapeError(f"{where}{n}d", "kernel sizes, strides (should not be zero) and dilations of at least 1", got)
    each = zip(shape[-n:], kernel, stride, padding, dilation, strict=True)
    found = tuple(_places(where, *axis, ceil) for axis in each)
    if min(found) < 1:
        hint = "Pool less, or take a smaller kernel."
        raise ShapeError(f"{where}{n}d", f"an input of at least {words(kernel)}", words(shape), hint)
    return found


def _places(where: str, n: int, kernel: int, stride: int, padding: int, dilation: int, ceil: bool) -> int:
    reach = dilation * (kernel - 1) + 1
    if padding < 0 or padding > reach // 2:
        raise ShapeError(where, f"padding from 0 to half of the window's {reach} places", padding)
    count = (n + 2 * padding - reach + (stride - 1 if ceil else 0)) // stride + 1
    return count - 1 if ceil and (count - 1) * stride >= n + padding else count


def taps(
    space: Shape, size: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Iterator[tuple[Any, Any]]:
    """For each tap of the window: the places it looks at, and the positions for which those places exist.

    Two keys, of the input and of the pooled output, in the order in which a window is read.
    """
    each = zip(kernel, space, size, stride, padding, dilation, strict=True)
    axes = [[_along(tap, *axis) for tap in range(k)] for k, *axis in each]
    for chosen in product(*axes):
        if None not in chosen:
            yield (Ellipsis, *(c[0] for c in chosen if c)), (Ellipsis, *(c[1] for c in chosen if c))


def _along(
    tap: int, space: int, positions: int, stride: int, padding: int, dilation: int
) -> tuple[slice, slice] | None:
    offset = tap * dilation - padding
    first = max(0, -(offset // stride))
    last = min(positions - 1, (space - 1 - offset) // stride)
    if first > last:
        return None
    start = first * stride + offset
    return slice(start, start + (last - first) * stride + 1, stride), slice(first, last + 1)


class MaxPool(Op):
    """The largest number of every window."""

    latex, promotion = r"\operatorname{{maxpool}}({0})", "none"
    cases = (*LAW, *RANKS)

    @staticmethod
    def forward(xp: Any, x: Any, *, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil: bool) -> Any:
        size, n = pooled_size("max_pool", x.shape, kernel, stride, padding, dilation, ceil), len(kernel)
        y = xp.empty((*x.shape[:-n], *size), x.dtype)
        whole = not any(padding) and not ceil
        if not whole:
            y.fill(_lowest(xp, x.dtype))
        for k, (places, positions) in enumerate(taps(x.shape[-n:], size, kernel, stride, padding, dilation)):
            if whole and k == 0:
                y[...] = x[places]
            else:
                xp.maximum(y[positions], x[places], out=y[positions])
        return y

    @staticmethod
    def infer(x: Any, **attrs: Any) -> Abstract:
        size = pooled_size("max_pool", x.shape, **attrs)
        return Abstract((*x.shape[: -len(size)], *size), x.dtype)

    @staticmethod
    def vjp(g: Any, y: Any, x: Any, **attrs: Any) -> Rule:
        return (g.max_pool_backward(x, y, **attrs),)


def _lowest(xp: Any, dtype: Any) -> Any:
    return -xp.inf if dtype.kind == "f" else xp.iinfo(dtype).min


class MaxPoolBackward(Op):
    """Each window's number given to the first place that is the window's largest."""

    latex, promotion = r"\operatorname{{unpool}}({0})", "none"

    @staticmethod
    def forward(
        xp: Any, g: Any, x: Any, y: Any, *, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil: bool
    ) -> Any:
        full = xp.zeros(x.shape, g.dtype)
        distinct = kernel == stride and set(dilation) == {1}
        for places, positions, chosen in _winners(xp, x, y, kernel, stride, padding, dilation):
            if distinct:
                xp.multiply(g[positions], chosen, out=full[places])
            else:
                full[places] += g[positions] * chosen
        return full

    @staticmethod
    def infer(g: Any, x: Any, y: Any, **attrs: Any) -> Abstract:
        return Abstract(x.shape, g.dtype)

    @staticmethod
    def vjp(h: Any, _: Any, __: Any, x: Any, y: Any, **attrs: Any) -> Rule:
        return h.max_pool_gather(x, y, **attrs), None, None


class MaxPoolGather(Op):
    """From another input, the places that are the windows' largest in x."""

    latex, promotion = r"{0}[\operatorname{{argmax}} {1}]", "none"

    @staticmethod
    def forward(
        xp: Any, h: Any, x: Any, y: Any, *, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil: bool
    ) -> Any:
        found = xp.zeros(y.shape, h.dtype)
        for places, positions, chosen in _winners(xp, x, y, kernel, stride, padding, dilation):
            found[positions] += h[places] * chosen
        return found

    @staticmethod
    def infer(h: Any, x: Any, y: Any, **attrs: Any) -> Abstract:
        return Abstract(y.shape, h.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, __: Any, x: Any, y: Any, **attrs: Any) -> Rule:
        return g.max_pool_backward(x, y, **attrs), None, None


def _winners(
    xp: Any, x: Any, y: Any, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape
) -> Iterator[tuple[Any, Any, Any]]:
    """(places, positions, which of them hold the window's first largest number), tap by tap."""
    free, n = xp.ones(y.shape, bool), len(kernel)
    for places, positions in taps(x.shape[-n:], y.shape[-n:], kernel, stride, padding, dilation):
        chosen = x[places] == y[positions]
        chosen &= free[positions]
        free[positions] ^= chosen
        yield places, positions, chosen


class MaxPoolIndices(Op):
    """Where every window's largest number stands, as a position in the flattened space; no gradient."""

    latex, promotion = r"\operatorname{{argmaxpool}}({0})", "none"

    @staticmethod
    def forward(xp: Any, x: Any, *, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil: bool) -> Any:
        size, n = pooled_size("max_pool", x.shape, kernel, stride, padding, dilation, ceil), len(kernel)
        shape = (*x.shape[:-n], *size)
        best, found, fresh = xp.zeros(shape, x.dtype), xp.zeros(shape, xp.int64), xp.ones(shape, bool)
        numbers = xp.arange(math.prod(x.shape[-n:])).reshape(x.shape[-n:])
        for places, positions in taps(x.shape[-n:], size, kernel, stride, padding, dilation):
            seen = x[places]
            better = (seen > best[positions]) | fresh[positions] | (seen != seen)
            best[positions] = xp.where(better, seen, best[positions])
            found[positions] = xp.where(better, numbers[places], found[positions])
            fresh[positions] = False
        return found

    @staticmethod
    def infer(x: Any, **attrs: Any) -> Abstract:
        return Abstract(MaxPool.infer(x, **attrs).shape, INT)


class AvgPool(Op):
    """The mean of every window; `pad` says whether the padding counts, `divisor` what to divide by instead."""

    latex, jvp, promotion = r"\operatorname{{avgpool}}({0})", "linear", "none"
    cases = tuple(Case(c.shapes, {**c.attrs, "pad": pad}) for c in (*LAW, RANKS[1]) for pad in (True, False))

    @staticmethod
    def forward(
        xp: Any, x: Any, *, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil: bool, pad: bool,
        divisor: int | None = None,
    ) -> Any:  # fmt: skip
        size, n = pooled_size("avg_pool", x.shape, kernel, stride, padding, dilation, ceil), len(kernel)
        y = xp.zeros((*x.shape[:-n], *size), x.dtype)
        for places, positions in taps(x.shape[-n:], size, kernel, stride, padding, dilation):
            y[positions] += x[places]
        counts = _counts(xp, x.shape[-n:], size, kernel, stride, padding, pad, divisor)
        return y * (1 / counts).astype(x.dtype) if x.dtype.kind == "f" else xp.trunc(y / counts).astype(x.dtype)

    @staticmethod
    def infer(x: Any, *, pad: bool, divisor: int | None = None, **attrs: Any) -> Abstract:
        size = pooled_size("avg_pool", x.shape, **attrs)
        return Abstract((*x.shape[: -len(size)], *size), x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, _x: Any, *, kernel: Shape, **attrs: Any) -> Rule:
        return (g.avg_pool_backward(size=tuple(_x.shape[-len(kernel) :]), kernel=kernel, **attrs),)


class AvgPoolBackward(Op):
    """Each window's number shared out among its places."""

    latex, jvp, promotion = r"\operatorname{{share}}({0})", "linear", "none"
    cases = (Case(((2, 3, 2, 3),), {**TWO, "pad": True, "size": (4, 6)}),)

    @staticmethod
    def forward(
        xp: Any, g: Any, *, size: Shape, kernel: Shape, stride: Shape, padding: Shape, dilation: Shape, ceil: bool,
        pad: bool, divisor: int | None = None,
    ) -> Any:  # fmt: skip
        n = len(kernel)
        full, space = xp.zeros((*g.shape[:-n], *size), g.dtype), g.shape[-n:]
        shared = g * (1 / _counts(xp, size, space, kernel, stride, padding, pad, divisor)).astype(g.dtype)
        for places, positions in taps(size, space, kernel, stride, padding, dilation):
            full[places] += shared[positions]
        return full

    @staticmethod
    def infer(g: Any, *, size: Shape, **attrs: Any) -> Abstract:
        return Abstract((*g.shape[: -len(size)], *size), g.dtype)

    @staticmethod
    def vjp(h: Any, _: Any, __: Any, *, size: Shape, **attrs: Any) -> Rule:
        return (h.avg_pool(**attrs),)


def _counts(
    xp: Any, space: Shape, size: Shape, kernel: Shape, stride: Shape, padding: Shape, pad: bool, divisor: int | None
) -> Any:
    """By what every window's sum is divided: the places that count, the padding's part of them only with `pad`."""
    if divisor is not None:
        return xp.asarray(float(divisor))
    total = xp.ones((), xp.float64)
    for n, places, k, s, p in zip(space, size, kernel, stride, padding, strict=True):
        start = xp.arange(places) * s - p
        inside = xp.minimum(start + k, n + p) - start if pad else xp.minimum(start + k, n) - xp.maximum(start, 0)
        total = total[..., None] * inside
    return total


# ------------------------------------------------------------------------------------------------ compositions
@ranked(
    "F.max_pool1d(engine.tensor([[[1.0, 3.0, 2.0, 0.0]]]), 2)\n    tensor([[[3., 2.]]])",
    "F.max_pool2d(engine.eye(4)[None], 2, return_indices=True)[1]\n    tensor([[[ 0,  2],\n             [ 8, 10]]])",
    "F.max_pool3d(engine.ones(1, 1, 4, 4, 4), 3, stride=1).shape\n    engine.Size([1, 1, 2, 2, 2])",
)
def max_pool_nd(
    n: int,
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest number of each window of (batch, channel, *space); with `return_indices` also where it stands.

    stride: the kernel's size when left out. ceil_mode: windows may reach over the end. Padding never wins.
    """
    window = _window(f"max_pool{n}d", n, kernel_size, stride, padding, dilation, ceil_mode)
    if not return_indices:
        return input.max_pool(**window)
    return _at(input, input.detach().max_pool_indices(**window), n)


@ranked(
    "F.max_pool1d_with_indices(engine.tensor([[[1.0, 3.0, 2.0, 0.0]]]), 2)\n"
    "    (tensor([[[3., 2.]]]), tensor([[[1, 2]]]))",
    "F.max_pool2d_with_indices(engine.eye(2)[None], 2)[1]\n    tensor([[[0]]])",
    "F.max_pool3d_with_indices(engine.ones(1, 2, 2, 2), 2)[1]\n    tensor([[[[0]]]])",
)
def max_pool_nd_with_indices(
    n: int,
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest number of each window, and where it stands in the flattened space."""
    return max_pool_nd(n, input, kernel_size, stride, padding, dilation, ceil_mode, True)


def _at(input: Any, indices: Any, n: int) -> tuple[Any, Any]:
    """The numbers at positions of the flattened space, and the positions."""
    flat = input.flatten(-n).gather(-1, indices.flatten(-n))
    return flat.reshape(indices.shape), indices


@ranked(
    "F.avg_pool1d(engine.tensor([[[1.0, 3.0, 2.0, 0.0]]]), 2)\n    tensor([[[2., 1.]]])",
    "F.avg_pool2d(engine.ones(1, 2, 2), 2, padding=1)\n    tensor([[[0.2500, 0.2500],\n"
    "             [0.2500, 0.2500]]])",
    "F.avg_pool3d(engine.ones(1, 1, 4, 4, 4), 2).shape\n    engine.Size([1, 1, 2, 2, 2])",
)
def avg_pool_nd(
    n: int,
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """The mean of each window of (batch, channel, *space).

    count_include_pad: whether the padding's zeros count; divisor_override: divide by this number instead.
    """
    if divisor_override == 0:
        raise ShapeError(f"avg_pool{n}d", "a divisor that is not zero", 0)
    window = _window(f"avg_pool{n}d", n, kernel_size, stride, padding, 1, ceil_mode)
    return input.avg_pool(**window, pad=bool(count_include_pad), divisor=divisor_override)
