"""Weights and their gradients."""

from collections.abc import Iterator

import numpy as np

from engine.probes.probe import Picture, probe
from engine.probes.scene import Array, Scene, quantised, reach_of
from engine.probes.topic import Argument, Arguments

EXACT = 4096
"""Parameters of up to this many numbers are sent as they are, larger ones as bytes."""


@probe("parameter", Argument("name", str))
def parameter(scene: Scene, arguments: Arguments) -> Iterator[Picture]:
    """The numbers of one parameter."""
    yield shown(scene.network.parameter(str(arguments["name"])))


@probe("gradient", Argument("name", str))
def gradient(scene: Scene, arguments: Arguments) -> Iterator[Picture]:
    """The newest gradient of one parameter; zeros before the first batch."""
    name = str(arguments["name"])
    value = scene.network.gradient(name)
    yield shown(np.zeros_like(scene.network.parameter(name)) if value is None else value)


def shown(values: Array, name: str = "value") -> Picture:
    """Small arrays exactly, large ones as bytes between symmetric bounds."""
    if values.size <= EXACT:
        return Picture(name, values.astype(np.float32))
    most = reach_of(values)
    return Picture(name, quantised(values, -most, most), -most, most)
