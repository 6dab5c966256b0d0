"""The same numbers in another shape: new axes, other orders of the axes, repetition."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.array import as_shape
from engine.errors import ArgumentError, DTypeError, ShapeError
from engine.ops.moving import sizes_of, whole_shape
from engine.ops.op import axes_of, axis_of, broadcast, function, words


@function
def view_as(input: Any, other: Any) -> Any:
    """The same memory in the shape of another tensor.

    >>> engine.arange(4).view_as(engine.zeros(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return input.view(other.shape)


@function
def reshape_as(input: Any, other: Any) -> Any:
    """The same numbers in the shape of another tensor.

    >>> engine.arange(4).reshape_as(engine.zeros(2, 2))
    tensor([[0, 1],
            [2, 3]])
    """
    return input.reshape(other.shape)


@function
def expand_as(input: Any, other: Any) -> Any:
    """Repeated to the shape of another tensor, without copying.

    >>> engine.tensor([1, 2]).expand_as(engine.zeros(2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return input.expand(other.shape)


@function
def broadcast_to(input: Any, size: Any) -> Any:
    """Repeated to a shape, without copying.

    >>> engine.broadcast_to(engine.tensor([1, 2]), (2, 2))
    tensor([[1, 2],
            [1, 2]])
    """
    return input.expand(size)


@function
def broadcast_shapes(*tensors: Any) -> Any:
    """The shape that tensors of these shapes take together.

    >>> tuple(engine.broadcast_shapes((3, 1), (4,)))
    (3, 4)
    """
    from_ints = tuple((n,) if isinstance(n, int) else tuple(n) for n in tensors)
    if any(n < 0 for shape in from_ints for n in shape):
        raise ShapeError("broadcast_shapes", "sizes of at least 0", from_ints)
    return broadcast("broadcast_shapes", *(np.broadcast_to(np.uint8(0), shape) for shape in from_ints))


@function
def broadcast_tensors(*tensors: Any) -> Any:
    """The tensors repeated to their common shape, without copying.

    >>> engine.broadcast_tensors(engine.tensor([1, 2]), engine.tensor(3))[1]
    tensor([3, 3])
    """
    parts = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], tuple | list) else tensors
    common = broadcast("broadcast_tensors", *parts)
    return tuple(x.expand(common) for x in parts)


@function
def sum_to_size(input: Any, *size: Any) -> Any:
    """Summed over the axes along which a tensor of this size would be repeated.

    >>> engine.ones(2, 3).sum_to_size(1, 3)
    tensor([[2., 2., 2.]])
    """
    shape = sizes_of("sum_to_size", size)
    if not shape:
        return input.sum()
    lead = input.ndim - len(shape)
    if lead < 0 or any(n not in (1, m) for n, m in zip(shape, input.shape[lead:], strict=True)):
        raise ShapeError("sum_to_size", f"a size that broadcasts to {words(input.shape)}", words(shape))
    axes = (*range(lead), *(i + lead for i, n in enumerate(shape) if n == 1 and input.shape[i + lead] != 1))
    return (input.sum(axes, True) if axes else input).reshape(shape)


@function
def flatten(input: Any, start_dim: int = 0, end_dim: int = -1) -> Any:
    """The axes from start_dim to end_dim become one.

    >>> engine.zeros(2, 3, 4).flatten(1).shape
    engine.Size([2, 12])
    """
    if not input.ndim:
        axis_of("flatten", start_dim, 0), axis_of("flatten", end_dim, 0)
        return input.reshape((1,))
    first, last = axis_of("flatten", start_dim, input.ndim), axis_of("flatten", end_dim, input.ndim)
    if first > last:
        raise ShapeError("flatten() has invalid args: start_dim cannot come after end_dim", got=(start_dim, end_dim))
    middle = math.prod(input.shape[first : last + 1])
    return input.reshape((*input.shape[:first], middle, *input.shape[last + 1 :])) if first < last else input


@function
def ravel(input: Any) -> Any:
    """All elements in one row.

    >>> engine.ones(2, 2).ravel()
    tensor([1., 1., 1., 1.])
    """
    return input.reshape((-1,))


@function
def unflatten(input: Any, dim: int, sizes: Any) -> Any:
    """One axis becomes several; one size may be -1.

    >>> engine.zeros(12, 2).unflatten(0, (3, -1)).shape
    engine.Size([3, 4, 2])
    """
    axis = axis_of("unflatten", dim, input.ndim)
    given = as_shape("unflatten", sizes)
    if not given:
        raise ShapeError("unflatten", "at least one size", "none")
    inner = whole_shape("unflatten", (input.shape[axis],), given)
    return input.reshape((*input.shape[:axis], *inner, *input.shape[axis + 1 :]))


@function
def squeeze(input: Any, dim: Any = None) -> Any:
    """Without the axes of size 1 (all of them, or the named ones).

    >>> engine.zeros(1, 3, 1).squeeze().shape, engine.zeros(1, 3, 1).squeeze(0).shape
    (engine.Size([3]), engine.Size([3, 1]))
    """
    given = range(input.ndim) if dim is None else () if dim == () or dim == [] else axes_of("squeeze", dim, input.ndim)
    return input.reshape(tuple(n for i, n in enumerate(input.shape) if n != 1 or i not in given))


@function
def movedim(input: Any, source: Any, destination: Any) -> Any:
    """Axes moved to other places; the rest keeps its order (a view).

    >>> engine.zeros(2, 3, 4).movedim(0, -1).shape
    engine.Size([3, 4, 2])
    """
    old, new = (d if isinstance(d, tuple | list) else (d,) for d in (source, destination))
    if len(old) != len(new):
        raise ShapeError("movedim", "as many destinations as sources", f"{list(old)} and {list(new)}")
    old, new = axes_of("movedim", old, input.ndim) if old else (), axes_of("movedim", new, input.ndim) if new else ()
    order = [d for d in range(input.ndim) if d not in old]
    for place, d in sorted(zip(new, old, strict=True)):
        order.insert(place, d)
    return input.permute(tuple(order))


@function
def t(input: Any) -> Any:
    """The transpose of a matrix (a view).

    >>> engine.tensor([[1, 2], [3, 4]]).t()
    tensor([[1, 3],
            [2, 4]])
    """
    rank = input.ndim
    if rank > 2:
        hint = "Use .mT, or transpose(dim0, dim1)."
        raise ShapeError("t", "a tensor with at most 2 dims", words(input.shape), hint)
    return input.transpose(0, 1) if rank == 2 else input


@function
def adjoint(input: Any) -> Any:
    """The last two axes exchanged (for real numbers the same as `.mT`).

    >>> engine.zeros(2, 3, 4).adjoint().shape
    engine.Size([2, 4, 3])
    """
    if input.ndim < 2:
        raise ShapeError("adjoint", "a matrix or a batch of matrices", words(input.shape))
    return input.transpose(-2, -1)


@function
def fliplr(input: Any) -> Any:
    """The columns in reverse order.

    >>> engine.fliplr(engine.tensor([[1, 2]]))
    tensor([[2, 1]])
    """
    if input.ndim < 2:
        raise ShapeError("fliplr", "a tensor with at least 2 dims", words(input.shape))
    return input.flip(1)


@function
def flipud(input: Any) -> Any:
    """The rows in reverse order.

    >>> engine.flipud(engine.tensor([1, 2]))
    tensor([2, 1])
    """
    if input.ndim < 1:
        raise ShapeError("flipud", "a tensor with at least 1 dim", words(input.shape))
    return input.flip(0)


@function
def rot90(input: Any, k: int = 1, dims: Any = (0, 1)) -> Any:
    """Turned by k times 90 degrees in the plane of two axes, from the first towards the second.

    >>> engine.rot90(engine.tensor([[1, 2], [3, 4]]))
    tensor([[2, 4],
            [1, 3]])
    """
    if len(dims) != 2 or input.ndim < 2:
        raise ShapeError("rot90", "two dims of a tensor that has them", f"{tuple(dims)} of {words(input.shape)}")
    first, second = (axis_of("rot90", d, input.ndim) for d in dims)
    if first == second:
        raise ShapeError("rot90", "two different dims", tuple(dims))
    if k % 2:
        return input.flip(second if k % 4 == 1 else first).transpose(first, second)
    return input.flip((first, second)) if k % 4 else input.clone()


@function
def repeat(input: Any, *repeats: Any) -> Any:
    """The tensor laid out several times along each axis (a copy).

    >>> engine.tensor([1, 2]).repeat(2, 2)
    tensor([[1, 2, 1, 2],
            [1, 2, 1, 2]])
    """
    times = sizes_of("repeat", repeats)
    lead = len(times) - input.ndim
    if lead < 0 or min(times, default=0) < 0:
        raise ShapeError("repeat", f"at least {input.ndim} numbers, none below 0", times)
    old = (1,) * lead + tuple(input.shape)
    spread = input.reshape(tuple(n for size in old for n in (1, size)))
    spread = spread.expand(tuple(n for many, size in zip(times, old, strict=True) for n in (many, size)))
    return spread.clone().reshape(tuple(many * size for many, size in zip(times, old, strict=True)))


@function
def tile(input: Any, *dims: Any) -> Any:
    """Like `repeat`, but missing numbers in front count as 1.

    >>> engine.tensor([[1, 2]]).tile(2)
    tensor([[1, 2, 1, 2]])
    """
    times = sizes_of("tile", dims)
    return input.repeat((1,) * (input.ndim - len(times)) + times)


@function
def repeat_interleave(input: Any, repeats: Any = None, dim: Any = None, *, output_size: Any = None) -> Any:
    """Every element (or every position of an axis) several times in a row.

    >>> engine.tensor([1, 2]).repeat_interleave(2), engine.tensor([1, 2]).repeat_interleave(engine.tensor([0, 3]))
    (tensor([1, 1, 2, 2]), tensor([2, 2, 2]))
    """
    if repeats is None:
        return input.repeated_places(size=output_size)
    x, dim = (input.reshape((-1,)), 0) if dim is None else (input, dim)
    axis = axis_of("repeat_interleave", dim, x.ndim)
    many = x.shape[axis] if x.ndim else 1
    if isinstance(repeats, int):
        if repeats < 0:
            raise ShapeError("repeat_interleave", "repeats of at least 0", repeats)
        spread = x.unsqueeze(axis + 1).expand((*x.shape[: axis + 1], repeats, *x.shape[axis + 1 :]))
        return spread.clone().reshape((*x.shape[:axis], many * repeats, *x.shape[axis + 1 :]))
    if repeats.ndim > 1 or repeats.numel() not in (1, many):
        raise ShapeError("repeat_interleave", f"one number, or one for each of {many} positions", words(repeats.shape))
    return x.index_select(axis, repeats.reshape((-1,)).expand((many,)).repeated_places(size=output_size))


def at_least(rank: int, where: str, x: Any) -> Any:
    if not hasattr(x, "ndim"):
        raise TypeError(f"{where}: expected a tensor, got {type(x).__name__}")
    if x.ndim >= rank:
        return x
    return x.reshape({1: (1,), 2: (1, -1), 3: (1, -1, 1)}[rank]) if x.ndim < 2 else x.unsqueeze(-1)


def _install_at_least(rank: int) -> None:
    def atleast(*tensors: Any) -> Any:
        parts = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], tuple | list) else tensors
        grown = tuple(at_least(rank, atleast.__name__, x) for x in parts)
        return grown if len(tensors) != 1 or isinstance(tensors[0], tuple | list) else grown[0]

    atleast.__name__ = f"atleast_{rank}d"
    atleast.__doc__ = f"""With at least {rank} axes: new ones have size 1.

    >>> engine.{atleast.__name__}(engine.tensor(7))
    tensor({"[" * rank}7{"]" * rank})
    """
    function(atleast)


for _rank in (1, 2, 3):
    _install_at_least(_rank)


@function
def unravel_index(indices: Any, shape: Any) -> Any:
    """The coordinates, in a tensor of a shape, of positions in its flattened form.

    >>> engine.unravel_index(engine.tensor([1, 5]), (2, 3))
    (tensor([0, 1]), tensor([1, 2]))
    """
    sizes = as_shape("unravel_index", shape)
    if indices.dtype.name == "bool" or indices.dtype.is_floating_point:
        raise DTypeError("unravel_index", "whole numbers as positions", indices.dtype)
    if any(n < 0 for n in sizes):
        raise ArgumentError("unravel_index", "sizes of at least 0", sizes)
    steps = [math.prod(sizes[i + 1 :]) for i in range(len(sizes))]
    indices = indices.to("int64")
    return tuple(indices.floor_divide(step) % n for step, n in zip(steps, sizes, strict=True))
