"""A run in the gateway's memory: its row, its facts, and what waits for its host."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.runs import folder as files
from backend.runs.store import FINAL, Row


@dataclass
class Entry:
    """One run.

    Attributes:
        row: what is stored of it.
        folder: where its files are.
        facts: every fact of the present attempt, as lines of JSON; the index is the number.
        opened: whether it is in its host's memory.
        backlog: messages for the host, until there is one.
        pending: futures of commands and questions that are not answered yet.
        watchers: how many pages show it.
        topics: what they want to see.
        play: whether it is to train as soon as it is opened.
        why: the reason why it is opened in a new attempt, until it is.
    """

    row: Row
    folder: Path
    facts: list[bytes] = field(default_factory=list)
    opened: bool = False
    backlog: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    pending: dict[str, asyncio.Future[dict[str, Any]]] = field(default_factory=dict)
    watchers: int = 0
    topics: list[str] = field(default_factory=list)
    play: bool = False
    why: str | None = None
    grace: asyncio.TimerHandle | None = None
    idle_since: float = field(default_factory=time.monotonic)
    crashes: list[float] = field(default_factory=list)
    dirty: bool = False

    @property
    def under_way(self) -> bool:
        """Whether it should be training."""
        return self.row.state in ("queued", "starting", "running")

    def load(self) -> None:
        """Read the facts of the present attempt from its file."""
        self.facts = files.read_facts(self.folder, self.row.attempt)
        for line in self.facts:
            self.apply(json.loads(line))

    def take(self, first: int, lines: list[bytes]) -> list[dict[str, Any]]:
        """Add facts that a host sent, leaving out those that are known. Returns the new ones."""
        fresh = lines[max(0, len(self.facts) - first) :]
        if first > len(self.facts):
            fresh = files.read_facts(self.folder, self.row.attempt)[len(self.facts) :]
        facts = [json.loads(line) for line in fresh]
        self.facts += fresh
        for fact in facts:
            self.apply(fact)
        return facts

    def apply(self, fact: dict[str, Any]) -> None:
        """What a fact changes in the row."""
        row = self.row
        if fact["kind"] == "metrics":
            row.latest, row.step, row.epoch = fact["values"], fact["step"], fact["epoch"]
        elif fact["kind"] == "state":
            row.state, row.reason, row.problem = fact["state"], fact["reason"], fact["problem"]
            row.step, row.epoch = fact["step"], fact["epoch"]
        elif fact["kind"] == "computed":
            row.computed = {name: value for name, value in fact.items() if name not in ("run", "attempt", "seq")}
        self.dirty = True
        if not self.under_way:
            self.idle_since = time.monotonic()

    def renew(self, attempt: int) -> None:
        """A reset or an edit began a new attempt at step 0."""
        row = self.row
        row.attempt = row.base_attempt = attempt
        row.next_attempt = max(row.next_attempt, attempt + 1)
        row.step, row.epoch, row.latest, row.problem, row.reason, row.computed = 0, 0.0, {}, None, None, None
        if row.state in FINAL:
            row.state = "paused"
        self.facts = []

    def checkpoint(self) -> Path | None:
        """The newest checkpoint that the present training may go back to."""
        found = [path for path in files.checkpoints(self.folder) if files.place_of(path)[0] >= self.row.base_attempt]
        return found[0] if found else None

    def branch(self, step: int, reason: str) -> None:
        """Begin the next attempt at the step of a checkpoint: the curve up to there is kept, with a word on why."""
        row = self.row
        kept = [fact for fact in map(json.loads, self.facts) if fact["kind"] != "state" and fact["step"] <= step]
        row.attempt, row.next_attempt = row.next_attempt, row.next_attempt + 1
        epoch = max((fact["epoch"] for fact in kept if fact["kind"] == "metrics"), default=0.0) if step else 0.0
        state = {"kind": "state", "state": "starting", "step": step, "epoch": epoch, "reason": reason, "problem": None}
        self.facts = []
        if step:
            self.write([*kept, state])
        else:
            self.write([state])

    def write(self, facts: list[dict[str, Any]]) -> None:
        """Add facts of the gateway's own. Only while no host has the run: a file has one writer."""
        lines = [
            json.dumps(
                {**fact, "run": self.row.id, "attempt": self.row.attempt, "seq": len(self.facts) + index}
            ).encode()
            for index, fact in enumerate(facts)
        ]
        file = files.FactFile(self.folder, self.row.attempt, len(self.facts))
        try:
            file.append(lines)
        finally:
            file.close()
        self.facts += lines
        for fact in facts:
            self.apply(fact)
