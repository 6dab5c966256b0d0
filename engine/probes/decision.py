"""What the whole network answers over the plane."""

from collections.abc import Iterator

import numpy as np

from engine.probes.probe import Picture, probe
from engine.probes.scene import Scene, quantised
from engine.probes.topic import Argument, Arguments


@probe("decision", Argument("size", int, 100, low=2, high=200))
def decision(scene: Scene, arguments: Arguments) -> Iterator[Picture]:
    """One output: its value in [-1, 1]; several classes: the chosen class and how sure the network is."""
    size = int(arguments["size"])
    outputs = scene.grid(size)[scene.output]
    if scene.answer.single:
        level = np.clip(scene.answer.level(outputs), -1, 1).reshape(size, size)
        yield Picture("value", quantised(level, -1.0, 1.0), -1.0, 1.0)
        return
    shares = scene.answer.probabilities(outputs)
    yield Picture("class", shares.argmax(axis=1).astype(np.uint8).reshape(size, size))
    yield Picture("confidence", quantised(shares.max(axis=1).reshape(size, size), 0.0, 1.0), 0.0, 1.0)
