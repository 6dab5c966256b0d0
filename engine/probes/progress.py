"""The counters and the newest values of a run."""

from collections.abc import Iterator

import numpy as np

from engine.probes.probe import Picture, probe
from engine.probes.scene import Scene
from engine.probes.topic import Arguments

NAMES = (
    "step",
    "epoch",
    "train_loss",
    "test_loss",
    "train_accuracy",
    "test_accuracy",
    "steps_per_second",
    "learning_rate",
)


@probe("progress")
def progress(scene: Scene, arguments: Arguments) -> Iterator[Picture]:
    """Step, epoch, train and test loss, train and test accuracy, steps per second, learning rate; NaN where unknown."""
    values = np.array(scene.progress, np.float64)
    yield Picture("values", values, version=hash(values.tobytes()))
