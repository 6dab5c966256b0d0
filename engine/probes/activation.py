"""What a node says about one example."""

from collections.abc import Iterator

import numpy as np

from engine.probes.drawn import drawn_digit
from engine.probes.plane_map import output_of
from engine.probes.points import SPLIT
from engine.probes.probe import Picture, probe
from engine.probes.scene import Array, Scene, quantised, reach_of
from engine.probes.topic import Argument, Arguments

EXAMPLE = Argument("example", int, 0)
INPUT = Argument("input", str, required=False)


@probe("activation", Argument("node", str), SPLIT, EXAMPLE, INPUT)
def activation(scene: Scene, arguments: Arguments) -> Iterator[Picture]:
    """Output of a node for one example, or for a drawn digit: images as bytes (units, h, w), vectors exactly."""
    outputs, _ = outputs_for(scene, arguments)
    values = output_of(outputs, str(arguments["node"]))[0]
    if values.ndim != 3 or values.shape[1:] == (1, 1):
        yield Picture("activation", values.reshape(-1).astype(np.float32))
        return
    most = reach_of(values)
    yield Picture("activation", quantised(values, -most, most), -most, most)


def outputs_for(scene: Scene, arguments: Arguments) -> tuple[dict[str, Array], Array | None]:
    """Outputs of every node for the example that the arguments name, and its label where it is known."""
    if "input" in arguments:
        text = str(arguments["input"])
        return scene.outputs(("input", text), drawn_digit(scene, text)), None
    split, example = str(arguments["split"]), int(arguments["example"])
    x, label = scene.row(split, example)
    return scene.outputs(("example", split, example), x), label
