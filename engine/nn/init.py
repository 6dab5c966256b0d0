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
from engine.nn.parameter import is_abstract as _is_abstract
from engine.nn.parameter import overwrite as _overwrite
from engine.rng import Generator, default_generator
from engine.tensor import Tensor

_chosen: ContextVar[Generator | None] = ContextVar("generator of first values", default=None)

LINEAR = ("linear", *(f"conv{kind}{n}d" for kind in ("", "_transpose") for n in (1, 2, 3)), "sigmoid")
GAINS = {**dict.fromkeys(LINEAR, 1.0), "tanh": 5 / 3, "selu": 3 / 4}


def generator() -> Generator:
    """Where first values come from at this moment.

    >>> nn.init.generator().initial_seed()
    0
    """
    return _chosen.get() or default_generator


@contextmanager
def drawn_from(source: Generator) -> Iterator[Generator]:
    """Within this context, layers that are built draw their first values from `source`.

    >>> with nn.init.drawn_from(engine.Generator(3)):
    ...     layer = nn.Linear(2, 2)
    """
    token = _chosen.set(source)
    try:
        yield source
    finally:
        _chosen.reset(token)


class BadSetting(ArgumentError, ShapeError):
    """A tensor or a setting that a filling cannot use."""


def uniform_(tensor: Tensor, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with numbers spread evenly over [a, b).

    >>> nn.init.uniform_(engine.empty(3), 2, 3).floor()
    tensor([2., 2., 2.])
    """
    return _fill(tensor, lambda shape: _source(generator).uniform(shape, a, b))


def normal_(tensor: Tensor, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Fill with normally distributed numbers.

    >>> nn.init.normal_(engine.empty(2), 5.0, 0.0)
    tensor([5., 5.])
    """
    return _fill(tensor, lambda shape: _source(generator).normal(shape, mean, std))


def trunc_normal_(
    tensor: Tensor,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> Tensor:
    """Fill with normal numbers, drawing anew those outside of [a, b].

    >>> bool(nn.init.trunc_normal_(engine.empty(100)).abs().max() <= 2)
    True
    """

    def draw(shape: tuple[int, ...]) -> Any:
        source, values = _source(generator), np.full(shape, np.inf)
        while (outside := (values < a) | (values > b)).any():
            values[outside] = source.normal((int(outside.sum()),), mean, std)
        return values

    if not a < b or a > mean + 9 * std or b < mean - 9 * std:
        raise ArgumentError("trunc_normal_", "an interval near the mean", f"[{a}, {b}] for mean {mean}, std {std}")
    return _fill(tensor, draw)


def constant_(tensor: Tensor, val: float) -> Tensor:
    """Fill with one number.

    >>> nn.init.constant_(engine.empty(2), 0.3)
    tensor([0.3000, 0.3000])
    """
    return _fill(tensor, lambda shape: np.full(shape, val))


def zeros_(tensor: Tensor) -> Tensor:
    """Fill with 0.

    >>> nn.init.zeros_(engine.empty(2))
    tensor([0., 0.])
    """
    return constant_(tensor, 0.0)


def ones_(tensor: Tensor) -> Tensor:
    """Fill with 1.

    >>> nn.init.ones_(engine.empty(2))
    tensor([1., 1.])
    """
    return constant_(tensor, 1.0)


def eye_(tensor: Tensor) -> Tensor:
    """Fill a matrix with 1 on the diagonal and 0 elsewhere.

    >>> nn.init.eye_(engine.empty(2, 2))
    tensor([[1., 0.],
            [0., 1.]])
    """
    if len(tensor.shape) != 2:
        raise BadSetting("eye_", "two axes", len(tensor.shape))
    return _fill(tensor, lambda shape: np.eye(*shape))


def xavier_uniform_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Uniform with the variance that keeps signals alike in both directions (Glorot and Bengio, 2010).

    >>> bool(nn.init.xavier_uniform_(engine.empty(3, 3)).abs().max() <= 1)
    True
    """
    fan_in, fan_out = fans(tensor)
    bound = gain * math.sqrt(6 / (fan_in + fan_out))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """Normal with the variance that keeps signals alike in both directions (Glorot and Bengio, 2010).

    >>> nn.init.xavier_normal_(engine.empty(3, 5)).shape
    engine.Size([3, 5])
    """
    fan_in, fan_out = fans(tensor)
    return normal_(tensor, 0.0, gain * math.sqrt(2 / (fan_in + fan_out)), generator)


def kaiming_uniform_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Uniform with the variance that suits rectifiers (He et al., 2015); `a` is the slope of the negative side.

    >>> bool(nn.init.kaiming_uniform_(engine.empty(3, 6), nonlinearity="relu").abs().max() <= 1)
    True
    """
    bound = math.sqrt(3.0) * calculate_gain(nonlinearity, a) / math.sqrt(_fan(tensor, mode))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: Tensor,
    a: float = 0.0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> Tensor:
    """Normal with the variance that suits rectifiers (He et al., 2015).

    >>> nn.init.kaiming_normal_(engine.empty(3, 5), nonlinearity="relu").shape
    engine.Size([3, 5])
    """
    return normal_(tensor, 0.0, calculate_gain(nonlinearity, a) / math.sqrt(_fan(tensor, mode)), generator)


def orthogonal_(tensor: Tensor, gain: float = 1.0, generator: Generator | None = None) -> Tensor:
    """A random orthogonal matrix; axes after the first count as one (Saxe et al., 2013).

    >>> q = nn.init.orthogonal_(engine.empty(3, 3))
    >>> (q @ q.T - engine.eye(3)).abs().max().item() < 1e-5
    True
    """

    def draw(shape: tuple[int, ...]) -> Any:
        rows, columns = shape[0], math.prod(shape[1:])
        q, r = np.linalg.qr(_source(generator).normal((max(rows, columns), min(rows, columns))))
        q = q * np.sign(np.diag(r))
        return gain * (q if rows >= columns else q.T).reshape(shape)

    if len(tensor.shape) < 2:
        raise BadSetting("orthogonal_", "two axes or more", len(tensor.shape))
    return _fill(tensor, draw)


def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """Fill the filters of a convolution so that it hands its input on, channel by channel.

    >>> nn.init.dirac_(engine.empty(1, 1, 3))
    tensor([[[0., 1., 0.]]])
    """

    def draw(shape: tuple[int, ...]) -> Any:
        values, each = np.zeros(shape), shape[0] // groups
        middle = tuple(n // 2 for n in shape[2:])
        for group in range(groups):
            for channel in range(min(each, shape[1])):
                values[(group * each + channel, channel, *middle)] = 1
        return values

    if len(tensor.shape) not in (3, 4, 5):
        raise BadSetting("dirac_", "3, 4 or 5 axes", len(tensor.shape))
    if tensor.shape[0] % groups:
        raise BadSetting("dirac_", f"groups that divide {tensor.shape[0]}", groups)
    return _fill(tensor, draw)


def sparse_(tensor: Tensor, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> Tensor:
    """Fill a matrix with normal numbers, and a share `sparsity` of each column with 0 (Martens, 2010).

    >>> (nn.init.sparse_(engine.empty(4, 2), 0.5) == 0).sum(0)
    tensor([2, 2])
    """

    def draw(shape: tuple[int, ...]) -> Any:
        source = _source(generator)
        values = source.normal(shape, 0.0, std)
        for column in range(shape[1]):
            values[source.permutation(shape[0])[: math.ceil(sparsity * shape[0])], column] = 0
        return values

    if len(tensor.shape) != 2:
        raise BadSetting("sparse_", "2 axes", len(tensor.shape))
    return _fill(tensor, draw)


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which an activation shrinks the spread of its input.

    >>> nn.init.calculate_gain("relu")
    1.4142135623730951
    """
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity not in GAINS:
        known = ", ".join([*GAINS, "relu", "leaky_relu"])
        raise ArgumentError("calculate_gain", f"one of {known}", nonlinearity, field="nonlinearity")
    return GAINS[nonlinearity]


def fans(tensor: Tensor) -> tuple[int, int]:
    """How many numbers go into one output, and how many outputs one input reaches. Raises: ShapeError.

    >>> nn.init.fans(engine.empty(4, 3, 5, 5))
    (75, 100)
    """
    shape = tuple(tensor.shape)
    if len(shape) < 2:
        raise BadSetting("init", "a weight with two axes or more", f"{len(shape)} axes", "A bias has no fan.")
    window = math.prod(shape[2:])
    return shape[1] * window, shape[0] * window


def _fan(tensor: Tensor, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ArgumentError("init", 'mode "fan_in" or "fan_out"', mode, field="mode")
    return fans(tensor)[mode == "fan_out"]


def _source(given: Generator | None) -> Generator:
    return generator() if given is None else given


def _fill(tensor: Tensor, draw: Any) -> Tensor:
    if not _is_abstract(tensor):
        _overwrite(tensor, draw(tuple(tensor.shape)))
    return tensor


# Names that PyTorch keeps for old programs.
uniform, normal, constant, eye, dirac, sparse, orthogonal = (
    uniform_,
    normal_,
    constant_,
    eye_,
    dirac_,
    sparse_,
    orthogonal_,
)
xavier_uniform, xavier_normal, kaiming_uniform, kaiming_normal = (
    xavier_uniform_,
    xavier_normal_,
    kaiming_uniform_,
    kaiming_normal_,
)
