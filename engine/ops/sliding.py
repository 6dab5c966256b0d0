"""Array code of convolution: filters that slide, for one, two, three or more spatial axes.

The arrays are multiplied as matrices by BLAS, a small block of images at a time: each image is copied once per tap
across (not once per tap of the whole filter); what a tap further down sees is the same copy, some rows later. One axis
is two of which the first is 1; more than two are sums over the taps of the first, each a convolution of frames.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from engine.array import Shape
from engine.ops.space import out_size

BUFFER = 1 << 18
"""Elements of a block of strips: 1 MiB of float32, about the size of a core's own cache."""


def padded(xp: Any, x: Any, padding: Shape) -> Any:
    """The images in a frame of zeros."""
    if not any(padding):
        return x
    framed = xp.zeros((*x.shape[:2], *(n + 2 * p for n, p in zip(x.shape[2:], padding, strict=True))), x.dtype)
    framed[(slice(None), slice(None), *(slice(p, p + n) for n, p in zip(x.shape[2:], padding, strict=True)))] = x
    return framed


# ------------------------------------------------------------------------------------------- any number of axes
def correlate(xp: Any, x: Any, weight: Any, stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Any:
    """The convolution: (batch, channel, *space) by (filter, channel / groups, *taps)."""
    n = len(stride)
    if n == 2:
        return _correlate(xp, x, weight, stride, padding, dilation, groups)
    if n == 1:
        flat = (1, *stride), (0, *padding), (1, *dilation)
        return _correlate(xp, x[:, :, None], weight[:, :, None], *flat, groups)[:, :, 0]
    x = padded(xp, x, (padding[0],) + (0,) * (n - 1))
    places = out_size(x.shape[2], weight.shape[2], stride[0], 0, dilation[0])
    total: Any = None
    for tap in range(weight.shape[2]):
        frames = _frames(x, tap * dilation[0], places, stride[0])
        part = correlate(xp, frames, weight[:, :, tap], stride[1:], padding[1:], dilation[1:], groups)
        total = part if tap == 0 else _added(total, part)
    return _films(total, x.shape[0], places)


def match(xp: Any, g: Any, x: Any, size: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Any:
    """The convolution's gradient by its filters, which have `size` taps."""
    n = len(stride)
    if n == 2:
        return _match(xp, g, x, size, stride, padding, dilation, groups)
    if n == 1:
        flat = (1, *size), (1, *stride), (0, *padding), (1, *dilation)
        return _match(xp, g[:, :, None], x[:, :, None], *flat, groups)[:, :, 0]
    x = padded(xp, x, (padding[0],) + (0,) * (n - 1))
    total = xp.zeros((g.shape[1], x.shape[1] // groups, *size), g.dtype)
    screens = _frames(g, 0, g.shape[2], 1)
    for tap in range(size[0]):
        frames = _frames(x, tap * dilation[0], g.shape[2], stride[0])
        total[:, :, tap] = match(xp, screens, frames, size[1:], stride[1:], padding[1:], dilation[1:], groups)
    return total


def scatter(
    xp: Any, g: Any, weight: Any, size: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Any:
    """The convolution's gradient by its image of a size: the transposed convolution."""
    n = len(stride)
    if n == 2:
        return _scatter(xp, g, weight, size, stride, padding, dilation, groups)
    if n == 1:
        flat = (1, *size), (1, *stride), (0, *padding), (1, *dilation)
        return _scatter(xp, g[:, :, None], weight[:, :, None], *flat, groups)[:, :, 0]
    places, taps = g.shape[2], weight.shape[2]
    reach = max(size[0] + 2 * padding[0], (places - 1) * stride[0] + dilation[0] * (taps - 1) + 1)
    framed = xp.zeros((g.shape[0], weight.shape[1] * groups, reach, *size[1:]), g.dtype)
    screens = _frames(g, 0, places, 1)
    for tap in range(taps):
        part = scatter(xp, screens, weight[:, :, tap], size[1:], stride[1:], padding[1:], dilation[1:], groups)
        top = tap * dilation[0]
        framed[:, :, top : top + (places - 1) * stride[0] + 1 : stride[0]] += _films(part, g.shape[0], places)
    return framed[:, :, padding[0] : padding[0] + size[0]].copy()


def _added(total: Any, part: Any) -> Any:
    total += part
    return total


def _frames(x: Any, top: int, places: int, stride: int) -> Any:
    """What one tap of the first axis sees, each of its positions as an image of its own."""
    seen = x[:, :, top : top + (places - 1) * stride + 1 : stride].swapaxes(1, 2)
    return seen.reshape((-1, *seen.shape[2:]))


def _films(frames: Any, count: int, places: int) -> Any:
    """Images put back in a row along the first axis."""
    return frames.reshape((count, places, *frames.shape[1:])).swapaxes(1, 2)


# ----------------------------------------------------------------------------------------------------- two axes
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
    xp: Any, x: Any, taps: Shape, positions: Shape, stride: Shape, dilation: Shape, groups: int, whole: bool
) -> list[Seen]:
    """What the filter sees: for every tap down a matrix, cut from one copy; or all taps laid out in one matrix."""
    if whole:
        view = _patches(xp, x, taps, positions, stride, dilation)
        return [
            (slice(None), xp.ascontiguousarray(view).reshape((x.shape[0], groups, -1, positions[0] * positions[1])))
        ]
    strips = _strips(xp, x, taps[1], positions[1], stride[1], dilation[1], groups)
    return [(slice(i, i + 1), _under_tap(strips, i, positions[0], stride[0], dilation[0])) for i in range(taps[0])]


def _patches(xp: Any, x: Any, taps: Shape, positions: Shape, stride: Shape, dilation: Shape) -> Any:
    """A view (image, channel, tap down, tap across, row, column) of what lies under the filter at every position."""
    sn, sc, sh, sw = x.strides
    strides = (sn, sc, sh * dilation[0], sw * dilation[1], sh * stride[0], sw * stride[1])
    return xp.lib.stride_tricks.as_strided(x, (*x.shape[:2], *taps, *positions), strides)


def _under_tap(strips: Any, tap: int, height: int, stride: int, dilation: int) -> Any:
    """What one tap down sees, as matrices (channel and tap across) x (position): no copy for stride 1."""
    top = tap * dilation
    seen = strips[:, :, :, top : top + (height - 1) * stride + 1 : stride]
    return seen.reshape((*seen.shape[:3], -1))


def _lay_out_all(filters: int, channels: int, taps: Shape) -> bool:
    """With few numbers per tap, adding up the taps' products costs more than laying out all taps."""
    return channels * taps[1] * (taps[0] - 1) < filters


def _blocks(x: Any, positions: int, taps: int) -> Iterator[slice]:
    """Slices of the batch, small enough that what the filter sees stays near the processor."""
    step = max(1, BUFFER // max(x.shape[1] * x.shape[2] * taps * positions, 1))
    return (slice(start, start + step) for start in range(0, x.shape[0], step))


def _correlate(xp: Any, x: Any, weight: Any, stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Any:
    (filters, channels), taps = weight.shape[:2], weight.shape[2:]
    x = padded(xp, x, padding)
    height, width = (out_size(x.shape[2 + i], taps[i], stride[i], 0, dilation[i]) for i in (0, 1))
    whole = _lay_out_all(filters, channels * groups, taps)
    y = xp.empty((x.shape[0], groups, filters // groups, height * width), x.dtype)
    weight = weight.reshape((groups, filters // groups, channels, *taps))
    for images in _blocks(x, width, taps[1] * (taps[0] if whole else 1)):
        target, part = y[images], None
        for k, (some, seen) in enumerate(_seen(xp, x[images], taps, (height, width), stride, dilation, groups, whole)):
            matrix = weight[:, :, :, some].reshape((groups, filters // groups, -1))
            if k:
                part = xp.matmul(matrix, seen, out=part)
                target += part
            else:
                xp.matmul(matrix, seen, out=target)
    return y.reshape((x.shape[0], filters, height, width))


def _match(xp: Any, g: Any, x: Any, size: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int) -> Any:
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


def _scatter(
    xp: Any, g: Any, weight: Any, size: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Any:
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


def _stamp(
    xp: Any, g: Any, weight: Any, size: Shape, stride: Shape, padding: Shape, dilation: Shape, groups: int
) -> Any:
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


def _add_patches(images: Any, columns: Any, stride: Shape, dilation: Shape) -> None:
    """Add each tap's layer to the pixels that it looked at."""
    height, width = columns.shape[4:]
    for i in range(columns.shape[2]):
        top = i * dilation[0]
        rows = slice(top, top + (height - 1) * stride[0] + 1, stride[0])
        for j in range(columns.shape[3]):
            left = j * dilation[1]
            images[:, :, rows, left : left + (width - 1) * stride[1] + 1 : stride[1]] += columns[:, :, i, j]
