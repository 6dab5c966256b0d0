"""PyTorch's path to the classes of `nn`: the same objects."""

import sys

from engine.nn.hooks import (
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
    register_module_full_backward_pre_hook,
)
from engine.nn.modules import module

__all__ = [
    "module",
    "register_module_forward_hook",
    "register_module_forward_pre_hook",
    "register_module_full_backward_hook",
    "register_module_full_backward_pre_hook",
]


def __getattr__(name: str) -> object:
    nn = sys.modules["engine.nn"]  # which imports this package
    if name in getattr(nn, "__all__", ()):
        found: object = getattr(nn, name)
        return found
    raise AttributeError(f"module 'engine.nn.modules' has no attribute {name!r}")
