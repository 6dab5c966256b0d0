"""Arrays inside JSON."""

from __future__ import annotations

import base64
import binascii
import math
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.errors import ArgumentError
from engine.spec.run import ArraySpec

Array = npt.NDArray[Any]


def to_array(name: str, spec: ArraySpec) -> Array:
    """The numbers of an array in JSON, float32. Raises: ArgumentError when bytes and shape do not agree."""
    dtype = np.dtype(spec.dtype).newbyteorder("<")
    try:
        content = base64.b64decode(spec.data, validate=True)
    except (binascii.Error, ValueError):
        content = b""
    wanted = math.prod(spec.shape) * dtype.itemsize
    if len(content) != wanted:
        raise ArgumentError(
            where=name, expected=f"{wanted} bytes in base64 for the shape {spec.shape}", got=f"{len(content)} bytes"
        )
    return np.frombuffer(content, dtype).reshape(spec.shape).astype(np.float32)


def to_spec(array: Array) -> ArraySpec:
    """An array as JSON has it, float32."""
    little = np.ascontiguousarray(array, "<f4")
    return ArraySpec(shape=list(array.shape), data=base64.b64encode(little.tobytes()).decode())
