"""What a neuron says over the whole plane."""

from collections.abc import Iterator

from engine.errors import ArgumentError
from engine.probes.probe import Picture, probe
from engine.probes.scene import Array, Scene, quantised, reach_of
from engine.probes.topic import Argument, Arguments

SIZE = Argument("size", int, 20, low=2, high=200)


@probe("map", Argument("node", str), SIZE, Argument("unit", int, required=False, high=100_000))
def plane_map(scene: Scene, arguments: Arguments) -> Iterator[Picture]:
    """Output of every unit of a node, or of one, over [-6, 6] squared, (units, size, size); row 0 is the top."""
    size = int(arguments["size"])
    values = output_of(scene.grid(size), str(arguments["node"]))
    rows = values.reshape(len(values), -1)
    if "unit" in arguments:
        rows = _one(rows, int(arguments["unit"]))
    most = reach_of(rows, 1.0)
    yield Picture("map", quantised(rows.T.reshape(-1, size, size), -most, most), -most, most)


def output_of(outputs: dict[str, Array], node: str) -> Array:
    """The output of a node or input. Raises: ArgumentError when there is none of that name."""
    if node not in outputs:
        raise ArgumentError(where="node", expected="a node or input of the graph", got=node[:60], node=node[:60])
    return outputs[node]


def _one(rows: Array, unit: int) -> Array:
    if unit >= rows.shape[1]:
        raise ArgumentError(where="unit", expected=f"a number below {rows.shape[1]}", got=str(unit))
    return rows[:, unit : unit + 1]
