"""How fast loop nests run on one thread, beside PyTorch: `python tests/bench/nests.py`.

Maps in GB/s of memory that comes and goes, rows in nanoseconds; the fastest of many short windows, ours and PyTorch's
in turn.
"""

from __future__ import annotations

import ctypes
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path[:0] = [str(Path(__file__).parents[1] / "compiler"), str(Path(__file__).parents[2])]

from native import function  # noqa: E402
from pieces_of_work import held, numbers  # noqa: E402

from engine.compiler.code.emit import Function  # noqa: E402
from engine.compiler.kernels.nest import Nest  # noqa: E402
from engine.compiler.kernels.work import Operand, Store  # noqa: E402
from engine.compiler.machine.cpu import host  # noqa: E402

F = np.dtype("f4")
Lines = list[tuple[Any, ...]]


class Program:
    """Collects the lines of a scalar program: `p("add", a, b)` is the number of the new line."""

    def __init__(self) -> None:
        self.lines: Lines = []

    def __call__(self, *line: Any) -> int:
        self.lines.append(tuple(self._number(x) if i and isinstance(x, float) else x for i, x in enumerate(line)))
        return len(self.lines) - 1

    def _number(self, x: float) -> int:
        self.lines.append(("const", x, F))
        return len(self.lines) - 1


def operand(array: Any, *strides: int) -> Operand:
    """A look into an array of its own."""
    return Operand(held(array.reshape(-1)), 0, strides)


def kernel(nest: Nest) -> Callable[[], None]:
    """The compiled nest as a function without arguments."""
    f = Function("kernel", host())
    nest.emit(f, [f.argument(i) for i in range(len(nest.arguments()))])
    compiled, table = function(f, host()), np.array(numbers(nest), np.int64)
    entry = ctypes.CFUNCTYPE(None, ctypes.c_int64)(compiled.engine.get_function_address("kernel"))  # type: ignore[attr-defined]
    address = table.ctypes.data
    return lambda _kept=(compiled, table, nest): entry(address)  # type: ignore[misc]


def race(*runs: Callable[[], Any], windows: int = 60, seconds: float = 0.002) -> list[float]:
    """The fastest time of one call of each, in seconds; windows of all in turn."""
    counts, best = [], [float("inf")] * len(runs)
    for go in runs:
        go()
        start = time.perf_counter()
        go()
        counts.append(max(1, int(seconds / max(1e-7, time.perf_counter() - start))))
    for _ in range(windows):
        for i, go in enumerate(runs):
            start = time.perf_counter()
            for _ in range(counts[i]):
                go()
            best[i] = min(best[i], (time.perf_counter() - start) / counts[i])
    return best


def adam(n: int) -> tuple[Nest, Any]:
    """Adam over a flat buffer: parameter, gradient and two means of it; PyTorch's fused step beside it."""
    import torch

    arrays = [np.random.default_rng(i).random(n, dtype=np.float32) for i in range(4)]
    scalars = [np.full(1, x, F) for x in (1e-3, 1.0)]
    operands = [operand(a, 1) for a in arrays] + [operand(s, 0) for s in scalars]
    p = Program()
    value, gradient, mean, square, rate, root = (p("load", i) for i in range(6))
    m = p("add", p("mul", mean, 0.9), p("mul", gradient, 0.1))
    v = p("add", p("mul", square, 0.999), p("mul", p("mul", gradient, gradient), 0.001))
    new = p("sub", value, p("div", p("mul", rate, m), p("add", p("mul", p("sqrt", v), root), 1e-8)))
    nest = Nest((n,), 1, 0, tuple(p.lines), tuple(operands), (Store(0, new), Store(2, m), Store(3, v)))
    weight = torch.rand(n, requires_grad=True)
    weight.grad = torch.rand(n)
    return nest, torch.optim.Adam([weight], fused=True).step


def rows(body: Callable[[Program], list[int]], m: int, n: int) -> Nest:
    """A row work: `body` makes lines from operand 0 and returns those that are stored."""
    x = np.random.default_rng(0).standard_normal((m, n)).astype("f4")
    p = Program()
    stored = body(p)
    operands = [operand(x, n, 1), operand(np.ones(n, F), 0, 1), operand(np.ones(n, F), 0, 1)]
    operands += [operand(np.zeros((m, n), F), n, 1) for _ in stored]
    stores = tuple(Store(3 + i, line) for i, line in enumerate(stored))
    return Nest((m, n), 1, 1, tuple(p.lines), tuple(operands), stores)


def softmax(p: Program) -> list[int]:
    """Softmax of a row."""
    x = p("load", 0)
    e = p("exp", p("sub", x, p("reduce", "max", x)))
    return [p("mul", e, p("div", 1.0, p("reduce", "sum", e)))]


