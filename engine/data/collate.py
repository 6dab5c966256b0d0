"""Examples to batches: what a DataLoader does with what a dataset gives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from engine.errors import ShapeError
from engine.ops.joining import stack
from engine.tensor import Tensor, wrap


def default_collate(batch: Any) -> Any:
    """A list of examples as one batch: tensors and numbers are stacked, tuples and dicts are gone into.

    >>> engine.data.default_collate([(1, engine.zeros(2)), (2, engine.ones(2))])
    [tensor([1, 2]), tensor([[0., 0.], [1., 1.]])]
    """
    first = batch[0]
    if isinstance(first, Tensor):
        return stack(list(batch))
    if isinstance(first, np.ndarray | np.generic | bool | int | float):
        return wrap(_as_array(batch))
    if isinstance(first, str | bytes):
        return batch
    if isinstance(first, Mapping):
        return _same_kind(first, {key: default_collate([item[key] for item in batch]) for key in first})
    if isinstance(first, Sequence):
        return _columns(first, batch)
    raise TypeError(
        "default_collate: batch must contain tensors, numpy arrays, numbers, dicts or lists; "
        f"found {type(first)}. Give a collate_fn."
    )


def default_convert(data: Any) -> Any:
    """One example outside of a batch: NumPy arrays become tensors, everything else stays.

    >>> engine.data.default_convert({"x": np.zeros(2), "name": "a"})
    {'x': tensor([0., 0.], dtype=engine.float64), 'name': 'a'}
    """
    if isinstance(data, np.ndarray | np.generic) and data.dtype.kind in "biuf":
        return wrap(np.asarray(data))
    if isinstance(data, Mapping):
        return _same_kind(data, {key: default_convert(value) for key, value in data.items()})
    if isinstance(data, tuple) and hasattr(data, "_fields"):
        return type(data)(*map(default_convert, data))
    if isinstance(data, tuple | list):
        return list(map(default_convert, data))
    return data


def _columns(first: Any, batch: Any) -> Any:
    if len({len(item) for item in batch}) > 1:
        sizes = [len(item) for item in batch]
        raise ShapeError("default_collate", "each element in list of batch should be of equal size", sizes)
    columns = [default_collate(column) for column in zip(*batch, strict=True)]
    return type(first)(*columns) if hasattr(first, "_fields") else columns


def _same_kind(first: Any, values: dict[Any, Any]) -> Any:
    """A mapping of the kind of `first`, where it can be made; else a dict."""
    try:
        return type(first)(values) if type(first) is not dict else values
    except TypeError:
        return values


def _as_array(batch: Any) -> Any:
    """Numbers as PyTorch stacks them: whole numbers int64, others float64, arrays as they are."""
    try:
        array = np.stack([np.asarray(item) for item in batch])
    except ValueError as refusal:
        raise ShapeError("default_collate", "arrays of one shape", [np.shape(i) for i in batch]) from refusal
    if array.dtype.kind not in "biuf":
        raise TypeError(f"default_collate: cannot make a batch of {type(batch[0]).__name__}; give a collate_fn")
    return array
