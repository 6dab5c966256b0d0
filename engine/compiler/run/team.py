"""Threads that wait for native work: started once, parked between calls, lent to one table at a time."""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np

from engine.compiler.code.driver import PARKED, Driver
from engine.compiler.machine.cores import cores


class Worker:
    """A thread that runs one state after the other; for a moment it looks for the next one, then it parks.

    kept: what must live until it has left: it looks at the last barrier for a moment longer than the others.
    """

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self._memory: Any = np.array([PARKED, driver.address["run"], driver.pause, *[0] * 5], np.int64)
        self.mailbox = int(self._memory.ctypes.data)
        self.kept: Any = None
        self._wake = threading.Lock()
        self._wake.acquire()
        threading.Thread(target=self._serve, name="table", daemon=True).start()

    def wake(self) -> None:
        """It was parked when a state was put into its mailbox."""
        self._wake.release()

    def _serve(self) -> None:
        while True:
            self._wake.acquire()
            self.driver.serve(self.mailbox)


_idle: dict[Driver, list[Worker]] = {}
_running: list[Running] = []  # lists: to append and to pop needs no lock


def share() -> int:
    """How many threads each table gets: the cores, shared fairly by the tables that run now."""
    return max(1, cores() // max(1, len(_running)))


class Running:
    """While a table runs it counts."""

    def __enter__(self) -> None:
        _running.append(self)

    def __exit__(self, *_: object) -> None:
        _running.pop()


def borrow(driver: Driver, count: int) -> list[Worker]:
    """So many workers, for the time of a call."""
    idle = _idle.setdefault(driver, [])
    taken: list[Worker] = []
    while len(taken) < count:
        try:
            taken.append(idle.pop())
        except IndexError:
            taken.append(Worker(driver))
    return taken


def give_back(workers: list[Worker]) -> None:
    """They have done what they were borrowed for."""
    for worker in reversed(workers):  # so that the next call gets them in the same order
        _idle[worker.driver].append(worker)


def _after_fork() -> None:
    """A child has none of these threads."""
    _running.clear()
    _idle.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
