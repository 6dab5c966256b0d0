"""Batches on their way into a program, and what many steps return on their way out."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import numpy as np

from engine.compiler.run.runner import addresses, numbers
from engine.compiler.trace.events import Trace
from engine.compiler.trace.guard import signature
from engine.compiler.trace.numbers import Number
from engine.tensor import Tensor, wrap
from engine.tree import is_branch, leaves, mapped

AHEAD = 256
"""Batches of a loader that are taken before their steps are done."""


def stretches(batches: Any) -> Iterator[list[Any]]:
    """Lists of batches: the list itself, or so many of a loader that memory stays small."""
    if isinstance(batches, list):
        yield batches
        return
    rest = iter(batches)
    while some := list(islice(rest, AHEAD)):
        yield some


class Held(list[Any]):
    """The arrays whose addresses are in a table; sources: id -> (tensor, its array)."""

    def __init__(self) -> None:
        super().__init__()
        self.sources: dict[int, tuple[Tensor, Any]] = {}


def table_of(batches: list[Any], place: int, key: Any) -> tuple[Any, Held]:
    """Addresses of the arguments of the batches from `place` on that are alike; equal tuples are looked at once."""
    held = Held()
    rows: list[list[Any]] = []
    places: list[int] = []
    seen: dict[int, int] = {}
    for batch in batches[place:] if place else batches:
        number = seen.get(id(batch))
        if number is None:
            args = argument_tuple(batch)
            if signature(args) != key:
                break
            arrays = arrays_of(args)
            held.sources.update((id(t), (t, t.array)) for t in leaves(args) if isinstance(t, Tensor))
            number = seen[id(batch)] = len(rows)
            rows.append(arrays)
        places.append(number)
        held.append(rows[number])
    return addresses(rows)[places], held


def argument_tuple(batch: Any) -> tuple[Any, ...]:
    """The arguments of a step: a tuple or a list of them, or a single one."""
    return tuple(batch) if isinstance(batch, tuple | list) else (batch,)


def unstacked(stacks: tuple[Any, ...]) -> list[Any]:
    """Stacked batches one by one."""
    tensors = [t if isinstance(t, Tensor) else wrap(t) for t in stacks]
    return [tuple(wrap(np.asarray(t.array[i])) for t in tensors) for i in range(len(tensors[0].array))]


def arrays_of(args: Any) -> list[Any]:
    """The arrays of all tensors among the arguments, dense."""
    if args.__class__ is tuple and {*map(type, args)} == {Tensor}:
        found = [t.array for t in args]
    else:
        found = [t.array for t in (leaves(args) if any(map(is_branch, args)) else args) if isinstance(t, Tensor)]
    return [a if a.flags.c_contiguous else np.ascontiguousarray(a) for a in found]


def raised(leaf: Any) -> Any:
    """A tensor or a number of one step as one of one step among many."""
    return wrap(leaf.array[None]) if isinstance(leaf, Tensor) else numbers(leaf, 1)


def joined(parts: list[Any]) -> Any:
    """What several stretches of steps returned as one tree of tensors."""
    if not parts:
        return wrap(np.zeros(0, np.float32))
    columns = zip(*(leaves(p) for p in parts), strict=True)
    made = [wrap(np.concatenate([t.array for t in c])) if isinstance(c[0], Tensor) else c[0] for c in columns]
    rest = iter(made)
    return mapped(lambda _: next(rest), parts[0])


def is_finite(trace: Trace) -> bool:
    """Whether what a step returned and the gradients that its optimisers saw are finite."""
    arrays = [t.array for t in leaves(trace.returned) if isinstance(t, (Tensor, Number))]
    arrays += [g for e in trace.events if e.what == "stepped" for _, _, g in e.facts[0].moved]
    return all(a.dtype.kind != "f" or bool(np.isfinite(a).all()) for a in arrays)
