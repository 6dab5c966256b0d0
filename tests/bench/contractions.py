"""How fast the kernels for sums of products are, beside torch on the same sizes, one thread each.

    python tests/bench/contractions.py [part of a name]

Windows of ours and torch's alternate in one process; each case prints the best window of both in GFLOP/s, and what
part ours is of a loop of nothing but products, whose windows alternate with them, too: other tenants of the machine
slow all three.
"""

from __future__ import annotations

import ctypes
import math
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from engine.compiler.code.emit import Function, module
from engine.compiler.code.library import library
from engine.compiler.kernels.contract import Contraction
from engine.compiler.kernels.dot import Dot
from engine.compiler.kernels.transpose import Transposition
from engine.compiler.kernels.work import Buffer, Operand, Store

SUM = (("sum of products",),)
RANDOM = np.random.default_rng(0)
Case = tuple[str, list[Any], Callable[[], Any]]


def filled(count: int) -> Buffer:
    """Random numbers on a cache line's boundary."""
    raw = np.zeros(count + 16, "f4")
    start = -raw.ctypes.data // 4 % 16
    array = raw[start : start + count]
    array[:] = RANDOM.standard_normal(count)
    return Buffer(count, np.dtype("f4"), "", array)


def operand(buffer: Buffer, *strides: int, offset: int = 0) -> Operand:
    """A look into a buffer."""
    return Operand(buffer, offset, strides)


def torch_call(function: str, *operands: Any, **more: Any) -> Callable[[], Any]:
    """A call of torch on fresh tensors of these shapes, without gradients."""
    import torch

    torch.set_num_threads(1)
    tensors = [torch.randn(shape) for shape in operands]
    call = getattr(torch, function, None) or getattr(torch.nn.grad, function)
    return lambda: call(*tensors, **more)


def matrix(name: str, m: int, n: int, k: int, turned: bool = False) -> Case:
    """a[m, k] b[k, n], rows dense; turned: a lies as [k, m], as in a weight's gradient."""
    a = operand(filled(m * k), *((1, m) if turned else (k, 1)))
    work = Contraction(
        (), m, n, (k,), a, operand(filled(k * n), 1, n), SUM, (operand(filled(m * n), n, 1),), (Store(0, 0),)
    )
    return name, [work], torch_call("mm", (m, k), (k, n))


def convolution(name: str, batch: int, channels: int, out: int, size: int, taps: int) -> Iterator[Case]:
    """Forward, input gradient, weight gradient of a convolution without padding, laid out [channel][y][x][batch]."""
    kept = size - taps + 1
    x, w, y = (
        filled(channels * size * size * batch),
        filled(out * channels * taps * taps),
        filled(out * kept**2 * batch),
    )
    wide = filled(out * (kept + 2 * taps - 2) ** 2 * batch)
    row, plane, flat = size * batch, size * size * batch, kept * kept * batch
    forward = Contraction(
        (kept,), out, kept * batch, (channels, taps, taps),
        operand(w, 0, channels * taps * taps, taps * taps, taps, 1),
        operand(x, row, 1, plane, row, batch),
        SUM, (operand(y, kept * batch, flat, 1),), (Store(0, 0),),
    )  # fmt: skip
    around = kept + 2 * taps - 2
    backward = Contraction(
        (size,), channels, size * batch, (out, taps, taps),
        operand(w, 0, taps * taps, channels * taps * taps, -taps, -1, offset=taps * taps - 1),
        operand(wide, around * batch, 1, around * around * batch, around * batch, batch),
        SUM, (operand(x, row, plane, 1),), (Store(0, 0),),
    )  # fmt: skip
    gradient = Dot(
        (taps, taps), out, channels, (kept, kept * batch),
        operand(y, 0, 0, flat, kept * batch, 1),
        operand(x, row, batch, plane, row, 1),
        SUM, (operand(w, taps, 1, channels * taps * taps, taps * taps),), (Store(0, 0),),
    )  # fmt: skip
    ours_x, ours_w, ours_y = (batch, channels, size, size), (out, channels, taps, taps), (batch, out, kept, kept)
    yield f"{name} forward", [forward], torch_call("conv2d", ours_x, ours_w)
    yield f"{name} dx", [backward], torch_call("conv2d", (batch, out, around, around), (channels, out, taps, taps))
    yield f"{name} dw", [gradient], _weight_gradient(ours_x, ours_w, ours_y)


