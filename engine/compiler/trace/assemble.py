"""From a trace to a graph: the events in order, each array followed through everything that was done to its memory."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import numpy as np

from engine.compiler.graph.ir import WORD, Fill, Origin, Python, Source, Value
from engine.compiler.lowering import optimise
from engine.compiler.lowering.lower import attempt
from engine.compiler.lowering.rebound import Rebound
from engine.compiler.trace import flat, home
from engine.compiler.trace.compare import ARRAYS, Comparison, Differs, ndarray
from engine.compiler.trace.events import Draw, Event, Trace
from engine.compiler.trace.numbers import Number
from engine.compiler.trace.recipe import Call, Drawn, Made, Program
from engine.compiler.trace.updates import Updates
from engine.elements import Abstract
from engine.errors import EngineError
from engine.ops.op import Op
from engine.optim.optimizer import Optimizer
from engine.tensor import Tensor
from engine.tree import leaves, mapped


def assemble(comparison: Comparison, lowered: bool = True, finite: bool = False) -> Program:
    """The program of a step that was traced twice. lowered: ops as nodes of the graph where there are rules; else each
    op is a Python node. finite: gradients and results must be finite. Raises: Differs."""
    return Assembly(comparison, lowered, finite).settled().run()


class Assembly:
    """The state of `assemble`: what every array, known by its id, holds at this point of the trace."""

    def __init__(self, comparison: Comparison, lowered: bool, finite: bool) -> None:
        self.comparison, self.lowered, self.wants_finite = comparison, lowered, finite
        self.trace: Trace = comparison.new
        self.program = Program()
        self.graph = self.program.graph
        self.held: dict[int, Value] = {}
        self.types: dict[int, Any] = {}
        self.lost: dict[int, str] = {}
        self.cells: dict[int, Source] = {}
        self.final: dict[int, tuple[Source, Value]] = {}
        self.roots: dict[int, list[Any]] | None = None
        if any([e.what == "written" for e in self.trace.events]):  # noqa: C419
            self.roots = {}
        self.late: dict[int, tuple[Any, Value, int]] = {}
        self.joins: dict[tuple[int, ...], Value] = {}
        self.event, self.number = Event("", (), ""), -1
        self.slopes = [pair for pair in self.trace.slopes if not comparison.passes(pair[0])]
        self.sloping = {id(after) for _, after in self.slopes}
        renewed = {id(leaf) for leaf, _ in self.slopes}
        self.pending = {key: leaf for key, leaf in comparison.left.items() if id(leaf) in renewed}

    def settled(self) -> Assembly:
        """With a home for all that lives. Raises: Differs."""
        if self.trace.reasons:
            first = self.trace.reasons[0]
            raise Differs(first.sentence, first.line)
        self._settle()
        return self

    def run(self) -> Program:
        """The program, once all is settled. Raises: Differs."""
        try:
            self._walk()
        finally:
            del self.updates  # it holds this object, which holds what was traced
        return self.program

    def _walk(self) -> None:
        self._sources()
        for number, event in enumerate(self.trace.events):
            self.event = event
            name = event.facts[0].name if event.what == "op" else event.what
            self.graph.origin = Origin(number, name, event.line, event.backward)
            self.number = number
            handle = getattr(self, f"_{event.what}", None) or getattr(self.updates, event.what)
            handle(*event.facts)
        self.graph.origin = Origin()
        self._finish()

    def refuse(self, sentence: str) -> Differs:
        """Why this step has no graph."""
        return Differs(sentence, self.event.line)

    # ----------------------------------------------------------------------------------------------- memory
    def _settle(self) -> None:
        """Everything that optimisers move gets its home before cells are made of it."""
        mine = {id(a) for a in self.trace.arguments}
        for leaf, _ in self.slopes:
            if id(leaf.array) in mine:
                raise Differs("the gradient of an argument is asked for")
        stepped = self.steps = [e.facts[0] for e in self.trace.events if e.what == "stepped"]
        self.old = {id(array): p for s in stepped for p, array, _ in s.moved}
        order = [p for s in stepped for p in _in_order(s.optimizer, {id(p) for p, _, _ in s.moved})]
        leaves = {id(leaf) for leaf, _ in self.slopes}
        home.go_home([t for _, t in self.comparison.cells.values() if id(t) in self.trace.movable and t is not None])
        home.settle(order, self.trace.movable)
        home.settle_slopes([*(p for p in order if id(p) in leaves), *(leaf for leaf, _ in self.slopes)])
        for s in {id(s.optimizer): s for s in stepped}.values():
            self._settle_states(s.optimizer)
        others = [array for key, (array, _) in self.comparison.cells.items() if key not in self.old]
        flat.expect_apart(order, others)
        self.flats = flat.groups(self.trace, others)
        self.flat_of = {id(p): f for f in self.flats.values() for p in f.members}
        self.program.tensors += [(p, p.array) for f in self.flats.values() for p in f.members]
        self.updates = Updates(self, stepped)

    def _settle_states(self, optimizer: Optimizer) -> None:
        moved = _in_order(optimizer, {id(p) for p, state in optimizer.state.items() if state})
        self.program.structures.append((optimizer, optimise.structure(optimizer)))
        if type(optimizer) in optimise.RULES:
            home.settle_states(optimizer, moved)
            known = home.STATES[optimizer]
            for p in moved:
                names = [n for n, v in optimizer.state[p].items() if isinstance(v, Tensor)]
                self.program.states.append((optimizer, p, {n: known[p, n] for n in names}))

    def _sources(self) -> None:
        given = len(self.trace.given)
        for slot, array in enumerate(self.trace.arguments):
            name = f"argument {slot}" if slot < given else f"sample {slot - given}"
            self.hold(array, self.graph.source("input", self.shape(array), array.dtype, slot=slot, name=name))
        self.program.samples = list(self.trace.samples)
        self.program.generators = list(self.trace.draws)
        keys = self.program.keys = [0] * len(self.trace.draws)
        self.draws = [
            self.graph.source("scalar", (), WORD, read=Drawn(keys, i), name=f"draw {i}")
            for i in range(len(self.trace.draws))
        ]

    def shape(self, array: Any) -> Any:
        """The shape of an array of the trace, or of memory."""
        return array.shape

    def agrees(self, found: Value, made: Any) -> bool:
        """Whether a rule says what shape an op made."""
        return bool(found.shape == made.shape)

    def start(self, together: flat.Flat, parameter: Any) -> Any:
        """Where a parameter begins among those that are moved together."""
        return together.starts[id(parameter)]

    def attempt(self, op: type[Op], values: list[Any], attrs: dict[str, Any]) -> Value | None:
        """What an op becomes; None where there is no rule."""
        return attempt(self.graph, op, values, attrs)

    def hold(self, array: Any, value: Value) -> None:
        """From here on the array holds this value."""
        key = id(array)
        self.held[key] = value
        self.late.pop(key, None)
        self.types[key] = array.dtype
        self.lost.pop(key, None)
        self._known(array)

    def _known(self, array: Any) -> None:
        if self.roots is not None:
            self.roots.setdefault(id(_root(array)), []).append(array)

    def value(self, array: Any) -> Value:
        """What an array holds now. Raises: Differs."""
        key = id(array)
        if key in self.lost:
            raise self.refuse(self.lost[key])
        if key in self.late:
            _, whole, start = self.late[key]
            self.hold(array, flat.piece(self.graph, whole, start, self.shape(array)))
        if key not in self.held:
            if key in self.comparison.cells:
                self.hold(array, self._first(array))
            elif key in self.comparison.constants:
                self.hold(array, self._constant(array))
            else:
                raise self.refuse("an array that nothing is known of")
        return self.held[key]

    def typed(self, array: Any) -> Value:
        """The same in the element type that the array has (a rule may compute whole numbers as floats)."""
        return self.graph.cast(self.value(array), self.types.get(id(array), array.dtype))

    def _first(self, array: Any) -> Value:
        """What an array holds when the step begins."""
        parameter = self.old.get(id(array))
        together = None if parameter is None else self.flat_of.get(id(parameter))
        if together is None:
            return self.cell(array)
        mine = self.state_cell(together.parameters, "parameters")
        return flat.piece(self.graph, mine, self.start(together, parameter), self.shape(array))

    def cell(self, array: Any) -> Source:
        key, owner = id(array), self.comparison.cells[id(array)][1]
        if key not in self.cells:
            leaf = self.pending.get(key)
            if leaf is not None:
                self.program.carried.append(leaf)
                self.cells[key] = self.state_cell(home.SLOPES[leaf].array, "grad")
                return self.cells[key]
            if key in self.comparison.left:
                raise self.refuse("a gradient that the step before left behind, and this one does not")
            owner = self.old.get(key, owner)
            memory = array if owner is None else owner.array
            self.cells[key] = self.graph.source("cell", self.shape(memory), memory.dtype, array=memory)
            if owner is not None:
                self.program.tensors.append((owner, memory))
        return self.cells[key]

    def state_cell(self, memory: Any, name: str) -> Source:
        if id(memory) not in self.cells:
            shape = self.shape(memory)
            self.cells[id(memory)] = self.graph.source("cell", shape, memory.dtype, array=memory, name=name)
        return self.cells[id(memory)]

    def joined(self, arrays: list[Any]) -> Value:
        """What arrays hold, side by side; what an array alone holds, as it is."""
        values = [self.value(a) for a in arrays]
        if len(values) == 1:
            return values[0]
        key = tuple(map(id, values))
        if key not in self.joins:
            self.joins[key] = flat.joined(self.graph, values)
        return self.joins[key]

    def hold_parts(self, arrays: list[Any], whole: Value) -> None:
        """From here on each array holds its part; made for those that somebody asks for."""
        if len(arrays) == 1:
            self.hold(arrays[0], whole)
            return
        start = 0
        for array in arrays:
            self.held.pop(id(array), None)
            self.lost.pop(id(array), None)
            self._known(array)
            self.late[id(array)] = array, whole, start
            start += math.prod(self.shape(array))

    def _constant(self, array: Any) -> Value:
        if array.dtype.kind in "fi" and (array.size == 1 or all_zeros(array)):
            value = array.item() if array.size == 1 else 0
            return self.graph.add(Fill, shape=self.shape(array), value=value, dtype=array.dtype)
        return self.graph.constant(np.ascontiguousarray(array))

    def write(self, source: Source, value: Value) -> None:
        value = self.graph.cast(self.graph.expand(value, source.shape), source.dtype)
        self.final[id(source)] = (source, value)

    # --------------------------------------------------------------------------------------------------- ops
    def _op(self, op: type[Op], inputs: list[Any], attrs: dict[str, Any], made: Any) -> None:
        values = [self.value(a) if isinstance(a, ARRAYS) else a for a in inputs]
        attrs = {name: self._attribute(value) for name, value in attrs.items()}
        found = None
        drawn = isinstance(attrs.get("draw"), Value)
        if self.lowered or drawn:
            found = self.attempt(op, values, attrs)
        if found is None and drawn:
            raise self.refuse(f"{op.name} draws numbers, and has no rule here")
        if found is None or not self.agrees(found, made):
            found = self._python(op, inputs, attrs, made)
        self.hold(made, found)
        event = self.event
        self.program.calls.append(Call(self.number, op.name, event.line, event.backward, event.module, found))

    def _attribute(self, value: Any) -> Any:
        """An attribute with values in the place of arrays that the step computes, and of draws."""
        if isinstance(value, Draw):
            return self.draws[value.place]
        if isinstance(value, ndarray):
            return value if id(value) in self.comparison.constants else self.value(value)
        if isinstance(value, tuple | list):
            return type(value)(self._attribute(v) for v in value) if type(value) in (tuple, list) else value
        return value

    def _python(self, op: Any, inputs: list[Any], attrs: dict[str, Any], made: Any) -> Value:
        values = [self.typed(a) if isinstance(a, ARRAYS) else a for a in inputs]
        inside = [v for part in attrs.values() for v in leaves(part) if isinstance(v, Value)]
        if inside:
            if any(v.dtype.kind == "b" for v in inside):
                raise self.refuse(f"{op.name}: the shape depends on values")
            op, values, attrs = Rebound(op, attrs, len(inside)), [*values, *inside], {}
        else:
            self._expect_shape(op, values, attrs, made)
        return self.graph.add(Python, *values, op=op, attrs=attrs, shape=made.shape, dtype=made.dtype)

    def _expect_shape(self, op: Any, values: list[Any], attrs: dict[str, Any], made: Any) -> None:
        """Where shapes alone do not say what comes out, the next batch may give another shape."""
        try:
            shape = op.infer(
                *(Abstract(v.shape, v.dtype) if isinstance(v, Value) else v for v in values), **attrs
            ).shape
        except EngineError:
            shape = None
        if shape is None or tuple(shape) != made.shape:
            raise self.refuse(f"{op.name}: the shape depends on values")

    def _copied(self, old: Any, new: Any) -> None:
        try:
            self.hold(new, self.value(old))
        except Differs as unknown:  # to be said if it is read
            self.lost[id(new)] = unknown.reason.sentence

    def _written(self, target: Any, given: Any, _: bool) -> None:
        value = self.graph.cast(self.graph.expand(self.value(given), self.shape(target)), target.dtype)
        self._expect_alone(target)
        self.hold(target, value)
        if id(target) in self.comparison.cells and id(target) not in self.sloping:
            self.write(self.cell(target), value)

    def _expect_alone(self, target: Any) -> None:
        """Others that look into memory that is written to no longer hold what they held."""
        with suppress(Differs):  # it need not have held anything
            self.value(target)
        for other in (self.roots or {}).get(id(_root(target)), []):
            if other is not target and np.may_share_memory(other, target):
                self.lost[id(other)] = "memory is written to through one tensor and read through another"
                if id(other) in self.comparison.cells:
                    raise self.refuse("part of a tensor that lives on is written to")
        if any(a is target or np.may_share_memory(a, target) for a in self.trace.given):
            raise self.refuse("an argument is written to")

    # --------------------------------------------------------------------------------------------- gradients
    def _accumulated(self, leaf: Tensor, g: Any, before: Any, after: Any) -> None:
        value = self.typed(g)
        if before is not None:
            if id(before) not in self.held:
                self.pending[id(before)] = leaf
            value = self.graph.map("add", self.value(before), value)
        self.hold(after, value)

    def _counted(self, tensor: Tensor) -> None:
        self.program.counters.append(tensor)
        self.lost[id(tensor.array)] = "a count is read in the step that changes it"

    def now(self, cell: Source) -> Value:
        """What a cell holds at this point of the step."""
        return self.final[id(cell)][1] if id(cell) in self.final else cell

    def _scheduled(self, scheduler: Any) -> None:
        before = not any(e.what == "stepped" for e in self.trace.events[: self.number])
        self.program.schedules.append((scheduler, before))

    # ------------------------------------------------------------------------------------------------ the end
    def _finish(self) -> None:
        after_of = {id(leaf): after for leaf, after in self.slopes}
        for together in (f for f in self.flats.values() if f.slopes is not None):
            slope = self.joined([after_of[id(p)] for p in together.members])
            self.write(self.state_cell(together.slopes, "grad"), slope)
        for leaf, after in self.slopes:
            if after is None:
                self.program.slopes.append((leaf, None))
                continue
            tensor = home.SLOPES[leaf]
            if id(leaf) not in self.flat_of:
                self.write(self.state_cell(tensor.array, "grad"), self.value(after))
            self.program.slopes.append((leaf, tensor))
        self.program.result = mapped(self._result, self.trace.returned)
        self.graph.writes = list(self.final.values())

    def _result(self, leaf: Any) -> Any:
        if not isinstance(leaf, (Tensor, Number)):
            return leaf
        if leaf.array.__class__ not in ARRAYS:
            raise self.refuse("a result that is not on the CPU")
        owner = self.comparison.cells.get(id(leaf.array), (None, None))[1]
        if owner is leaf:
            return leaf
        kind = leaf.kind if isinstance(leaf, Number) else ""
        value = self.value(leaf.array)
        self.graph.outputs.append(value)
        if self.wants_finite and value.dtype.kind == "f":
            self.graph.finite.append(value)
        return Made(len(self.graph.outputs) - 1, leaf.array.dtype, kind)


def all_zeros(array: Any) -> bool:
    """Whether it holds nothing but 0 (not -0), as what a recurrent layer begins with."""
    return array.size > 0 and not np.ascontiguousarray(array).view(np.uint8).any()


def _in_order(optimizer: Optimizer, moving: set[int]) -> list[Tensor]:
    """The parameters with these ids as they lie in memory, group by group."""
    return [p for group in optimizer.param_groups for p in home.in_order(p for p in group["params"] if id(p) in moving)]


def _root(array: Any) -> Any:
    return array.base if isinstance(getattr(array, "base", None), ndarray) else array
