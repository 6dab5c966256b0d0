"""Values of a function under construction and their arithmetic: Python operators that grow LLVM's text.

Where everything is a Python int it stays one: sums of plain ints emit nothing, a comparison that is known is a bool.
Nothing here needs llvmlite: the result is text.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

from engine.compiler.machine.cpu import Cpu

FLOAT, INT, LONG, TRUTH, NOTHING = "float", "i32", "i64", "i1", "void"
BYTES = {FLOAT: 4, INT: 4, LONG: 8, "i8": 1}


class Ssa:
    """A value of the function under construction: its LLVM type and how the text names it.

    Operators emit instructions. A Python number takes the type of the other operand, a scalar meets a vector in every
    lane. Comparisons with NaN are false; `>>` shifts zeros in; `//` and `%` are for numbers that are not negative.
    """

    __slots__ = ("f", "name", "type")

    def __init__(self, f: Arithmetic, name: str, type: str) -> None:
        self.f, self.name, self.type = f, name, type

    def __repr__(self) -> str:
        return f"{self.type} {self.name}"

    @property
    def element(self) -> str:
        """The type of one lane."""
        return self.type.split()[-1].rstrip(">")

    @property
    def vector(self) -> bool:
        """Whether it has lanes."""
        return self.type.startswith("<")

    @property
    def floating(self) -> bool:
        """Whether its lanes are float32."""
        return self.element == FLOAT

    def __add__(self, other: Number) -> Any:
        return self.f.add(self, other)

    def __sub__(self, other: Number) -> Any:
        return self.f.sub(self, other)

    def __mul__(self, other: Number) -> Any:
        return self.f.mul(self, other)

    def __radd__(self, other: Number) -> Any:
        return self.f.add(self, other)

    def __rsub__(self, other: Number) -> Any:
        return self.f.sub(other, self)

    def __rmul__(self, other: Number) -> Any:
        return self.f.mul(self, other)

    def __truediv__(self, other: Number) -> Any:
        return self.f.arithmetic("fdiv", self, other)

    def __rtruediv__(self, other: Number) -> Any:
        return self.f.arithmetic("fdiv", other, self)

    def __floordiv__(self, other: Number) -> Any:
        return self.f.quotient(self, other)

    def __mod__(self, other: Number) -> Any:
        return self - self // other * other

    def __neg__(self) -> Any:
        return self.f.pure(f"fneg {self.type} {self.name}", self.type) if self.floating else 0 - self

    def __and__(self, other: Number) -> Any:
        return self.f.arithmetic("and", self, other)

    def __or__(self, other: Number) -> Any:
        return self.f.arithmetic("or", self, other)

    def __xor__(self, other: Number) -> Any:
        return self.f.arithmetic("xor", self, other)

    def __invert__(self) -> Any:
        return self ^ -1

    def __lshift__(self, other: Number) -> Any:
        return self.f.arithmetic("shl", self, other)

    def __rshift__(self, other: Number) -> Any:
        return self.f.arithmetic("lshr", self, other)

    def __lt__(self, other: Number) -> Any:
        return self.f.compare("lt", self, other)

    def __le__(self, other: Number) -> Any:
        return self.f.compare("le", self, other)

    def __gt__(self, other: Number) -> Any:
        return self.f.compare("gt", self, other)

    def __ge__(self, other: Number) -> Any:
        return self.f.compare("ge", self, other)


Number: TypeAlias = Ssa | int | float
"""A value, or a number that is known while code is written."""
Mask: TypeAlias = Ssa | None
"""Which lanes count; None: all of them."""
Values: TypeAlias = tuple[Any, ...]

_COMPARE = {"lt": "slt", "le": "sle", "gt": "sgt", "ge": "sge", "eq": "eq", "ne": "ne"}
_COMPARE_FLOATS = {"lt": "olt", "le": "ole", "gt": "ogt", "ge": "oge", "eq": "oeq", "ne": "une"}
_FOLD: dict[str, Callable[[Any, Any], bool]] = {
    "lt": lambda a, b: a < b, "le": lambda a, b: a <= b, "gt": lambda a, b: a > b, "ge": lambda a, b: a >= b,
    "eq": lambda a, b: a == b, "ne": lambda a, b: a != b,
}  # fmt: skip


class Arithmetic:
    """The lines of a function so far, and arithmetic on its values."""

    def __init__(self, name: str, cpu: Cpu) -> None:
        self.name, self.cpu, self.lanes = name, cpu, cpu.lanes
        self.floats, self.ints, self.truths = (self.vector(t) for t in (FLOAT, INT, TRUTH))
        self.declarations: set[str] = set()
        self.lines: list[str] = ["entry:"]
        self.block = "entry"
        self._count = 0
        self._known: list[dict[str, Ssa]] = [{}]

    # ------------------------------------------------------------------------------------------------- text
    def vector(self, element: str) -> str:
        """The type of a full register of lanes."""
        return f"<{self.lanes} x {element}>"

    def line(self, text: str) -> None:
        """A line of LLVM as it stands."""
        self.lines.append(f"  {text}")

    def fresh(self, stem: str = "v") -> str:
        """A name that was not used."""
        self._count += 1
        return f"{stem}{self._count}"

    def begin(self, label: str) -> None:
        """Start a basic block; whoever calls has ended the one before with a branch."""
        self.lines.append(f"{label}:")
        self.block = label

    def effect(self, text: str, type: str) -> Ssa:
        """An instruction with a result that is emitted each time: a load, a call."""
        name = f"%{self.fresh()}"
        self.line(f"{name} = {text}")
        return Ssa(self, name, type)

    def pure(self, text: str, type: str) -> Ssa:
        """An instruction that always has the same result: emitted once, known in the blocks inside."""
        for known in reversed(self._known):
            if text in known:
                return known[text]
        found = self._known[-1][text] = self.effect(text, type)
        return found

    # ------------------------------------------------------------------------------------------------- numbers
    def value(self, x: Number | bool, type: str = LONG) -> Ssa:
        """x as a value of this type; a number becomes a constant, a scalar goes into every lane."""
        if isinstance(x, Ssa):
            return self.splat(x) if type.startswith("<") and not x.vector else x
        element = type.split()[-1].rstrip(">")
        text = _float(x) if element == FLOAT else str(int(x)) if element != TRUTH else str(bool(x)).lower()
        return Ssa(self, f"splat ({element} {text})" if type.startswith("<") else text, type)

    def floating(self, x: float) -> Ssa:
        """A float32 constant in every lane."""
        return self.value(x, self.floats)

    def splat(self, x: Ssa) -> Ssa:
        """A scalar in every lane."""
        if x.vector:
            return x
        type = self.vector(x.type)
        first = self.pure(f"insertelement {type} poison, {x.type} {x.name}, i64 0", type)
        zeros = f"<{self.lanes} x i32> zeroinitializer"
        return self.pure(f"shufflevector {type} {first.name}, {type} poison, {zeros}", type)

    def pair(self, a: Number, b: Number) -> tuple[Ssa, Ssa]:
        """Both with the type of the one that is a value, of the vector if one is."""
        known = [x for x in (a, b) if isinstance(x, Ssa)]
        type = next((x.type for x in known if x.vector), known[0].type)
        return self.value(a, type), self.value(b, type)

    def arithmetic(self, op: str, a: Number, b: Number) -> Ssa:
        """A binary instruction of LLVM by name."""
        x, y = self.pair(a, b)
        flags = " contract" if op in ("fadd", "fsub", "fmul", "fdiv") else ""
        return self.pure(f"{op}{flags} {x.type} {x.name}, {y.name}", x.type)

    def add(self, a: Number, b: Number) -> Any:
        """a + b."""
        if not isinstance(a, Ssa) and not isinstance(b, Ssa):
            return a + b
        if _is(b, 0, a) or _is(a, 0, b):
            return a if _is(b, 0, a) else b
        return self.arithmetic("fadd" if _floating(a, b) else "add", a, b)

    def sub(self, a: Number, b: Number) -> Any:
        """a - b."""
        if not isinstance(a, Ssa) and not isinstance(b, Ssa):
            return a - b
        return a if _is(b, 0, a) else self.arithmetic("fsub" if _floating(a, b) else "sub", a, b)

    def mul(self, a: Number, b: Number) -> Any:
        """a * b; of integers, known factors 0 and 1 vanish."""
        if not isinstance(a, Ssa) and not isinstance(b, Ssa):
            return a * b
        for x, y in ((a, b), (b, a)):
            if isinstance(x, int) and isinstance(y, Ssa) and not y.floating and not y.vector and x in (0, 1):
                return y if x else 0
        return self.arithmetic("fmul" if _floating(a, b) else "mul", a, b)

    def quotient(self, a: Number, b: Number) -> Any:
        """a // b of integers that are not negative."""
        if not isinstance(a, Ssa) and not isinstance(b, Ssa):
            return a // b
        if isinstance(b, int) and b & (b - 1) == 0:
            return self.arithmetic("lshr", a, b.bit_length() - 1) if b > 1 else a
        return self.arithmetic("udiv", a, b)

    def compare(self, how: str, a: Number, b: Number) -> Any:
        """lt, le, gt, ge, eq or ne: a bool where both are known, else truth values."""
        if not isinstance(a, Ssa) and not isinstance(b, Ssa):
            return _FOLD[how](a, b)
        x, y = self.pair(a, b)
        op = f"fcmp {_COMPARE_FLOATS[how]}" if x.floating else f"icmp {_COMPARE[how]}"
        return self.pure(f"{op} {x.type} {x.name}, {y.name}", self.vector(TRUTH) if x.vector else TRUTH)

    def select(self, condition: Ssa | bool, a: Number, b: Number) -> Any:
        """a where the condition holds, else b."""
        if isinstance(condition, bool):
            return a if condition else b
        type = self.floats if condition.vector else FLOAT
        if isinstance(a, Ssa) or isinstance(b, Ssa):
            x, y = self.pair(a, b)
        else:
            x, y = self.value(a, type), self.value(b, type)
        if condition.vector:
            x, y = self.splat(x), self.splat(y)
        return self.pure(f"select {condition!r}, {x!r}, {y!r}", x.type)

    def least(self, a: Number, b: Number) -> Any:
        """The smaller of two integers."""
        return self._extreme("min", a, b)

    def greatest(self, a: Number, b: Number) -> Any:
        """The larger of two integers."""
        return self._extreme("max", a, b)

    def _extreme(self, which: str, a: Number, b: Number) -> Any:
        if not isinstance(a, Ssa) and not isinstance(b, Ssa):
            return min(a, b) if which == "min" else max(a, b)
        x, y = self.pair(a, b)
        return self.call(f"llvm.s{which}.{suffix(x.type)}", x.type, x, y)

    def max(self, a: Number, b: Number) -> Ssa:
        """The larger of two floats, NaN if one of them is."""
        return self._outer("gt", a, b)

    def min(self, a: Number, b: Number) -> Ssa:
        """The smaller of two floats, NaN if one of them is."""
        return self._outer("lt", a, b)

    def _outer(self, how: str, a: Number, b: Number) -> Ssa:
        if not isinstance(a, Ssa):
            a, b = b, a
        x, y = self.pair(a, b)
        found: Ssa = self.select(self.compare(how, y, x), y, x)  # one instruction; hands on a NaN of x
        return self.select(self.compare("ne", y, y), y, found) if isinstance(b, Ssa) else found

    def fma(self, a: Number, b: Number, c: Number) -> Ssa:
        """a * b + c, rounded once."""
        known = [x for x in (a, b, c) if isinstance(x, Ssa)]
        type = next((x.type for x in known if x.vector), FLOAT)
        return self.intrinsic("fma", *(self.value(x, type) for x in (a, b, c)))

    def cast(self, op: str, x: Ssa, element: str) -> Ssa:
        """A conversion of LLVM by name (sitofp, uitofp, fptosi, zext, sext, trunc, bitcast) to lanes of this type."""
        type = self.vector(element) if x.vector else element
        return self.pure(f"{op} {x!r} to {type}", type)

    # ------------------------------------------------------------------------------------------------- calls
    def call(self, name: str, type: str, *inputs: Ssa) -> Ssa:
        """Call an outside function or an intrinsic, which is declared."""
        self.declarations.add(f"declare {type} @{name}({', '.join(x.type for x in inputs)})")
        text = f"call {type} @{name}({', '.join(map(repr, inputs))})"
        if type == NOTHING:
            self.line(text)
            return Ssa(self, "", NOTHING)
        return self.effect(text, type)

    def intrinsic(self, name: str, *inputs: Ssa) -> Ssa:
        """An intrinsic of LLVM whose result has the type of its operands: sqrt, floor, rint, fabs, fma."""
        return self.call(f"llvm.{name}.{suffix(inputs[0].type)}", inputs[0].type, *inputs)


def _float(x: float) -> str:
    return f"0x{struct.unpack('<Q', struct.pack('<d', float(np.float32(x))))[0]:016X}"


def _floating(*both: Number) -> bool:
    return any(isinstance(x, Ssa) and x.floating for x in both)


def _is(x: Number, number: int, other: Number) -> bool:
    """Whether x is this known integer beside another integer."""
    return isinstance(x, int) and x == number and isinstance(other, Ssa) and not other.floating


def suffix(type: str) -> str:
    """How intrinsics spell a type: v16f32, i64."""
    words = type.strip("<>").split(" x ")
    element = "f32" if words[-1] == FLOAT else words[-1]
    return f"v{words[0]}{element}" if len(words) == 2 else element
