"""Data sets on disk: what is there, uploads of CSV, downloads from fixed addresses."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import threading
from typing import Any

from pydantic import BaseModel
from sqlalchemy import text

from backend.db import Database
from backend.errors import Fault, Refusal, excerpt, not_found
from backend.settings import Settings
from engine.data import DATASETS
from engine.data.download import REMOTES, Progress, download, is_available
from engine.data.plane import Plane
from engine.data.table import Table, parse_table
from engine.errors import DataError, EngineError
from engine.spec import catalog

SAMPLE = 8
MOST_COLUMNS = 2_000


class CsvColumn(BaseModel):
    """A column of a table."""

    name: str
    kind: str
    """"number" or "category"."""
    distinct: int
    """How many different values."""


class Upload(BaseModel):
    """An uploaded table. Train on it with `{"kind": "csv", "params": {"file": <id>, "target": ...}}`."""

    id: str
    name: str
    rows: int
    columns: list[CsvColumn]
    suggested_target: str
    sample: list[list[str]]


class Download(BaseModel):
    """How far a download is."""

    state: str
    """"none", "running", "done" or "failed"."""
    done: int = 0
    total: int = 0
    problem: str | None = None


class DatasetState(BaseModel):
    """A data set: what the catalogue says of it, and whether its files are there."""

    kind: str
    title: str
    card: dict[str, Any]
    available: bool
    downloadable: bool
    download: Download


class Thumbnail(BaseModel):
    """A few points of a 2-D set."""

    points: list[list[float]]
    labels: list[float]


class Datasets:
    """The service."""

    def __init__(self, settings: Settings, database: Database) -> None:
        self.settings, self.database = settings, database
        self._downloads: dict[str, Download] = {}

    def all(self) -> list[DatasetState]:
        """Every data set."""
        return [self._state(entry) for entry in catalog(self.settings.run_data)["datasets"]]

    def one(self, kind: str) -> DatasetState:
        """One data set; 404 when there is none of this kind."""
        self._known(kind)
        return next(state for state in self.all() if state.kind == kind)

    def _known(self, kind: str) -> None:
        if kind not in DATASETS:
            raise not_found("data set", kind, "Known are " + ", ".join(DATASETS) + ".")

    def _state(self, entry: dict[str, Any]) -> DatasetState:
        kind = entry["kind"]
        remote = kind in REMOTES
        there = not remote or is_available(kind, self.settings.run_data)
        progress = self._downloads.get(kind, Download(state="done" if remote and there else "none"))
        card = {key: value for key, value in entry.items() if key not in ("kind", "title", "schema")}
        return DatasetState(
            kind=kind, title=entry["title"], card=card, available=there, downloadable=remote, download=progress
        )

    # -- thumbnails ----------------------------------------------------------------------------------------------------

    def thumbnail(self, kind: str, seed: int) -> Thumbnail:
        """A few points of a 2-D set."""
        self._known(kind)
        source = DATASETS[kind]
        if not issubclass(source, Plane):
            raise Refusal(404, "no_thumbnail", f"The data set '{kind}' has no points in the plane.")
        points, labels = source.thumbnail(seed)
        return Thumbnail(points=points.tolist(), labels=labels.tolist())

    # -- uploads -------------------------------------------------------------------------------------------------------

    async def upload(self, content: bytes, name: str) -> Upload:
        """Read a table, and keep it when it is one.

        Raises:
            Refusal: 422 with line and column where it is none.
        """
        upload = await asyncio.to_thread(self._read, content, name)
        await asyncio.to_thread(self._keep, upload.id, content)
        values = {"id": upload.id, "name": upload.name, "summary": upload.model_dump_json(), "now": ""}
        query = text("INSERT INTO uploads VALUES (:id, :name, :summary, datetime('now') || :now)")
        await self.database.run(lambda connection: connection.execute(query, values))
        return upload

    async def uploads(self) -> list[Upload]:
        """Every uploaded table, newest first."""
        query = text("SELECT summary FROM uploads ORDER BY created_at DESC, id DESC LIMIT 200")
        rows = await self.database.run(lambda connection: connection.execute(query).all())
        return [Upload.model_validate(json.loads(row[0])) for row in rows]

    def _read(self, content: bytes, name: str) -> Upload:
        try:
            table = parse_table(content)
            if len(table.columns) > MOST_COLUMNS:
                raise DataError("the file", f"at most {MOST_COLUMNS} columns", len(table.columns), "Leave columns out.")
            return describe(table, f"csv_{secrets.token_hex(8)}", name)
        except EngineError as error:
            raise refusal_of(error) from None

    def _keep(self, name: str, content: bytes) -> None:
        folder = self.settings.run_data / "uploads"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            part = folder / f".{name}.part"
            with part.open("wb") as file:
                file.write(content)
                os.fsync(file.fileno())
            part.replace(folder / f"{name}.csv")
        except OSError as error:
            raise Refusal(507, "cannot_write", f"The table cannot be kept: {error.strerror or error}.") from error

    # -- downloads -----------------------------------------------------------------------------------------------------

    def fetch(self, kind: str) -> DatasetState:
        """Begin to download a public data set, unless it is there or on its way."""
        self._known(kind)
        if kind not in REMOTES:
            raise Refusal(404, "not_downloadable", f"'{excerpt(kind)}' is not downloaded: it is made or brought along.")
        running = self._downloads.get(kind)
        if not is_available(kind, self.settings.run_data) and (running is None or running.state == "failed"):
            self._downloads[kind] = Download(state="running")
            # A daemon: a server that is told to end does not wait for an address that does not answer.
            threading.Thread(target=self._fetch, args=(kind,), name=f"download {kind}", daemon=True).start()
        return self.one(kind)

    def _fetch(self, kind: str) -> None:
        def tell(progress: Progress) -> None:
            self._downloads[kind] = Download(state="running", done=progress.done, total=progress.total)

        try:
            download(kind, self.settings.run_data, tell)
        except (EngineError, OSError) as error:
            self._downloads[kind] = Download(state="failed", problem=str(error))
        else:
            self._downloads[kind] = Download(state="done")


def describe(table: Table, key: str, name: str) -> Upload:
    """What the page shows of a table."""
    columns = [CsvColumn(name=c.name, kind=c.kind, distinct=len(c.distinct)) for c in table.columns]
    shown = "".join(c for c in name if c.isprintable()).strip()[:200] or "table.csv"
    return Upload(
        id=key,
        name=shown,
        rows=table.rows,
        columns=columns,
        suggested_target=table.suggested_target,
        sample=table.head(SAMPLE),
    )


def refusal_of(error: EngineError) -> Refusal:
    """A table that is none, as a 422."""
    fault = Fault(
        code=error.code,
        message=str(error),
        hint=error.hint or None,
        field=error.field or error.where,
        expected=error.expected or None,
        got=excerpt(error.got) if error.got else None,
    )
    return Refusal(422, error.code, str(error), [fault])
