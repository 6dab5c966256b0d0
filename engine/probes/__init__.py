"""Measurements of a run that anybody may watch, one file each."""

from engine.probes import (  # noqa: F401  (each enters its probes into PROBES)
    activation,
    confusion,
    decision,
    examples,
    parameters,
    plane_map,
    points,
    prediction,
    progress,
)
from engine.probes.answer import Answer
from engine.probes.probe import PROBES, Block, Probe, canonical, parse_topic
from engine.probes.scene import Evaluation, Scene
from engine.probes.topic import Argument, format_topic

__all__ = [
    "PROBES",
    "Answer",
    "Argument",
    "Block",
    "Evaluation",
    "Probe",
    "Scene",
    "canonical",
    "format_topic",
    "parse_topic",
]
