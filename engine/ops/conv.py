"""Convolution in two dimensions. Images are (batch, channel, height, width), as in PyTorch.

The three ops are one family: each is the product of two tensors whose partial derivatives are the other two. The
arrays are multiplied as matrices by BLAS, a small block of images at a time: each image is copied once per tap across
(not once per tap of the whole filter); what a tap further down sees is the same copy, some rows later.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.array import Abstract, Shape
from engine.errors import ArgumentError, ShapeError
from engine.ops.op import Case, Op, Rule, function, words

Pair = tuple[int, int]
Call = tuple[tuple[Any, ...], dict[str, Any]]
BUFFER = 1 << 18
"""Elements of a block of strips: 1 MiB of float32, about the size of a core's own cache."""


def pair(where: str, value: Any) -> Pair:
    """(height, width) from one number or two."""
    both = tuple(value) if isinstance(value, tuple | list) else (value, value)
    if len(both) == 1:
        both = both * 2
    if len(both) != 2 or not all(isinstance(n, int) for n in both):
        raise ArgumentError(where, "a whole number, or two of them", repr(value))
    return both[0], both[1]


def out_size(n: int, k: int, stride: int, padding: int, dilation: int) -> int:
    """Positions that a filter of k taps has on n pixels."""
    return (n + 2 * padding - dilation * (k - 1) - 1) // stride + 1


def _attrs(stride: Any, padding: Any, dilation: Any, groups: int) -> dict[str, Any]:
    return {
        "stride": pair("conv2d: stride", stride),
        "padding": pair("conv2d: padding", padding),
        "dilation": pair("conv2d: dilation", dilation),
        "groups": groups,
    }


def _same_padding(weight: Any, stride: Any, dilation: Any) -> Pair:
    if pair("conv2d: stride", stride) != (1, 1):
        raise ArgumentError("conv2d", 'stride 1 with padding="same"', stride)
    down, across = pair("conv2d: dilation", dilation)
    total = (down * (weight.shape[2] - 1), across * (weight.shape[3] - 1))
    if total[0] % 2 or total[1] % 2:
        raise ArgumentError("conv2d", 'an odd filter with padding="same"', words(weight.shape[2:]))
    return total[0] // 2, total[1] // 2


