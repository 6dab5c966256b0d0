"""Linear algebra by PyTorch's names: `engine.linalg.norm` is the composition `linalg_norm`."""

from __future__ import annotations

from typing import Any

from engine.errors import LinAlgError as LinAlgError
from engine.methods import CALLS


def __getattr__(name: str) -> Any:
    try:
        return CALLS["linalg_" + name]
    except KeyError:
        raise AttributeError(f"engine.linalg has no function {name!r}") from None


def __dir__() -> list[str]:
    return sorted([*(name.removeprefix("linalg_") for name in CALLS if name.startswith("linalg_")), "LinAlgError"])
