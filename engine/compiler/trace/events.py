"""What a step does: every op with its arrays as they came and went, and what happened besides ops.

Nothing is interpreted here. Two traces of one step are compared afterwards (`compare.py`), and become a graph
(`assemble.py`). Arrays are known by identity, so a trace holds on to all of them.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path as File
from types import CodeType
from typing import Any

import numpy as np

from engine import rng
from engine.compiler.trace.home import movable
from engine.compiler.trace.numbers import Number, Path, code_of, handed_out, way_out
from engine.compiler.trace.undo import Undo
from engine.graph import Mode, Node, Recorder, current_mode, reset_mode, set_mode
from engine.nn.hooks import EVERYWHERE, register_module_watcher
from engine.nn.module import Module
from engine.ops.op import Op
from engine.optim.optimizer import Optimizer
from engine.sample import Sample
from engine.sweep import current_sweep
from engine.tensor import NUMBERS, Tensor
from engine.tree import leaves

ENGINE = str(File(__file__).parents[2])


@dataclass(frozen=True)
class Draw:
    """In the place of a draw's number: which draw of the step it is, and whose."""

    place: int
    generator: Any


@dataclass(slots=True)
class Event:
    """One thing that a step did. what: "op" with facts (op, inputs, attrs, output), or what `tell` was told."""

    what: str
    facts: tuple[Any, ...]
    line: str
    backward: bool = False
    module: Module | None = None


@dataclass(frozen=True)
class Reason:
    """Why something does not run as it could: a sentence, and the line of the user's program."""

    sentence: str
    line: str = ""

    def __str__(self) -> str:
        return f"{self.sentence} ({self.line})" if self.line else self.sentence


@dataclass
class Stepped:
    """An optimiser's step: for each of its parameters that has a gradient (parameter, its array, the gradient's)."""

    optimizer: Optimizer
    moved: list[tuple[Tensor, Any, Any]]


@dataclass
class Trace:
    """One run of a step: its arguments, what happened in order, what it gave back, and why it can not be replayed.

    returned: what it gave back, with `Number` in the place of numbers that it made of tensors only for that. samples:
    the random numbers that it asked for; their arrays stand behind the arguments. draws: who was asked for the
    number of a mask.
    """

    arguments: list[Any] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    owners: dict[int, Tensor] = field(default_factory=dict)
    modules: dict[int, Module] = field(default_factory=dict)
    draws: list[Any] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    slopes: list[tuple[Tensor, Any]] = field(default_factory=list)
    result: Any = None
    returned: Any = None
    reasons: list[Reason] = field(default_factory=list)
    movable: set[int] = field(default_factory=set)
    """The ids of parameters whose memory nobody else held before (see `home.movable`)."""
    cleared: list[Tensor] = field(default_factory=list)
    """Leaves whose gradient the step forgets and does not compute, as that of frozen parameters."""
    found: list[tuple[Tensor, Any]] = field(default_factory=list)
    """Leaves whose gradient the step did not clear before it added to it, and what was there."""
    unclear: bool = False
    """Whether an argument is no tensor, or a gradient began at what may be something else the next time."""

    @property
    def given(self) -> list[Any]:
        """The arguments alone, without samples behind them."""
        return self.arguments[: len(self.arguments) - len(self.samples)]


