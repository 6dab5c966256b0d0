"""All parameters as one vector, and back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine import functions
from engine.tensor import Tensor


def parameters_to_vector(parameters: Iterable[Tensor]) -> Any:
    """All numbers of all parameters in one row, with history.

    >>> nn.utils.parameters_to_vector([engine.ones(2), engine.zeros(1, 1)])
    tensor([1., 1., 0.])
    """
    return functions.cat([p.reshape((-1,)) for p in parameters], 0)


def vector_to_parameters(vec: Tensor, parameters: Iterable[Tensor]) -> None:
    """Give the parameters the numbers of one row.

    >>> layer = nn.Linear(1, 1)
    >>> nn.utils.vector_to_parameters(engine.tensor([2.0, 3.0]), layer.parameters())
    >>> layer.bias.item()
    3.0
    """
    if not isinstance(vec, Tensor):
        raise TypeError(f"expected a tensor, but got: {type(vec).__name__}")
    start = 0
    for parameter in parameters:
        count = parameter.array.size
        parameter.data = vec[start : start + count].reshape(parameter.shape).data
        start += count
