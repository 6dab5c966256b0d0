"""Where a value lies: a buffer, an offset and a stride for each axis; and what views make of that, without copying."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from engine.compiler import ir
from engine.compiler.work import Buffer

Shape = tuple[int, ...]


class Place(NamedTuple):
    """A value in memory; offset and strides in elements."""

    buffer: Buffer
    offset: int
    shape: Shape
    strides: Shape

    @property
    def dtype(self) -> Any:
        """The element type."""
        return np.dtype(self.buffer.dtype)

    def view(self, memory: Mapping[int, Any] | None = None) -> Any:
        """The numbers, as a NumPy array that shares the buffer's memory (of this plan, see `Plan.memory`)."""
        flat, size = (memory or {}).get(id(self.buffer), self.buffer.array), self.dtype.itemsize
        return np.lib.stride_tricks.as_strided(flat[self.offset :], self.shape, [s * size for s in self.strides])


def dense(buffer: Buffer, shape: Shape, order: Shape | None = None, offset: int = 0) -> Place:
    """Without gaps; `order` lists the axes from the one with the largest stride to the innermost."""
    strides, step = [0] * len(shape), 1
    for axis in reversed(range(len(shape)) if order is None else order):
        strides[axis] = step
        step *= shape[axis]
    return Place(buffer, offset, tuple(shape), tuple(strides))


def spread(buffer_of: Callable[[int], Buffer], shape: Shape, order: Shape) -> Place:
    """Like `dense`, but rows whose distance is a multiple of 1024 bytes are moved apart by a cache line: else all of a
    column falls into few sets of the cache."""
    strides, step = [0] * len(shape), 1
    for rank, axis in enumerate(reversed(order)):
        if rank and step % 256 == 0:
            step += 16
        strides[axis] = step
        step *= shape[axis]
    return Place(buffer_of(step), 0, tuple(shape), tuple(strides))


def through(node: ir.Node, place: Place) -> Place | None:
    """Where a view of what lies at `place` lies; None where it can not be had without a copy."""
    return VIEWS[node.kind.name](node, place)


def _permute(node: ir.Node, p: Place) -> Place:
    order = node.attrs["order"]
    return Place(p.buffer, p.offset, node.output.shape, tuple(p.strides[i] for i in order))


def _expand(node: ir.Node, p: Place) -> Place:
    shape = node.output.shape
    lead = len(shape) - len(p.shape)
    kept = [s if n == m else 0 for n, m, s in zip(p.shape, shape[lead:], p.strides, strict=True)]
    return Place(p.buffer, p.offset, shape, (0,) * lead + tuple(kept))


def _slice(node: ir.Node, p: Place) -> Place:
    start, size, step = node.attrs["start"], node.attrs["size"], node.attrs["step"]
    offset = p.offset + sum(a * s for a, s in zip(start, p.strides, strict=True))
    return Place(p.buffer, offset, tuple(size), tuple(s * d for s, d in zip(p.strides, step, strict=True)))


def _window(node: ir.Node, p: Place) -> Place:
    axis, step, dilation = node.attrs["axis"], node.attrs["step"], node.attrs["dilation"]
    strides = list(p.strides)
    strides[axis] *= step
    return Place(p.buffer, p.offset, node.output.shape, (*strides, p.strides[axis] * dilation))


def _reshape(node: ir.Node, p: Place) -> Place | None:
    strides = regrouped(p.shape, p.strides, node.output.shape)
    return None if strides is None else Place(p.buffer, p.offset, node.output.shape, strides)


VIEWS = {"permute": _permute, "expand": _expand, "slice": _slice, "window": _window, "reshape": _reshape}


def regrouped(shape: Shape, strides: Shape, target: Shape) -> Shape | None:
    """The strides under which the same memory has another shape; None where it has none."""
    runs: list[list[int]] = []
    for n, s in zip(shape, strides, strict=True):
        if n != 1:
            if runs and runs[-1][1] == n * s:
                runs[-1] = [runs[-1][0] * n, s]
            else:
                runs.append([n, s])
    found, left, step = [], 1, 0
    for n in target:
        if n == 1:
            found.append(0)
            continue
        if left == 1:
            if not runs:
                return None
            left, step = runs.pop(0)
        if n == 0 or left % n:
            return None
        left //= n
        found.append(left * step)
    return tuple(found) if left == 1 and not runs else None


def made_of(shape: Shape, finer: Shape) -> list[Shape] | None:
    """For each axis of a shape the axes of a finer one that it was made of; None where it was not."""
    found, at = [], 0
    for n in shape:
        first, size = at, 1
        while at < len(finer) and size * finer[at] <= n and (size < n or finer[at] == 1):
            size, at = size * finer[at], at + 1
        if size != n:
            return None
        found.append(tuple(range(first, at)))
    return found if at == len(finer) else None


def coalesced(sizes: list[int], strides: list[list[int]]) -> list[list[int]]:
    """Neighbouring loops that all operands can run through as one: for each one left the old ones, outermost first.

    strides: for each operand the stride along each loop.
    """
    groups: list[list[int]] = []
    for loop in range(len(sizes)):
        if groups:
            before = groups[-1][-1]
            if all(s[before] == sizes[loop] * s[loop] for s in strides):
                groups[-1].append(loop)
                continue
        groups.append([loop])
    return groups
