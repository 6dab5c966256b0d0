"""From and to tensors, element types, normalising."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.array import dtype_of, module_of
from engine.data.picture import pillow
from engine.data.transforms.kind import Transform, array_of
from engine.errors import ArgumentError, DTypeError
from engine.tensor import Tensor, wrap


class ToTensor(Transform):
    """An image, or an array (height, width[, channels]), as a tensor with channels first; bytes become 0 to 1.

    >>> engine.data.transforms.ToTensor()(np.full((1, 2), 51, np.uint8))
    tensor([[[0.2000, 0.2000]]])
    """

    def __call__(self, img: Any) -> Tensor:
        if isinstance(img, np.ndarray):
            array = img[None] if img.ndim == 2 else img.transpose(2, 0, 1)
        elif isinstance(img, Tensor):
            raise TypeError(f"ToTensor: expected an image or an array, got {type(img).__name__}")
        else:
            array = array_of(img)
        if array.dtype == np.uint8:
            return wrap(np.divide(array, np.float32(255), dtype=np.float32))
        return wrap(np.ascontiguousarray(array))


class PILToTensor(Transform):
    """An image as a tensor of bytes, channels first.

    >>> engine.data.transforms.PILToTensor()(engine.data.Image(np.full((1, 2), 51, np.uint8)))
    tensor([[[51, 51]]], dtype=engine.uint8)
    """

    def __call__(self, img: Any) -> Tensor:
        return wrap(np.ascontiguousarray(array_of(img)))


class ToPILImage(Transform):
    """A tensor (channels, height, width) or array (height, width, channels) as an image of Pillow, where it is there.

    >>> engine.data.transforms.ToPILImage()
    ToPILImage(mode=None)
    """

    def __init__(self, mode: str | None = None) -> None:
        self.mode = mode

    def __call__(self, pic: Any) -> Any:
        array = pic.detach().cpu().numpy() if isinstance(pic, Tensor) else np.asarray(pic)
        if isinstance(pic, Tensor) and array.ndim == 3:
            array = array.transpose(1, 2, 0)
        if array.dtype.kind == "f" and isinstance(pic, Tensor):
            array = (array * 255).astype(np.uint8)
        return pillow().fromarray(array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array, self.mode)


class ConvertImageDtype(Transform):
    """Another element type, with white kept white: 255 for bytes, 1 for floats.

    >>> engine.data.transforms.ConvertImageDtype(engine.float32)(engine.full((1, 1, 1), 255, dtype=engine.uint8))
    tensor([[[1.]]])
    """

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype

    def __call__(self, img: Tensor) -> Tensor:
        array, dtype = img.array, dtype_of(self.dtype)
        if array.dtype.kind == dtype.kind:
            return wrap(array.astype(dtype))
        if dtype.kind == "f":
            return wrap(array.astype(dtype) / np.iinfo(array.dtype).max)
        return wrap((array * (np.iinfo(dtype).max + 1 - 1e-3)).astype(dtype))


class Normalize(Transform):
    """Takes a mean off every channel and divides by its deviation.

    >>> engine.data.transforms.Normalize([0.5], [0.25])(engine.ones(1, 1, 1))
    tensor([[[2.]]])
    """

    def __init__(self, mean: Any, std: Any, inplace: bool = False) -> None:
        self.mean, self.std, self.inplace = mean, std, inplace

    def __call__(self, tensor: Tensor) -> Tensor:
        if not isinstance(tensor, Tensor):
            raise TypeError(f"Normalize: expected a tensor, got {type(tensor).__name__}. Put ToTensor before it.")
        array, xp = tensor.array, module_of(tensor.array)
        if array.dtype.kind != "f":
            raise _NotFloat("Normalize", "a float tensor", tensor.dtype, "Put ToTensor before it.")
        mean, std = (xp.asarray(v, array.dtype).reshape(-1, 1, 1) for v in (self.mean, self.std))
        if (std == 0).any():
            raise ArgumentError("Normalize(std)", "deviations above 0", self.std, field="std")
        if self.inplace:
            array -= mean
            array /= std
            tensor.changed()
            return tensor
        return wrap((array - mean) / std)


class _NotFloat(DTypeError, TypeError):
    """A tensor of whole numbers where floats are needed."""
