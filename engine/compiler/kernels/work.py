"""What a kernel is asked to do: the data between the plan, which decides, and the kernel templates, which emit code.

A piece of work names memory by operands (a buffer, where it begins, how far apart neighbours are), so that one compiled
kernel serves every shape; only the structure of the work (its `key`) decides which machine code it needs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, NamedTuple, Protocol

import numpy as np

Shape = tuple[int, ...]


@dataclass(eq=False)
class Buffer:
    """A piece of memory: `count` elements of `dtype`.

    array: where it lies (None until the plan allocates it, or for an input); slot: which argument of the step it is
    (another address at every step), or -1.
    """

    count: int
    dtype: Any = "f4"
    name: str = ""
    array: Any = None
    slot: int = -1
    shape: Shape = ()
    """Of an input."""
    fill: float = 0.0
    """What stands in it before the first step."""
    own: bool = False
    """Whether it has memory that no other buffer gets."""
    lasting: bool = False
    """Whether it is a source of the graph: what it holds belongs to nobody here."""
    base: int = 0
    """The address of its array, where that was known when it got it."""

    @property
    def nbytes(self) -> int:
        """Its size in bytes."""
        return self.count * int(np.dtype(self.dtype).itemsize)


class Operand(NamedTuple):
    """A strided look into a buffer; offset and strides in elements, one stride for each loop of the work."""

    buffer: Buffer
    offset: int
    strides: Shape

    def moved(self, loop: int, by: int) -> Operand:
        """The same look, `by` places further along a loop."""
        return Operand(self.buffer, self.offset + by * self.strides[loop], self.strides)

    def span(self, sizes: Shape) -> tuple[int, int]:
        """First element and the one behind the last that loops of these sizes touch."""
        return self.span_of(sizes, self.strides)

    def span_of(self, sizes: Shape, strides: Shape) -> tuple[int, int]:
        """The same along other loops."""
        low = high = self.offset
        for n, s in zip(sizes, strides, strict=True):
            if s > 0:
                high += (n - 1) * s
            elif s < 0:
                low += (n - 1) * s
        return low, high + 1


Instruction = tuple[Any, ...]
"""One line of a scalar program; its number is the place in the list. An argument is the number of an earlier line.
("load", operand) | ("const", number, dtype) | ("iota", loop) place along a loop, u4 | ("sum of products",) what a
contraction found | ("sum of numbers",) of what it multiplies | (fn, *arguments) with a name of ir.SCALARS
| ("cast", argument, dtype) | ("reduce", fn, argument) over the reduction loops, fn: sum max min prod any all."""


@dataclass(frozen=True)
class Store:
    """Write line `line` to operand `operand`."""

    operand: int
    line: int


NOTED = "noted arguments"
"""Where among its attributes a piece of work keeps what its kernel reads, once that was asked for."""


class Access(NamedTuple):
    """Memory that a piece of work touches: elements [low, high) of a buffer."""

    buffer: Buffer
    low: int
    high: int
    writes: bool


class Work(Protocol):
    """What every piece of work can say of itself."""

    @property
    def key(self) -> str:
        """Everything that decides the machine code, as text: structure, never sizes or addresses."""

    def arguments(self) -> list[Any]:
        """What the kernel reads at run time, in its order: int, or (buffer, offset in elements) for an address."""

    def accesses(self) -> Iterator[Access]:
        """Every stretch of memory it may touch; the bounds check, the barriers and the reuse of memory stand on it."""

    def split(self, parts: int) -> list[Any]:
        """The same work as at most `parts` pieces that may run at once; the numbers do not depend on `parts`."""

    def cost(self) -> float:
        """About how many nanoseconds one core needs."""


@dataclass(eq=False)
class Record:
    """One row of a table: a piece of work, and the nodes of the graph that it computes. touches: the buffers that it
    reads and writes, where that is known (see `scratch.touched`)."""

    work: Any
    nodes: tuple[Any, ...] = ()
    note: str = ""
    touches: tuple[Buffer, ...] = ()


@dataclass(eq=False)
class Call:
    """A row that is Python: `function(*arrays)` on views of the operands, between two native stretches.

    reads, writes: (buffer, offset, shape, strides in elements, dtype); the function returns the arrays to write.
    """

    function: Any
    reads: tuple[Any, ...]
    writes: tuple[Any, ...]
    nodes: tuple[Any, ...] = ()
    note: str = ""


Life = tuple[Buffer, int, int]
"""A buffer, the first row that touches it and the last."""


@dataclass(eq=False)
class Plan:
    """A lowered graph: rows in order, what runs before each step, where values lie.

    rows: Record or Call. guard: the first row that must not run when a value of `finite` (operands of float32 buffers,
    each with its shape) is not finite; rows before it change no cell. bands: rows that go through the batch together
    (see `bands.py`). scalars: (buffer, offset, read): float32 or
    uint32 numbers written before every step. places: where each value of the graph lies, id(value) -> Place.
    """

    rows: list[Any] = field(default_factory=list)
    buffers: list[Buffer] = field(default_factory=list)
    scalars: list[tuple[Buffer, int, Any]] = field(default_factory=list)
    finite: list[tuple[Operand, Shape]] = field(default_factory=list)
    guard: int = 0
    bands: list[Any] = field(default_factory=list)
    outputs: list[Any] = field(default_factory=list)
    effects: list[Any] = field(default_factory=list)
    places: dict[int, Any] = field(default_factory=dict)
    memory: dict[int, Any] = field(default_factory=dict)
    """Where rows that several plans share have their buffers: array by id(buffer); else a buffer has its own."""
    cost: float = 0.0
    """Nanoseconds that one core needs for the native rows."""
    checked: bool = False
    """Whether every row is known to stay within its buffers."""
    lives: list[Life] = field(default_factory=list)
    """See `memory.lives_of`; none where nobody asked since the rows were changed."""

    @property
    def wanted(self) -> list[Buffer]:
        """The buffers that somebody reads behind the last row."""
        places = [place for place, _ in self.outputs] + [place for _, places in self.effects for place in places]
        return [place.buffer for place in places] + [operand.buffer for operand, _ in self.finite]


def shards(plan: Plan) -> int:
    """Into how many parts a batch is cut whose sums are added in the end: the numbers depend on it."""
    summed = [band for band in plan.bands if band.kept and any(band.kept[0])]
    return max((len(band.shards) for band in summed), default=1)


def cost(plan: Plan) -> float:
    """Nanoseconds that one core needs for the plan's native rows."""
    found: float = sum([row.work.cost() for row in plan.rows if isinstance(row, Record)])
    return found


def pieces(total: int, parts: int, grain: int = 1) -> list[tuple[int, int]]:
    """(start, size) of at most `parts` nearly equal pieces of `total`, each a multiple of `grain` but for the last."""
    blocks = -(-total // grain)
    edges = [min(total, blocks * i // parts * grain) for i in range(parts + 1)]
    return [(a, b - a) for a, b in pairwise(edges) if b > a]


def volume(sizes: Shape) -> int:
    """The number of places of loops."""
    return math.prod(sizes)
