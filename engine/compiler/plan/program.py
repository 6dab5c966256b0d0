"""The scalar program of a group: what is loaded, computed and stored at every place of its loops."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.compiler.graph import ir
from engine.compiler.graph.ir import Node, Value
from engine.compiler.kernels.work import Instruction
from engine.compiler.plan.free import Loops, is_simple, through
from engine.compiler.plan.fusion import Fusion, Group
from engine.compiler.plan.places import Place

Strides = list[int]
NUMBERS = {"f": "f4", "I": "u4", "l": "i8", "q": "i8", "?": "?"}
"""How an element type (NumPy's letter) is written in a scalar program."""


class Program:
    """Lines of a group, made on demand; operands with a stride for each loop of the group.

    locate(value) -> Place of a stored value or a view of one; number(n) -> Place of a whole number. along: a loop along
    which operands must have stride 0 or 1; relay(value, axis) -> Place lays out anew what has not. Line 0 of a
    contraction's program is its sum.
    """

    def __init__(
        self,
        group: Group,
        fusion: Fusion,
        locate: Callable[[Value], Place],
        number: Callable[[int], Place],
        along: int | None = None,
        relay: Any = None,
    ) -> None:
        self.group, self.fusion, self.along, self.relay = group, fusion, along, relay
        self.locate, self.number = locate, number
        self.lines: list[Instruction] = []
        self.operands: list[tuple[Place, Strides]] = []
        self.stores: list[tuple[int, int]] = []
        self.counted: set[int] = set()
        self._known: dict[Any, int] = {}
        if group.kind == "contract":
            value = group.nodes[0].output
            self._known[id(value), self._plain(value, group.loops[id(value)])] = self._line("sum of products")

    # ------------------------------------------------------------------------------------------------- reading
    def read(self, value: Value, loops: Loops) -> int:
        """The line that holds a value, seen along these loops."""
        key = (id(value), self._plain(value, loops))
        if key not in self._known:
            self._known[key] = self._make(value, loops)
        return self._known[key]

    def _plain(self, value: Value, loops: Loops) -> Loops:
        shape = value.shape
        return tuple([None if n == 1 else i for n, i in zip(shape, loops, strict=True)]) if 1 in shape else loops

    def _make(self, value: Value, loops: Loops) -> int:
        node, group = value.node, self.group
        if self.fusion.of.get(id(value)) is group and node is not None:
            if self._plain(value, group.loops[id(value)]) != self._plain(value, loops):
                raise ir.CompilerError("program", f"{value} is computed along other loops than it is read")
            return self._compute(node, loops)
        if node is not None and node.kind.view and is_simple(node):
            return self.read(node.inputs[0], through(node, loops))
        if node is not None and id(node) in self.fusion.free:
            return self._compute(node, loops)
        return self._load(value, loops)

    def _compute(self, node: Node, loops: Loops) -> int:
        name = node.kind.name
        if name == "reduce":
            return self._reduction(node)
        if name == "iota":
            return self._iota(node, loops)
        if name == "fill":
            return self._line("const", node.attrs["value"], NUMBERS[node.output.dtype.char])
        if name == "cast":
            return self._line("cast", self.read(node.inputs[0], loops), NUMBERS[node.output.dtype.char])
        kind = next((v.dtype.char for v in node.values if v.dtype != ir.TRUTH), "?")
        kind = node.output.dtype.char if node.attrs["fn"] == "where" else kind
        arguments = [
            self.read(v, loops) if isinstance(v, Value) else self._line("const", v, NUMBERS[kind]) for v in node.inputs
        ]
        return self._line(node.attrs["fn"], *arguments)

    def _reduction(self, node: Node) -> int:
        """What is reduced runs along the kept loops and the reduced ones."""
        return self._line("reduce", node.attrs["fn"], self.read(node.inputs[0], self.group.inner[id(node.output)]))

    def _iota(self, node: Node, loops: Loops) -> int:
        axis, shape = node.attrs["axis"], node.output.shape
        if axis is not None:
            return self._place_along(loops[axis])
        total, step = None, 1
        for n, loop in zip(reversed(shape), reversed(loops), strict=True):
            if n != 1:
                part = self._place_along(loop)
                # read from memory: as a part of the code it would ask for other code wherever sizes change
                part = part if step == 1 else self._line("mul", part, self._line("load", self._number(step)))
                total = part if total is None else self._line("add", total, part)
            step *= n
        return self._line("const", 0, "u4") if total is None else total

    def _number(self, n: int) -> int:
        return self.operand(self.number(n), ())

    def _place_along(self, loop: int | None) -> int:
        if loop is None:
            return self._line("const", 0, "u4")
        self.counted.add(loop)
        return self._line("iota", loop)

    def _load(self, value: Value, loops: Loops) -> int:
        place = self.locate(value)
        turned = [axis for axis, loop in enumerate(loops) if loop == self.along and place.strides[axis] not in (0, 1)]
        if self.along is not None and turned and self.group.sizes[self.along] != 1:
            place = self.relay(value, turned[0])
        line = self._line("load", self.operand(place, loops))
        return self._line("ne", line, self._line("const", 0.0, "f4")) if value.dtype == ir.TRUTH else line

    def operand(self, place: Place, loops: Loops) -> int:
        """The number of the operand that walks through a place along these loops."""
        strides = [0] * len(self.group.sizes)
        for s, loop in zip(place.strides, loops, strict=True):
            if loop is not None:
                strides[loop] += s
        for number, (known, steps) in enumerate(self.operands):
            if known.buffer is place.buffer and known.offset == place.offset and steps == strides:
                return number
        self.operands.append((place, strides))
        return len(self.operands) - 1

    def _line(self, *instruction: Any) -> int:
        """The number of a line; equal lines are one."""
        if instruction in self._known:
            return self._known[instruction]
        self.lines.append(instruction)
        self._known[instruction] = len(self.lines) - 1
        return len(self.lines) - 1

    # ------------------------------------------------------------------------------------------------- writing
    def store(self, value: Value, place: Place) -> None:
        """Write a value that the group computes; truths become 0 and 1."""
        loops = self.group.loops[id(value)]
        line = self.read(value, loops)
        if value.dtype == ir.TRUTH:
            line = self._line("cast", line, "f4")
        self.stores.append((self.operand(place, loops), line))
