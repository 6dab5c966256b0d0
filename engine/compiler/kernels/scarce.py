"""Convolutions of 3 x 3 taps over what is zero in most places, as the gradient is that a pool sends back: of four
results one was the largest, and only that one is sent anything. The work is that of the numbers which are not zero (see
`lists`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from engine.compiler.code.emit import Function
from engine.compiler.graph.ir import CompilerError
from engine.compiler.kernels.lists import EDGE, NEAR, NOTED, PLACES, SUMS, Pictures, Taps
from engine.compiler.kernels.product import SIZE, Given, Product, cuts
from engine.compiler.kernels.squares import TAPS
from engine.compiler.kernels.tiles import WIDTH
from engine.compiler.kernels.winograd import Sliding, Winograd

SHARE, SPEED = 0.25, (65.0, 80.0)
"""How many numbers are not zero, at most; operations in a nanosecond, for pictures and for taps."""


@dataclass(frozen=True)
class Scarce(Sliding):
    """What a `Winograd` says where most numbers of what came back (a, or b for gradients of taps) are zero.

    Zeros are left out where what they would be multiplied with is finite. The order of a sum is that of the places, so
    pieces are of filters, or of pictures.
    """

    @property
    def channels(self) -> int:
        """Of the picture."""
        return int(self.m if self.back else self.n)

    @property
    def rows(self) -> Any:
        """Rows at a time: equally many."""
        high, wide = self.area
        if self.back:
            most = min(NEAR // (SIZE * self.m * (wide + EDGE)) - EDGE, PLACES // wide)
        else:
            high, most = high + EDGE, NOTED // ((wide + EDGE) * self.k[-1])
        return -(-high // -(-high // max(1, most)))

    @property
    def key(self) -> str:
        """Everything that decides the machine code."""
        return f"scarce {'back ' * self.back}{self.channels} {self.structure}"

    def arguments(self) -> list[Any]:
        """Sizes of outer, m, n, k; for a, b and each operand its address and strides; rows at a time."""
        return [*Product.arguments(self), self.rows]

    def split(self, parts: int) -> list[Scarce]:
        """Pieces of filters; of pictures. (Pieces of channels would be other machine code.)"""
        if parts < 2:
            return [self]
        ends = (TAPS, TAPS, self.m, WIDTH) if self.back else (*(1 for _ in self.outer[1:]), *self.area, self.n)
        loop, found = cuts(self.sizes, ends, parts)
        return [self.piece(loop, start, size) for start, size in found] if len(found) > 1 else [self]

    def cost(self) -> float:
        """About how many nanoseconds."""
        sent = math.prod((*self.k, self.n)) if self.back else math.prod((*self.outer, self.m, self.k[-1]))
        return 100.0 + sent * (SHARE * TAPS * TAPS * self.channels * 2 / SPEED[self.back] + 0.25)

    def emit(self, f: Function, args: list[Any]) -> None:
        """Write the kernel; args: what `arguments` lists, as values or as plain ints.

        Raises: CompilerError for a processor that cannot move the lanes of a mask together.
        """
        if f.lanes != WIDTH:
            raise CompilerError("scarce", f"vectors of {WIDTH} numbers, as plans ask for", f.lanes)
        (Taps if self.back else Pictures)(f, self, Given.of(f, self, args), args[-1]).emit()


def scarce(work: Winograd) -> Scarce | None:
    """The same, where it is known that most numbers are zero; None where that takes longer, or too much room."""
    found = Scarce(work.outer, work.m, work.n, work.k, work.a, work.b, work.body, work.operands, work.stores, work.back)
    outer, (high, wide) = len(work.outer), found.area
    sums = TAPS * TAPS * work.m * work.n if work.back else high * (wide + 2 * EDGE) * work.n
    if found.channels % WIDTH or sums > SUMS or work.b.strides[outer] != 1:
        return None
    if work.back:
        fits = wide <= PLACES and work.a.strides[outer] == 1 and work.a.strides[-1] == work.m
    else:
        fits = (wide + EDGE) * work.k[-1] <= NOTED and work.a.strides[-1] == 1
    return found if fits and found.cost() < work.cost() else None
