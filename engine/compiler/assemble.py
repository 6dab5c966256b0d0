"""From a trace to a graph: the events in order, each array followed through everything that was done to its memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.compiler import home, optimise
from engine.compiler.compare import Comparison, Differs, ndarray
from engine.compiler.ir import WORD, Fill, Graph, Origin, Python, Source, Value
from engine.compiler.lower import attempt
from engine.compiler.rebound import Rebound
from engine.compiler.recipe import Call, Made, Program
from engine.compiler.trace import Draw, Event, Stepped, Trace, watched
from engine.elements import Abstract
from engine.errors import EngineError
from engine.ops.op import Op
from engine.optim.optimizer import Optimizer
from engine.tensor import Tensor, wrap
from engine.tree import leaves, mapped


def assemble(comparison: Comparison, lowered: bool = True, finite: bool = False) -> Program:
    """The program of a step that was traced twice. lowered: ops as nodes of the graph where there are rules; else each
    op is a Python node. finite: gradients and results must be finite. Raises: Differs."""
    return Assembly(comparison, lowered, finite).run()


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
        self.pending: dict[int, Tensor] = {}
        self.roots: dict[int, list[Any]] = {}
        self.event, self.number = Event("", (), ""), -1

    def run(self) -> Program:
        """The program. Raises: Differs."""
        if self.trace.reasons:
            first = self.trace.reasons[0]
            raise Differs(first.sentence, first.line)
        self._settle()
        self._sources()
        for number, event in enumerate(self.trace.events):
            self.event = event
            name = event.facts[0].name if event.what == "op" else event.what
            self.graph.origin = Origin(number, name, event.line, event.backward)
            self.number = number
            getattr(self, f"_{event.what}")(*event.facts)
        self.graph.origin = Origin()
        self._finish()
        return self.program

    def refuse(self, sentence: str) -> Differs:
        """Why this step has no graph."""
        return Differs(sentence, self.event.line)

    # ----------------------------------------------------------------------------------------------- memory
    def _settle(self) -> None:
        """Everything that optimisers move gets its home before cells are made of it."""
        mine = {id(a) for a in self.trace.arguments}
        for leaf, _ in self.trace.slopes:
            if id(leaf.array) in mine:
                raise Differs("the gradient of an argument is asked for")
        stepped = [e.facts[0] for e in self.trace.events if e.what == "stepped"]
        self.old = {id(array): p for s in stepped for p, array, _ in s.moved}
        home.settle(p for s in stepped for p, _, _ in s.moved)
        home.settle_slopes(leaf for leaf, _ in self.trace.slopes)
        for s in {id(s.optimizer): s for s in stepped}.values():
            self._settle_states(s.optimizer)

    def _settle_states(self, optimizer: Optimizer) -> None:
        moved = [p for group in optimizer.param_groups for p in group["params"] if optimizer.state.get(p)]
        self.program.structures.append((optimizer, optimise.structure(optimizer)))
        if type(optimizer) in optimise.RULES:
            home.settle_states(optimizer, moved)
            known = home.STATES[optimizer]
            for p in moved:
                names = [n for n, v in optimizer.state[p].items() if isinstance(v, Tensor)]
                self.program.states.append((optimizer, p, {n: known[p, n] for n in names}))

    def _sources(self) -> None:
        for slot, array in enumerate(self.trace.arguments):
            self._hold(array, self.graph.source("input", array.shape, array.dtype, slot=slot, name=f"argument {slot}"))
        self.program.generators = list(self.trace.draws)
        keys = self.program.keys = [0] * len(self.trace.draws)
        self.draws = [
            self.graph.source("scalar", (), WORD, read=(lambda i=i: keys[i]), name=f"draw {i}")
            for i in range(len(self.trace.draws))
        ]

    def _hold(self, array: Any, value: Value) -> None:
        """From here on the array holds this value."""
        self.held[id(array)] = value
        self.types[id(array)] = array.dtype
        self.lost.pop(id(array), None)
        self._known(array)

    def _known(self, array: Any) -> None:
        self.roots.setdefault(id(_root(array)), []).append(array)

    def value(self, array: Any) -> Value:
        """What an array holds now. Raises: Differs."""
        key = id(array)
        if key in self.lost:
            raise self.refuse(self.lost[key])
        if key not in self.held:
            if key in self.comparison.cells:
                self._hold(array, self._cell(array))
            elif key in self.comparison.constants:
                self._hold(array, self._constant(array))
            else:
                raise self.refuse("an array that nothing is known of")
        return self.held[key]

    def typed(self, array: Any) -> Value:
        """The same in the element type that the array has (a rule may compute whole numbers as floats)."""
        return self.graph.cast(self.value(array), self.types.get(id(array), array.dtype))

    def _cell(self, array: Any) -> Source:
        key, owner = id(array), self.comparison.cells[id(array)][1]
        if key not in self.cells:
            leaf = self.pending.get(key)
            if leaf is not None:
                self.program.carried.append(leaf)
                self.cells[key] = self._state_cell(home.SLOPES[leaf].array, "grad")
                return self.cells[key]
            owner = self.old.get(key, owner)
            memory = array if owner is None else owner.array
            self.cells[key] = self.graph.source("cell", memory.shape, memory.dtype, array=memory)
            if owner is not None:
                self.program.tensors.append((owner, memory))
        return self.cells[key]

    def _state_cell(self, memory: Any, name: str) -> Source:
        if id(memory) not in self.cells:
            self.cells[id(memory)] = self.graph.source("cell", memory.shape, memory.dtype, array=memory, name=name)
        return self.cells[id(memory)]

    def _constant(self, array: Any) -> Value:
        if array.size == 1 and array.dtype.kind in "fi":
            return self.graph.add(Fill, shape=array.shape, value=array.item(), dtype=array.dtype)
        return self.graph.constant(np.ascontiguousarray(array))

    def _write(self, source: Source, value: Value) -> None:
        value = self.graph.cast(self.graph.expand(value, source.shape), source.dtype)
        self.final[id(source)] = (source, value)

    # --------------------------------------------------------------------------------------------------- ops
    def _op(self, op: type[Op], inputs: list[Any], attrs: dict[str, Any], made: Any) -> None:
        values = [self.value(a) if isinstance(a, ndarray) else a for a in inputs]
        attrs = {name: self._attribute(value) for name, value in attrs.items()}
        found = None
        drawn = isinstance(attrs.get("draw"), Value)
        if self.lowered or drawn:
            found = attempt(self.graph, op, values, attrs)
        if found is None and drawn:
            raise self.refuse(f"{op.name} draws numbers, and has no rule here")
        if found is None or found.shape != made.shape:
            found = self._python(op, inputs, attrs, made)
        self._hold(made, found)
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
        values = [self.typed(a) if isinstance(a, ndarray) else a for a in inputs]
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
        self._hold(new, self.value(old))

    def _written(self, target: Any, given: Any, _: bool) -> None:
        value = self.graph.cast(self.graph.expand(self.value(given), target.shape), target.dtype)
        self._expect_alone(target)
        self._hold(target, value)
        if id(target) in self.comparison.cells:
            self._write(self._cell(target), value)

    def _expect_alone(self, target: Any) -> None:
        """Others that look into memory that is written to no longer hold what they held."""
        self.value(target)
        for other in self.roots.get(id(_root(target)), []):
            if other is not target and np.may_share_memory(other, target):
                self.lost[id(other)] = "memory is written to through one tensor and read through another"
                if id(other) in self.comparison.cells:
                    raise self.refuse("part of a tensor that lives on is written to")
        if any(a is target or np.may_share_memory(a, target) for a in self.trace.arguments):
            raise self.refuse("an argument is written to")

    # --------------------------------------------------------------------------------------------- gradients
    def _accumulated(self, leaf: Tensor, g: Any, before: Any, after: Any) -> None:
        value = self.typed(g)
        if before is not None:
            if id(before) not in self.held:
                self.pending[id(before)] = leaf
            value = self.graph.map("add", self.value(before), value)
        self._hold(after, value)

    def _measured(self, slopes: list[Any], kind: float, made: Any) -> None:
        if kind == 0 or not slopes:
            raise self.refuse(f"a norm of kind {kind}")
        self._hold(made, optimise.norm(self.graph, [self.value(a) for a in slopes], kind))

    def _scaled(self, slopes: list[Any], limit: float, total: Any) -> None:
        m = self.graph.map
        if isinstance(total, ndarray):
            scale: Any = m("min", m("div", float(limit), m("add", self.value(total), 1e-6)), 1.0)
        else:
            scale = min(1.0, limit / (float(total) + 1e-6))
        for a in slopes:
            self._hold(a, m("mul", self.value(a), scale))

    def _clipped(self, slope: Any, limit: float) -> None:
        low = self.graph.map("max", self.value(slope), -float(limit))
        self._hold(slope, self.graph.map("min", low, float(limit)))

    def _counted(self, tensor: Tensor) -> None:
        self.program.counters.append(tensor)
        self.lost[id(tensor.array)] = "a count is read in the step that changes it"

    # -------------------------------------------------------------------------------------------- optimisers
    def _stepped(self, step: Stepped) -> None:
        moved = [(p, array, self.value(slope)) for p, array, slope in step.moved]
        self.graph.finite += [g for _, _, g in moved] if self.wants_finite else []
        if type(step.optimizer) not in optimise.RULES:
            self._effect(step, [g for _, _, g in moved])
            return
        try:
            self._by_rule(step.optimizer, moved)
        except KeyError as missing:
            raise self.refuse(f"the optimiser's state has no {missing} yet") from None

    def _effect(self, step: Stepped, slopes: list[Value]) -> None:
        """An optimiser without a rule runs its own step, after the graph."""
        parameters = [p for p, _, _ in step.moved]

        def run(*arrays: Any) -> None:
            before = [p.grad for p in parameters]
            for p, a in zip(parameters, arrays, strict=True):
                p.grad = wrap(a)
            step.optimizer.step()
            for p, g in zip(parameters, before, strict=True):
                p.grad = g

        for _, array, _ in step.moved:
            self.value(array)
            self.lost[id(array)] = f"a parameter is read after the step of {type(step.optimizer).__name__}"
        self.graph.effects.append((run, tuple(slopes)))

    def _by_rule(self, optimizer: Optimizer, moved: list[tuple[Tensor, Any, Value]]) -> None:
        known = home.STATES[optimizer]
        given = {id(p): (array, g) for p, array, g in moved}
        steps: dict[Tensor, tuple[Source, Value]] = {}
        for vector, members in home.COUNTS.get(optimizer, []):
            moving = [id(p) in given for p in members]
            if any(moving):
                cell = self._state_cell(vector, "steps")
                after, now = optimise.counted(self.graph, self._now(cell), moving)
                self._write(cell, after)
                steps |= dict.fromkeys(members, (cell, now))
        for place, group in enumerate(optimizer.param_groups):
            shared: dict[Any, optimise.Settings] = {}
            for p in (p for p in group["params"] if id(p) in given):
                count = steps.get(p)
                key, number = (None, None) if count is None else count
                s = shared.setdefault(key, optimise.Settings(self.graph, optimizer, place, {}, number))
                array, g = given[id(p)]
                after = optimise.RULES[type(optimizer)](s, _States(self, known, p), self.value(array), g)
                self._hold(array, after)
                self._write(self._cell(array), after)

    def _now(self, cell: Source) -> Value:
        """What a cell holds at this point of the step."""
        return self.final[id(cell)][1] if id(cell) in self.final else cell

    def _scheduled(self, scheduler: Any) -> None:
        before = not any(e.what == "stepped" for e in self.trace.events[: self.number])
        self.program.schedules.append((scheduler, before))

    # ------------------------------------------------------------------------------------------------ the end
    def _finish(self) -> None:
        for leaf, after in self.trace.slopes:
            if after is None:
                self.program.slopes.append((leaf, None))
                continue
            tensor = home.SLOPES[leaf]
            self._write(self._state_cell(tensor.array, "grad"), self.value(after))
            self.program.slopes.append((leaf, tensor))
        self.program.result = mapped(self._result, self.trace.result)
        self.graph.writes = list(self.final.values())

    def _result(self, leaf: Any) -> Any:
        if not isinstance(leaf, Tensor):
            return leaf
        if leaf.array.__class__ is not ndarray:
            raise self.refuse("a result that is not on the CPU")
        owner = self.comparison.cells.get(id(leaf.array), (None, None))[1]
        if owner is leaf:
            return leaf
        value = self.value(leaf.array)
        self.graph.outputs.append(value)
        if self.wants_finite and value.dtype.kind == "f":
            self.graph.finite.append(value)
        return Made(len(self.graph.outputs) - 1, leaf.array.dtype)


class _States:
    """The state of one parameter, as a rule sees it."""

    def __init__(self, assembly: Assembly, known: dict[tuple[Tensor, str], Any], p: Tensor) -> None:
        self._assembly, self._known, self._parameter = assembly, known, p

    def read(self, name: str) -> Value:
        """What the state holds. Raises: KeyError."""
        return self._assembly._now(self._cell(name))

    def _cell(self, name: str) -> Source:
        return self._assembly._state_cell(self._known[self._parameter, name], name)

    def write(self, name: str, value: Value) -> None:
        """What it holds from now on."""
        self._assembly._write(self._cell(name), value)


def _root(array: Any) -> Any:
    return array.base if isinstance(array.base, ndarray) else array


def trace_step(step: Callable[..., Any], args: Any, lowered: bool = True, finite: bool = False) -> Graph:
    """The graph of a training step, which runs eagerly a few times for it: at first optimisers make their states.

    Raises: Differs, with the reason why the step can not be replayed.

    >>> w = engine.ones(2, requires_grad=True)
    >>> [n.kind.name for n in trace_step(lambda x: (w * x).sum(), (engine.ones(2),)).nodes]
    ['map', 'reduce']
    """
    old = watched(step, args, {})
    for attempts_left in (2, 1, 0):
        new = watched(step, args, {})
        try:
            return assemble(Comparison(old, new).run(), lowered, finite).graph
        except Differs:
            if not attempts_left:
                raise
        old = new
    raise Differs("")
