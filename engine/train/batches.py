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

    Attributes:
        orders: the rows of the running epoch and of some to come, int64 (epochs, count), drawn at one go.
        place: which of them is running.
        most: how many epochs may be drawn at one go; how many are changes no number.
        straight: whether `orders` are the rows as they lie.
    """

    def __init__(self, count: int, size: int, order: str, last: str, seed: int) -> None:
        _check_size(size, count, last)
        self.count, self.size, self.shuffled, self.last = count, size, order == "shuffle", last
        self.generator = Generator(seed)
        self.epochs = 0
        self.most = 1
        self.carried: Index = np.empty(0, np.int64)
        self._draw(1)

    def _draw(self, epochs: int) -> None:
        """Draw the next epochs; the first of them begins."""
        self.before = self.generator.get_state()
        self.straight = not self.shuffled
        rows = np.tile(np.arange(self.count, dtype=np.int64), (epochs, 1))
        self.orders: Index = rows if self.straight else self.generator.permuted(rows)
        self.place = self.offset = 0

    def _begin(self) -> None:
        """The next epoch."""
        if self.place + 1 < len(self.orders):
            self.place, self.offset = self.place + 1, 0
        else:
            self._draw(min(self.most, 2 * len(self.orders)))

    def settle(self) -> None:
        """Take back what was drawn for epochs to come, because they will be of another kind."""
        self.before = self._before()
        self.orders, self.place = self.orders[self.place : self.place + 1], 0
        self.generator.set_state(self.before)
        if not self.straight:
            self.generator.permutation(self.count)

    def _before(self) -> dict[str, Any]:
        """The generator's state from which the running epoch was drawn."""
        generator = Generator().set_state(self.before)
        for _ in range(0 if self.straight else self.place):
            generator.permutation(self.count)
        return generator.get_state()

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

    @property
    def batches_left(self) -> int:
        """How many of the running epoch's updates are to come."""
        left = self.count - self.offset
        return -(-left // self.size) if self.last == "keep" else left // self.size

    @property
    def first(self) -> int:
        """Where the next batch begins in all `orders`, one after the other."""
        return self.place * self.count + self.offset

    def stretch(self, limit: int) -> int:
        """How many of the next `limit` batches are of one size and lie one behind the other in `orders`."""
        left = self.count - self.offset
        if len(self.carried) or left < self.size:
            return 1
        full = left // self.size
        if left % self.size == 0 and self.count % self.size == 0:
            full += (len(self.orders) - self.place - 1) * (self.count // self.size)
        return min(limit, full)

    def rows(self, batches: int = 1) -> Index:
        """Row numbers of the next batch, or of a stretch of them; the place does not move."""
        edge = (self.place + 1) * self.count if batches == 1 else self.orders.size
        rows = self.orders.reshape(-1)[self.first : min(self.first + batches * self.size, edge)]
        return np.concatenate([self.carried, rows]) if len(self.carried) else rows

    def advance(self, batches: int = 1) -> bool:
        """A batch, or a stretch of them, is done: go on behind it.

        True when the last one ended its epoch; then the next one is prepared.
        """
        end = self.offset + batches * self.size
        if batches > 1 and end > self.count:
            passed = (end - 1) // self.count
            self.epochs, self.place, end = self.epochs + passed, self.place + passed, end - passed * self.count
        self.offset = min(end, self.count)
        if len(self.carried):
            self.carried = self.carried[:0]
        return self._close()

    def _close(self) -> bool:
        """End the epoch when no further batch of it is to come."""
        left = self.count - self.offset
        if left > 0 and (self.last == "keep" or left >= self.size):
            return False
        if left and self.last == "carry":
            self.carried = np.concatenate([self.carried, self.orders[self.place, self.offset :]])
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
        self.settle()
        self.count, self.carried = count, self.carried[:0]
        self._draw(1)

    def state(self) -> dict[str, Any]:
        """Everything that decides the batches to come, as JSON."""
        return {
            "generator": self._before(),
            "offset": self.offset,
            "epochs": self.epochs,
            "size": self.size,
            "carried": self.carried.tolist(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Go back to a saved state."""
        self.generator.set_state(state["generator"])
        self._draw(1)
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
