"""Pydantic's refusals as problems: where, what was expected, what came, how to mend it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from engine.spec.graph import GraphSpec, Place
from engine.spec.problem import LocatedProblem, Problem, excerpt
from engine.spec.run import InitialArrays, InitialSeed, InitialTf, RunSpec

MODELS: dict[str, type[BaseModel]] = {"RunSpec": RunSpec, "GraphSpec": GraphSpec}

INITIALS: dict[str, type[BaseModel]] = {"seed": InitialSeed, "arrays": InitialArrays, "tf": InitialTf}

# What each kind of refusal expected; {names} come from pydantic's context.
EXPECTED: dict[str, tuple[str, str]] = {
    "missing": ("missing", "a value"),
    "extra_forbidden": ("unknown_field", "no field of this name"),
    "literal_error": ("wrong_choice", "{expected}"),
    "union_tag_invalid": ("wrong_choice", "one of {expected_tags}"),
    "union_tag_not_found": ("missing", "the field {discriminator}"),
    "finite_number": ("not_finite", "a finite number"),
    "greater_than": ("out_of_bounds", "a number above {gt}"),
    "greater_than_equal": ("out_of_bounds", "a number of at least {ge}"),
    "less_than": ("out_of_bounds", "a number below {lt}"),
    "less_than_equal": ("out_of_bounds", "a number of at most {le}"),
    "string_pattern_mismatch": ("wrong_name", "a letter, then letters, digits and underscores, at most 64"),
    "string_too_long": ("too_long", "at most {max_length} characters"),
    "too_long": ("too_long", "at most {max_length} entries"),
    "too_short": ("too_short", "at least {min_length} entries"),
    "json_invalid": ("not_json", "JSON"),
}
FAMILIES: dict[str, str] = {
    "int": "a whole number",
    "float": "a number",
    "string": "text",
    "bool": "true or false",
    "list": "a list",
    "dict": "an object",
    "model": "an object",
}


def problems_of(error: ValidationError, document: object = None, tagged: str | None = None) -> list[LocatedProblem]:
    """Every refusal in `error` as a problem; `document`, what was sent, gives the ids of the nodes.

    `tagged` is the field that chooses among several models (``op``, ``kind``), where the document is one of a union.
    """
    model = MODELS.get(error.title)
    tag = document.get(tagged) if tagged and isinstance(document, dict) else None
    details = error.errors(include_url=False)
    return [_problem(detail, model, document, tag) for detail in details[:100]]


def pointer_of(spec: RunSpec | GraphSpec, problem: Problem) -> str:
    """JSON pointer of the value in `spec` that a problem of `check` is about."""
    graph, path = (spec, []) if isinstance(spec, GraphSpec) else (spec.graph, ["graph"])
    if problem.node is None:
        return _pointer((problem.field or "").split(".")) if problem.field else ""
    parts: dict[str, Sequence[Place]] = {"nodes": graph.nodes, "inputs": graph.inputs}
    for key, blocks in parts.items():
        for index, block in enumerate(blocks):
            if block.id == problem.node:
                return _pointer([*path, key, index, *(problem.field.split(".") if problem.field else [])])
    return _pointer(path)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name most like `name`, letter case aside, where one is near."""
    lower = {word.lower(): word for word in known}
    found = difflib.get_close_matches(name.lower(), list(lower), n=1, cutoff=0.6)
    return lower[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A hint with the nearest known name, or with all names where they are few."""
    names = list(known)
    near = nearest(name, names)
    if near:
        return f'Did you mean "{near}"?'
    return "Known are " + ", ".join(names) + "." if 0 < len(names) <= 12 else None


def _problem(detail: ErrorDetails, model: type[BaseModel] | None, document: object, tag: object) -> LocatedProblem:
    where = _path(detail["loc"], tag)
    code, expected = _expectation(detail)
    got = "nothing" if detail["type"] == "missing" else excerpt(detail["input"])
    node, field = _place(where, document)
    if where and where[-1] == "version" and detail["type"] == "literal_error":
        code, expected = "unknown_version", "version 1"
    hint = _hint(detail, where, model)
    spot = f"{node}: {field}" if node else field or "the document"
    return LocatedProblem(
        code=code, message=f"{spot}: expected {expected}, got {got}.", node=node, field=field or None,
        expected=expected, got=got, hint=hint, pointer=_pointer(where),
    )  # fmt: skip


def _expectation(detail: ErrorDetails) -> tuple[str, str]:
    kind = detail["type"]
    if kind in EXPECTED:
        code, sentence = EXPECTED[kind]
        return code, sentence.format(**{k: _plain(v) for k, v in detail.get("ctx", {}).items()})
    family = FAMILIES.get(kind.split("_")[0])
    return ("wrong_type", family) if family else ("wrong_value", detail["msg"])


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value).replace("'", '"')


OPEN = ("params", "layout", "value")
TAGS = frozenset({"float", "int", "str", "bool", "list", "dict", "null"})


def _path(given: tuple[int | str, ...], tag: object) -> list[int | str]:
    """Pydantic's path without the tags of unions, which are not in the document."""
    parts = list(given[1:] if tag is not None and given[:1] == (tag,) else given)
    found: list[int | str] = []
    opened: int | None = None
    for part in parts:
        inside = opened is not None and len(found) > opened
        if (inside and part in TAGS) or (found[-1:] == ["initial"] and part in INITIALS):
            continue
        if opened is None and part in OPEN:
            opened = len(found) + (part != "value")
        found.append(part)
    return found


def _place(where: list[int | str], document: object) -> tuple[str | None, str]:
    """(node, dotted field) of a path: fields of a node are counted from the node."""
    start = 1 if where[:1] == ["graph"] else 0
    if len(where) >= start + 2 and where[start] in ("nodes", "inputs") and isinstance(where[start + 1], int):
        node = _id_at(document, where[: start + 2])
        if node is not None:
            return node, ".".join(map(str, where[start + 2 :]))
    return None, ".".join(map(str, where))


def _id_at(document: object, where: list[int | str]) -> str | None:
    value: Any = document
    for part in where:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None
    name = value.get("id") if isinstance(value, dict) else None
    return excerpt(name, 64).strip("'\"") if isinstance(name, str) else None


def _hint(detail: ErrorDetails, where: list[int | str], model: type[BaseModel] | None) -> str | None:
    if detail["type"] == "extra_forbidden" and model is not None and where:
        parent = _model_at(model, list(detail["loc"][:-1]))
        return did_you_mean(str(where[-1]), parent.model_fields) if parent else None
    if where and where[-1] == "version":
        return "The file may come from a newer program: update this one."
    if detail["type"] == "literal_error" and isinstance(detail["input"], str):
        near = nearest(
            detail["input"], [w.strip(" '\"") for w in str(detail["ctx"]["expected"]).replace(" or ", ",").split(",")]
        )
        return f'Did you mean "{near}"?' if near else None
    return None


def _model_at(model: type[BaseModel], where: list[int | str]) -> type[BaseModel] | None:
    for before, part in zip(["", *where], where, strict=False):
        if isinstance(part, int):
            continue
        if before == "initial" and part in INITIALS:
            model = INITIALS[part]
            continue
        if part not in model.model_fields:
            return None
        inner = _model_in(model.model_fields[part].annotation)
        if inner is None:
            return None
        model = inner
    return model


def _model_in(annotation: object) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _model_in(arg))), None)


def _pointer(where: Iterable[int | str]) -> str:
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in where)
