"""torchvision's path `torchvision.transforms.functional`: transforms without chance, as functions."""

from __future__ import annotations

from typing import Any

from engine.data import pixels as px
from engine.data import transforms as classes
from engine.data.transforms.kind import BILINEAR, InterpolationMode, changed, size_of
from engine.data.transforms.place import moved as affine
from engine.data.transforms.place import turned as rotate
from engine.tensor import Tensor

__all__ = [
    "InterpolationMode",
    "adjust_brightness",
    "adjust_contrast",
    "adjust_hue",
    "adjust_saturation",
    "affine",
    "center_crop",
    "convert_image_dtype",
    "crop",
    "get_image_size",
    "hflip",
    "normalize",
    "pad",
    "pil_to_tensor",
    "resize",
    "resized_crop",
    "rgb_to_grayscale",
    "rotate",
    "to_pil_image",
    "to_tensor",
    "vflip",
]


def to_tensor(pic: Any) -> Tensor:
    """`ToTensor`.

    >>> engine.vision.transforms.functional.to_tensor(np.full((1, 1), 255, np.uint8))
    tensor([[[1.]]])
    """
    return classes.ToTensor()(pic)


def pil_to_tensor(pic: Any) -> Tensor:
    """`PILToTensor`.

    >>> engine.vision.transforms.functional.pil_to_tensor(engine.data.Image(np.zeros((1, 1), np.uint8)))
    tensor([[[0]]], dtype=engine.uint8)
    """
    return classes.PILToTensor()(pic)


def to_pil_image(pic: Any, mode: str | None = None) -> Any:
    """`ToPILImage`.

    >>> callable(engine.vision.transforms.functional.to_pil_image)  # the call needs Pillow
    True
    """
    return classes.ToPILImage(mode)(pic)


def convert_image_dtype(image: Tensor, dtype: Any) -> Tensor:
    """`ConvertImageDtype`.

    >>> engine.vision.transforms.functional.convert_image_dtype(engine.ones(1, 1, 1), engine.uint8)
    tensor([[[255]]], dtype=engine.uint8)
    """
    return classes.ConvertImageDtype(dtype)(image)


def normalize(tensor: Tensor, mean: Any, std: Any, inplace: bool = False) -> Tensor:
    """`Normalize`.

    >>> engine.vision.transforms.functional.normalize(engine.ones(1, 1, 1), [0.5], [0.5])
    tensor([[[1.]]])
    """
    return classes.Normalize(mean, std, inplace)(tensor)


def resize(
    img: Any, size: Any, interpolation: InterpolationMode = BILINEAR, max_size: int | None = None, antialias: Any = True
) -> Any:
    """`Resize`.

    >>> engine.vision.transforms.functional.resize(engine.ones(1, 2, 2), 1)
    tensor([[[1.]]])
    """
    return classes.Resize(size, interpolation, max_size, antialias)(img)


def pad(img: Any, padding: Any, fill: Any = 0, padding_mode: str = "constant") -> Any:
    """`Pad`.

    >>> engine.vision.transforms.functional.pad(engine.ones(1, 1, 1), (1, 0))
    tensor([[[0., 1., 0.]]])
    """
    return classes.Pad(padding, fill, padding_mode)(img)


def center_crop(img: Any, output_size: Any) -> Any:
    """`CenterCrop`.

    >>> engine.vision.transforms.functional.center_crop(engine.tensor([[[1, 2, 3]]]), 1)
    tensor([[[2]]])
    """
    return classes.CenterCrop(output_size)(img)


def crop(img: Any, top: int, left: int, height: int, width: int) -> Any:
    """A part of an image.

    >>> engine.vision.transforms.functional.crop(engine.tensor([[[1, 2, 3]]]), 0, 1, 1, 2)
    tensor([[[2, 3]]])
    """
    return changed(img, px.crop, top, left, height, width)


def resized_crop(img: Any, top: int, left: int, height: int, width: int, size: Any) -> Any:
    """A part of an image in another size.

    >>> engine.vision.transforms.functional.resized_crop(engine.ones(1, 4, 4), 1, 1, 2, 2, 1)
    tensor([[[1.]]])
    """
    return resize(crop(img, top, left, height, width), size)


def hflip(img: Any) -> Any:
    """Left and right exchanged.

    >>> engine.vision.transforms.functional.hflip(engine.tensor([[[1, 2]]]))
    tensor([[[2, 1]]])
    """
    return changed(img, lambda a: a[..., ::-1])


def vflip(img: Any) -> Any:
    """Top and bottom exchanged.

    >>> engine.vision.transforms.functional.vflip(engine.tensor([[[1], [2]]]))
    tensor([[[2], [1]]])
    """
    return changed(img, lambda a: a[..., ::-1, :])


def rgb_to_grayscale(img: Any, num_output_channels: int = 1) -> Any:
    """`Grayscale`.

    >>> engine.vision.transforms.functional.rgb_to_grayscale(engine.ones(3, 1, 1))
    tensor([[[0.9999]]])
    """
    return classes.Grayscale(num_output_channels)(img)


def adjust_brightness(img: Any, brightness_factor: float) -> Any:
    """Every value times a factor.

    >>> engine.vision.transforms.functional.adjust_brightness(engine.tensor([[[0.2]]]), 2.0)
    tensor([[[0.4000]]])
    """
    return changed(img, px.brighter, brightness_factor)


def adjust_contrast(img: Any, contrast_factor: float) -> Any:
    """Away from the mean brightness, or towards it.

    >>> engine.vision.transforms.functional.adjust_contrast(engine.tensor([[[0.2, 0.4]]]), 0.0)
    tensor([[[0.3000, 0.3000]]])
    """
    return changed(img, px.contrasted, contrast_factor)


def adjust_saturation(img: Any, saturation_factor: float) -> Any:
    """Away from grey, or towards it.

    >>> engine.vision.transforms.functional.adjust_saturation(engine.ones(3, 1, 1), 1.0).sum()
    tensor(3.)
    """
    return changed(img, px.saturated, saturation_factor)


def adjust_hue(img: Any, hue_factor: float) -> Any:
    """All hues turned by a share of the circle.

    >>> red = engine.tensor([[[1.0]], [[0.0]], [[0.0]]])
    >>> engine.vision.transforms.functional.adjust_hue(red, 1 / 3).flatten().round()
    tensor([0., 1., 0.])
    """
    return changed(img, px.hued, hue_factor)


def get_image_size(img: Any) -> list[int]:
    """[width, height].

    >>> engine.vision.transforms.functional.get_image_size(engine.ones(1, 2, 3))
    [3, 2]
    """
    return list(size_of(img))[::-1]
