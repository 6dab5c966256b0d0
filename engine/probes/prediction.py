"""What the network believes about one example."""

from collections.abc import Iterator

import numpy as np

from engine.errors import ArgumentError
from engine.probes.activation import EXAMPLE, INPUT, outputs_for
from engine.probes.points import SPLIT
from engine.probes.probe import Picture, probe
from engine.probes.scene import Scene
from engine.probes.topic import Arguments


@probe("prediction", SPLIT, EXAMPLE, INPUT)
def prediction(scene: Scene, arguments: Arguments) -> Iterator[Picture]:
    """Probability of each class for one example or a drawn digit, and its loss where the label is known."""
    if scene.answer.reading == "value":
        raise ArgumentError(where="prediction", expected="a run that tells classes apart", got="a regression")
    outputs, label = outputs_for(scene, arguments)
    found = outputs[scene.output]
    yield Picture("probabilities", scene.answer.probabilities(found)[0])
    if label is not None:
        yield Picture("loss", np.array(scene.losses(found, label), np.float64))
