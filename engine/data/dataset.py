"""Sets of examples that are asked for by number, under PyTorch's names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from engine.errors import ArgumentError
from engine.rng import Generator, default_generator


class Dataset:
    """Base of the datasets of Python programs: `len(dataset)` and `dataset[i]`."""

    def __getitem__(self, index: Any) -> Any:
        """Example number `index`."""
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__()")

    def __add__(self, other: Dataset) -> ConcatDataset:
        return ConcatDataset([self, other])


class TensorDataset(Dataset):
    """Tensors that are cut along their first axis: example i is row i of each."""

    def __init__(self, *tensors: Any) -> None:
        sizes = [len(t) for t in tensors]
        if not tensors or len(set(sizes)) > 1:
            raise ArgumentError(
                "TensorDataset", "tensors with the same number of rows", sizes or "none", "Each row is one example."
            )
        self.tensors = tensors

    def __getitem__(self, index: Any) -> tuple[Any, ...]:
        return tuple(t[index] for t in self.tensors)

    def __len__(self) -> int:
        return len(self.tensors[0])


class Subset(Dataset):
    """Some examples of another set, by number."""

    def __init__(self, dataset: Any, indices: Sequence[int]) -> None:
        self.dataset, self.indices = dataset, indices

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, list | tuple | np.ndarray):
            return [self.dataset[self.indices[i]] for i in index]
        return self.dataset[int(self.indices[index])]

    def __len__(self) -> int:
        return len(self.indices)


class ConcatDataset(Dataset):
    """Sets one after the other."""

    def __init__(self, datasets: Iterable[Any]) -> None:
        self.datasets = list(datasets)
        self.ends = np.cumsum([len(d) for d in self.datasets]).tolist()

    def __getitem__(self, index: int) -> Any:
        place = index + len(self) if index < 0 else index
        if not 0 <= place < len(self):
            raise IndexError(f"example {index} of {len(self)}")
        which = int(np.searchsorted(self.ends, place, side="right"))
        return self.datasets[which][place - (self.ends[which - 1] if which else 0)]

    def __len__(self) -> int:
        return int(self.ends[-1]) if self.ends else 0


def random_split(dataset: Any, lengths: Sequence[int | float], generator: Generator | None = None) -> list[Subset]:
    """Cut a set into random parts without overlap; lengths are counts, or shares that sum to 1."""
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
    return counts
