"""Plans of steps that were seen before: the rows of an earlier plan, in memory of their own.

A step that is made anew, with other parameters of the same shapes, says the same as before: nothing has to be planned.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.compiler.graph.ir import Graph
from engine.compiler.kernels.work import Buffer, Plan, Record
from engine.compiler.machine.memory import address, aligned
from engine.compiler.plan.scratch import lined_up
from engine.compiler.reuse.resized import Trail

MOST = 32
"""Plans that are kept; without the memory that they work in."""


@dataclass
class _Seen:
    """A plan without memory. homes: buffers with the numbers of their sources; scratch: pieces of memory, each with its
    bytes and which buffers begin where in it; filled: buffers with memory of their own."""

    plan: Plan
    homes: list[tuple[Buffer, int]]
    scalars: list[tuple[Buffer, int, int]]
    scratch: list[tuple[int, list[tuple[Buffer, int]]]]
    filled: list[Buffer]


_SEEN: OrderedDict[Any, _Seen] = OrderedDict()
_LOCK = threading.Lock()


def recall(key: Any, graph: Graph) -> Plan | None:
    """The plan of a graph that says what another one said, if there was one."""
    with _LOCK:
        seen = _SEEN.get(key) if key is not None else None
        if seen is None:
            return None
        _SEEN.move_to_end(key)
    sources = graph.sources
    if not all(sources[place].array.flags.c_contiguous for _, place in seen.homes):
        return None
    memory = {id(buffer): sources[place].array.reshape(-1) for buffer, place in seen.homes}
    numbers = [buffer for buffer, _, _ in seen.scalars]
    memory |= {id(b): array for b, array in zip(numbers, lined_up(numbers), strict=True)}
    for size, buffers in seen.scratch:
        piece = aligned(size, np.uint8, zeros=False)
        memory |= {id(b): np.ndarray(b.count, b.dtype, piece, start) for b, start in buffers}
    for buffer in seen.filled:
        memory[id(buffer)] = aligned(buffer.count, buffer.dtype)
        if buffer.fill:
            memory[id(buffer)][:] = buffer.fill
    scalars = [(buffer, offset, sources[place].read) for buffer, offset, place in seen.scalars]
    return replace(seen.plan, memory=memory, scalars=scalars)


def remember(key: Any, graph: Graph, plan: Plan) -> None:
    """Keep a plan that was checked; its memory is its own from now on."""
    if key is None or not all(isinstance(row, Record) for row in plan.rows):
        return
    places = {id(plan.places[id(s)].buffer): i for i, s in enumerate(graph.sources) if id(s) in plan.places}
    accesses = [access for row in plan.rows for access in row.work.accesses()]
    shards = [b for band in plan.bands for kept in band.kept for b in kept.values()]
    written = {id(access.buffer) for access in accesses if access.writes} | {id(b) for b in shards}
    every = {id(b): b for b in (*plan.buffers, *shards, *(access.buffer for access in accesses))}
    homes: list[tuple[Buffer, int]] = []
    spaces: dict[int, list[Buffer]] = {}
    for b in every.values():
        role = graph.sources[places[id(b)]].role if id(b) in places else ""
        if role == "cell":
            homes.append((b, places[id(b)]))
        elif not role and b.slot < 0 and b.array is not None and b.array.base is not None:
            spaces.setdefault(id(b.array.base), []).append(b)
    scratch = [_spread(buffers) for buffers in spaces.values() if len(buffers) > 1]
    single = [buffers[0] for buffers in spaces.values() if len(buffers) == 1 and id(buffers[0]) in written]
    scalars = [(b, offset, places[id(b)]) for b, offset, _ in plan.scalars]
    own = [*(b for b, _ in homes), *(b for b, _, _ in scalars), *(b for _, bs in scratch for b, _ in bs), *single]
    plan.memory.update((id(b), b.array) for b in own)
    for b in own:
        b.array = None
    for row in plan.rows:
        row.nodes = tuple([Trail(node.origin) for node in row.nodes])
    with _LOCK:
        _SEEN[key] = _Seen(replace(plan, memory={}, scalars=[], places={}), homes, scalars, scratch, single)
        if len(_SEEN) > MOST:
            _SEEN.popitem(last=False)


def _spread(buffers: list[Buffer]) -> tuple[int, list[tuple[Buffer, int]]]:
    """Buffers in one piece of memory: its bytes, and where they begin."""
    starts = [address(b.array) for b in buffers]
    first = min(starts)
    return max(s - first + b.nbytes for s, b in zip(starts, buffers, strict=True)), [
        (b, s - first) for s, b in zip(starts, buffers, strict=True)
    ]
