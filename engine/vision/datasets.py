"""Image sets in torchvision's manner: `MNIST(root, train=True, transform=ToTensor(), download=True)`.

The files are looked for below `root`, then below the folder that PLAYGROUND_DATA_DIR names; `download` fetches what is
not there. Examples are pairs (`Image`, number of the class) before the transforms.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from engine.data.cifar10 import FOLDER, TRAIN, Cifar10, _read_files
from engine.data.dataset import Dataset
from engine.data.download import download as fetch
from engine.data.idx import find_file, read_idx
from engine.data.mnist import STEMS
from engine.data.picture import Image
from engine.errors import ArgumentError, DataError
from engine.rng import Generator
from engine.tensor import wrap

__all__ = ["CIFAR10", "MNIST", "FakeData", "FashionMNIST", "VisionDataset"]

Change = Callable[[Any], Any] | None


class NotFound(DataError, RuntimeError):
    """The files of an image set are not there."""


class VisionDataset(Dataset[Any]):
    """Base of the image sets: pictures in `data`, classes in `targets`, and the transforms on the way out.

    >>> issubclass(engine.vision.datasets.MNIST, engine.vision.datasets.VisionDataset)
    True
    """

    classes: list[str]
    data: Any
    targets: Any

    def __init__(self, root: Any = None, transforms: Any = None, transform: Change = None,
                 target_transform: Change = None) -> None:  # fmt: skip
        if transforms is not None and (transform is not None or target_transform is not None):
            raise ArgumentError(type(self).__name__, "either transforms or transform and target_transform", "both")
        self.root, self.transforms = root, transforms
        self.transform, self.target_transform = transform, target_transform

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: Any) -> tuple[Any, Any]:
        image, target = self.example(index)
        if self.transforms is not None:
            first, second = self.transforms(image, target)
            return first, second
        image = image if self.transform is None else self.transform(image)
        return image, target if self.target_transform is None else self.target_transform(target)

    def example(self, index: Any) -> tuple[Any, Any]:
        """One example before the transforms."""
        return Image(np.asarray(self.data[index])), int(self.targets[index])

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The number of every class."""
        return {name: number for number, name in enumerate(self.classes)}

    def __repr__(self) -> str:
        lines = [f"Dataset {type(self).__name__}", f"    Number of datapoints: {len(self)}"]
        lines += [f"    Root location: {self.root}"] if self.root is not None else []
        lines += [f"    Split: {'Train' if self.train else 'Test'}"] if hasattr(self, "train") else []
        lines += [f"    Transform: {self.transform!r}"] if self.transform is not None else []
        return "\n".join(lines)


def _places(root: Any, *below: str) -> list[Path]:
    """The folders where files may lie."""
    given = os.environ.get("PLAYGROUND_DATA_DIR")
    return [base / name for base in [Path(root), *([Path(given)] if given else [])] for name in below]


def _found(where: str, root: Any, download: bool, find: Callable[[], Any], kind: str | None) -> Any:
    """What `find` finds; after a download where that is asked for. Raises: NotFound."""
    found = find()
    if found is None and download and kind is not None:
        fetch(kind, Path(root))
        found = find()
    if found is None:
        hint = "You can use download=True to download it." if kind and not download else f"Put the files below {root}."
        raise NotFound(f"Dataset not found: {where}", "its files", f"none below {root}", hint)
    return found


