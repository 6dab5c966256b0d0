"""The eager tier beside PyTorch's, one thread each, in one process: `python tests/bench/eager.py [W1 ...]`."""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

import engine
from backend.bench.problem import Problem
from backend.bench.workloads import WORKLOADS

torch.set_num_threads(1)


def rate(step: Callable[[], Any], seconds: float) -> float:
    """Steps per second over one window."""
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        step()
        count += 1
    return count / (time.perf_counter() - start)


def step_of(problem: Problem) -> Callable[[], Any]:
    """Its step on its batch."""
    return lambda: problem.step(problem.x, problem.y)


def compare(name: str, windows: int = 5, seconds: float = 0.5) -> tuple[float, float]:
    """Medians (engine, torch) of steps per second; windows alternate, so that a busy machine is busy for both."""
    ours, theirs = (step_of(WORKLOADS[name].build(t)) for t in (engine, torch))
    for step in (ours, theirs, ours, theirs):
        step()
    pairs = [(rate(ours, seconds), rate(theirs, seconds)) for _ in range(windows)]
    return statistics.median(a for a, _ in pairs), statistics.median(b for _, b in pairs)


def table(names: list[str]) -> None:
    """Print one line per workload."""
    for name in names:
        ours, theirs = compare(name)
        print(f"{name}  engine {ours:9.1f}  torch {theirs:9.1f} steps/s  ratio {ours / theirs:5.2f}", flush=True)


if __name__ == "__main__":
    table(sys.argv[1:] or list(WORKLOADS))
