"""torchvision's path `torchvision.utils`: many images as one, and images to files."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import numpy as np

from engine.array import to_host
from engine.data.picture import NeedsPillow, png_bytes
from engine.errors import ShapeError
from engine.tensor import Tensor, wrap

__all__ = ["make_grid", "save_image"]


def make_grid(
    tensor: Any,
    nrow: int = 8,
    padding: int = 2,
    normalize: bool = False,
    value_range: tuple[float, float] | None = None,
    scale_each: bool = False,
    pad_value: float = 0.0,
) -> Tensor:
    """Images (N, channels, height, width), or a list of them, side by side in rows of `nrow`, as one image.

    >>> engine.vision.utils.make_grid(engine.ones(4, 1, 2, 2), nrow=2).shape
    engine.Size([3, 10, 10])
    """
    images = _batch(tensor)
    if normalize:
        parts = images if scale_each else images[None]
        images = np.concatenate([_scaled(part, value_range).reshape(-1, *images.shape[1:]) for part in parts])
    count, channels, height, width = images.shape
    if count == 1:
        return wrap(images[0])
    columns = min(nrow, count)
    rows, high, wide = -(-count // columns), height + padding, width + padding
    grid = np.full((channels, rows * high + padding, columns * wide + padding), pad_value, images.dtype)
    for number, image in enumerate(images):
        top, left = number // columns * high + padding, number % columns * wide + padding
        grid[:, top : top + height, left : left + width] = image
    return wrap(grid)


def _batch(tensor: Any) -> Any:
    """Images (N, 3, height, width) from a tensor of two to four axes or a list; grey ones become colour."""
    if isinstance(tensor, list | tuple):
        arrays = np.stack([to_host(t.array) for t in tensor])
    elif isinstance(tensor, Tensor):
        arrays = to_host(tensor.array)
    else:
        raise TypeError(f"make_grid: expected a tensor or a list of tensors, got {type(tensor).__name__}")
    if not 2 <= arrays.ndim <= 4:
        raise ShapeError("make_grid", "images (N, channels, height, width)", list(arrays.shape))
    arrays = arrays[None] if arrays.ndim == 2 else arrays
    arrays = arrays[None] if arrays.ndim == 3 else arrays
    return np.repeat(arrays, 3, 1) if arrays.shape[1] == 1 else np.array(arrays)


def _scaled(values: Any, bounds: tuple[float, float] | None) -> Any:
    low, high = (float(values.min()), float(values.max())) if bounds is None else bounds
    return (values.clip(low, high) - low) / max(high - low, 1e-5)


def save_image(tensor: Any, fp: str | Path | IO[bytes], format: str | None = None, **kwargs: Any) -> None:
    """Images as one PNG file; the keywords are those of `make_grid`.

    >>> import io; file = io.BytesIO()
    >>> engine.vision.utils.save_image(engine.zeros(1, 2, 2), file); file.getvalue()[1:4]
    b'PNG'
    """
    ending = (format or (Path(fp).suffix if isinstance(fp, str | Path) else "png")).lstrip(".").lower()
    if ending != "png":
        raise NeedsPillow("save_image", "a name that ends in .png", ending, "Only PNG is written.")
    grid = make_grid(tensor, **kwargs).array
    pixels = (grid * 255 + 0.5).clip(0, 255).astype(np.uint8).transpose(1, 2, 0)
    if isinstance(fp, str | Path):
        Path(fp).write_bytes(png_bytes(pixels))
    else:
        fp.write(png_bytes(pixels))
