"""What a run says while it runs, and the answers to commands."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from engine.spec.problem import Problem

RunState = Literal["queued", "starting", "running", "paused", "finished", "failed", "stopped"]


class Sent(BaseModel):
    """Base of everything that a run sends."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, json_schema_serialization_defaults_required=True
    )


class Metrics(Sent):
    """A row of the training curves. A value that is not finite, or not known, is null."""

    kind: Literal["metrics"] = "metrics"
    step: int
    epoch: float
    values: dict[str, float | None]
    test_examples: int
    """How many test examples the test values are measured on."""


class State(Sent):
    """The run changed its state, and why."""

    kind: Literal["state"] = "state"
    state: RunState
    step: int
    epoch: float
    reason: str | None = None
    problem: Problem | None = None


class Changed(Sent):
    """A setting was changed while training; it applies from the batch after `step`."""

    kind: Literal["changed"] = "changed"
    path: str
    value: JsonValue
    step: int


class Computed(Sent):
    """What computes from the batch after `step` on; where all but `step` is equal, equal runs give equal numbers.

    tier: native machine code, the same plan in NumPy, or the eager engine. shards: how many parts of a batch are summed
    apart. reason: why it is not native.
    """

    kind: Literal["computed"] = "computed"
    tier: Literal["native", "numpy", "eager"]
    shards: int = 1
    cpu: str = ""
    reason: str | None = None
    step: int


Event = Annotated[Metrics | State | Changed | Computed, Field(discriminator="kind")]


class Ack(Sent):
    """The answer to a command: the step at which it took effect, or why it did not."""

    id: str
    step: int
    problem: Problem | None = None
