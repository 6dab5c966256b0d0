"""Two-dimensional sets: points on a plane, drawn by short formulas.

The first six are those of TensorFlow Playground. Every formula is written once, on arrays of random numbers;
`Vectorised` fills those arrays from a generator in one go, `InOrder` from a stream of single numbers in the order in
which TensorFlow Playground asks for them, so that its links show the same points.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ClassVar, Literal, Protocol

import numpy as np

from engine.data.source import Array, Arrays, Card, DataShape, Source, Split, dataset, split_rows
from engine.errors import ArgumentError
from engine.nn.settings import Between
from engine.rng import Generator

Feature = Literal["x", "y", "x_squared", "y_squared", "x_times_y", "sin_x", "sin_y"]
Samples = Annotated[int, Between(10, 100_000, common=(50, 2000))]
Noise = Annotated[float, Between(0, 100, common=(0, 50))]
TrainShare = Annotated[float, Between(1, 99, common=(10, 90))]
ValidationShare = Annotated[float, Between(0, 90, common=(0, 40))]

COORDINATES: list[Feature] = ["x", "y"]
FEATURES: dict[str, Callable[[Array, Array], Array]] = {
    "x": lambda x, y: x,
    "y": lambda x, y: y,
    "x_squared": lambda x, y: x * x,
    "y_squared": lambda x, y: y * y,
    "x_times_y": lambda x, y: x * y,
    "sin_x": lambda x, y: np.sin(x),
    "sin_y": lambda x, y: np.sin(y),
}


class Draws(Protocol):
    """Where a formula gets its random numbers from."""

    def uniform(self, rows: int, columns: int) -> Array:
        """Numbers in [0, 1), (rows, columns)."""
        ...

    def normal(self, rows: int, columns: int) -> Array:
        """Standard normal numbers, (rows, columns)."""
        ...

    def order(self, rows: int) -> Array:
        """A random permutation of 0 ... rows - 1."""
        ...


class Vectorised:
    """Draws whole arrays from a generator."""

    def __init__(self, generator: Generator) -> None:
        self.generator = generator

    def uniform(self, rows: int, columns: int) -> Array:
        """Numbers in [0, 1), (rows, columns)."""
        return np.asarray(self.generator.uniform((rows, columns), 0.0, 1.0), np.float64)

    def normal(self, rows: int, columns: int) -> Array:
        """Standard normal numbers, (rows, columns)."""
        return np.asarray(self.generator.normal((rows, columns)), np.float64)

    def order(self, rows: int) -> Array:
        """A random permutation of 0 ... rows - 1."""
        return np.asarray(self.generator.permutation(rows))


class InOrder:
    """Draws number by number, row after row, from `random()` in [0, 1), as TensorFlow Playground does."""

    def __init__(self, random: Callable[[], float]) -> None:
        self.random = random

    def uniform(self, rows: int, columns: int) -> Array:
        """Numbers in [0, 1), (rows, columns)."""
        return np.array([self.random() for _ in range(rows * columns)], np.float64).reshape(rows, columns)

    def normal(self, rows: int, columns: int) -> Array:
        """Standard normal numbers by the polar method, keeping the first of each pair."""
        return np.array([self._polar() for _ in range(rows * columns)], np.float64).reshape(rows, columns)

    def order(self, rows: int) -> Array:
        """Fisher-Yates from the end."""
        order = list(range(rows))
        for last in range(rows - 1, -1, -1):
            chosen = int(self.random() * (last + 1))
            order[last], order[chosen] = order[chosen], order[last]
        return np.array(order, np.int64)

    def _polar(self) -> float:
        while True:
            u, v = 2 * self.random() - 1, 2 * self.random() - 1
            square = u * u + v * v
            if square <= 1:
                return float(np.sqrt(-2 * np.log(square) / square) * u)


class Plane(Source):
    """Base of the two-dimensional sets; a subclass gives the formula `draw`."""

    card: ClassVar[Card]

    def __init__(
        self,
        samples: Samples = 500,
        noise: Noise = 0.0,
        train: TrainShare = 50.0,
        validation: ValidationShare = 0.0,
        features: list[Feature] = COORDINATES,
    ) -> None:
        self.samples, self.noise, self.train, self.validation = samples, noise, train, validation
        self.features: list[Feature] = list(features)
        if not self.features or len(set(self.features)) < len(self.features):
            raise ArgumentError(
                where=type(self).__name__,
                expected="at least one input feature, each once",
                got=", ".join(self.features) or "none",
                hint="Switch on x or y, for instance.",
                field="features",
            )

    @abstractmethod
    def draw(self, draws: Draws) -> tuple[Array, Array]:
        """Points (n, 2) float64 and labels (n,): class indices or values, in the formula's order."""

    def shape(self, data_dir: Path | None = None) -> DataShape:
        """One number for each feature."""
        return DataShape((len(self.features),), len(self.classes()) or 1, self.card.task)

    def load(self, data_dir: Path | None = None, seed: int = 0) -> Split:
        """Draw the points from the seed alone, shuffle and split them."""
        return self.split(Vectorised(Generator(seed)))

    def split(self, draws: Draws) -> Split:
        """Draw, then shuffle, then split: the order in which one stream is used up."""
        points, labels = self.draw(draws)
        order = draws.order(len(points))
        arrays = Arrays(self.featurise(points), self._encoded(labels), points.astype(np.float32))
        return split_rows(arrays[order], self.train, self.validation)

    def featurise(self, points: Array) -> Array:
        """Points (n, 2) as the network's input, float32 (n, features)."""
        x, y = points[:, 0], points[:, 1]
        return np.stack([FEATURES[name](x, y) for name in self.features], axis=1).astype(np.float32)

    @classmethod
    def thumbnail(cls, seed: int = 0) -> tuple[Array, Array]:
        """200 points without noise: points float32 (200, 2) and labels (200,), the same for the same seed."""
        source = cls(samples=200, noise=0.0)
        points, labels = source.draw(Vectorised(Generator(seed)))
        return points.astype(np.float32), source._encoded(labels)

    def _encoded(self, labels: Array) -> Array:
        return labels.astype(np.int64 if self.card.task == "classification" else np.float32)


