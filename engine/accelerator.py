"""PyTorch's `torch.accelerator`: CUDA where it is there, else none."""

from __future__ import annotations

from typing import Any

from engine.array import Device, cuda, cuda_count
from engine.array import synchronize as _synchronize


def is_available() -> bool:
    """Whether there is an accelerator.

    >>> engine.accelerator.is_available() == engine.cuda.is_available()
    True
    """
    return cuda_count() > 0


def device_count() -> int:
    """The number of accelerators.

    >>> engine.accelerator.device_count() == engine.cuda.device_count()
    True
    """
    return cuda_count()


def current_accelerator(check_available: bool = False) -> Device | None:
    """The device to move tensors to; None where there is none.

    >>> device = engine.accelerator.current_accelerator()
    """
    return Device("cuda") if cuda_count() else None


def current_device_index() -> int:
    """The number of the accelerator in use.

    >>> engine.accelerator.current_device_index() if engine.accelerator.is_available() else 0
    0
    """
    return int(cuda("current_device_index").cuda.Device().id)


def set_device_index(device: Any) -> None:
    """Choose the accelerator in use.

    >>> if engine.accelerator.is_available(): engine.accelerator.set_device_index(0)
    """
    cuda("set_device_index").cuda.Device(Device(device).index or 0).use()


def synchronize(device: Any = None) -> None:
    """Wait until the accelerator has done what it was told.

    >>> engine.accelerator.synchronize()
    """
    _synchronize()
