"""When a program holds: what Python would see if the step ran again must be what it saw when the step was traced."""

from __future__ import annotations

from itertools import chain
from operator import attrgetter, is_, itemgetter, methodcaller
from typing import Any

import numpy as np

from engine.compiler.lowering import optimise
from engine.compiler.trace import home
from engine.compiler.trace.events import is_hooked
from engine.compiler.trace.reach import PARTS, PLAIN, Entry
from engine.compiler.trace.recipe import Program
from engine.graph import CHANGES, current_mode
from engine.nn.hooks import EVERYWHERE, FORWARD, WATCHER
from engine.nn.module import Module
from engine.optim.optimizer import Optimizer
from engine.tensor import Tensor
from engine.tree import is_branch

COPIES = (bytes, frozenset, tuple)
"""Kinds of what is copied to be compared."""
EQUAL = frozenset((*PLAIN, bytes, frozenset, *np.sctypeDict.values()))
"""Kinds of which equals are as good as the same."""
ARRAY, WANTS = attrgetter("array"), attrgetter("_requires_grad")
STATE, VALUES, PARAMETERS = attrgetter("state"), methodcaller("values"), itemgetter("params")
MUTABLE = (Tensor, np.ndarray, list, dict)


def signature(tree: Any) -> Any:
    """What the arguments of a call are like: shapes and element types of tensors, everything else as it is."""
    if tree.__class__ is tuple and all(t.__class__ is Tensor for t in tree):
        return tuple([(t.array.shape, t.array.dtype, t._requires_grad) for t in tree])
    if isinstance(tree, Tensor):
        return (tree.array.shape, tree.array.dtype, tree._requires_grad)
    if is_branch(tree):
        parts = tree.items() if isinstance(tree, dict) else enumerate(tree)
        return (type(tree), tuple((key, signature(part)) for key, part in parts))
    if isinstance(tree, np.ndarray):
        return ("array", id(tree))
    try:
        hash(tree)
    except TypeError:
        return ("object", id(tree))
    return (type(tree), tree)


class Surroundings:
    """What a step reads besides the tensors of its arguments: all that it can come to in Python, settings of its
    modules."""

    def __init__(self, entries: list[Entry], modules: list[Module], others: list[Any]) -> None:
        self.entries = entries
        self.others = others
        self.hooks = self._hooks()
        self.modules = [(m, _settings(m)) for m in modules]
        self.grad = current_mode().grad
        self.stamp = CHANGES[0]

    def changed(self) -> str:
        """What is no longer as it was, in words; empty where all is."""
        if current_mode().grad is not self.grad:
            return "whether history is recorded"
        for name, held, read in self.entries:
            if not is_same(read(), held):
                return f"the variable {name!r}"
        if self.stamp != CHANGES[0]:
            for module, settings in self.modules:
                if _settings(module) != settings:
                    return f"the settings of a {type(module).__name__}"
            if self._hooks() != self.hooks:
                return "a hook"
            self.stamp = CHANGES[0]
        return ""

    def _hooks(self) -> list[bool]:
        """Whether there are any on the gradients of leaves, the steps of optimisers, and of all modules."""
        return [*map(is_hooked, self.others), any(kind is not WATCHER for kind, _ in EVERYWHERE.values())]


def is_bare(leaf: Tensor) -> bool:
    """Whether it has no gradient."""
    return leaf.grad is None


def is_same(now: Any, held: Any) -> bool:
    """Whether something is the same object as before, or an equal number, text or tuple of these."""
    if now is held:
        return True
    kind = held.__class__
    return now.__class__ is kind and (kind in EQUAL or (kind is tuple and _is_plain(held))) and bool(now == held)


def _settings(module: Module) -> tuple[Any, ...]:
    """Everything plain that a module holds, and which parts, parameters and hooks it has."""
    held = module.__dict__
    plain = [(name, v) for name, v in held.items() if v.__class__ in PLAIN or (v.__class__ is tuple and _is_plain(v))]
    parts = [(name, id(part)) for kind in PARTS for name, part in held.get(kind, {}).items()]
    return plain, parts, [len(held.get(kind, ())) for kind in FORWARD]


def _is_plain(value: tuple[Any, ...]) -> bool:
    return all(v.__class__ in PLAIN for v in value)


