"""What an operation is: one class that holds every rule about it.

A rule (`vjp`) uses only operators and methods of what it is given, so that one rule serves tensors, tangents, abstract
shapes and symbols, and gradients of any order. It never looks at a value.
"""

from __future__ import annotations

import dis
import inspect
import math
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from types import CodeType
from typing import Any, ClassVar

import numpy as np

from engine.array import BOOL, FLOAT, INT, Abstract, Shape
from engine.errors import ArgumentError, IndexOutOfRange, ShapeError

OPS: dict[str, type[Op]] = {}
FUNCTIONS: dict[str, Callable[..., Any]] = {}
"""Compositions of ops, written with methods only; they become methods and functions by their name."""

NOTHING, SHAPE, VALUES = 0, 1, 2

Rule = tuple[Any, ...]
"""What a vjp returns: for each input its gradient, or None, or a function without arguments that computes it."""


@dataclass(frozen=True)
class Case:
    """One sample call; every derived test runs on it.

    shapes: one per input, or ("int", shape, limit) for whole numbers below a limit, or ("bool", shape); low, high: the
    range of the values.
    """

    shapes: tuple[Any, ...]
    attrs: dict[str, Any] = field(default_factory=dict)
    low: float = -2.0
    high: float = 2.0


class Op:
    """Subclass it, fill in the rules, and the operation exists everywhere.

    forward(xp, *arrays, **attrs): pure array code; xp is numpy or cupy. infer(*arrays, **attrs): shape and dtype of
    what comes out, from those of arrays, which may be hollow.
    vjp(g, y, *inputs, **attrs): gradients of the inputs. A parameter named with a leading underscore is not read (its
    values need not be kept) except for its shape and dtype; one whose name is made of underscores is not even given.
    A function in the place of a gradient is called when that is needed; what it returns is new memory.
    jvp: "linear" (apply me to the tangents), "multilinear" (a sum over the inputs), "elementwise" (my own vjp with the
    tangent as g), or None (the transpose of vjp). bind: PyTorch's call -> (inputs, attrs).
    """

    name: ClassVar[str]
    latex: ClassVar[str] = ""
    cases: ClassVar[tuple[Case, ...]] = ()
    jvp: ClassVar[str | None] = None
    kernel: ClassVar[str | None] = None
    promotion: ClassVar[str] = "promote"
    """promote: inputs take one dtype; float: and at least float32; same: they must have one; none: left alone."""
    asks: ClassVar[bool] = False
    """Whether `forward` refuses some fractions (whole numbers that name no class or row aside)."""
    named: ClassVar[Callable[..., Any] | None] = None
    """(xp, *arrays, **attrs): refuses what `forward` refuses, and computes no more than it takes to look; those of
    fractions may be hollow."""
    view: ClassVar[bool] = False
    """The output shares the input's memory where it can."""
    bind: ClassVar[Callable[..., tuple[tuple[Any, ...], dict[str, Any]]] | None] = None
    forward: ClassVar[Callable[..., Any]]
    infer: ClassVar[Callable[..., Abstract]]
    vjp: ClassVar[Callable[..., Rule] | None] = None
    reads: ClassVar[tuple[int, ...]]
    """What vjp reads of each input: NOTHING, SHAPE or VALUES; reads_output and reads_rest alike."""
    reads_output: ClassVar[int]
    reads_rest: ClassVar[int]
    reads_when: ClassVar[dict[tuple[bool, ...], tuple[tuple[int, ...], int]] | None]
    """reads and reads_output by which inputs need a gradient, of a rule that is a tuple of functions without arguments:
    `x / 2` keeps nothing, and either side of it may be written to."""

    def __init_subclass__(cls, abstract: bool = False) -> None:
        if abstract:
            return
        cls.name = cls.__dict__.get("name") or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", cls.__name__).lower()
        if cls.name in OPS:
            raise ArgumentError(cls.__qualname__, "a name that no other op has", cls.name, "Give it another name.")
        OPS[cls.name] = cls
        cls.reads, cls.reads_output, cls.reads_rest, cls.reads_when = (), NOTHING, NOTHING, None
        if cls.vjp is not None:
            _note_what_is_read(cls)


def _note_what_is_read(cls: type[Op]) -> None:
    if cls.vjp is None:
        return
    parameters = list(inspect.signature(cls.vjp).parameters.values())[1:]
    positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    rest = [p.name for p in parameters if p.kind is p.VAR_POSITIONAL]
    cls.reads_output = _reading(positional[0])
    cls.reads = tuple(_reading(name) for name in positional[1:])
    cls.reads_rest = _reading(rest[0]) if rest else NOTHING
    if cls.jvp != "multilinear":
        cls.reads_when = _by_need(cls.vjp, positional)


