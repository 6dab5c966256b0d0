"""What a probe is: a named measurement with declared arguments that gives blocks of numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from engine.errors import ArgumentError
from engine.probes.scene import Scene
from engine.probes.topic import Argument, Arguments, format_topic, read_arguments, split_topic

DTYPES = {"uint8": "u8", "float32": "f32", "float64": "f64", "int32": "i32", "uint32": "u32"}


class Picture(NamedTuple):
    """One array that a probe gives; bytes stand for numbers from lo to hi."""

    name: str
    values: npt.NDArray[Any]
    lo: float | None = None
    hi: float | None = None
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """A picture ready to be sent. Equal topic, name and version: equal bytes, no need to send it again."""

    topic: str
    name: str
    array: npt.NDArray[Any]
    lo: float | None
    hi: float | None
    version: int

    @property
    def dtype(self) -> str:
        """u8, f32, f64, i32 or u32."""
        return DTYPES[self.array.dtype.name]


Measure = Callable[[Scene, Arguments], Iterator[Picture]]


@dataclass(frozen=True, slots=True)
class Probe:
    """A measurement that anybody may subscribe to."""

    name: str
    arguments: tuple[Argument, ...]
    measure: Measure
    summary: str

    def blocks(self, scene: Scene, topic: str, arguments: Arguments) -> list[Block]:
        """The blocks of one topic. Raises: ArgumentError or DataError when the scene cannot give them."""
        return [_block(topic, picture, scene.revision) for picture in self.measure(scene, arguments)]

    def schema(self) -> dict[str, Any]:
        """The JSON schema of the arguments."""
        return {
            "type": "object",
            "properties": {a.name: a.schema() for a in self.arguments},
            "required": [a.name for a in self.arguments if a.required and a.default is None],
            "additionalProperties": False,
        }


PROBES: dict[str, Probe] = {}


def probe(name: str, *arguments: Argument) -> Callable[[Measure], Measure]:
    """Function decorator: enter a measurement into `PROBES`."""

    def enter(measure: Measure) -> Measure:
        summary = " ".join((measure.__doc__ or "").split("\n\n")[0].split())
        PROBES[name] = Probe(name, arguments, measure, summary)
        return measure

    return enter


def parse_topic(topic: str) -> tuple[Probe, Arguments]:
    """The probe and the checked arguments that a topic names. Raises: ArgumentError."""
    name, given = split_topic(topic)
    if name not in PROBES:
        raise ArgumentError(where="topic", expected="one of " + ", ".join(PROBES), got=name[:40])
    return PROBES[name], read_arguments(name, given, PROBES[name].arguments)


def canonical(topic: str) -> str:
    """The one way to write this topic: arguments sorted, defaults filled in. Raises: ArgumentError."""
    found, arguments = parse_topic(topic)
    return format_topic(found.name, arguments)


def _block(topic: str, picture: Picture, revision: int) -> Block:
    array = np.ascontiguousarray(picture.values).reshape(picture.values.shape)
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    version = revision if picture.version is None else picture.version
    return Block(topic, picture.name, little, picture.lo, picture.hi, version)
