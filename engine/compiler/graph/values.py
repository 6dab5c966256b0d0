"""What the compiler's graph hands on: values that nodes make, and sources that no node makes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from engine.errors import EngineError

Shape = tuple[int, ...]
FLOAT, LONG, WORD, TRUTH = np.dtype("f4"), np.dtype("i8"), np.dtype("u4"), np.dtype("?")


class CompilerError(EngineError):
    """A graph of the compiler contradicts itself: a defect of the compiler, never of the user's program."""

    code = "compiler"


class Value:
    """What a node makes, or a source of the graph: shape and element type; `node` is None for a source.

    root: what lies in memory where this is a view of it, or a view of a view: itself where it is none.
    """

    __slots__ = ("dtype", "name", "node", "root", "shape")

    def __init__(self, shape: Shape, dtype: Any, node: Any = None, name: str = "") -> None:
        self.shape, self.node, self.name = tuple(shape), node, name
        self.root: Value = node.inputs[0].root if node is not None and node.kind.view else self
        self.dtype = dtype if isinstance(dtype, np.dtype) else np.dtype(dtype)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    def __repr__(self) -> str:
        made = self.name or (self.node.kind.name if self.node else "source")
        return f"<{made} {self.dtype}{list(self.shape)}>"


class Source(Value):
    """A value that no node makes.

    role: "input" (an argument of the step, another array at every call; `slot` counts them), "cell" (an array that
    lives from step to step: parameter, gradient, running mean, state of the optimiser; `array` is its memory),
    "constant" (`array`, never written), "scalar" (shape (), read afresh before every step by calling `read`).
    """

    __slots__ = ("array", "read", "role", "slot")

    def __init__(
        self, role: str, shape: Shape, dtype: Any, array: Any = None, slot: int = -1, read: Any = None, name: str = ""
    ) -> None:
        super().__init__(shape, dtype, None, name)
        self.role, self.array, self.slot, self.read = role, array, slot, read


Input = Value | float | int | bool
"""What a `map` takes: a value, or a number."""


def defect(sentence: str) -> CompilerError:
    """What to raise about a graph that contradicts itself; its sentence is made only then."""
    return CompilerError("compiler", sentence)
