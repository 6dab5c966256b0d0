"""Arrays of random numbers, told to whoever records what a program does: a step that draws can be done again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.array import Abstract, Shape
from engine.graph import tell
from engine.rng import Generator


@dataclass(frozen=True)
class Sample:
    """Random numbers that somebody asks for; equal ones are of one kind, their numbers differ.

    draw: called with the generator, the shape, the element type and the settings; gives an array of any type.
    """

    generator: Generator
    draw: Callable[..., Any]
    shape: Shape
    dtype: Any
    settings: tuple[Any, ...]

    def array(self) -> Any:
        """The next numbers of the generator."""
        return np.asarray(self.draw(self.generator, self.shape, self.dtype, *self.settings), self.dtype)


def sampled(
    generator: Generator, draw: Callable[..., Any], shape: Shape, dtype: Any, *settings: Any, meta: bool = False
) -> Any:
    """The numbers of a sample. meta: only their shape and element type are asked for; nothing is drawn then.

    >>> sampled(engine.Generator(0), lambda source, shape, _: source.uniform(shape), (2,), np.dtype("f4")).shape
    (2,)
    """
    sample = Sample(generator, draw, shape, dtype, settings)
    unseen = tell("sampling", sample) or meta
    array = Abstract(shape, dtype) if unseen else sample.array()
    tell("sampled", sample, array)
    return array
