"""What an eager small operation with history costs beside PyTorch's, one thread each.

    python tests/bench/overhead.py [windows] [name of an operation ...]

Short windows alternate, so that a busy machine is busy for both; of each library the fastest window counts, in CPU time
of the process, because whatever else the machine does can only make a window slower.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = "1"

import statistics
import sys
import time
from collections.abc import Callable
from typing import Any

import torch

import engine

torch.set_num_threads(1)


def operations(t: Any, shape: tuple[int, int]) -> dict[str, Callable[[], Any]]:
    """The measured calls, on leaves of one library that ask for gradients."""
    a, b = (t.linspace(0.1, 0.9, 64).reshape(shape).clone().requires_grad_() for _ in range(2))
    mask, places = a.detach() > 0.5, t.tensor([0, 3, 1])
    F = t.nn.functional
    return {
        "a + b": lambda: a + b, "a - b": lambda: a - b, "a * b": lambda: a * b, "a / b": lambda: a / b,
        "a * 2": lambda: a * 2, "1 - a": lambda: 1 - a, "-a": lambda: -a, "a ** 2": lambda: a**2,
        "a @ b": lambda: a @ b, "a > b": lambda: a > b, "exp": lambda: a.exp(), "log": lambda: a.log(),
        "sin": lambda: t.sin(a), "sqrt": lambda: a.sqrt(), "tanh": lambda: a.tanh(), "sigmoid": lambda: a.sigmoid(),
        "relu": lambda: a.relu(), "F.gelu": lambda: F.gelu(a), "abs": lambda: a.abs(), "clamp": lambda: a.clamp(0, 1),
        "maximum": lambda: t.maximum(a, b), "where": lambda: t.where(mask, a, b), "sum": lambda: a.sum(),
        "sum(1)": lambda: a.sum(1), "mean": lambda: a.mean(), "var(1)": lambda: a.var(1), "amax(1)": lambda: a.amax(1),
        "max(1)": lambda: a.max(1), "softmax(1)": lambda: a.softmax(1), "log_softmax(1)": lambda: a.log_softmax(1),
        "logsumexp(1)": lambda: a.logsumexp(1), "reshape": lambda: a.reshape(-1), "view": lambda: a.view(4, 16),
        "t()": lambda: a.t(), "transpose": lambda: a.transpose(0, 1), "unsqueeze": lambda: a.unsqueeze(0),
        "expand": lambda: a.expand(2, *shape), "a[0]": lambda: a[0], "a[1:3]": lambda: a[1:3],
        "a[places]": lambda: a[places], "cat": lambda: t.cat([a, b]), "F.linear": lambda: F.linear(a, b),
        "mse_loss": lambda: F.mse_loss(a, b), "detach": lambda: a.detach(), "clone": lambda: a.clone(),
    }  # fmt: skip


def window(call: Callable[[], Any], calls: int = 100) -> float:
    """Seconds of one call, over one window."""
    start = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - start) / calls


def table(windows: int = 60, names: list[str] | None = None, shape: tuple[int, int] = (8, 8)) -> float:
    """Print one line per operation, the median of the ratios, and how many are at most 2."""
    ours, theirs, ratios = operations(engine, shape), operations(torch, shape), []
    print(f"{'operation':16}{'engine us':>10}{'torch us':>10}{'ratio':>8}")
    for name in names or ours:
        pairs = [(window(ours[name]), window(theirs[name])) for _ in range(windows)]
        mine, other = (min(p[k] for p in pairs) * 1e6 for k in (0, 1))
        ratios.append(mine / other)
        print(f"{name:16}{mine:10.2f}{other:10.2f}{mine / other:8.2f}{' *' if mine > 2 * other else ''}", flush=True)
    print(f"median {statistics.median(ratios):.2f}; at most 2: {sum(r <= 2 for r in ratios)} of {len(ratios)}")
    return statistics.median(ratios)


if __name__ == "__main__":
    table(int(sys.argv[1]) if len(sys.argv) > 1 else 60, sys.argv[2:])
