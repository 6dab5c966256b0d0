"""The examples of a training set as batches: slices where they lie in order, gathered where they are many."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.array import to_device
from engine.train.batches import Cursor

Array = Any
SMALL = 16 * 2**20
"""Training sets of up to this many bytes are put in order before an epoch, so that batches are slices."""
AHEAD = 2**18
"""Bytes: as many epochs are put in order at one go as fit in here, so that they stay in the processor's cache."""
GATHERED = 2**22
"""Bytes of examples that are gathered at one go from a larger set."""


class Feed:
    """Hands out batches of `x` and `targets` in the order of a cursor."""

    def __init__(self, cursor: Cursor, x: Array, targets: Array, device: str) -> None:
        self.cursor, self.device = cursor, device
        self.x, self.targets = x, targets
        self.small = x.nbytes <= SMALL
        self.one = (x.nbytes + targets.nbytes) // max(1, len(x))
        self.cursor.most = max(1, AHEAD // max(1, self.one * len(x)))
        self.ordered: Any = None
        self.room: list[Array] | None = None

    def batch(self) -> tuple[Array, Array]:
        """The examples and targets of the next batch; the place does not move."""
        cursor = self.cursor
        if len(cursor.carried) or not (self.small or cursor.straight):
            rows = to_device(cursor.rows(), self.device)
            return self.x[rows], self.targets[rows]
        here = slice(cursor.first, cursor.first + min(cursor.size, cursor.count - cursor.offset))
        x, targets = self._in_order()
        return x[here], targets[here]

    def stretch(self, limit: int) -> tuple[Array, Array]:
        """The next batches, at most `limit`, that are of one size: arrays with an axis of batches in front, to be read
        before the next stretch is asked for."""
        cursor = self.cursor
        count = cursor.stretch(limit)
        if count == 1:
            x, targets = self.batch()
        elif self.small or cursor.straight:
            here = slice(cursor.first, cursor.first + count * cursor.size)
            x, targets = (array[here] for array in self._in_order())
        else:
            count = min(count, max(1, GATHERED // (self.one * cursor.size)))
            x, targets = self._gathered(cursor.rows(count))
        return x.reshape(count, -1, *x.shape[1:]), targets.reshape(count, -1, *targets.shape[1:])

    def _gathered(self, rows: Array) -> list[Array]:
        """Examples by number, in memory that the next stretch uses again: new pages cost as much as the copy."""
        if self.room is None or len(self.room[0]) < len(rows):
            self.room = [np.empty((len(rows), *a.shape[1:]), a.dtype) for a in (self.x, self.targets)]
        pairs = zip((self.x, self.targets), self.room, strict=True)
        # a cursor names no other rows than there are; to look for such NumPy would copy twice
        return [array.take(rows, 0, out=room[: len(rows)], mode="clip") for array, room in pairs]

    def _in_order(self) -> tuple[Array, Array]:
        """All examples as the cursor's orders name them, one epoch behind the other."""
        orders = self.cursor.orders
        if self.ordered is None or self.ordered[0] is not orders:
            x, targets = self.x, self.targets
            if not self.cursor.straight or len(orders) > 1:
                rows = to_device(orders.reshape(-1), self.device)
                x, targets = x.take(rows, 0), targets.take(rows, 0)
            self.ordered = orders, x, targets
        return self.ordered[1], self.ordered[2]
