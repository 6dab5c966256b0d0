"""Products with the zeros around a picture are left out: at its edge a window's outer taps see nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any, NamedTuple

from engine.compiler.graph import ir
from engine.compiler.graph.ir import Node, Value
from engine.compiler.kernels.looks import Cut, part

SAVED = 0.04
"""Which part of the products must be with zeros for it to be worth several rows."""
MOST = 12
"""How many rows a product may become."""


class Frame(NamedTuple):
    """Tap t of position p reads place p * step + t * dilation, which is inside from `low` to before `high`."""

    step: int
    dilation: int
    low: int
    high: int

    def taps(self, position: int, count: int) -> tuple[int, int]:
        """The first tap inside and the one behind the last."""
        inside = [t for t in range(count) if self.low <= position * self.step + t * self.dilation < self.high]
        return (inside[0], inside[-1] + 1) if inside else (0, 0)


def frame(value: Value, position: int, tap: int) -> Frame | None:
    """How windows lie in a frame of zeros, if these are the axes of their positions and of their taps."""
    while (node := value.node) is not None and node.kind.view:
        if node.kind is ir.Window and tap == len(value.shape) - 1:
            axis = node.attrs["axis"]
            found = _padded(node.inputs[0], axis) if position == axis else None
            return found and Frame(node.attrs["step"], node.attrs["dilation"], *found)
        axes = [_below(node, axis) for axis in (position, tap)]
        if None in axes:
            return None
        (position, tap), value = (int(axis or 0) for axis in axes), node.inputs[0]
    return None


def _padded(value: Value, axis: int) -> tuple[int, int] | None:
    """Along which places of an axis something stands that is not a frame of zeros."""
    while (node := value.node) is not None:
        if node.kind is ir.Pad:
            low, zero = node.attrs["low"][axis], node.attrs.get("value", 0.0) == 0.0
            plain = zero and not node.attrs["inner"][axis]
            return (low, low + node.inputs[0].shape[axis]) if plain else None
        below = _below(node, axis) if node.kind.view else None
        if below is None:
            return None
        axis, value = below, node.inputs[0]
    return None


def _below(node: Node, axis: int) -> int | None:
    """Where an axis of a view lies in what it looks at, if every place of it is the same place there."""
    if node.kind is ir.Permute:
        return int(node.attrs["order"][axis])
    if node.kind is ir.Slice:
        return axis if node.attrs["start"][axis] == 0 and node.attrs["step"][axis] == 1 else None
    if node.kind is ir.Window and axis != node.attrs["axis"] and axis < len(node.output.shape) - 1:
        return axis
    return None


def inside(work: Any, frames: list[tuple[Any, int, int]]) -> Iterator[Any]:
    """A product as rows that leave the zeros out. frames: each with the loops of its positions and of its taps."""
    for found, position, tap in frames:
        sizes = (*work.sizes, *work.k)
        taps = [found.taps(p, sizes[tap]) for p in range(sizes[position])]
        runs = [(key, len(list(run))) for key, run in groupby(taps)]
        kept = sum(high - low for low, high in taps)
        if 1 < len(runs) <= MOST and kept <= (1 - SAVED) * sizes[position] * sizes[tap]:
            start = 0
            for (low, high), count in runs:
                rows = part(work, Cut(position, start, count, {}))
                yield part(rows, Cut(tap, low, high - low, {}))
                start += count
            return
    yield work
