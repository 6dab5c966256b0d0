"""What happens to gradients and parameters besides ops: clipping, and the steps of optimisers, group by group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.compiler.graph.ir import Source, Value
from engine.compiler.lowering import optimise
from engine.compiler.trace import home
from engine.compiler.trace.compare import ARRAYS
from engine.compiler.trace.events import Stepped
from engine.compiler.trace.flat import Flat
from engine.optim.optimizer import Optimizer
from engine.tensor import Tensor, wrap

Assembly = Any
"""`engine.compiler.trace.assemble.Assembly`, which stands above this file."""


@dataclass(frozen=True)
class Own:
    """An optimiser without a rule runs its own step, of gradients that the graph has computed."""

    optimizer: Optimizer
    parameters: list[Tensor]

    def __call__(self, *arrays: Any) -> None:
        before = [p.grad for p in self.parameters]
        for p, a in zip(self.parameters, arrays, strict=True):
            p.grad = wrap(a)
        self.optimizer.step()
        for p, g in zip(self.parameters, before, strict=True):
            p.grad = g

    def __str__(self) -> str:
        return f"the step of {type(self.optimizer).__name__} has no rule here"


class Updates:
    """Nodes for the events that `trace.Tracer` calls measured, scaled, clipped and stepped."""

    def __init__(self, assembly: Assembly, steps: list[Stepped]) -> None:
        self.assembly, self.graph = assembly, assembly.graph
        self.owners = {id(slope): p for s in steps for p, _, slope in s.moved}

    # --------------------------------------------------------------------------------------------- gradients
    def measured(self, slopes: list[Any], kind: float, made: Any) -> None:
        """The norm of gradients."""
        if kind == 0 or not slopes:
            raise self.assembly.refuse(f"a norm of kind {kind}")
        values = [self.assembly.joined(arrays) for arrays in self._together(slopes)]
        self.assembly.hold(made, optimise.norm(self.graph, values, kind))

    def scaled(self, slopes: list[Any], limit: float, total: Any) -> None:
        """Gradients times what makes their norm small enough."""
        m = self.graph.map
        if isinstance(total, ARRAYS):
            scale: Any = m("min", m("div", float(limit), m("add", self.assembly.value(total), 1e-6)), 1.0)
        else:
            scale = min(1.0, limit / (float(total) + 1e-6))
        for arrays in self._together(slopes):
            self.assembly.hold_parts(arrays, m("mul", self.assembly.joined(arrays), scale))

    def clipped(self, slope: Any, limit: float) -> None:
        """A gradient between two numbers."""
        low = self.graph.map("max", self.assembly.value(slope), -float(limit))
        self.assembly.hold(slope, self.graph.map("min", low, float(limit)))

    def _together(self, slopes: list[Any]) -> list[list[Any]]:
        """Gradients in lists of those that lie side by side."""
        mine = {id(self.owners.get(id(a))): a for a in slopes}
        lists = []
        for together in self.assembly.flats.values():
            if all(id(p) in mine for p in together.members):
                lists.append([mine.pop(id(p)) for p in together.members])
        used = {id(a) for arrays in lists for a in arrays}
        return [*lists, *([a] for a in slopes if id(a) not in used)]

    # -------------------------------------------------------------------------------------------- optimisers
    def stepped(self, step: Stepped) -> None:
        """A step of an optimiser: by its rule, or by itself after the graph."""
        if self.assembly.wants_finite:
            slopes = self._together([slope for _, _, slope in step.moved])
            self.graph.finite += [self.assembly.joined(arrays) for arrays in slopes]
        if type(step.optimizer) not in optimise.RULES:
            self._effect(step, [self.assembly.value(slope) for _, _, slope in step.moved])
            return
        try:
            self._by_rule(step.optimizer, step.moved)
        except KeyError as missing:
            raise self.assembly.refuse(f"the optimiser's state has no {missing} yet") from None

    def _effect(self, step: Stepped, slopes: list[Value]) -> None:
        for _, array, _ in step.moved:
            self.assembly.value(array)
            self.assembly.lost[id(array)] = f"a parameter is read after the step of {type(step.optimizer).__name__}"
        self.graph.effects.append((Own(step.optimizer, [p for p, _, _ in step.moved]), tuple(slopes)))

    def _by_rule(self, optimizer: Optimizer, moved: list[tuple[Tensor, Any, Any]]) -> None:
        given = {id(p): (array, slope) for p, array, slope in moved}
        steps = self._counted(optimizer, given)
        states: dict[int, dict[str, Any]] = {}
        for (p, name), memory in home.STATES[optimizer].items():
            states.setdefault(id(p), {})[name] = memory
        for place, group in enumerate(optimizer.param_groups):
            together = self.assembly.flats.get((id(optimizer), place))
            shared: dict[Any, optimise.Settings] = {}
            if together is not None:
                self._at_once(together, place, given, steps)
                continue
            for p in (p for p in group["params"] if id(p) in given):
                key, number = steps.get(id(p), (None, None))
                s = shared.setdefault(key, optimise.Settings(self.graph, optimizer, place, {}, number))
                array, slope = (self.assembly.value(a) for a in given[id(p)])
                after = optimise.RULES[type(optimizer)](s, _States(self.assembly, states.get(id(p), {})), array, slope)
                self.assembly.hold(given[id(p)][0], after)
                self.assembly.write(self.assembly.cell(given[id(p)][0]), after)

    def _counted(self, optimizer: Optimizer, given: dict[int, Any]) -> dict[int, tuple[Source, Value]]:
        """By the parameter's id: the cell that counts its steps, and the number of this one."""
        steps: dict[int, tuple[Source, Value]] = {}
        for vector, members in home.COUNTS.get(optimizer, []):
            moving = [id(p) in given for p in members]
            if any(moving):
                cell = self.assembly.state_cell(vector, "steps")
                after, now = optimise.counted(self.graph, self.assembly.now(cell), moving)
                self.assembly.write(cell, after)
                steps |= {id(p): (cell, now) for p in members}
        return steps

    def _at_once(self, together: Flat, place: int, given: dict[int, Any], steps: dict[int, Any]) -> None:
        """The update of a whole group."""
        arrays = [given[id(p)][0] for p in together.members]
        before = self.assembly.joined(arrays)
        slope = self.assembly.joined([given[id(p)][1] for p in together.members])
        number = steps.get(id(together.members[0]), (None, None))[1]
        s = optimise.Settings(self.graph, together.optimizer, place, {}, number)
        states = _States(self.assembly, together.states)
        after = optimise.RULES[type(together.optimizer)](s, states, before, slope)
        self.assembly.hold_parts(arrays, after)
        self.assembly.write(self.assembly.state_cell(together.parameters, "parameters"), after)


class _States:
    """The state of one parameter, or of all of a group, as a rule sees it. known: name -> memory."""

    def __init__(self, assembly: Assembly, known: dict[str, Any]) -> None:
        self._assembly, self._known = assembly, known

    def read(self, name: str) -> Value:
        """What the state holds. Raises: KeyError."""
        found: Value = self._assembly.now(self._cell(name))
        return found

    def _cell(self, name: str) -> Source:
        found: Source = self._assembly.state_cell(self._known[name], name)
        return found

    def write(self, name: str, value: Value) -> None:
        """What it holds from now on."""
        self._assembly.write(self._cell(name), value)
