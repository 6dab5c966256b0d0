"""What a trace says once all that lives has its home: which ops ran on what, and how memory lies, as a key and sizes.

Traces that say the same, sizes aside, become programs that are the same, sizes aside (see `alike.py`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.compiler.lowering import optimise
from engine.compiler.lowering.told import PLAIN as ATTRIBUTES
from engine.compiler.reuse.resized import LARGE, LONG
from engine.compiler.trace import home
from engine.compiler.trace.assemble import Assembly, all_zeros
from engine.compiler.trace.compare import ARRAYS
from engine.compiler.trace.events import Draw, Event
from engine.compiler.trace.numbers import Number
from engine.compiler.trace.reach import PLAIN
from engine.graph import Size
from engine.nn.module import Module
from engine.optim.optimizer import Optimizer
from engine.tensor import NUMBERS, Tensor

OPEN = ("shape", "size", "key", "widths")
"""The attributes of ops whose whole numbers are sizes, or places."""


class TooMuch(Exception):
    """A trace says more than can be said again."""


@dataclass(slots=True)
class Memory:
    """Memory that lives from step to step. like: the arrays of the trace that it is as large as, () where its size is
    structure; owner: whose it is, if it is one tensor's."""

    array: Any
    like: tuple[Any, ...]
    owner: Tensor | None = None