class Settled:
    """What of an optimiser's settings is part of a program; looked at again only where a setting is another one."""

    def __init__(self, program: Program, optimizer: Optimizer, structure: Any) -> None:
        self.program, self.optimizer, self.structure = program, optimizer, structure
        self.seen: Any = None

    def holds(self) -> bool:
        """Whether it is as it was. Settings that are read before each step count as read anew if any is another one."""
        groups = self.optimizer.param_groups
        now = [*map(len, map(PARAMETERS, groups)), *chain.from_iterable(map(VALUES, groups))]
        if self.seen is not None and _alike(now, self.seen):
            return True
        self.program.settings += 1
        if self.seen is not None and len(now) == len(self.seen) and all(map(_fills, now, self.seen)):
            self.seen = now
            return True
        if optimise.structure(self.optimizer) != self.structure:
            return False
        loose = any(isinstance(v, MUTABLE) for group in groups for name, v in group.items() if name != "params")
        self.seen = None if loose else now
        return True


def _fills(now: Any, seen: Any) -> bool:
    """Whether a setting is as it was, or another number that makes no other program."""
    return now is seen or (now.__class__ is float and seen.__class__ is float and bool(now) is bool(seen))


def _alike(now: list[Any], seen: list[Any]) -> bool:
    """Whether settings are the same objects or equal; what can not be compared is not."""
    try:
        return now == seen
    except Exception:
        return False


class Residents:
    """The tensors of a program and where they live; one that was given other memory moves back in."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.tensors = [(t, a, t._requires_grad) for t, a in program.tensors]
        self.structures = [Settled(program, optimizer, structure) for optimizer, structure in program.structures]
        self.mine = [t for t, _, _ in self.tensors]
        self.homes = [a for _, a, _ in self.tensors]
        self.wants = [w for _, _, w in self.tensors]
        self.optimizers = list({id(o): o for o, _, _ in program.states}.values())
        self.held: list[Any] | None = None
        self.watched, self.where = self.mine, self.homes

    def changed(self) -> str:
        """What no longer fits, in words; empty where everything lives where the program thinks."""
        still = all(map(is_, map(ARRAY, self.watched), self.where)) and all(map(is_, map(WANTS, self.mine), self.wants))
        found = "" if still else self._moved()
        if found:
            return found
        for settled in self.structures:
            if not settled.holds():
                return f"the settings of {type(settled.optimizer).__name__}"
        found = "" if still and self._same_states() else self._states()
        return found or (self._carried() if self.program.carried else "")

    def _moved(self) -> str:
        moved = [(tensor, array) for tensor, array, _ in self.tensors if tensor.array is not array]
        if any(tensor._requires_grad is not wants for tensor, _, wants in self.tensors):
            return "whether a parameter asks for a gradient"
        if not all(isinstance(t.array, np.ndarray) and home.may_go(t, array) for t, array in moved):
            return "the memory of a parameter"
        home.move_back(moved)
        return ""

    def _same_states(self) -> bool:
        """The quick look: the same tensors as the last time; where they live was looked at with all others."""
        now, held = self._now(), self.held
        return held is not None and len(now) == len(held) and all(map(is_, now, held))

    def _now(self) -> list[Any]:
        states = chain.from_iterable(map(VALUES, map(STATE, self.optimizers)))
        return [*chain.from_iterable(map(VALUES, states))]

    def _states(self) -> str:
        self.held = None
        found = self._each_state()
        if not found:
            states = [(o.state[p], names) for o, p, names in self.program.states]
            self.watched = [*self.mine, *(state[name] for state, names in states for name in names)]
            self.where = [*self.homes, *(memory for _, names in states for memory in names.values())]
            self.held = self._now()
        return found

    def _each_state(self) -> str:
        for optimizer, p, names in self.program.states:
            state = optimizer.state.get(p)
            if state is None or len(state) < len(names):
                return f"the state of {type(optimizer).__name__}"
            for name, memory in names.items():
                if state[name].array is not memory:
                    if name == "step" or not home.fits(memory, state[name].array):
                        return self._counts(optimizer)
                    home.move_in(state[name], memory)
        return ""

    def _counts(self, optimizer: Optimizer) -> str:
        """States that came from elsewhere: where the counts of steps are equal as before, they only move in."""
        before = [id(v) for v, _ in home.COUNTS.get(optimizer, [])]
        home.settle_states(optimizer, [p for o, p, _ in self.program.states if o is optimizer])
        mine = home.STATES[optimizer]
        fits = all(mine[p, n] is a for o, p, names in self.program.states if o is optimizer for n, a in names.items())
        return "" if fits and before == [id(v) for v, _ in home.COUNTS[optimizer]] else "the counts of an optimiser"

    def _carried(self) -> str:
        for leaf in self.program.carried:
            if leaf.grad is None:
                return "whether a gradient is there already"
            home.move_in(leaf.grad, home.SLOPES[leaf].array)
        return ""

    def leave(self) -> None:
        """After a step: gradients are where they should be, and counts have grown."""
        for leaf, tensor in self.program.slopes:
            leaf.grad = tensor
