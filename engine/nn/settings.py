"""Typed settings: a constructor's signature is the one declaration of a form, of its bounds and of its validation.

`Between` and `Inferred` are written into the hints of layers, losses, optimisers, schedules and datasets. The catalogue
reads them to draw forms; `@checked` reads the same hints and refuses a bad value in words when the class is built.
"""

from __future__ import annotations

import functools
import inspect
import math
import numbers
import re
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeVar, Union

from engine.errors import ArgumentError

T = TypeVar("T")


@dataclass(frozen=True)
class Between:
    """Closed bounds of a number.

    `common` is the part that a slider shows, where the whole range would be useless; `open_end` leaves `le` itself out.
    """

    ge: float
    le: float
    common: tuple[float, float] | None = None
    open_end: bool = False

    def words(self) -> str:
        """The bounds as a person says them."""
        return f"from {_plain(self.ge)} to {'less than ' * self.open_end}{_plain(self.le)}"

    def holds(self, value: float) -> bool:
        """Whether a number lies inside."""
        return self.ge <= value <= self.le and not (self.open_end and value == self.le)


@dataclass(frozen=True)
class Suggested:
    """What a form starts with, where PyTorch's constructor has no default, or none that can be used."""

    value: Any


class Unshown:
    """Marks a setting that only a Python program gives: what it does cannot be drawn."""


class MissingArgument(ArgumentError, TypeError):
    """A setting without a default was not given."""


class WrongKind(ArgumentError, TypeError):
    """A setting of another kind than wanted: a text for a number."""


class Inferred:
    """Marks a setting that a builder reads off the incoming shape."""


@dataclass(frozen=True)
class Setting:
    """One parameter of a typed constructor; `suggested` is a form's first value where there is no default."""

    name: str
    hint: Any
    default: Any
    required: bool
    inferred: bool
    suggested: Any = None


def settings(cls: type) -> dict[str, Setting]:
    """The settings of a class by name, in the order of its constructor."""
    return dict(_settings(_constructor(cls)))


def defaults(cls: type) -> dict[str, Any]:
    """What a form starts with: the suggestion, else the default, of every setting that has one."""
    shown = form_settings(cls).values()
    known = {s.name: s.default if s.suggested is None else s.suggested for s in shown}
    return {name: value for name, value in known.items() if value is not inspect.Parameter.empty}


def form_settings(cls: type) -> dict[str, Setting]:
    """What a form shows: all settings but those a builder infers and those that only a Python program can give."""
    return {name: s for name, s in settings(cls).items() if not s.inferred and _is_plain(s.hint)}


def checked(cls: type[T]) -> type[T]:
    """Class decorator: refuse values that the constructor's hints forbid, before the constructor runs."""
    plain = _constructor(cls)

    @functools.wraps(plain)
    def build(self: Any, *args: Any, **kwargs: Any) -> None:
        check_arguments(cls.__name__, plain, (self, *args), kwargs)
        plain(self, *args, **kwargs)

    setattr(cls, "__init__", build)  # noqa: B010 (the checker would have it that constructors never change)
    return cls


def _constructor(cls: type) -> Callable[..., None]:
    found: Callable[..., None] = vars(cls).get("__init__") or getattr(cls, "__init__")  # noqa: B009
    return found


