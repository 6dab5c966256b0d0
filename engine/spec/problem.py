"""One thing that is wrong with what somebody asked for, placed where it can be mended."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from engine.errors import EngineError


class Problem(BaseModel):
    """What is wrong, where, what was expected, what came, and how to mend it.

    The same record is the badge on a node, an entry of a refusal, and the reason of a run that stopped.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, json_schema_serialization_defaults_required=True)

    code: str
    """A stable word for programs, such as ``shape_misfit``."""
    message: str
    """One sentence for people."""
    node: str | None = None
    """Id of the node of the graph that it concerns."""
    field: str | None = None
    """Dotted path of the setting: inside the node when there is one (``params.out_features``), else inside the run."""
    expected: str | None = None
    got: str | None = None
    hint: str | None = None


class LocatedProblem(Problem):
    """A problem with the JSON pointer (RFC 6901) of the value in the document that was sent."""

    pointer: str = ""


def excerpt(value: object, length: int = 60) -> str:
    """A short, printable picture of a value, safe to show in an answer."""
    text = repr(value) if isinstance(value, str) else str(value)
    text = "".join(c if c.isprintable() else "?" for c in text[: length + 1])
    return text if len(text) <= length else text[: length - 1] + "…"


def problem_from(error: EngineError, node: str | None = None, field: str | None = None) -> Problem:
    """The engine's error as a problem, with the node and field added where the error does not know them."""
    return Problem(
        code=error.code,
        message=_sentence(error),
        node=error.node or node,
        field=error.field or field,
        expected=_text(error.expected),
        got=_text(error.got),
        hint=_text(error.hint),
    )


def _sentence(error: EngineError) -> str:
    place = f"{error.where}: " if error.where else ""
    if error.expected and error.got:
        return f"{place}expected {error.expected}, got {error.got}."
    return f"{place}{error.expected or error.got or error.code}."


def _text(fact: object) -> str | None:
    return None if fact in (None, "") else excerpt(fact, 400) if not isinstance(fact, str) else fact[:400]
