"""Pooling: a summary of every neighbourhood of an image. Images are (batch, channel, height, width)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.array import Abstract, Shape
from engine.errors import ArgumentError, ShapeError
from engine.ops.conv import Pair, pair
from engine.ops.op import Case, Op, Rule, function, words

Call = tuple[tuple[Any, ...], dict[str, Any]]
TWO = {"kernel": (2, 2), "stride": (2, 2), "padding": (0, 0), "dilation": (1, 1), "ceil": False}
OVERLAPPING = {"kernel": (3, 2), "stride": (2, 1), "padding": (1, 1), "dilation": (1, 1), "ceil": False}


def pooled_size(
    where: str, shape: Shape, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil: bool
) -> Pair:
    """(height, width) after pooling."""
    if len(shape) not in (3, 4):
        raise ShapeError(where, "an image (batch, channel, height, width)", words(shape))
    sizes = []
    for n, k, s, p, d in zip(shape[-2:], kernel, stride, padding, dilation, strict=True):
        if 2 * p > k:
            raise ArgumentError(where, f"padding of at most half the kernel size {k}", p)
        extra = (s - 1) if ceil else 0
        size = (n + 2 * p - d * (k - 1) - 1 + extra) // s + 1
        sizes.append(size - 1 if ceil and (size - 1) * s >= n + p else size)
    if min(sizes) < 1:
        raise ShapeError(
            where, f"an image of at least {words(kernel)}", words(shape), "Pool less, or take a smaller kernel."
        )
    return sizes[0], sizes[1]


def taps(
    shape: Shape, size: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Iterator[tuple[Any, Any]]:
    """For each tap of the window: the pixels it looks at, and the positions for which those pixels exist.

    Two keys, (..., rows, columns) of the image and of the pooled image, in the order in which a window is read.
    """
    for i in range(kernel[0]):
        rows = _along(i, shape[-2], size[0], stride[0], padding[0], dilation[0])
        for j in range(kernel[1]):
            columns = _along(j, shape[-1], size[1], stride[1], padding[1], dilation[1])
            if rows is not None and columns is not None:
                yield (Ellipsis, rows[0], columns[0]), (Ellipsis, rows[1], columns[1])


def _along(
    tap: int, pixels: int, positions: int, stride: int, padding: int, dilation: int
) -> tuple[slice, slice] | None:
    offset = tap * dilation - padding
    first = max(0, -(offset // stride))
    last = min(positions - 1, (pixels - 1 - offset) // stride)
    if first > last:
        return None
    start = first * stride + offset
    return slice(start, start + (last - first) * stride + 1, stride), slice(first, last + 1)


class MaxPool2d(Op):
    """The largest number of every window."""

    latex, promotion = r"\operatorname{{maxpool}}({0})", "none"
    cases = (Case(((2, 3, 4, 6),), TWO), Case(((1, 2, 5, 5),), OVERLAPPING), Case(((3, 5, 4),), TWO))

    @staticmethod
    def bind(
        x: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        dilation: Any = 1,
        ceil_mode: bool = False,
        return_indices: bool = False,
    ) -> Call:
        if return_indices:
            raise ArgumentError("max_pool2d", "return_indices=False", True)
        return (x,), _window("max_pool2d", kernel_size, stride, padding, dilation, ceil_mode)

    @staticmethod
    def forward(xp: Any, x: Any, *, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil: bool) -> Any:
        size = pooled_size("max_pool2d", x.shape, kernel, stride, padding, dilation, ceil)
        y = xp.empty((*x.shape[:-2], *size), x.dtype)
        whole = padding == (0, 0) and not ceil
        if not whole:
            y.fill(-xp.inf if x.dtype.kind == "f" else xp.iinfo(x.dtype).min)
        for k, (pixels, positions) in enumerate(taps(x.shape, size, kernel, stride, padding, dilation)):
            if whole and k == 0:
                y[...] = x[pixels]
            else:
                xp.maximum(y[positions], x[pixels], out=y[positions])
        return y

    @staticmethod
    def infer(x: Any, **attrs: Any) -> Abstract:
        return Abstract((*x.shape[:-2], *pooled_size("max_pool2d", x.shape, **attrs)), x.dtype)

    @staticmethod
    def vjp(g: Any, y: Any, x: Any, **attrs: Any) -> Rule:
        return (g.max_pool2d_backward(x, y, **attrs),)


class MaxPool2dBackward(Op):
    """Each window's number given to the first pixel that is the window's largest."""

    name, latex, promotion = "max_pool2d_backward", r"\operatorname{{unpool}}({0})", "none"

    @staticmethod
    def forward(
        xp: Any, g: Any, x: Any, y: Any, *, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil: bool
    ) -> Any:
        full = xp.zeros(x.shape, g.dtype)
        distinct = kernel == stride and dilation == (1, 1)
        for pixels, positions, chosen in _winners(xp, x, y, kernel, stride, padding, dilation):
            if distinct:
                xp.multiply(g[positions], chosen, out=full[pixels])
            else:
                full[pixels] += g[positions] * chosen
        return full

    @staticmethod
    def infer(g: Any, x: Any, y: Any, **attrs: Any) -> Abstract:
        return Abstract(x.shape, g.dtype)

    @staticmethod
    def vjp(h: Any, _: Any, __: Any, x: Any, y: Any, **attrs: Any) -> Rule:
        return h.max_pool2d_gather(x, y, **attrs), None, None


class MaxPool2dGather(Op):
    """From another image, the pixels that are the windows' largest in x."""

    name, latex, promotion = "max_pool2d_gather", r"{0}[\operatorname{{argmax}} {1}]", "none"

    @staticmethod
    def forward(
        xp: Any, h: Any, x: Any, y: Any, *, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil: bool
    ) -> Any:
        found = xp.zeros(y.shape, h.dtype)
        for pixels, positions, chosen in _winners(xp, x, y, kernel, stride, padding, dilation):
            found[positions] += h[pixels] * chosen
        return found

    @staticmethod
    def infer(h: Any, x: Any, y: Any, **attrs: Any) -> Abstract:
        return Abstract(y.shape, h.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, __: Any, x: Any, y: Any, **attrs: Any) -> Rule:
        return g.max_pool2d_backward(x, y, **attrs), None, None


