"""A page of examples with what the network makes of them."""

from collections.abc import Iterator

import numpy as np

from engine.errors import ArgumentError
from engine.probes.points import SPLIT
from engine.probes.probe import Picture, probe
from engine.probes.scene import Array, Scene
from engine.probes.topic import Argument, Arguments


@probe("examples", SPLIT, Argument("start", int, 0), Argument("count", int, 24, low=1, high=200))
def examples(scene: Scene, arguments: Arguments) -> Iterator[Picture]:
    """Images as bytes (count, h, w) or (count, h, w, 3), their labels, the predicted classes and how sure they are."""
    split, start, count = str(arguments["split"]), int(arguments["start"]), int(arguments["count"])
    part = scene.part(split)[start : start + count]
    if scene.source.card.input != "image" or not len(part):
        raise ArgumentError(where="examples", expected="images from a number inside the set", got=f"start {start}")
    shares = scene.answer.probabilities(scene.outputs(("examples", split, start, count), part.x)[scene.output])
    yield Picture("images", pixels(scene, part.x), version=scene.data_version)
    yield Picture("labels", part.y.astype(np.int32), version=scene.data_version)
    yield Picture("predictions", shares.argmax(axis=1).astype(np.int32))
    yield Picture("confidence", shares.max(axis=1))


def pixels(scene: Scene, x: Array) -> Array:
    """Normalised images back as bytes, padding included; one channel: (n, h, w), three: (n, h, w, 3)."""
    card = scene.source.card
    mean, std = (np.asarray(values, np.float32)[:, None, None] for values in (card.mean, card.std))
    images: Array = np.clip((x * std + mean) * 255 + 0.5, 0, 255).astype(np.uint8)
    return images[:, 0] if images.shape[1] == 1 else images.transpose(0, 2, 3, 1)
