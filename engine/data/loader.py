"""DataLoader: batches of a dataset, in order or shuffled without replacement from a seed, by worker processes or here.

Sets made of tensors (`TensorDataset`, and a `Subset` of one) are cut by one array of row numbers for each batch; for
other sets examples are asked for one by one and stacked.
"""

from __future__ import annotations

import multiprocessing
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice, repeat
from typing import Annotated, Any

import numpy as np

from engine.array import module_of
from engine.data.collate import default_collate, default_convert
from engine.data.dataset import IterableDataset, Subset, TensorDataset
from engine.data.pool import Pool
from engine.data.sampler import BatchSampler, RandomSampler, SequentialSampler
from engine.errors import ArgumentError
from engine.nn.settings import Between, checked
from engine.rng import Generator, default_generator
from engine.tensor import Tensor, wrap


@checked
class DataLoader:
    """Goes through a dataset in batches: `for x, y in DataLoader(dataset, batch_size=64, shuffle=True)`.

    Every pass draws a new order from `generator` (else from the global one); every example comes exactly once. The
    last, smaller batch is kept unless `drop_last`. `batch_size=None` hands out single examples. With `num_workers`
    processes load ahead, `prefetch_factor` batches each; batches come in the same order as without. `pin_memory` is
    accepted; it would only matter for copies to a graphics processor.

    >>> [x.tolist() for (x,) in engine.data.DataLoader(engine.data.TensorDataset(engine.arange(5)), batch_size=2)]
    [[0, 1], [2, 3], [4]]
    """

    def __init__(
        self,
        dataset: Any,
        batch_size: Annotated[int, Between(1, 2**31 - 1)] | None = 1,
        shuffle: bool | None = None,
        sampler: Iterable[Any] | None = None,
        batch_sampler: Iterable[list[Any]] | None = None,
        num_workers: Annotated[int, Between(0, 1024)] = 0,
        collate_fn: Callable[[Any], Any] | None = None,
        pin_memory: bool = False,
        drop_last: bool = False,
        timeout: Annotated[float, Between(0, 1e9)] = 0,
        worker_init_fn: Callable[[int], None] | None = None,
        multiprocessing_context: Any = None,
        generator: Generator | None = None,
        *,
        prefetch_factor: Annotated[int, Between(1, 1024)] | None = None,
        persistent_workers: bool = False,
        pin_memory_device: str = "",
        in_order: bool = True,
    ) -> None:
        self.dataset, self.generator, self.drop_last = dataset, generator, drop_last
        self.num_workers, self.timeout, self.worker_init_fn = num_workers, timeout, worker_init_fn
        self.pin_memory, self.pin_memory_device, self.in_order = pin_memory, pin_memory_device, in_order
        self.prefetch_factor = 2 if num_workers and prefetch_factor is None else prefetch_factor
        self.persistent_workers, self.multiprocessing_context = persistent_workers, multiprocessing_context
        self.iterable = isinstance(dataset, IterableDataset)
        _check(self, shuffle, sampler, batch_sampler, batch_size)
        if sampler is None and not self.iterable:
            sampler = RandomSampler(dataset, generator=generator) if shuffle else SequentialSampler(dataset)
        self.sampler: Any = sampler
        self.batch_size = batch_size if batch_sampler is None else None
        if batch_sampler is None and batch_size is not None and sampler is not None:
            batch_sampler = BatchSampler(sampler, batch_size, drop_last)
        self.batch_sampler: Any = batch_sampler
        batched = self.batch_size is not None or batch_sampler is not None
        self.collate_fn = collate_fn or (default_collate if batched else default_convert)
        self._pool: Pool | None = None

    def __len__(self) -> int:
        """How many batches a pass has."""
        if self.iterable:
            count = len(self.dataset)
            if self.batch_size is None:
                return count
            return count // self.batch_size if self.drop_last else -(-count // self.batch_size)
        return len(self.sampler if self.batch_sampler is None else self.batch_sampler)

    def __iter__(self) -> Iterator[Any]:
        seed = int((self.generator or default_generator).integers(0, 2**62))  # drawn in any case: the order is the same
        return self._by_workers(seed) if self.num_workers else self._here()

    def _orders(self) -> Iterator[Any]:
        """What is asked for, in order: lists of numbers, single numbers, or (of an iterable set) just the next."""
        if self.iterable:
            return repeat(None)
        return iter(self.sampler if self.batch_sampler is None else self.batch_sampler)

    def _fetcher(self) -> Callable[[Any], Callable[[Any], Any]]:
        if self.iterable:
            return partial(NextOnes, collate=self.collate_fn, size=self.batch_size, drop_last=self.drop_last)
        return partial(Chosen, collate=self.collate_fn, batched=self.batch_sampler is not None)

    def _here(self) -> Iterator[Any]:
        fetch, orders = self._fetcher()(self.dataset), self._orders()
        for order in orders:
            try:
                batch = fetch(order)
            except StopIteration:
                return
            yield batch

    def _by_workers(self, seed: int) -> Iterator[Any]:
        pool, self._pool = self._pool or self._new_pool(), None
        try:
            yield from pool.batches(self._orders(), seed)
        except BaseException:
            pool.close()
            raise
        if self.persistent_workers and self._pool is None:
            self._pool = pool
        else:
            pool.close()

    def _new_pool(self) -> Pool:
        context = self.multiprocessing_context
        if context is None or isinstance(context, str):
            context = multiprocessing.get_context(context)
        ahead = self.prefetch_factor or 2
        return Pool(
            context, self.num_workers, self.dataset, self._fetcher(), self.worker_init_fn, ahead, float(self.timeout)
        )

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_pool": None}


