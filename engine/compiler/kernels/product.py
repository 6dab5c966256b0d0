"""What contractions and dots share: their data, and the scalar program that runs on each sum of products."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Self

import numpy as np

from engine.compiler.code.emit import Function
from engine.compiler.code.ssa import FLOAT, INT, Mask, Number, Ssa
from engine.compiler.graph.ir import CompilerError
from engine.compiler.kernels.body import Body, letter
from engine.compiler.kernels.maths import EXPENSIVE, convert, scalar
from engine.compiler.kernels.work import Access, Instruction, Operand, Shape, Store, pieces

NUMBERS = ("sum of numbers",)
"""The line of a scalar program that sums up what a holds, along k: only `panels` does, where it copies a."""
PLAIN = "plain arguments"
"""Where among its attributes a product has what it tells its kernel, if that is known: others add to it."""
SIZE = 4
"""Bytes of an element: everything here is float32 or a word."""


@dataclass(frozen=True)
class Product:
    """c[outer, m, n] = epilogue(sum over k of a[outer, m, k] * b[outer, n, k]).

    outer, m, n: sizes; k: sizes of the summed loops. Strides of a over (*outer, m, *k), of b over (*outer, n, *k), of
    operands over (*outer, m, n), along n 0 or 1. body: a scalar program whose line 0 is ("sum of products",). A
    gradient that is added to what is there loads it and adds.
    """

    outer: Shape
    m: int
    n: int
    k: Shape
    a: Operand
    b: Operand
    body: tuple[Instruction, ...]
    operands: tuple[Operand, ...]
    stores: tuple[Store, ...]

    @cached_property
    def sizes(self) -> Shape:
        """Of the loops over results."""
        return (*self.outer, self.m, self.n)

    @cached_property
    def beside(self) -> Store | None:
        """The last store, where it is of the sums of a's own numbers, or adds these to what is there."""
        return self.stores[-1] if NUMBERS in self.body else None

    @cached_property
    def steady(self) -> frozenset[int]:
        """The operands that are the same in all rows, as a bias along n is."""
        return frozenset([i for i, o in enumerate(self.operands) if o.strides[-2] == 0])

    @property
    def uncut(self) -> Shape:
        """The loops that are never taken apart."""
        return ()

    @property
    def sums(self) -> int:
        """How many products each sum has."""
        return math.prod(self.k)

    @cached_property
    def structure(self) -> str:
        """The part of the key that both kinds share."""
        body = ";".join(" ".join(map(_word, line)) for line in self.body)
        operands = ",".join(letter(o.buffer.dtype) + self.along(o) for o in self.operands)
        stores = ",".join(f"{s.operand}={s.line}" for s in self.stores)
        return f"{len(self.outer)}/{len(self.k)} [{operands}] {body} -> {stores}"

    def along(self, operand: Operand) -> str:
        """How an operand moves along n: 1 place by place, 0 not at all, s in steps."""
        stride = operand.strides[-1]
        return "1" if self.n == 1 or stride == 1 else "s" if stride else "0"

    def arguments(self) -> list[Any]:
        """Sizes of outer, m, n, k; then for a, b and each operand its address and strides."""
        known: list[Any] | None = self.__dict__.get(PLAIN)
        if known is not None:
            return known
        found: list[Any] = [*self.sizes, *self.k]
        for o in (self.a, self.b, *self.operands):
            found += [(o.buffer, o.offset), *o.strides]
        return found

    def accesses(self) -> Iterator[Access]:
        """Every operand's span; what is stored is written, what is loaded is read."""
        if 0 in self.sizes:
            return
        if self.sums:
            yield Access(self.a.buffer, *self.a.span((*self.outer, self.m, *self.k)), False)
            yield Access(self.b.buffer, *self.b.span((*self.outer, self.n, *self.k)), False)
        loaded = {rest[0] for name, *rest in self.body if name == "load"}
        stored = {s.operand for s in self.stores}
        for i, operand in enumerate(self.operands):
            if i in loaded:
                yield Access(operand.buffer, *operand.span(self.sizes), False)
            if i in stored:
                yield Access(operand.buffer, *operand.span(self.sizes), True)

    def arranged(self, order: list[int]) -> Self:
        """The same with the outer loops in another order."""
        if order == list(range(len(order))):
            return self

        def look(operand: Operand) -> Operand:
            strides = operand.strides
            return operand._replace(strides=(*(strides[i] for i in order), *strides[len(order) :]))

        operands = tuple(map(look, self.operands))
        outer = tuple(self.outer[i] for i in order)
        return replace(self, outer=outer, a=look(self.a), b=look(self.b), operands=operands)

    def cost(self) -> float:
        """About how many nanoseconds: 150 operations in each, fewer where lanes stay empty."""
        places = -(-self.n // 16) * 16 * self.m * math.prod(self.outer)
        return 30.0 + places * (2 * self.sums / 150 + 0.1 * (len(self.operands) + 1))

    @property
    def still(self) -> list[int]:
        """The outer loops along which b does not move."""
        return [i for i in range(len(self.outer)) if self.b.strides[i] == 0]

    def piece(self, loop: int, start: int, size: int) -> Self:
        """The part of it that lies in [start, start + size) of a loop over results."""
        sizes = list(self.sizes)
        sizes[loop] = size
        last = len(sizes) - 1
        a = self.a if loop == last else self.a.moved(loop, start)
        b = self.b if loop == last - 1 else self.b.moved(min(loop, last - 1), start)
        operands = tuple(o.moved(loop, start) for o in self.operands)
        *outer, m, n = sizes
        return replace(self, outer=tuple(outer), m=m, n=n, a=a, b=b, operands=operands)


def _word(x: Any) -> str:
    return np.dtype(x).name if isinstance(x, type | np.dtype) else str(x)


@dataclass(frozen=True)
class Walk:
    """An operand inside of a kernel: its address and its strides in bytes, as values or plain ints."""

    address: Any
    strides: tuple[Any, ...]

    def at(self, f: Function, *places: Number) -> Any:
        """The address at these places of the first loops."""
        address = self.address
        for place, stride in zip(places, self.strides, strict=False):
            address = f.add(address, f.mul(stride, place))
        return address


@dataclass(frozen=True)
class Given:
    """The arguments of a kernel, taken apart."""

    outer: tuple[Any, ...]
    m: Any
    n: Any
    k: tuple[Any, ...]
    a: Walk
    b: Walk
    operands: tuple[Walk, ...]

    @classmethod
    def of(cls, f: Function, work: Product, args: list[Any]) -> Given:
        """Take apart what `arguments` lists."""
        waiting = iter(args)

        def take(count: int) -> tuple[Any, ...]:
            return tuple(next(waiting) for _ in range(count))

        def walk(loops: int) -> Walk:
            return Walk(next(waiting), tuple(f.mul(s, SIZE) for s in take(loops)))

        outer, (m, n), k = take(len(work.outer)), take(2), take(len(work.k))
        loops = len(outer) + 1
        return cls(
            outer, m, n, k, walk(loops + len(k)), walk(loops + len(k)), tuple(walk(loops + 1) for _ in work.operands)
        )

    def moved(self, f: Function, places: tuple[Any, ...]) -> Given:
        """At one place of the first outer loops, which are over then."""
        count = len(places)
        walks = [Walk(w.at(f, *places), w.strides[count:]) for w in (self.a, self.b, *self.operands)]
        return Given(self.outer[count:], self.m, self.n, self.k, walks[0], walks[1], tuple(walks[2:]))


class Epilogue:
    """The scalar program, for one vector of sums (or one sum) at a time."""

    def __init__(self, f: Function, work: Product, operands: tuple[Walk, ...]) -> None:
        self.f, self.work, self.operands = f, work, operands
        kinds = tuple(letter(o.buffer.dtype) for o in work.operands)
        if bad := [o.buffer.dtype for o in work.operands if np.dtype(o.buffer.dtype).itemsize != SIZE]:
            raise CompilerError("a product's epilogue", "operands of four bytes", bad)
        self.body = Body(work.body, tuple(frozenset[int]() for _ in kinds), kinds, len(work.sizes))
        self.needed = self.body.needed(s.line for s in work.stores)

    @property
    def cycles(self) -> int:
        """About how long it takes for a vector."""
        return sum(EXPENSIVE.get(self.work.body[line][0], 1) for line in self.needed)

    def begin(self, places: tuple[Any, ...], column: Any) -> list[Any]:
        """The address of each operand at these places of the loops but the last, and a column."""
        rows = [operand.at(self.f, *places) for operand in self.operands]
        return [self._at(i, rows, column) for i in range(len(rows))]

    def settled(self, still: frozenset[int]) -> list[int]:
        """The lines that are the same in all rows, given the operands that are."""
        moving = {line for line, (name, *rest) in enumerate(self.work.body) if name == "load" and rest[0] not in still}
        found: list[int] = []
        for line in self.needed:
            before = self.body.arguments(line)
            if line and line not in moving and all(i in found for i in before):
                found.append(line)
        return found

    def settle(self, lines: list[int], rows: list[Any], place: Any, mask: Mask = None) -> dict[int, Any]:
        """What these lines are at a place along n."""
        found: dict[int, Any] = {}
        for line in lines:
            found[line] = self._line(line, self.f.floating(0.0), found, rows, place, mask)
        return found

    def run(
        self, sums: Ssa, rows: list[Any], place: Any, mask: Mask = None, known: dict[int, Any] | None = None
    ) -> None:
        """Compute and store. rows: the address of each operand in this row; place: where along n; known: some lines."""
        f, found = self.f, dict(known or {})
        for line in self.needed:
            if line not in found:
                found[line] = self._line(line, sums, found, rows, place, mask)
        for store in self.work.stores:
            value, at = f.value(found[store.line], sums.type), self._at(store.operand, rows, place)
            if sums.vector and self._along(store.operand) == "s":
                f.scatter(value, at, self._steps(store.operand), mask)
            else:
                f.store(value, at, mask)

    def _along(self, operand: int) -> str:
        return self.work.along(self.work.operands[operand])

    def _at(self, operand: int, rows: list[Any], place: Any) -> Any:
        """The address of an operand at a place along n."""
        stride = {"0": 0, "1": SIZE}.get(self._along(operand), self.operands[operand].strides[-1])
        return self.f.add(rows[operand], self.f.mul(place, stride))

    def _steps(self, operand: int) -> Ssa:
        """How many elements each lane lies behind the first one."""
        f, stride = self.f, self.operands[operand].strides[-1]
        step = f.arithmetic("ashr", stride, 2) if isinstance(stride, Ssa) else f.value(stride // SIZE)
        return f.places() * f.splat(f.cast("trunc", step, INT))  # type: ignore[no-any-return]

    def _line(self, line: int, sums: Ssa, found: dict[int, Any], rows: list[Any], place: Any, mask: Mask) -> Any:
        name, *rest = self.work.body[line]
        kinds = self.body.kinds
        if name == "sum of products":
            return sums
        if name == "const":
            return rest[0]
        if name == "load":
            return self._load(rest[0], sums.vector, rows, place, mask)
        arguments = self.body.arguments(line)
        if name == "cast":
            return convert(self.f, found[arguments[0]], kinds[arguments[0]], kinds[line])
        values = [found[i] for i in arguments]
        if not any(isinstance(v, Ssa) for v in values):
            values[-1] = self.f.value(values[-1], sums.type)
        return scalar(self.f, name, [kinds[i] for i in arguments], values)

    def _load(self, operand: int, vector: bool, rows: list[Any], place: Any, mask: Mask) -> Ssa:
        f, along, at = self.f, self._along(operand), self._at(operand, rows, place)
        element = FLOAT if self.body.operand_kinds[operand] == "f" else INT
        if not vector:
            return f.load(element, at)
        if along == "s":
            return f.gather(element, at, self._steps(operand), mask)
        return f.load(f.vector(element), at, mask) if along == "1" else f.splat(f.load(element, at))


def same(operands: frozenset[int]) -> str:
    """The part of a key that names the operands whose lines are computed once for many results."""
    return " same " + " ".join([str(i) for i in sorted(operands)])


def cuts(sizes: Shape, grains: Shape, parts: int) -> tuple[int, list[tuple[int, int]]]:
    """The loop along which pieces, multiples of its grain, come out most equal, and those (start, size)."""
    found = [(pieces(n, parts, grain), loop) for loop, (n, grain) in enumerate(zip(sizes, grains, strict=True))]
    made, loop = min(found, key=lambda x: max((size for _, size in x[0]), default=1) / max(1, sizes[x[1]]))
    return loop, made