def _card(title: str, classes: list[str]) -> Card:
    task: Literal["classification", "regression"] = "classification" if classes else "regression"
    return Card(title, task, classes, True, "plane", "free", "drawn by a formula")


def _around(u: Array, radius: float) -> Array:
    """[0, 1) to [-radius, radius)."""
    return u * (2 * radius) - radius


def _halves(samples: int) -> tuple[int, int]:
    """An odd count gives the first class one point more."""
    return samples - samples // 2, samples // 2


TWO_CLASSES = ["-1", "+1"]


@dataset("circle")
class Circle(Plane):
    """A disc of one class inside a ring of the other."""

    card = _card("Circle", TWO_CLASSES)

    def draw(self, draws: Draws) -> tuple[Array, Array]:
        """The jitter counts for the label only: a point keeps its place and may get the wrong colour."""
        inner, outer = _halves(self.samples)
        u = draws.uniform(self.samples, 4)
        low = np.repeat([0.0, 3.5], [inner, outer])
        high = np.repeat([2.5, 5.0], [inner, outer])
        radius, angle = u[:, 0] * (high - low) + low, u[:, 1] * (2 * np.pi)
        points = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
        jittered = points + _around(u[:, 2:], 5.0) * (self.noise / 100)
        return points, np.hypot(jittered[:, 0], jittered[:, 1]) < 2.5


@dataset("xor")
class Xor(Plane):
    """Four squares, opposite ones of the same class."""

    card = _card("Exclusive or", TWO_CLASSES)

    def draw(self, draws: Draws) -> tuple[Array, Array]:
        """Points are pushed 0.3 away from the axes; the jitter counts for the label only."""
        u = _around(draws.uniform(self.samples, 4), 5.0)
        points = u[:, :2] + np.where(u[:, :2] > 0, 0.3, -0.3)
        jittered = points + u[:, 2:] * (self.noise / 100)
        return points, jittered[:, 0] * jittered[:, 1] >= 0


@dataset("gauss")
class Gauss(Plane):
    """Two round clouds."""

    card = _card("Two clouds", TWO_CLASSES)

    def draw(self, draws: Draws) -> tuple[Array, Array]:
        """Noise widens the clouds: the variance grows from 0.5 at 0 % to 4 at 50 %."""
        first, second = _halves(self.samples)
        variance = 0.5 + 7.0 * (self.noise / 100)
        labels = np.repeat([1, 0], [first, second])
        centre = np.where(labels == 1, 2.0, -2.0)[:, None]
        return centre + np.sqrt(variance) * draws.normal(self.samples, 2), labels


@dataset("spiral")
class Spiral(Plane):
    """Two arms wound around each other."""

    card = _card("Spiral", TWO_CLASSES)

    def draw(self, draws: Draws) -> tuple[Array, Array]:
        """Noise moves the point itself."""
        first, second = _halves(self.samples)
        along = np.concatenate([np.arange(first) / first, np.arange(second) / second])
        labels = np.repeat([1, 0], [first, second])
        turn = 1.75 * along * 2 * np.pi + np.where(labels == 1, 0.0, np.pi)
        arm = (5 * along)[:, None] * np.stack([np.sin(turn), np.cos(turn)], axis=1)
        return arm + _around(draws.uniform(self.samples, 2), 1.0) * (self.noise / 100), labels


