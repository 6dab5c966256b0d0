"""Size, place and angle: resizing, cutting, padding, mirroring, turning."""

from __future__ import annotations

import math
import numbers
from collections.abc import Sequence
from typing import Any

from engine.data import pixels as px
from engine.data.transforms.kind import (
    BILINEAR,
    NEAREST,
    InterpolationMode,
    Transform,
    chance,
    changed,
    pair,
    size_of,
    span,
    uniform,
)
from engine.errors import ArgumentError
from engine.rng import default_generator


class Resize(Transform):
    """Another size; one number is the new length of the shorter side, and the longer one follows.

    >>> engine.data.transforms.Resize(2)(engine.ones(1, 4, 8)).shape
    engine.Size([1, 2, 4])
    """

    def __init__(
        self, size: Any, interpolation: InterpolationMode = BILINEAR, max_size: int | None = None, antialias: Any = True
    ) -> None:
        self.size, self.interpolation, self.max_size, self.antialias = size, interpolation, max_size, antialias

    def __call__(self, img: Any) -> Any:
        return changed(
            img, px.resize, self._target(*size_of(img)), InterpolationMode(self.interpolation).value, self.antialias
        )

    def _target(self, height: int, width: int) -> tuple[int, int]:
        if not isinstance(self.size, int) and len(self.size) == 2:
            return int(self.size[0]), int(self.size[1])
        short = self.size if isinstance(self.size, int) else int(self.size[0])
        long = int(short * max(height, width) / min(height, width))
        if self.max_size is not None and long > self.max_size:
            short, long = int(self.max_size * short / long), self.max_size
        return (short, long) if height <= width else (long, short)


