"""Parameters that an optimiser moves together, as one value: they, their gradients and their states lie side by side.

Reading one of them is a view; an update is one chain of maps over all of them, whatever their number. A group goes this
way only where nothing else in the step writes to its memory or looks at it under another name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from itertools import accumulate
from operator import itemgetter
from typing import Any

import numpy as np

from engine.compiler.graph.ir import FLOAT, Concat, Graph, Reshape, Slice, Value
from engine.compiler.lowering import optimise
from engine.compiler.machine.memory import address
from engine.compiler.trace import home
from engine.compiler.trace.compare import Differs
from engine.compiler.trace.events import Stepped, Trace
from engine.optim.optimizer import Optimizer
from engine.tensor import Tensor


class Flat:
    """The parameters of one group. parameters, slopes, states[name]: their memory, each as one array of one axis
    (slopes is None where the step leaves no gradients behind); starts: where a member begins, by its id."""

    def __init__(self, optimizer: Optimizer, members: list[Tensor], leaves_slopes: bool) -> None:
        self.optimizer, self.members = optimizer, members
        known = home.STATES[optimizer]
        ends = accumulate(p.array.size for p in members)
        self.starts = {id(p): end - p.array.size for p, end in zip(members, ends, strict=True)}
        names = {n: [known.get((p, n)) for p in members] for q, n in known if q is members[0] and n != "step"}
        self.parameters = side_by_side([p.array for p in members])
        self.slopes = side_by_side([home.SLOPES[p].array for p in members]) if leaves_slopes else None
        self.states = {name: side_by_side(arrays) for name, arrays in names.items()}
        wanted = [self.parameters, *self.states.values(), *([self.slopes] if leaves_slopes else [])]
        self.fits = all(array is not None for array in wanted)
        self.memory = [array for array in wanted if array is not None]


def side_by_side(arrays: list[Any]) -> Any:
    """The one array that float32 arrays are which got their homes one behind the other; None where they are others."""
    memory = None if arrays[0] is None else arrays[0].base
    if memory.__class__ is not np.ndarray:
        return None
    start = end = address(arrays[0])
    for a in arrays:
        if a is None or a.base is not memory or a.dtype != FLOAT or not a.flags.c_contiguous or address(a) != end:
            return None
        end += a.nbytes
    return np.ndarray((end - start) // FLOAT.itemsize, FLOAT, memory, start - address(memory))


def groups(trace: Trace, cells: Iterable[Any]) -> dict[tuple[int, int], Flat]:
    """By the optimiser's id and the group's place, the groups that can be updated at once. cells: the arrays from
    before the step that it looks at, parameters aside."""
    found: dict[tuple[int, int], Flat] = {}
    moved: dict[int, list[Stepped]] = {}
    for event in trace.events:
        if event.what == "stepped":
            moved.setdefault(id(event.facts[0].optimizer), []).append(event.facts[0])
    apart = _apart(trace)
    after = {id(leaf): a is not None for leaf, a in trace.slopes}
    for steps in moved.values():
        optimizer = steps[0].optimizer
        if type(optimizer) not in optimise.RULES or len({tuple(id(p) for p, _, _ in s.moved) for s in steps}) > 1:
            continue
        moving = {id(p) for p, _, _ in steps[0].moved}
        for place, group in enumerate(optimizer.param_groups):
            members = home.in_order(p for p in group["params"] if id(p) in moving)
            left = {after.get(id(p), False) for p in members}
            alone = len(members) < 2 or len(left) > 1 or not apart.isdisjoint(map(id, members))
            if not alone and _count_as_one(optimizer, members):
                flat = Flat(optimizer, members, left.pop())
                if flat.fits:
                    found[id(optimizer), place] = flat
    return _undisturbed(found, list(cells))


def _apart(trace: Trace) -> set[int]:
    """The ids of parameters that are written to by hand, or whose gradient from before the step is added to."""
    parameters = {id(a): p for e in trace.events if e.what == "stepped" for p, a, _ in e.facts[0].moved}
    found, made = set(), set()
    for event in trace.events:
        if event.what == "written" and id(event.facts[0]) in parameters:
            found.add(id(parameters[id(event.facts[0])]))
        elif event.what == "accumulated":
            leaf, _, before, after = event.facts
            if before is not None and id(before) not in made:
                found.add(id(leaf))
            made.add(id(after))
    return found


def _count_as_one(optimizer: Optimizer, members: list[Tensor]) -> bool:
    """Whether parameters have all states in common, and the number of steps."""
    mine = {id(p) for p in members}
    names = {tuple(optimizer.state.get(p, ())) for p in members}
    counts = home.COUNTS.get(optimizer, []) if any("step" in n for n in names) else []
    return len(names) == 1 and sum(not mine.isdisjoint(map(id, m)) for _, m in counts) <= 1


def _undisturbed(found: dict[tuple[int, int], Flat], cells: list[Any]) -> dict[tuple[int, int], Flat]:
    """Without the groups that share memory with each other, or with an array that is read under another name."""
    spans = {key: [span(a) for a in flat.memory] for key, flat in found.items()}
    every = [*map(span, cells), *(span for mine in spans.values() for span in mine)]
    return {
        key: flat
        for key, flat in found.items()
        if sum(low < b and a < high for a, b in spans[key] for low, high in every) == len(flat.memory)
    }


def expect_apart(parameters: list[Tensor], others: list[Any]) -> None:
    """Parameters lie in order and share no memory with each other or with other arrays of a step. Raises: Differs."""
    arrays = [p.array for p in dict.fromkeys(parameters)]
    mine, last = set(map(span, arrays)), (0, 0)
    for each in sorted(map(span, [*others, *arrays])):
        if each[0] < last[1] and not mine.isdisjoint((each, last)):
            raise Differs("memory of a parameter has another name in the step, or belongs to another one as well")
        last = max(last, each, key=itemgetter(1))
    if not all(a.flags.c_contiguous and a.flags.writeable for a in arrays):
        raise Differs("memory of a parameter that is not in order")


def span(array: Any) -> tuple[int, int]:
    """The addresses that an array takes."""
    first = address(array)
    return first, first + int(array.nbytes)


# ---------------------------------------------------------------------------------------------------------- values
def joined(graph: Graph, values: list[Value]) -> Value:
    """Values side by side as one of one axis; the value itself that they were cut from, in this order."""
    whole = _cut_from(values)
    if whole is not None:
        return whole
    return graph.add(Concat, *(graph.reshape(graph.cast(v, FLOAT), (v.size,)) for v in values), axis=0)


def _cut_from(values: list[Value]) -> Value | None:
    start, whole = 0, None
    for value in values:
        node = value.node
        if node is not None and node.kind is Reshape:
            node = node.inputs[0].node
        if node is None or node.kind is not Slice or len(node.inputs[0].shape) != 1:
            return None
        base, attrs = node.inputs[0], node.attrs
        if (whole is not None and base is not whole) or attrs["start"] != (start,) or attrs["step"] != (1,):
            return None
        whole, start = base, start + value.size
    return whole if whole is not None and whole.shape == (start,) else None


def piece(graph: Graph, whole: Value, start: int, shape: tuple[int, ...]) -> Value:
    """What lies from a place on, under a shape."""
    size = math.prod(shape)
    return graph.reshape(graph.add(Slice, whole, start=(start,), size=(size,), step=(1,)), shape)
