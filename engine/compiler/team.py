"""Threads that wait for native work: started once, parked between calls, lent to one table at a time."""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np

from engine.compiler.driver import PARKED, Driver

THREADS = "PLAYGROUND_THREADS"
"""Environment: how many cores this process may use."""


class Worker:
    """A thread that runs one state after the other; for a moment it looks for the next one, then it parks."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        self._memory: Any = np.zeros(16, np.int64)
        self._mailbox = int(self._memory.ctypes.data)
        self._letter = self._memory.data[8:]
        self._memory[:3] = PARKED, driver.address["run"], driver.pause
        self._letter[0] = self._mailbox
        self._kept: Any = None
        self._wake = threading.Lock()
        self._wake.acquire()
        threading.Thread(target=self._serve, name="table", daemon=True).start()

    def give(self, state: int, memory: Any) -> None:
        """Let it walk the rows of the state at this address; call only when the walk before has ended.

        memory: what must live until it has left: it looks at the last barrier for a moment longer than the others.
        """
        self._letter[1] = state
        self._driver.post(self._mailbox + 64)
        self._kept = memory
        if self._letter[2] == PARKED:
            self._wake.release()

    def _serve(self) -> None:
        while True:
            self._wake.acquire()
            self._driver.serve(self._mailbox)


_idle: dict[Driver, list[Worker]] = {}
_running = 0
_cores: int | None = None
_lock = threading.Lock()


def cores() -> int:
    """How many threads this process may keep busy."""
    global _cores
    if _cores is None:
        chosen = os.environ.get(THREADS)
        here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        _cores = max(1, int(chosen)) if chosen else here
    return _cores


def set_cores(count: int | None) -> None:
    """Set how many; None: as the environment says, else as the machine has them."""
    global _cores
    _cores = count


def share() -> int:
    """How many threads each table gets: the cores, shared fairly by the tables that run now."""
    return max(1, cores() // max(1, _running))


class Running:
    """While a table runs it counts."""

    def __enter__(self) -> None:
        global _running
        with _lock:
            _running += 1

    def __exit__(self, *_: object) -> None:
        global _running
        with _lock:
            _running -= 1


class Borrowed:
    """So many workers, for the time of a call."""

    def __init__(self, driver: Driver, count: int) -> None:
        self._driver, self._count = driver, count

    def __enter__(self) -> list[Worker]:
        with _lock:
            idle = _idle.setdefault(self._driver, [])
            self._taken = [idle.pop() for _ in range(min(self._count, len(idle)))]
        self._taken += [Worker(self._driver) for _ in range(self._count - len(self._taken))]
        return self._taken

    def __exit__(self, *_: object) -> None:
        with _lock:
            _idle[self._driver].extend(self._taken)


def _after_fork() -> None:
    """A child has none of these threads."""
    global _running, _lock
    _running, _lock = 0, threading.Lock()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
