"""Which classes are taken for which."""

from collections.abc import Iterator

import numpy as np

from engine.errors import ArgumentError
from engine.probes.points import SPLIT
from engine.probes.probe import Picture, probe
from engine.probes.scene import Array, Scene
from engine.probes.topic import Arguments


@probe("confusion", SPLIT)
def confusion(scene: Scene, arguments: Arguments) -> Iterator[Picture]:
    """How many examples of each class (row) were given each class (column) in the newest evaluation."""
    split = str(arguments["split"])
    known = scene.evaluations.get(split)
    if known is None:
        raise ArgumentError(where="confusion", expected=f"classes counted on the {split} set", got="no count yet")
    yield Picture("counts", known.counts.astype(np.uint32), version=known.version)
    yield Picture("examples", np.array(known.examples, np.uint32), version=known.version)


def count(labels: Array, chosen: Array, classes: int) -> Array:
    """Counts by (true class, chosen class), int64 (classes, classes)."""
    flat = np.asarray(labels, np.int64) * classes + np.asarray(chosen, np.int64)
    return np.bincount(flat, minlength=classes * classes).reshape(classes, classes)
