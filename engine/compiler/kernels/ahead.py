"""What an epilogue will touch is asked for while the sum runs, a row now and then: else it waits for far memory."""

from __future__ import annotations

from typing import Any

from engine.compiler.code.emit import Function
from engine.compiler.code.ssa import LONG
from engine.compiler.kernels.product import SIZE, Epilogue
from engine.compiler.kernels.walking import WORD

MOST = 320
"""Rows that can be noted."""


class Ahead:
    """The addresses of a tile's rows, noted before its sum begins. moving: bytes from row to row of each operand that
    moves; total: how many products the sum has."""

    def __init__(self, f: Function, epilogue: Epilogue, moving: dict[int, Any], total: Any, rounds: int) -> None:
        self.f, self.epilogue, self.moving, self.total, self.rounds = f, epilogue, moving, total, rounds
        self.notes, self.part = f.scratch(WORD * MOST), f.value(0)

    def begin(self, groups: list[tuple[Any, int, tuple[Any, ...]]], column: Any) -> None:
        """Note a tile's rows (first, how many, in which place), to be spread over its sum: far memory answers few
        requests at a time."""
        f, count = self.f, 0
        for first, rows, place in groups:
            at = self.epilogue.begin((*place, first), column)
            for operand, step in self.moving.items():
                for row in range(rows):
                    address = f.add(at[operand], f.mul(step, row))
                    f.store(f.value(address), f.add(self.notes, WORD * count))
                    count += 1
        each = count * self.rounds
        self.part = f.mul(f.add(self.total, each - 1) // each, self.rounds)

    def bring(self, note: Any, vectors: int) -> Any:
        """Ask for the row whose turn it is; where the next one is noted."""
        f = self.f
        row = f.load(LONG, note)
        for q in range(vectors):
            f.prefetch(f.add(row, q * f.lanes * SIZE))
        return f.add(note, WORD)
