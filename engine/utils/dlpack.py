"""PyTorch's `torch.utils.dlpack`."""

from typing import Any

from engine.members import from_dlpack as from_dlpack
from engine.tensor import Tensor


def to_dlpack(tensor: Tensor) -> Any:
    """A DLPack capsule that shares the tensor's memory.

    >>> type(engine.utils.dlpack.to_dlpack(engine.ones(1))).__name__
    'PyCapsule'
    """
    return getattr(tensor, "__dlpack__")()  # noqa: B009
