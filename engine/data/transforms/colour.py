"""Colour and content: grey, jitter, erasing."""

from __future__ import annotations

import math
import numbers
from typing import Any

from engine.array import module_of
from engine.data import pixels as px
from engine.data.transforms.kind import Transform, chance, changed, size_of, span, uniform
from engine.errors import ArgumentError
from engine.rng import default_generator
from engine.tensor import Tensor, wrap


class Grayscale(Transform):
    """Colour to grey, in one channel or three equal ones.

    >>> engine.data.transforms.Grayscale()(engine.ones(3, 1, 1))
    tensor([[[0.9999]]])
    """

    def __init__(self, num_output_channels: int = 1) -> None:
        self.num_output_channels = num_output_channels

    def __call__(self, img: Any) -> Any:
        return changed(img, px.grey, self.num_output_channels)


class RandomGrayscale(Transform):
    """Grey with probability p, in as many channels as before.

    >>> engine.data.transforms.RandomGrayscale(p=1.0)(engine.ones(3, 1, 1)).shape
    engine.Size([3, 1, 1])
    """

    def __init__(self, p: float = 0.1) -> None:
        self.p = p

    def __call__(self, img: Any) -> Any:
        return changed(img, lambda a: px.grey(a, a.shape[-3])) if chance(self.p) else img


class ColorJitter(Transform):
    """Brightness, contrast, saturation and hue changed at random, in random order.

    >>> engine.data.transforms.ColorJitter(brightness=(2, 2))(engine.full((1, 1, 1), 0.25))
    tensor([[[0.5000]]])
    """

    def __init__(self, brightness: Any = 0, contrast: Any = 0, saturation: Any = 0, hue: Any = 0) -> None:
        self.brightness, self.contrast, self.saturation = map(_factors, (brightness, contrast, saturation))
        low, high = span(hue, "ColorJitter(hue)")
        if not -0.5 <= low <= high <= 0.5:
            raise ArgumentError("ColorJitter(hue)", "shares of the circle from -0.5 to 0.5", hue, field="hue")
        self.hue = None if low == high == 0 else (low, high)

    def __call__(self, img: Any) -> Any:
        ways = (px.brighter, px.contrasted, px.saturated, px.hued)
        spans = (self.brightness, self.contrast, self.saturation, self.hue)
        for number in default_generator.permutation(4).tolist():
            if (bounds := spans[number]) is not None:
                img = changed(img, ways[number], uniform(*bounds))
        return img


def _factors(value: Any) -> tuple[float, float] | None:
    """Bounds of a factor: (1 - d, 1 + d) for one number d; None where nothing changes."""
    if not isinstance(value, numbers.Real):
        return float(value[0]), float(value[1])
    if value < 0:
        raise ArgumentError("ColorJitter", "a number from 0, or two numbers", value)
    return (max(0.0, 1 - float(value)), 1 + float(value)) if value else None


class RandomErasing(Transform):
    """A random rectangle painted over, with probability p; for tensors (Zhong et al., 2020).

    >>> (engine.data.transforms.RandomErasing(p=1.0)(engine.ones(1, 8, 8)) == 0).any()
    tensor(True)
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: tuple[float, float] = (0.02, 0.33),
        ratio: tuple[float, float] = (0.3, 3.3),
        value: Any = 0,
        inplace: bool = False,
    ) -> None:
        self.p, self.scale, self.ratio, self.value, self.inplace = p, scale, ratio, value, inplace

    def __call__(self, img: Tensor) -> Tensor:
        if not chance(self.p):
            return img
        channels, (high, wide) = img.array.shape[-3], size_of(img)
        for _ in range(10):
            area, shape = high * wide * uniform(*self.scale), math.exp(uniform(*map(math.log, self.ratio)))
            height, width = round(math.sqrt(area * shape)), round(math.sqrt(area / shape))
            if height < high and width < wide:
                top, left = (int(default_generator.integers(0, n + 1)) for n in (high - height, wide - width))
                result = img if self.inplace else wrap(img.array.copy())
                result.array[..., top : top + height, left : left + width] = self._paint(img, channels, height, width)
                result.changed()
                return result
        return img

    def _paint(self, img: Tensor, channels: int, height: int, width: int) -> Any:
        xp = module_of(img.array)
        if self.value == "random":
            return xp.asarray(default_generator.normal((channels, height, width)), img.array.dtype)
        return xp.asarray(self.value, img.array.dtype).reshape(-1, 1, 1)
