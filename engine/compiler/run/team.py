"""Threads that wait for native work: started once, parked between calls, lent to one table at a time."""

from __future__ import annotations

import os
import threading
from typing import Any

import numpy as np

from engine.compiler.code.driver import PARKED, Driver
from engine.compiler.machine.cores import cores


class Worker:
    """A thread that runs one state after the other; for a moment it looks for the next one, then it parks."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self._memory: Any = np.array([PARKED, driver.address["run"], driver.pause, *[0] * 5], np.int64)
        self.mailbox = int(self._memory.ctypes.data)
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


class Crew:
    """Workers that stay together. kept: what must live until they have left: they look at the last barrier for a moment
    longer than who began."""

    def __init__(self, driver: Driver, count: int) -> None:
        self.workers = [Worker(driver) for _ in range(count)]
        self.kept: Any = None


_idle: dict[tuple[Driver, int], list[Crew]] = {}
_running: list[None] = []  # lists: to append and to pop needs no lock


def running() -> list[None]:
    """As many entries as there are tables that run now."""
    return _running


def share() -> int:
    """How many threads each table gets: the cores, shared fairly by the tables that run now."""
    return max(1, cores() // max(1, len(_running)))


class Running:
    """While a table runs it counts."""

    def __enter__(self) -> None:
        _running.append(None)

    def __exit__(self, *_: object) -> None:
        _running.pop()


def idle(driver: Driver, count: int) -> list[Crew]:
    """Crews of so many workers that wait: whoever takes one out puts it back when it has done what he wanted."""
    return _idle.setdefault((driver, count), [])


def _after_fork() -> None:
    """A child has none of these threads."""
    _running.clear()
    for crews in _idle.values():
        crews.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
