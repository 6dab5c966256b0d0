"""Data sets over REST."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request

from backend.datasets.service import Datasets, DatasetState, Thumbnail, Upload
from backend.errors import Fault, Refusal

Kind = Annotated[str, Path(max_length=64, description="kind of a data set, as in the catalogue")]
CSV_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {"text/csv": {"schema": {"type": "string"}, "example": "x,y,label\n1.0,2.5,red\n-0.5,1.5,blue\n"}},
    }
}


def router(datasets: Datasets) -> APIRouter:
    """`/datasets` and below."""
    routes = APIRouter(prefix="/datasets", tags=["datasets"])

    @routes.get("", operation_id="list_datasets")
    async def list_datasets() -> list[DatasetState]:
        """Every data set, and whether its files are there."""
        return await asyncio.to_thread(datasets.all)

    @routes.post("/csv", operation_id="upload_csv", status_code=201, openapi_extra=CSV_BODY)
    async def upload_csv(request: Request, name: Annotated[str, Query(max_length=200)] = "table.csv") -> Upload:
        """Bring your own table: the file as it is, as `text/csv`."""
        content = await request.body()
        if not content:
            fault = Fault(code="empty", message="The request has no body.", hint="Send the file as text/csv.")
            raise Refusal(422, "empty", fault.message, [fault])
        return await datasets.upload(content, name)

    @routes.get("/csv/uploads", operation_id="list_uploads")
    async def list_uploads() -> list[Upload]:
        """Every uploaded table, newest first."""
        return await datasets.uploads()

    @routes.get("/{kind}", operation_id="get_dataset")
    async def get_dataset(kind: Kind) -> DatasetState:
        """One data set, with the progress of its download."""
        return await asyncio.to_thread(datasets.one, kind)

    @routes.post("/{kind}/download", operation_id="download_dataset", status_code=202)
    async def download_dataset(kind: Kind) -> DatasetState:
        """Fetch a public data set from its fixed address; ask for `GET /datasets/{kind}` to see how far it is."""
        return datasets.fetch(kind)

    @routes.get("/{kind}/thumbnail", operation_id="get_thumbnail")
    async def get_thumbnail(kind: Kind, seed: Annotated[int, Query(ge=0, le=2**53 - 1)] = 0) -> Thumbnail:
        """A few points of a 2-D set."""
        return await asyncio.to_thread(datasets.thumbnail, kind, seed)

    return routes
