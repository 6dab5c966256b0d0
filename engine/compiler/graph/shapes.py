"""Which shapes say the same of the same memory: axes merged, split, followed from one to the other."""

from __future__ import annotations

import math
from typing import Any

from engine.compiler.graph.values import Shape


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


def same_axis(old: Any, new: Any, axis: int) -> int | None:
    """The axis of a reshape's input that an axis of its output is, unmerged and unsplit."""
    before = math.prod(new[:axis])
    for i, n in enumerate(old):
        if n == new[axis] and math.prod(old[:i]) == before and n != 1:
            return i
    return None
