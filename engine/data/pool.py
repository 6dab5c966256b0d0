"""A DataLoader's worker processes, seen from the main process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import cycle
from typing import Any

from engine.data.worker import BEGIN, FETCH, STOP, Ended, Failure, work
from engine.errors import EngineError

PATIENCE = 1.0  # seconds that a worker has to end by itself


class WorkerError(EngineError, RuntimeError):
    """A worker process ended by itself, or took too long."""


class Pool:
    """Some worker processes, each with a pipe; `batches` gives them orders and hands out what they send."""

    def __init__(
        self,
        context: Any,
        count: int,
        dataset: Any,
        fetcher: Callable[[Any], Any],
        init: Callable[[int], None] | None,
        ahead: int,
        timeout: float,
    ) -> None:
        self.ahead, self.timeout = ahead, timeout
        self.pipes: list[Any] = []
        self.processes: list[Any] = []
        for number in range(count):
            ours, its = context.Pipe()
            process = context.Process(
                target=work, args=(its, number, count, dataset, fetcher, init), daemon=True, name=f"DataLoader {number}"
            )
            process.start()
            its.close()
            self.pipes.append(ours)
            self.processes.append(process)

    def batches(self, orders: Iterator[Any], seed: int) -> Iterator[Any]:
        """What the workers make of the orders, in the order of the orders."""
        for pipe in self.pipes:
            pipe.send((BEGIN, seed))
        due: list[int] = []  # the workers that owe something, the oldest order first
        busy = set(range(len(self.pipes)))  # the workers whose data has not ended
        turns, over = cycle(range(len(self.pipes))), object()
        while True:
            while busy and len(due) < self.ahead * len(busy):
                order = next(orders, over)
                if order is over:
                    break
                due.append(next(worker for worker in turns if worker in busy))
                self.pipes[due[-1]].send((FETCH, order))
            if not due:
                return
            worker = due.pop(0)
            found = self._receive(worker)
            if isinstance(found, Failure):
                raise found.again()
            if not isinstance(found, Ended):
                yield found
            else:
                busy.discard(worker)

    def _receive(self, worker: int) -> Any:
        """The next thing a worker sends. Raises: WorkerError when it died or the time is over."""
        end = time.monotonic() + self.timeout if self.timeout else None
        pipe, process = self.pipes[worker], self.processes[worker]
        try:
            while not pipe.poll(1.0 if end is None else max(0.0, min(1.0, end - time.monotonic()))):
                if end is not None and time.monotonic() >= end:
                    raise WorkerError(
                        f"DataLoader timed out after {self.timeout:g} seconds", "a batch in that time", "none"
                    )
            return pipe.recv()
        except (EOFError, ConnectionResetError):
            process.join(PATIENCE)
            raise WorkerError(
                f"DataLoader worker (pid {process.pid}) exited unexpectedly",
                "a batch",
                f"exit code {process.exitcode}",
                "Was there not enough memory? With num_workers=0 the cause can be seen.",
            ) from None

    def close(self) -> None:
        """Tell all workers to stop, and wait until they have."""
        for pipe in self.pipes:
            try:
                pipe.send((STOP, None))
            except (BrokenPipeError, OSError):
                continue
        for pipe in self.pipes:
            pipe.close()
        for process in self.processes:
            process.join(PATIENCE)
            if process.is_alive():
                process.terminate()
                process.join(PATIENCE)
        self.pipes, self.processes = [], []

    def __del__(self) -> None:
        if self.processes:
            self.close()
