"""Checks over REST: what the page asks while somebody draws."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body

from backend.graphs.service import Checker
from engine.spec import GraphSpec, Report, RunSpec, presets

GRAPH_EXAMPLES = {
    "first_view": {"summary": "The network of the first view", "value": RunSpec().graph.model_dump(mode="json")},
}
RUN_EXAMPLES = {
    preset.id: {"summary": preset.title, "value": preset.spec.model_dump(mode="json")}
    for preset in presets
    if preset.id in ("circle", "mnist-cnn")
}


def router(checker: Checker) -> APIRouter:
    """`/graphs/check` and `/runs/check`."""
    routes = APIRouter()

    @routes.post("/graphs/check", operation_id="check_graph", tags=["graphs"])
    async def check_graph(graph: Annotated[GraphSpec, Body(openapi_examples=GRAPH_EXAMPLES)]) -> Report:
        """Shapes, parameters and problems of a drawing. Problems are part of the answer, which is always 200."""
        return await checker.report(graph)

    @routes.post("/runs/check", operation_id="check_run", tags=["runs"])
    async def check_run(spec: Annotated[RunSpec, Body(openapi_examples=RUN_EXAMPLES)]) -> Report:
        """Shapes, parameters, memory and problems of a run. Problems are part of the answer, which is always 200."""
        return await checker.report(spec)

    return routes
