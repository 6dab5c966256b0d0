"""`engine.special`: rare functions of one or two numbers under PyTorch's names, derived from the registry."""

from __future__ import annotations

from typing import Any

from engine import functions


def __getattr__(name: str) -> Any:
    return getattr(functions, f"special_{name}")


def __dir__() -> list[str]:
    return [name.removeprefix("special_") for name in dir(functions) if name.startswith("special_")]