class Heard:
    """What a trace says once all is settled. key: what happened, with the order of sizes in the place of these; sizes:
    those in order; arrays, optimizers, modules, memory: what is spoken of, in order; made: what ops made, whose shapes
    follow from what they read. Raises: TooMuch."""

    def __init__(self, assembly: Assembly) -> None:
        self.assembly, self.comparison = assembly, assembly.comparison
        self.arrays: list[Any] = []
        self.made: list[Any] = []
        self.optimizers: list[Optimizer] = []
        self.modules: list[Module | None] = []
        self._place: dict[int, int] = {}
        self._who: dict[int, int] = {}
        self._sizes: dict[int, int] = {}
        self._words: list[Any] = [assembly.wants_finite, len(assembly.trace.draws), len(assembly.trace.samples)]
        trace = assembly.trace
        if len(trace.events) > LONG:
            raise TooMuch("a long step, whose graph is too long to be known again")
        self._words += [self._array(a) for a in trace.arguments]
        for event in trace.events:
            getattr(self, f"_{event.what}")(event, *event.facts)
        self._words += [(self._tensor(t), -1 if a is None else self._array(a)) for t, a in trace.slopes]
        self._words.append(self._result(trace.returned))
        self.memory = _memory(assembly, self.optimizers)
        self._lies()
        self.key, self.sizes = tuple(self._words), tuple(self._sizes)

    def _numbered(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """A shape with the order of its sizes in the place of these; 0 and 1 are no sizes."""
        sizes = self._sizes
        return tuple([n if n < 2 else ~sizes.setdefault(n, len(sizes)) for n in shape])

    def _array(self, a: Any) -> int:
        place = self._place.get(id(a))
        if place is None:
            place = self._place[id(a)] = len(self._place)
            self.arrays.append(a)
            self._words.append((self._numbered(a.shape), a.dtype.char, self._before(a)))
        return place

    def _before(self, a: Any) -> Any:
        """Where an array comes from, if it is not an argument and nothing made it."""
        cell = self.comparison.cells.get(id(a))
        if id(a) in self.comparison.left:
            raise TooMuch("a gradient from before the step")
        if cell is not None:
            return "alone" if cell[1] is None else "owned"
        if id(a) not in self.comparison.constants:
            return None
        if a.dtype.kind in "fi" and all_zeros(a):
            return "zeros"
        if a.nbytes > LARGE:
            raise TooMuch("a large constant")
        return a.shape, a.tobytes()

    def _tensor(self, t: Any) -> int:
        return self._who.setdefault(id(t), len(self._who))

    def _module(self, module: Module | None) -> int:
        place = self._who.get(id(module))
        if place is None:
            place = self._who[id(module)] = len(self._who)
            self.modules.append(module)
        return place

    # --------------------------------------------------------------------------------------------------- events
    def _op(self, event: Event, op: Any, inputs: list[Any], attrs: dict[str, Any], made: Any) -> None:
        place = self._place
        read = [place[id(a)] if id(a) in place else self._input(a) for a in inputs]
        told = [self._attribute(name, v) for name, v in attrs.items()] if attrs else ()
        out = place.setdefault(id(made), len(place))
        self.made.append(made)
        self._words.append((op, event.line, event.backward, self._module(event.module), out, *read, *told))

    def _input(self, x: Any) -> Any:
        if isinstance(x, ARRAYS):
            return self._array(x)
        if x.__class__ not in NUMBERS:
            raise TooMuch("an array of another library")
        return x.__class__, repr(x)

    def _attribute(self, name: str, value: Any) -> Any:
        if isinstance(value, Draw):
            return name, value.place
        return name, self._said(value, name in OPEN)

    def _said(self, value: Any, is_open: bool) -> Any:
        """An attribute, with the order of sizes in the place of these where it has such."""
        if is_open and value.__class__ is int and value >= 2:
            return self._sizes.setdefault(value, len(self._sizes))
        if value.__class__ in (tuple, list, Size):
            return value.__class__, *[self._said(v, is_open) for v in value]
        if value.__class__ is slice:
            return slice, *[self._said(v, is_open) for v in (value.start, value.stop, value.step)]
        if not isinstance(value, ATTRIBUTES):
            raise TooMuch(f"an attribute that is a {type(value).__name__}")
        return repr(value)

    def _accumulated(self, _: Event, leaf: Tensor, g: Any, before: Any, after: Any) -> None:
        if before is not None and id(before) not in self._place:
            raise TooMuch("a gradient from before the step")
        if self.comparison.passes(leaf):
            raise TooMuch("a leaf that the step makes")
        old = -1 if before is None else self._array(before)
        self._words.append((self._tensor(leaf), self._array(g), old, self._array(after)))

    def _stepped(self, _: Event, step: Any) -> None:
        optimizer, moved = step.optimizer, [(self._tensor(p), self._array(a), self._array(g)) for p, a, g in step.moved]
        if type(optimizer) not in optimise.RULES:
            raise TooMuch("an optimiser without a rule")
        if not any(o is optimizer for o in self.optimizers):
            self.optimizers.append(optimizer)
        self._words.append((type(optimizer), self._tensor(optimizer), *moved))

    def _scheduled(self, _: Event, scheduler: Any) -> None:
        self._words.append("scheduled")

    def _measured(self, _: Event, arrays: list[Any], kind: float, made: Any) -> None:
        self._words.append(("measured", repr(kind), *map(self._array, arrays), self._array(made)))

    def _scaled(self, _: Event, arrays: list[Any], limit: float, total: Any) -> None:
        told = self._array(total) if isinstance(total, ARRAYS) else repr(total)
        self._words.append(("scaled", repr(limit), told, *map(self._array, arrays)))

    def _copied(self, _: Event, old: Any, new: Any) -> None:
        self._words.append(("copied", self._array(old), self._array(new)))

    def _written(self, _: Event, target: Any, given: Any, is_view: bool) -> None:
        """It matters who else looks into this memory."""
        if not isinstance(target, np.ndarray):
            raise TooMuch("an array that was not computed is written to")
        here = self._array(target), self._array(given)
        real = [a for a in (*self.arrays, *self.made) if isinstance(a, np.ndarray) and a is not target]
        self._words.append(("written", *here, *[self._place[id(a)] for a in real if np.may_share_memory(a, target)]))

    def _counted(self, _: Event, tensor: Tensor) -> None:
        self._words.append(("counted", self._tensor(tensor)))

    def _clipped(self, _: Event, array: Any, limit: float) -> None:
        self._words.append(("clipped", repr(limit), self._array(array)))

    # ---------------------------------------------------------------------------------------------- what is left
    def _result(self, result: Any) -> Any:
        if result.__class__ in (tuple, list, dict):
            parts = result.items() if result.__class__ is dict else enumerate(result)
            return result.__class__, *[(repr(name), self._result(part)) for name, part in parts]
        if isinstance(result, Number):
            return result.kind, self._array(result.array)
        if isinstance(result, Tensor):
            if self.comparison.cells.get(id(result.array), (None, None))[1] is result:
                raise TooMuch("a result that lives on")
            if result.array.__class__ not in ARRAYS:
                raise TooMuch("a result that is not on the CPU")
            return self._array(result.array)
        if result.__class__ not in PLAIN:
            raise TooMuch("a result of another kind")
        return repr(result)

    def _lies(self) -> None:
        """How memory lies: which of it is the same, and what lies side by side."""
        first: dict[int, int] = {}
        words, number = self._words, self._who
        words += [(first.setdefault(id(m.array), len(first)), m.array.dtype.char) for m in self.memory]
        words += [structure for _, structure in self.assembly.program.structures]
        for o in self.optimizers:
            words += [tuple(map(self._tensor, group["params"])) for group in o.param_groups]
            words += [(number.get(id(p)), name) for p, name in home.STATES[o]]
            words += [tuple([number.get(id(p)) for p in members]) for _, members in home.COUNTS.get(o, ())]
        for (_, place), f in self.assembly.flats.items():
            members = [number[id(p)] for p in f.members]
            words.append((number[id(f.optimizer)], place, f.slopes is None, *f.states, *members))


def _memory(assembly: Assembly, optimizers: list[Optimizer]) -> list[Memory]:
    """All memory that cells of a graph may be made of, in an order that does not depend on sizes."""
    before = {id(p): array for s in assembly.steps for p, array, _ in s.moved}
    found = []
    for array, owner in assembly.comparison.cells.values():
        owner = assembly.old.get(id(array), owner)
        found.append(Memory(array if owner is None else owner.array, (array,), owner))
    for f in assembly.flats.values():
        parts = tuple([before[id(p)] for p in f.members])
        found += [Memory(m, parts) for m in (f.parameters, f.slopes, *f.states.values()) if m is not None]
    found += [
        Memory(home.SLOPES[t].array, (before.get(id(t), t.array),)) for t, a in assembly.trace.slopes if a is not None
    ]
    for o in optimizers:
        states = [(m, before[id(p)]) for (p, name), m in home.STATES[o].items() if name != "step" and id(p) in before]
        if any(m.shape != like.shape for m, like in states):
            raise TooMuch("a state of another shape than its parameter")
        found += [Memory(m, (like,)) for m, like in states]
        found += [Memory(vector, ()) for vector, _ in home.COUNTS.get(o, ())]
    return found
