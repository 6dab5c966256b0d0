"""What transforms do to the numbers of images, arrays (..., channels, height, width)."""

from __future__ import annotations

import math
from typing import Any

from engine.array import module_of
from engine.errors import ArgumentError

GREY = (0.2989, 0.587, 0.114)  # how bright red, green and blue are


def top_of(image: Any) -> float:
    """The value of white: 255 for bytes, 1 for floats."""
    return 1.0 if image.dtype.kind == "f" else 255.0


def as_kind(values: Any, like: Any) -> Any:
    """Float results in the element type of `like`: rounded and held within bounds for bytes."""
    if like.dtype.kind == "f":
        return values.astype(like.dtype, copy=False)
    return module_of(values).clip(module_of(values).rint(values), 0, 255).astype(like.dtype)


# ----------------------------------------------------------------------------------------------- where pixels are
def pad(image: Any, edges: tuple[int, int, int, int], fill: Any = 0, mode: str = "constant") -> Any:
    """Pixels added (left, top, right, bottom): of one value, or continued as `numpy.pad` names it."""
    left, top, right, bottom = edges
    if min(edges) < 0:
        image = crop(image, max(-top, 0), max(-left, 0), image.shape[-2] + min(top, 0) + min(bottom, 0),
                     image.shape[-1] + min(left, 0) + min(right, 0))  # fmt: skip
        left, top, right, bottom = (max(e, 0) for e in edges)
    widths = [(0, 0)] * (image.ndim - 2) + [(top, bottom), (left, right)]
    xp = module_of(image)
    if mode != "constant":
        return xp.pad(image, widths, mode=mode)
    result = xp.pad(image, widths)
    inside = (..., slice(top, top + image.shape[-2]), slice(left, left + image.shape[-1]))
    if fill is not None and fill != 0:
        result[...] = xp.asarray(fill, image.dtype).reshape(-1, 1, 1)
        result[inside] = image
    return result


def crop(image: Any, top: int, left: int, height: int, width: int) -> Any:
    """A part of an image; what lies outside is 0."""
    high, wide = image.shape[-2:]
    edges = (max(-left, 0), max(-top, 0), max(left + width - wide, 0), max(top + height - high, 0))
    if any(edges):
        image, left, top = pad(image, edges), left + edges[0], top + edges[1]
    return image[..., top : top + height, left : left + width]


def resize(image: Any, size: tuple[int, int], how: str = "bilinear", smooth: bool = True) -> Any:
    """Another size: every new pixel is a weighted mean of the old ones under it (`smooth`), or of its neighbours."""
    xp, (height, width) = module_of(image), image.shape[-2:]
    if how == "nearest":
        rows = (xp.arange(size[0]) * (height / size[0])).astype("i8")
        columns = (xp.arange(size[1]) * (width / size[1])).astype("i8")
        return image[..., rows[:, None], columns]
    down, across = (_weights(xp, n, m, how, smooth) for n, m in zip((height, width), size, strict=True))
    return as_kind(down @ image.astype(down.dtype) @ across.T, image)


def _weights(xp: Any, old: int, new: int, how: str, smooth: bool) -> Any:
    """(new, old): how much each old pixel counts in each new one."""
    scale = old / new
    spread = max(scale, 1.0) if smooth else 1.0
    centres = (xp.arange(new) + 0.5) * scale - 0.5
    if how == "bilinear" and not smooth:
        centres = xp.clip(centres, 0, old - 1)
    distance = abs(xp.arange(old)[None, :] - centres[:, None]) / spread
    weights = xp.maximum(1 - distance, 0) if how == "bilinear" else _cubic(xp, distance)
    return weights / weights.sum(1, keepdims=True)


def _cubic(xp: Any, d: Any) -> Any:
    """Keys' cubic with a = -0.5 (1981)."""
    near, far = ((1.5 * d - 2.5) * d) * d + 1, ((-0.5 * d + 2.5) * d - 4) * d + 2
    return xp.where(d < 1, near, xp.where(d < 2, far, 0.0))


Matrix = tuple[float, float, float, float, float, float]


def turning(
    angle: float,
    shift: tuple[float, float] = (0, 0),
    scale: float = 1.0,
    shear: tuple[float, float] = (0, 0),
    centre: tuple[float, float] = (0, 0),
) -> Matrix:
    """Where a pixel of the result comes from: the inverse of shear, scaling, a turn about a centre and a shift.

    Angles in degrees, clockwise; positions from the middle of the image.
    """
    turn, sx, sy = math.radians(angle), math.radians(shear[0]), math.radians(shear[1])
    a, c = math.cos(turn - sy) / math.cos(sy), math.sin(turn - sy) / math.cos(sy)
    b, d = -a * math.tan(sx) - math.sin(turn), -c * math.tan(sx) + math.cos(turn)
    m = [d / scale, -b / scale, -c / scale, a / scale]
    x, y = -centre[0] - shift[0], -centre[1] - shift[1]
    return (m[0], m[1], m[0] * x + m[1] * y + centre[0], m[2], m[3], m[2] * x + m[3] * y + centre[1])


