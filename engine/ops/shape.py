"""The same numbers in another shape: joining, cutting, squeezing, repeating, padding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.errors import ArgumentError, ShapeError
from engine.ops.moving import sizes_of, whole_shape
from engine.ops.op import axes_of, axis_of, function, words


@function
def view(x: Any, *shape: Any) -> Any:
    """The same memory in another shape."""
    if len(shape) == 1 and not isinstance(shape[0], tuple | list | int):
        return x.to(shape[0])
    return x.reshape(*shape)


@function
def view_as(x: Any, other: Any) -> Any:
    """x in the shape of another tensor."""
    return x.reshape(other.shape)


@function
def reshape_as(x: Any, other: Any) -> Any:
    """x in the shape of another tensor."""
    return x.reshape(other.shape)


@function
def expand_as(x: Any, other: Any) -> Any:
    """x repeated to the shape of another tensor."""
    return x.expand(other.shape)


@function
def broadcast_to(x: Any, shape: Any) -> Any:
    """x repeated to a shape, without copying."""
    return x.expand(shape)


@function
def flatten(x: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """The axes from start_dim to end_dim become one."""
    if not x.ndim:
        return x.reshape((1,))
    first, last = axis_of("flatten", start_dim, x.ndim), axis_of("flatten", end_dim, x.ndim)
    if first > last:
        raise ArgumentError("flatten", "start_dim not behind end_dim", f"{start_dim} and {end_dim}")
    middle = math.prod(x.shape[first : last + 1])
    return x.reshape((*x.shape[:first], middle, *x.shape[last + 1 :]))


@function
def unflatten(x: Any, dim: int, sizes: Any) -> Any:
    """One axis becomes several."""
    axis = axis_of("unflatten", dim, x.ndim)
    inner = whole_shape("unflatten", (x.shape[axis],), tuple(sizes))
    return x.reshape((*x.shape[:axis], *inner, *x.shape[axis + 1 :]))


@function
def squeeze(x: Any, dim: Any = None) -> Any:
    """Without the axes of size 1 (all of them, or the named ones)."""
    axes = axes_of("squeeze", dim, x.ndim) if dim is not None else range(x.ndim)
    return x.reshape(tuple(n for i, n in enumerate(x.shape) if n != 1 or i not in axes))


@function
def unsqueeze(x: Any, dim: int) -> Any:
    """With a new axis of size 1."""
    axis = axis_of("unsqueeze", dim, x.ndim + 1)
    return x.reshape((*x.shape[:axis], 1, *x.shape[axis:]))


@function
def transpose(x: Any, dim0: int, dim1: int) -> Any:
    """Two axes exchanged."""
    axes = list(range(x.ndim))
    first, second = axis_of("transpose", dim0, x.ndim), axis_of("transpose", dim1, x.ndim)
    if axes:
        axes[first], axes[second] = axes[second], axes[first]
    return x.permute(tuple(axes))


@function
def swapaxes(x: Any, axis0: int, axis1: int) -> Any:
    """Two axes exchanged."""
    return x.transpose(axis0, axis1)


@function
def movedim(x: Any, source: Any, destination: Any) -> Any:
    """Axes moved to other places; the rest keeps its order."""
    order = np.moveaxis(np.empty(tuple(range(x.ndim))), source, destination).shape
    return x.permute(order)


@function
def t(x: Any) -> Any:
    """The transpose of a matrix."""
    if x.ndim > 2:
        raise ShapeError("t", "a tensor with at most 2 dims", words(x.shape), "Use .mT, or transpose(dim0, dim1).")
    return x.permute((1, 0)) if x.ndim == 2 else x


@function
def cat(tensors: Any, dim: int = 0) -> Any:
    """Tensors joined along an existing axis."""
    parts = [x for x in tensors if x.shape != (0,)] or list(tensors)
    if not parts:
        raise ArgumentError("cat", "at least one tensor", "none")
    return parts[0].cat_with(*parts[1:], dim=axis_of("cat", dim, parts[0].ndim))


@function
def stack(tensors: Any, dim: int = 0) -> Any:
    """Tensors of one shape joined along a new axis."""
    parts = list(tensors)
    odd = next((x.shape for x in parts if x.shape != parts[0].shape), None)
    if odd is not None:
        raise ShapeError("stack", f"tensors of one shape, {words(parts[0].shape)}", words(odd))
    return cat([x.unsqueeze(dim) for x in parts], axis_of("stack", dim, parts[0].ndim + 1))


@function
def narrow(x: Any, dim: int, start: int, length: int) -> Any:
    """`length` positions of an axis, from `start` on (a view)."""
    axis = axis_of("narrow", dim, x.ndim)
    return x[(slice(None),) * axis + (slice(start, start + length),)]


@function
def select(x: Any, dim: int, index: int) -> Any:
    """One position of an axis, which disappears (a view)."""
    return x[(slice(None),) * axis_of("select", dim, x.ndim) + (index,)]


@function
def split(x: Any, split_size: Any, dim: int = 0) -> Any:
    """Pieces of `split_size` (or of the listed sizes) along an axis, as views."""
    total = x.shape[axis_of("split", dim, x.ndim)]
    sizes = list(split_size) if isinstance(split_size, tuple | list) else _equalsizes_of(total, split_size)
    if sum(sizes) != total:
        raise ShapeError("split", f"sizes that sum to {total}", sizes)
    starts = [sum(sizes[:i]) for i in range(len(sizes))]
    return tuple(x.narrow(dim, start, size) for start, size in zip(starts, sizes, strict=True))


def _equalsizes_of(total: int, size: int) -> list[int]:
    if size < 1:
        raise ArgumentError("split", "a size of at least 1", size)
    return [min(size, total - start) for start in range(0, total, size)] or [0]


@function
def chunk(x: Any, chunks: int, dim: int = 0) -> Any:
    """At most `chunks` pieces of equal size along an axis, as views."""
    total = x.shape[axis_of("chunk", dim, x.ndim)]
    return x.split(max(-(-total // chunks), 1), dim)


@function
def unbind(x: Any, dim: int = 0) -> Any:
    """All positions of an axis, one by one."""
    return tuple(x.select(dim, i) for i in range(x.shape[axis_of("unbind", dim, x.ndim)]))


@function
def repeat(x: Any, *sizes: Any) -> Any:
    """The tensor laid out several times along each axis (a copy)."""
    times = sizes_of("repeat", sizes)
    lead = len(times) - x.ndim
    old = (1,) * lead + tuple(x.shape)
    spread = x.reshape(tuple(n for size in old for n in (1, size)))
    spread = spread.expand(tuple(n for many, size in zip(times, old, strict=True) for n in (many, size)))
    return spread.reshape(tuple(many * size for many, size in zip(times, old, strict=True))).clone()


@function
def pad(x: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    """A frame around the last axes: pad = (last before, last after, second last before, ...)."""
    if mode != "constant":
        raise ArgumentError("pad", 'mode "constant"', repr(mode))
    pairs = list(zip(pad[::2], pad[1::2], strict=True))
    if len(pairs) > x.ndim or min(pad, default=0) < 0:
        raise ArgumentError("pad", f"at most {x.ndim} pairs of widths, none below 0", tuple(pad))
    widths = ((0, 0),) * (x.ndim - len(pairs)) + tuple(reversed(pairs))
    return x.pad_constant(widths=widths, value=value or 0.0)
