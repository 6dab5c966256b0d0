"""What an op runs on, below the tensors: one device for all arrays, and the words of a refusal."""

from __future__ import annotations

from typing import Any, NoReturn

import numpy as np

from engine import array as arrays_
from engine.errors import ArgumentError, DeviceError, EngineError
from engine.ops.op import Op, words


def one_device(op: type[Op], arrays: list[Any]) -> tuple[Any, list[Any]]:
    """The array library of all arrays; a number in a 0-d tensor follows the others to their device."""
    real = [a for a in arrays if hasattr(a, "dtype")]
    if all(isinstance(a, np.ndarray) for a in real):
        return np, arrays
    devices = {arrays_.device_of(a) for a in real if a.ndim} or {arrays_.device_of(real[0])}
    if len(devices) > 1:
        got = " and ".join(sorted(map(str, devices)))
        raise DeviceError(op.name, "all tensors on the same device", got, "Move them with .to(device).")
    target = devices.pop()
    moved = [arrays_.to_device(a, target) if hasattr(a, "dtype") else a for a in arrays]
    return arrays_.module_of(next(a for a in moved if hasattr(a, "dtype"))), moved


def explain(op: type[Op], arrays: list[Any], attrs: dict[str, Any], refusal: Exception) -> NoReturn:
    """Say in the engine's words why an op refused: the shape rule knows, else NumPy's own words are the fact."""
    if isinstance(refusal, EngineError):
        raise refusal
    op.infer(*arrays, **attrs)
    shapes = " and ".join(
        f"{words(a.shape)} {arrays_.OF_NUMPY.get(a.dtype, a.dtype)}" for a in arrays if hasattr(a, "dtype")
    )
    raise ArgumentError(op.name, "inputs that fit together", shapes, str(refusal)) from refusal
