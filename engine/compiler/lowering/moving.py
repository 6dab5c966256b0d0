"""Ops that put numbers elsewhere: the ones whose array code writes into zeros, and resampling."""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.compiler.graph.ir import Shape
from engine.compiler.lowering.library import Library
from engine.compiler.lowering.rules import rule
from engine.compiler.lowering.symbolic import Array, NoRule, cut

PIECES = 16
"""Up to this number of runs, a resampling is made of slices laid side by side."""


@rule("index_backward")
def index_backward(xp: Library, g: Array, *, key: Any, shape: Shape) -> Any:
    """Zeros with g at the places of a key: a frame with gaps."""
    start, size, step, _ = cut(tuple(shape), _basic(key))
    g = xp.flipped(g.reshape(size), tuple(i for i, d in enumerate(step) if d < 0))
    first = [a + (s - 1) * d if d < 0 else a for a, s, d in zip(start, size, step, strict=True)]
    if not g.size:
        return xp.array(np.zeros(shape, g.dtype))
    behind = [n - a - (s - 1) * abs(d) - 1 for n, a, s, d in zip(shape, first, size, step, strict=True)]
    return xp.framed(g, first, behind, [abs(d) - 1 for d in step])


def _basic(key: Any) -> Any:
    if not all(k is None or k is Ellipsis or type(k) in (int, slice) for k in key):
        raise NoRule("a choice by arrays")
    return key


@rule("write_at")
def write_at(xp: Library, x: Array, v: Any, *, key: Any, accumulate: bool = False) -> Any:
    """x with a block replaced, laid side by side with what stays."""
    start, size, step, seen = cut(x.shape, _basic(key))
    if set(step) - {1} or accumulate:
        raise NoRule("not a block")
    return _replaced(xp, x, _like(xp, v, x, seen).reshape(size), start, 0)


def _like(xp: Library, v: Any, x: Array, shape: Shape) -> Any:
    """What is written into x: repeated to a shape, in the element type of x."""
    return xp.expanded(v.astype(x.dtype, copy=False) if isinstance(v, Array) else np.asarray(v, x.dtype), shape)


def _replaced(xp: Library, x: Array, block: Array, start: Shape, axis: int) -> Any:
    if axis == x.ndim or x.shape == block.shape:
        return block
    a, n, at = start[axis], block.shape[axis], (slice(None),) * axis
    inner = _replaced(xp, x[(*at, slice(a, a + n))], block, start, axis + 1)
    parts = [x[(*at, slice(0, a))], inner, x[(*at, slice(a + n, None))]]
    return xp.joined([p for p in parts if p.shape[axis]], axis)


@rule("put_view")
def put_view(xp: Library, x: Array, v: Any, *, path: Any) -> Any:
    """x with the part that a chain of views shows replaced: view by view, and back."""
    if not path:
        return _like(xp, v, x, x.shape)
    (op, attrs), *rest = path
    new = put_view(xp, op.forward(xp, x, **attrs), v, path=rest)
    if op.name == "index":
        return write_at(xp, x, new, key=attrs["key"])
    if op.name in ("reshape", "unsqueeze"):
        return new.reshape(x.shape)
    if op.name == "transpose":
        return new.swapaxes(attrs["dim0"], attrs["dim1"])
    if op.name == "permute":
        return new.transpose(np.argsort(attrs["dims"]).tolist())
    raise NoRule("a write through such a view")


# ---------------------------------------------------------------------------------------------------- diagonals
def _corner(shape: Shape, offset: int, dim1: int, dim2: int) -> tuple[int, int, int]:
    """Where a diagonal begins in the flattened matrix, how many places it has, how far they are apart."""
    rows, columns = shape[dim1], shape[dim2]
    many = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
    if not many:
        raise NoRule("an empty diagonal")
    return (offset if offset >= 0 else -offset * columns), many, columns + 1


@rule("diagonal")
def diagonal(xp: Library, x: Array, *, offset: int, dim1: int, dim2: int) -> Any:
    """Every (columns + 1)-th number of the flattened matrix."""
    start, many, apart = _corner(x.shape, offset, dim1, dim2)
    order = [i for i in range(x.ndim) if i not in (dim1, dim2)]
    flat = x.transpose((*order, dim1, dim2)).reshape((*(x.shape[i] for i in order), -1))
    return flat[..., start : start + (many - 1) * apart + 1 : apart]


