"""Objects written down as Python that makes them anew for other sizes (`sizes.py`)."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from engine.compiler.graph.ir import CompilerError
from engine.compiler.graph.sizes import Size, Tape

SPACE = {"new": object.__new__, "named": tuple.__new__, "inf": math.inf, "nan": math.nan}
"""What recipes call, besides what they hold."""


class Writer:
    """Objects as Python that makes them anew, with numbers of a tape in them; what has none is held as it is."""

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.held: list[Any] = []
        self.places: dict[int, int] = {}
        self.known: dict[int, tuple[str, bool]] = {}
        self.kept: list[Any] = []

    def function(self, x: Any) -> Any:
        """What makes it anew of other sizes; these in the order in which the tape met them. None where they would not
        have led there."""
        last, tape = self.text(x)[0], self.tape
        names = "".join(f"{v.name}, " for v in tape.variables.values())
        held = "".join(f"k{i}=held[{i}], " for i in range(len(self.held)))
        head = [f"def recipe({names}{held}*, new=new, named=named):"]
        code = "\n    ".join([*head, *tape.lines, f"return {last}"])
        space: dict[str, Any] = {"held": self.held, **SPACE}
        exec(compile(code, "<recipe>", "exec"), space)  # noqa: S102  (our own lines)
        tape.close()
        return space["recipe"]

    def text(self, x: Any) -> tuple[str, bool]:
        """An expression, and whether it has to be made anew."""
        if x.__class__ is Size:
            return x.name, True
        if x is None or x.__class__ in (bool, int, str):
            return repr(x), False
        if id(x) not in self.known:
            self.kept.append(x)
            self.known[id(x)] = self._made(x)
        return self.known[id(x)]

    def _made(self, x: Any) -> tuple[str, bool]:
        if isinstance(x, list | tuple):
            parts = [self.text(part) for part in x]
            if x.__class__ is not list and not any(fresh for _, fresh in parts):
                return self._hold(x), False
            inside = "".join(f"{part}, " for part, _ in parts)
            if x.__class__ is list:
                return f"[{inside}]", True
            text = f"({inside})" if x.__class__ is tuple else f"named({self._hold(type(x))}, ({inside}))"
            return self.tape.made(text, None).name, True
        if isinstance(x, dict):
            parts = [self.text(part) for part in x.values()]
            inside = "".join(f"{name!r}: {part}, " for name, (part, _) in zip(x, parts, strict=True))
            return (f"{{{inside}}}", True) if any(fresh for _, fresh in parts) else (self._hold(x), False)
        if not dataclasses.is_dataclass(x) or isinstance(x, type):
            if not isinstance(x, float | frozenset | np.dtype | np.ndarray | type):
                raise CompilerError("recipe", "rows of numbers", type(x).__name__)
            return self._hold(x), False
        return self._object(x)

    def _object(self, x: Any) -> tuple[str, bool]:
        parts = self._parts(x)
        if not any(fresh for _, fresh in parts.values()):
            return self._hold(x), False
        return self._anew(x, {name: text for name, (text, _) in parts.items()}), True

    def _parts(self, x: Any) -> dict[str, tuple[str, bool]]:
        return {f.name: self.text(getattr(x, f.name)) for f in dataclasses.fields(x)}

    def _anew(self, x: Any, facts: dict[str, str]) -> str:
        """The name of an object of the same class with these attributes."""
        inside = "".join(f"{name!r}: {text}, " for name, text in facts.items())
        name = f"o{len(self.known)}"
        self.tape.lines += [f"{name} = new({self._hold(type(x))})", f"{name}.__dict__.update({{{inside}}})"]
        if hasattr(x, "__post_init__"):  # it decides by its sizes
            self.tape.lines.append(f"{name}.__post_init__()")
        return name

    def _hold(self, x: Any) -> str:
        """The name of an object that is used as it is."""
        place = self.places.setdefault(id(x), len(self.held))
        if place == len(self.held):
            self.held.append(x)
        return f"k{place}"
