"""Changing one setting of a run while it trains."""

from __future__ import annotations

import re
from typing import Any

from pydantic import JsonValue, ValidationError

from engine.errors import EngineError
from engine.spec.checking import check
from engine.spec.problem import Problem, excerpt, problem_from
from engine.spec.refusal import problems_of
from engine.spec.run import RunSpec
from engine.train.attempt import Attempt

CHANGEABLE = ("optimizer", "penalty", "batches", "schedule", "loss", "pace", "until", "data", "watch", "tier")
PARAMETER = re.compile(r"^parameters\.([A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z_][A-Za-z0-9_]*)+)\[(\d{1,9}(?:,\d{1,9})*)\]$")


class Refusal(Exception):
    """A change that cannot be made, and why."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem


def change(attempt: Attempt, path: str, value: JsonValue) -> None:
    """Apply a change from the next batch on. Raises: Refusal, and then nothing has changed."""
    if path.startswith("parameters."):
        _set_number(attempt, path, value)
        return
    head = path.split(".")[0]
    if head not in CHANGEABLE and path != "seeds.data":
        raise Refusal(_fixed(path))
    try:
        _apply(attempt, path, changed_spec(attempt.spec, path, value))
    except EngineError as error:
        raise Refusal(problem_from(error, field=path)) from None


def changed_spec(spec: RunSpec, path: str, value: JsonValue) -> RunSpec:
    """The spec with one value replaced. Raises: Refusal when it does not fit."""
    document = spec.model_dump(mode="json")
    *way, last = path.split(".")
    place: Any = document
    for name in way:
        place = place.get(name) if isinstance(place, dict) else None
    if not isinstance(place, dict) or (last not in place and (not way or way[-1] != "params")):
        raise Refusal(_unknown(path))
    place[last] = value
    return valid_spec(document)


def valid_spec(document: dict[str, Any]) -> RunSpec:
    """The spec in a document. Raises: Refusal with the first problem."""
    try:
        return RunSpec.model_validate(document)
    except ValidationError as error:
        found = problems_of(error, document)[0]
        raise Refusal(Problem(**found.model_dump(exclude={"pointer"}))) from None


def _apply(attempt: Attempt, path: str, spec: RunSpec) -> None:
    problems = check(spec, data_dir=attempt.data_dir).problems
    if problems:
        raise Refusal(problems[0])
    before, attempt.spec = attempt.spec, spec
    try:
        _take(attempt, path.split(".")[0], before)
    except EngineError:
        attempt.spec = before
        raise


def _take(attempt: Attempt, head: str, before: RunSpec) -> None:
    spec = attempt.spec
    if head in ("data", "seeds"):
        attempt.replace_data()
    elif head == "optimizer":
        _take_optimizer(attempt, before)
    elif head == "penalty":
        attempt.penalty.take(spec.penalty)
    elif head == "batches":
        _take_batches(attempt)
    elif head == "schedule":
        _restart_rate(attempt)
        attempt.set_schedule()
    elif head == "loss":
        attempt.set_loss()
    if _is_another_step(attempt, head, before):
        attempt.set_tier()


def _is_another_step(attempt: Attempt, head: str, before: RunSpec) -> bool:
    """Whether a compiled step no longer does what a batch is to do; a number that changes it reads for itself."""
    spec = attempt.spec
    if head == "penalty":
        return (spec.penalty.kind, spec.penalty.style) != (before.penalty.kind, before.penalty.style)
    if head == "optimizer":
        return spec.optimizer.kind != before.optimizer.kind or attempt.per_batch
    return head in ("data", "seeds", "loss", "schedule", "tier")


def _take_batches(attempt: Attempt) -> None:
    batches, cursor = attempt.spec.batches, attempt.cursor
    cursor.settle()
    cursor.last, cursor.shuffled = batches.last, batches.order == "shuffle"
    cursor.resize(batches.size)


def _take_optimizer(attempt: Attempt, before: RunSpec) -> None:
    """New settings keep the optimiser's memory; another optimiser begins without."""
    chosen = attempt.spec.optimizer
    if chosen.kind != before.optimizer.kind:
        attempt.set_optimizer()
    else:
        fresh = type(attempt.optimizer)(list(attempt.parameters.values()), **chosen.params)
        settings = {k: v for k, v in fresh.param_groups[0].items() if k != "params"}
        attempt.optimizer.param_groups[0].update(settings)
        attempt.fresh = True  # a setting that was 0 may begin a new memory
    attempt.set_schedule()


def _restart_rate(attempt: Attempt) -> None:
    chosen = attempt.spec.optimizer
    fresh = type(attempt.optimizer)(list(attempt.parameters.values()), **chosen.params)
    attempt.optimizer.param_groups[0]["lr"] = fresh.param_groups[0]["lr"]


def _set_number(attempt: Attempt, path: str, value: JsonValue) -> None:
    found = PARAMETER.match(path)
    if found is None:
        raise Refusal(_unknown(path))
    name, place = found[1], tuple(int(n) for n in found[2].split(","))
    parameter = attempt.parameters.get(name)
    if (
        parameter is None
        or len(place) != len(parameter.shape)
        or any(i >= n for i, n in zip(place, parameter.shape, strict=True))
    ):
        raise Refusal(_unknown(path))
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 3e38:
        raise Refusal(_misfit(path, "a finite number", value))
    parameter.array[place] = value


def _fixed(path: str) -> Problem:
    message = f"{excerpt(path)} cannot be changed while training."
    hint = "Send the whole spec with edit: training begins again, and weights that fit are kept."
    return Problem(
        code="not_changeable", message=message, field=path[:200], expected="one of " + ", ".join(CHANGEABLE), hint=hint
    )


def _unknown(path: str) -> Problem:
    message = f"There is nothing called {excerpt(path)} in this run."
    expected = "a path such as optimizer.params.lr or parameters.hidden1.weight[0,1]"
    return Problem(code="unknown_path", message=message, field=path[:200], expected=expected, got=excerpt(path))


def _misfit(path: str, expected: str, value: JsonValue) -> Problem:
    message = f"{excerpt(path)}: expected {expected}, got {excerpt(value)}."
    return Problem(code="wrong_type", message=message, field=path[:200], expected=expected, got=excerpt(value))
