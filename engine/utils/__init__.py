"""PyTorch's `torch.utils`: the same modules under PyTorch's paths."""

import importlib
from types import ModuleType

from engine import data as data
from engine.utils import dlpack as dlpack


def __getattr__(name: str) -> ModuleType:
    """A module that bears another name here, e.g. `engine.utils.checkpoint`."""
    try:
        return importlib.import_module(f"{__name__}.{name}")
    except ModuleNotFoundError as missing:
        raise AttributeError(str(missing)) from None
