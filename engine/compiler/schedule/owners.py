"""Who wrote what last: a row that goes place by place through long stretches of memory is cut where its writers were.

What a thread has written lies in its own cache; another one fetches it line by line.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.compiler.kernels.looks import GRAIN, Cut, part
from engine.compiler.kernels.nest import Nest

LONG = 128
"""Groups of places that a stretch has at least: shorter ones go to whoever has least to do."""
NOBODY = -1


class Owners:
    """Bytes by the thread that wrote them last."""

    def __init__(self, threads: int) -> None:
        self.threads = threads
        self._wrote: list[tuple[int, int, int]] = []

    def wrote(self, thread: int, low: int, high: int) -> None:
        """This thread writes the bytes [low, high)."""
        self._wrote.append((low, high, thread))

    def pieces(self, work: Any, bases: Any) -> list[list[Any]]:
        """What each thread does of work that goes place by place through what several have written; of other work, and
        where one thread wrote it all, nothing."""
        if not isinstance(work, Nest) or len(work.sizes) != 1 or not work.parallel:
            return []
        stored = {store.operand for store in work.stores}
        read = [o for i, o in enumerate(work.operands) if i not in stored and o.strides == (1,) and o.buffer.slot < 0]
        found = [self._groups(bases(o.buffer, o.offset), work.sizes[0], bases.look(o.buffer)[1]) for o in read]
        several = [groups for groups in found if len({*groups} - {NOBODY}) > 1]
        if not several:
            return []
        shares = shared(max(several, key=lambda groups: int((groups != NOBODY).sum())), self.threads)
        return [[part(work, Cut(0, *r, {})) for r in _ranges(shares == t, work.sizes[0])] for t in range(self.threads)]

    def _groups(self, start: int, places: int, size: int) -> Any:
        """For each group of places from this address on, who wrote it last."""
        line = size * GRAIN
        found = np.full(-(-places // GRAIN), NOBODY)
        for low, high, thread in self._wrote:
            found[max(0, (low - start) // line) : max(0, -((start - high) // line))] = thread
        return found


def shared(owners: Any, threads: int) -> Any:
    """Groups of places shared out nearly evenly: who does each, its owner where that is possible."""
    found, even = owners.copy(), -(-len(owners) // threads)
    edges = np.flatnonzero(np.diff(owners)) + 1
    for start, end in zip((0, *edges), (*edges, len(owners)), strict=True):
        if end - start < LONG:
            found[start:end] = NOBODY
    for thread in range(threads):
        found[np.flatnonzero(found == thread)[even:]] = NOBODY
    for thread in range(threads):
        found[np.flatnonzero(found == NOBODY)[: max(0, even - int((found == thread).sum()))]] = thread
    return found


def _ranges(mine: Any, places: int) -> list[tuple[int, int]]:
    """(first place, places) of the groups that are meant."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], mine, [False])).astype(np.int8))) * GRAIN
    return [(int(a), int(min(b, places) - a)) for a, b in edges.reshape(-1, 2)]
