"""What people draw: graphs and runs as data, what is wrong with them, and the modules they become."""

from engine.spec.graph import GraphInput, GraphNode, GraphSpec, chain, perceptron
from engine.spec.problem import LocatedProblem, Problem, problem_from
from engine.spec.run import RunSpec

__all__ = [
    "GraphInput",
    "GraphNode",
    "GraphSpec",
    "LocatedProblem",
    "Problem",
    "RunSpec",
    "chain",
    "perceptron",
    "problem_from",
]
