"""One JSON shape for every refusal: RFC 9457 problem+json.

    {type, title, status, detail, instance, code, errors: [{pointer, code, message, hint, node, field, expected, got}]}

A refusal says where, what was expected, what came and how to mend it. What came is never echoed whole: `got` is a
short, printable excerpt, so no answer can be blown up or made invalid JSON by the input it refuses.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, Field

MEDIA_TYPE = "application/problem+json"
EXCERPT = 80


class Fault(BaseModel):
    """One thing that is wrong, at one place."""

    pointer: str = Field(default="", description="JSON pointer into the request, '' for the whole of it")
    code: str = Field(description="stable word for programs")
    message: str = Field(description="one sentence for people")
    hint: str | None = Field(default=None, description="how to mend it")
    node: str | None = Field(default=None, description="the graph node it belongs to")
    field: str | None = Field(default=None, description="the field it belongs to, dotted")
    expected: str | None = None
    got: str | None = None


class ProblemDetails(BaseModel):
    """The body of every answer with a status of 400 or more."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str = ""
    code: str
    errors: list[Fault] = []


class Refusal(Exception):
    """Raised by services and routes; becomes a problem+json answer, or a `problem` message on a socket."""

    def __init__(
        self,
        status: int,
        code: str,
        detail: str,
        faults: Sequence[Fault] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail
        self.faults, self.headers = list(faults), dict(headers or {})

    def details(self, instance: str = "") -> ProblemDetails:
        """The problem as the body of an answer."""
        return ProblemDetails(
            title=phrase(self.status),
            status=self.status,
            detail=self.detail,
            instance=instance,
            code=self.code,
            errors=self.faults,
        )


def phrase(status: int) -> str:
    """The standard title of an HTTP status."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Refused"


def excerpt(value: object) -> str:
    """A short printable picture of what came, safe in JSON, logs and HTML."""
    if isinstance(value, float) and not math.isfinite(value):
        return {math.inf: "Infinity", -math.inf: "-Infinity"}.get(value, "NaN")
    if isinstance(value, Mapping):
        return f"an object with {len(value)} {'field' if len(value) == 1 else 'fields'}"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    text = value if isinstance(value, str) else repr(value)
    shown = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:EXCERPT])
    return shown + ("..." if len(text) > EXCERPT else "")


def body(details: ProblemDetails) -> bytes:
    """The bytes of a problem+json answer; what is unknown (null) is left out of faults."""
    plain = details.model_dump(exclude={"errors"})
    plain["errors"] = [fault.model_dump(exclude_none=True) for fault in details.errors]
    return json.dumps(plain, allow_nan=False).encode()


def pointer(location: Iterable[object]) -> str:
    """A JSON pointer (RFC 6901) from the parts of a location."""
    parts = [str(part).replace("~", "~0").replace("/", "~1") for part in location]
    return "".join(f"/{part}" for part in parts)


def fault_of_validation(error: Mapping[str, Any], document: object = None) -> Fault:
    """One error of pydantic in our words. Its `input` is only shown as an excerpt."""
    location = [part for part in error.get("loc", ()) if part not in ("body", "query", "path")]
    location = _in_document(location, document, error.get("type") == "missing")
    node, inside = _node_of(location, document)
    field = ".".join(str(part) for part in inside) or None
    message = _sentence(str(error.get("msg", "This value does not fit.")))
    got = None if error.get("type") == "missing" else excerpt(error.get("input"))
    return Fault(
        pointer=pointer(location),
        code=str(error.get("type", "invalid")),
        message=f"{field}: {message}" if field else message,
        hint=_HINTS.get(str(error.get("type"))),
        node=node,
        field=field,
        expected=_expected(error),
        got=got,
    )


def _in_document(location: list[Any], document: object, missing: bool) -> list[Any]:
    """The parts of a location that name something in what was sent: pydantic adds the names of union members."""
    if not isinstance(document, (Mapping, list)):
        return location
    value: Any = document
    kept = []
    for place, part in enumerate(location):
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            if not (missing and place == len(location) - 1):
                continue
        kept.append(part)
    return kept


def _node_of(location: list[Any], document: object) -> tuple[str | None, list[Any]]:
    """The graph node that a location lies in, by its id in what was sent, and the place inside it."""
    if "nodes" not in location[:-1]:
        return None, location
    cut = location.index("nodes") + 2
    value: Any = document
    for part in location[:cut]:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return None, location
    name = value.get("id") if isinstance(value, Mapping) else None
    return (excerpt(name), location[cut:]) if isinstance(name, str) else (None, location)


_HINTS = {
    "extra_forbidden": "Remove this field, or look for a spelling mistake in its name.",
    "missing": "Add this field.",
    "finite_number": "Give a finite number: NaN and infinity cannot be trained with.",
    "json_invalid": "Check quotes, commas and brackets near the position that is named.",
}


def _sentence(text: str) -> str:
    text = text.removeprefix("Value error, ").replace("Input should", "the value should")
    return (text[:300] + "...") if len(text) > 300 else text if text.endswith(".") else text + "."


def _expected(error: Mapping[str, Any]) -> str | None:
    context = error.get("ctx") or {}
    known = [(k, context[k]) for k in ("expected", "ge", "gt", "le", "lt", "min_length", "max_length") if k in context]
    signs = {"ge": ">= ", "gt": "> ", "le": "<= ", "lt": "< ", "min_length": "at least ", "max_length": "at most "}
    return ", ".join(signs.get(k, "") + excerpt(v) for k, v in known) or None


def refusal_of_validation(
    errors: Sequence[Mapping[str, Any]], what: str = "request", document: object = None
) -> Refusal:
    """A 422 from pydantic's errors; at most twenty faults are listed. `document` is what was sent."""
    faults = [fault_of_validation(error, document) for error in errors[:20]]
    first = faults[0].message if faults else f"The {what} does not fit."
    more = f" ({len(errors) - 1} more)" if len(errors) > 1 else ""
    return Refusal(422, "invalid_request", f"The {what} is not valid: {first}{more}", faults)


def not_found(kind: str, name: str, hint: str | None = None) -> Refusal:
    """A 404 for one named thing."""
    message = f"There is no {kind} named '{excerpt(name)}'."
    fault = Fault(code="not_found", message=message, expected=f"an existing {kind}", got=excerpt(name), hint=hint)
    return Refusal(404, "not_found", message, [fault])