def _winners(
    xp: Any, x: Any, y: Any, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair
) -> Iterator[tuple[Any, Any, Any]]:
    """(pixels, positions, which of them hold the window's first largest number), tap by tap."""
    free = xp.ones(y.shape, bool)
    for pixels, positions in taps(x.shape, y.shape[-2:], kernel, stride, padding, dilation):
        chosen = x[pixels] == y[positions]
        chosen &= free[positions]
        free[positions] ^= chosen
        yield pixels, positions, chosen


class AvgPool2d(Op):
    """The mean of every window; `pad` says whether the padding counts."""

    latex, jvp, promotion = r"\operatorname{{avgpool}}({0})", "linear", "none"
    cases = (
        Case(((2, 3, 4, 6),), {**TWO, "pad": True}),
        Case(((1, 2, 5, 5),), {**OVERLAPPING, "pad": True}),
        Case(((1, 2, 5, 5),), {**OVERLAPPING, "pad": False}),
    )

    @staticmethod
    def bind(
        x: Any,
        kernel_size: Any,
        stride: Any = None,
        padding: Any = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> Call:
        if divisor_override is not None or ceil_mode:
            raise ArgumentError("avg_pool2d", "ceil_mode=False and no divisor_override", (ceil_mode, divisor_override))
        return (x,), {**_window("avg_pool2d", kernel_size, stride, padding, 1, ceil_mode), "pad": count_include_pad}

    @staticmethod
    def forward(
        xp: Any, x: Any, *, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil: bool, pad: bool
    ) -> Any:
        size = pooled_size("avg_pool2d", x.shape, kernel, stride, padding, dilation, ceil)
        y = xp.zeros((*x.shape[:-2], *size), x.dtype)
        for pixels, positions in taps(x.shape, size, kernel, stride, padding, dilation):
            y[positions] += x[pixels]
        y *= _shares(xp, x, size, kernel, stride, padding, dilation, pad)
        return y

    @staticmethod
    def infer(x: Any, *, pad: bool, **attrs: Any) -> Abstract:
        return Abstract((*x.shape[:-2], *pooled_size("avg_pool2d", x.shape, **attrs)), x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, _x: Any, **attrs: Any) -> Rule:
        return (g.avg_pool2d_backward(size=_x.shape[-2:], **attrs),)


class AvgPool2dBackward(Op):
    """Each window's number shared out among its pixels."""

    name, latex, jvp, promotion = "avg_pool2d_backward", r"\operatorname{{share}}({0})", "linear", "none"
    cases = (Case(((2, 3, 2, 3),), {**TWO, "pad": True, "size": (4, 6)}),)

    @staticmethod
    def forward(
        xp: Any, g: Any, *, size: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil: bool, pad: bool
    ) -> Any:
        full = xp.zeros((*g.shape[:-2], *size), g.dtype)
        shared = g * _shares(xp, full, g.shape[-2:], kernel, stride, padding, dilation, pad)
        for pixels, positions in taps(full.shape, g.shape[-2:], kernel, stride, padding, dilation):
            full[pixels] += shared[positions]
        return full

    @staticmethod
    def infer(g: Any, *, size: Pair, **attrs: Any) -> Abstract:
        return Abstract((*g.shape[:-2], *size), g.dtype)

    @staticmethod
    def vjp(h: Any, _: Any, __: Any, *, size: Pair, **attrs: Any) -> Rule:
        return (h.avg_pool2d_op(**attrs),)


def _shares(xp: Any, x: Any, size: Pair, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, pad: bool) -> Any:
    """One over the number of pixels that count in every window."""
    if pad or padding == (0, 0):
        return 1.0 / (kernel[0] * kernel[1])
    counts = xp.zeros(size, x.dtype)
    for _, positions in taps(x.shape, size, kernel, stride, padding, dilation):
        counts[positions] += 1
    return 1 / counts


def _window(where: str, kernel: Any, stride: Any, padding: Any, dilation: Any, ceil: bool) -> dict[str, Any]:
    return {
        "kernel": pair(f"{where}: kernel_size", kernel),
        "stride": pair(f"{where}: stride", kernel if stride is None else stride),
        "padding": pair(f"{where}: padding", padding),
        "dilation": pair(f"{where}: dilation", dilation),
        "ceil": ceil,
    }


@function
def avg_pool2d_op(x: Any, *, kernel: Pair, stride: Pair, padding: Pair, dilation: Pair, ceil: bool, pad: bool) -> Any:
    """Average pooling by the names that the op itself uses."""
    return x.avg_pool2d(kernel, stride, padding, ceil, pad)


@function
def adaptive_avg_pool2d(x: Any, output_size: Any) -> Any:
    """Means over as many windows as the output shall have pixels; the windows are worked out."""
    given = output_size if isinstance(output_size, tuple | list) else (output_size, output_size)
    height, width = (x.shape[i - 2] if n is None else n for i, n in enumerate(given))
    if min(height, width) < 1:
        raise ArgumentError("adaptive_avg_pool2d", "sizes of at least 1", (height, width))
    if (height, width) == (1, 1):
        return x.mean((-2, -1), True)
    if x.shape[-2] % height == 0 and x.shape[-1] % width == 0:
        return x.avg_pool2d((x.shape[-2] // height, x.shape[-1] // width))
    return _uneven(_uneven(x, height, -2), width, -1)


def _uneven(x: Any, n: int, dim: int) -> Any:
    """Means over n windows of one axis whose sizes may differ by one."""
    size = x.shape[dim]
    ends = [(i * size // n, -(-(i + 1) * size // n)) for i in range(n)]
    means = [x.narrow(dim, a, b - a).mean(dim, True) for a, b in ends]
    return means[0].cat_with(*means[1:], dim=x.ndim + dim)


@function
def max_pool1d(
    x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> Any:
    """The largest number of every window of a sequence (batch, channel, length)."""
    k, s, p, d = (n[0] if isinstance(n, tuple | list) else n for n in (kernel_size, stride, padding, dilation))
    flat = x.unsqueeze(-2).max_pool2d((1, k), (1, k if s is None else s), (0, p), (1, d), ceil_mode)
    return flat.squeeze(-2)


@function
def avg_pool1d(x: Any, kernel_size: Any, stride: Any = None, padding: Any = 0) -> Any:
    """The mean of every window of a sequence (batch, channel, length)."""
    k, s, p = (n[0] if isinstance(n, tuple | list) else n for n in (kernel_size, stride, padding))
    return x.unsqueeze(-2).avg_pool2d((1, k), (1, k if s is None else s), (0, p)).squeeze(-2)


@function
def adaptive_avg_pool1d(x: Any, output_size: Any) -> Any:
    """Means over as many windows of a sequence as the output shall have places."""
    n = output_size[0] if isinstance(output_size, tuple | list) else output_size
    return x.unsqueeze(-2).adaptive_avg_pool2d((1, n)).squeeze(-2)