class MNIST(VisionDataset):
    """Handwritten digits: 60,000 to train on and 10,000 to test with, 28 x 28 grey.

    >>> engine.vision.datasets.MNIST.classes[3]
    '3 - three'
    """

    classes: ClassVar[list[str]] = [  # type: ignore[misc]
        "0 - zero", "1 - one", "2 - two", "3 - three", "4 - four", "5 - five", "6 - six", "7 - seven", "8 - eight",
        "9 - nine",
    ]  # fmt: skip
    folder: ClassVar[str] = "mnist"
    kind: ClassVar[str | None] = "mnist"

    def __init__(
        self, root: Any, train: bool = True, transform: Change = None, target_transform: Change = None,
        download: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(root, None, transform, target_transform)
        self.train = train
        images, labels = _found(type(self).__name__, root, download, self._find, self.kind)
        self.data, self.targets = wrap(read_idx(images).copy()), wrap(read_idx(labels).astype(np.int64))

    @property
    def train_data(self) -> Any:
        """The pictures, by the name that older programs use."""
        return self.data

    @property
    def train_labels(self) -> Any:
        """The digits, by the name that older programs use."""
        return self.targets

    test_data, test_labels = train_data, train_labels

    def _find(self) -> tuple[Path, Path] | None:
        stem = STEMS["train" if self.train else "test"]
        for folder in _places(self.root, f"{type(self).__name__}/raw", self.folder):
            files = [find_file(folder, f"{stem}-{name}-ubyte") for name in ("images-idx3", "labels-idx1")]
            if files[0] is not None and files[1] is not None:
                return files[0], files[1]
        return None

    def example(self, index: Any) -> tuple[Any, Any]:
        """A grey picture and its digit."""
        return Image(self.data.array[index]), int(self.targets.array[index])


class FashionMNIST(MNIST):
    """Articles of clothing in the same format as MNIST; only read, not downloaded (Xiao et al., 2017).

    >>> engine.vision.datasets.FashionMNIST.classes[0]
    'T-shirt/top'
    """

    classes: ClassVar[list[str]] = [  # type: ignore[misc]
        "T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot",
    ]  # fmt: skip
    folder: ClassVar[str] = "fashion-mnist"
    kind: ClassVar[str | None] = None


class CIFAR10(VisionDataset):
    """Photographs of ten kinds of things, 32 x 32 in colour, from the binary version; as many batches as are there.

    >>> engine.vision.datasets.CIFAR10.classes[3]
    'cat'
    """

    classes: ClassVar[list[str]] = Cifar10.card.classes  # type: ignore[misc]

    def __init__(
        self, root: Any, train: bool = True, transform: Change = None, target_transform: Change = None,
        download: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(root, None, transform, target_transform)
        self.train = train
        files = _found("CIFAR10", root, download, self._find, "cifar10")
        images, labels = _read_files(tuple((path, path.stat().st_mtime_ns) for path in files))
        self.data: Any = np.ascontiguousarray(images.transpose(0, 2, 3, 1))
        self.targets: Any = labels.tolist()

    def _find(self) -> list[Path] | None:
        names = TRAIN if self.train else ["test_batch.bin"]
        for folder in _places(self.root, FOLDER):
            files = [path for name in names if (path := find_file(folder, name))]
            if files:
                return files
        return None


class FakeData(VisionDataset):
    """Noise with classes drawn at random, for trying things out; an example is the same every time.

    >>> len(engine.vision.datasets.FakeData(size=5))
    5
    """

    def __init__(
        self, size: int = 1000, image_size: tuple[int, int, int] = (3, 224, 224), num_classes: int = 10,
        transform: Change = None, target_transform: Change = None, random_offset: int = 0,
    ) -> None:  # fmt: skip
        super().__init__(None, None, transform, target_transform)
        self.size, self.image_size, self.num_classes, self.random_offset = size, image_size, num_classes, random_offset
        self.classes = [str(number) for number in range(num_classes)]

    def __len__(self) -> int:
        return self.size

    def example(self, index: Any) -> tuple[Any, Any]:
        """Noise that depends on the number alone."""
        if not 0 <= index < self.size:
            raise IndexError(f"example {index} of {self.size}")
        draw = Generator(index + self.random_offset)
        pixels = draw.integers(0, 256, self.image_size).astype(np.uint8).transpose(1, 2, 0)
        return Image(pixels), int(draw.integers(0, self.num_classes))
