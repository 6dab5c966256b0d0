"""What a nest knows while its code is written: inside of some loops, and in one walk over those that are reduced."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from engine.compiler.code.ssa import Mask, Number
from engine.compiler.kernels.work import Store


class Scope:
    """What is known inside some loops: where each operand stands, the place in each loop, the values of lines."""

    def __init__(self, at: list[Number]) -> None:
        self.at = at
        self.values: dict[int, list[Any]] = {}
        self.place: dict[int, Number] = {}
        self.masks: list[Mask] = [None]
        """One for each register that goes side by side in the loop of the lanes; a single one outside of it."""

    def copy(self) -> Scope:
        """For the inside of a loop."""
        found = Scope(list(self.at))
        found.values, found.place, found.masks = dict(self.values), dict(self.place), self.masks
        return found


@dataclass(frozen=True)
class Sweep:
    """One walk over the reduced loops: the lines it needs, the reductions it finds, the stores it makes."""

    lines: list[int]
    reductions: list[int]
    stores: list[Store]
