"""JSON schemas of settings, read off typed constructors: bounds, choices, defaults, titles."""

from __future__ import annotations

import inspect
import math
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from engine.nn.settings import Between, Setting, form_settings

PLAIN: dict[Any, str] = {int: "integer", float: "number", bool: "boolean", str: "string", type(None): "null"}

Schema = dict[str, Any]


def schema_of(cls: type) -> Schema:
    """The schema of a class's settings; what a builder infers or a program alone can give is left out."""
    chosen = form_settings(cls)
    return {
        "type": "object",
        "title": cls.__name__,
        "properties": {name: setting_schema(s) for name, s in chosen.items()},
        "required": [name for name, s in chosen.items() if s.required],
        "additionalProperties": False,
    }


def setting_schema(setting: Setting) -> Schema:
    """The schema of one setting."""
    found = {"title": setting.name.replace("_", " "), **hint_schema(setting.hint)}
    return found if setting.required else {**found, "default": plain(setting.default)}


def hint_schema(hint: Any) -> Schema:
    """The schema of a type hint: int, float, bool, str, None, Literal, list, tuple, unions, with bounds."""
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return _bounded(hint_schema(parts[0]), parts[1:])
    if origin is Literal:
        return {"enum": list(parts)}
    if origin in (Union, types.UnionType):
        return {"anyOf": [hint_schema(part) for part in parts]}
    if origin is tuple:
        return _tuple(parts)
    if origin is list:
        return {"type": "array", "items": hint_schema(parts[0])}
    return {"type": PLAIN[hint]} if hint in PLAIN else {}


def _tuple(parts: tuple[Any, ...]) -> Schema:
    if parts[-1] is ...:
        return {"type": "array", "items": hint_schema(parts[0])}
    return {"type": "array", "items": hint_schema(parts[0]), "minItems": len(parts), "maxItems": len(parts)}


def _bounded(schema: Schema, marks: tuple[Any, ...]) -> Schema:
    for mark in marks:
        if isinstance(mark, Between):
            bounds = {"minimum": mark.ge, "maximum": mark.le}
            schema = {**schema, **{key: value for key, value in bounds.items() if math.isfinite(value)}}
            if mark.common is not None:
                schema["x-common"] = list(mark.common)
    return schema


def plain(value: Any) -> Any:
    """A default as JSON has it."""
    return [plain(v) for v in value] if isinstance(value, list | tuple) else value


def summary_of(cls: type) -> str:
    """First paragraph of a class's docstring, on one line."""
    return " ".join((inspect.getdoc(cls) or cls.__name__).split("\n\n")[0].split())


def title_of(name: str) -> str:
    """A class name as words: ``MaxPool2d`` is "Max Pool 2d"."""
    words = "".join(f" {c}" if c.isupper() and i and not name[i - 1].isupper() else c for i, c in enumerate(name))
    return words.strip()