class Tracer(Recorder):
    """Fills a trace while the step runs eagerly: `with Tracer(arguments) as trace: ...`.

    undo: remembers what is written, so that it can be taken back; clear: see `Undo.optimizer`.
    """

    def __init__(
        self, arguments: Any, undo: Undo | None = None, clear: bool = False, code: CodeType | None = None
    ) -> None:
        self.undo, self.clear, self.code = undo, clear, code
        self.told: dict[Path, Number] = {}
        self.first = 0
        given = list(leaves(arguments))
        self.trace = Trace([t.array for t in given if isinstance(t, Tensor)], movable=movable())
        self.trace.unclear = not all([isinstance(t, (Tensor, bool, int, float, str)) for t in given])  # noqa: C419
        self.known: dict[int, Any] = {id(a): a for a in self.trace.arguments}
        self.lines: dict[Node, tuple[str, Module | None]] = {}
        self.inside: list[Module | None] = [None]
        self.draws: dict[tuple[int, int], Draw] = {}
        self.dirty: dict[int, tuple[Tensor, str]] = {}
        self.leaves: dict[int, Tensor] = {}
        self.cleared: dict[int, Tensor] = {}
        self.depth, self.line, self.sampling = 0, "", False
        self.module: Module | None = None

    def __enter__(self) -> Trace:
        mode = current_mode()
        if mode.recorders:
            self.refuse("another recorder listens (forward mode, saved-tensor hooks, anomaly detection)")
        if any(not isinstance(watcher, Tracer) for _, watcher in EVERYWHERE.values()):
            self.refuse("hooks of all modules")
        self._token = set_mode(Mode(mode.grad, (*mode.recorders, self)))
        self._handle = register_module_watcher(self)
        rng.LISTENERS.append(self._heard)
        return self.trace

    def __exit__(self, *failure: object) -> None:
        rng.LISTENERS.remove(self._heard)
        self._handle.remove()
        reset_mode(self._token)
        for tensor, line in self.dirty.values():
            self.refuse(f"memory of {list(tensor.shape)} was written to by hand", line)
        self.trace.slopes = [(t, None if t.grad is None else t.grad.array) for t in self.leaves.values()]
        self.trace.cleared = [t for key, t in self.cleared.items() if key not in self.leaves]

    def refuse(self, sentence: str, line: str | None = None) -> None:
        """The step stays eager, because of this."""
        self.trace.reasons.append(Reason(sentence, where() if line is None else line))

    # ------------------------------------------------------------------------------------------------- ops
    def record(self, op: type[Op], inputs: tuple[Any, ...], attrs: dict[str, Any], output: Tensor) -> None:
        """An op ran."""
        if self.depth:
            return
        arrays = [t if t.__class__ in NUMBERS else self._seen(t) for t in inputs]
        backward = current_sweep() is not None
        line, module = (self.line, self.module) if backward else (where(), self.inside[-1])
        if "draw" in attrs:
            attrs = self._drawn(attrs)
        self.known[id(output.array)] = output.array
        self.trace.events.append(Event("op", (op, arrays, attrs, output.array), line, backward, module))
        if output._node is not None:
            self.lines[output._node] = line, module

    def _seen(self, t: Tensor) -> Any:
        array = t.array
        if id(array) not in self.known:
            self.known[id(array)] = array
            self.trace.owners[id(array)] = t
        return array

    def _drawn(self, attrs: dict[str, Any]) -> dict[str, Any]:
        draw = self.draws.get((attrs["seed"], attrs["draw"]))
        return attrs if draw is None else {**attrs, "seed": 0, "draw": draw}

    def copied(self, old: Tensor, new: Tensor) -> None:
        """`new` holds what `old` held before a write in place."""
        if not self.depth:
            self._add("copied", self._seen(old), new.array)
            self.known[id(new.array)] = new.array

    def written(self, target: Tensor, value: Tensor) -> None:
        """`value` was written into the memory of `target`."""
        if not self.depth:
            self._add("written", self._seen(target), self._seen(value), target._view is not None)

    def enter(self, node: Node, inputs: list[Any], output: Any) -> None:
        """A backward walk comes to a node: what follows belongs to the line that made it."""
        self.line, self.module = self.lines.get(node, (self.line, self.module))
        notes = node.notes
        if notes is not None and (notes.tensor or notes.before or notes.after):
            self.refuse("a hook on a gradient", self.line)

    def _add(self, what: str, *facts: Any) -> None:
        backward = current_sweep() is not None
        self.trace.events.append(Event(what, facts, self.line if backward else where(), backward))

    # --------------------------------------------------------------------------------- what is no op
    def happened(self, what: str, *facts: Any) -> bool | None:
        """See `engine.graph.tell`."""
        if self.depth:
            self.depth += {"stepping": 1, "scheduling": 1, "stepped": -1, "scheduled": -1}.get(what, 0)
            return None
        hear = getattr(self, f"_hear_{what}", None)
        return None if hear is None else hear(*facts)

    def _hear_looked(self, t: Tensor, what: str) -> None:
        way = way_out(sys._getframe(), self.code)
        if way is None or t.array.__class__ is not np.ndarray:
            self.refuse(f"{what} looks at a value, so Python decides what comes next")
        else:
            path, kind = way
            self.first = self.first if self.told else len(self.trace.events)
            self.told[path] = Number(self._seen(t), kind)

    def _hear_pointed(self, t: Tensor, array: Any) -> None:
        if array is not t.array:  # as it is after w.data *= 2
            self.refuse(f"a tensor of {list(t.shape)} is given other memory (.data = ...): write into it, w.copy_(...)")

    def _hear_writing(self, t: Tensor) -> None:
        if self.undo is not None:
            self.undo.memory(t)

    def _hear_changed(self, t: Tensor) -> None:
        self.dirty[id(t.array)] = (t, where())

    def _hear_clearing(self, parameters: list[Tensor]) -> None:
        self.cleared.update((id(p), p) for p in parameters)

    def _hear_counted(self, t: Tensor) -> None:
        self.dirty.pop(id(t.array), None)
        self._add("counted", t)
        if self.undo is not None:
            self.undo.count(t)

    def _hear_accumulated(self, leaf: Tensor, g: Tensor, known: Tensor | None) -> None:
        before = None if known is None else self._seen(known)
        if is_hooked(leaf):
            self.refuse("a hook on a parameter's gradient")
        if leaf._node is not None:
            self.refuse("retain_grad() of a tensor that the step computes")
        after = leaf.grad.array if leaf.grad is not None else None
        self.dirty.pop(id(after), None)
        self._seen(leaf)
        self._add("accumulated", leaf, self._seen(g), before, after)
        self.known[id(after)] = after
        if id(leaf) not in self.leaves and id(leaf) not in self.cleared:
            self.trace.found.append((leaf, before))
            self.trace.unclear = True
        self.leaves[id(leaf)] = leaf

    def _hear_measured(self, tensors: list[Tensor], kind: float, strict: bool, found: Tensor) -> None:
        if strict:
            self.refuse("error_if_nonfinite looks at the gradients")
        self._add("measured", [self._seen(t) for t in tensors], kind, found.array)
        self.known[id(found.array)] = found.array

    def _hear_scaled(self, tensors: list[Tensor], limit: float, norm: Any) -> None:
        self._forgive(tensors)
        norm = self._seen(norm) if isinstance(norm, Tensor) else norm
        self._add("scaled", [self._seen(t) for t in tensors], limit, norm)

    def _hear_clipped(self, t: Tensor, limit: float) -> None:
        self._forgive([t])
        self._add("clipped", self._seen(t), limit)

    def _forgive(self, tensors: list[Tensor]) -> None:
        for t in tensors:
            self.dirty.pop(id(t.array), None)

    def _hear_stepping(self, optimizer: Optimizer, args: Any, kwargs: Any) -> bool | None:
        self.depth = 1
        if any(a is not None for a in (*args, *kwargs.values())):
            self.refuse(f"{type(optimizer).__name__}.step(closure) computes the loss as often as it likes")
        if is_hooked(optimizer):
            self.refuse("a hook on the optimiser's step")
        if self.undo is not None:
            self.undo.optimizer(optimizer, self.clear)
        parameters = [p for group in optimizer.param_groups for p in group["params"] if p.grad is not None]
        moved = [(p, self._seen(p), self._seen(p.grad)) for p in parameters]
        self._add("stepped", Stepped(optimizer, moved))
        return None

    def _hear_scheduling(self, scheduler: Any, args: Any, kwargs: Any) -> None:
        self.depth = 1
        if args or kwargs:
            self.refuse(f"{type(scheduler).__name__}.step() with an argument")
        self._add("scheduled", scheduler)
        if self.undo is not None:
            self.undo.schedule(scheduler)

    def _hear_sampling(self, sample: Sample) -> bool | None:
        self.sampling = True
        return None

    def _hear_sampled(self, sample: Sample, array: Any) -> None:
        self.sampling = False
        self.known[id(array)] = array
        self.trace.arguments.append(array)
        self.trace.samples.append(sample)

    # ------------------------------------------------------------------------------ modules and generators
    def called(self, module: Module) -> None:
        """A module is about to compute."""
        if self not in current_mode().recorders:
            return
        if id(module) not in self.trace.modules and (
            module._forward_hooks or module._forward_pre_hooks or module._backward_hooks or module._backward_pre_hooks
        ):
            self.refuse(f"a hook on {type(module).__name__}")
        self.trace.modules[id(module)] = module
        self.inside.append(module)

    def returned(self, module: Module) -> None:
        """A module has computed."""
        if self in current_mode().recorders and self.inside[-1] is module:
            self.inside.pop()

    def _heard(self, generator: Any, method: str, given: Any) -> None:
        if self not in current_mode().recorders:
            return
        if self.undo is not None:
            self.undo.draw(generator, method)
        if self.depth or self.sampling:
            return
        if method in ("manual_seed", "set_state"):
            self.refuse("the step sets a generator to a state")
            return
        if method != "draw":
            self.refuse(f"random numbers drawn inside of the step ({method})")
            return
        self.draws[given] = Draw(len(self.trace.draws), generator)
        self.trace.draws.append(generator)


