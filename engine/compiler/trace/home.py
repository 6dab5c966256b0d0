"""Where parameters, gradients and the states of optimisers live: side by side in flat memory.

A tensor keeps its home, so that all programs over one model mean the same memory. Whoever gives a tensor other memory
(`load_state_dict` of an optimiser, `.data = ...`) is noticed before the next step: the numbers move in. A parameter
whose memory somebody else looks at (`weight.detach().numpy()`, a kept `state_dict`) lives where it is.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable
from itertools import count
from typing import Any
from weakref import ref

import numpy as np

from engine.compiler.machine.memory import LINE, PAGE, address, room
from engine.elements import FLOAT, Abstract
from engine.graph import NAMES
from engine.optim.optimizer import Optimizer, living
from engine.tensor import Tensor, wrap

STEP = 17 * LINE
"""Pieces of memory begin so far apart within a page: at the same place, a parameter, its gradient and its states would
push each other out of the cache, and a store would hold up the loads of the others."""
_PLACES = count()


class Beside:
    """What belongs to objects as long as they live: a dict by identity (tensors compare number by number)."""

    def __init__(self) -> None:
        self._held: dict[int, tuple[Any, Any]] = {}

    def __getitem__(self, owner: Any) -> Any:
        if owner not in self:
            raise KeyError(id(owner))
        return self._held[id(owner)][1]

    def __setitem__(self, owner: Any, value: Any) -> None:
        key = id(owner)
        self._held[key] = (ref(owner, lambda _: self._held.pop(key, None)), value)

    def __contains__(self, owner: Any) -> bool:
        return self._held.get(id(owner), _NOBODY)[0]() is owner

    def get(self, owner: Any, default: Any = None) -> Any:
        """What belongs to it, or something else."""
        known, value = self._held.get(id(owner), _NOBODY)
        return value if known() is owner else default


_NOBODY = (object, None)


HOMES = Beside()
"""Tensor -> its memory."""
SLOPES = Beside()
"""Leaf -> the tensor of its gradient."""
STATES = Beside()
"""Optimiser -> {(parameter, name): memory}."""
COUNTS = Beside()
"""Optimiser -> [(vector of counts, the parameters counted in it)]."""


def in_order(tensors: Iterable[Tensor]) -> list[Tensor]:
    """The order in which tensors lie: those first that end on a cache line, so that the next one begins on one."""
    return sorted(dict.fromkeys(tensors), key=lambda t: t.array.nbytes % LINE != 0)


def flat(shapes: list[tuple[tuple[int, ...], Any]], zeros: bool = True) -> list[Any]:
    """Arrays of these shapes and element types in one piece of memory, float32 without gaps between them. zeros:
    whether somebody reads them before they are written."""
    if not shapes:
        return []
    pieces, end = list[tuple[Any, Any, int]](), 0
    for shape, dtype in shapes:
        kind = np.dtype(dtype)
        start = end if kind == FLOAT else -(-end // LINE) * LINE
        pieces.append((shape, kind, start))
        end = start + math.prod(shape) * kind.itemsize
    memory = room(end + 2 * PAGE, zeros)
    first = -address(memory) % PAGE + next(_PLACES) * STEP % PAGE
    return [np.ndarray(shape, kind, memory, first + start) for shape, kind, start in pieces]


def movable() -> set[int]:
    """The ids of those parameters of optimisers that are not at home and whose memory nobody else holds. It is asked
    before a step is watched, for a trace holds memory as well."""
    new = (p for o in living() for group in o.param_groups for p in group["params"] if HOMES.get(p) is not p.array)
    return {id(p) for p in new if is_alone(p)}


def holders(parameters: set[int]) -> dict[int, tuple[int, int]]:
    """Which memory parameters with these ids have, and how often Python counts it: whoever takes another name of it
    counts."""
    known = [p for o in living() for group in o.param_groups for p in group["params"] if id(p) in parameters]
    bases = ((p, getattr(p.array, "base", None)) for p in known)
    count = sys.getrefcount
    return {id(p): (id(p.array), count(p.array) + (base is not None and count(base))) for p, base in bases}


def still_movable(held: dict[int, tuple[int, int]]) -> set[int]:
    """The ids of parameters that have no more holders than before, or other memory that nobody else holds. held: what
    `holders` said then."""
    now, alone = holders(set(held)), movable()
    same = {key for key, (memory, count) in now.items() if held[key][0] == memory and count <= held[key][1]}
    return same | {key for key, (memory, _) in now.items() if held[key][0] != memory and key in alone}


def is_alone(t: Tensor) -> bool:
    """Whether a tensor's memory has no other name: its array is held once, and so is what that is a part of."""
    if t.array.__class__ is not np.ndarray or sys.getrefcount(t.array) != _ONCE:
        return t.array.__class__ is Abstract
    return t.array.base is None or sys.getrefcount(t.array.base) == _ONCE


