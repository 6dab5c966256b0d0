"""Samplers: in which order, and how often, examples are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np

from engine.errors import ArgumentError
from engine.rng import Generator, default_generator

T_co = TypeVar("T_co", covariant=True)
AT_ONCE = 1024  # numbers drawn at a time where there may be more than fit into memory


class Sampler(Generic[T_co]):
    """Base of the samplers: an object that gives the numbers of examples (or whole batches of them) in order.

    >>> class Backwards(engine.data.Sampler):
    ...     def __init__(self, source): self.source = source
    ...     def __iter__(self): return iter(range(len(self.source))[::-1])
    >>> list(Backwards("abc"))
    [2, 1, 0]
    """

    def __init__(self, data_source: Sized | None = None) -> None:
        """A sampler may do without its source."""

    def __iter__(self) -> Iterator[T_co]:
        raise NotImplementedError(f"{type(self).__name__} has no __iter__()")


class SequentialSampler(Sampler[int]):
    """From the first to the last.

    >>> list(engine.data.SequentialSampler("abc"))
    [0, 1, 2]
    """

    def __init__(self, data_source: Sized) -> None:
        self.data_source = data_source

    def __iter__(self) -> Iterator[int]:
        return iter(range(len(self.data_source)))

    def __len__(self) -> int:
        return len(self.data_source)


class RandomSampler(Sampler[int]):
    """In random order, each exactly once; or drawn with replacement, `num_samples` of them.

    >>> sorted(engine.data.RandomSampler("abc"))
    [0, 1, 2]
    """

    def __init__(
        self,
        data_source: Sized,
        replacement: bool = False,
        num_samples: int | None = None,
        generator: Generator | None = None,
    ) -> None:
        if not isinstance(replacement, bool):
            raise TypeError(f"replacement should be a boolean value, but got replacement={replacement}")
        self.data_source, self.replacement, self._num_samples = data_source, replacement, num_samples
        self.generator = generator
        if not isinstance(self.num_samples, int) or self.num_samples <= 0:
            raise ArgumentError("RandomSampler(num_samples)", "a whole number from 1", self.num_samples)

    @property
    def num_samples(self) -> int:
        """How many numbers one pass gives; the size of the set unless told otherwise."""
        return len(self.data_source) if self._num_samples is None else self._num_samples

    def __iter__(self) -> Iterator[int]:
        count, left, draw = len(self.data_source), self.num_samples, self.generator or default_generator
        while left > 0:
            some = (
                draw.integers(0, count, (min(left, AT_ONCE),)) if self.replacement else draw.permutation(count)[:left]
            )
            yield from some.tolist()
            left -= len(some)

    def __len__(self) -> int:
        return self.num_samples


class SubsetRandomSampler(Sampler[int]):
    """Given numbers in random order.

    >>> sorted(engine.data.SubsetRandomSampler([5, 3]))
    [3, 5]
    """

    def __init__(self, indices: Sequence[int], generator: Generator | None = None) -> None:
        self.indices, self.generator = indices, generator

    def __iter__(self) -> Iterator[int]:
        order = (self.generator or default_generator).permutation(len(self.indices))
        return (self.indices[i] for i in order.tolist())

    def __len__(self) -> int:
        return len(self.indices)


class WeightedRandomSampler(Sampler[int]):
    """Numbers drawn in proportion to weights, which need not sum to 1.

    >>> list(engine.data.WeightedRandomSampler([0.0, 1.0], num_samples=3))
    [1, 1, 1]
    """

    def __init__(
        self, weights: Any, num_samples: int, replacement: bool = True, generator: Generator | None = None
    ) -> None:
        if not isinstance(num_samples, int) or isinstance(num_samples, bool) or num_samples <= 0:
            raise ArgumentError("WeightedRandomSampler(num_samples)", "a whole number from 1", num_samples)
        if not isinstance(replacement, bool):
            raise ArgumentError("WeightedRandomSampler(replacement)", "True or False", replacement)
        self.weights: Any = np.array([float(w) for w in weights])
        if self.weights.ndim != 1 or not (self.weights >= 0).all() or not self.weights.sum() > 0:
            raise ArgumentError("WeightedRandomSampler(weights)", "numbers from 0, not all of them 0", weights)
        if not replacement and num_samples > np.count_nonzero(self.weights):
            raise ArgumentError(
                "WeightedRandomSampler", "at least num_samples weights above 0 without replacement", num_samples
            )
        self.num_samples, self.replacement, self.generator = num_samples, replacement, generator

    def __iter__(self) -> Iterator[int]:
        draw = self.generator or default_generator
        if self.replacement:
            ends = self.weights.cumsum()
            chosen = np.searchsorted(ends, draw.uniform((self.num_samples,)) * ends[-1], side="right")
            return iter(chosen.tolist())
        with np.errstate(divide="ignore"):  # the largest u**(1/w) come first (Efraimidis and Spirakis, 2006)
            keys = np.log(draw.uniform(self.weights.shape)) / self.weights
        return iter(np.argsort(-keys, kind="stable")[: self.num_samples].tolist())

    def __len__(self) -> int:
        return self.num_samples


class BatchSampler(Sampler[list[int]]):
    """The numbers of another sampler in lists of `batch_size`.

    >>> list(engine.data.BatchSampler(range(5), batch_size=2, drop_last=False))
    [[0, 1], [2, 3], [4]]
    """

    def __init__(self, sampler: Iterable[int], batch_size: int, drop_last: bool) -> None:
        if not isinstance(batch_size, int) or isinstance(batch_size, bool) or batch_size <= 0:
            raise ArgumentError("BatchSampler(batch_size)", "a whole number from 1", batch_size, field="batch_size")
        if not isinstance(drop_last, bool):
            raise ArgumentError("BatchSampler(drop_last)", "True or False", drop_last, field="drop_last")
        self.sampler, self.batch_size, self.drop_last = sampler, batch_size, drop_last

    def __iter__(self) -> Iterator[list[int]]:
        numbers = iter(self.sampler)
        while batch := list(islice(numbers, self.batch_size)):
            if len(batch) == self.batch_size or not self.drop_last:
                yield batch

    def __len__(self) -> int:
        count = len(self.sampler)  # type: ignore[arg-type]
        return count // self.batch_size if self.drop_last else -(-count // self.batch_size)
