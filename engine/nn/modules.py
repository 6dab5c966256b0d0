"""PyTorch's `torch.nn.modules`: everything in `engine.nn`; the modules below it are `engine.imports`'s affair."""

from typing import Any

from engine import nn

__path__: list[str] = []


def __getattr__(name: str) -> Any:
    """What `engine.nn` has under that name."""
    return getattr(nn, name)
