"""Runs over REST."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Body, Path, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from backend.errors import Fault, Refusal
from backend.protocol import Command, MetricsFact, RunRecord, RunSummary
from backend.runs.service import Runs
from backend.runs.steering import Steering
from engine.spec import RunSpec, presets
from engine.train import Ack

RunName = Annotated[str, Path(max_length=64, description="id of a run")]


class CreateRun(BaseModel):
    """What is asked for with a new run. Everything has a default: `{}` trains the first view."""

    model_config = ConfigDict(extra="forbid")

    spec: RunSpec = Field(default_factory=RunSpec)
    name: str = Field("", max_length=200)
    play: bool = True
    """Whether it begins to train at once."""
    attached: bool = False
    """Whether it pauses a minute after its last watcher left, as runs of pages do."""


class RunPage(BaseModel):
    """A page of a list."""

    items: list[RunSummary]
    next_cursor: str | None


class MetricsPage(BaseModel):
    """Rows of the training curves, from one attempt."""

    run: str
    attempt: int
    items: list[MetricsFact]


class Gate(Protocol):
    """Who refuses specs that are not in order."""

    async def refuse(self, spec: RunSpec, prefix: str) -> None:
        """Raises a refusal with every problem."""


EXAMPLES: dict[str, Any] = {
    preset.id: {"summary": preset.title, "value": {"spec": preset.spec.model_dump(mode="json"), "name": preset.title}}
    for preset in presets
    if preset.id in ("circle", "mnist-cnn")
}
EXAMPLES["defaults"] = {"summary": "Every field has a default", "value": {}}
COMMAND_EXAMPLES: dict[str, Any] = {
    "pause": {"summary": "Hold after the current batch", "value": {"id": "c1", "op": "pause"}},
    "step": {"summary": "Train one batch", "value": {"op": "step", "unit": "batch", "count": 1}},
    "set": {"summary": "Another learning rate", "value": {"op": "set", "path": "optimizer.params.lr", "value": 0.01}},
    "play": {"summary": "Go on", "value": {"op": "play"}},
}


def router(runs: Runs, steering: Steering, gate: Gate) -> APIRouter:
    """`/runs` and below."""
    routes = APIRouter(prefix="/runs", tags=["runs"])

    @routes.post("", operation_id="create_run", status_code=201)
    async def create_run(asked: Annotated[CreateRun, Body(openapi_examples=EXAMPLES)], response: Response) -> RunRecord:
        """Start a run. It is checked first; nothing that does not fit, or is too large, is begun."""
        await gate.refuse(asked.spec, "/spec")
        name = "".join(c for c in asked.name if c.isprintable()).strip() or asked.spec.data.kind
        record = await runs.create(asked.spec, name, asked.play, asked.attached)
        response.headers["Location"] = f"/api/v1/runs/{record.id}"
        return record

    @routes.get("", operation_id="list_runs")
    async def list_runs(
        limit: Annotated[int, Query(ge=1, le=200)] = 50, cursor: Annotated[str | None, Query(max_length=200)] = None
    ) -> RunPage:
        """All runs, newest first."""
        items, following = await runs.page(limit, cursor)
        return RunPage(items=items, next_cursor=following)

    @routes.get("/{run}", operation_id="get_run")
    async def get_run(run: RunName) -> RunRecord:
        """One run."""
        return (await runs.find(run)).row.record()

    @routes.delete("/{run}", operation_id="delete_run", status_code=204)
    async def delete_run(run: RunName) -> Response:
        """End a run and forget its records, metrics and checkpoints."""
        await runs.delete(run)
        return Response(status_code=204)

    @routes.get("/{run}/metrics", operation_id="get_metrics")
    async def get_metrics(run: RunName, after: Annotated[int, Query(ge=-1)] = -1) -> MetricsPage:
        """The rows of the present attempt with a number above `after`."""
        entry = await runs.find(run)
        rows = (json.loads(line) for line in entry.facts[after + 1 :])
        items = [MetricsFact.model_validate(row) for row in rows if row["kind"] == "metrics"]
        return MetricsPage(run=run, attempt=entry.row.attempt, items=items)

    _commands(routes, steering)
    _files(routes, runs)
    return routes


def _commands(routes: APIRouter, steering: Steering) -> None:
    @routes.post("/{run}/commands", operation_id="command_run", status_code=202)
    async def command_run(run: RunName, command: Annotated[Command, Body(openapi_examples=COMMAND_EXAMPLES)]) -> Ack:
        """Steer a run. With an `id` of your own, a command that comes twice is applied once."""
        finish: Callable[[], Any] = await steering.steer(run, command.model_dump(mode="json"))
        ack: Ack = await finish()
        if ack.problem is not None:
            status = 503 if ack.problem.code == "host_lost" else 409 if ack.problem.code in CONFLICTS else 422
            raise Refusal(status, ack.problem.code, ack.problem.message, [Fault(**ack.problem.model_dump())])
        return ack


CONFLICTS = frozenset({"ended", "failed"})


def _files(routes: APIRouter, runs: Runs) -> None:
    weights = {200: {"content": {"application/octet-stream": {}}, "description": "safetensors"}}
    source = {200: {"content": {"text/x-python": {}}, "description": "a PyTorch script"}}

    @routes.get("/{run}/weights", operation_id="get_weights", responses=weights, response_class=Response)  # type: ignore[arg-type]
    async def get_weights(run: RunName) -> Response:
        """The weights as they are now, in the safetensors format."""
        return _download(await runs.ask(run, "weights"), "application/octet-stream", f"{run}.safetensors")

    @routes.get("/{run}/source", operation_id="get_source", responses=source, response_class=Response)  # type: ignore[arg-type]
    async def get_source(run: RunName) -> Response:
        """A PyTorch script of its own that trains the same network and prints the same losses."""
        return _download(await runs.ask(run, "source"), "text/x-python; charset=utf-8", f"{run}.py")

    words = {200: {"content": {"text/plain": {}}, "description": "lines of text"}}

    @routes.get("/{run}/explain", operation_id="explain_run", responses=words, response_class=Response)  # type: ignore[arg-type]
    async def explain_run(run: RunName) -> Response:
        """What computes the run, row by row where it is compiled, and why what is not native code is not."""
        return Response(await runs.ask(run, "explain"), media_type="text/plain; charset=utf-8")


def _download(content: bytes, kind: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(content, media_type=kind, headers=headers)
