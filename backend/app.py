"""`create_app`: the only place where the rooms are plugged together."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped,unused-ignore]
from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from backend import pages
from backend.catalog import routes as catalog
from backend.datasets import routes as datasets
from backend.datasets.service import Datasets
from backend.db import Database
from backend.errors import MEDIA_TYPE, Fault, ProblemDetails, Refusal, body, excerpt, phrase, refusal_of_validation
from backend.graphs import routes as graphs
from backend.graphs.service import Checker
from backend.guard import Guard
from backend.runs import link
from backend.runs import routes as runs
from backend.runs.placement import LocalPlacement
from backend.runs.service import Runs
from backend.runs.steering import Steering
from backend.runs.store import RunStore
from backend.settings import Settings, installed_version
from backend.stream import routes as stream
from backend.stream.hub import Hub

CPU = {"id": "cpu", "title": "CPU", "memory_bytes": psutil.virtual_memory().total}
PROBLEM: dict[str, Any] = {"model": ProblemDetails, "content": {MEDIA_TYPE: {}}}
RESPONSES: dict[int | str, dict[str, Any]] = {
    status: {**PROBLEM, "description": words}
    for status, words in {
        400: "The request is broken",
        403: "The request comes from another page",
        404: "There is no such thing",
        413: "The request is too large",
        415: "The body has the wrong type",
        421: "The host name is not this server's",
        422: "The request does not fit, with a pointer to each place",
        503: "The server is starting, stopping, or waits for a process",
    }.items()
}


class Rooms:
    """Everything that lives as long as the server."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.database = Database(settings.store / "playground.sqlite3")
        store = RunStore(self.database)
        self.hub = Hub()
        self.placement = LocalPlacement(settings, store, gateway_address(settings.store))
        self.runs = Runs(settings, store, self.placement, self.hub)
        self.hub.stage = self.runs
        self.checker = Checker(settings, lambda: [one["id"] for one in self.devices()])
        self.steering = Steering(self.runs, self.checker)
        self.datasets = Datasets(settings, self.database)
        self.condition = catalog.Condition()

    def devices(self) -> list[dict[str, Any]]:
        """As the hosts report them; before the first has spoken, this machine's CPU."""
        return self.placement.devices or [CPU]

    def api(self) -> APIRouter:
        """Every route below /api/v1."""
        api = APIRouter()
        api.include_router(catalog.router(self.settings, self.condition, self.devices))
        api.include_router(graphs.router(self.checker))
        api.include_router(runs.router(self.runs, self.steering, self.checker))
        api.include_router(datasets.router(self.datasets))
        api.include_router(stream.router(self.hub, self.steering, self.settings))
        return api

    @contextlib.asynccontextmanager
    async def lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        """Open the store and start the hosts; at the end save every run and let all go."""
        await asyncio.get_running_loop().run_in_executor(None, self.database.open)
        await self.runs.start()
        beat = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            self.condition.ending = True
            beat.cancel()
            self.checker.close()
            await self.runs.stop()
            self.database.close()

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(0.5)
            self.condition.ready = bool(self.placement.lines)
            self.hub.beat()


def create_app(settings: Settings) -> FastAPI:
    """The application. Nothing is opened or started before its lifespan begins."""
    rooms = Rooms(settings)
    app = FastAPI(
        title="autodiff playground",
        version=installed_version(),
        lifespan=rooms.lifespan,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        responses=RESPONSES,
    )
    app.include_router(rooms.api(), prefix="/api/v1")
    app.include_router(catalog.plain_router(rooms.condition))
    page = pages.Pages()

    @app.api_route("/{path:path}", methods=["GET", "HEAD"], include_in_schema=False)
    async def serve_page(request: Request) -> Response:
        return await page(request)

    app.add_middleware(Guard, settings=settings)
    _answer_with_problems(app)
    return app


def _answer_with_problems(app: FastAPI) -> None:
    """Every refusal of the framework in our one shape."""

    @app.exception_handler(Refusal)
    async def refused(request: Request, refusal: Refusal) -> Response:
        return _problem(request, refusal)

    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: RequestValidationError) -> Response:
        return _problem(request, refusal_of_validation(error.errors(), "request", error.body))

    @app.exception_handler(HTTPException)
    async def plain(request: Request, error: HTTPException) -> Response:
        code = phrase(error.status_code).lower().replace(" ", "_")
        detail = _SENTENCES.get(error.status_code, phrase(error.status_code) + ".")
        fault = Fault(code=code, message=detail, got=f"{request.method} {excerpt(request.url.path)}")
        return _problem(request, Refusal(error.status_code, code, detail, [fault], dict(error.headers or {})))


_SENTENCES = {
    400: "The body of this request cannot be read as JSON.",
    404: "There is nothing at this address; /api/v1/openapi.json lists what there is.",
    405: "This address does not know this method.",
}


def _problem(request: Request, refusal: Refusal) -> Response:
    content = body(refusal.details(excerpt(request.url.path)))
    return Response(content, refusal.status, refusal.headers, MEDIA_TYPE)


def gateway_address(store: Path) -> str:
    """Where hosts of this store find their gateway, also after it was started again."""
    if not link.can_unix():
        return f"tcp:{store / 'gateway.port'}"
    mark = hashlib.sha256(str(store.resolve()).encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir()) / f"autodiff-playground-{os.getuid()}"
    return f"unix:{folder / mark}.sock"
