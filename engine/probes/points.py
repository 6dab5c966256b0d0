"""The points of a planar data set."""

from collections.abc import Iterator

import numpy as np

from engine.errors import ArgumentError
from engine.probes.probe import Picture, probe
from engine.probes.scene import Scene
from engine.probes.topic import Argument, Arguments

SPLIT = Argument("split", str, "test", choices=("train", "validation", "test"))


@probe("points", Argument("split", str, "train", choices=("train", "validation", "test")))
def points(scene: Scene, arguments: Arguments) -> Iterator[Picture]:
    """x, y and label (class index or value) of every point of one part of the data, (n, 3)."""
    scene.plane()
    part = scene.part(str(arguments["split"]))
    if part.points is None:
        raise ArgumentError(where="points", expected="a set of points", got="none")
    yield Picture("points", np.column_stack([part.points, part.y]).astype(np.float32), version=scene.data_version)
