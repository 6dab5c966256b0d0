"""Measuring: windows that alternate between the contenders, the machine's peak, the products that a step needs."""

from __future__ import annotations

import math
import os
import platform
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from backend.bench.contenders import Running
from engine.graph import Mode, Recorder, current_mode, reset_mode, set_mode

REST = 0.1
"""Seconds between windows: threads of NumPy's and PyTorch's libraries wait for more work in a loop, for up to 60 ms,
and a core that does so is missing in somebody else's window."""


def window(running: Running, seconds: float) -> tuple[float, float]:
    """(steps per second, steps per CPU second) over one window; its first call is not counted."""
    running.call()
    count, start, cpu = 0, time.perf_counter(), time.process_time()
    while True:
        running.call()
        count += running.steps
        spent = time.perf_counter() - start
        if spent >= seconds:
            return count / spent, count / max(time.process_time() - cpu, 1e-9)


def alternate(running: dict[str, Running], windows: int, seconds: float) -> dict[str, list[tuple[float, float]]]:
    """Windows of all contenders in turn, so that a busy machine is busy for all of them."""
    found: dict[str, list[tuple[float, float]]] = {name: [] for name in running}
    for _ in range(windows):
        for name, one in running.items():
            found[name].append(window(one, seconds))
            time.sleep(REST)
    return found


def summary(rates: list[tuple[float, float]], rivals: list[tuple[float, float]] | None) -> dict[str, float]:
    """Median, best and worst steps per second, and the median of the ratios to the rival's window of the same round."""
    walls = [wall for wall, _ in rates]
    found = {"median": statistics.median(walls), "best": max(walls), "worst": min(walls)}
    found["per_cpu_second"] = statistics.median(cpu for _, cpu in rates)
    if rivals:
        found["ratio"] = statistics.median(a / b for (a, _), (b, _) in zip(rates, rivals, strict=True))
    return found


def peak(seconds: float = 0.5, size: int = 1024) -> float:
    """GFLOP/s of NumPy's product of two float32 matrices, the best of many: what this machine reaches."""
    a, b, c = (np.full((size, size), 0.5, np.float32) for _ in range(3))
    best, end = math.inf, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        np.matmul(a, b, out=c)
        best = min(best, time.perf_counter() - start)
    return 2 * size**3 / best / 1e9


class Products(Recorder):
    """Counts the multiplications and additions of the products (linear layers, convolutions) inside of its block."""

    def __init__(self) -> None:
        self.count = 0

    def __enter__(self) -> Products:
        mode = current_mode()
        self._token = set_mode(Mode(mode.grad, (*mode.recorders, self)))
        return self

    def __exit__(self, *_: object) -> None:
        reset_mode(self._token)

    def record(self, op: Any, inputs: tuple[Any, ...], attrs: dict[str, Any], output: Any) -> None:
        self.count += product(op.name, [getattr(t, "shape", ()) for t in inputs], output.shape)


def product(name: str, shapes: list[Any], out: Any) -> int:
    """Floating-point operations of one op, counted from its shapes: 2 for each product that is added up."""
    size = math.prod
    if name in ("matmul", "linear"):
        return 2 * int(size(out) * shapes[0][-1])
    if name == "linear_weight":
        return 2 * int(size(shapes[0]) * shapes[1][-1])
    if name == "convolution":
        return 2 * int(size(out) * size(shapes[1][1:]))
    if name == "convolution_input":
        return 2 * int(size(shapes[0]) * size(shapes[1][1:]))
    if name == "convolution_weight":
        return 2 * int(size(shapes[0]) * size(out[1:]))
    return 0


def products(step: Callable[[], Any]) -> int:
    """Floating-point operations of the products of one eager step, forward and backward."""
    with Products() as found:
        step()
    return found.count


def machine() -> dict[str, Any]:
    """What the numbers were measured on."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            model = next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), model)
    except OSError:
        pass
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "numpy": np.__version__,
        "load": load(),
    }


def load() -> list[float]:
    """How many processes want to run (1, 5, 15 minutes), where the system says it."""
    return [round(n, 2) for n in os.getloadavg()] if hasattr(os, "getloadavg") else []
