"""A tiny network's step as one function: every row inlined, with sizes, strides and places in memory known.

The emitters that write a kernel for all sizes write here, from plain numbers, the code for these sizes: loops of known
length, no arguments to load, no calls. Worth it where a step takes microseconds, of which most would be calls.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.compiler.code.emit import Function, module
from engine.compiler.code.known import Known
from engine.compiler.code.library import Library
from engine.compiler.kernels.work import Access, Buffer, Plan, Record
from engine.compiler.schedule.threads import Bases, Guard, Piece, Stretch, guard_of

LINES = 20_000
"""Lines of LLVM text that are still worth compiling: about a quarter of a second."""
REACH = 1 << 30
"""Bytes that one base serves: an instruction holds a distance of 31 bits and a sign."""


@dataclass(eq=False)
class Inlined:
    """Rows of a plan as one piece of work. windows: addresses of bases; places near one are named by their distance."""

    works: list[Any]
    windows: list[int]
    inputs: list[Buffer]
    bases: Bases
    address: int = 0
    engine: Any = None

    def arguments(self) -> list[Any]:
        """The bases, then where the inputs lie in this step."""
        return [*self.windows, *((buffer, 0) for buffer in self.inputs)]

    def accesses(self) -> Iterator[Access]:
        """What its rows touch."""
        for work in self.works:
            yield from work.accesses()

    def emit(self, f: Function, args: list[Any]) -> None:
        """The rows, one behind the other."""
        inputs = {id(b): args[len(self.windows) + i] for i, b in enumerate(self.inputs)}
        for work in self.works:
            work.emit(f, [self._place(f, a, args, inputs) if isinstance(a, tuple) else a for a in work.arguments()])

    def _place(self, f: Function, argument: Any, args: list[Any], inputs: dict[int, Any]) -> Any:
        buffer, offset = argument
        if buffer.slot >= 0:
            return f.add(inputs[id(buffer)], offset * np.dtype(buffer.dtype).itemsize)
        lies = self.bases(buffer, offset)
        window = max(i for i, start in enumerate(self.windows) if start <= lies)
        return f.add(args[window], lies - self.windows[window])

    def compile(self, kernels: Library, name: str) -> bool:
        """Machine code for it; False where the text is too long to be worth it."""
        f = Known(name, kernels.processor)
        self.emit(f, [f.argument(i) for i in range(len(self.arguments()))])
        if len(f.lines) > LINES:
            return False
        self.engine, self.address = kernels.alone(module([f]), name)
        return True


def windows(buffers: Iterable[Buffer], bases: Bases) -> list[int]:
    """Few addresses such that everything in these buffers lies not far behind one of them."""
    found: list[int] = []
    for start in sorted(bases(buffer, 0) for buffer in buffers):
        if not found or start - found[-1] > REACH:
            found.append(start)
    return found


def inlined(plan: Plan, kernels: Library, bases: Bases) -> Stretch | None:
    """The plan's rows (all native) as one row, or two around the guard; None where that is too long."""
    works = [row.work for row in plan.rows if isinstance(row, Record)]
    buffers = list({id(a[0]): a[0] for work in works for a in work.arguments() if isinstance(a, tuple)}.values())
    inputs = [buffer for buffer in buffers if buffer.slot >= 0]
    near = windows((buffer for buffer in buffers if buffer.slot < 0), bases)
    cut = plan.guard if plan.finite else 0
    line: list[Any] = []
    for start, part in ((0, works[:cut]), (cut, works[cut:])):
        if part:
            piece = Inlined(part, near, inputs, bases)
            if not piece.compile(kernels, f"whole_{start}"):
                return None
            line.append(Piece(piece, start, piece.address))
        if plan.finite and not any(isinstance(item, Guard) for item in line):
            line.append(Guard(guard_of(plan).stretches))
    return Stretch([line], 0, len(plan.rows))
