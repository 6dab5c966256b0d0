"""Where a value lies: a buffer, an offset and a stride for each axis; and what views make of that, without copying."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from engine.compiler.graph import ir
from engine.compiler.graph.shapes import regrouped
from engine.compiler.kernels.work import Buffer

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
