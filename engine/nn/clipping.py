"""Gradients made shorter, which PyTorch has under `nn.utils`."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from engine.array import module_of
from engine.errors import ArgumentError
from engine.graph import tell
from engine.tensor import Tensor, wrap

Tensors = Tensor | Iterable[Tensor]


class NotFinite(ArgumentError, RuntimeError):
    """Gradients that are infinite or not a number."""


def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients down together so that their norm is at most `max_norm`; the norm before is handed back.

    >>> weight = nn.Parameter(engine.tensor([3.0, 4.0]))
    >>> (weight * weight).sum().backward()
    >>> nn.utils.clip_grad_norm_(weight, 1.0), weight.grad
    (tensor(10.), tensor([0.6000, 0.8000]))
    """
    slopes = _slopes(parameters)
    norm = get_total_norm(slopes, norm_type, error_if_nonfinite)
    _scale(slopes, max_norm, norm)
    return norm


def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Scale all gradients down together, whose norm is known.

    >>> weight = nn.Parameter(engine.tensor([3.0, 4.0]))
    >>> (weight * weight).sum().backward()
    >>> nn.utils.clip_grads_with_norm_(weight, 1.0, nn.utils.get_total_norm([weight.grad]))
    >>> weight.grad
    tensor([0.6000, 0.8000])
    """
    _scale(_slopes(parameters), max_norm, total_norm)


def get_total_norm(
    tensors: Tensors, norm_type: float = 2.0, error_if_nonfinite: bool = False, foreach: bool | None = None
) -> Tensor:
    """The norm of all numbers of all tensors together.

    >>> nn.utils.get_total_norm([engine.tensor([3.0]), engine.tensor([4.0])])
    tensor(5.)
    """
    given = [tensors] if isinstance(tensors, Tensor) else list(tensors)
    norm = _norm(given, float(norm_type))
    if error_if_nonfinite and not math.isfinite(norm):
        raise NotFinite("clip_grad_norm_", "finite gradients", norm, "Lower the learning rate.")
    xp = module_of(given[0].array) if given else None
    found = Tensor(norm) if xp is None else wrap(xp.asarray(norm, given[0].array.dtype))
    tell("measured", given, float(norm_type), error_if_nonfinite, found)
    return found


def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Hold every number of every gradient between -clip_value and clip_value.

    >>> weight = nn.Parameter(engine.tensor([3.0, -0.25]))
    >>> (weight * weight).sum().backward()
    >>> nn.utils.clip_grad_value_(weight, 1.0)
    >>> weight.grad
    tensor([ 1.0000, -0.5000])
    """
    for tensor in _slopes(parameters):
        tensor.array.clip(-clip_value, clip_value, out=tensor.array)
        tensor.changed()
        tell("clipped", tensor, clip_value)


def _scale(slopes: list[Tensor], max_norm: float, total_norm: Any) -> None:
    norm = float(total_norm.array if isinstance(total_norm, Tensor) else total_norm)
    scale = min(1.0, max_norm / (norm + 1e-6)) if not math.isnan(norm) else norm
    for tensor in slopes:
        tensor.array[...] *= scale
        tensor.changed()
    tell("scaled", slopes, max_norm, total_norm)


def _slopes(parameters: Tensors) -> list[Tensor]:
    """The gradients that are there, each with memory of its own that can be written."""
    given = [parameters] if isinstance(parameters, Tensor) else list(parameters)
    for parameter in given:
        if parameter.grad is not None and not parameter.grad.array.flags.writeable:
            parameter.grad = wrap(parameter.grad.array.copy())
    return [parameter.grad for parameter in given if parameter.grad is not None]


def _norm(slopes: list[Tensor], kind: float) -> float:
    sizes: list[Any] = [module_of(t.array).abs(t.array).astype("f8") for t in slopes]
    if math.isinf(kind):
        ends = [float(s.max() if kind > 0 else s.min()) for s in sizes if s.size]
        return (max if kind > 0 else min)(ends, default=0.0)
    if kind == 0:
        return float(sum(float(float((s != 0).sum()) != 0) for s in sizes))
    return float(sum(float((s**kind).sum()) for s in sizes) ** (1 / kind))