_FILES: dict[str, str] = {}
"""The name of a file by its path, empty for the engine's own."""


def where() -> str:
    """The line of the user's program that is being run: the innermost one outside of the engine."""
    frame: Any = sys._getframe(3)  # the tracer's own, and whoever called it
    while frame is not None:
        path = frame.f_code.co_filename
        file = _FILES.get(path)
        if file is None:
            file = _FILES[path] = "" if path.startswith((ENGINE, "<frozen")) else File(path).name
        if file:
            return f"{file}:{frame.f_lineno}"
        frame = frame.f_back
    return ""


def watched(step: Any, args: Any, kwargs: Any, undo: Undo | None = None, clear: bool = False) -> Trace:
    """Run a step eagerly, and what it did."""
    tracer = Tracer((args, kwargs), undo, clear, code_of(step))
    with tracer as trace:
        trace.result = trace.returned = step(*args, **kwargs)
    if tracer.told and any(e.what != "op" for e in trace.events[tracer.first :]):
        trace.reasons.append(Reason("a number is made of a tensor before all is done that the step does to tensors"))
    try:
        trace.returned = handed_out(trace.result, tracer.told)
    except LookupError:
        trace.reasons.append(Reason("a number is made of a tensor and does not come out as the code says"))
    return trace


def is_hooked(what: Any) -> bool:
    """Whether somebody has hung a function on a leaf's gradient, or on an optimiser's step."""
    if isinstance(what, Optimizer):
        return bool(what._hooks["step_pre"] or what._hooks["step_post"])
    notes = what._hooks
    return notes is not None and bool(notes.tensor or notes.before or notes.stored)


def is_piece(trace: Trace) -> bool:
    """Whether somebody else may walk back through what it gave."""
    known = [t for t in leaves(trace.result) if isinstance(t, Tensor) and t._node is not None]
    return bool(known) and not any([event.backward for event in trace.events])  # noqa: C419
