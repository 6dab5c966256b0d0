"""Settings against the constructor that will take them: every misfit, not only the first."""

from __future__ import annotations

import math
from collections.abc import Iterator

from pydantic import JsonValue

from engine.errors import ArgumentError
from engine.nn.settings import check_value, form_settings
from engine.spec.graph import Params
from engine.spec.problem import Problem, excerpt, problem_from
from engine.spec.refusal import did_you_mean

HUGE = 2**63


def settings_problems(cls: type, params: Params, prefix: str, node: str | None = None) -> Iterator[Problem]:
    """What is wrong with the settings of `cls`; fields are `prefix` and the setting's name."""
    known = form_settings(cls)
    for name in sorted(set(params) - set(known)):
        yield _unknown(cls, name, list(known), f"{prefix}.{excerpt(name, 40).strip(chr(39))}", node)
    for name, setting in known.items():
        if name in params:
            yield from _misfit(cls, name, setting.hint, params[name], f"{prefix}.{name}", node)
        elif setting.required:
            yield _missing(cls, name, f"{prefix}.{name}", node)


def kind_problem(kind: str, known: dict[str, type], what: str, field: str, node: str | None = None) -> Problem | None:
    """A problem when `kind` is no known layer, loss, ..., with the nearest name as hint."""
    if kind in known:
        return None
    got = excerpt(kind)
    return Problem(
        code="unknown_kind", message=f"There is no {what} called {got}.", node=node, field=field,
        expected=f"the name of a {what}", got=got, hint=did_you_mean(kind, known),
    )  # fmt: skip


def _unknown(cls: type, name: str, known: list[str], field: str, node: str | None) -> Problem:
    message = f"{cls.__name__} has no setting {excerpt(name, 40)}."
    expected = "settings among " + ", ".join(known) if known else "no settings"
    hint = did_you_mean(name, known) or "Leave it out."
    return Problem(
        code="unknown_field", message=message, node=node, field=field, expected=expected, got=excerpt(name), hint=hint
    )


def _missing(cls: type, name: str, field: str, node: str | None) -> Problem:
    message = f"{cls.__name__} needs the setting {name}."
    return Problem(code="missing", message=message, node=node, field=field, expected="a value", got="nothing")


def _misfit(cls: type, name: str, hint: object, value: JsonValue, field: str, node: str | None) -> Iterator[Problem]:
    problem = _not_finite(cls, name, value, field, node)
    if problem is not None:
        yield problem
        return
    try:
        check_value(hint, value, cls.__name__, name)
    except ArgumentError as error:
        yield problem_from(error, node).model_copy(update={"code": "bad_setting", "field": field})


def _not_finite(cls: type, name: str, value: JsonValue, field: str, node: str | None) -> Problem | None:
    numbers = value if isinstance(value, list) else [value]
    if not any(_is_wild(number) for number in numbers):
        return None
    message = f"{cls.__name__}: {name} must be a finite number, got {excerpt(value)}."
    return Problem(
        code="not_finite", message=message, node=node, field=field, expected="a finite number", got=excerpt(value)
    )


def _is_wild(number: JsonValue) -> bool:
    if isinstance(number, float):
        return not math.isfinite(number)
    return isinstance(number, int) and abs(number) >= HUGE