_SAMPLE = wrap(np.zeros(1))
_ONCE = sys.getrefcount(_SAMPLE.array)
"""How often Python counts an array that one tensor holds, where it is asked like this."""


def may_go(t: Tensor, home: Any) -> bool:
    """Whether a tensor that was given other memory may move there: nobody looks at that, and it has no other home."""
    return fits(home, t.array) and is_alone(t) and HOMES.get(t, home) is home


def settle(tensors: Iterable[Tensor], may_move: set[int]) -> None:
    """Give each tensor a home; its numbers move in. may_move: the ids of those that need not live where they are."""
    new = [t for t in dict.fromkeys(tensors) if HOMES.get(t) is not t.array]
    for t in new:
        if id(t) not in may_move:
            HOMES[t] = t.array
    go_home(new)
    new = [t for t in new if HOMES.get(t) is not t.array]
    for t, home in zip(new, _homes(new), strict=True):
        HOMES[t] = home
        move_in(t, home)


def go_home(tensors: Iterable[Tensor]) -> None:
    """Tensors that were given other memory, which nobody else looks at, go back to their homes, if these fit."""
    move_back([(t, HOMES[t]) for t in tensors if HOMES.get(t) is not t.array and fits(HOMES.get(t), t.array)])


def settle_slopes(leaves: Iterable[Tensor]) -> None:
    """A gradient with a home for each leaf that has none that fits. It is shown after a step that has written it."""
    new = [t for t in dict.fromkeys(leaves) if t not in SLOPES or not fits(SLOPES[t].array, t.array)]
    for t, home in zip(new, _homes(new), strict=True):
        SLOPES[t] = wrap(home)


def _homes(tensors: list[Tensor]) -> list[Any]:
    return flat([(t.array.shape, t.array.dtype) for t in tensors], zeros=False)


def fits(home: Any, array: Any) -> bool:
    """Whether an array's numbers could live there."""
    return home is not None and bool(home.shape == array.shape and home.dtype == array.dtype)


def move_back(homes: list[tuple[Tensor, Any]]) -> None:
    """Tensors move back into their homes. Other tensors that look there (what was kept of `.data` before it was set)
    keep the numbers, which are still one and the same memory."""
    left, kept = {id(home) for _, home in homes}, dict[int, Any]()
    for name in [reference() for reference in NAMES.valuerefs()] if homes else ():
        if name is not None and id(name.array) in left:
            name.array = kept.setdefault(id(name.array), name.array.copy())
    for t, home in homes:
        move_in(t, home)


def move_in(tensor: Tensor, home: Any) -> None:
    """The tensor's numbers go to its home, and the tensor with them; those of a hollow one are 0."""
    array = tensor.array
    if array is not home:
        home[...] = 0 if array.__class__ is Abstract else array
        tensor.array = home


def settle_states(optimizer: Optimizer, moved: list[Tensor]) -> None:
    """The states of these parameters side by side, name by name; the counts of steps that are equal in one vector."""
    if optimizer not in STATES:
        STATES[optimizer] = {}
    homes, states = STATES[optimizer], optimizer.state
    names = dict.fromkeys(n for p in moved for n, v in states[p].items() if isinstance(v, Tensor))
    for name in (n for n in names if n != "step"):
        mine = [p for p in moved if name in states[p]]
        new = [p for p in mine if not fits(homes.get((p, name)), states[p][name].array)]
        for p, home in zip(new, _homes([states[p][name] for p in new]), strict=True):
            homes[p, name] = home
        for p in mine:
            move_in(states[p][name], homes[p, name])
    _settle_counts(optimizer, [p for p in moved if "step" in states[p]], homes)


def _settle_counts(optimizer: Optimizer, moved: list[Tensor], homes: dict[tuple[Tensor, str], Any]) -> None:
    """Parameters that took the same number of steps count them in one vector."""
    by_count: dict[float, list[Tensor]] = {}
    for p in moved:
        steps = optimizer.state[p]["step"].array
        by_count.setdefault(0.0 if steps.__class__ is Abstract else float(steps), []).append(p)
    held = COUNTS.get(optimizer, [])
    if [[id(p) for p in members] for _, members in held] == [[id(p) for p in m] for m in by_count.values()]:
        for p in moved:
            move_in(optimizer.state[p]["step"], homes[p, "step"])
        return
    COUNTS[optimizer] = []
    for steps, members in by_count.items():
        vector = np.full(len(members), steps, FLOAT)
        COUNTS[optimizer].append((vector, members))
        for i, p in enumerate(members):
            homes[p, "step"] = optimizer.state[p]["step"].array = vector[i, ...]
