"""The database: SQLite in WAL beside the runs. One thread talks to it, so the event loop never waits for a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, text

from backend.migrations import STEPS

T = TypeVar("T")


class Database:
    """Runs functions `f(connection)` inside transactions, in the order in which they were asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.engine: Engine | None = None
        self._thread = ThreadPoolExecutor(1, "database")

    def open(self) -> None:
        """Open the file, and bring it to the newest form."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.engine = connect(self.path)

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in a transaction, and wait for it."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.do, work)

    def later(self, work: Callable[[Connection], Any]) -> None:
        """Do `work` in a transaction, soon."""
        self._thread.submit(self.do, work)

    def do(self, work: Callable[[Connection], T]) -> T:
        """Do `work` in a transaction, now, on this thread."""
        if self.engine is None:
            raise RuntimeError("the database is not open")
        with self.engine.begin() as connection:
            return work(connection)

    def close(self) -> None:
        """Finish what was asked for, then let go of the file."""
        self._thread.shutdown(wait=True)
        if self.engine is not None:
            self.engine.dispose()


def connect(path: Path) -> Engine:
    """An engine on this file, with every migration applied."""
    engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 5.0, "check_same_thread": False})
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    with engine.begin() as connection:
        migrate(connection)
    return engine


def _prepare(connection: Any, record: object) -> None:
    """WAL, so that readers never wait; our own BEGIN instead of the driver's."""
    connection.isolation_level = None
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "busy_timeout=5000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    """Take the write lock at once: a transaction that asks for it later can fail half-way."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def migrate(connection: Connection) -> None:
    """Bring the database to the newest form."""
    connection.execute(text("CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY)"))
    done = {row[0] for row in connection.execute(text("SELECT version FROM migrations"))}
    for step in STEPS:
        if step.VERSION not in done:
            step.upgrade(connection)
            connection.execute(text("INSERT INTO migrations VALUES (:version)"), {"version": step.VERSION})
