"""The names of pictures: ``name?argument=value&...``, arguments sorted, so that equal wishes have equal names."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

from engine.errors import ArgumentError

WORD = re.compile(r"^[a-z][a-z_]{0,31}$")


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a probe: its type, its default (None: it must be given), its bounds or choices."""

    name: str
    type: type[int] | type[str]
    default: int | str | None = None
    required: bool = True
    low: int = 0
    high: int = 2**31 - 1
    choices: tuple[str, ...] = ()

    def read(self, text: str) -> int | str:
        """The value in `text`; raises ArgumentError when it does not fit."""
        if self.type is str:
            return self._read_choice(text)
        if not re.fullmatch(r"\d{1,10}", text) or not self.low <= int(text) <= self.high:
            raise _misfit(self.name, f"a whole number from {self.low} to {self.high}", text)
        return int(text)

    def _read_choice(self, text: str) -> str:
        if self.choices and text not in self.choices:
            raise _misfit(self.name, "one of " + ", ".join(self.choices), text)
        return text

    def schema(self) -> dict[str, object]:
        """The JSON schema of the argument."""
        if self.type is int:
            found: dict[str, object] = {"type": "integer", "minimum": self.low, "maximum": self.high}
        else:
            found = {"type": "string", **({"enum": list(self.choices)} if self.choices else {})}
        return found if self.default is None else {**found, "default": self.default}


Arguments = dict[str, int | str]


def split_topic(topic: str) -> tuple[str, dict[str, str]]:
    """(name, arguments as text) of a topic; raises ArgumentError when it is not one."""
    name, _, query = topic.partition("?")
    if not WORD.match(name) or len(topic) > 4096:
        raise _misfit("topic", "name?argument=value&...", topic[:60])
    pairs = [part.partition("=") for part in query.split("&")] if query else []
    if any(not WORD.match(key) or not equals for key, equals, _ in pairs):
        raise _misfit("topic", "name?argument=value&...", topic[:60])
    return name, {key: unquote(value) for key, _, value in pairs}


def read_arguments(name: str, given: dict[str, str], declared: tuple[Argument, ...]) -> Arguments:
    """The arguments of probe `name`, checked, with defaults filled in."""
    unknown = sorted(set(given) - {a.name for a in declared})
    if unknown:
        raise _misfit(unknown[0], f"an argument of {name}: " + ", ".join(a.name for a in declared), unknown[0])
    found: Arguments = {}
    for argument in declared:
        if argument.name in given:
            found[argument.name] = argument.read(given[argument.name])
        elif argument.default is not None:
            found[argument.name] = argument.default
        elif argument.required:
            raise _misfit(argument.name, f"a value, which {name} needs", "nothing")
    return found


def format_topic(name: str, arguments: Arguments) -> str:
    """The canonical form: arguments sorted by name, values percent-encoded."""
    query = "&".join(f"{key}={quote(str(arguments[key]), safe='')}" for key in sorted(arguments))
    return f"{name}?{query}" if query else name


def _misfit(where: str, expected: str, got: str) -> ArgumentError:
    return ArgumentError(where=where, expected=expected, got=got)