def check_arguments(where: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    """Raise `ArgumentError` for the first argument that misses its hint."""
    known = _settings(function)
    try:
        given = _signature(function).bind(*args, **kwargs).arguments
    except TypeError as error:
        raise _misfit(where, known, kwargs, error) from None
    for name, value in given.items():
        if name in known:
            check_value(known[name].hint, value, where, name)


def check_value(hint: Any, value: Any, where: str, name: str) -> None:
    """Raise `ArgumentError` unless `value` fits `hint`: int, float, bool, str, Literal, list, tuple, unions of them."""
    if not _fits(hint, value):
        raise (ArgumentError if _is_of_kind(hint, value) else WrongKind)(
            where=f"{where}({name})", expected=in_words(hint), got=_shown(value), hint=_advice(value), field=name
        )


def in_words(hint: Any) -> str:
    """A hint as a person says it."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        bounds = [p.words() for p in parts[1:] if isinstance(p, Between)]
        return " ".join([in_words(parts[0]), *bounds])
    if origin is Literal:
        return "one of " + ", ".join(map(str, parts))
    if origin in (Union, types.UnionType):
        return " or ".join(in_words(p) for p in parts)
    if origin is tuple:
        count = "values" if parts[-1] is ... else f"{len(parts)} values"
        return f"{count}, each {in_words(parts[0])}"
    if origin is list:
        return f"a list, each {in_words(parts[0])}"
    return _NAMES.get(hint, getattr(hint, "__name__", str(hint)))


_NAMES: dict[Any, str] = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text",
    type(None): "nothing",
}


@functools.cache
def _signature(function: Callable[..., Any]) -> inspect.Signature:
    return inspect.signature(function)


@functools.cache
def _settings(function: Callable[..., Any]) -> dict[str, Setting]:
    """Read through wrappers, so that a checked class still shows its own hints."""
    inner = inspect.unwrap(function)
    hints = typing.get_type_hints(inner, include_extras=True)
    return {
        p.name: _setting(p, hints[p.name])
        for p in inspect.signature(inner).parameters.values()
        if p.name in hints and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }


def _setting(parameter: inspect.Parameter, hint: Any) -> Setting:
    required = parameter.default is parameter.empty
    return Setting(parameter.name, hint, parameter.default, required, _is_inferred(hint), _suggested(hint))


def _suggested(hint: Any) -> Any:
    """The first suggestion written anywhere in a hint."""
    marks = [p.value for p in getattr(hint, "__metadata__", ()) if isinstance(p, Suggested)]
    inner = [_suggested(p) for p in typing.get_args(hint) if p is not ...]
    return next((value for value in [*marks, *inner] if value is not None), None)


def _is_inferred(hint: Any) -> bool:
    return any(p is Inferred or isinstance(p, Inferred) for p in getattr(hint, "__metadata__", ()))


def _is_plain(hint: Any) -> bool:
    """Whether a value of this hint can be written as JSON and leaves something to choose."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is Literal:
        return len(parts) > 1
    if origin is Annotated:
        return _is_plain(parts[0]) and Unshown not in parts
    if origin is not None:
        return origin in (Union, types.UnionType, tuple, list) and all(_is_plain(p) for p in parts if p is not ...)
    return hint in _NAMES


def _fits(hint: Any, value: Any) -> bool:
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if origin is Annotated:
        return _fits(parts[0], value) and all(_inside(p, value) for p in parts[1:])
    if origin is Literal:
        return any(value == p and type(value) is type(p) for p in parts)
    if origin in (Union, types.UnionType):
        return any(_fits(p, value) for p in parts)
    if origin is tuple:
        return _fits_tuple(parts, value)
    if origin is list:
        return isinstance(value, list | tuple) and all(_fits(parts[0], v) for v in value)
    return _fits_plain(hint, value)


def _fits_tuple(parts: tuple[Any, ...], value: Any) -> bool:
    if not isinstance(value, list | tuple):
        return False
    if parts[-1] is ...:
        return all(_fits(parts[0], v) for v in value)
    return len(value) == len(parts) and all(map(_fits, parts, value))


def _fits_plain(hint: Any, value: Any) -> bool:
    if isinstance(value, bool) and hint in (int, float):
        return False  # Python counts truth values as whole numbers; a form does not
    if hint is int:
        return isinstance(value, numbers.Integral)
    if hint is float:
        number = _number(value)
        return isinstance(number, numbers.Real) and math.isfinite(number)
    if hint is bool or hint is str:
        return isinstance(value, hint)
    if hint is None or hint is type(None):
        return value is None
    return True  # objects of Python programs (a generator, a dtype, parameters) explain themselves where they are used


def _is_of_kind(hint: Any, value: Any) -> bool:
    """Whether a value is of a class that some value of the hint has."""
    parts = [p for p in typing.get_args(hint) if p is not ...]
    if typing.get_origin(hint) is Literal:
        return type(value) in {type(p) for p in parts}
    if typing.get_origin(hint) is Annotated:
        return _is_of_kind(parts[0], value)
    if typing.get_origin(hint) in (tuple, list):
        return isinstance(value, tuple | list)
    if parts:
        return any(_is_of_kind(p, value) for p in parts)
    return isinstance(value, numbers.Real) if hint is float else not isinstance(hint, type) or _fits_plain(hint, value)


def _inside(mark: Any, value: Any) -> bool:
    number = _number(value)
    return not isinstance(mark, Between) or not isinstance(number, numbers.Real) or mark.holds(float(number))


def _number(value: Any) -> Any:
    """A tensor of one element (a learning rate may be one) stands for its number."""
    return value.item() if math.prod(getattr(value, "shape", (0,))) == 1 else value


def _misfit(where: str, known: dict[str, Setting], kwargs: dict[str, Any], error: TypeError) -> Exception:
    unknown = [name for name in kwargs if name not in known]
    missing = re.fullmatch(r"missing a required argument: '(\w+)'", str(error))
    if not unknown and missing:
        name = missing[1]
        return MissingArgument(where, f"a value for {name}, {in_words(known[name].hint)}", "none", field=name)
    if not unknown:
        return TypeError(f"{where}: {error}")
    return ArgumentError(
        where=where,
        expected="settings among " + ", ".join(known),
        got=unknown[0],
        hint="Check the spelling.",
        field=unknown[0],
    )


def _advice(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "Give a finite number."
    return ""


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _plain(number: float) -> str:
    return str(int(number)) if float(number).is_integer() and abs(number) < 1e15 else f"{number:g}"
