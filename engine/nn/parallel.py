"""PyTorch's wrappers for several devices, as they are on a machine where one device does the work."""

from __future__ import annotations

from typing import Any

from engine.errors import Unsupported
from engine.nn.module import Module


class DataParallel(Module):
    """Splits batches over CUDA devices; with at most one it hands everything to `module`, as PyTorch's does.

    >>> nn.DataParallel(nn.Linear(2, 3))(engine.ones(4, 2)).shape
    engine.Size([4, 3])
    """

    def __init__(self, module: Module, device_ids: Any = None, output_device: Any = None, dim: int = 0) -> None:
        super().__init__()
        if device_ids is not None and len(device_ids) > 1:
            raise Unsupported("DataParallel", "at most one device", device_ids)
        self.module = module

    def forward(self, *inputs: Any, **named: Any) -> Any:
        """The module's own answer."""
        return self.module(*inputs, **named)


class DistributedDataParallel(Module):
    """Refused: this engine trains in one process.

    >>> nn.parallel.DistributedDataParallel(nn.Linear(2, 3))
    Traceback (most recent call last):
    engine.errors.Unsupported: DistributedDataParallel: expected a module that trains in one process, ...
    """

    def __init__(self, module: Module, *_: Any, **__: Any) -> None:
        super().__init__()
        raise Unsupported("DistributedDataParallel", "a module that trains in one process", "a group of processes")
