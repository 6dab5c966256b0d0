"""The steps of optimisers as nodes: the formulas of `engine.optim`, with hyper-parameters read before each step.

Whether a setting is 0 decides the formula (no weight decay, no momentum: no nodes for it); its value never does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from engine.compiler.graph.ir import FLOAT, Graph, Slice, Value
from engine.optim.adam import Adam, AdamW
from engine.optim.adaptive import Adagrad, RMSprop
from engine.optim.optimizer import Group, Optimizer
from engine.optim.sgd import SGD
from engine.tensor import Tensor


class States(Protocol):
    """Where a rule finds and leaves the state of a parameter."""

    def read(self, name: str) -> Value:
        """What the state holds before the step."""

    def write(self, name: str, value: Value) -> None:
        """What it holds after the step."""


@dataclass
class Settings:
    """The settings of one group as values of the graph; `steps` is the number of this step, from 1."""

    graph: Graph
    optimizer: Optimizer
    place: int
    made: dict[str, Value]
    steps: Value | None = None

    @property
    def group(self) -> Group:
        """The group as it is now."""
        return self.optimizer.param_groups[self.place]

    def on(self, name: str) -> bool:
        """Whether a setting is given and not 0: part of the program's structure."""
        return bool(number(self.group.get(name, 0)))

    def scalar(self, name: str, of: Callable[[Any], float]) -> Value:
        """A number that is read from the group before every step."""
        if name not in self.made:
            read = Setting(self.optimizer, self.place, of)
            self.made[name] = self.graph.source("scalar", (), FLOAT, read=read, name=name)
        return self.made[name]

    def once(self, name: str, make: Callable[[], Value]) -> Value:
        """A value that all parameters with one count of steps share."""
        if name not in self.made:
            self.made[name] = make()
        return self.made[name]


@dataclass(eq=False, slots=True)
class Setting:
    """A number that is made of the settings of a group, as they are when it is called. of: reads nothing else."""

    optimizer: Optimizer
    place: int
    of: Callable[[Any], float]

    def __call__(self) -> float:
        return self.of(Live(self.optimizer.param_groups[self.place]))


class Live:
    """A group whose settings are attributes and plain numbers."""

    def __init__(self, group: Group) -> None:
        self._group = group

    def __getattr__(self, name: str) -> Any:
        return number(self._group[name])


def number(value: Any) -> Any:
    """A setting as a number, where it may be a tensor."""
    if value.__class__ is float:
        return value
    if isinstance(value, Tensor):
        return value.array.item()
    return tuple([number(v) for v in value]) if value.__class__ in (tuple, list) else value


Rule = Callable[[Settings, States, Value, Value], Value]
RULES: dict[type[Optimizer], Rule] = {}
STRUCTURE = ("momentum", "weight_decay", "nesterov", "maximize", "amsgrad", "centered", "decoupled_weight_decay")


def structure(optimizer: Optimizer) -> tuple[Any, ...]:
    """What must be as it was for a program to hold: the groups' parameters, and which settings are 0."""
    return tuple(
        (len(group["params"]), *(bool(number(group.get(name, 0))) for name in STRUCTURE))
        for group in optimizer.param_groups
    )


def rule(*classes: type[Optimizer]) -> Callable[[Rule], Rule]:
    """Enter a rule for optimisers of exactly these classes: (settings, states, parameter, gradient) -> parameter."""

    def enter(f: Rule) -> Rule:
        RULES.update(dict.fromkeys(classes, f))
        return f

    return enter


def _slope(s: Settings, p: Value, g: Value, decay: bool = True) -> Value:
    """The gradient, turned round to maximise, with weight decay in it."""
    m = s.graph.map
    g = m("neg", g) if s.on("maximize") else g
    if decay and s.on("weight_decay"):
        g = m("add", g, m("mul", p, s.scalar("weight_decay", lambda now: now.weight_decay)))
    return g


def _rate(s: Settings) -> Value:
    return s.scalar("-lr", lambda now: -now.lr)


@rule(SGD)
def _sgd(s: Settings, states: States, p: Value, g: Value) -> Value:
    m, g = s.graph.map, _slope(s, p, g)
    if s.on("momentum"):
        momentum = s.scalar("momentum", lambda now: now.momentum)
        fresh = m("mul", g, s.scalar("1-dampening", lambda now: 1 - now.dampening))
        run = m("add", m("mul", states.read("momentum_buffer"), momentum), fresh)
        states.write("momentum_buffer", run)
        g = m("add", g, m("mul", run, momentum)) if s.on("nesterov") else run
    return m("add", p, m("mul", g, _rate(s)))


def _corrected(s: Settings, place: int) -> Value:
    """1 - beta**t, exact also where beta**t is nearly 1."""

    def make() -> Value:
        decay = s.scalar(f"log beta{place + 1}", lambda now: _log(now.betas[place]))
        return s.graph.map("neg", s.graph.map("expm1", s.graph.map("mul", _steps(s), decay)))

    return s.once(f"1-beta{place + 1}^t", make)


