"""PyTorch's `torch.autograd.forward_ad`, by its names."""

from __future__ import annotations

from engine.errors import GraphError
from engine.forward import UnpackedDualTensor as UnpackedDualTensor
from engine.forward import dual_level as dual_level
from engine.forward import levels
from engine.forward import make_dual as make_dual
from engine.forward import unpack_dual as unpack_dual

__all__ = ["UnpackedDualTensor", "dual_level", "enter_dual_level", "exit_dual_level", "make_dual", "unpack_dual"]


def enter_dual_level() -> int:
    """Open a level by hand; its number is 0, because there is only one.

    >>> engine.autograd.forward_ad.enter_dual_level(); engine.autograd.forward_ad.exit_dual_level()
    0
    """
    dual_level().__enter__()
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """Close the level that was opened by hand.

    >>> _ = engine.autograd.forward_ad.enter_dual_level(); engine.autograd.forward_ad.exit_dual_level()
    """
    if not levels():
        raise GraphError("exit_dual_level", "an open dual level", "none")
    levels()[-1].__exit__()
