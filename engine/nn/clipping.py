"""Gradients made shorter, which PyTorch has under `nn.utils`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from engine.array import module_of
from engine.errors import ArgumentError
from engine.tensor import Tensor, wrap


def clip_grad_norm_(
    parameters: Tensor | Iterable[Tensor], max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False
) -> Tensor:
    """Scale all gradients down together so that their norm is at most `max_norm`; the norm before is handed back."""
    slopes = _slopes(parameters)
    norm = _norm(slopes, float(norm_type))
    if error_if_nonfinite and not math.isfinite(norm):
        raise ArgumentError("clip_grad_norm_", "finite gradients", norm, "Lower the learning rate.")
    scale = min(1.0, max_norm / (norm + 1e-6)) if not math.isnan(norm) else norm
    for tensor in slopes:
        tensor.array[...] *= scale
        tensor.changed()
    xp = module_of(slopes[0].array) if slopes else None
    return Tensor(norm) if xp is None else wrap(xp.asarray(norm, slopes[0].array.dtype))


def clip_grad_value_(parameters: Tensor | Iterable[Tensor], clip_value: float) -> None:
    """Hold every number of every gradient between -clip_value and clip_value."""
    for tensor in _slopes(parameters):
        tensor.array.clip(-clip_value, clip_value, out=tensor.array)
        tensor.changed()


def _slopes(parameters: Tensor | Iterable[Tensor]) -> list[Tensor]:
    """The gradients that are there, each with memory of its own that can be written."""
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    for parameter in given:
        if parameter.grad is not None and not parameter.grad.array.flags.writeable:
            parameter.grad = wrap(parameter.grad.array.copy())
    return [parameter.grad for parameter in given if parameter.grad is not None]


def _norm(slopes: list[Tensor], kind: float) -> float:
    sizes: list[Any] = [module_of(t.array).abs(t.array).astype("f8") for t in slopes]
    if math.isinf(kind):
        return max((float(s.max(initial=0.0)) for s in sizes), default=0.0)
    return float(sum(float((s**kind).sum()) for s in sizes) ** (1 / kind))