@rule("diagonal_backward")
def diagonal_backward(xp: Library, g: Array, *, shape: Shape, offset: int, dim1: int, dim2: int) -> Any:
    """Numbers laid apart in a flattened matrix of zeros."""
    start, many, apart = _corner(shape, offset, dim1, dim2)
    order = [i for i in range(len(shape)) if i not in (dim1, dim2)]
    behind = shape[dim1] * shape[dim2] - start - (many - 1) * apart - 1
    none = (0,) * (g.ndim - 1)
    flat = xp.framed(g, (*none, start), (*none, behind), (*none, apart - 1))
    whole = flat.reshape((*(shape[i] for i in order), shape[dim1], shape[dim2]))
    places = (*order, dim1, dim2)
    return whole.transpose([places.index(i) for i in range(len(shape))])


# --------------------------------------------------------------------------------------------------- resampling
@rule("resample")
def resample(xp: Library, x: Array, *, dim: int, plan: Any) -> Any:
    """Repetition, slices side by side, or the product with the plan's matrix."""
    if x.dtype.kind != "f" or not x.size or not len(plan):
        raise NoRule("whole numbers")
    axis = x.ndim + dim
    places, weights = plan.places, plan.weights
    if weights.shape[1] == 1 and (weights == 1).all():
        return _taken(xp, x, axis, places[:, 0], plan)
    times = _blocks(places, weights, x.shape[axis])
    if times:
        return x.reshape((*x.shape[:axis], len(plan), times, *x.shape[axis + 1 :])).reduced("sum", axis + 1)
    return _mixed(xp, x, axis, plan)


def _taken(xp: Library, x: Array, axis: int, places: Any, plan: Any) -> Any:
    times, rest = divmod(len(places), x.shape[axis])
    if not rest and (places == np.arange(len(places)) // max(times, 1)).all():
        apart = x.reshape((*x.shape[: axis + 1], 1, *x.shape[axis + 1 :]))
        wide = xp.expanded(apart, (*x.shape[: axis + 1], times, *x.shape[axis + 1 :]))
        return wide.reshape((*x.shape[:axis], len(places), *x.shape[axis + 1 :]))
    found, at = runs(places), (slice(None),) * axis
    if len(found) > PIECES:
        return _mixed(xp, x, axis, plan)
    parts = []
    for first, step, many in found:
        end = first + step * many
        part = (
            x[(*at, slice(first, end if end >= 0 else None, step or 1))] if step else x[(*at, slice(first, first + 1))]
        )
        parts.append(xp.expanded(part, (*x.shape[:axis], many, *x.shape[axis + 1 :])))
    return xp.joined(parts, axis)


def runs(places: Any) -> list[tuple[int, int, int]]:
    """Whole numbers as runs (first, step, how many)."""
    found: list[tuple[int, int, int]] = []
    i = 0
    while i < len(places):
        step = int(places[i + 1] - places[i]) if i + 1 < len(places) else 1
        j = i + 1
        while j < len(places) and places[j] - places[j - 1] == step:
            j += 1
        found.append((int(places[i]), step, j - i))
        i = j
    return found


def _blocks(places: Any, weights: Any, size: int) -> int:
    """How many neighbours every place sums, where it is that simple; else 0."""
    many, width = places.shape
    simple = many * width == size and (weights == 1).all() and (places == np.arange(size).reshape(many, width)).all()
    return width if simple else 0


def _mixed(xp: Library, x: Array, axis: int, plan: Any) -> Any:
    matrix = np.zeros((len(plan), x.shape[axis]))
    for k in range(plan.places.shape[1]):
        np.add.at(matrix, (np.arange(len(plan)), plan.places[:, k]), plan.weights[:, k])
    lead, behind = "abcdefgh"[:axis], "pqrstuvw"[: x.ndim - axis - 1]
    return xp.contract(x, matrix.astype(x.dtype), f"{lead}y{behind},zy->{lead}z{behind}")
