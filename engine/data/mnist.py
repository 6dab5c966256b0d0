"""MNIST: 28 x 28 grey images of handwritten digits. A balanced subset is part of the package."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from engine.data.idx import find_file, read_idx
from engine.data.image import ImageFiles, check_labels, image_split
from engine.data.source import Array, Card, DataShape, Source, Split, dataset
from engine.errors import DataError
from engine.nn.settings import Between

SUBSET = Path(__file__).parent / "mnist_subset"
STEMS = {"train": "train", "test": "t10k"}

# Largest share that keeps something to learn from; `limit` counts training images.
Limit = Annotated[int, Between(10, 60_000, common=(100, 60_000))]
Pad = Annotated[int, Between(0, 18, common=(0, 2))]
Validation = Annotated[float, Between(0, 90, common=(0, 40))]


@dataset("mnist")
class Mnist(Source):
    """Handwritten digits, 28 x 28 grey pixels, ten classes."""

    card: ClassVar[Card] = Card(
        title="MNIST digits",
        task="classification",
        classes=[str(digit) for digit in range(10)],
        plane=False,
        input="image",
        licence="CC BY-SA 3.0",
        source="Yann LeCun, Corinna Cortes, Christopher J.C. Burges: The MNIST database of handwritten digits",
        mean=[0.1307],
        std=[0.3081],
    )

    def __init__(
        self,
        source: Literal["subset", "full"] = "subset",
        pad: Pad = 0,
        limit: Limit | None = None,
        validation: Validation = 0.0,
    ) -> None:
        self.source, self.pad, self.limit, self.validation = source, pad, limit, validation

    def shape(self, data_dir: Path | None = None) -> DataShape:
        """One channel, padded on every side."""
        side = 28 + 2 * self.pad
        return DataShape((1, side, side), 10, "classification")

    def load(self, data_dir: Path | None = None, seed: int = 0) -> Split:
        """Read the subset, or the full files below `data_dir/mnist`. Raises: DataError."""
        folder = self.folder(data_dir)
        return image_split(_read(folder), self.card, self.pad, self.limit, self.validation, seed)

    def folder(self, data_dir: Path | None) -> Path:
        """Where the files of this source are. Raises: DataError when the full files are not there."""
        if self.source == "subset":
            return SUBSET
        if data_dir is None or not full_is_there(data_dir):
            raise DataError(
                where="mnist",
                expected="the four MNIST files in the folder mnist of the data directory",
                got="not all of them",
                hint='Download MNIST, or choose the source "subset", which is part of this program.',
                field="source",
            )
        return data_dir / "mnist"


def full_is_there(data_dir: Path) -> bool:
    """Whether all four full files lie below `data_dir/mnist`, packed or not."""
    names = [name for stem in STEMS.values() for name in _names(stem)]
    return all(find_file(data_dir / "mnist", name) is not None for name in names)


def _names(stem: str) -> tuple[str, str]:
    return f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte"


def _read(folder: Path) -> ImageFiles:
    paths = [find_file(folder, name) or folder / f"{name}.gz" for stem in STEMS.values() for name in _names(stem)]
    key = tuple((path, path.stat().st_mtime_ns if path.is_file() else 0) for path in paths)
    return ImageFiles(key, _read_files(*key[:2]), _read_files(*key[2:]))


@functools.lru_cache(maxsize=4)
def _read_files(images_file: tuple[Path, int], labels_file: tuple[Path, int]) -> tuple[Array, Array]:
    """Images uint8 (N, 1, 28, 28) and labels; kept as bytes, because a reset or a second run asks again."""
    images_path, labels_path = images_file[0], labels_file[0]
    images, labels = read_idx(images_path), read_idx(labels_path)
    if images.ndim != 3 or images.shape[1:] != (28, 28):
        raise DataError(
            where=images_path.name, expected="images of 28 x 28", got=str(images.shape), hint="Download the file again."
        )
    check_labels(labels, images, 10, labels_path.name)
    return images[:, None], labels
