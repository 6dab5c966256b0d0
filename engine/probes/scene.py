"""What probes look at: a network, its data, and the newest numbers of a run; and forwards shared between pictures."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from engine.data.plane import Plane
from engine.data.source import Arrays, Source, Split
from engine.errors import ArgumentError, DataError
from engine.probes.answer import Answer

Array = npt.NDArray[Any]
Outputs = dict[str, Array]
REACH = 6.0
"""The plane's maps show [-6, 6] in both directions."""


class Watchable(Protocol):
    """The little that probes ask of a network; arrays lie in the computer's own memory."""

    def outputs_of(self, x: Array) -> dict[str, Array]:
        """Outputs of the input and of every node for a batch, by id; no gradients, evaluation mode."""
        ...

    def parameter(self, name: str) -> Array:
        """A parameter by its name. Raises: ArgumentError when there is none."""
        ...

    def gradient(self, name: str) -> Array | None:
        """Its newest gradient; None before the first batch."""
        ...


@dataclass
class Evaluation:
    """The newest confusion counts of one part of the data."""

    counts: Array
    examples: int
    version: int


@dataclass
class Scene:
    """Everything that pictures are made of."""

    network: Watchable
    output: str
    answer: Answer
    source: Source
    split: Split
    losses: Callable[[Array, Array], float]
    """Mean loss of outputs against labels."""
    progress: tuple[float, ...] = ()
    evaluations: dict[str, Evaluation] = field(default_factory=dict)
    revision: int = 0
    """Grows whenever a weight, a gradient or the data changes: equal revisions give equal pictures."""
    data_version: int = 0
    grids: dict[int, Array] = field(default_factory=dict)
    kept: dict[tuple[Any, ...], tuple[int, Outputs]] = field(default_factory=dict)

    def part(self, name: str) -> Arrays:
        """Train, validation or test examples. Raises: DataError when there are none."""
        part: Arrays = getattr(self.split, name)
        if not len(part):
            raise DataError(where=name, expected="at least one example", got="none", field="data.params.validation")
        return part

    def plane(self) -> Plane:
        """The data set, where it lies on a plane. Raises: ArgumentError otherwise."""
        if not isinstance(self.source, Plane):
            raise ArgumentError(where="picture", expected="a run on points of a plane", got=self.source.kind)
        return self.source

    def row(self, split: str, example: int) -> tuple[Array, Array]:
        """One example as a batch of one: (x, label)."""
        part = self.part(split)
        if example >= len(part):
            raise ArgumentError(
                where="example", expected=f"a number below {len(part)}, the size of the {split} set", got=str(example)
            )
        return part.x[example : example + 1], part.y[example : example + 1]

    def keep(self, key: tuple[Any, ...], make: Callable[[], Outputs]) -> Outputs:
        """`make()`, or what it gave before when nothing changed since: how pictures share a forward."""
        known = self.kept.get(key)
        if known is None or known[0] != self.revision:
            if known is None and len(self.kept) >= 16:
                self.kept.clear()
            known = self.kept[key] = (self.revision, make())
        return known[1]

    def grid(self, size: int) -> Outputs:
        """Outputs of every node over the plane, (size * size, units); row 0 of the picture is the top."""
        return self.keep(("grid", size), lambda: self.network.outputs_of(self.grid_inputs(size)))

    def grid_inputs(self, size: int) -> Array:
        """Features of the points of a grid, kept as long as the data set is the same."""
        if size not in self.grids:
            self.grids[size] = self.plane().featurise(grid_points(size))
        return self.grids[size]

    def outputs(self, key: tuple[Any, ...], x: Array) -> dict[str, Array]:
        """Outputs of every node for `x`, which `key` names."""
        return self.keep(key, lambda: self.network.outputs_of(x))


def grid_points(size: int) -> Array:
    """Centres of size x size cells over the plane, (size * size, 2), top row first."""
    middle = (np.arange(size) + 0.5) / size * (2 * REACH) - REACH
    return np.stack([np.tile(middle, size), np.repeat(-middle, size)], axis=1)


def quantised(values: Array, low: float, high: float) -> Array:
    """Values as bytes: 0 is `low`, 255 is `high`; what is no number becomes the middle."""
    scaled = (values - low) * (255 / (high - low)) + 0.5
    if not math.isfinite(scaled.sum()):
        scaled = np.nan_to_num(scaled, nan=128, posinf=255, neginf=0)
    return np.clip(scaled, 0, 255, out=scaled).astype(np.uint8)


def reach_of(values: Array, least: float = 0.0) -> float:
    """Largest magnitude among the finite values, at least `least` (and never 0)."""
    most = max(float(values.max(initial=0)), -float(values.min(initial=0)))
    if not math.isfinite(most):
        finite = values[np.isfinite(values)]
        most = max(float(finite.max(initial=0)), -float(finite.min(initial=0)))
    return max(most, least) or 1.0
