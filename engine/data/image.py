"""What image sets share: bytes to normalised float32 pixels, validation, limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

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


@dataclass(frozen=True)
class ImageFiles:
    """Images as bytes (N, channels, h, w) and labels of both parts; `key` names the files and their times."""

    key: tuple[Any, ...]
    train: tuple[Array, Array]
    test: tuple[Array, Array]


_shared: WeakValueDictionary[tuple[Any, ...], Arrays] = WeakValueDictionary()


def image_split(files: ImageFiles, card: Card, pad: int, limit: int | None, validation: float, seed: int) -> Split:
    """Normalise both parts; the limit and the validation share are taken from the training images.

    Runs that ask for the same images share one read-only copy for as long as one of them holds it.
    """
    choice = (files.key, pad, limit, validation, seed if validation else 0)
    names = ("train", "validation", "test")
    found = [_shared.get((*choice, name)) for name in names]
    parts = [part for part in found if part is not None]
    if len(parts) < len(names):
        images, labels = files.train[0][:limit], files.train[1][:limit]
        raw = (*hold_out(Arrays(images, labels), validation, seed), Arrays(*files.test))
        parts = [_ready(part, card, pad) for part in raw]
        _shared.update({(*choice, name): part for name, part in zip(names, parts, strict=True)})
    return Split(*parts)


def _ready(part: Arrays, card: Card, pad: int) -> Arrays:
    ready = Arrays(normalised(part.x, card, pad), part.y.astype(np.int64))
    ready.x.flags.writeable = ready.y.flags.writeable = False
    return ready


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
