"""Sets of examples, under PyTorch's names: asked for by number, or gone through from the beginning."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, Generic, TypeVar

import numpy as np

from engine.errors import ArgumentError
from engine.rng import Generator, default_generator

T_co = TypeVar("T_co", covariant=True)


class SizeError(ArgumentError, AssertionError):
    """Sets or tensors that should have the same number of examples."""


class Dataset(Generic[T_co]):
    """Base of the datasets of Python programs: `len(dataset)` and `dataset[i]`.

    >>> class Squares(engine.data.Dataset):
    ...     def __len__(self): return 3
    ...     def __getitem__(self, index): return index ** 2
    >>> Squares()[2]
    4
    """

    def __getitem__(self, index: Any) -> T_co:
        """Example number `index`."""
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__()")

    def __add__(self, other: Dataset[Any]) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Dataset[T_co]):
    """Base of the datasets that only know how to begin and go on: `for example in dataset`.

    With several workers each goes through a copy of its own: `get_worker_info()` says which part is whose.

    >>> class Count(engine.data.IterableDataset):
    ...     def __iter__(self): return iter(range(3))
    >>> list(engine.data.DataLoader(Count(), batch_size=2))
    [tensor([0, 1]), tensor([2])]
    """

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__()")

    def __add__(self, other: Dataset[Any]) -> Any:
        return ChainDataset([self, other])


class TensorDataset(Dataset[tuple[Any, ...]]):
    """Tensors that are cut along their first axis: example i is row i of each.

    >>> engine.data.TensorDataset(engine.arange(4), engine.arange(4) * 2)[3]
    (tensor(3), tensor(6))
    """

    def __init__(self, *tensors: Any) -> None:
        sizes = [len(t) for t in tensors]
        if not tensors or len(set(sizes)) > 1:
            raise SizeError(
                "TensorDataset", "tensors with the same number of rows", sizes or "none", "Each row is one example."
            )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])


class StackDataset(Dataset[Any]):
    """Sets side by side: example i is made of example i of each, as a tuple, or as a dict of named sets.

    >>> engine.data.StackDataset(x=[1, 2], y=[3, 4])[1]
    {'x': 2, 'y': 4}
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if bool(args) == bool(kwargs):
            raise ArgumentError("StackDataset", "either a tuple or a dict of sets", "both" if args else "none")
        self.datasets: Any = args or kwargs
        sizes = [len(d) for d in (args or kwargs.values())]
        if len(set(sizes)) > 1:
            raise ArgumentError("StackDataset", "sets of the same size", sizes)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(self.datasets, dict):
            return {name: part[index] for name, part in self.datasets.items()}
        return tuple(part[index] for part in self.datasets)

    def __len__(self) -> int:
        return len(next(iter(self.datasets.values())) if isinstance(self.datasets, dict) else self.datasets[0])


class Subset(Dataset[Any]):
    """Some examples of another set, by number.

    >>> engine.data.Subset(["a", "b", "c"], [2, 0])[0]
    'c'
    """

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list | tuple | np.ndarray):
            return self.dataset[[self.indices[i] for i in index]]
        return self.dataset[self.indices[index]]

    def __getitems__(self, indices: Sequence[int]) -> list[Any]:
        own = [self.indices[i] for i in indices]
        many = getattr(self.dataset, "__getitems__", None)
        return [self.dataset[i] for i in own] if many is None else list(many(own))

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset[Any]):
    """Sets one after the other.

    >>> engine.data.ConcatDataset([[1, 2], [3]])[2]
    3
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets or any(isinstance(d, IterableDataset) for d in self.datasets):
            raise SizeError("ConcatDataset", "at least one set, all with a length", self.datasets or "none")
        self.cumulative_sizes: list[int] = np.cumsum([len(d) for d in self.datasets]).tolist()

    def __getitem__(self, index: int) -> Any:
        place = index + len(self) if index < 0 else index
        if place < 0:
            raise ArgumentError("ConcatDataset", f"an example from {-len(self)}", index)
        if place >= len(self):
            raise IndexError(f"example {index} of {len(self)}")
        which = int(np.searchsorted(self.cumulative_sizes, place, side="right"))
        return self.datasets[which][place - (self.cumulative_sizes[which - 1] if which else 0)]

    def __len__(self) -> int:
        return int(self.cumulative_sizes[-1])


class ChainDataset(IterableDataset[Any]):
    """Iterable sets one after the other.

    >>> list(engine.data.ChainDataset([[1, 2], [3]]))
    [1, 2, 3]
    """

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = datasets

    def __iter__(self) -> Iterator[Any]:
        for part in self.datasets:
            yield from part

    def __len__(self) -> int:
        return sum(len(part) for part in self.datasets)


def random_split(dataset: Any, lengths: Sequence[int | float], generator: Generator | None = None) -> list[Subset]:
    """Cut a set into random parts without overlap; lengths are counts, or shares that sum to 1.

    >>> [len(part) for part in engine.data.random_split(range(10), [0.7, 0.3])]
    [7, 3]
    """
    counts = _counts(len(dataset), lengths)
    order = (generator or default_generator).permutation(len(dataset)).tolist()
    ends = np.cumsum([0, *counts]).tolist()
    return [Subset(dataset, order[a:b]) for a, b in pairwise(ends)]


def _counts(total: int, lengths: Sequence[int | float]) -> list[int]:
    """Counts for shares: rounded down, and what is left is dealt out from the first part on."""
    if sum(lengths) == total and all(isinstance(n, int) for n in lengths):
        return [int(n) for n in lengths]
    if abs(sum(lengths) - 1) > 1e-9 or any(not 0 <= n <= 1 for n in lengths):
        raise ArgumentError(
            "random_split", f"counts that sum to {total}, or shares that sum to 1", list(lengths), field="lengths"
        )
    counts = [int(total * share) for share in lengths]
    for part in range(total - sum(counts)):
        counts[part % len(counts)] += 1
    for number in (n for n, size in enumerate(counts) if size == 0):
        warnings.warn(f"Length of split at index {number} is 0. This might result in an empty dataset.", stacklevel=3)
    return counts
