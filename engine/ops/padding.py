"""Frames around tensors, patches of images laid out as columns, and channels moved into space."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from engine.array import Abstract, Shape
from engine.errors import ArgumentError, ShapeError, Unsupported
from engine.ops.op import Case, Op, Rule, function, words
from engine.ops.resample import Plan
from engine.ops.space import out_size, pair

Widths = list[tuple[int, int]]


# ---------------------------------------------------------------------------------------------------- frames
@function
def pad(input: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    """A frame around the last axes: pad = (last before, last after, second last before, ...).

    mode: constant (any axes; widths below 0 cut), or reflect, replicate, circular (the last one to three axes of
    (batch, channel, *space)).

    >>> F.pad(engine.tensor([[1.0, 2.0, 3.0]]), (1, 1), mode="reflect")
    tensor([[2., 1., 2., 3., 2.]])
    """
    pad = [int(n) for n in pad]
    if len(pad) % 2 or len(pad) > 2 * input.ndim:
        raise ShapeError("pad", f"an even number of widths, at most {2 * input.ndim}", pad, "Padding length.")
    if mode == "constant":
        return _constant(input, pad, 0.0 if value is None else value)
    if mode not in (*PLACES, "circular"):
        raise Unsupported("pad", "mode constant, reflect, replicate or circular", repr(mode))
    if value:
        raise ArgumentError("pad", f"no value with mode {mode!r}", value)
    n = len(pad) // 2
    if n > 3 or input.ndim not in (n + 1, n + 2):
        hint = "Only the spatial axes of (batch, channel, *space) can be padded in this way."
        raise Unsupported("pad", f"{n + 1} or {n + 2} dims for {2 * n} widths", words(input.shape), hint)
    y = input
    for k in range(n):
        size, before, after = int(input.shape[-1 - k]), pad[2 * k], pad[2 * k + 1]
        if before or after:
            y = y.resample(dim=-1 - k, plan=_frame(mode, size, before, after))
    return y


def _constant(input: Any, pad: list[int], value: float) -> Any:
    pairs: Widths = [(0, 0)] * (input.ndim - len(pad) // 2)
    pairs += [(pad[i], pad[i + 1]) for i in range(len(pad) - 2, -1, -2)]
    sizes = [n + a + b for n, (a, b) in zip(input.shape, pairs, strict=True)]
    if min(sizes, default=0) < 0:
        raise ShapeError("pad", "widths that leave every size at 0 or more", sizes)
    cut = tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(input.shape, pairs, strict=True))
    inner = input[cut] if min(pad, default=0) < 0 else input
    wide = tuple((max(a, 0), max(b, 0)) for a, b in pairs)
    return inner.pad_constant(widths=wide, value=value)


@function
def constant_pad_nd(input: Any, pad: Any, value: float = 0) -> Any:
    """A frame of a constant around the last axes; widths below 0 cut.

    >>> engine.constant_pad_nd(engine.tensor([1, 2]), (1, -1), 7)
    tensor([7, 1])
    """
    return input.pad(pad, "constant", value)


def _reflected(places: Any, size: int) -> Any:
    return (size - 1) - np.abs((size - 1) - np.abs(places))


PLACES: dict[str, Any] = {
    "reflect": _reflected,
    "replicate": lambda places, size: np.clip(places, 0, size - 1),
}


@lru_cache(maxsize=256)
def _frame(mode: str, size: int, before: int, after: int) -> Plan:
    """Where every place of the framed axis takes its number."""
    limit = {"reflect": size - 1, "circular": size}.get(mode, max(before, after, 0))
    if max(before, after) > limit:
        raise ShapeError(f"pad: {mode}", f"widths of at most {limit} for an axis of {size}", (before, after))
    if size + before + after < 1 or not size:
        raise ShapeError(f"pad: {mode}", "an output with at least one place", size + before + after)
    if mode == "circular":
        # Widths below 0 cut first; what is left goes round.
        low, kept = max(-before, 0), size - max(-before, 0) - max(-after, 0)
        places = low + np.arange(-max(before, 0), kept + max(after, 0)) % kept
    else:
        places = PLACES[mode](np.arange(-before, size + after), size)
    return Plan(places[:, None], np.ones((len(places), 1)), size)


# --------------------------------------------------------------------------------------------------- patches
class Patches(Op):
    """What a window sees at every position of a framed image: (batch, channel, taps..., positions...)."""

    latex, jvp, promotion = r"\operatorname{{patches}}({0})", "linear", "none"
    cases = (
        Case(((2, 2, 4, 5),), {"taps": (2, 3), "stride": (1, 2), "dilation": (2, 1)}),
        Case(((1, 2, 4, 4),), {"taps": (2, 2), "stride": (2, 2), "dilation": (1, 1)}),
    )

    @staticmethod
    def forward(xp: Any, x: Any, *, taps: Shape, stride: Shape, dilation: Shape) -> Any:
        places = _positions(x.shape, taps, stride, dilation)
        sn, sc, sh, sw = x.strides
        steps = (sn, sc, sh * dilation[0], sw * dilation[1], sh * stride[0], sw * stride[1])
        return xp.ascontiguousarray(xp.lib.stride_tricks.as_strided(x, (*x.shape[:2], *taps, *places), steps))

    @staticmethod
    def infer(x: Any, *, taps: Shape, stride: Shape, dilation: Shape) -> Abstract:
        return Abstract((*x.shape[:2], *taps, *_positions(x.shape, taps, stride, dilation)), x.dtype)

    @staticmethod
    def vjp(g: Any, _: Any, _x: Any, *, taps: Shape, stride: Shape, dilation: Shape) -> Rule:
        return (g.patches_backward(size=tuple(_x.shape[2:]), stride=stride, dilation=dilation),)


def _positions(shape: Shape, taps: Shape, stride: Shape, dilation: Shape) -> Shape:
    return tuple(out_size(shape[2 + i], taps[i], stride[i], 0, dilation[i]) for i in (0, 1))


class PatchesBackward(Op):
    """Patches added up at the places that they were taken from."""

    latex, jvp, promotion = r"\operatorname{{stamp}}({0})", "linear", "none"
    cases = (Case(((2, 2, 2, 3, 2, 2),), {"size": (4, 5), "stride": (1, 2), "dilation": (2, 1)}),)

    @staticmethod
    def forward(xp: Any, g: Any, *, size: Shape, stride: Shape, dilation: Shape) -> Any:
        image = xp.zeros((*g.shape[:2], *size), g.dtype)
        down, across = g.shape[4:]
        for i in range(g.shape[2]):
            top = i * dilation[0]
            rows = slice(top, top + (down - 1) * stride[0] + 1, stride[0])
            for j in range(g.shape[3]):
                left = j * dilation[1]
                image[:, :, rows, left : left + (across - 1) * stride[1] + 1 : stride[1]] += g[:, :, i, j]
        return image

    @staticmethod
    def infer(g: Any, *, size: Shape, stride: Shape, dilation: Shape) -> Abstract:
        return Abstract((*g.shape[:2], *size), g.dtype)

    @staticmethod
    def vjp(h: Any, _: Any, _g: Any, *, size: Shape, stride: Shape, dilation: Shape) -> Rule:
        return (h.patches(taps=tuple(_g.shape[2:4]), stride=stride, dilation=dilation),)


@function
def im2col(input: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """The patches of images (batch, channel, height, width) as columns: (batch, channel * taps, positions).

    >>> F.unfold(engine.ones(1, 1, 3, 3), 2).shape
    engine.Size([1, 4, 4])
    """
    if input.ndim not in (3, 4) or not all(input.shape[-3:]):
        raise ShapeError("unfold", "images (batch, channel, height, width)", words(input.shape))
    taps, steps, apart, frame = _pairs("unfold", kernel_size, stride, dilation, padding)
    x = (input if input.ndim == 4 else input.unsqueeze(0)).pad((frame[1], frame[1], frame[0], frame[0]))
    places = _positions(x.shape, taps, steps, apart)
    if min(places) < 1:
        raise ShapeError("unfold", f"an image at least as large as the window {words(taps)}", words(input.shape))
    y = x.patches(taps=taps, stride=steps, dilation=apart)
    y = y.reshape((x.shape[0], x.shape[1] * math.prod(taps), math.prod(places)))
    return y if input.ndim == 4 else y.squeeze(0)


def _pairs(where: str, kernel: Any, stride: Any, dilation: Any, padding: Any) -> tuple[Shape, Shape, Shape, Shape]:
    found = pair(where, kernel), pair(where, stride), pair(where, dilation), pair(where, padding)
    if min(*found[0], *found[1], *found[2]) < 1 or min(found[3]) < 0:
        raise ShapeError(where, "kernel sizes, strides and dilations greater than 0, padding of at least 0", found)
    return found


@function
def fold(input: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Any:
    """Columns of patches, (batch, channel * taps, positions), added up into images: the adjoint of unfold.

    >>> F.fold(engine.ones(1, 4, 4), (3, 3), 2)
    tensor([[[[1., 2., 1.],
              [2., 4., 2.],
              [1., 2., 1.]]]])
    """
    taps, steps, apart, frame = _pairs("fold", kernel_size, stride, dilation, padding)
    out = pair("fold", output_size)
    size = (out[0] + 2 * frame[0], out[1] + 2 * frame[1])
    places = _positions((0, 0, *size), taps, steps, apart)
    x = input if input.ndim == 3 else input.unsqueeze(0)
    if x.ndim != 3 or x.shape[1] % math.prod(taps) or x.shape[2] != math.prod(places):
        expected = f"columns [batch, channels * {math.prod(taps)}, {math.prod(places)}]"
        raise ShapeError("fold", expected, words(input.shape))
    patches = x.reshape((x.shape[0], x.shape[1] // math.prod(taps), *taps, *places))
    y = patches.patches_backward(size=size, stride=steps, dilation=apart)
    y = y[:, :, frame[0] : frame[0] + out[0], frame[1] : frame[1] + out[1]]
    return y if input.ndim == 3 else y.squeeze(0)


# -------------------------------------------------------------------------------------------------- shuffles
@function
def pixel_shuffle(input: Any, upscale_factor: int) -> Any:
    """Channels become pixels: (*, C r r, H, W) to (*, C, H r, W r). W. Shi et al., 2016.

    >>> F.pixel_shuffle(engine.arange(4).reshape(4, 1, 1), 2)
    tensor([[[0, 1],
             [2, 3]]])
    """
    r = upscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-3] % (r * r):
        raise ShapeError("pixel_shuffle", f"(*, C * {r * r}, H, W)", words(input.shape))
    *lead, c, h, w = input.shape
    k = len(lead)
    split = input.reshape((*lead, c // (r * r), r, r, h, w))
    moved = split.permute((*range(k), k, k + 3, k + 1, k + 4, k + 2))
    return moved.reshape((*lead, c // (r * r), h * r, w * r))


@function
def pixel_unshuffle(input: Any, downscale_factor: int) -> Any:
    """Pixels become channels: (*, C, H r, W r) to (*, C r r, H, W).

    >>> F.pixel_unshuffle(engine.arange(4).reshape(1, 2, 2), 2).shape
    engine.Size([4, 1, 1])
    """
    r = downscale_factor
    if input.ndim < 3 or r < 1 or input.shape[-2] % r or input.shape[-1] % r:
        raise ShapeError("pixel_unshuffle", f"(*, C, H * {r}, W * {r})", words(input.shape))
    *lead, c, h, w = input.shape
    k = len(lead)
    split = input.reshape((*lead, c, h // r, r, w // r, r))
    moved = split.permute((*range(k), k, k + 2, k + 4, k + 1, k + 3))
    return moved.reshape((*lead, c * r * r, h // r, w // r))


@function
def channel_shuffle(input: Any, groups: int) -> Any:
    """The channels of `groups` groups dealt out in turn. X. Zhang et al., 2018.

    >>> F.channel_shuffle(engine.arange(4).reshape(1, 4, 1), 2).flatten()
    tensor([0, 2, 1, 3])
    """
    if input.ndim < 3 or groups < 1 or input.shape[1] % groups:
        raise ShapeError("channel_shuffle", f"channels that {groups} groups divide, 3 dims", words(input.shape))
    n, c = input.shape[:2]
    return input.reshape((n, groups, c // groups, -1)).transpose(1, 2).reshape(input.shape)
