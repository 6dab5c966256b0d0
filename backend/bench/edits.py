"""How long an edit waits for its first compiled step, and how much memory a step needs."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from typing import Any

import psutil

import engine
from backend.bench.workloads import WORKLOADS, w2
from engine.compiler.code.library import library

FIRST = (96, 112, 120, 144, 160, 100, 136, 152)
LATER = (104, 116, 124, 132, 140, 148, 156, 168, 98, 106, 114, 122, 134, 142, 154, 166)


def latency() -> dict[str, Any]:
    """Milliseconds from a changed width of W2 to the end of its first compiled step, in a process that is warm and does
    nothing else: what is compiled in the background for networks before it is waited for.

    compile: from `engine.compile` on, with tracing (`prepare`) and the step, for widths that are new, after ten others;
    compile_best: the fastest of these, for neighbours of a virtual machine may halve what all Python gets;
    first: for the first eight; whole: as compile, with the new model and its optimiser; back: for edits to a network
    that was there before. native: whether every counted first step ran as native code.
    """
    library().idle()
    found = [_edit(width) for width in (128, 64, *FIRST, *LATER, *FIRST)]
    first, later, back = found[2:10], found[10:26], found[26:]
    return {
        "compile": statistics.median(a for a, _, _ in later), "compile_best": min(a for a, _, _ in later),
        "first": statistics.median(a for a, _, _ in first), "whole": statistics.median(b for _, b, _ in later),
        "back": statistics.median(a for a, _, _ in back),
        "native": all(tier not in ("numpy", "eager") for _, _, tier in later),
    }  # fmt: skip


def _edit(width: int) -> tuple[float, float, str]:
    """Milliseconds from `engine.compile` on, and from the model on; what the step ran on."""
    start = time.perf_counter()
    problem = w2(engine, width)
    built = time.perf_counter()
    step = engine.compile(problem.step)
    step.prepare(problem.x, problem.y)
    step(problem.x, problem.y)
    end = time.perf_counter()
    tier = step.tier
    step.wait()
    library().idle()
    return (end - built) * 1e3, (end - start) * 1e3, tier


MEASURED = """
import importlib, json, sys
from pathlib import Path
import psutil
from backend.bench.contenders import CONTENDERS, start_of
from backend.bench.edits import grown
from backend.bench.workloads import WORKLOADS
print(json.dumps(grown(*json.loads(sys.argv[1]))))
"""


def grown(name: str, contender: str, threads: int) -> dict[str, float]:
    """Megabytes by which a process grew, at the end and at its peak, from before the model to after 10 steps."""
    from backend.bench.contenders import CONTENDERS, library, start_of

    if contender.startswith("torch"):
        library("torch", threads)
    CONTENDERS[contender](WORKLOADS["W1"], start_of(WORKLOADS["W1"]), threads)  # what a first step of any network costs
    weights, process = start_of(WORKLOADS[name]), psutil.Process()
    before = process.memory_info().rss
    forget_peak()
    running = CONTENDERS[contender](WORKLOADS[name], weights, threads)
    for _ in range(10):
        running.call()
    return {"rss": (process.memory_info().rss - before) / 2**20, "peak": (peak_memory() - before) / 2**20}


def forget_peak() -> None:
    """Let the system count the peak from now on, where it can (Linux)."""
    try:
        with open("/proc/self/clear_refs", "w", encoding="ascii") as file:
            file.write("5")
    except OSError:
        pass


def peak_memory() -> int:
    """The most memory this process had, in bytes; what it has now where the system does not say."""
    try:
        with open("/proc/self/status", encoding="ascii") as lines:
            line = next(line for line in lines if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    except (OSError, StopIteration):
        return int(psutil.Process().memory_info().rss)


def room(names: list[str], contenders: list[str], threads: int) -> dict[str, dict[str, Any]]:
    """The memory of each workload's step by each contender, each in a process of its own."""
    return {
        name: {contender: _alone(name, contender, threads) for contender in contenders if contender != "jax"}
        for name in names
        if name in WORKLOADS
    }


def _alone(name: str, contender: str, threads: int) -> dict[str, float] | None:
    command = [sys.executable, "-c", MEASURED, json.dumps([name, contender, threads])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=dict(os.environ))  # noqa: S603
    return json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 and done.stdout else None
