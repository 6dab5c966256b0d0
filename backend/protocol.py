"""Everything that is said over the socket `/api/v1/stream`, both ways, on one page.

The page says: watch, unwatch, painted, ping, and commands. The server says: welcome, facts (metrics, state, changed,
computed), snapshot, ack, listed, heartbeat, problem; these are JSON text. Pictures come as binary frames
(`backend.frames`).

A **fact** belongs to (run, attempt) and has a number, contiguous from 0 in each attempt; none is ever left out. Whoever
reconnects asks for what comes after the last number seen. A **picture** exists in its newest version only.
"""

from __future__ import annotations

from datetime import datetime
from enum import IntEnum
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from backend.errors import Fault
from engine.spec import Problem, RunSpec
from engine.train.commands import Command
from engine.train.events import Ack, Changed, Computed, Metrics, RunState, State

VERSION = 1
CREDITS = 2  # frames on their way to one page and not yet painted
HEARTBEAT_SECONDS = 2.0

RunId = Annotated[str, Field(max_length=64, pattern=r"^run_[0-9a-z]+$")]
Topic = Annotated[str, Field(max_length=8192)]


class Close(IntEnum):
    """Why the server ends a socket."""

    RESTART = 1012
    """The server stops or restarts: come back."""
    ORIGIN = 4003
    """The page that opened the socket is not ours."""
    TOO_SLOW = 4008
    """A message could not be sent for ten seconds."""
    RATE = 4029
    """More messages than a page would send."""


class Sent(BaseModel):
    """Base of what the server says: every field is there."""

    model_config = ConfigDict(extra="forbid", json_schema_serialization_defaults_required=True)


class Received(BaseModel):
    """Base of what the page says: what it leaves out has a default."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


# -- what the page says ------------------------------------------------------------------------------------------------


class Watch(Received):
    """Show me this run: every fact after `after`, and these pictures. Replaces this run's topics."""

    kind: Literal["watch"]
    run: RunId
    attempt: int | None = None
    after: Annotated[int, Field(ge=-1)] = -1
    topics: Annotated[list[Topic], Field(max_length=512)] = []


class Unwatch(Received):
    """I no longer show this run."""

    kind: Literal["unwatch"]
    run: RunId


class Painted(Received):
    """This frame, and those before it, are on the screen: a credit comes back."""

    kind: Literal["painted"]
    run: RunId
    seq: Annotated[int, Field(ge=0)]


class Ping(Received):
    """Are you there? The answer is a heartbeat."""

    kind: Literal["ping"]


class CommandEnvelope(Received):
    """What is added to a command (play, pause, step, ...) to send it over the socket."""

    kind: Literal["command"]
    run: RunId


ClientMessage = Annotated[Watch | Unwatch | Painted | Ping, Field(discriminator="kind")]
"""Everything but commands, which are `CommandEnvelope` and `Command` in one flat object."""


# -- what the server says ----------------------------------------------------------------------------------------------


class RunSummary(Sent):
    """A run without its spec: what a list shows."""

    id: str
    name: str
    state: RunState
    attempt: int
    step: int
    epoch: float
    reason: str | None = None
    problem: Problem | None = None
    latest: dict[str, float | None] = {}
    attached: bool = False
    created_at: datetime
    updated_at: datetime


class RunRecord(RunSummary):
    """A run, whole."""

    spec: RunSpec
    computed: Computed | None = None
    """What computes it, as far as that is known."""


class Welcome(Sent):
    """First message on every socket."""

    kind: Literal["welcome"] = "welcome"
    version: int = VERSION
    server: str = ""
    """The version of the playground."""


class MetricsFact(Metrics):
    """A row of the training curves."""

    run: str
    attempt: int
    seq: int


class StateFact(State):
    """The run changed its state, and why."""

    run: str
    attempt: int
    seq: int


class ChangedFact(Changed):
    """A setting was changed while training."""

    run: str
    attempt: int
    seq: int


class ComputedFact(Computed):
    """What computes from the batch after `step` on."""

    run: str
    attempt: int
    seq: int


Fact = Annotated[MetricsFact | StateFact | ChangedFact | ComputedFact, Field(discriminator="kind")]


class Snapshot(Sent):
    """Where the run stands. Facts with a number above `after` follow; with -1, forget the rows you have.

    The record stands where the facts up to number `newest` (-1: there are none yet) have led: state, step and losses of
    these are history, which fills the curves.
    """

    kind: Literal["snapshot"] = "snapshot"
    run: str
    attempt: int
    after: int
    newest: int
    record: RunRecord


class AckMessage(Ack):
    """A command was applied at this step, or refused with a problem."""

    kind: Literal["ack"] = "ack"
    run: str


class Listed(Sent):
    """A run was created, changed its state, or is gone (`record` null)."""

    kind: Literal["listed"] = "listed"
    run: str
    record: RunSummary | None


class Heartbeat(Sent):
    """The server is there."""

    kind: Literal["heartbeat"] = "heartbeat"
    time: float
    """Seconds since 1970."""


class ProblemMessage(Sent):
    """A message could not be used."""

    kind: Literal["problem"] = "problem"
    code: str
    detail: str
    run: str | None = None
    errors: list[Fault] = []


ServerMessage = Annotated[
    Welcome
    | MetricsFact
    | StateFact
    | ChangedFact
    | ComputedFact
    | Snapshot
    | AckMessage
    | Listed
    | Heartbeat
    | ProblemMessage,
    Field(discriminator="kind"),
]


class FrameBlock(Sent):
    """Where one array of a picture lies in a binary frame, and how to read it."""

    topic: str
    name: str
    dtype: Literal["u8", "f32", "f64", "i32", "u32"]
    shape: list[int]
    offset: int
    lo: float | None = None
    hi: float | None = None


class FrameHeader(Sent):
    """The JSON header of a binary frame. `seq` counts frames of this run; give it back with `painted`."""

    v: Literal[1] = 1
    kind: Literal["pictures"] = "pictures"
    run: str
    attempt: int
    seq: int
    step: int
    blocks: list[FrameBlock]


client_message: TypeAdapter[Any] = TypeAdapter(ClientMessage)
command: TypeAdapter[Any] = TypeAdapter(Command)
server_message: TypeAdapter[Any] = TypeAdapter(ServerMessage)

__all__ = [
    "AckMessage",
    "ChangedFact",
    "ClientMessage",
    "Close",
    "Command",
    "CommandEnvelope",
    "ComputedFact",
    "Fact",
    "FrameBlock",
    "FrameHeader",
    "Heartbeat",
    "Listed",
    "MetricsFact",
    "Painted",
    "Ping",
    "ProblemMessage",
    "RunRecord",
    "RunSummary",
    "ServerMessage",
    "Snapshot",
    "StateFact",
    "Unwatch",
    "Watch",
    "Welcome",
]