def layer_norm(p: Program, n: int) -> list[int]:
    """Layer norm of a row, with scale and shift."""
    x = p("load", 0)
    centred = p("sub", x, p("mul", p("reduce", "sum", x), 1 / n))
    square = p("mul", p("reduce", "sum", p("mul", centred, centred)), 1 / n)
    unit = p("mul", centred, p("div", 1.0, p("sqrt", p("add", square, 1e-5))))
    return [p("add", p("mul", unit, p("load", 1)), p("load", 2))]


def pool(places: int, channels: int) -> tuple[Nest, Any]:
    """The largest of 2 by 2 places, channels innermost, and which of the four it is; PyTorch's pool beside it."""
    import torch

    image = np.random.default_rng(0).standard_normal((2 * places, 2 * places, channels)).astype("f4")
    p, step, whole = Program(), 2 * places * channels, held(image.reshape(-1))
    taps = [p("load", i) for i in range(4)]
    found = p("max", p("max", p("max", taps[0], taps[1]), taps[2]), taps[3])
    code = p("where", p("eq", taps[3], found), 3.0, -1.0)
    for tap in (2, 1, 0):
        code = p("where", p("eq", taps[tap], found), float(tap), code)
    sizes, along = (places, places, channels), (2 * step, 2 * channels, 1)
    operands = [Operand(whole, i * step + j * channels, along) for i in (0, 1) for j in (0, 1)]
    operands += [operand(np.zeros(sizes, F), places * channels, channels, 1) for _ in (found, code)]
    x = torch.from_numpy(image).permute(2, 0, 1)[None].contiguous(memory_format=torch.channels_last)
    theirs = partial(torch.nn.functional.max_pool2d, x, 2, return_indices=True)
    return Nest(sizes, 3, 2, tuple(p.lines), tuple(operands), (Store(4, found), Store(5, code))), theirs


def flat(name: str, n: int, *more: Any) -> tuple[Nest, list[Any]]:
    """A map of one or two flat arrays by one function."""
    arrays = [np.random.default_rng(i).standard_normal(n).astype("f4") for i in range(3)]
    p = Program()
    line = p(name, p("load", 0), *([p("load", 1)] if not more else []))
    return Nest((n,), 1, 0, tuple(p.lines), tuple(operand(a, 1) for a in arrays), (Store(2, line),)), arrays


def main() -> None:
    """Print the table."""
    import torch
    from torch.nn import functional

    torch.set_num_threads(1)
    for n in (4096, 100_000, 4_000_000):
        for name, call in (
            ("add", torch.add),
            ("exp", torch.exp),
            ("tanh", torch.tanh),
            ("erf", torch.erf),
            ("log", torch.log),
        ):
            nest, arrays = flat(name, n, *([1] if name != "add" else []))
            x, y, z = (torch.from_numpy(a) for a in arrays)
            x.abs_()
            given = (x, y) if name == "add" else (x,)
            a, b = race(kernel(nest), partial(call, *given, out=z))
            volume = (3 if name == "add" else 2) * 4 * n
            print(f"{name:8} {n:8} ours {volume / a / 1e9:6.1f} GB/s  torch {volume / b / 1e9:6.1f}  ratio {b / a:.2f}")
        nest, step = adam(n)
        a, b = race(kernel(nest), step)
        print(f"{'adam':8} {n:8} ours {28 * n / a / 1e9:6.1f} GB/s  torch {28 * n / b / 1e9:6.1f}  ratio {b / a:.2f}")
    for places, channels in ((12, 64), (13, 16), (14, 6)):
        nest, theirs = pool(places, channels)
        a, b = race(kernel(nest), theirs)
        print(f"pool     {places}x{places}x{channels} ours {a * 1e6:6.2f} us  torch {b * 1e6:6.2f}  ratio {b / a:.2f}")
    for m, n in ((64, 10), (768, 65), (768, 64), (768, 128), (256, 256), (64, 1000), (64, 5000)):
        x, w = torch.randn(m, n), torch.ones(n)
        for name, nest, theirs in (
            ("softmax", rows(softmax, m, n), lambda x=x: torch.softmax(x, 1)),
            (
                "norm",
                rows(lambda p, n=n: layer_norm(p, n), m, n),
                lambda x=x, w=w: functional.layer_norm(x, w.shape, w, w),
            ),
        ):
            a, b = race(kernel(nest), theirs)
            print(f"{name:8} {m}x{n} ours {a / m * 1e9:7.1f} ns a row  torch {b / m * 1e9:7.1f}  ratio {b / a:.2f}")


if __name__ == "__main__":
    main()
