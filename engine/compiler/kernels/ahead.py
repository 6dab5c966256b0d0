"""What an epilogue will touch is asked for while the sum runs, a row now and then: else it waits for far memory."""

from __future__ import annotations

from typing import Any

from engine.compiler.emit import Function
from engine.compiler.kernels.product import SIZE, Epilogue
from engine.compiler.kernels.walking import WORD
from engine.compiler.ssa import LONG

MOST = 320
"""Rows that can be noted."""
SHIFT = 16
"""Binary places of the fraction of a row that each product asks for."""


class Ahead:
    """The addresses of a tile's rows, noted before its sum begins. moving: bytes from row to row of each operand that
    moves; total: how many products the sum has."""

    def __init__(self, f: Function, epilogue: Epilogue, moving: dict[int, Any], total: Any) -> None:
        self.f, self.epilogue, self.moving, self.total = f, epilogue, moving, total
        self.notes, self.count, self.pace = f.scratch(WORD * MOST), 0, f.value(0)

    def begin(self, groups: list[tuple[Any, int, tuple[Any, ...]]], column: Any) -> None:
        """Note a tile's rows (first, how many, in which place), to be spread over its sum: far memory answers few
        requests at a time."""
        f, self.count = self.f, 0
        for first, rows, place in groups:
            at = self.epilogue.begin((*place, first), column)
            for operand, step in self.moving.items():
                for row in range(rows):
                    address = f.add(at[operand], f.mul(step, row))
                    f.store(f.value(address), f.add(self.notes, WORD * self.count))
                    self.count += 1
        self.pace = f.value(self.count << SHIFT) // self.total

    def bring(self, place: Any, vectors: int) -> None:
        """At a place of the sum: ask for the row whose turn it is."""
        f = self.f
        if self.count:
            turn = f.arithmetic("lshr", f.mul(place, self.pace), SHIFT)
            row = f.load(LONG, f.add(self.notes, f.mul(turn, WORD)))
            for q in range(vectors):
                f.prefetch(f.add(row, q * f.lanes * SIZE))
