"""Which examples form the next batch: order, last partial batch, and the place where a paused run goes on."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import ArgumentError
from engine.rng import Generator

Index = npt.NDArray[np.int64]


class Cursor:
    """Walks through `count` examples epoch after epoch, in batches of row numbers.

    Every epoch draws one permutation from the generator (``shuffle``) or takes the rows in order (``fixed``). A last
    partial batch is used (``keep``), skipped (``drop``), or waits for the first batch of the next epoch (``carry``).
    The size may change between two batches.
    """

    def __init__(self, count: int, size: int, order: str, last: str, seed: int) -> None:
        _check_size(size, count, last)
        self.count, self.size, self.shuffled, self.last = count, size, order == "shuffle", last
        self.generator = Generator(seed)
        self.epochs = 0
        self.carried: Index = np.empty(0, np.int64)
        self._begin()

    def _begin(self) -> None:
        self.before = self.generator.get_state()
        drawn = self.generator.permutation(self.count) if self.shuffled else np.arange(self.count)
        self.order: Index = np.asarray(drawn, np.int64)
        self.offset = 0

    @property
    def at_start(self) -> bool:
        """Whether the next batch is the first of an epoch."""
        return self.offset == 0

    @property
    def epoch(self) -> float:
        """Epochs done, the part of the running one included."""
        return self.epochs + self.offset / self.count

    @property
    def batches_per_epoch(self) -> int:
        """How many updates a whole epoch makes."""
        return -(-self.count // self.size) if self.last == "keep" else self.count // self.size

    def span(self) -> tuple[int, int]:
        """Where the next batch begins and ends in the epoch's order, carried examples aside."""
        return self.offset, min(self.offset + self.size, self.count)

    def rows(self) -> Index:
        """Row numbers of the next batch; the place does not move."""
        start, end = self.span()
        rows = self.order[start:end]
        return np.concatenate([self.carried, rows]) if len(self.carried) else rows

    def advance(self) -> bool:
        """The batch is done: go on behind it. True when it ended the epoch; then the next one is prepared."""
        self.offset = self.span()[1]
        if len(self.carried):
            self.carried = self.carried[:0]
        return self._close()

    def _close(self) -> bool:
        """End the epoch when no further batch of it is to come."""
        left = self.count - self.offset
        if left > 0 and (self.last == "keep" or left >= self.size):
            return False
        if left and self.last == "carry":
            self.carried = np.concatenate([self.carried, self.order[self.offset :]])
        self.epochs += 1
        self._begin()
        return True

    def resize(self, size: int) -> bool:
        """Use another batch size from the next batch on; True when that ended the epoch.

        Raises: ArgumentError when no batch would ever be full.
        """
        _check_size(size, self.count, self.last)
        self.size = size
        return bool(self.offset) and self._close()

    def restart(self, count: int) -> None:
        """The data changed: give up the running epoch and begin it again on `count` examples."""
        _check_size(self.size, count, self.last)
        self.count, self.carried = count, self.carried[:0]
        self._begin()

    def state(self) -> dict[str, Any]:
        """Everything that decides the batches to come, as JSON."""
        return {
            "generator": self.before,
            "offset": self.offset,
            "epochs": self.epochs,
            "size": self.size,
            "carried": self.carried.tolist(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a saved state."""
        self.generator.set_state(state["generator"])
        self._begin()
        self.offset, self.epochs, self.size = state["offset"], state["epochs"], state["size"]
        self.carried = np.asarray(state["carried"], np.int64)


def _check_size(size: int, count: int, last: str) -> None:
    if size > count and last != "keep":
        raise ArgumentError(
            where="batches",
            expected=f"a batch of at most {count} examples, the size of the training set",
            got=str(size),
            hint='Make the batch smaller, or set batches.last to "keep".',
            field="batches.size",
        )
