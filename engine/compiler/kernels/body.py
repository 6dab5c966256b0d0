"""A scalar program, looked at: the element type of each line, the loops it varies with, the reductions before it.

These three facts decide where a loop nest computes a line: as far outside as it is constant, and once in every sweep
over the reduced loops that needs it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Any

import numpy as np

from engine.compiler.graph.ir import SCALARS, CompilerError
from engine.compiler.kernels.work import Instruction

LEAVES = ("load", "const", "iota", "sum of products", "sum of numbers")
KINDS = {"f": "f", "i": "i", "u": "u", "b": "t"}
"""NumPy's letter of an element type -> f float32, i whole number, u word, t truth: what a line's lanes hold."""


class Body:
    """The lines of a nest. varies: for each operand the loops along which it moves; kinds: its elements' letter; noted:
    what was found out about it, by what was asked."""

    def __init__(
        self, body: tuple[Instruction, ...], varies: tuple[frozenset[int], ...], kinds: tuple[str, ...], parallel: int
    ) -> None:
        self.body, self.varies, self.operand_kinds, self.parallel = body, varies, kinds, parallel
        self.noted: dict[Any, Any] = {}

    def arguments(self, line: int) -> tuple[int, ...]:
        """The lines that a line reads."""
        name, *rest = self.body[line]
        if name in LEAVES:
            return ()
        return (rest[0],) if name == "cast" else (rest[1],) if name == "reduce" else tuple(rest)

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The letter of every line's element type."""
        found: list[str] = []
        for line in range(len(self.body)):
            found.append(self._kind(line, found))
        return tuple(found)

    def _kind(self, line: int, known: list[str]) -> str:
        name, *rest = self.body[line]
        if name == "load":
            return self.operand_kinds[rest[0]]
        if name in ("const", "cast"):
            return letter(rest[1])
        if name in ("iota", "sum of products", "sum of numbers"):
            return "u" if name == "iota" else "f"
        given = [known[i] for i in self.arguments(line)]
        if name == "reduce":
            return "t" if rest[0] in ("any", "all") else given[0]
        rule = SCALARS[name][1]
        if rule == "same" or rule == "last":
            return joined(given[1:] if rule == "last" else given)
        return "t" if rule == "truth" else "u"

    @cached_property
    def loops(self) -> tuple[frozenset[int], ...]:
        """The loops that every line varies with; a reduction varies with parallel loops only."""
        found: list[frozenset[int]] = []
        for line, (name, *rest) in enumerate(self.body):
            if name == "load":
                found.append(self.varies[rest[0]])
            elif name == "iota":
                found.append(frozenset((rest[0],)))
            else:
                every = frozenset[int]().union(*(found[i] for i in self.arguments(line)))
                found.append(frozenset(i for i in every if i < self.parallel) if name == "reduce" else every)
        return tuple(found)

    @cached_property
    def sweeps(self) -> tuple[int, ...]:
        """For every line the number of sweeps over the reduced loops that must be over before it can be known.

        A reduction of lines of sweep s is computed by sweep s, and is known to lines of sweep s + 1.
        """
        found: list[int] = []
        for line, (name, *_) in enumerate(self.body):
            before = max((found[i] for i in self.arguments(line)), default=0)
            found.append(before + (name == "reduce"))
        return tuple(found)

    def inner(self, line: int) -> bool:
        """Whether it varies with a reduced loop."""
        return any(loop >= self.parallel for loop in self.loops[line])

    @cached_property
    def waiting(self) -> int:
        """How many lines that vary with a reduced loop are kept for later sweeps, where they are most; at least 1."""
        end = max(self.sweeps, default=0)
        first, last = [end] * len(self.body), [0] * len(self.body)
        for line in reversed(range(len(self.body))):
            when = self.sweeps[line] - 1 if self.body[line][0] == "reduce" else max(first[line], self.sweeps[line])
            for i in self.arguments(line):
                first[i], last[i] = min(first[i], when), max(last[i], when)
        lines = [i for i in range(len(self.body)) if self.inner(i)]
        return max([1, *(sum(first[i] <= border < last[i] for i in lines) for border in range(end))])

    def reductions(self, sweep: int) -> list[int]:
        """The lines that this sweep reduces to."""
        return [i for i, (name, *_) in enumerate(self.body) if name == "reduce" and self.sweeps[i] == sweep + 1]

    def needed(self, targets: Iterable[int], behind: bool = False) -> list[int]:
        """What must be computed to know these lines, they included, in order; behind: with what is reduced for it."""
        found: set[int] = set()
        waiting = list(targets)
        while waiting:
            line = waiting.pop()
            if line not in found:
                found.add(line)
                waiting += self.arguments(line) if behind or self.body[line][0] != "reduce" else ()
        return sorted(found)

    @cached_property
    def loaded(self) -> frozenset[int]:
        """The operands that are read."""
        return frozenset(rest[0] for name, *rest in self.body if name == "load")

    def check(self) -> None:
        """Raises: CompilerError for a line that reads a later one, or a name that nobody knows."""
        for line, (name, *_) in enumerate(self.body):
            if name not in (*LEAVES, "cast", "reduce", *SCALARS):
                raise CompilerError("a scalar program", f"a name of ir.SCALARS, not {name!r} in line {line}")
            if any(not 0 <= i < line for i in self.arguments(line)):
                raise CompilerError("a scalar program", f"earlier lines, not {self.body[line]} in line {line}")


def letter(dtype: Any) -> str:
    """The letter of a NumPy element type (f4, i8, u4 or truth)."""
    return KINDS[np.dtype(dtype).kind]


def joined(kinds: list[str]) -> str:
    """The element type of a result of operands of these: float before whole number before word before truth."""
    return min(kinds, key="fiut".index)
