"""Sizes that are not known yet: what is computed of them is written down, and what they decide becomes a condition.

A `Size` has the number that it is in an example, and a name. Arithmetic with it is a line of Python on a `Tape`; a
comparison answers as the example does, and is a line that gives up where another number would answer otherwise. So
whatever code does with sizes, other sizes that pass all conditions would have led it the same way.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

NUMBERS = (int, float)


class Tape:
    """Lines of Python, each once: the first numbers are `variables`, named after their place."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.known: dict[str, Any] = {}
        self.variables: dict[int, Size] = {}

    def close(self) -> None:
        """Nothing follows any more."""
        self.lines, self.known, self.variables = [], {}, {}

    def size(self, now: int) -> Any:
        """A size of the example; equal ones are one. 0 and 1 are no sizes but structure."""
        if now < 2:
            return now
        return self.variables.setdefault(now, Size(self, now, f"v{len(self.variables)}"))

    def made(self, text: str, now: Any) -> Size:
        """The number that an expression gives."""
        if text not in self.known:
            name = f"t{len(self.known)}"
            self.known[text] = Size(self, now, name)
            self.lines.append(f"{name} = {text}")
        found: Size = self.known[text]
        return found

    def told(self, text: str, now: bool) -> bool:
        """The answer to a question, which must stay the same."""
        if text not in self.known:
            self.known[text] = now
            self.lines.append(f"if {'not ' * now}({text}): return None")
        return now


class Size:
    """A number that may be another one the next time. now: what it is in the example."""

    __slots__ = ("name", "now", "tape")

    def __init__(self, tape: Tape, now: Any, name: str) -> None:
        self.tape, self.now, self.name = tape, now, name

    def fixed(self) -> Any:
        """The number itself: from here on it has to be this one."""
        self.tape.told(f"{self.name} == {self.now!r}", True)
        return self.now

    __index__ = fixed

    def __int__(self) -> int:
        return int(self.fixed())

    def __float__(self) -> float:
        return float(self.fixed())

    def __repr__(self) -> str:
        return repr(self.fixed())

    def __bool__(self) -> bool:
        return bool(operator.ne(self, 0))

    def __hash__(self) -> int:
        return id(self.tape)  # so that every look into a dictionary asks whether they are equal

    def __neg__(self) -> Size:
        return self.tape.made(f"-{self.name}", -self.now)

    def __abs__(self) -> Size:
        return self.tape.made(f"abs({self.name})", abs(self.now))


def _text(x: Any) -> str:
    return x.name if x.__class__ is Size else repr(x)


def _now(x: Any) -> Any:
    return x.now if x.__class__ is Size else x


def _arithmetic(sign: str, f: Callable[[Any, Any], Any], same: Any = None, turns: bool = False) -> tuple[Any, Any]:
    """What a sign does, from the left and from the right. same: what changes nothing; turns: whether sides may."""

    def told(tape: Tape, a: Any, b: Any) -> Any:
        x, y = sorted((_text(a), _text(b))) if turns else (_text(a), _text(b))
        return tape.made(f"{x} {sign} {y}", f(_now(a), _now(b)))

    def left(self: Size, other: Any) -> Any:
        if other.__class__ is int and other == same:
            return self
        return told(self.tape, self, other) if isinstance(other, (Size, *NUMBERS)) else NotImplemented

    def right(self: Size, other: Any) -> Any:
        if turns and other.__class__ is int and other == same:
            return self
        return told(self.tape, other, self) if isinstance(other, NUMBERS) else NotImplemented

    return left, right


def _comparison(sign: str, f: Callable[[Any, Any], bool]) -> Any:
    def asked(self: Size, other: Any) -> Any:
        if other is self:
            return f(0, 0)
        if not isinstance(other, (Size, *NUMBERS)) or (other.__class__ is Size and other.tape is not self.tape):
            return NotImplemented
        if self.name[0] == "v":
            if other.__class__ is int and other < 2:
                return f(self.now, other)  # a size is at least 2
            if other.__class__ is Size and other.name[0] == "v" and sign in ("==", "!="):
                return sign == "!="  # two variables are two numbers
        return self.tape.told(f"{self.name} {sign} {_text(other)}", f(self.now, _now(other)))

    return asked


for _word, _sign, _same in (
    ("add", "+", 0), ("sub", "-", 0), ("mul", "*", 1), ("truediv", "/", None), ("floordiv", "//", 1),
    ("mod", "%", None), ("pow", "**", 1),
):  # fmt: skip
    _left, _right = _arithmetic(_sign, getattr(operator, _word), _same, _word in ("add", "mul"))
    setattr(Size, f"__{_word}__", _left)
    setattr(Size, f"__r{_word}__", _right)
for _word, _sign in (("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="), ("eq", "=="), ("ne", "!=")):
    setattr(Size, f"__{_word}__", _comparison(_sign, getattr(operator, _word)))


def is_open(*sizes: Any) -> bool:
    """Whether what these decide can not be decided yet."""
    return Size in map(type, sizes)


def greatest(least: int, size: Any) -> Any:
    """The larger of two numbers; of a size that is open that is no condition."""
    if size.__class__ is Size:
        return size.tape.made(f"max({least}, {size.name})", max(least, size.now))
    return max(least, size)
