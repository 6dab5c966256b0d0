"""First values of parameters, with PyTorch's names and defaults.

Numbers come from the `generator` argument, else from the one named by `drawn_from`, else from the global one: so the
weights of a run depend on its own seed alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from engine.errors import ArgumentError, ShapeError
from engine.nn.parameter import is_abstract, overwrite
from engine.rng import Generator, default_generator
from engine.tensor import Tensor

_chosen: ContextVar[Generator | None] = ContextVar("generator of first values", default=None)

GAINS = {"linear": 1.0, "conv1d": 1.0, "conv2d": 1.0, "conv3d": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "selu": 3 / 4}


def generator() -> Generator:
    """Where first values come from at this moment."""
    return _chosen.get() or default_generator


@contextmanager
def drawn_from(source: Generator) -> Iterator[Generator]:
    """Within this context, layers that are built draw their first values from `source`."""
    token = _chosen.set(source)
    try:
        yield source
    finally:
        _chosen.reset(token)


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with numbers spread evenly over [a, b)."""
    return _fill(tensor, lambda shape: _source(generator).uniform(shape, a, b))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with normally distributed numbers."""
    return _fill(tensor, lambda shape: _source(generator).normal(shape, mean, std))


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with normal numbers, drawing anew those outside of [a, b]."""

    def draw(shape: tuple[int, ...]) -> Any:
        source, values = _source(generator), np.full(shape, np.inf)
        while (outside := (values < a) | (values > b)).any():
            values[outside] = source.normal((int(outside.sum()),), mean, std)
        return values

    if not a < b or a > mean + 9 * std or b < mean - 9 * std:
        raise ArgumentError("trunc_normal_", "an interval near the mean", f"[{a}, {b}] for mean {mean}, std {std}")
    return _fill(tensor, draw)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one number."""
    return _fill(tensor, lambda shape: np.full(shape, val))


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0."""
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1."""
    return constant_(tensor, 1.0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with 1 on the diagonal and 0 elsewhere."""
    if len(tensor.shape) != 2:
        raise ShapeError("eye_", "two axes", len(tensor.shape))
    return _fill(tensor, lambda shape: np.eye(*shape))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform with the variance that keeps signals alike in both directions (Glorot and Bengio, 2010)."""
    fan_in, fan_out = fans(tensor)
    bound = gain * math.sqrt(6 / (fan_in + fan_out))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with the variance that keeps signals alike in both directions (Glorot and Bengio, 2010)."""
    fan_in, fan_out = fans(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2 / (fan_in + fan_out)), generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Uniform with the variance that suits rectifiers (He et al., 2015); `a` is the slope of the negative side."""
    bound = math.sqrt(3.0) * calculate_gain(nonlinearity, a) / math.sqrt(_fan(tensor, mode))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Normal with the variance that suits rectifiers (He et al., 2015)."""
    return normal_(tensor, 0.0, calculate_gain(nonlinearity, a) / math.sqrt(_fan(tensor, mode)), generator)


def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """A random orthogonal matrix; axes after the first count as one (Saxe et al., 2013)."""

    def draw(shape: tuple[int, ...]) -> Any:
        rows, columns = shape[0], math.prod(shape[1:])
        q, r = np.linalg.qr(_source(generator).normal((max(rows, columns), min(rows, columns))))
        q = q * np.sign(np.diag(r))
        return gain * (q if rows >= columns else q.T).reshape(shape)

    if len(tensor.shape) < 2:
        raise ShapeError("orthogonal_", "two axes or more", len(tensor.shape))
    return _fill(tensor, draw)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which an activation shrinks the spread of its input."""
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in GAINS:
        known = ", ".join([*GAINS, "relu", "leaky_relu"])
        raise ArgumentError("calculate_gain", f"one of {known}", nonlinearity, field="nonlinearity")
    return GAINS[nonlinearity]


def fans(tensor: Tensor) -> tuple[int, int]:
    """How many numbers go into one output, and how many outputs one input reaches. Raises: ShapeError."""
    shape = tuple(tensor.shape)
    if len(shape) < 2:
        raise ShapeError("init", "a weight with two axes or more", f"{len(shape)} axes", "A bias has no fan.")
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


def _fan(tensor: Tensor, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError("init", 'mode "fan_in" or "fan_out"', mode, field="mode")
    return fans(tensor)[mode == "fan_out"]


def _source(given: Generator | None) -> Generator:
    return generator() if given is None else given


def _fill(tensor: Tensor, draw: Any) -> Tensor:
    if not is_abstract(tensor):
        overwrite(tensor, draw(tuple(tensor.shape)))
    return tensor
