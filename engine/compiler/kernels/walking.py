"""Loops inside of loops, and several loops as one: where the places of a flattened nest lie, as a table in memory.

And what such loops need: addresses of lines that are equally far apart, masks that outlive a loop.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.compiler.code.emit import Function
from engine.compiler.code.ssa import INT, LONG, Mask, Ssa

WORD = 8
GROUP = 7
"""Lines that share a pointer: the others lie 1, 2, 3, 4, 5 or 6 strides behind it, which takes three registers."""


def over(f: Function, sizes: Sequence[Any], body: Callable[..., None], *places: Any) -> None:
    """Loops inside of loops around body(*places)."""
    if not sizes:
        body(*places)
    else:
        f.loop(sizes[0], lambda i: over(f, sizes[1:], body, *places, i))


@dataclass(frozen=True)
class Lines:
    """Lines that are equally far apart: pointers, how many lines lie at or behind each, odd multiples of the stride."""

    pointers: list[Any]
    counts: list[int]
    odd: dict[int, Any]

    @classmethod
    def of(cls, f: Function, step: Any, starts: Sequence[tuple[Any, int]]) -> Lines:
        """step: bytes between lines. starts: addresses of first lines, and how many follow from there on."""
        group = GROUP if isinstance(step, Ssa) else max(count for _, count in starts)
        runs = [(f.add(at, f.mul(step, i)), min(group, n - i)) for at, n in starts for i in range(0, n, group)]
        counts = [count for _, count in runs]
        return cls([at for at, _ in runs], counts, {i: f.mul(step, i) for i in range(1, max(counts), 2)})

    def near(self, f: Function, pointers: Sequence[Any]) -> list[Any]:
        """The addresses of all lines where the pointers have come to: a factor of 2 or 4 is part of an instruction."""
        pairs = zip(pointers, self.counts, strict=True)
        return [self._behind(f, pointer, line) for pointer, count in pairs for line in range(count)]

    def _behind(self, f: Function, pointer: Any, line: int) -> Any:
        if not line:
            return pointer
        factor = line & -line
        step = self.odd[line // factor]
        return f.add(pointer, step << (factor.bit_length() - 1) if factor > 1 else step)


def held(f: Function, mask: Mask) -> Mask:
    """The same lanes, in a register of their own: LLVM does not compute them anew in each round of a loop."""
    if mask is None or not mask.name.startswith("%"):
        return mask
    if f.lanes < 16:  # lanes whose sign tells
        signs = f.effect(f'call {f.ints} asm "", "=x,0"({f.cast("sext", mask, INT)!r})', f.ints)
        return signs < 0  # type: ignore[no-any-return]
    bits = f.effect(f"bitcast {mask!r} to i16", "i16")
    kept = f.effect(f'call i16 asm "", "=r,0"({bits!r})', "i16")
    return f.effect(f"bitcast {kept!r} to {mask.type}", mask.type)


def splice(f: Function, sizes: Sequence[Any]) -> Any:
    """The number of places of several loops."""
    total: Any = 1
    for size in sizes:
        total = f.mul(total, size)
    return total


def entry(f: Function, table: Ssa, place: Any, walk: int, walks: int) -> Ssa:
    """What `fill` noted for a walk."""
    return f.load(LONG, f.add(f.add(table, walk * WORD), f.mul(place, walks * WORD)))


def fill(
    f: Function, table: Ssa, sizes: Sequence[Any], strides: Sequence[Sequence[Any]], first: Any, count: Any,
    extra: Sequence[Any] | None = None, body: Callable[[Any, Any], None] | None = None,
) -> None:  # fmt: skip
    """Note for `count` places of a flattened nest, from place `first` on, how far each walk (its strides) has come.

    body(i, at), if given, is run at each of them: `at` is how far the walk with the strides `extra` has come.
    """
    walks = [*strides, extra] if extra is not None else list(strides)
    digits: list[Any] = []
    rest = first
    for size in reversed(sizes):
        digits.insert(0, rest % size if isinstance(rest, Ssa) or not isinstance(size, Ssa) else f.value(rest) % size)
        rest = rest // size if isinstance(rest, Ssa) or not isinstance(size, Ssa) else f.value(rest) // size
    begin = [_dot(f, digits, walk) for walk in walks]
    back = [[f.mul(size, s) for size, s in zip(sizes, walk, strict=True)] for walk in walks]

    def step(i: Any, *state: Any) -> tuple[Any, ...]:
        at, counted = list(state[: len(walks)]), list(state[len(walks) :])
        for number in range(len(strides)):
            f.store(f.value(at[number]), f.add(f.add(table, number * WORD), f.mul(i, len(strides) * WORD)))
        if body is not None:
            body(i, at[-1])
        return _next(f, sizes, walks, back, at, counted)

    f.loop(count, step, (*begin, *digits))


def _dot(f: Function, digits: Sequence[Any], strides: Sequence[Any]) -> Any:
    total: Any = 0
    for digit, stride in zip(digits, strides, strict=True):
        total = f.add(total, f.mul(digit, stride))
    return total


def _next(
    f: Function, sizes: Sequence[Any], walks: Sequence[Sequence[Any]], back: Sequence[Sequence[Any]],
    at: list[Any], counted: list[Any],
) -> tuple[Any, ...]:  # fmt: skip
    """As an odometer counts: the last loop goes on; where it is over, it starts anew and the one before goes on."""
    last = len(sizes) - 1
    at = [f.add(x, walk[last]) for x, walk in zip(at, walks, strict=True)]
    counted[last] = f.add(counted[last], 1)
    for loop in range(last, 0, -1):
        over = f.compare("ge", counted[loop], sizes[loop])
        moved = [f.add(x, f.sub(walk[loop - 1], full[loop])) for x, walk, full in zip(at, walks, back, strict=True)]
        at = [f.select(over, f.value(y), f.value(x)) for x, y in zip(at, moved, strict=True)]
        counted[loop - 1] = f.select(over, f.value(f.add(counted[loop - 1], 1)), f.value(counted[loop - 1]))
        counted[loop] = f.select(over, f.value(0), f.value(counted[loop]))
    return (*at, *counted)
