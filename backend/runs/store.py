"""Records of runs and hosts in the database."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, TextClause, text

from backend.db import Database
from backend.errors import Fault, Refusal
from backend.protocol import RunRecord, RunSummary

COLUMNS = (
    *("id", "name", "state", "attempt", "base_attempt", "next_attempt", "step", "epoch", "reason", "problem"),
    *("latest", "attached", "host", "spec", "created_at", "updated_at"),
)
ONE = text("SELECT * FROM runs WHERE id = :id")
PAGE = text(
    "SELECT * FROM runs WHERE (created_at, id) < (:before, :name) ORDER BY created_at DESC, id DESC LIMIT :limit"
)
UNFINISHED = text(
    "SELECT * FROM runs WHERE state IN ('queued', 'starting', 'running') OR (state = 'paused' AND host IS NOT NULL)"
)
FINAL = frozenset({"finished", "failed", "stopped"})


def now() -> str:
    """This moment, in RFC 3339 and UTC; sorts as text."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass
class Row:
    """A run as it is stored.

    `next_attempt` is the number that the next attempt gets, never used before; `base_attempt` the one in which the
    present training began: checkpoints from it on may be gone back to. `computed` is no column: the facts say it.
    """

    id: str
    name: str
    spec: dict[str, Any]
    attached: bool = False
    state: str = "queued"
    attempt: int = 1
    base_attempt: int = 1
    next_attempt: int = 2
    step: int = 0
    epoch: float = 0.0
    reason: str | None = None
    problem: dict[str, Any] | None = None
    latest: dict[str, float | None] = field(default_factory=dict)
    host: str | None = None
    computed: dict[str, Any] | None = None
    created_at: str = field(default_factory=now)
    updated_at: str = field(default_factory=now)

    def plain(self) -> dict[str, Any]:
        """As columns."""
        values = {name: getattr(self, name) for name in COLUMNS}
        for name in ("problem", "latest", "spec"):
            values[name] = json.dumps(values[name], allow_nan=False)
        return values

    def public(self) -> dict[str, Any]:
        """What people see of it."""
        hidden = {"host", "base_attempt", "next_attempt"}
        return {name: getattr(self, name) for name in COLUMNS if name not in hidden}

    def record(self) -> RunRecord:
        """The run, whole."""
        return RunRecord.model_validate({**self.public(), "computed": self.computed})

    def summary(self) -> RunSummary:
        """The run without its spec."""
        plain = self.public()
        del plain["spec"]
        return RunSummary.model_validate(plain)


def row_of(values: Any) -> Row:
    """A row from its columns."""
    plain = dict(values)
    for name in ("problem", "latest", "spec"):
        plain[name] = json.loads(plain[name]) if plain[name] else None
    return Row(**{**plain, "attached": bool(plain["attached"]), "latest": plain["latest"] or {}})


class RunStore:
    """Saves and finds runs and hosts."""

    def __init__(self, database: Database) -> None:
        self.database = database

    async def add(self, row: Row) -> None:
        """Store a new run."""
        await self.database.run(_saving(row))

    def save(self, row: Row) -> None:
        """Store what changed, soon."""
        row.updated_at = now()
        self.database.later(_saving(row))

    async def get(self, name: str) -> Row | None:
        """One run."""
        rows = await self.database.run(
            lambda c: c.execute(text("SELECT * FROM runs WHERE id = :id"), {"id": name}).mappings().all()
        )
        return row_of(rows[0]) if rows else None

    async def unfinished(self) -> list[Row]:
        """Runs that were under way when the server ended."""
        return [row_of(one) for one in await self._rows(UNFINISHED, {})]

    async def _rows(self, query: TextClause, values: dict[str, Any]) -> Sequence[Any]:
        return await self.database.run(lambda c: c.execute(query, values).mappings().all())

    async def page(self, limit: int, cursor: str | None) -> tuple[list[Row], str | None]:
        """The newest runs first, from a cursor on, and the cursor of the next page."""
        before, name = read_cursor(cursor) if cursor else ("~", "~")
        rows = [row_of(one) for one in await self._rows(PAGE, {"before": before, "name": name, "limit": limit + 1})]
        more = rows[limit - 1] if len(rows) > limit else None
        return rows[:limit], make_cursor(more) if more else None

    def remove(self, name: str) -> None:
        """Forget a run, soon."""
        self.database.later(lambda c: c.execute(text("DELETE FROM runs WHERE id = :id"), {"id": name}))

    # -- hosts ---------------------------------------------------------------------------------------------------------

    async def add_host(self, name: str, token: str, pid: int) -> None:
        """Remember a host, so that it is known again after a restart; its token only as a digest."""
        values = {"id": name, "token": digest(token), "pid": pid, "started": time.time()}
        await self.database.run(
            lambda c: c.execute(text("INSERT INTO hosts VALUES (:id, :token, :pid, :started)"), values)
        )

    async def hosts(self) -> dict[str, tuple[str, int]]:
        """Every remembered host: (digest of its token, pid)."""
        rows = await self.database.run(lambda c: c.execute(text("SELECT id, token_sha256, pid FROM hosts")).all())
        return {row[0]: (row[1], row[2]) for row in rows}

    def remove_host(self, name: str) -> None:
        """Forget a host, soon."""
        self.database.later(lambda c: c.execute(text("DELETE FROM hosts WHERE id = :id"), {"id": name}))


def digest(token: str) -> str:
    """What is stored of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def _saving(row: Row) -> Any:
    values = row.plain()
    names = ", ".join(COLUMNS)
    marks = ", ".join(f":{name}" for name in COLUMNS)
    statement = text(f"INSERT OR REPLACE INTO runs ({names}) VALUES ({marks})")  # noqa: S608  (our own column names)

    def work(connection: Connection) -> None:
        connection.execute(statement, values)

    return work


def make_cursor(row: Row) -> str:
    """An opaque mark after this row."""
    return base64.urlsafe_b64encode(f"{row.created_at}|{row.id}".encode()).decode()


def read_cursor(cursor: str) -> tuple[str, str]:
    """The mark back; a 422 when it is none of ours."""
    try:
        before, _, name = base64.urlsafe_b64decode(cursor.encode()).decode().partition("|")
    except (binascii.Error, ValueError, UnicodeError):
        name = ""
        before = ""
    if not name:
        fault = Fault(pointer="/cursor", code="bad_cursor", message="This cursor is not one of ours.", field="cursor")
        raise Refusal(422, "bad_cursor", fault.message, [fault])
    return before, name