def _log(beta: float) -> float:
    return math.log(beta) if beta > 0 else -1e30


def _steps(s: Settings) -> Value:
    if s.steps is None:
        raise LookupError("step")
    return s.steps


def _moved(s: Settings, states: States, name: str, towards: Value, share: str, of: Callable[[Any], float]) -> Value:
    """A running mean, moved towards a value by a share."""
    m, mean = s.graph.map, states.read(name)
    mean = m("add", mean, m("mul", m("sub", towards, mean), s.scalar(share, of)))
    states.write(name, mean)
    return mean


def _mean_square(s: Settings, states: States, name: str, g: Value, share: str, keep: Callable[[Any], float]) -> Value:
    """The running mean of a square, of which a share stays."""
    m = s.graph.map
    fresh = m("mul", m("mul", g, g), s.scalar(f"1-{share}", lambda now: 1 - keep(now)))
    square = m("add", m("mul", states.read(name), s.scalar(share, keep)), fresh)
    states.write(name, square)
    return square


@rule(Adam, AdamW)
def _adam(s: Settings, states: States, p: Value, g: Value) -> Value:
    m, apart = s.graph.map, s.on("decoupled_weight_decay")
    g = _slope(s, p, g, decay=not apart)
    if apart and s.on("weight_decay"):
        p = m("mul", p, s.scalar("1-lr*decay", lambda now: 1 - now.lr * now.weight_decay))
    mean = _moved(s, states, "exp_avg", g, "1-beta1", lambda now: 1 - now.betas[0])
    square = _mean_square(s, states, "exp_avg_sq", g, "beta2", lambda now: now.betas[1])
    if s.on("amsgrad"):
        square = m("max", states.read("max_exp_avg_sq"), square)
        states.write("max_exp_avg_sq", square)
    scale = s.once("1/sqrt(1-beta2^t)", lambda: m("div", 1.0, m("sqrt", _corrected(s, 1))))
    rate = s.once("rate", lambda: m("div", _rate(s), _corrected(s, 0)))
    size = m("add", m("mul", m("sqrt", square), scale), s.scalar("eps", lambda now: now.eps))
    return m("add", p, m("mul", m("div", mean, size), rate))


@rule(RMSprop)
def _rmsprop(s: Settings, states: States, p: Value, g: Value) -> Value:
    m, g = s.graph.map, _slope(s, p, g)
    square = _mean_square(s, states, "square_avg", g, "alpha", lambda now: now.alpha)
    if s.on("centered"):
        mean = _moved(s, states, "grad_avg", g, "1-alpha", lambda now: 1 - now.alpha)
        square = m("sub", square, m("mul", mean, mean))
    step = m("div", g, m("add", m("sqrt", square), s.scalar("eps", lambda now: now.eps)))
    if s.on("momentum"):
        kept = m("mul", states.read("momentum_buffer"), s.scalar("momentum", lambda now: now.momentum))
        step = m("add", kept, step)
        states.write("momentum_buffer", step)
    return m("add", p, m("mul", step, _rate(s)))


@rule(Adagrad)
def _adagrad(s: Settings, states: States, p: Value, g: Value) -> Value:
    m, g = s.graph.map, _slope(s, p, g)
    total = m("add", states.read("sum"), m("mul", g, g))
    states.write("sum", total)

    def falling() -> Value:
        lower = m("mul", m("sub", _steps(s), 1.0), s.scalar("lr_decay", lambda now: now.lr_decay))
        return m("div", _rate(s), m("add", lower, 1.0))

    step = m("div", g, m("add", m("sqrt", total), s.scalar("eps", lambda now: now.eps)))
    return m("add", p, m("mul", step, s.once("rate", falling)))


def counted(graph: Graph, vector: Value, moving: list[bool]) -> tuple[Value, Value]:
    """The counts of steps after one more of those parameters that are moving, and the count of these: all are equal."""
    more: Value | float = 1.0 if all(moving) else graph.constant(np.array(moving, np.float32))
    after, first = graph.map("add", vector, more), moving.index(True)
    return after, graph.reshape(graph.add(Slice, after, start=(first,), size=(1,), step=(1,)), ())


def norm(graph: Graph, slopes: list[Value], kind: float) -> Value:
    """The norm of all numbers together, shape ()."""
    m, parts = graph.map, []
    for g in slopes:
        if kind == 2:
            g = m("mul", g, g)
        else:
            g = m("abs", g)
            g = g if math.isinf(kind) or kind == 1 else m("pow", g, float(kind))
        for axis in range(len(g.shape) - 1, -1, -1):
            g = graph.reduce(g, "sum" if not math.isinf(kind) else "max" if kind > 0 else "min", (axis,))
        parts.append(g)
    total = parts[0]
    for part in parts[1:]:
        total = m("add" if not math.isinf(kind) else "max" if kind > 0 else "min", total, part)
    if kind == 2:
        return m("sqrt", total)
    return total if math.isinf(kind) or kind == 1 else m("pow", total, 1 / float(kind))
