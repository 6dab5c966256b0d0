"""What a dataset is: a card, typed settings, and `load`. `DATASETS` lists them all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt

from engine.errors import ArgumentError
from engine.nn.settings import checked
from engine.rng import Generator

Array = npt.NDArray[Any]
Task = Literal["classification", "regression"]


class DataShape(NamedTuple):
    """What a network must fit: shape of one example, number of outputs, task.

    `outputs` is the number of classes (two classes may also be answered by one output) or 1 for regression.

    >>> engine.data.DataShape((1, 28, 28), 10, "classification").outputs
    10
    """

    input: tuple[int, ...]
    outputs: int
    task: Task


@dataclass(frozen=True)
class Card:
    """What a picker shows about a dataset before it is loaded.

    >>> engine.data.DATASETS["mnist"].card.title
    'MNIST digits'
    """

    title: str
    task: Task
    classes: list[str]
    plane: bool
    input: Literal["plane", "image", "table"]
    licence: str
    source: str
    mean: list[float] = field(default_factory=list)  # images: channel means taken off after scaling to [0, 1]
    std: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Arrays:
    """Examples: `x` float32 (N, ...), `y` (N,) int64 class indices or float32 values, `points` (N, 2) for planes.

    >>> len(engine.data.Arrays(np.zeros((3, 2), "f4"), np.zeros(3, "i8"))[:2])
    2
    """

    x: Array
    y: Array
    points: Array | None = None

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: Any) -> Arrays:
        return Arrays(self.x[rows], self.y[rows], None if self.points is None else self.points[rows])


class Split(NamedTuple):
    """The three parts; `validation` has no rows unless it was asked for.

    >>> [len(part) for part in engine.data.DATASETS["mnist"](limit=100).load()][:2]
    [100, 0]
    """

    train: Arrays
    validation: Arrays
    test: Arrays


class Source(ABC):
    """Base of the datasets: a subclass declares `card`, a typed constructor, `shape` and `load`.

    >>> engine.data.DATASETS["mnist"](pad=2).shape().input
    (1, 32, 32)
    """

    kind: ClassVar[str]
    card: ClassVar[Card]

    @abstractmethod
    def shape(self, data_dir: Path | None = None) -> DataShape:
        """Input shape, outputs and task, without loading the examples where that is possible."""

    @abstractmethod
    def load(self, data_dir: Path | None = None, seed: int = 0) -> Split:
        """Read or draw the examples and split them; the same seed gives the same split.

        Raises: DataError when a file is missing or damaged.
        """

    def classes(self, data_dir: Path | None = None) -> list[str]:
        """Names of the classes; empty for regression."""
        return list(self.card.classes)

    def feature_names(self, data_dir: Path | None = None) -> list[str]:
        """One name for each number of an example; empty where they have none (pixels)."""
        return []

    @classmethod
    def check_shape(cls, params: dict[str, Any], data_dir: Path | None = None) -> DataShape:
        """The shape for raw settings. Raises: ArgumentError for a bad setting, DataError for a missing table."""
        return cls(**params).shape(data_dir)


DATASETS: dict[str, type[Source]] = {}
S = TypeVar("S", bound=Source)


def dataset(kind: str) -> Callable[[type[S]], type[S]]:
    """Class decorator: enter a source into `DATASETS` and check its settings."""

    def enter(cls: type[S]) -> type[S]:
        cls.kind = kind
        DATASETS[kind] = checked(cls)
        return cls

    return enter


def split_counts(count: int, train: float, validation: float) -> tuple[int, int]:
    """How many rows train and validate, from percentages; the rest tests. Raises: ArgumentError when none is left."""
    first, second = int(count * train / 100), int(count * validation / 100)
    if first < 1 or first + second >= count:
        raise ArgumentError(
            where="split",
            expected="at least one example to train on and one to test on",
            got=f"{count} examples, {train:g} % for training and {validation:g} % for validation",
            hint="Lower the shares, or use more examples.",
            field="train",
        )
    return first, second


def split_rows(arrays: Arrays, train: float, validation: float) -> Split:
    """Cut rows that are already in random order into train, validation and test."""
    first, second = split_counts(len(arrays), train, validation)
    return Split(arrays[:first], arrays[first : first + second], arrays[first + second :])


def hold_out(arrays: Arrays, validation: float, seed: int) -> tuple[Arrays, Arrays]:
    """Take a random share of the training rows as validation; with 0 % nothing is copied."""
    count = int(len(arrays) * validation / 100)
    if count == 0:
        return arrays, arrays[:0]
    order = np.asarray(Generator(seed).permutation(len(arrays)))
    return arrays[np.sort(order[count:])], arrays[np.sort(order[:count])]
