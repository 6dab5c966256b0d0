"""Memory of this machine: pieces of it that numbers lie in, large ones in huge pages, kept for the next who asks."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import threading
from functools import partial
from typing import Any
from weakref import ref

import numpy as np

LINE, PAGE, HUGE = 64, 4096, 2**21
SMALL, KEPT = 2**16, 2**26
"""Bytes from which on memory has pages of its own, and that are kept at most when it is let go."""
_BYTE = ctypes.c_char.from_buffer


def address(array: Any) -> int:
    """Where an array begins, in a third of the time that NumPy takes to say it."""
    try:
        return ctypes.addressof(_BYTE(array))
    except (TypeError, ValueError):  # it is empty, has gaps, or must not be written
        return int(array.__array_interface__["data"][0])


def room(size: int, zeros: bool = True) -> Any:
    """So many bytes, of zeros unless they are written at once; where they are many, in huge pages: a product whose
    operands lie in thousands of small ones waits for their addresses a third of its time. Memory that is let go is
    kept for the next who asks: new pages cost more than to fill them."""
    if size < SMALL:
        return np.zeros(size, np.uint8)
    known = _kept(size)
    memory, start = known or _mapped(size)
    found = np.frombuffer(memory, np.uint8, size, start)
    if known and zeros:
        found[...] = 0
    _LENT[id(memory)] = ref(found, partial(_keep, memory, start))
    return found


def _mapped(size: int) -> tuple[Any, int]:
    """New memory, and where in it to begin."""
    huge = size >= HUGE // 4 and hasattr(mmap, "MADV_HUGEPAGE")
    grain = 1 << (size.bit_length() - 3)  # so that memory for a little more or less is of use again
    memory = mmap.mmap(-1, size + 2 * HUGE if huge else -(-size // grain) * grain)
    if huge:
        with contextlib.suppress(OSError):  # a system without huge pages gives small ones
            memory.madvise(mmap.MADV_HUGEPAGE)
    return memory, -address(np.frombuffer(memory, np.uint8)) % HUGE if huge else 0


_LENT: dict[int, Any] = {}
"""What notices that memory in use is let go, by its id."""
_FREE: list[tuple[Any, int]] = []
"""Memory that nobody uses, the oldest first, and where in it to begin."""
_LOCK = threading.RLock()  # the collector may let memory go while this very thread looks for some


def _keep(memory: Any, start: int, _: Any) -> None:
    """Nobody looks into this memory any more."""
    with _LOCK:
        del _LENT[id(memory)]
        _FREE.append((memory, start))
        while sum(len(m) for m, _ in _FREE) > KEPT:
            del _FREE[0]


def _kept(size: int) -> tuple[Any, int] | None:
    """Memory from before, the newest that fits, as it was left."""
    most = 2 * size + 2 * HUGE * (size >= HUGE // 4)
    with _LOCK:
        for i in range(len(_FREE) - 1, -1, -1):
            if size <= len(_FREE[i][0]) - _FREE[i][1] <= most:
                return _FREE.pop(i)
    return None


def _after_fork() -> None:
    """A child has none of the threads that may hold the lock."""
    global _LOCK
    _LOCK = threading.RLock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


def aligned(count: int, dtype: Any = "f4", zeros: bool = True) -> Any:
    """Zeros that begin at a multiple of 64 bytes, with as much behind them; whatever is there, if all is written."""
    size = count * np.dtype(dtype).itemsize
    raw = room(size + 128, zeros)
    start = -address(raw) % 64
    return raw[start : start + size].view(dtype)
