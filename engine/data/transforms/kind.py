"""What all transforms share: the kinds of images they take, chance, and putting transforms together."""

from __future__ import annotations

import numbers
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

import numpy as np

from engine.array import module_of
from engine.data.picture import Image, is_pillow, pillow
from engine.errors import ArgumentError, ShapeError
from engine.rng import default_generator
from engine.tensor import Tensor, wrap


class InterpolationMode(Enum):
    """How values between pixels are found.

    >>> engine.data.transforms.InterpolationMode.BILINEAR.value
    'bilinear'
    """

    NEAREST = "nearest"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"


NEAREST, BILINEAR = InterpolationMode.NEAREST, InterpolationMode.BILINEAR


def array_of(image: Any) -> Any:
    """The numbers of an image of any kind, (..., channels, height, width)."""
    if isinstance(image, Tensor):
        if image.ndim < 2:
            raise ShapeError("transform", "an image of at least two axes", list(image.shape))
        return image.array
    if isinstance(image, Image) or is_pillow(image):
        array = np.asarray(image)
        return array[None] if array.ndim == 2 else array.transpose(2, 0, 1)
    raise TypeError(f"transform: expected a tensor or an image, got {type(image).__name__}")


def like(image: Any, array: Any) -> Any:
    """An array as the kind of image that went in."""
    if isinstance(image, Tensor):
        return wrap(module_of(array).ascontiguousarray(array))
    flat = array[0] if array.shape[0] == 1 else array.transpose(1, 2, 0)
    return Image(np.ascontiguousarray(flat)) if isinstance(image, Image) else pillow().fromarray(flat)


def changed(image: Any, change: Callable[..., Any], *arguments: Any) -> Any:
    """An image of any kind after a change of its array."""
    return like(image, change(array_of(image), *arguments))


def size_of(image: Any) -> tuple[int, int]:
    """(height, width)."""
    height, width = array_of(image).shape[-2:]
    return int(height), int(width)


def uniform(low: float, high: float) -> float:
    """A number drawn between two others."""
    return float(default_generator.uniform((), low, high))


def chance(p: float) -> bool:
    """True with a probability."""
    return uniform(0.0, 1.0) < p


def pair(value: Any, where: str) -> tuple[int, int]:
    """One number for both sides, or two."""
    if isinstance(value, numbers.Integral):
        return int(value), int(value)
    if len(value) not in (1, 2):
        raise ArgumentError(where, "one or two sizes", value, field="size")
    return int(value[0]), int(value[-1])


def span(value: Any, where: str) -> tuple[float, float]:
    """(low, high) from one number d (-d, d) or two."""
    if isinstance(value, numbers.Real):
        if value < 0:
            raise ArgumentError(where, "a number from 0, or two numbers", value)
        return -float(value), float(value)
    if len(value) != 2:
        raise ArgumentError(where, "one number or two", value)
    return float(value[0]), float(value[1])


class Transform:
    """Base of the transforms: one call on an image; printing shows the settings."""

    def __call__(self, img: Any) -> Any:
        raise NotImplementedError

    def __repr__(self) -> str:
        shown = {name: value for name, value in vars(self).items() if not name.startswith("_")}
        return f"{type(self).__name__}({', '.join(f'{name}={value}' for name, value in shown.items())})"


class Compose(Transform):
    """Transforms one after the other.

    >>> engine.data.transforms.Compose([engine.data.transforms.ToTensor(), lambda x: x + 1])(np.zeros((1, 1), np.uint8))
    tensor([[[1.]]])
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        for change in self.transforms:
            img = change(img)
        return img

    def __repr__(self) -> str:
        return "Compose(\n" + "".join(f"    {change}\n" for change in self.transforms) + ")"


class Lambda(Transform):
    """Any function as a transform.

    >>> engine.data.transforms.Lambda(lambda x: x * 2)(engine.ones(1))
    tensor([2.])
    """

    def __init__(self, lambd: Callable[[Any], Any]) -> None:
        if not callable(lambd):
            raise TypeError(f"Lambda: expected a function, got {type(lambd).__name__}")
        self.lambd = lambd

    def __call__(self, img: Any) -> Any:
        return self.lambd(img)


class RandomApply(Transform):
    """Some transforms, all or none, with probability p.

    >>> engine.data.transforms.RandomApply([lambda x: x + 1], p=1.0)(1)
    2
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]], p: float = 0.5) -> None:
        self.transforms, self.p = transforms, p

    def __call__(self, img: Any) -> Any:
        if chance(self.p):
            for change in self.transforms:
                img = change(img)
        return img


class RandomChoice(Transform):
    """One of some transforms.

    >>> engine.data.transforms.RandomChoice([lambda x: x + 1])(1)
    2
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        return self.transforms[int(default_generator.integers(0, len(self.transforms)))](img)


class RandomOrder(Transform):
    """Transforms in random order.

    >>> engine.data.transforms.RandomOrder([lambda x: x + 1, lambda x: x + 2])(1)
    4
    """

    def __init__(self, transforms: Sequence[Callable[[Any], Any]]) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        for number in default_generator.permutation(len(self.transforms)).tolist():
            img = self.transforms[number](img)
        return img
