"""Processes that load examples while the model learns.

Each worker has a pipe of its own and gets every n-th batch, so batches arrive in order without sorting: batch i is
the next thing that worker i % n sends. A thread in the worker takes the orders, so that neither side ever waits for
the other to read while it writes.
"""

from __future__ import annotations

import os
import queue
import random
import signal
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

import numpy as np

from engine.rng import manual_seed

STOP, BEGIN, FETCH = "stop", "begin", "fetch"  # orders are pairs: one of these, and what it is about
LOOK_AROUND = 2.0  # seconds after which a waiting worker looks whether its parent still lives


@dataclass(frozen=True)
class WorkerInfo:
    """What a worker knows about itself; `dataset` is its own copy."""

    id: int
    num_workers: int
    seed: int
    dataset: Any


@dataclass(frozen=True)
class Ended:
    """A worker's iterable dataset has no more examples."""


@dataclass(frozen=True)
class Failure:
    """An exception in a worker, as text."""

    kind: type[Exception]
    text: str

    def again(self) -> Exception:
        """The exception to raise in the parent: of the same class where a text is enough to make one."""
        try:
            return self.kind(Plain(self.text) if issubclass(self.kind, KeyError) else self.text)
        except TypeError:
            return RuntimeError(self.text)


class Plain(str):
    """A text that KeyError, which shows the repr of what it is given, shows as it is."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


_here: list[WorkerInfo] = []


def get_worker_info() -> WorkerInfo | None:
    """Which worker this process is; None in the main process.

    >>> engine.data.get_worker_info() is None
    True
    """
    return _here[0] if _here else None


def work(
    pipe: Connection,
    number: int,
    count: int,
    dataset: Any,
    fetcher: Callable[[Any], Any],
    init: Callable[[int], None] | None,
) -> None:
    """The life of a worker: take orders, send batches, until told to stop or the parent is gone.

    `fetcher(dataset)` makes what turns numbers into a batch, anew for every pass.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who stops the program stops the parent, which stops its workers
    orders: queue.Queue[Any] = queue.Queue()
    threading.Thread(target=_listen, args=(pipe, orders, os.getppid()), daemon=True).start()
    fetch, failure = None, None
    while (order := orders.get())[0] != STOP:
        if order[0] == BEGIN:
            fetch, failure = _begin(number, count, order[1], dataset, fetcher, init)
            init = None
            continue
        try:
            pipe.send(failure or _attempt(fetch, order[1], number))
        except BrokenPipeError:
            return
        except Exception as error:
            pipe.send(_failure(error, number))


def _begin(number: int, count: int, seed: int, dataset: Any, fetcher: Any, init: Any) -> tuple[Any, Failure | None]:
    _here[:] = [WorkerInfo(number, count, seed + number, dataset)]
    random.seed(seed + number)
    np.random.seed((seed + number) % 2**32)
    manual_seed(seed + number)
    try:
        if init is not None:
            init(number)
        return fetcher(dataset), None
    except Exception as error:
        return None, _failure(error, number)


def _attempt(fetch: Any, order: Any, number: int) -> Any:
    try:
        return fetch(order)
    except StopIteration:
        return Ended()
    except Exception as error:
        return _failure(error, number)


def _failure(error: Exception, number: int) -> Failure:
    text = f"Caught {type(error).__name__} in DataLoader worker process {number}.\n"
    text += "Original " + traceback.format_exc()
    here = f"{type(error).__module__}.{type(error).__qualname__}"
    return Failure(type(error) if "<locals>" not in here and "__main__" not in here else RuntimeError, text)


def _listen(pipe: Connection, orders: queue.Queue[Any], parent: int) -> None:
    """Hand orders on; a parent that is gone is an order to stop."""
    try:
        while True:
            while not pipe.poll(LOOK_AROUND):
                if os.getppid() != parent:
                    raise EOFError
            orders.put(pipe.recv())
    except (EOFError, OSError):
        orders.put((STOP, None))