def affine(image: Any, matrix: Matrix, size: tuple[int, int], how: str = "nearest", fill: Any = 0) -> Any:
    """Pixels taken from where `matrix` says, `fill` where that lies outside."""
    xp, (high, wide) = module_of(image), image.shape[-2:]
    y = (xp.arange(size[0]) + 0.5 - size[0] / 2)[:, None]
    x = xp.arange(size[1]) + 0.5 - size[1] / 2
    column = matrix[0] * x + matrix[1] * y + matrix[2] + wide / 2 - 0.5
    row = matrix[3] * x + matrix[4] * y + matrix[5] + high / 2 - 0.5
    values = xp.asarray(0 if fill is None else fill, float).reshape(-1, 1, 1)
    if how == "nearest":
        return _taken(xp, image, xp.rint(row).astype("i8"), xp.rint(column).astype("i8"), values.astype(image.dtype))
    top, left = xp.floor(row).astype("i8"), xp.floor(column).astype("i8")
    down, right = row - top, column - left
    result = 0.0
    for r, wr in ((top, 1 - down), (top + 1, down)):
        for c, wc in ((left, 1 - right), (left + 1, right)):
            result = result + _taken(xp, image.astype("f8"), r, c, values) * (wr * wc)
    return as_kind(result, image)


def _taken(xp: Any, image: Any, row: Any, column: Any, fill: Any) -> Any:
    high, wide = image.shape[-2:]
    inside = (row >= 0) & (row < high) & (column >= 0) & (column < wide)
    return xp.where(inside, image[..., xp.clip(row, 0, high - 1), xp.clip(column, 0, wide - 1)], fill)


# ---------------------------------------------------------------------------------------------- what pixels show
def grey(image: Any, channels: int = 1) -> Any:
    """Brightness in one channel, or the same in three."""
    xp = module_of(image)
    if image.shape[-3] == 3:
        red, green, blue = (share * image[..., i : i + 1, :, :] for i, share in enumerate(GREY))
        total = red + green + blue
        image = total.astype(image.dtype) if image.dtype.kind != "f" else total
    elif image.shape[-3] != 1:
        raise ArgumentError("grey", "an image of 1 or 3 channels", f"{image.shape[-3]} channels")
    return image if channels == 1 else xp.concatenate([image] * channels, -3)


def mixed(image: Any, other: Any, share: float) -> Any:
    """share * image + (1 - share) * other, within the bounds of the element type; bytes are cut off, not rounded."""
    xp, top = module_of(image), top_of(image)
    values = xp.clip(share * image.astype("f4") + (1 - share) * xp.asarray(other, "f4"), 0, top)
    return values.astype(image.dtype)


def brighter(image: Any, factor: float) -> Any:
    """Every value times a factor."""
    return mixed(image, 0.0, factor)


def contrasted(image: Any, factor: float) -> Any:
    """Away from the mean brightness (above 1), or towards it."""
    plain = grey(image).astype("f4") if image.dtype.kind == "f" else module_of(image).floor(grey(image).astype("f4"))
    return mixed(image, plain.mean((-3, -2, -1), keepdims=True), factor)


def saturated(image: Any, factor: float) -> Any:
    """Away from grey (above 1), or towards it; a grey image stays."""
    return image if image.shape[-3] == 1 else mixed(image, grey(image), factor)


def hued(image: Any, shift: float) -> Any:
    """All hues turned by a share of the circle, from -0.5 to 0.5; a grey image stays."""
    if image.shape[-3] == 1:
        return image
    xp, top = module_of(image), top_of(image)
    r, g, b = (image[..., i, :, :].astype("f4") / top for i in range(3))
    most, least = xp.maximum(xp.maximum(r, g), b), xp.minimum(xp.minimum(r, g), b)
    span = xp.where(most == least, 1, most - least)
    hue = xp.where(most == r, (g - b) / span, xp.where(most == g, 2 + (b - r) / span, 4 + (r - g) / span))
    sector = (hue / 6 + shift) % 1.0 * 6
    parts = []
    for offset in (5, 3, 1):  # red, green, blue: v - v*s*max(0, min(k, 4 - k, 1)) with k = (offset + sector) mod 6
        k = (offset + sector) % 6
        parts.append(most - (most - least) * xp.clip(xp.minimum(k, 4 - k), 0, 1))
    return as_kind(xp.stack(parts, -3) * top, image)