def channels_last(name: str, batch: int, channels: int, out: int, size: int, taps: int) -> Iterator[Case]:
    """The same laid out [batch][y][x][channel]; the results' gradient lies in a frame of zeros."""
    kept, around = size - taps + 1, size + taps - 1
    x, w, y = filled(batch * size**2 * channels), filled(out * channels * taps**2), filled(batch * kept**2 * out)
    wide, corner = filled(batch * around**2 * out), (taps - 1) * (around + 1) * out
    row, plane, far = size * channels, size * size * channels, around * out
    forward = Contraction(
        (batch, kept), kept, out, (taps, taps, channels),
        operand(x, plane, row, channels, row, channels, 1),
        operand(w, 0, 0, 1, taps * channels * out, channels * out, out),
        SUM, (operand(y, kept * kept * out, kept * out, out, 1),), (Store(0, 0),),
    )  # fmt: skip
    backward = Contraction(
        (batch, size), size, channels, (taps, taps, out),
        operand(wide, around * far, far, out, far, out, 1),
        operand(w, 0, 0, 1, -taps * channels, -channels, taps * taps * channels, offset=(taps * taps - 1) * channels),
        SUM, (operand(x, plane, row, channels, 1),), (Store(0, 0),),
    )  # fmt: skip
    gradient = Contraction(
        (taps, taps), channels, out, (batch, kept, kept),
        operand(x, row, channels, 1, plane, row, channels),
        operand(wide, 0, 0, 1, around * far, far, out, offset=corner),
        SUM, (operand(w, taps * out, out, taps * taps * out, 1),), (Store(0, 0),),
    )  # fmt: skip
    ours_x, ours_w, ours_y = (batch, channels, size, size), (out, channels, taps, taps), (batch, out, kept, kept)
    yield f"{name} forward", [forward], torch_call("conv2d", ours_x, ours_w)
    yield f"{name} dx", [backward], torch_call("conv2d", (batch, out, around, around), (channels, out, taps, taps))
    yield f"{name} dw", [gradient], _weight_gradient(ours_x, ours_w, ours_y)


def _weight_gradient(x: Any, w: Any, y: Any) -> Callable[[], Any]:
    import torch

    a, g = torch.randn(x), torch.randn(y)
    return lambda: torch.nn.grad.conv2d_weight(a, w, g)


def transposition(name: str, rows: int, columns: int) -> Case:
    """A dense matrix turned."""
    import torch

    a, b = filled(rows * columns), filled(rows * columns)
    work = Transposition((rows, columns), operand(a, columns, 1), operand(b, 1, rows))
    x = torch.randn(rows, columns)
    return name, [work], lambda: x.t().contiguous()


def cases() -> Iterator[Case]:
    """The products of the workloads W2-W5, and sizes between."""
    for name, m, k, n in (
        ("W2 layer 1", 64, 784, 128), ("W2 layer 2", 64, 128, 64), ("W2 layer 3", 64, 64, 10),
        ("W2 layer 3 turned", 10, 64, 64), ("W2 layer 1 turned", 128, 784, 64),
        ("W4 dense", 64, 9216, 128), ("W5 qkv", 768, 128, 384), ("W5 up", 768, 128, 512), ("W5 down", 768, 512, 128),
        ("W6 step", 32, 128, 512), ("512 cubed", 512, 512, 512), ("256 x 1024 x 1024", 256, 1024, 1024),
        ("64 x 2048 x 2048", 64, 2048, 2048), ("256 x 2048 x 2048", 256, 2048, 2048), ("10 x 100 x 100", 10, 100, 100),
        ("one row", 1, 512, 512), ("one column", 512, 512, 1), ("odd", 50, 77, 131),
    ):  # fmt: skip
        yield matrix(f"{name} {m}x{k}x{n}", m, n, k)
    for name, m, k, n in (
        ("W2 layer 1 dW", 128, 64, 784), ("W4 dense dW", 128, 64, 9216), ("W5 up dW", 512, 768, 128),
        ("1024 dW", 1024, 256, 1024),
    ):  # fmt: skip
        yield matrix(f"{name} {m}x{k}x{n}", m, n, k, turned=True)
    yield from convolution("W3 conv 3-16 32x32", 64, 3, 16, 34, 3)
    yield from convolution("W3 conv 16-32 16x16", 64, 16, 32, 18, 3)
    yield from convolution("W4 conv 1-32 28x28", 64, 1, 32, 28, 3)
    yield from convolution("W4 conv 32-64 26x26", 64, 32, 64, 26, 3)
    yield from channels_last("W4 channels last 26x26", 64, 32, 64, 26, 3)
    yield from channels_last("channels last 14x14", 32, 64, 128, 14, 3)
    yield transposition("turn 784x128", 784, 128)
    yield transposition("turn 1024x1024", 1024, 1024)


