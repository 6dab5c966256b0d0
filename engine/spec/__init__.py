"""What people draw: graphs and runs as data, what is wrong with them, and the modules they become."""

from engine.spec.build import Network, Refused, build
from engine.spec.catalogue import catalog, presets_for
from engine.spec.checking import Limits, Report, check
from engine.spec.graph import GraphInput, GraphNode, GraphSpec, chain, perceptron
from engine.spec.preset import Preset, presets
from engine.spec.problem import LocatedProblem, Problem, problem_from
from engine.spec.refusal import pointer_of, problems_of
from engine.spec.run import RunSpec

__all__ = [
    "GraphInput",
    "GraphNode",
    "GraphSpec",
    "Limits",
    "LocatedProblem",
    "Network",
    "Preset",
    "Problem",
    "Refused",
    "Report",
    "RunSpec",
    "build",
    "catalog",
    "chain",
    "check",
    "perceptron",
    "pointer_of",
    "presets",
    "presets_for",
    "problem_from",
    "problems_of",
]
