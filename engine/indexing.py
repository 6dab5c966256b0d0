"""x[...] and x[...] = v, and the writes that take a whole tensor."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import Any

import numpy as np

from engine import array as arrays_
from engine.array import Abstract
from engine.errors import ArgumentError, DTypeError, IndexOutOfRange, ShapeError
from engine.inplace import inplace
from engine.ops.elementwise import Filled
from engine.ops.index import EVERY, Index, IndexPut, Take, key_shape
from engine.ops.moving import CopyFrom
from engine.ops.op import words
from engine.tensor import Tensor, apply, as_operand

Parsed = tuple[tuple[Any, ...], tuple[Any, ...] | None]


def parsed(x: Tensor, given: Any) -> Parsed:
    """An index as (key of a view, key of positions and masks into that view or None).

    Whole numbers choose first, as in PyTorch: x[0, :, [1, 2]] is x[0][:, [1, 2]].
    """
    kind = given.__class__
    if kind is int or kind is slice or given is None:
        return (_checked(given),), None
    parts = given if isinstance(given, tuple) else tuple(given) if _is_nested(given) else (given,)
    simple = [_checked(k) for k in parts]
    used = sum(_reach(k) for k in simple)
    if used > x.ndim:
        raise IndexOutOfRange("index", f"at most {x.ndim} indices", f"{used}: too many indices for a tensor")
    if all(k is None or k is Ellipsis or k.__class__ is int or k.__class__ is slice for k in simple):
        return tuple(simple), None
    view, chosen = [], []
    for k in simple:
        shown, taken = _shares(k, x.ndim - used)
        view += shown
        chosen += taken
    while isinstance(chosen[-1], slice):
        chosen.pop()
    return tuple(view), tuple(chosen if x.array.__class__ is np.ndarray else [_beside(x, k) for k in chosen])


def _beside(x: Tensor, k: Any) -> Any:
    """An array of positions on the device of x."""
    return k if isinstance(k, slice | Abstract) else arrays_.to_device(k, x.device)


def _is_nested(given: Any) -> bool:
    """Whether a list stands for a tuple, as PyTorch reads x[[[0, 1], [1, 0]]]."""
    kinds = (list, tuple, slice, Tensor, EllipsisType, type(None), np.ndarray)
    return isinstance(given, list) and len(given) < 32 and any(isinstance(k, kinds) for k in given)


def _shares(k: Any, rest: int) -> tuple[list[Any], list[Any]]:
    """What one part of an index is to the view, and to the choice of positions in it."""
    if k is None:
        return [None], [EVERY]
    if k is Ellipsis:
        return [EVERY] * rest, [EVERY] * rest
    if isinstance(k, int):
        return [k], []
    if isinstance(k, slice):
        return [k], [EVERY]
    if not k.ndim:
        return [None], [np.zeros(int(bool(k)), np.int64)]
    return [EVERY] * _reach(k), [k]


def _reach(k: Any) -> int:
    """How many axes a part of an index speaks of."""
    if k is None or k is Ellipsis:
        return 0
    return 1 if isinstance(k, int | slice) else k.ndim if k.dtype.kind == "b" else 1


def _checked(k: Any) -> Any:
    """One part of an index: a number, slice, None, ..., or an array of positions or truth values."""
    if k.__class__ is int or k is None or isinstance(k, EllipsisType):
        return k
    if isinstance(k, slice):
        if k.step is not None and k.step <= 0:
            raise ArgumentError("index", "a step greater than zero", k.step, "Use x.flip(dim) to turn an axis around.")
        return slice(*(None if n is None else n.__index__() for n in (k.start, k.stop, k.step)))
    if isinstance(k, Tensor):
        return _places(k.array)
    if isinstance(k, bool | np.bool_):
        return np.asarray(k)
    if isinstance(k, int | np.integer):
        return int(k)
    if arrays_.is_array(k):
        return _places(k)
    if isinstance(k, str):
        raise TypeError("a string is no index")
    if not isinstance(k, Sequence):
        raise IndexError(
            f"only integers, slices, ..., None and long or bool tensors are indices, not {type(k).__name__}"
        )
    places = np.asarray([x.tolist() if isinstance(x, Tensor) else x for x in k] if isinstance(k, list | tuple) else k)
    return _places(places if places.size else places.astype(np.int64))


def _places(k: Any) -> Any:
    if k.dtype.kind not in "iub":
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    if k.dtype == np.uint8:
        return k.astype(bool)
    return k if k.dtype.kind == "b" or k.ndim else int(k)


def getitem(x: Tensor, given: Any) -> Tensor:
    """x[...]: a view for numbers and slices, a copy for arrays of positions or truth values."""
    view, chosen = parsed(x, given)
    if chosen is None:
        return apply(Index, (x,), {"key": view})
    return apply(Take, (_shown(x, view),), {"key": chosen})


def _shown(x: Tensor, view: tuple[Any, ...]) -> Tensor:
    """The view that an index chooses positions in: x itself where it takes every axis whole."""
    return x if all(k == EVERY for k in view) else apply(Index, (x,), {"key": view})


def setitem(x: Tensor, given: Any, value: Any) -> None:
    """x[...] = value, with history."""
    view, chosen = parsed(x, given)
    if isinstance(value, list | tuple):
        value = np.asarray(value, x.array.dtype)
    value = as_operand(value)
    if chosen is None:
        copy_(apply(Index, (x,), {"key": view}), value)
        return
    if isinstance(value, Tensor):
        if value.ndim and value.dtype is not x.dtype:
            raise DTypeError("Index put requires the source and destination dtypes match", str(x.dtype), value.dtype)
        value = value.to(x.dtype)
    inplace(_shown(x, view), lambda old: _put(old, chosen, value, False))


def put_at(x: Tensor, given: Any, value: Any, accumulate: bool = False) -> Tensor:
    """A copy of x with x[given] = value, or += value where equal places add up.

    >>> engine.zeros(3).put_at([0, 2], 1.0)
    tensor([1., 0., 1.])
    """
    view, chosen = parsed(x, given)
    if chosen is None or any(k != EVERY for k in view):
        raise ArgumentError("put_at", "an index of positions or masks", given)
    return _put(x, chosen, value, accumulate)


def _put(x: Tensor, key: Any, value: Any, accumulate: bool) -> Tensor:
    place = key_shape("index_put", tuple(x.shape), key)
    if isinstance(value, Tensor):
        while value.ndim > len(place) and value.shape[0] == 1:
            value = value.reshape(value.shape[1:])
        if value.ndim > len(place) or any(
            n not in (1, m) for n, m in zip(value.shape[::-1], place[::-1], strict=False)
        ):
            raise ShapeError(
                "index_put: shape mismatch", f"values that broadcast to {words(place)}", words(value.shape)
            )
    return apply(IndexPut, (x, value), {"key": key, "accumulate": accumulate})


setattr(Tensor, "put_at", put_at)  # noqa: B010


def copy_(input: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Write the numbers of another tensor (broadcast, cast) into this one.

    >>> engine.zeros(2).copy_(engine.tensor([1, 2]))
    tensor([1., 2.])
    """
    if not isinstance(src, Tensor):
        return fill_(input, src)
    return inplace(input, lambda old: apply(CopyFrom, (old, _dropping_lead(src, old).to(old.device)), {}))


def _dropping_lead(source: Tensor, old: Tensor) -> Tensor:
    while source.ndim > old.ndim and source.shape[0] == 1:
        source = source.reshape(source.shape[1:])
    return source


def fill_(input: Tensor, value: Any) -> Tensor:
    """Write one number everywhere.

    >>> engine.zeros(2).fill_(3)
    tensor([3., 3.])
    """
    if isinstance(value, Tensor):
        return copy_(input, value)
    return inplace(input, lambda old: apply(Filled, (old,), {"value": value}))
