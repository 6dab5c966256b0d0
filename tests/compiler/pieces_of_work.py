"""Running one piece of work for a test: its meaning on NumPy arrays, its kernel on every processor that we can be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from native import function

from engine.compiler.code.emit import Function
from engine.compiler.graph import ir
from engine.compiler.kernels.nest import Nest
from engine.compiler.kernels.work import Buffer, Operand
from engine.compiler.machine.cpu import Cpu

_kernels: dict[tuple[str, int], Callable[[list[int]], None]] = {}


def numbers(work: Any) -> list[int]:
    """A work's arguments as its kernel reads them; its buffers have arrays."""
    return [
        a[0].array.ctypes.data + a[1] * a[0].array.itemsize if isinstance(a, tuple) else int(a)
        for a in work.arguments()
    ]


def run(work: Any, cpu: Cpu) -> None:
    """Run the kernel that serves every size; kernels are kept by their key, as the library does."""
    known = (work.key, cpu.lanes)
    if known not in _kernels:
        f = Function("kernel", cpu)
        work.emit(f, [f.argument(i) for i in range(len(work.arguments()))])
        _kernels[known] = function(f, cpu)
    _kernels[known](numbers(work))


def run_special(work: Any, cpu: Cpu) -> None:
    """Run a kernel in which sizes and addresses are constants."""
    f = Function("kernel", cpu)
    work.emit(f, list(numbers(work)))
    function(f, cpu)([0])


def held(array: Any, name: str = "") -> Buffer:
    """A buffer that holds a flat array."""
    return Buffer(array.size, array.dtype, name, array)


def dense(*shape: int) -> tuple[Any, tuple[int, ...]]:
    """Random numbers in memory that is exactly as long as it must be, and their strides."""
    array = np.random.default_rng(shape).standard_normal(shape).astype("f4")
    return held(array.reshape(-1)), tuple(s // 4 for s in array.strides)


def seen(operand: Operand, sizes: tuple[int, ...]) -> Any:
    """An operand as an array over the loops."""
    flat = operand.buffer.array
    steps = [s * flat.itemsize for s in operand.strides]
    return np.lib.stride_tricks.as_strided(flat[operand.offset :], sizes, steps)


def meaning(nest: Nest) -> list[Any]:
    """What each store of a nest writes, in double precision, over all loops or over the parallel ones."""
    found: list[Any] = []
    reduced = tuple(range(nest.parallel, len(nest.sizes)))
    for name, *rest in nest.body:
        if name == "load":
            value = seen(nest.operands[rest[0]], nest.sizes)
            value = value.astype("f8") if value.dtype == np.float32 else value
        elif name == "const":
            value = np.full(nest.sizes, rest[0], rest[1]).astype("f8" if rest[1] == np.float32 else rest[1])
        elif name == "iota":
            places = np.arange(nest.sizes[rest[0]], dtype="u4").reshape(
                [-1 if i == rest[0] else 1 for i in range(len(nest.sizes))]
            )
            value = np.broadcast_to(places, nest.sizes)
        elif name == "cast":
            value = found[rest[0]].astype("f8" if rest[1] == np.float32 else rest[1])
        elif name == "reduce":
            value = np.broadcast_to(ir.Reduce.RUN[rest[0]](found[rest[1]], axis=reduced, keepdims=True), nest.sizes)
        else:
            with np.errstate(all="ignore"):
                value = ir.SCALARS[name][0](*(found[i] for i in rest))
        found.append(value)
    inner = (slice(None),) * nest.parallel + (0,) * len(reduced)
    return [found[s.line] if nest.lines.inner(s.line) else found[s.line][inner] for s in nest.stores]
