"""PyTorch's `torch.onnx`, as far as scripts name it before they ask for an export, which is refused."""

from __future__ import annotations

from typing import Any, NoReturn

from engine.errors import Unsupported


def export(*arguments: Any, **named: Any) -> NoReturn:
    """Refused: networks are saved by their `state_dict()`.

    >>> engine.onnx.export(nn.Linear(1, 1), engine.ones(1, 1), "linear.onnx")
    Traceback (most recent call last):
    engine.errors.Unsupported: onnx.export: ...
    """
    raise Unsupported("onnx.export", "engine.save(model.state_dict(), path)", "an export to ONNX")


def is_in_onnx_export() -> bool:
    """Whether a network is being exported.

    >>> engine.onnx.is_in_onnx_export()
    False
    """
    return False
