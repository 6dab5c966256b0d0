"""CIFAR-10: 32 x 32 colour photographs in ten classes, read from the binary version."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import ClassVar

import numpy as np

from engine.data.idx import find_file, read_bytes
from engine.data.image import ImageFiles, check_labels, image_split
from engine.data.mnist import Limit, Validation
from engine.data.source import Array, Card, DataShape, Source, Split, dataset
from engine.errors import DataError

FOLDER = "cifar-10-batches-bin"
TRAIN = [f"data_batch_{i}.bin" for i in range(1, 6)]
RECORD = 1 + 3 * 32 * 32


@dataset("cifar10")
class Cifar10(Source):
    """Small colour photographs of ten kinds of things, 3 x 32 x 32."""

    card: ClassVar[Card] = Card(
        title="CIFAR-10 photographs",
        task="classification",
        classes=["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"],
        plane=False,
        input="image",
        licence="free for research and teaching; no licence text is given by its authors",
        source="Alex Krizhevsky: Learning multiple layers of features from tiny images, 2009",
        mean=[0.4914, 0.4822, 0.4465],
        std=[0.2470, 0.2435, 0.2616],
    )

    def __init__(self, limit: Limit | None = None, validation: Validation = 0.0) -> None:
        self.limit, self.validation = limit, validation

    def shape(self, data_dir: Path | None = None) -> DataShape:
        """Three channels."""
        return DataShape((3, 32, 32), 10, "classification")

    def load(self, data_dir: Path | None = None, seed: int = 0) -> Split:
        """Read the training batches that are there (at least one) and the test batch. Raises: DataError."""
        train = [path for name in TRAIN if (path := _find(data_dir, name))]
        test = _find(data_dir, "test_batch.bin")
        if not train or test is None:
            raise DataError(
                where="cifar10",
                expected=f"data_batch_1.bin and test_batch.bin in the folder {FOLDER} of the data directory",
                got="no training batch" if not train else "no test batch",
                hint="Download CIFAR-10 (binary version).",
            )
        key = tuple((path, path.stat().st_mtime_ns) for path in (*train, test))
        files = ImageFiles(key, _read_files(key[:-1]), _read_files(key[-1:]))
        return image_split(files, self.card, 0, self.limit, self.validation, seed)


def is_there(data_dir: Path) -> bool:
    """Whether something to train on and something to test on lie in the data directory."""
    return _find(data_dir, TRAIN[0]) is not None and _find(data_dir, "test_batch.bin") is not None


def _find(data_dir: Path | None, name: str) -> Path | None:
    return None if data_dir is None else find_file(data_dir / FOLDER, name)


@functools.lru_cache(maxsize=4)
def _read_files(files: tuple[tuple[Path, int], ...]) -> tuple[Array, Array]:
    batches = [_read_batch(path) for path, _ in files]
    return np.concatenate([images for images, _ in batches]), np.concatenate([labels for _, labels in batches])


def _read_batch(path: Path) -> tuple[Array, Array]:
    content = read_bytes(path)
    if not content or len(content) % RECORD:
        raise DataError(
            where=path.name,
            expected=f"whole records of {RECORD} bytes",
            got=f"{len(content)} bytes",
            hint="Delete the file and download it again.",
        )
    records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
    labels, images = records[:, 0], records[:, 1:].reshape(-1, 3, 32, 32)
    check_labels(labels, images, 10, path.name)
    return images, labels
