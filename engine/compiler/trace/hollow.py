"""A plain step watched without computing it: on arguments of which only shapes are known. Its first call is compiled.

Its own code is straight (`plain.py`), so whatever it does, the engine does for it, and tells: memory that is written,
numbers that are drawn, counts and schedules are as they were afterwards. Optimisers do not step; they get the states
that their rules would make. Where anything asks for a number, the step is watched as it runs, as any other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from engine.compiler.lowering import optimise
from engine.compiler.trace.compare import ARRAYS
from engine.compiler.trace.events import Trace, Tracer
from engine.compiler.trace.undo import Undo
from engine.elements import Abstract
from engine.errors import EngineError
from engine.ops.op import Op
from engine.optim.optimizer import Optimizer, with_numbers
from engine.optim.sgd import SGD
from engine.sample import Sample
from engine.tensor import NUMBERS, Tensor, wrap
from engine.tree import leaves, rebuilt

ndarray = np.ndarray


class NotHollow(EngineError):
    """The step asks for numbers."""


def watched_hollow(step: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Trace, Undo] | None:
    """What a step would do, and how to take back that optimisers have states now; nothing else is changed.

    None where it can not be told without numbers; then nothing is changed at all.
    """
    every = leaves((args, kwargs))
    given = [t for t in every if isinstance(t, Tensor)]
    if any([t._requires_grad or t.array.__class__ is not ndarray for t in given]):  # noqa: C419
        return None
    every = [_hollow(t) for t in every]
    args, kwargs = rebuilt((args, kwargs), iter(every))
    back, states = Undo(), Undo()
    shadow = Shadow(every, back, states, [t.array for t in given])
    told = False
    try:
        with shadow as trace:
            trace.result = trace.returned = step(*args, **kwargs)
        told = not trace.reasons
    except Exception:  # whatever it is, it is met again, and said, where the step runs
        return None
    finally:
        for leaf, before in shadow.slopes.values():
            leaf.grad = before
        back.run()
        if not told:
            states.run()
    return (trace, states) if told else None


def _hollow(t: Any) -> Any:
    """An argument without its numbers; whole numbers stay, which name classes and rows."""
    return wrap(Abstract.of(t.array), type(t)) if isinstance(t, Tensor) and t.array.dtype.kind == "f" else t


class Shadow(Tracer):
    """A tracer of a step that does not compute. states: takes back the states that optimisers get; theirs: the arrays
    of the arguments."""

    def __init__(self, arguments: Any, undo: Undo, states: Undo, theirs: list[Any]) -> None:
        super().__init__(arguments, undo)
        self.states, self.theirs = states, theirs
        self.slopes: dict[int, tuple[Tensor, Tensor | None]] = {}

    def record(self, op: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any], output: Tensor) -> None:
        """An op was told what it would make. Raises: NotHollow; the op's own error where it refuses whole numbers."""
        super().record(op, inputs, attrs, output)
        if self.depth or output.array.__class__ is not Abstract:
            return
        more = [v for v in attrs.values() if v.__class__ not in NUMBERS] if attrs else ()
        if op.asks or (more and any(isinstance(v, ARRAYS) for v in leaves(more))):
            raise NotHollow(op.name, "an op that does not look at numbers")
        event = self.trace.events[-1]
        if not event.backward:  # on the way back the same ones are read again
            arrays = event.facts[1]
            if any([a.__class__ is ndarray and a.ndim and a.dtype.kind in "iu" for a in arrays]):  # noqa: C419
                (op.named or op.forward)(np, *(arrays if op.named else map(_zeros, arrays)), **attrs)

    def written(self, target: Tensor, value: Tensor) -> None:
        """Only memory that lives on can be written to unseen: whoever looks into an array made here is not known."""
        hollow = target._view is not None or target.array.__class__ is Abstract
        if hollow or any(np.may_share_memory(a, target.array) for a in self.theirs):
            raise NotHollow("in-place", "memory from before the step, of no argument")
        super().written(target, value)

    def _hear_unknown(self, t: Tensor) -> bool:
        return True

    def _hear_sampling(self, sample: Sample) -> bool:
        """Nothing need be drawn, but whole numbers name classes and rows."""
        super()._hear_sampling(sample)
        if sample.dtype.kind != "f":
            raise NotHollow("a sample", "floats", str(sample.dtype))
        return True

    def _hear_accumulated(self, leaf: Tensor, g: Tensor, known: Tensor | None) -> None:
        self.slopes.setdefault(id(leaf), (leaf, known))
        super()._hear_accumulated(leaf, g, known)

    def _hear_stepping(self, optimizer: Optimizer, args: Any, kwargs: Any) -> bool:
        """The optimiser need not step."""
        undo, self.undo = self.undo, None
        super()._hear_stepping(optimizer, args, kwargs)  # what is told from here on is part of it
        if type(optimizer) not in optimise.RULES:
            raise NotHollow(type(optimizer).__name__, "an optimiser with a rule")
        for group in optimizer.param_groups:
            self._begin(optimizer, with_numbers(group))
        self.undo, self.depth = undo, 0
        return True

    def _begin(self, optimizer: Optimizer, group: dict[str, Any]) -> None:
        """States for the parameters that have none: those of a single number after a step along 0."""
        new = [p for p in group["params"] if p.grad is not None and not optimizer.state.get(p)]
        if not new:
            return
        if isinstance(optimizer, SGD) and group["momentum"] and group["dampening"]:
            raise NotHollow("SGD", "no dampening: it leaves the first step out")
        first = _first_state(optimizer, group)
        if first:
            self.states.begun(optimizer, new)
            for p in new:
                optimizer.state[p].update({name: _first(v, p) for name, v in first.items()})


_FIRST: dict[Any, dict[str, Any]] = {}


def _first_state(optimizer: Optimizer, group: dict[str, Any]) -> dict[str, Any]:
    """The state of a single number after a step along 0, which is the same for the same settings: hollow where it is 0,
    and where it counts steps."""
    key = type(optimizer), *[v for name, v in group.items() if name not in ("params", "param_names") and v.__hash__]
    if key not in _FIRST:
        one = wrap(np.zeros(1, np.float32))
        one.grad = wrap(np.zeros(1, np.float32))
        optimizer.update({**group, "params": [one]})
        if len(_FIRST) > 64:
            _FIRST.clear()
        _FIRST[key] = optimizer.state.pop(one, {})
        for name, v in _FIRST[key].items():
            if isinstance(v, Tensor) and (name == "step" or not v.array.any()):
                v.array = Abstract.of(v.array)
    return _FIRST[key]


def _zeros(a: Any) -> Any:
    return np.broadcast_to(a.dtype.type(0), a.shape) if a.__class__ is Abstract else a


def _first(one: Any, p: Tensor) -> Any:
    """A state in the shape of a parameter, or of none; one that is hollow is 0."""
    if not isinstance(one, Tensor):
        return one
    shape, dtype = p.array.shape if one.array.shape else (), one.array.dtype
    return wrap(Abstract(shape, dtype) if one.array.__class__ is Abstract else np.full(shape, one.array, dtype))
