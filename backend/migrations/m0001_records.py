"""Runs, the hosts that compute them, and uploaded files."""

from sqlalchemy import Connection, text

VERSION = 1

STATEMENTS = (
    """CREATE TABLE runs (
        id VARCHAR(64) PRIMARY KEY,
        name VARCHAR(200) NOT NULL,
        state VARCHAR(16) NOT NULL,
        attempt INTEGER NOT NULL,
        base_attempt INTEGER NOT NULL,
        next_attempt INTEGER NOT NULL,
        step BIGINT NOT NULL,
        epoch DOUBLE PRECISION NOT NULL,
        reason TEXT,
        problem TEXT,
        latest TEXT NOT NULL,
        attached BOOLEAN NOT NULL,
        host VARCHAR(64),
        spec TEXT NOT NULL,
        created_at VARCHAR(32) NOT NULL,
        updated_at VARCHAR(32) NOT NULL
    )""",
    "CREATE INDEX runs_by_age ON runs (created_at, id)",
    """CREATE TABLE hosts (
        id VARCHAR(64) PRIMARY KEY,
        token_sha256 VARCHAR(64) NOT NULL,
        pid INTEGER NOT NULL,
        started DOUBLE PRECISION NOT NULL
    )""",
    """CREATE TABLE uploads (
        id VARCHAR(64) PRIMARY KEY,
        name VARCHAR(200) NOT NULL,
        summary TEXT NOT NULL,
        created_at VARCHAR(32) NOT NULL
    )""",
)


def upgrade(connection: Connection) -> None:
    """From an empty database."""
    for statement in STATEMENTS:
        connection.execute(text(statement))
