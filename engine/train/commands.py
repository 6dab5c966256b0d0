"""What a run can be told. Each command may carry the sender's id, which comes back in the `Ack`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from engine.spec.run import RunSpec


class Asked(BaseModel):
    """Base of the commands."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    id: Annotated[str, Field(max_length=64)] = ""


class Play(Asked):
    """Go on training."""

    op: Literal["play"]


class Pause(Asked):
    """Hold after the current batch."""

    op: Literal["pause"]


class Step(Asked):
    """Train this many batches, or up to the end of this many epochs, then hold."""

    op: Literal["step"]
    unit: Literal["batch", "epoch"] = "batch"
    count: Annotated[int, Field(ge=1, le=1_000_000)] = 1


class Reset(Asked):
    """Back to step 0 with the same seeds and the same weights, paused; a new attempt."""

    op: Literal["reset"]


class Set(Asked):
    """Change one setting from the next batch on, without a reset."""

    op: Literal["set"]
    path: Annotated[str, Field(max_length=200)]
    value: JsonValue


class Edit(Asked):
    """Replace the whole spec: a new attempt at step 0. With `keep`, weights that still fit stay."""

    op: Literal["edit"]
    spec: RunSpec
    keep: bool = True


class Checkpoint(Asked):
    """Save the run now."""

    op: Literal["checkpoint"]


class Stop(Asked):
    """End the run."""

    op: Literal["stop"]


Command = Annotated[Play | Pause | Step | Reset | Set | Edit | Checkpoint | Stop, Field(discriminator="op")]