def operations(works: list[Any]) -> float:
    """Floating-point operations; of a transposition: elements."""
    return sum(2.0 * math.prod(w.sizes) * w.sums if hasattr(w, "sums") else float(math.prod(w.sizes)) for w in works)


def ours(works: list[Any]) -> Callable[[], Any]:
    """A call of the kernels."""
    calls = []
    for work, address in zip(works, library().need(works), strict=True):
        numbers = [a[0].array.ctypes.data + 4 * a[1] if isinstance(a, tuple) else a for a in work.arguments()]
        table = np.array(numbers, "i8")
        calls.append((ctypes.CFUNCTYPE(None, ctypes.c_int64)(address), table.ctypes.data, table))

    def run() -> None:
        for function, at, _ in calls:
            function(at)

    return run


SUMS, TIMES, ROUNDS = 12, 8, 100_000
"""Of the loop of products: sums, which hide that each waits for the one before; how often it is written out; rounds."""


def products() -> tuple[float, Callable[[], None]]:
    """Operations of a loop of products in registers, and a call of it."""
    kernels = library()
    f = Function("products", kernels.processor)
    factor = f.floating(0.5)

    def body(_: Any, *held: Any) -> list[Any]:
        found = list(held)
        for _ in range(TIMES):
            found = [f.fma(x, factor, factor) for x in found]
        return found

    for x in f.loop(f.argument(0), body, [f.floating(0.0)] * SUMS):
        f.store(x, f.argument(1))
    engine, address = kernels.alone(module([f]), "products")
    into, call = filled(16), ctypes.CFUNCTYPE(None, ctypes.c_int64)(address)
    table = np.array([ROUNDS, into.array.ctypes.data], "i8")

    def run(engine: Any = engine) -> None:
        call(table.ctypes.data)

    return 2.0 * SUMS * TIMES * ROUNDS * kernels.processor.lanes, run


def best(functions: list[Callable[[], Any]], seconds: float = 0.5) -> list[float]:
    """The shortest time of each, windows alternating."""
    found, rounds = [math.inf] * len(functions), []
    for function in functions:
        function()
        start = time.perf_counter()
        function()
        rounds.append(max(1, int(3e-4 / (time.perf_counter() - start))))
    end = time.thread_time() + seconds * len(functions)
    while time.thread_time() < end:
        for i, function in enumerate(functions):
            start = time.perf_counter()
            for _ in range(rounds[i]):
                function()
            found[i] = min(found[i], (time.perf_counter() - start) / rounds[i])
    return found


def main(part: str = "") -> None:
    """Print a line for each case."""
    most, peak = products()
    for name, works, theirs in cases():
        if part in name:
            here, there, full = best([ours(works), theirs, peak])
            speed = operations(works) / 1e9
            share = f"{speed / here / (most / 1e9 / full):4.0%}" if hasattr(works[0], "sums") else ""
            print(
                f"{name:34} ours {speed / here:6.1f} {share:4}   torch {speed / there:6.1f}   {there / here:5.2f}x",
                flush=True,
            )


if __name__ == "__main__":
    main(*sys.argv[1:])
