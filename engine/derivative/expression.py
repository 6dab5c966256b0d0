"""Formulas: symbols, numbers and operations on them, each written once, with the plain simplifications of algebra."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from engine.derivative.cost import work
from engine.errors import ArgumentError
from engine.ops.op import OPS, Op


class Expression:
    """A symbol (name), a number (value), or an operation on other expressions. Made by a Book.

    serial: creation number; the parts of an expression are older than it.

    >>> e = engine.derivative.formula(lambda x: (x + 1) * (x + 1), 1.0).value
    >>> e.tree_size, e.graph_size, float(e(x=2.0))
    (7, 4, 9.0)
    """

    __slots__ = ("attrs", "dtype", "name", "op", "parts", "serial", "shape", "value")

    def __init__(self, serial: int, shape: Any, dtype: Any) -> None:
        self.serial, self.shape, self.dtype = serial, shape, dtype
        self.op: type[Op] | None = None
        self.parts: tuple[Expression, ...] = ()
        self.attrs: dict[str, Any] = {}
        self.name = ""
        self.value: Any = None

    @property
    def size(self) -> int:
        """The number of elements of its value."""
        return int(np.prod(self.shape, dtype=np.int64))

    def is_number(self, number: float | None = None) -> bool:
        """Whether it is a constant, and that number everywhere."""
        return self.value is not None and (number is None or bool(np.all(self.value == number)))

    def graph(self) -> list[Expression]:
        """Every expression in it once, parts before wholes."""
        seen = {id(self): self}
        waiting = [self]
        while waiting:
            for part in waiting.pop().parts:
                if id(part) not in seen:
                    seen[id(part)] = part
                    waiting.append(part)
        return sorted(seen.values(), key=lambda e: e.serial)

    def uses(self) -> dict[int, int]:
        """How often each expression would be written out without sharing, by its id."""
        times: Counter[int] = Counter({id(self): 1})
        for e in reversed(self.graph()):
            for part in e.parts:
                times[id(part)] += times[id(e)]
        return times

    @property
    def graph_size(self) -> int:
        """The number of different expressions in it: its size with common subexpressions shared."""
        return len(self.graph())

    @property
    def tree_size(self) -> int:
        """The number of symbols, numbers and operations when everything is written out."""
        return sum(self.uses().values())

    def operations(self, sharing: bool = True) -> dict[str, int]:
        """The elementary operations that computing it takes, by name."""
        return operations([self], sharing)

    def __call__(self, **values: Any) -> Any:
        """Its value for arrays in the place of the symbols."""
        return evaluate([self], values)[0]


def factored(e: Expression) -> tuple[Any, Expression]:
    """(c, x) for c x and for -x; (None, x) for any other x."""
    if e.op is not None and e.op.name == "neg":
        return np.asarray(-1.0), e.parts[0]
    if e.op is not None and e.op.name == "mul" and e.parts[0].is_number() and not e.parts[0].shape:
        return e.parts[0].value, e.parts[1]
    return None, e


def operations(wanted: list[Expression], sharing: bool = True) -> dict[str, int]:
    """The elementary operations that computing all of them takes, shared parts once or as often as they stand there."""
    total: Counter[str] = Counter()
    times: Counter[int] = Counter()
    for whole in wanted:
        times.update(whole.uses())
    for e in {e.serial: e for whole in wanted for e in whole.graph()}.values():
        for name, count in work(e.op, list(e.parts), e).items() if e.op is not None else ():
            total[name] += count * (1 if sharing else times[id(e)])
    return dict(total)


def evaluate(wanted: list[Expression], values: dict[str, Any]) -> list[Any]:
    """The values of several expressions, shared parts computed once."""
    known: dict[int, Any] = {}
    together = {e.serial: e for whole in wanted for e in whole.graph()}
    for _, e in sorted(together.items()):
        if e.op is not None:
            known[id(e)] = np.asarray(e.op.forward(np, *(known[id(p)] for p in e.parts), **e.attrs))
        elif e.value is not None:
            known[id(e)] = e.value
        elif e.name in values:
            known[id(e)] = np.asarray(values[e.name], e.dtype)
        else:
            raise ArgumentError("expression", f"a value for {e.name}", sorted(values))
    return [np.asarray(known[id(e)]) for e in wanted]


class Book:
    """Where expressions are written, equal ones once; simplify: use the laws of algebra while writing."""

    def __init__(self, simplify: bool = True) -> None:
        self._simplify = simplify
        self._known: dict[Any, Expression] = {}

    def _new(self, key: Any, shape: Any, dtype: Any) -> tuple[Expression, bool]:
        known = self._known.get(key)
        if known is not None:
            return known, False
        made = Expression(len(self._known), tuple(shape), dtype)
        self._known[key] = made
        return made, True

    def symbol(self, name: str, shape: Any, dtype: Any) -> Expression:
        """An input."""
        e, _ = self._new(("symbol", name), shape, dtype)
        e.name = name
        return e

    def number(self, value: Any, shape: Any = None) -> Expression:
        """A constant; one number may stand for a whole shape of them."""
        a = np.asarray(float(value) if type(value) is int else value)
        a = a if shape is None else np.broadcast_to(a, shape)
        e, _ = self._new(("number", a.tobytes(), a.shape, a.dtype.kind), a.shape, a.dtype)
        e.value = a
        return e

    def call(
        self, op: type[Op], parts: tuple[Expression, ...], attrs: dict[str, Any], shape: Any, dtype: Any
    ) -> Expression:
        """An operation on expressions, or what is simpler and equal."""
        if self._simplify:
            simpler = self._simpler(op.name, op, parts, attrs, tuple(shape))
            if simpler is not None:
                return simpler
        key = (op.name, tuple(p.serial for p in parts), repr(sorted(attrs.items(), key=lambda item: item[0])))
        e, fresh = self._new(key, shape, dtype)
        if fresh:
            e.op, e.parts, e.attrs = op, parts, attrs
        return e

    def _simpler(
        self, name: str, op: type[Op], parts: tuple[Expression, ...], attrs: dict[str, Any], shape: Any
    ) -> Expression | None:
        if parts and all(p.is_number() for p in parts) and np.prod(shape, dtype=int) <= 1_000:
            return self.number(np.asarray(op.forward(np, *(p.value for p in parts), **attrs)))
        if name in ("cast", "clone", "reshape", "expand", "permute") and parts[0].shape == shape:
            return parts[0] if name != "permute" else None
        law = LAWS.get(name)
        found = None if law is None else law(self, parts, shape)
        return found if found is None or found.shape == shape else None

    def product(self, a: Expression, b: Expression, shape: Any) -> Expression | None:
        """0 * x = 0, 1 * x = x, -1 * x = -x; a number stands in front of the whole product."""
        if b.is_number() and not a.is_number():
            return self._again("mul", (b, a), shape)
        if a.is_number(0) or b.is_number(0):
            return self.number(0.0, shape)
        if a.is_number(1) or a.is_number(-1):
            return b if a.is_number(1) else self._again("neg", (b,), shape)
        (m, x), (n, y) = factored(a), factored(b)
        if a.is_number():
            return None if n is None else self._again("mul", (self.number(a.value * n), y), shape)
        if m is None and n is None:
            return None
        inner = self._again("mul", (x, y), shape)
        return self._again("mul", (self.number((1.0 if m is None else m) * (1.0 if n is None else n)), inner), shape)

    def total(self, a: Expression, b: Expression, shape: Any) -> Expression | None:
        """0 + x = x, 2 x + 3 x = 5 x, x + (-y) = x - y; numbers stand behind."""
        if a.is_number(0) or b.is_number(0):
            return b if a.is_number(0) else a
        if a.is_number() and not b.is_number():
            return self._again("add", (b, a), shape)
        (m, x), (n, y) = factored(a), factored(b)
        if x is y:
            return self._again("mul", (self.number((1.0 if m is None else m) + (1.0 if n is None else n)), x), shape)
        for (c, z), other in (((n, y), a), ((m, x), b)):
            if c is not None and np.all(c < 0):
                return self._again("sub", (other, self._again("mul", (self.number(-c), z), shape)), shape)
        return None

    def difference(self, a: Expression, b: Expression, shape: Any) -> Expression | None:
        """x - 0 = x, 0 - x = -x, x - x = 0, x - (-y) = x + y."""
        if b.is_number(0):
            return a
        if a.is_number(0):
            return self._again("neg", (b,), shape)
        (m, x), (n, y) = factored(a), factored(b)
        if x is y:
            return self._again("mul", (self.number((1.0 if m is None else m) - (1.0 if n is None else n)), x), shape)
        if n is not None and np.all(n < 0):
            return self._again("add", (a, self._again("mul", (self.number(-n), y), shape)), shape)
        return None

    def quotient(self, a: Expression, b: Expression, shape: Any) -> Expression | None:
        """0 / x = 0, x / 1 = x, x / x = 1, (c x) / y = c (x / y)."""
        if a.is_number(0) or a is b:
            return self.number(0.0 if a.is_number(0) else 1.0, shape)
        if b.is_number(1):
            return a
        n, x = factored(a)
        return None if n is None else self._again("mul", (self.number(n), self._again("div", (x, b), shape)), shape)

    def power(self, a: Expression, b: Expression, shape: Any) -> Expression | None:
        """x ** 0 = 1, x ** 1 = x."""
        return self.number(1.0, shape) if b.is_number(0) else a if b.is_number(1) else None

    def negative(self, a: Expression, shape: Any) -> Expression | None:
        """-(-x) = x, -(c x) = (-c) x, -(x - y) = y - x."""
        n, x = factored(a)
        if n is not None:
            return self._again("mul", (self.number(-n), x), shape)
        return self._again("sub", a.parts[::-1], shape) if a.op is not None and a.op.name == "sub" else None

    def _again(self, name: str, parts: tuple[Expression, ...], shape: Any) -> Expression:
        return self.call(OPS[name], parts, {}, shape, parts[-1].dtype)


LAWS: dict[str, Any] = {
    "mul": lambda book, p, shape: book.product(*p, shape),
    "add": lambda book, p, shape: book.total(*p, shape),
    "sub": lambda book, p, shape: book.difference(*p, shape),
    "div": lambda book, p, shape: book.quotient(*p, shape),
    "pow": lambda book, p, shape: book.power(*p, shape),
    "neg": lambda book, p, shape: book.negative(*p, shape),
}
