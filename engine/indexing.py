"""x[...] and x[...] = v, and the writes that take a whole tensor."""

from __future__ import annotations

from types import EllipsisType
from typing import Any

import numpy as np

from engine.errors import ArgumentError
from engine.inplace import inplace
from engine.ops.elementwise import Filled
from engine.ops.index import Index, IndexPut, Take, is_basic
from engine.tensor import Tensor, apply, as_operand


def key_of(given: Any) -> tuple[Any, ...]:
    """An index as a tuple of numbers, slices, None, ... and arrays."""
    if given.__class__ is int or given.__class__ is slice:
        return (_part(given),)
    return tuple(_part(k) for k in (given if isinstance(given, tuple) else (given,)))


def _part(k: Any) -> Any:
    if k.__class__ is int:
        return k
    if isinstance(k, slice):
        if k.step is not None and k.step <= 0:
            raise ArgumentError("index", "a step greater than zero", k.step, "Use x.flip(dim) to turn an axis around.")
        return slice(*(None if n is None else n.__index__() for n in (k.start, k.stop, k.step)))
    if k is None or isinstance(k, EllipsisType):
        return k
    if isinstance(k, Tensor):
        return _places(k)
    if isinstance(k, bool | np.bool_):
        return np.asarray(k)
    if isinstance(k, int | np.integer):
        return int(k)
    places = np.asarray([x.tolist() if isinstance(x, Tensor) else x for x in k] if isinstance(k, list | tuple) else k)
    return places.astype(np.int64) if not places.size else places


def _places(k: Tensor) -> Any:
    kind = k.array.dtype.kind
    if kind not in "iub":
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    if k.array.dtype == np.uint8:
        return k.array.astype(bool)
    return k.array if kind == "b" or k.array.ndim else int(k)


def getitem(x: Tensor, given: Any) -> Tensor:
    """x[...]: a view for numbers and slices, a copy for arrays of positions or truth values."""
    key = key_of(given)
    return apply(Index if is_basic(key) else Take, (x,), {"key": key})


def setitem(x: Tensor, given: Any, value: Any) -> None:
    """x[...] = value, with history."""
    key = key_of(given)
    value = as_operand(np.asarray(value)) if isinstance(value, list | tuple) else as_operand(value)
    if is_basic(key):
        copy_(apply(Index, (x,), {"key": key}), value)
        return
    inplace(x, lambda old: apply(IndexPut, (old, _fitting(old, value)), {"key": key}))


def _fitting(old: Tensor, value: Any) -> Any:
    return value.to(old.dtype) if isinstance(value, Tensor) else value


def copy_(input: Tensor, src: Any, non_blocking: bool = False) -> Tensor:
    """Write the numbers of another tensor (broadcast, cast) into this one.

    >>> engine.zeros(2).copy_(engine.tensor([1, 2]))
    tensor([1., 2.])
    """
    if not isinstance(src, Tensor):
        return fill_(input, src)
    return inplace(input, lambda old: _dropping_lead(src, old).to(old.dtype).to(old.device).expand(old.shape))


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
