"""A sampler for several processes that share one data set."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sized

from engine.data.sampler import Sampler
from engine.errors import ArgumentError
from engine.rng import Generator


class DistributedSampler(Sampler[int]):
    """Every `num_replicas`-th number from `rank` on, so that each process has its own share of an epoch.

    All processes shuffle alike, by `seed` and the epoch that `set_epoch` told. Shares are of one size: numbers are
    repeated, or with `drop_last` left out.

    >>> list(engine.data.distributed.DistributedSampler(range(5), num_replicas=2, rank=1, shuffle=False))
    [1, 3, 0]
    """

    def __init__(
        self,
        dataset: Sized,
        num_replicas: int | None = None,
        rank: int | None = None,
        shuffle: bool = True,
        seed: int = 0,
        drop_last: bool = False,
    ) -> None:
        self.dataset, self.shuffle, self.seed, self.drop_last, self.epoch = dataset, shuffle, seed, drop_last, 0
        self.num_replicas, self.rank = num_replicas or 1, rank or 0
        if not 0 <= self.rank < self.num_replicas:
            raise ArgumentError("DistributedSampler(rank)", f"a number from 0 to {self.num_replicas - 1}", rank)
        share = len(dataset) / self.num_replicas
        self.num_samples = math.floor(share) if drop_last else math.ceil(share)
        self.total_size = self.num_samples * self.num_replicas

    def __iter__(self) -> Iterator[int]:
        count = len(self.dataset)
        chosen = list(range(count))
        if self.shuffle:
            chosen = Generator().manual_seed(self.seed + self.epoch).permutation(count).tolist()
        repeats = math.ceil(self.total_size / max(count, 1))
        return iter((chosen * repeats)[self.rank : self.total_size : self.num_replicas])

    def __len__(self) -> int:
        return self.num_samples

    def set_epoch(self, epoch: int) -> None:
        """Shuffle anew in this epoch, alike in all processes."""
        self.epoch = epoch
