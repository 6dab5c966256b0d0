"""What a plan means, row by row, in NumPy: kernels without machine code, so that a plan can be tested by itself."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from engine.compiler.graph import ir
from engine.compiler.kernels.dot import Dot
from engine.compiler.kernels.nest import Nest
from engine.compiler.kernels.product import Product
from engine.compiler.kernels.rows import Rows
from engine.compiler.kernels.toom import Toom
from engine.compiler.kernels.transpose import Transposition
from engine.compiler.kernels.work import Operand, Plan, Record
from engine.compiler.schedule.shards import Moved

TYPES = {"f4": "f4", "u4": "u4", "i8": "i8", "?": "?"}


def seen(operand: Operand, sizes: Any) -> Any:
    """The numbers that loops of these sizes see; the bounds are looked at first."""
    flat = operand.buffer.array
    low, high = operand.span(sizes)
    assert 0 <= low <= high <= flat.size, (operand.offset, operand.strides, sizes, flat.size)
    return np.lib.stride_tricks.as_strided(
        flat[operand.offset :], sizes, [s * flat.dtype.itemsize for s in operand.strides]
    )


def computed(work: Any, sizes: Any, total: Any = None) -> list[Any]:
    """Every line of a scalar program, at every place of the loops."""
    lines: list[Any] = []
    reduced = tuple(range(getattr(work, "parallel", len(sizes)), len(sizes)))
    for name, *facts in work.body:
        if name == "load":
            value = seen(work.operands[facts[0]], sizes)
        elif name == "const":
            value = np.asarray(facts[0], TYPES[facts[1]])
        elif name == "iota":
            first = work.starts[facts[0]] if work.starts else 0
            value = np.arange(first, first + sizes[facts[0]], dtype="u4").reshape(
                [-1 if i == facts[0] else 1 for i in range(len(sizes))]
            )
        elif name == "sum of products":
            value = total
        elif name == "sum of numbers":
            value = seen(work.a, (*work.outer, work.m, *work.k)).reshape(*sizes[:-1], -1).sum(-1, keepdims=True)
        elif name == "cast":
            value = lines[facts[0]].astype(TYPES[facts[1]])
        elif name == "reduce":
            every = np.broadcast_to(lines[facts[1]], sizes)
            value = ir.Reduce.RUN[facts[0]](every, axis=reduced, keepdims=True)
            value = value if facts[0] in ("any", "all") else value.astype(every.dtype)
        else:
            value = ir.SCALARS[name][0](*(lines[i] for i in facts))
        lines.append(value.astype("f4") if value.dtype == np.float64 else value)
    return lines


def store(work: Any, sizes: Any, lines: list[Any]) -> None:
    """All stores, after everything was computed."""
    parallel = getattr(work, "parallel", len(sizes))
    found = []
    for each in work.stores:
        line, operand = lines[each.line], work.operands[each.operand]
        once = line.ndim < len(sizes) or all(n == 1 for n in line.shape[parallel:])
        shape = (*sizes[:parallel], *(1 for _ in sizes[parallel:])) if once else sizes
        target = seen(operand, shape)
        found.append((target, np.array(np.broadcast_to(line, target.shape))))
    for target, line in found:
        target[...] = line


def unmoved(moved: Moved) -> Any:
    """The piece of work that lies where a moved one does."""
    work, steps = moved.work, dict[Any, int]()
    for place, step in moved.places:
        buffer, offset = moved.given[place]
        steps[id(buffer), offset] = step * moved.units

    def at(operand: Operand) -> Operand:
        return Operand(operand.buffer, operand.offset + steps[id(operand.buffer), operand.offset], operand.strides)

    names = [f.name for f in dataclasses.fields(work)]
    found = {name: at(getattr(work, name)) for name in names if isinstance(getattr(work, name), Operand)}
    if "operands" in names:
        found["operands"] = tuple(map(at, work.operands))
    return dataclasses.replace(work, **found)


def run(work: Any) -> None:
    """One piece of work."""
    if isinstance(work, Moved):
        whole = unmoved(work)
        assert whole.arguments() == work.arguments()
        assert whole.key == work.key
        run(whole)
    elif isinstance(work, Nest):
        store(work, work.sizes, computed(work, work.sizes))
    elif isinstance(work, Product):
        free, summed = "abcdef"[: len(work.outer)], "uvwxyz"[: len(work.k)]
        a, b = seen(work.a, (*work.outer, work.m, *work.k)), seen(work.b, (*work.outer, work.n, *work.k))
        sums = isinstance(work, Dot) or (isinstance(work, Toom) and work.back)  # vectors are along them
        unit = work.a.strides[-1] if sums else work.b.strides[len(work.outer)]
        assert unit == 1 or work.n == 1 or work.k[-1:] == (1,), "vectors of numbers that do not lie side by side"
        total = np.einsum(f"{free}m{summed},{free}n{summed}->{free}mn", a, b, optimize=True)
        sizes = (*work.outer, work.m, work.n)
        store(work, sizes, computed(work, sizes, total))
    elif isinstance(work, Transposition):
        seen(work.target, work.sizes)[...] = seen(work.source, work.sizes)
    elif isinstance(work, Rows):
        index, table = seen(work.index, work.outer), seen(work.table, (work.count, work.width))
        rows = seen(work.rows, (*work.outer, work.width))
        if work.scatter:
            table[...] = 0
            np.add.at(table, index, np.array(rows))
        else:
            rows[...] = table[index]


def simulate(plan: Plan, inputs: list[Any]) -> list[Any]:
    """One step of a plan; its outputs."""
    for buffer in plan.buffers:
        if buffer.slot >= 0:
            buffer.array = np.ascontiguousarray(inputs[buffer.slot]).reshape(-1)
    for buffer, place, read in plan.scalars:
        buffer.array[place] = read()
    for row in plan.rows:
        if isinstance(row, Record):
            run(row.work)
        else:
            found = row.function(*(place.view() for place in row.reads))
            for place, array in zip(row.writes, found if isinstance(found, tuple) else (found,), strict=True):
                place.view()[...] = array
    return [place.view().astype(dtype) for place, dtype in plan.outputs]
