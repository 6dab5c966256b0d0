"""The catalogue, the devices, and whether the service is well."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from backend.errors import Refusal
from backend.settings import Settings, installed_version
from engine.spec import RunSpec, catalog


class Health(BaseModel):
    """Whether the service is well."""

    status: str
    version: str


class Device(BaseModel):
    """What a run may compute on."""

    id: str
    title: str
    memory_bytes: int


class Catalog(BaseModel):
    """Everything that can be built, trained with, trained on and watched. Entries are open: new fields may come."""

    version: int
    layers: list[dict[str, Any]]
    losses: list[dict[str, Any]]
    optimizers: list[dict[str, Any]]
    schedules: list[dict[str, Any]]
    datasets: list[dict[str, Any]]
    probes: list[dict[str, Any]]
    presets: list[dict[str, Any]]
    defaults: RunSpec


class Condition:
    """What the health routes tell: set to ending when the server stops."""

    ready = False
    ending = False


def router(settings: Settings, condition: Condition, devices: Callable[[], list[dict[str, Any]]]) -> APIRouter:
    """`/catalog`, `/devices` and `/health`."""
    routes = APIRouter()

    @routes.get("/health", operation_id="get_health", tags=["service"])
    async def get_health() -> Health:
        """Whether the server is well, and its version."""
        return healthy(condition)

    @routes.get("/devices", operation_id="list_devices", tags=["service"])
    async def list_devices() -> list[Device]:
        """What runs may compute on, as the processes that train see it."""
        return [Device(**one) for one in devices()]

    @routes.get("/catalog", operation_id="get_catalog", tags=["catalog"])
    async def get_catalog(response: Response) -> Catalog:
        """Layers, losses, optimisers, schedules, data sets, probes, presets, and the spec of the first view."""
        response.headers["Cache-Control"] = "no-cache"
        return Catalog(**await asyncio.to_thread(catalog, settings.run_data))

    return routes


def healthy(condition: Condition) -> Health:
    """Well, unless the server is ending."""
    if condition.ending:
        raise Refusal(503, "ending", "The server is stopping.")
    return Health(status="ok", version=installed_version())


def plain_router(condition: Condition) -> APIRouter:
    """`/healthz` and `/readyz`, for machines."""
    routes = APIRouter(tags=["service"])

    @routes.get("/healthz", operation_id="healthz")
    async def healthz() -> Health:
        """Whether the process lives."""
        return healthy(condition)

    @routes.get("/readyz", operation_id="readyz")
    async def readyz() -> Health:
        """Whether runs can be started."""
        if not condition.ready:
            raise Refusal(503, "not_ready", "The processes that train are still starting.")
        return healthy(condition)

    return routes