def _check(loader: DataLoader, shuffle: bool | None, sampler: Any, batch_sampler: Any, batch_size: int | None) -> None:
    """Refuse what contradicts itself."""
    alone = shuffle or sampler is not None or batch_size != 1 or loader.drop_last
    rules = [
        (sampler is not None and shuffle, "a sampler or shuffle", "both", "The sampler decides the order.", "shuffle"),
        (batch_sampler is not None and alone, "a batch_sampler alone", "batch_size, shuffle, sampler or drop_last too",
         "The batch_sampler decides all of them.", "batch_sampler"),
        (batch_size is None and batch_sampler is None and loader.drop_last, "a batch_size with drop_last", "None",
         "Single examples are never left over.", "drop_last"),
        (loader.iterable and (shuffle or sampler is not None or batch_sampler is not None),
         "an iterable dataset without shuffle and samplers", "one of them",
         "It decides its order itself.", "shuffle"),
        (loader.num_workers == 0 and loader.prefetch_factor is not None, "prefetch_factor with workers",
         "num_workers=0", "Set num_workers.", "prefetch_factor"),
        (loader.num_workers == 0 and loader.persistent_workers, "persistent_workers with workers", "num_workers=0",
         "Set num_workers.", "persistent_workers"),
    ]  # fmt: skip
    for wrong, expected, got, hint, field in rules:
        if wrong:
            raise ArgumentError("DataLoader", expected, got, hint, field=field)
    if loader.num_workers == 0 and loader.timeout:
        warnings.warn("DataLoader: timeout is about workers, and num_workers is 0", stacklevel=4)


class Chosen:
    """Numbers to batches, for sets that are asked by number."""

    def __init__(self, dataset: Any, collate: Callable[[Any], Any], batched: bool) -> None:
        self.dataset, self.collate, self.batched = dataset, collate, batched
        self.tensors = _tensors(dataset) if batched and collate is default_collate else None

    def __call__(self, order: Any) -> Any:
        """One batch (or one example, where nothing is batched)."""
        if not self.batched:
            return self.collate(self.dataset[order])
        if self.tensors is not None:
            held, indices = self.tensors
            rows = np.asarray(order, np.int64)
            return [_cut(t, rows if indices is None else indices[rows]) for t in held]
        many = getattr(self.dataset, "__getitems__", None)
        return self.collate([self.dataset[i] for i in order] if many is None else many(order))


class NextOnes:
    """The next batch of a set that is gone through from the beginning. Raises: StopIteration at its end."""

    def __init__(self, dataset: Any, collate: Callable[[Any], Any], size: int | None, drop_last: bool) -> None:
        self.examples, self.collate, self.size, self.drop_last = iter(dataset), collate, size, drop_last

    def __call__(self, order: None) -> Any:
        """One batch (or one example, where nothing is batched)."""
        if self.size is None:
            return self.collate(next(self.examples))
        items = list(islice(self.examples, self.size))
        if not items or (self.drop_last and len(items) < self.size):
            raise StopIteration
        return self.collate(items)


def _tensors(dataset: Any) -> tuple[tuple[Tensor, ...], Any] | None:
    """The tensors under a dataset and the row numbers it consists of; None when there are no such tensors."""
    if isinstance(dataset, TensorDataset) and type(dataset).__getitem__ is TensorDataset.__getitem__:
        plain = all(isinstance(t, Tensor) and not t.requires_grad for t in dataset.tensors)
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