class CenterCrop(Transform):
    """The middle of an image; a smaller image is padded with 0.

    >>> engine.data.transforms.CenterCrop(1)(engine.arange(9).reshape(1, 3, 3))
    tensor([[[4]]])
    """

    def __init__(self, size: Any) -> None:
        self.size = pair(size, "CenterCrop")

    def __call__(self, img: Any) -> Any:
        (height, width), (high, wide) = self.size, size_of(img)
        left, top = max((width - wide) // 2, 0), max((height - high) // 2, 0)
        edges = (left, top, max((width - wide + 1) // 2, 0), max((height - high + 1) // 2, 0))

        def middle(image: Any) -> Any:
            image = px.pad(image, edges) if any(edges) else image
            tall, broad = image.shape[-2:]
            return px.crop(image, round((tall - height) / 2), round((broad - width) / 2), height, width)

        return changed(img, middle)


class Pad(Transform):
    """Pixels added around: of one value, or the edge repeated, or the image mirrored.

    >>> engine.data.transforms.Pad(1)(engine.ones(1, 1, 1))
    tensor([[[0., 0., 0.], [0., 1., 0.], [0., 0., 0.]]])
    """

    def __init__(self, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> None:
        if padding_mode not in ("constant", "edge", "reflect", "symmetric"):
            raise ArgumentError("Pad(padding_mode)", "constant, edge, reflect or symmetric", padding_mode)
        self.padding, self.fill, self.padding_mode = padding, fill, padding_mode

    def __call__(self, img: Any) -> Any:
        return changed(img, px.pad, _edges(self.padding), self.fill, self.padding_mode)


def _edges(padding: Any) -> tuple[int, int, int, int]:
    """(left, top, right, bottom) from one, two or four numbers."""
    given = [padding] if isinstance(padding, numbers.Integral) else list(padding)
    if len(given) not in (1, 2, 4):
        raise ArgumentError("Pad(padding)", "one, two or four numbers", padding, field="padding")
    left, top = int(given[0]), int(given[1 % len(given)])
    return (left, top, left, top) if len(given) < 4 else (left, top, int(given[2]), int(given[3]))


class RandomCrop(Transform):
    """A part of an image at a random place, after padding it.

    >>> engine.data.transforms.RandomCrop(2, padding=1)(engine.ones(1, 3, 3)).shape
    engine.Size([1, 2, 2])
    """

    def __init__(
        self,
        size: Any,
        padding: Any = None,
        pad_if_needed: bool = False,
        fill: Any = 0,
        padding_mode: str = "constant",
    ) -> None:
        self.size, self.padding, self.pad_if_needed = pair(size, "RandomCrop"), padding, pad_if_needed
        self.fill, self.padding_mode = fill, padding_mode

    def __call__(self, img: Any) -> Any:
        height, width = self.size
        if self.padding is not None:
            img = Pad(self.padding, self.fill, self.padding_mode)(img)
        high, wide = size_of(img)
        if self.pad_if_needed and (wide < width or high < height):
            img = Pad((max(width - wide, 0), max(height - high, 0)), self.fill, self.padding_mode)(img)
            high, wide = size_of(img)
        if high < height or wide < width:
            raise ArgumentError("RandomCrop", f"an image of at least {height} x {width}", f"{high} x {wide}")
        top, left = (int(default_generator.integers(0, n)) for n in (high - height + 1, wide - width + 1))
        return changed(img, px.crop, top, left, height, width)


class RandomResizedCrop(Transform):
    """A part of random size and shape, resized to one size.

    >>> engine.data.transforms.RandomResizedCrop(4)(engine.ones(1, 9, 9)).shape
    engine.Size([1, 4, 4])
    """

    def __init__(
        self,
        size: Any,
        scale: tuple[float, float] = (0.08, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        interpolation: InterpolationMode = BILINEAR,
        antialias: Any = True,
    ) -> None:
        self.size, self.scale, self.ratio = pair(size, "RandomResizedCrop"), scale, ratio
        self.interpolation, self.antialias = interpolation, antialias

    def __call__(self, img: Any) -> Any:
        part = changed(img, px.crop, *_part(size_of(img), self.scale, self.ratio))
        return changed(part, px.resize, self.size, InterpolationMode(self.interpolation).value, self.antialias)


def _part(size: tuple[int, int], scale: Any, ratio: Any) -> tuple[int, int, int, int]:
    """(top, left, height, width) of a random part; the middle when ten tries do not fit."""
    high, wide = size
    for _ in range(10):
        area = high * wide * uniform(*scale)
        shape = math.exp(uniform(math.log(ratio[0]), math.log(ratio[1])))
        width, height = round(math.sqrt(area * shape)), round(math.sqrt(area / shape))
        if 0 < width <= wide and 0 < height <= high:
            top, left = (int(default_generator.integers(0, n + 1)) for n in (high - height, wide - width))
            return top, left, height, width
    shape = min(max(wide / high, min(ratio)), max(ratio))
    width, height = min(wide, round(high * shape)), min(high, round(wide / shape))
    return (high - height) // 2, (wide - width) // 2, height, width


class RandomHorizontalFlip(Transform):
    """Left and right exchanged, with probability p.

    >>> engine.data.transforms.RandomHorizontalFlip(p=1.0)(engine.tensor([[[1, 2]]]))
    tensor([[[2, 1]]])
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def __call__(self, img: Any) -> Any:
        return changed(img, lambda a: a[..., ::-1]) if chance(self.p) else img


class RandomVerticalFlip(Transform):
    """Top and bottom exchanged, with probability p.

    >>> engine.data.transforms.RandomVerticalFlip(p=1.0)(engine.tensor([[[1], [2]]]))
    tensor([[[2], [1]]])
    """

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def __call__(self, img: Any) -> Any:
        return changed(img, lambda a: a[..., ::-1, :]) if chance(self.p) else img


def turned(
    img: Any, angle: float, how: InterpolationMode = NEAREST, expand: bool = False, center: Any = None, fill: Any = 0
) -> Any:
    """An image turned counter-clockwise by degrees about its middle, or about a point (x, y).

    >>> engine.vision.transforms.functional.rotate(engine.tensor([[[1, 2], [3, 4]]]), 180)
    tensor([[[4, 3], [2, 1]]])
    """
    high, wide = size_of(img)
    centre = (0.0, 0.0) if center is None else (center[0] - wide / 2, center[1] - high / 2)
    size = _grown(high, wide, angle) if expand else (high, wide)
    return changed(img, px.affine, px.turning(-angle, centre=centre), size, InterpolationMode(how).value, fill)


def _grown(high: int, wide: int, angle: float) -> tuple[int, int]:
    """The size that shows a turned image whole."""
    c, s = abs(math.cos(math.radians(angle))), abs(math.sin(math.radians(angle)))
    return math.ceil(high * c + wide * s - 1e-6), math.ceil(wide * c + high * s - 1e-6)


def moved(
    img: Any,
    angle: float,
    translate: Sequence[float],
    scale: float,
    shear: Any,
    interpolation: InterpolationMode = NEAREST,
    fill: Any = 0,
    center: Any = None,
) -> Any:
    """An image turned clockwise, shifted by pixels (x, y), scaled and sheared.

    >>> engine.vision.transforms.functional.affine(engine.tensor([[[1, 2]]]), 0, (1, 0), 1.0, 0)
    tensor([[[0, 1]]])
    """
    high, wide = size_of(img)
    sheared = (float(shear), 0.0) if isinstance(shear, numbers.Real) else (float(shear[0]), float(shear[-1]))
    centre = (0.0, 0.0) if center is None else (center[0] - wide / 2, center[1] - high / 2)
    matrix = px.turning(angle, (translate[0], translate[1]), scale, sheared, centre)
    return changed(img, px.affine, matrix, (high, wide), InterpolationMode(interpolation).value, fill)


class RandomRotation(Transform):
    """An image turned by a random angle.

    >>> engine.data.transforms.RandomRotation((90, 90))(engine.tensor([[[1, 2], [3, 4]]]))
    tensor([[[2, 4], [1, 3]]])
    """

    def __init__(
        self,
        degrees: Any,
        interpolation: InterpolationMode = NEAREST,
        expand: bool = False,
        center: Any = None,
        fill: Any = 0,
    ) -> None:
        self.degrees, self.interpolation = span(degrees, "RandomRotation(degrees)"), interpolation
        self.expand, self.center, self.fill = expand, center, fill

    def __call__(self, img: Any) -> Any:
        return turned(img, uniform(*self.degrees), self.interpolation, self.expand, self.center, self.fill)


class RandomAffine(Transform):
    """An image turned, shifted, scaled and sheared at random; shifts are shares of the size.

    >>> engine.data.transforms.RandomAffine(0, translate=(0.5, 0.5))(engine.ones(1, 4, 4)).shape
    engine.Size([1, 4, 4])
    """

    def __init__(
        self,
        degrees: Any,
        translate: Any = None,
        scale: Any = None,
        shear: Any = None,
        interpolation: InterpolationMode = NEAREST,
        fill: Any = 0,
        center: Any = None,
    ) -> None:
        if translate is not None and not all(0 <= share <= 1 for share in translate):
            raise ArgumentError("RandomAffine(translate)", "shares from 0 to 1", translate, field="translate")
        if scale is not None and min(scale) <= 0:
            raise ArgumentError("RandomAffine(scale)", "factors above 0", scale, field="scale")
        self.degrees, self.translate, self.scale = span(degrees, "RandomAffine(degrees)"), translate, scale
        self.shear, self.interpolation, self.fill, self.center = shear, interpolation, fill, center

    def __call__(self, img: Any) -> Any:
        high, wide = size_of(img)
        across, down = self.translate or (0, 0)
        shift = [round(uniform(-share * size, share * size)) for share, size in ((across, wide), (down, high))]
        return moved(
            img,
            uniform(*self.degrees),
            shift,
            uniform(*(self.scale or (1, 1))),
            self._shears(),
            self.interpolation,
            self.fill,
            self.center,
        )

    def _shears(self) -> tuple[float, float]:
        if self.shear is None:
            return 0.0, 0.0
        if isinstance(self.shear, Sequence) and len(self.shear) == 4:
            return uniform(*self.shear[:2]), uniform(*self.shear[2:])
        return uniform(*span(self.shear, "RandomAffine(shear)")), 0.0
