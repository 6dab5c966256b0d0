"""DataLoader: batches of a dataset, shuffled without replacement from a seed.

Sets made of tensors (`TensorDataset`, and a `Subset` of one) are cut by one array of row numbers for each batch; for
other sets examples are asked for one by one and stacked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Any

import numpy as np

from engine.array import module_of
from engine.data.dataset import Subset, TensorDataset
from engine.errors import ArgumentError
from engine.functions import stack
from engine.nn.settings import Between, checked
from engine.rng import Generator, default_generator
from engine.tensor import Tensor, wrap


@checked
class DataLoader:
    """Goes through a dataset in batches: `for x, y in DataLoader(dataset, batch_size=64, shuffle=True)`.

    Every pass draws a new order from `generator` (else from the global one); every example comes exactly once. The
    last, smaller batch is kept unless `drop_last`. `num_workers` and `pin_memory` are accepted and change nothing.
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: Annotated[int, Between(1, 2**31 - 1)] = 1,
        shuffle: bool = False,
        sampler: Iterable[int] | None = None,
        batch_sampler: Iterable[list[int]] | None = None,
        num_workers: int = 0,
        collate_fn: Callable[[list[Any]], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        *,
        generator: Generator | None = None,
    ) -> None:
        if sampler is not None and shuffle:
            raise ArgumentError(
                "DataLoader", "a sampler or shuffle", "both", "The sampler decides the order.", field="shuffle"
            )
        self.dataset, self.batch_size, self.shuffle = dataset, batch_size, shuffle
        self.sampler, self.batch_sampler, self.drop_last = sampler, batch_sampler, drop_last
        self.collate_fn, self.generator, self.num_workers = collate_fn, generator, num_workers

    def __len__(self) -> int:
        """How many batches a pass has."""
        if self.batch_sampler is not None:
            return sum(1 for _ in self.batch_sampler)
        count = len(self.dataset) if self.sampler is None else sum(1 for _ in self.sampler)
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)

    def __iter__(self) -> Iterator[Any]:
        tensors = _tensors(self.dataset) if self.collate_fn is None else None
        for rows in self._batches():
            if tensors is None:
                items = [self.dataset[int(i)] for i in rows]
                yield default_collate(items) if self.collate_fn is None else self.collate_fn(items)
            else:
                held, indices = tensors
                chosen = rows if indices is None else indices[rows]
                yield [_cut(t, chosen) for t in held]

    def _batches(self) -> Iterator[Any]:
        if self.batch_sampler is not None:
            yield from (np.asarray(list(batch), np.int64) for batch in self.batch_sampler)
            return
        order, size = self._order(), self.batch_size
        end = len(order) - len(order) % size if self.drop_last else len(order)
        for start in range(0, end, size):
            yield order[start : start + size]

    def _order(self) -> Any:
        if self.sampler is not None:
            return np.asarray(list(self.sampler), np.int64)
        if self.shuffle:
            return (self.generator or default_generator).permutation(len(self.dataset))
        return np.arange(len(self.dataset))


def default_collate(batch: list[Any]) -> Any:
    """A list of examples as one batch: tensors and numbers are stacked, tuples and dicts are gone into."""
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(batch)
    if isinstance(first, Mapping):
        return {key: default_collate([item[key] for item in batch]) for key in first}
    if isinstance(first, tuple | list):
        return [default_collate(list(column)) for column in zip(*batch, strict=True)]
    if isinstance(first, str | bytes):
        return batch
    return wrap(_as_array(batch))


def _as_array(batch: list[Any]) -> Any:
    """Numbers as PyTorch stacks them: whole numbers int64, others float64, arrays as they are."""
    array = np.stack([np.asarray(item) for item in batch])
    if array.dtype.kind not in "biuf":
        raise TypeError(f"default_collate: cannot make a batch of {type(batch[0]).__name__}; give a collate_fn")
    return array


def _tensors(dataset: Any) -> tuple[tuple[Tensor, ...], Any] | None:
    """The tensors under a dataset and the row numbers it consists of; None when there are no such tensors."""
    if isinstance(dataset, TensorDataset) and type(dataset).__getitem__ is TensorDataset.__getitem__:
        plain = not any(t.requires_grad for t in dataset.tensors)
        return (dataset.tensors, None) if plain else None
    if isinstance(dataset, Subset) and type(dataset).__getitem__ is Subset.__getitem__:
        below = _tensors(dataset.dataset)
        if below is not None:
            own = np.asarray(dataset.indices, np.int64)
            return below[0], own if below[1] is None else below[1][own]
    return None


def _cut(tensor: Tensor, rows: Any) -> Tensor:
    """Copies of some rows."""
    xp = module_of(tensor.array)
    return wrap(tensor.array[xp.asarray(rows)])