@dataset("reg-plane")
class RegressionPlane(Plane):
    """A slope: the value grows along the diagonal."""

    card = _card("Slope", [])

    def __init__(
        self,
        samples: Samples = 1200,
        noise: Noise = 0.0,
        train: TrainShare = 50.0,
        validation: ValidationShare = 0.0,
        features: list[Feature] = COORDINATES,
    ) -> None:
        super().__init__(samples, noise, train, validation, features)

    def draw(self, draws: Draws) -> tuple[Array, Array]:
        """x + y, mapped from [-10, 10] to [-1, 1]; the jitter counts for the value only."""
        u = _around(draws.uniform(self.samples, 4), 6.0)
        jittered = u[:, :2] + u[:, 2:] * (self.noise / 100)
        return u[:, :2], jittered.sum(axis=1) / 10


@dataset("reg-gauss")
class RegressionGauss(Plane):
    """Six bumps, up and down in turn."""

    card = _card("Six bumps", [])
    BUMPS: ClassVar[Array] = np.array(
        [[-4, 2.5, 1], [0, 2.5, -1], [4, 2.5, 1], [-4, -2.5, -1], [0, -2.5, 1], [4, -2.5, -1]], np.float64
    )

    def __init__(
        self,
        samples: Samples = 1200,
        noise: Noise = 0.0,
        train: TrainShare = 50.0,
        validation: ValidationShare = 0.0,
        features: list[Feature] = COORDINATES,
    ) -> None:
        super().__init__(samples, noise, train, validation, features)

    def draw(self, draws: Draws) -> tuple[Array, Array]:
        """Each bump falls from 1 at its centre to 0 at distance 2; the highest or deepest one counts."""
        u = _around(draws.uniform(self.samples, 4), 6.0)
        jittered = u[:, :2] + u[:, 2:] * (self.noise / 100)
        away = jittered[:, None, :] - self.BUMPS[None, :, :2]
        heights = np.clip(1 - np.hypot(away[..., 0], away[..., 1]) / 2, 0, 1)
        best = heights.argmax(axis=1)
        return u[:, :2], heights[np.arange(len(u)), best] * self.BUMPS[best, 2]


@dataset("moons")
class Moons(Plane):
    """Two half moons that reach into each other."""

    card = _card("Moons", TWO_CLASSES)

    def draw(self, draws: Draws) -> tuple[Array, Array]:
        """Half circles of radius 3, shifted by one radius and half a radius; noise moves the point."""
        first, second = _halves(self.samples)
        labels = np.repeat([1, 0], [first, second])
        angle = draws.uniform(self.samples, 1)[:, 0] * np.pi
        upper = np.stack([3 * np.cos(angle) - 1.5, 3 * np.sin(angle) - 0.75], axis=1)
        points = np.where(labels[:, None] == 1, upper, -upper)
        return points + draws.normal(self.samples, 2) * (3 * self.noise / 100), labels


@dataset("petals")
class Petals(Plane):
    """A flower: every petal is a class of its own."""

    card = _card("Petals", ["petal 1", "petal 2", "petal 3"])

    def __init__(
        self,
        samples: Samples = 500,
        noise: Noise = 0.0,
        train: TrainShare = 50.0,
        validation: ValidationShare = 0.0,
        features: list[Feature] = COORDINATES,
        petals: Annotated[int, Between(3, 5)] = 3,
    ) -> None:
        super().__init__(samples, noise, train, validation, features)
        self.petals = petals

    def classes(self, data_dir: Path | None = None) -> list[str]:
        """One class for each petal."""
        return [f"petal {i + 1}" for i in range(self.petals)]

    def draw(self, draws: Draws) -> tuple[Array, Array]:
        """A petal is widest half-way out and bends as it grows; noise moves the point."""
        labels = np.arange(self.samples) % self.petals
        u = draws.uniform(self.samples, 2)
        radius = 0.4 + 4.6 * np.sqrt(u[:, 0])
        spread = (0.85 * np.pi / self.petals) * np.sin(np.pi * radius / 5.4) * _around(u[:, 1], 1.0)
        angle = 2 * np.pi * labels / self.petals + spread + 0.2 * radius
        points = np.stack([radius * np.sin(angle), radius * np.cos(angle)], axis=1)
        return points + draws.normal(self.samples, 2) * (2.5 * self.noise / 100), labels
