"""The loops of a nest: in which order they run, which of them are one, and which is computed in lanes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.compiler.graph.shapes import coalesced
from engine.compiler.kernels.nest import Nest
from engine.compiler.kernels.work import Operand, Store
from engine.compiler.plan.places import Place

Walk = tuple[Place, tuple[int, ...]]
"""A place, and a stride for each loop."""


def nest_of(
    sizes: Sequence[int],
    parallel: int,
    body: tuple[Any, ...],
    operands: list[Walk],
    stores: list[tuple[int, int]],
    counted: set[int] | frozenset[int] = frozenset(),
) -> Nest:
    """A nest over these loops, the first `parallel` independent; counted: loops whose place the program reads."""
    weights = [
        _weight(strides, sizes) + (number in {s for s, _ in stores}) for number, (_, strides) in enumerate(operands)
    ]
    first = _ordered([i for i in range(parallel) if sizes[i] != 1], operands, weights)
    last = _ordered([i for i in range(parallel, len(sizes)) if sizes[i] != 1], operands, weights)
    merged = [_merged(part, sizes, operands, counted) for part in (first, last)]
    groups = merged[0] + merged[1]
    if not groups:
        groups, merged = [[]], [[[]], []] if parallel or not last else [[], [[]]]
    final = [_size(group, sizes) for group in groups]
    walks = [
        Operand(place.buffer, place.offset, tuple(strides[g[-1]] if g else 0 for g in groups))
        for place, strides in operands
    ]
    lines = tuple(_line(line, groups, sizes) for line in body)
    count = len(merged[0])
    return Nest(
        tuple(final), count, _lanes(final, count, walks, weights), lines, tuple(walks), tuple(Store(*s) for s in stores)
    )


def _line(line: Any, groups: list[list[int]], sizes: Sequence[int]) -> Any:
    if line[0] != "iota":
        return line
    if sizes[line[1]] == 1:
        return ("const", 0, "u4")
    return ("iota", next(number for number, group in enumerate(groups) if line[1] in group))


def _weight(strides: tuple[int, ...], sizes: Sequence[int]) -> float:
    """How much of the traffic an operand is."""
    found = 1.0
    for n, s in zip(sizes, strides, strict=True):
        found *= n if s else 1
    return found


def _ordered(loops: list[int], operands: list[Walk], weights: list[float]) -> list[int]:
    """From the loop with the longest steps to the one with the shortest, as the heaviest operands see it."""
    ranked = sorted(range(len(operands)), key=lambda i: -weights[i])

    def steps(loop: int) -> tuple[int, ...]:
        return tuple(-abs(operands[i][1][loop]) for i in ranked)

    return sorted(loops, key=steps)


def _merged(
    loops: list[int], sizes: Sequence[int], operands: list[Walk], counted: set[int] | frozenset[int]
) -> list[list[int]]:
    runs: list[list[int]] = []
    strides = [[strides[i] for i in loops] for _, strides in operands]
    for group in coalesced([sizes[i] for i in loops], strides):
        part: list[int] = []
        for loop in (loops[i] for i in group):
            if part and (loop in counted or part[-1] in counted):
                runs.append(part)
                part = []
            part.append(loop)
        runs.append(part)
    return runs


def _size(group: list[int], sizes: Sequence[int]) -> int:
    total = 1
    for loop in group:
        total *= sizes[loop]
    return total


def _lanes(sizes: list[int], parallel: int, operands: list[Operand], weights: list[float]) -> int:
    """The loop along which most of the traffic lies side by side; the longer one where that is equal."""

    def worth(loop: int) -> tuple[float, float]:
        share = 0.0
        for operand, weight in zip(operands, weights, strict=True):
            s = operand.strides[loop]
            share += weight if s == 1 else 0.0 if s == 0 else -2 * weight
        return share * min(1.0, sizes[loop] / 8), sizes[loop]

    return max(range(len(sizes)), key=worth)
