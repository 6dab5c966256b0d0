"""What a TensorFlow Playground page draws from its seed: the points, and after them the first weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.rng import arc4

BIAS = 0.1
"""Every bias begins here."""


def stream(seed: str) -> Iterator[float]:
    """The page's random numbers: the data takes the first of them, the weights go on where the data stopped."""
    return arc4(seed)


def first_weights(shapes: Mapping[str, tuple[int, ...]], random: Callable[[], float]) -> dict[str, npt.NDArray[Any]]:
    """First values of parameters in order: weights from [-0.5, 0.5), row by row; biases 0.1.

    A parameter called ``...bias`` is a bias; one with a single axis that is no bias (the scale of a normalisation) is
    left out and keeps its own first value.
    """
    found: dict[str, npt.NDArray[Any]] = {}
    for name, shape in shapes.items():
        if len(shape) > 1:
            numbers = [random() - 0.5 for _ in range(math.prod(shape))]
            found[name] = np.array(numbers, np.float32).reshape(shape)
        elif name.endswith(".bias"):
            found[name] = np.full(shape, BIAS, np.float32)
    return found
