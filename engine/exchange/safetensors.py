"""Arrays by name in one block of bytes, the safetensors format: no code runs when a file is read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors import numpy as format_

from engine.errors import DataError

Array = npt.NDArray[Any]


def save(arrays: Mapping[str, Array], metadata: Mapping[str, str] | None = None) -> bytes:
    """The arrays and some text as bytes."""
    whole = {name: np.ascontiguousarray(array).reshape(array.shape) for name, array in arrays.items()}
    return format_.save(whole, dict(metadata) if metadata else None)


def load(content: bytes) -> tuple[dict[str, Array], dict[str, str]]:
    """(arrays, metadata). Raises: DataError when the bytes are no whole safetensors file."""
    try:
        arrays = format_.load(content)
        length = int.from_bytes(content[:8], "little")
        header = json.loads(content[8 : 8 + length])
    except (SafetensorError, ValueError, KeyError, UnicodeDecodeError) as error:
        raise DataError(
            where="safetensors", expected="a whole file", got=str(error)[:80], hint="Save or copy the file again."
        ) from None
    return arrays, header.get("__metadata__", {})