PLAIN = {"stride": (1, 1), "padding": (0, 0), "dilation": (1, 1), "groups": 1}
STRIDED = {"stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 1}
GROUPED = {"stride": (1, 1), "padding": (1, 1), "dilation": (1, 1), "groups": 2}


class Conv2d(Op):
    """Every filter slides over the image; each position gives the sum of products, plus the bias."""

    latex, promotion = r"{0} \star {1} + {2}", "same"
    cases = (
        Case(((2, 3, 6, 5), (4, 3, 3, 2), (4,)), PLAIN),
        Case(((2, 2, 6, 7), (3, 2, 3, 3)), STRIDED),
        Case(((1, 4, 4, 4), (6, 2, 3, 3), (6,)), GROUPED),
    )

    @staticmethod
    def bind(
        x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
    ) -> Call:
        if isinstance(padding, str):
            padding = _same_padding(weight, stride, dilation) if padding == "same" else 0
        inputs = (x, weight) if bias is None else (x, weight, bias)
        return inputs, _attrs(stride, padding, dilation, groups)

    @staticmethod
    def forward(
        xp: Any, x: Any, weight: Any, bias: Any = None, *, stride: Pair, padding: Pair, dilation: Pair, groups: int
    ) -> Any:
        Conv2d.infer(x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)
        y = _correlate(xp, x, weight, stride, padding, dilation, groups)
        if bias is not None:
            y += bias.reshape((-1, 1, 1))
        return y

    @staticmethod
    def infer(
        x: Any, weight: Any, bias: Any = None, *, stride: Pair, padding: Pair, dilation: Pair, groups: int
    ) -> Abstract:
        if len(x.shape) != 4 or len(weight.shape) != 4:
            hint = "Images need the axes (batch, channel, height, width)."
            raise ShapeError("conv2d", "an input with 4 dims", words(x.shape), hint)
        if x.shape[1] != weight.shape[1] * groups:
            hint = f"Set in_channels to {x.shape[1]}."
            raise ShapeError("conv2d", f"an input with {weight.shape[1] * groups} channels", words(x.shape), hint)
        if weight.shape[0] % groups:
            raise ShapeError("conv2d", f"a number of filters that {groups} groups divide", weight.shape[0])
        size = _spatial(x.shape, weight.shape, stride, padding, dilation)
        return Abstract((x.shape[0], weight.shape[0], *size), x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, x: Any, weight: Any, __: Any = None, **attrs: Any) -> Rule:
        return (
            lambda: g.conv2d_input(weight, size=x.shape[2:], **attrs),
            lambda: g.conv2d_weight(x, size=weight.shape[2:], **attrs),
            lambda: g.sum((0, 2, 3)),
        )


def _spatial(x: Shape, weight: Shape, stride: Pair, padding: Pair, dilation: Pair) -> Pair:
    height, width = (
        out_size(x[2 + i], weight[2 + i], stride[i], padding[i], dilation[i]) if x[2 + i] else 0 for i in (0, 1)
    )
    if height < 1 or width < 1:
        room = [x[2] + 2 * padding[0], x[3] + 2 * padding[1]]
        hint = "Take a smaller filter, or add padding."
        raise ShapeError("conv2d", f"an image at least as large as the filter {words(weight[2:])}", room, hint)
    return height, width


class Conv2dInput(Op):
    """The convolution's gradient by its image: what every pixel sent out, gathered back; the transposed convolution."""

    name, latex, jvp, promotion = "conv2d_input", r"{0} \ast {1}", "multilinear", "same"
    cases = (
        Case(((2, 4, 4, 4), (4, 3, 3, 2)), {**PLAIN, "size": (6, 5)}),
        Case(((2, 3, 3, 7), (3, 2, 3, 3)), {**STRIDED, "size": (6, 7)}),
    )

    @staticmethod
    def forward(
        xp: Any, g: Any, weight: Any, *, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
    ) -> Any:
        return _scatter(xp, g, weight, size, stride, padding, dilation, groups)

    @staticmethod
    def infer(g: Any, weight: Any, *, size: Pair, groups: int, **attrs: Any) -> Abstract:
        return Abstract((g.shape[0], weight.shape[1] * groups, *size), g.dtype)

    @staticmethod
    def vjp(h: Any, _: Any, g: Any, weight: Any, *, size: Pair, **attrs: Any) -> Rule:
        return lambda: h.conv2d(weight, None, **attrs), lambda: g.conv2d_weight(h, size=weight.shape[2:], **attrs)


class Conv2dWeight(Op):
    """The convolution's gradient by its filters."""

    name, latex, jvp, promotion = "conv2d_weight", r"{0} \diamond {1}", "multilinear", "same"
    cases = (
        Case(((2, 4, 4, 4), (2, 3, 6, 5)), {**PLAIN, "size": (3, 2)}),
        Case(((2, 3, 3, 7), (2, 2, 6, 7)), {**STRIDED, "size": (3, 3)}),
    )

    @staticmethod
    def forward(
        xp: Any, g: Any, x: Any, *, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int
    ) -> Any:
        return _match(xp, g, x, size, stride, padding, dilation, groups)

    @staticmethod
    def infer(g: Any, x: Any, *, size: Pair, groups: int, **attrs: Any) -> Abstract:
        return Abstract((g.shape[1], x.shape[1] // groups, *size), g.dtype)

    @staticmethod
    def vjp(h: Any, _: Any, g: Any, x: Any, *, size: Pair, **attrs: Any) -> Rule:
        return lambda: x.conv2d(h, None, **attrs), lambda: g.conv2d_input(h, size=x.shape[2:], **attrs)


# -------------------------------------------------------------------------------------------------- array code
def padded(xp: Any, x: Any, padding: Pair) -> Any:
    """The images in a frame of zeros."""
    if padding == (0, 0):
        return x
    down, across = padding
    n, c, h, w = x.shape
    framed = xp.zeros((n, c, h + 2 * down, w + 2 * across), x.dtype)
    framed[:, :, down : down + h, across : across + w] = x
    return framed


def _strips(xp: Any, x: Any, taps: int, positions: int, stride: int, dilation: int, groups: int) -> Any:
    """Every image cut into the strips that the taps across see: (image, group, channel and tap, row, position)."""
    n, c, h, _ = x.shape
    sn, sc, sh, sw = x.strides
    shape = (n, c, taps, h, positions)
    view = xp.lib.stride_tricks.as_strided(x, shape, (sn, sc, sw * dilation, sh, sw * stride))
    return xp.ascontiguousarray(view).reshape((n, groups, c // groups * taps, h, positions))


Seen = tuple[slice, Any]
"""Some of the taps down, and what they see: (image, group, channel and tap, position)."""


def _seen(
    xp: Any, x: Any, taps: Pair, positions: Pair, stride: Pair, dilation: Pair, groups: int, whole: bool
) -> list[Seen]:
    """What the filter sees: for every tap down a matrix, cut from one copy; or all taps laid out in one matrix."""
    if whole:
        view = _patches(xp, x, taps, positions, stride, dilation)
        return [
            (slice(None), xp.ascontiguousarray(view).reshape((x.shape[0], groups, -1, positions[0] * positions[1])))
        ]
    strips = _strips(xp, x, taps[1], positions[1], stride[1], dilation[1], groups)
    return [(slice(i, i + 1), _under_tap(strips, i, positions[0], stride[0], dilation[0])) for i in range(taps[0])]


def _patches(xp: Any, x: Any, taps: Pair, positions: Pair, stride: Pair, dilation: Pair) -> Any:
    """A view (image, channel, tap down, tap across, row, column) of what lies under the filter at every position."""
    sn, sc, sh, sw = x.strides
    strides = (sn, sc, sh * dilation[0], sw * dilation[1], sh * stride[0], sw * stride[1])
    return xp.lib.stride_tricks.as_strided(x, (*x.shape[:2], *taps, *positions), strides)


def _under_tap(strips: Any, tap: int, height: int, stride: int, dilation: int) -> Any:
    """What one tap down sees, as matrices (channel and tap across) x (position): no copy for stride 1."""
    top = tap * dilation
    seen = strips[:, :, :, top : top + (height - 1) * stride + 1 : stride]
    return seen.reshape((*seen.shape[:3], -1))


def _lay_out_all(filters: int, channels: int, taps: Pair) -> bool:
    """With few numbers per tap, adding up the taps' products costs more than laying out all taps."""
    return channels * taps[1] * (taps[0] - 1) < filters


def _blocks(x: Any, positions: int, taps: int) -> Iterator[slice]:
    """Slices of the batch, small enough that what the filter sees stays near the processor."""
    step = max(1, BUFFER // max(x.shape[1] * x.shape[2] * taps * positions, 1))
    return (slice(start, start + step) for start in range(0, x.shape[0], step))


def _correlate(xp: Any, x: Any, weight: Any, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    (filters, channels), taps = weight.shape[:2], weight.shape[2:]
    x = padded(xp, x, padding)
    height, width = (out_size(x.shape[2 + i], taps[i], stride[i], 0, dilation[i]) for i in (0, 1))
    whole = _lay_out_all(filters, channels * groups, taps)
    y = xp.empty((x.shape[0], groups, filters // groups, height * width), x.dtype)
    weight = weight.reshape((groups, filters // groups, channels, *taps))
    for images in _blocks(x, width, taps[1] * (taps[0] if whole else 1)):
        target, part = y[images], None
        for some, seen in _seen(xp, x[images], taps, (height, width), stride, dilation, groups, whole):
            matrix = weight[:, :, :, some].reshape((groups, filters // groups, -1))
            if part is None:
                part = xp.matmul(matrix, seen, out=target)
            else:
                part = xp.matmul(matrix, seen, out=None if part is target else part)
                target += part
    return y.reshape((x.shape[0], filters, height, width))


def _match(xp: Any, g: Any, x: Any, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    n, filters, height, width = g.shape
    channels = x.shape[1] // groups
    x = padded(xp, x, padding)
    whole = _lay_out_all(filters, channels * groups, size)
    total = xp.zeros((groups, filters // groups, channels, *size), g.dtype)
    g = g.reshape((n, groups, filters // groups, height * width))
    for images in _blocks(x, width, size[1] * (size[0] if whole else 1)):
        for some, seen in _seen(xp, x[images], size, (height, width), stride, dilation, groups, whole):
            part = xp.matmul(g[images], seen.swapaxes(-1, -2)).sum(axis=0)
            total[:, :, :, some] += part.reshape(total[:, :, :, some].shape)
    return total.reshape((filters, channels, *size))


def _scatter(xp: Any, g: Any, weight: Any, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    frame = tuple(dilation[i] * (weight.shape[2 + i] - 1) - padding[i] for i in (0, 1))
    fits = all(size[i] == g.shape[2 + i] + 2 * frame[i] - dilation[i] * (weight.shape[2 + i] - 1) for i in (0, 1))
    cheap = weight.shape[0] < 1.5 * weight.shape[1] * groups * weight.shape[2]
    if stride == (1, 1) and min(frame) >= 0 and fits and cheap:
        turned = _turned(weight, groups)
        return _correlate(xp, g, turned, stride, (frame[0], frame[1]), dilation, groups)
    return _stamp(xp, g, weight, size, stride, padding, dilation, groups)


def _turned(weight: Any, groups: int) -> Any:
    """The filters turned by half a turn, with inputs and outputs exchanged."""
    filters, channels, down, across = weight.shape
    grouped = weight.reshape((groups, filters // groups, channels, down, across)).swapaxes(1, 2)
    return grouped.reshape((groups * channels, filters // groups, down, across))[:, :, ::-1, ::-1]


def _stamp(xp: Any, g: Any, weight: Any, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    """Every position of g stamps the filters onto the image: for strides, and where many filters see few channels."""
    n, filters, height, width = g.shape
    channels, taps = weight.shape[1] * groups, weight.shape[2:]
    reach = tuple(
        max(size[i] + 2 * padding[i], (g.shape[2 + i] - 1) * stride[i] + dilation[i] * (taps[i] - 1) + 1)
        for i in (0, 1)
    )
    framed = xp.zeros((n, channels, *reach), g.dtype)
    matrix = weight.reshape((groups, filters // groups, -1)).swapaxes(-1, -2)
    g = g.reshape((n, groups, filters // groups, height * width))
    step = max(1, BUFFER // max(matrix[..., 0].size * height * width, 1))
    for start in range(0, n, step):
        columns = xp.matmul(matrix, g[start : start + step]).reshape((-1, channels, *taps, height, width))
        _add_patches(framed[start : start + step], columns, stride, dilation)
    down, across = padding
    return framed[:, :, down : down + size[0], across : across + size[1]].copy()


def _add_patches(images: Any, columns: Any, stride: Pair, dilation: Pair) -> None:
    """Add each tap's layer to the pixels that it looked at."""
    height, width = columns.shape[4:]
    for i in range(columns.shape[2]):
        top = i * dilation[0]
        rows = slice(top, top + (height - 1) * stride[0] + 1, stride[0])
        for j in range(columns.shape[3]):
            left = j * dilation[1]
            images[:, :, rows, left : left + (width - 1) * stride[1] + 1 : stride[1]] += columns[:, :, i, j]


# ------------------------------------------------------------------------------------------------ compositions
@function
def conv1d(
    x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """The convolution of sequences (batch, channel, length)."""
    one = [n[0] if isinstance(n, tuple | list) else n for n in (stride, padding, dilation)]
    flat = x.unsqueeze(2).conv2d(weight.unsqueeze(2), bias, (1, one[0]), (0, one[1]), (1, one[2]), groups)
    return flat.squeeze(2)


@function
def conv_transpose2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """The transposed convolution: every input pixel stamps the filter onto a larger image."""
    attrs = _attrs(stride, padding, dilation, groups)
    extra = pair("conv_transpose2d: output_padding", output_padding)
    size = tuple(
        (x.shape[2 + i] - 1) * attrs["stride"][i]
        - 2 * attrs["padding"][i]
        + attrs["dilation"][i] * (weight.shape[2 + i] - 1)
        + extra[i]
        + 1
        for i in (0, 1)
    )
    y = x.conv2d_input(weight, size=size, **attrs)
    return y if bias is None else y + bias.reshape((-1, 1, 1))
