"""Loops around a scalar program: maps, reductions, and what is computed from reductions (softmax, layer norm)."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from engine.compiler.code.emit import Function
from engine.compiler.graph.sizes import greatest
from engine.compiler.kernels.body import Body, letter
from engine.compiler.kernels.maths import EXPENSIVE
from engine.compiler.kernels.sweeps import GRAIN, Emission
from engine.compiler.kernels.work import Access, Instruction, Operand, Shape, Store, pieces

KEPT, DEAR, LONG = 224, 256, 512
"""Rows of up to KEPT places (DEAR with an exp or the like) stay in registers between sweeps; sums of more than LONG
rounds are summed in blocks."""


@dataclass(frozen=True)
class Nest:
    """A scalar program over loops; one kernel for each structure, whatever the sizes.

    sizes: of the loops; the first `parallel` run over independent results, the others are reduced. `lanes`: the loop
    that is vectorised. Lines that depend on a reduced loop are computed once in each sweep over them that needs them. A
    store of a line that depends on no reduced loop happens once per parallel place. starts: the place at which a loop
    begins to count (of a piece of a split nest); () is 0 everywhere.
    """

    sizes: Shape
    parallel: int
    lanes: int
    body: tuple[Instruction, ...]
    operands: tuple[Operand, ...]
    stores: tuple[Store, ...]
    starts: Shape = ()

    @cached_property
    def lines(self) -> Body:
        """The scalar program, looked at."""
        moves = tuple(frozenset(i for i, s in enumerate(o.strides) if s) for o in self.operands)
        return _looked_at(
            self.text, self.body, moves, tuple(letter(o.buffer.dtype) for o in self.operands), self.parallel
        )

    @cached_property
    def text(self) -> str:
        """The scalar program as text."""
        return ";".join(_text(instruction) for instruction in self.body)

    @property
    def dear(self) -> bool:
        """Whether some line takes longer than a division."""
        return any(EXPENSIVE.get(name, 0) > EXPENSIVE["div"] for name, *_ in self.body)

    @property
    def kept(self) -> int:
        """In how many groups of 16 lanes a reduced row stays in registers from sweep to sweep; 0: it does not."""
        if len(self.sizes) != self.parallel + 1 or self.lanes != self.parallel:
            return 0
        row = self.sizes[-1]
        return -(-row // GRAIN) if row <= KEPT or (row <= DEAR and self.dear) else 0

    @property
    def narrow(self) -> int:
        """Of a map whose vectorised loop takes but a few groups of 16 lanes, so many: they go side by side, without a
        loop, and so do some rounds of the loop around them."""
        inside = self.sizes[self.lanes] if len(self.sizes) == self.parallel > 1 else 0
        return -(-inside // GRAIN) if inside <= 4 * GRAIN else 0

    def abreast(self, kept: int, registers: int) -> int:
        """How many rows, each of so many registers, go side by side: what they keep from sweep to sweep shall fit."""
        if self.narrow:
            return max(1, self.wide // kept)
        if self.lines.waiting > 1:
            return max(1, min(4, registers // 4 // (kept * self.lines.waiting)))
        return max(1, min(2 if self.dear and kept > 2 else 4, registers // 2 // kept))

    @property
    def long(self) -> bool:
        """Whether sums are so long that they are summed in blocks."""
        last = self.lanes if self.lanes >= self.parallel else -1
        return len(self.sizes) > self.parallel and self.sizes[last] > LONG * (GRAIN if last >= 0 else 1)

    @property
    def deep(self) -> bool:
        """Whether several loops make sums so long that the outer ones go in blocks."""
        count, lanes = math.prod(self.sizes[self.parallel :]), GRAIN if self.lanes >= self.parallel else 1
        return len(self.sizes) > self.parallel + 1 and count > LONG * lanes

    @property
    def straight(self) -> int:
        """Of a vectorised loop that is summed over with others, and is full and short, so many groups of 16 lanes: they
        go side by side without a loop, whose beginning and end would take longer than its rounds."""
        inside = self.sizes[self.lanes] if len(self.sizes) > self.parallel + 1 and self.lanes >= self.parallel else 0
        return inside // GRAIN if 0 < inside <= 4 * GRAIN and inside % GRAIN == 0 else 0

    @property
    def pairs(self) -> tuple[int, ...]:
        """The loops of two rounds that are summed over with others and in which vectors stand still, as over a pool's
        window: they are written out, as the innermost ones, so that what their rounds share is loaded once."""
        if len(self.sizes) < self.parallel + 3 or (self.lanes >= self.parallel and not self.straight):
            return ()
        vectors = [o.strides for i, o in enumerate(self.operands) if i in self.lines.loaded and o.strides[self.lanes]]
        summed = [i for i in range(self.parallel, len(self.sizes)) if i != self.lanes and self.sizes[i] == 2]
        return tuple(i for i in summed if any(strides[i] == 0 for strides in vectors))

    @property
    def side(self) -> int:
        """How many registers of a vectorised loop go side by side: few where it is short or lines take many of them."""
        width = self.sizes[self.lanes] // GRAIN if self.sizes else 1
        return 1 if width < 2 else 2 if width < 4 else self.wide

    @cached_property
    def wide(self) -> int:
        """How many registers should go side by side: few where lines take many of them."""
        return 2 if sum(EXPENSIVE.get(name, 0) for name, *_ in self.body) > 12 or len(self.body) > 12 else 4

    def reach(self, operand: Operand) -> str:
        """How an operand moves: a letter for each loop: 0 not at all, 1 lane by lane, s in strides; 0 without loops."""
        moves = ["0" if s == 0 else "1" if s == 1 and i == self.lanes else "s" for i, s in enumerate(operand.strides)]
        return "".join(moves) or "0"

    @cached_property
    def structure(self) -> str:
        """The part of the key in which sizes hardly matter."""
        operands = ",".join(letter(o.buffer.dtype) + self.reach(o) for o in self.operands)
        stores = ",".join(f"{s.operand}={s.line}" for s in self.stores)
        return f"[{operands}] {self.text} -> {stores}"

    @cached_property
    def key(self) -> str:
        """Everything that decides the machine code."""
        kept = self.kept or self.narrow
        form = f"kept{kept}{'' if self.sizes[self.lanes] % GRAIN else 'full'}" if kept else f"side{self.side}"
        form = f"straight{self.straight}" if self.straight else form
        form += "".join([f" pair{i}" for i in self.pairs])
        form += "long" * self.long + "deep" * self.deep
        return f"nest {len(self.sizes)}/{self.parallel}/{self.lanes} {form} {self.structure}"

    def arguments(self) -> list[Any]:
        """Sizes, starts, then for each operand its address and strides."""
        found: list[Any] = [*self.sizes, *(self.starts or (0,) * len(self.sizes))]
        for o in self.operands:
            found += [(o.buffer, o.offset), *o.strides]
        return found

    def accesses(self) -> Iterator[Access]:
        """Every operand's span; what is stored is written, what is loaded is read."""
        if 0 in self.sizes[: self.parallel]:
            return
        stored = {s.operand: self.lines.inner(s.line) for s in self.stores}
        for i, operand in enumerate(self.operands):
            if i in self.lines.loaded and 0 not in self.sizes:
                yield Access(operand.buffer, *operand.span(self.sizes), False)
            if i in stored:
                yield Access(operand.buffer, *self._written(operand, stored[i]), True)

    def _written(self, operand: Operand, inner: bool) -> tuple[int, int]:
        return operand.span(
            self.sizes if inner else (*self.sizes[: self.parallel], *(1,) * (len(self.sizes) - self.parallel))
        )

    def split(self, parts: int) -> list[Nest]:
        """Pieces along the largest parallel loop; a reduction to one number stays whole."""
        if parts < 2 or not self.parallel:
            return [self]
        loop = max(range(self.parallel), key=lambda i: (self.sizes[i] // (GRAIN if i == self.lanes else 1), -i))
        cuts = pieces(self.sizes[loop], parts, GRAIN if loop == self.lanes else 1)
        return [self._piece(loop, start, size) for start, size in cuts] if len(cuts) > 1 else [self]

    def _piece(self, loop: int, start: int, size: int) -> Nest:
        sizes = tuple(size if i == loop else n for i, n in enumerate(self.sizes))
        before = self.starts or (0,) * len(sizes)
        starts = tuple(n + start if i == loop else n for i, n in enumerate(before))
        operands = tuple(o.moved(loop, start) for o in self.operands)
        found = dataclasses.replace(self, sizes=sizes, starts=starts, operands=operands)
        same = {"text": self.text, "lines": self.lines, "cycles": self.cycles, "structure": self.structure}
        found.__dict__.update(same)  # for every piece
        return found

    def cost(self) -> float:
        """About how many nanoseconds: 0.1 for a float32 that comes or goes, and the arithmetic at 16 lanes."""
        places = {loops: math.prod([self.sizes[i] for i in loops]) for loops in set(self.lines.varies)}
        moved = sum([places[loops] for loops in self.lines.varies]) * 0.1
        inside = self.sizes[self.lanes] if self.sizes else GRAIN
        full: float = greatest(GRAIN, inside) / greatest(1, inside)
        return 20.0 + moved + math.prod(self.sizes) / GRAIN * full * self.cycles * 0.4

    @cached_property
    def cycles(self) -> int:
        """What the lines that are computed at every place take, of a full register."""
        body, every = self.lines, len(self.sizes) == self.parallel
        key = ("cycles", every, self.stores)
        if key not in body.noted:
            body.noted[key] = sum(
                EXPENSIVE.get(body.body[i][0], 1)
                for sweep in range(max(body.sweeps, default=0) + 1)
                for i in self.swept(sweep)
                if every or body.inner(i)
            )
        return int(body.noted[key])

    def swept(self, sweep: int) -> list[int]:
        """The lines that one sweep over the reduced loops needs."""
        body = self.lines
        targets = [i for r in body.reductions(sweep) for i in body.arguments(r)]
        if sweep == max(body.sweeps, default=0):
            targets += [s.line for s in self.stores]
        return body.needed(targets)

    def emit(self, f: Function, args: list[Any]) -> None:
        """Write the kernel; args: what `arguments` lists, as values or as plain ints."""
        Emission(f, self, args).emit()


@lru_cache(4096)
def _looked_at(
    text: str, body: tuple[Instruction, ...], moves: tuple[frozenset[int], ...], kinds: tuple[str, ...], parallel: int
) -> Body:
    """Programs of one structure are looked at once; the text tells numbers apart that are equal, as 0.0 and -0.0."""
    return Body(body, moves, kinds, parallel)


def _text(instruction: Instruction) -> str:
    return " ".join(np.dtype(x).name if isinstance(x, type | np.dtype) else str(x) for x in instruction)