def _by_need(rule: Callable[..., Rule], names: list[str]) -> dict[tuple[bool, ...], tuple[tuple[int, ...], int]] | None:
    """What a rule reads for each choice of wanted gradients; None where it reads something outside of its functions."""
    code = rule.__code__
    parts = [part for part in code.co_consts if isinstance(part, CodeType)]
    gradients = [part.co_freevars for part in parts]
    if len(gradients) != len(names) - 1 or len(gradients) < 2 or _reads_itself(code):
        return None
    if any(part.co_name != "<lambda>" for part in parts):  # an inner function that gradients share is none of them
        return None
    table: dict[tuple[bool, ...], tuple[tuple[int, ...], int]] = {}
    for wanted in product((False, True), repeat=len(gradients)):
        used = {name for needed, read in zip(wanted, gradients, strict=True) if needed for name in read}
        output, *inputs = (_reading(n) if n in used else min(_reading(n), SHAPE) for n in names)
        for given in range(1, len(wanted) + 1):  # a last input may be left out
            table.setdefault(wanted[:given], (tuple(inputs), output))
    return table


def _reads_itself(code: CodeType) -> bool:
    """Whether code reads a variable other than to hand it to an inner function."""
    loads = [i for i in dis.get_instructions(code) if i.opname.startswith("LOAD_") and i.opname != "LOAD_CLOSURE"]
    return any(i.opname == "LOAD_DEREF" or ("FAST" in i.opname and i.argval not in code.co_cellvars) for i in loads)


def _reading(name: str) -> int:
    return NOTHING if not name.strip("_") else SHAPE if name.startswith("_") else VALUES


def function(f: Callable[..., Any]) -> Callable[..., Any]:
    """Register a composition of ops under its own name (a trailing underscore is dropped)."""
    name = f.__name__.removesuffix("_")
    if name in FUNCTIONS:
        raise ArgumentError(f.__qualname__, "a name that no other composition has", name, "Give it another name.")
    FUNCTIONS[name] = f
    return f


# ------------------------------------------------------------------------------------- helpers of shape rules
def broadcast(where: str, *inputs: Any) -> Shape:
    """The common shape of the inputs that have one, by the rules of broadcasting."""
    shapes = [x.shape for x in inputs if hasattr(x, "shape")]
    if shapes and shapes.count(shapes[0]) == len(shapes):
        return tuple(shapes[0])
    # np.broadcast_shapes takes numbers alone: sizes are also those that the compiler leaves open
    found = [1] * max(map(len, shapes), default=0)
    for shape in shapes:
        for i, n in enumerate(shape, len(found) - len(shape)):
            if n != 1 and found[i] != 1 and found[i] != n:
                hint = "Sizes are compared from the right; each pair must be equal, or one of them 1."
                raise ShapeError(where, "shapes that broadcast together", " and ".join(map(words, shapes)), hint)
            if n != 1:
                found[i] = n
    return tuple(found)


def words(shape: Shape) -> str:
    """A shape as PyTorch writes it: [3, 4]."""
    return str(list(shape))


def dtype_of_all(*inputs: Any) -> np.dtype[Any]:
    """The dtype that promoted inputs share."""
    return next((x.dtype for x in inputs if hasattr(x, "dtype")), FLOAT)


def axis_of(where: str, dim: int, ndim: int) -> int:
    """A non-negative axis from one that may count from the end."""
    if dim.__class__ is int and 0 <= dim < ndim:
        return dim
    span = max(ndim, 1)
    if not -span <= dim < span:
        raise IndexOutOfRange(where, f"a dim between {-span} and {span - 1}", dim)
    return dim % span


def axes_of(where: str, dim: Any, ndim: int) -> tuple[int, ...]:
    """Every axis for None or (), else the given ones, non-negative and distinct."""
    if dim is None or (isinstance(dim, tuple | list) and not dim):
        return tuple(range(ndim))
    if dim.__class__ is int:
        axis = axis_of(where, dim, ndim)
        return (axis,) if ndim else ()
    given = dim if isinstance(dim, tuple | list) else (dim,)
    axes = tuple(axis_of(where, int(d), ndim) for d in given)
    if len(set(axes)) != len(axes):
        raise ShapeError(where, "each dim once", tuple(given))
    return axes if ndim else ()


def reduced(shape: Shape, axes: tuple[int, ...], keepdim: bool) -> Shape:
    """The shape after the axes are reduced to 1 (kept) or left out."""
    if keepdim:
        return tuple(1 if i in axes else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def count(shape: Shape, axes: tuple[int, ...] | None = None) -> int:
    """Number of elements along the axes (all of them when left out)."""
    return math.prod(shape if axes is None else [shape[i] for i in axes])


class Elementwise(Op, abstract=True):
    """Ops that work number by number, with broadcasting."""

    jvp: ClassVar[str | None] = "elementwise"

    @classmethod
    def infer(cls, *inputs: Any, **attrs: Any) -> Abstract:
        """The common shape; the promoted dtype."""
        return Abstract(broadcast(cls.name, *inputs), dtype_of_all(*inputs))


class Comparison(Op, abstract=True):
    """Ops with a truth value for every number; no gradient."""

    jvp = None

    @classmethod
    def infer(cls, *inputs: Any, **attrs: Any) -> Abstract:
        """The common shape; bool."""
        return Abstract(broadcast(cls.name, *inputs), BOOL)


__all__ = [
    "BOOL",
    "FLOAT",
    "FUNCTIONS",
    "INT",
    "OPS",
    "Abstract",
    "Case",
    "Comparison",
    "Elementwise",
    "Op",
    "function",
]
