"""What image sets share: bytes to normalised float32 pixels, validation, limits."""

from __future__ import annotations

import numpy as np

from engine.data.source import Array, Arrays, Card, Split, hold_out
from engine.errors import DataError


def normalised(images: Array, card: Card, pad: int = 0) -> Array:
    """Bytes (N, channels, h, w) as float32: scaled to [0, 1], padded by zeros, channel means off, over deviations."""
    count, channels, height, width = images.shape
    result = np.empty((count, channels, height + 2 * pad, width + 2 * pad), np.float32)
    inside = (slice(pad, pad + height), slice(pad, pad + width))
    for channel, (mean, std) in enumerate(zip(card.mean, card.std, strict=True)):
        table = ((np.arange(256) / 255 - mean) / std).astype(np.float32)  # 256 values: one look-up for each pixel
        if pad:
            result[:, channel] = table[0]
        result[:, channel, *inside] = table[images[:, channel]]
    return result


def image_split(
    train: tuple[Array, Array],
    test: tuple[Array, Array],
    card: Card,
    pad: int,
    limit: int | None,
    validation: float,
    seed: int,
) -> Split:
    """Normalise both parts; the limit and the validation share are taken from the training images."""
    images, labels = train[0][:limit], train[1][:limit]
    learning, validating = hold_out(Arrays(images, labels), validation, seed)
    parts = (learning, validating, Arrays(*test))
    return Split(*(Arrays(normalised(p.x, card, pad), p.y.astype(np.int64)) for p in parts))


def check_labels(labels: Array, images: Array, classes: int, name: str) -> None:
    """Raise `DataError` unless every image has a label below `classes`."""
    if len(labels) != len(images):
        raise DataError(
            where=name,
            expected=f"{len(images)} labels, one for each image",
            got=str(len(labels)),
            hint="Download the files again.",
        )
    if len(labels) and int(labels.max()) >= classes:
        raise DataError(
            where=name,
            expected=f"labels below {classes}",
            got=f"{int(labels.max())} at example {int(labels.argmax())}",
            hint="Download the files again.",
        )
