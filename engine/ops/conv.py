"""Convolution in two dimensions. Images are (batch, channel, height, width), as in PyTorch.

The three ops are one family: each is the product of two tensors whose partial derivatives are the other two. The
arrays are multiplied as matrices: the patches under the filter become columns (a small block of images at a time, in
one buffer that stays in the cache), and BLAS does the rest.
"""

from __future__ import annotations

from typing import Any

from engine.array import Abstract, Shape
from engine.errors import ArgumentError, ShapeError
from engine.ops.op import Case, Op, Rule, function, words

Pair = tuple[int, int]
Call = tuple[tuple[Any, ...], dict[str, Any]]
BUFFER = 1 << 18
"""Elements of the buffer of columns: 1 MiB of float32, about the size of a core's own cache."""


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
    def bind(x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Call:
        if isinstance(padding, str):
            padding = _same_padding(weight, stride, dilation) if padding == "same" else 0
        inputs = (x, weight) if bias is None else (x, weight, bias)
        return inputs, _attrs(stride, padding, dilation, groups)

    @staticmethod
    def forward(xp: Any, x: Any, weight: Any, bias: Any = None, *, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
        Conv2d.infer(x, weight, bias, stride=stride, padding=padding, dilation=dilation, groups=groups)
        y = _correlate(xp, x, weight, stride, padding, dilation, groups)
        if bias is not None:
            y += bias.reshape((-1, 1, 1))
        return y

    @staticmethod
    def infer(x: Any, weight: Any, bias: Any = None, *, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Abstract:
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
    """The convolution's gradient by its image: what every pixel sent out, gathered back. It is also the transposed convolution."""

    name, latex, jvp, promotion = "conv2d_input", r"{0} \ast {1}", "multilinear", "same"
    cases = (
        Case(((2, 4, 4, 4), (4, 3, 3, 2)), {**PLAIN, "size": (6, 5)}),
        Case(((2, 3, 3, 7), (3, 2, 3, 3)), {**STRIDED, "size": (6, 7)}),
    )

    @staticmethod
    def forward(xp: Any, g: Any, weight: Any, *, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
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
    def forward(xp: Any, g: Any, x: Any, *, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
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


def patches(xp: Any, x: Any, size: Pair, stride: Pair, dilation: Pair) -> Any:
    """A view (batch, channel, tap y, tap x, out y, out x) of what lies under the filter at every position."""
    n, c, h, w = x.shape
    height, width = (out_size(x.shape[2 + i], size[i], stride[i], 0, dilation[i]) for i in (0, 1))
    sn, sc, sh, sw = x.strides
    strides = (sn, sc, sh * dilation[0], sw * dilation[1], sh * stride[0], sw * stride[1])
    return xp.lib.stride_tricks.as_strided(x, (n, c, *size, height, width), strides)


def _blocks(xp: Any, view: Any) -> Any:
    """(first image, images, columns): the patches of a few images at a time, copied into one reused buffer."""
    n, elements = view.shape[0], view[0].size
    step = max(1, min(n, BUFFER // max(elements, 1)))
    buffer = xp.empty((step, *view.shape[1:]), view.dtype)
    for start in range(0, n, step):
        images = min(step, n - start)
        columns = buffer[:images]
        columns[...] = view[start : start + images]
        yield start, images, columns


def _is_pointwise(size: Pair, stride: Pair, padding: Pair) -> bool:
    return size == (1, 1) and stride == (1, 1) and padding == (0, 0)


def _correlate(xp: Any, x: Any, weight: Any, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    n, filters = x.shape[0], weight.shape[0]
    size = weight.shape[2:]
    view = patches(xp, padded(xp, x, padding), size, stride, dilation)
    y = xp.empty((n, filters, *view.shape[4:]), x.dtype)
    matrix = weight.reshape((groups, filters // groups, -1))
    for start, images, columns in _blocks(xp, view):
        flat = columns.reshape((images, groups, matrix.shape[2], -1))
        target = y[start : start + images].reshape((images, groups, filters // groups, -1))
        xp.matmul(matrix, flat, out=target)
    return y


def _match(xp: Any, g: Any, x: Any, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    n, filters = g.shape[:2]
    channels = x.shape[1] // groups
    view = patches(xp, padded(xp, x, padding), size, stride, dilation)[..., : g.shape[2], : g.shape[3]]
    total = xp.zeros((groups, filters // groups, channels * size[0] * size[1]), g.dtype)
    g = g.reshape((n, groups, filters // groups, -1))
    for start, images, columns in _blocks(xp, view):
        flat = columns.reshape((images, groups, total.shape[2], -1))
        total += xp.matmul(g[start : start + images], flat.swapaxes(-1, -2)).sum(axis=0)
    return total.reshape((filters, channels, *size))


def _scatter(xp: Any, g: Any, weight: Any, size: Pair, stride: Pair, padding: Pair, dilation: Pair, groups: int) -> Any:
    n, filters, height, width = g.shape
    channels, taps = weight.shape[1] * groups, weight.shape[2:]
    framed = xp.zeros((n, channels, size[0] + 2 * padding[0], size[1] + 2 * padding[1]), g.dtype)
    matrix = weight.reshape((groups, filters // groups, -1)).swapaxes(-1, -2)
    g = g.reshape((n, groups, filters // groups, height * width))
    step = max(1, min(n, BUFFER // max(matrix[..., 0].size * height * width, 1)))
    for start in range(0, n, step):
        columns = xp.matmul(matrix, g[start : start + step]).reshape((-1, channels, *taps, height, width))
        _add_patches(framed[start : start + step], columns, stride, dilation)
    down, across = padding
    return framed[:, :, down : down + size[0], across : across + size[1]] if padding != (0, 0) else framed


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
def conv1d(x: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Any:
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
