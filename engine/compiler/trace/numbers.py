"""Numbers that a step makes of tensors only to return them: `return loss.item()`, at once or by way of a variable.

A number that Python gets may decide what comes next, so a step that asks for one can not be replayed. Where the step's
own code shows that the number goes straight into what is returned, nobody else has it: it is a result like any.
"""

from __future__ import annotations

import builtins
import dis
from dataclasses import dataclass
from functools import lru_cache
from types import CodeType, FunctionType, MethodType
from typing import Any

from engine.values import Values

ASKED = {Values.item.__code__: "item", Values.__float__.__code__: "float", Values.__int__.__code__: "int"}
"""What gives a number, by the code that the step calls."""
SILENT = frozenset(["PRECALL", "KW_NAMES", "NOP", "NOT_TAKEN"])
TAKES = {"LOAD_ATTR": 1, "LOAD_METHOD": 1, "BINARY_OP": 2, "BINARY_SUBSCR": 2, "COMPARE_OP": 2, "UNARY_NEGATIVE": 1}
"""How many values instructions take from the stack, of those that may stand between the number and the return."""
BUILT = {"BUILD_TUPLE": 1, "BUILD_LIST": 1, "BUILD_SLICE": 1, "BUILD_MAP": 2}
"""How many for each part of what they build."""
Path = tuple[int, ...]
"""Where a leaf of a tree is: the place of each branch in the one around it."""


@dataclass(frozen=True, eq=False)
class Number:
    """In the place of a number that was made of an array: by `item`, `float` or `int`."""

    array: Any
    kind: str


def number_of(array: Any, kind: str) -> Any:
    """The number in an array of one element, as this kind makes it."""
    found = array.item()
    return found if kind == "item" else getattr(builtins, kind)(found)


def code_of(step: Any) -> CodeType | None:
    """The code of a function or method."""
    step = step.__func__ if isinstance(step, MethodType) else step
    return step.__code__ if isinstance(step, FunctionType) else None


def way_out(frame: Any, code: CodeType | None) -> tuple[Path, str] | None:
    """Where in what a step returns the number goes that is being made, and how it is made; None where somebody else may
    see it. frame: of who is asked for the number, or of what that calls; code: the step's."""
    while frame is not None and (frame.f_back is None or frame.f_back.f_code is not code):
        frame = frame.f_back
    kind = None if frame is None else ASKED.get(frame.f_code)
    if kind is None or code is None:
        return None
    step, path = frame.f_back, _way(code, frame.f_back.f_lasti, kind)
    meant = kind == "item" or step.f_globals.get(kind) is None  # not a function of this name by somebody else
    return (path, kind) if meant and path is not None else None


@lru_cache(256)
def _way(code: CodeType, at: int, kind: str) -> Path | None:
    """What becomes of the value of the call at this place of the code: it is on top of the stack then."""
    every = [x for x in dis.get_instructions(code) if x.opname != "CACHE"]
    here = [x.offset for x in every if x.offset <= at][-1]  # of the call, or of what prepares it and may do it as well
    lines = [x for x in every if x.opname not in SILENT]
    place = sum(x.offset < here for x in lines)
    if place < 2 or not _is_asked(lines[place - 2], lines[place - 1], lines[place], kind):
        return None
    return _to_return(lines, place + 1, [])


def _to_return(lines: list[Any], place: int, path: list[int]) -> Path | None:
    """The way from a place on, where the value is on top of the stack; path: what was built around it, inside first."""
    above = 0
    for x in lines[place:]:
        count, own = _taken(x), x.arg or 0
        if x.opname == "RETURN_VALUE":
            return tuple(reversed(path)) if not above else None
        if x.opname == "STORE_FAST" and not above:
            load = _only_load(lines, x)
            return None if load is None else _to_return(lines, load + 1, path)
        if count is None:
            return None
        if count <= above:
            above += dis.stack_effect(x.opcode, x.arg) if x.opname.startswith(("LOAD", "PUSH")) else 1 - count
        elif x.opname in ("BUILD_TUPLE", "BUILD_LIST"):
            path, above = [*path, own - 1 - above], 0
        elif x.opname == "BUILD_CONST_KEY_MAP" and above:
            path, above = [*path, own - above], 0
        elif x.opname == "BUILD_MAP" and above % 2 == 0:  # a value: keys and values take turns
            path, above = [*path, own - 1 - above // 2], 0
        else:
            return None
    return None


def _only_load(lines: list[Any], store: Any) -> int | None:
    """Where a variable is read that is written here only, and read at one place only, behind that."""
    named = [i for i, x in enumerate(lines) if store.argval in _variables(x)]
    if len(named) != 2 or lines[named[0]] is not store:
        return None
    return named[1] if lines[named[1]].opname in ("LOAD_FAST", "LOAD_FAST_BORROW") else None


def _variables(x: Any) -> tuple[str, ...]:
    """The local variables that an instruction names: some name two."""
    if "FAST" not in x.opname:
        return ()
    return x.argval if isinstance(x.argval, tuple) else (x.argval,)


def _is_asked(first: Any, second: Any, call: Any, kind: str) -> bool:
    """Whether a call is `.item()`, or `float` or `int` of a variable: other calls may ask for a number inside."""
    if call.opname != "CALL":
        return False
    if kind == "item":
        return second.opname in ("LOAD_METHOD", "LOAD_ATTR") and (second.argval, call.arg) == ("item", 0)
    variable = second.opname.startswith("LOAD_FAST") or second.opname == "LOAD_DEREF"
    return variable and (first.opname, first.argval, call.arg) == ("LOAD_GLOBAL", kind, 1)


def _taken(x: Any) -> int | None:
    """How many values an instruction takes from the stack; None for those that are not known here."""
    own: int = x.arg or 0
    if x.opname in BUILT:
        return BUILT[x.opname] * own
    if x.opname in ("CALL", "BUILD_CONST_KEY_MAP"):
        return own + (2 if x.opname == "CALL" else 1)
    if x.opname in TAKES or x.opname == "RETURN_VALUE":
        return TAKES.get(x.opname, 1)
    return 0 if x.opname.startswith(("LOAD_", "PUSH_NULL")) else None


def handed_out(result: Any, told: dict[Path, Number]) -> Any:
    """What a step returned, with `Number` in the place of numbers that it made of tensors. Raises: LookupError where
    one of them is not there."""
    for path, number in told.items():
        result = _put(result, path, number)
    return result


def _put(tree: Any, path: Path, number: Number) -> Any:
    if not path:
        real = number_of(number.array, number.kind)
        if tree.__class__ is not real.__class__ or not (tree == real or tree != tree):
            raise LookupError("a number that is another one")
        return number
    if tree.__class__ is dict:
        key = list(tree)[path[0]]
        return {**tree, key: _put(tree[key], path[1:], number)}
    if tree.__class__ not in (tuple, list):
        raise LookupError("a tree of another kind")
    parts = list(tree)
    parts[path[0]] = _put(parts[path[0]], path[1:], number)
    return tree.__class__(parts)
