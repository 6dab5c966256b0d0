"""Threads that wait for native work: started once, parked between calls, lent to one table at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue

THREADS = "PLAYGROUND_THREADS"
"""Environment: how many cores this process may use."""


class Worker:
    """A thread that runs what it is given, one thing after the other, without Python's lock while native."""

    def __init__(self) -> None:
        self._tasks: SimpleQueue[tuple[Callable[[int], None], int]] = SimpleQueue()
        threading.Thread(target=self._serve, name="table", daemon=True).start()

    def give(self, function: Callable[[int], None], argument: int) -> None:
        """Let it call `function(argument)`."""
        self._tasks.put((function, argument))

    def _serve(self) -> None:
        while True:
            function, argument = self._tasks.get()
            function(argument)


_idle: list[Worker] = []
_running = 0
_cores: int | None = None
_lock = threading.Lock()


def cores() -> int:
    """How many threads this process may keep busy."""
    if _cores is not None:
        return _cores
    if chosen := os.environ.get(THREADS):
        return max(1, int(chosen))
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def set_cores(count: int | None) -> None:
    """Set how many; None: as the machine has them."""
    global _cores
    _cores = count


def share() -> int:
    """How many threads each table gets: the cores, shared fairly by the tables that run now."""
    return max(1, cores() // max(1, _running))


@contextmanager
def running() -> Iterator[None]:
    """While a table runs it counts."""
    global _running
    with _lock:
        _running += 1
    try:
        yield
    finally:
        with _lock:
            _running -= 1


@contextmanager
def borrowed(count: int) -> Iterator[list[Worker]]:
    """So many workers, for the time of a call."""
    with _lock:
        taken = [_idle.pop() for _ in range(min(count, len(_idle)))]
    taken += [Worker() for _ in range(count - len(taken))]
    try:
        yield taken
    finally:
        with _lock:
            _idle.extend(taken)


def _after_fork() -> None:
    """A child has none of these threads."""
    global _running, _lock
    _running, _lock = 0, threading.Lock()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
