"""The runs: creates them, gives them hosts, passes commands on, keeps their records, and brings them back."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import time
from typing import Any

from backend.errors import Refusal, not_found
from backend.protocol import RunRecord, RunSummary
from backend.runs import folder as files
from backend.runs.entry import Entry
from backend.runs.hosting import Hosting
from backend.runs.store import Row
from engine.spec import RunSpec

SWEEP = 1.0


class Runs(Hosting):
    """The service. Everything happens on the event loop; only the database and files are elsewhere."""

    # -- life ----------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Know the runs that were under way, listen for their hosts, start what is missing."""
        for row in await self.store.unfinished():
            self._know(row).load()
        await self.placement.start(self)
        for entry in list(self.entries.values()):
            if not self.placement.knows(entry.row.host):
                self._take_up(entry)
        self._go(self._fill())
        self._go(self._sweep())

    def _take_up(self, entry: Entry) -> None:
        """After a restart: go on with what was training, leave the rest until somebody asks."""
        entry.row.host = None
        if entry.under_way:
            self.open(entry, play=True, why="The server was restarted; the run goes on from its last checkpoint.")

    async def stop(self, seconds: float = 2.0) -> None:
        """Save every run and end the hosts. Pages' runs are paused; others go on with the next start."""
        self._ending = True
        for task in list(self._tasks):
            task.cancel()
        await self.placement.stop(seconds)
        for entry in self.entries.values():
            entry.row.host = None
            if entry.under_way and entry.row.attached:
                self._hold(entry, "The server was stopped; press Play to go on.")
            self.store.save(entry.row)

    def _hold(self, entry: Entry, why: str) -> None:
        """Note a pause in the facts of a run whose host has ended."""
        entry.facts = files.read_facts(entry.folder, entry.row.attempt)
        place = {"step": entry.row.step, "epoch": entry.row.epoch}
        with contextlib.suppress(OSError):
            entry.write([{"kind": "state", "state": "paused", **place, "reason": why, "problem": None}])

    async def _sweep(self) -> None:
        """Every second: store what changed, and let go of what nobody uses."""
        while True:
            await asyncio.sleep(SWEEP)
            now = time.monotonic()
            for entry in list(self.entries.values()):
                if entry.dirty:
                    entry.dirty = False
                    self.store.save(entry.row)
                unused = not entry.under_way and not entry.watchers and not entry.pending
                if unused and now - entry.idle_since > self.settings.resident_seconds:
                    self._let_go(entry)

    def _let_go(self, entry: Entry) -> None:
        line = self._line(entry)
        if entry.opened and line is not None:
            line.send("close", run=entry.row.id)
        entry.row.host = None
        self.store.save(entry.row)
        self.entries.pop(entry.row.id, None)

    # -- finding -------------------------------------------------------------------------------------------------------

    def _know(self, row: Row) -> Entry:
        entry = Entry(row, self.settings.store / "runs" / row.id)
        self.entries[row.id] = entry
        return entry

    async def find(self, name: str) -> Entry:
        """The run of this name.

        Raises:
            Refusal: 404 when there is none.
        """
        if name in self.entries:
            return self.entries[name]
        row = await self.store.get(name)
        if row is None:
            raise not_found("run", name, "GET /api/v1/runs lists all runs.")
        if name not in self.entries:
            self._know(row).load()
        return self.entries[name]

    async def known(self, name: str) -> bool:
        """Make sure of a run before it is watched; False when there is none."""
        with contextlib.suppress(Refusal):
            await self.find(name)
            return True
        return False

    def record(self, name: str) -> RunRecord | None:
        """The record of a run that is in memory."""
        entry = self.entries.get(name)
        return entry.row.record() if entry else None

    def facts(self, name: str) -> tuple[int, list[bytes]]:
        """(attempt, facts) of a run that is in memory."""
        entry = self.entries.get(name)
        return (entry.row.attempt, entry.facts) if entry else (0, [])

    async def page(self, limit: int, cursor: str | None) -> tuple[list[RunSummary], str | None]:
        """A page of the list of runs, newest first."""
        rows, following = await self.store.page(limit, cursor)
        fresh = [self.entries[row.id].row if row.id in self.entries else row for row in rows]
        return [row.summary() for row in fresh], following

    # -- what people do ------------------------------------------------------------------------------------------------

    async def create(self, spec: RunSpec, name: str, play: bool, attached: bool) -> RunRecord:
        """A new run; its host begins at once."""
        row = Row(f"run_{secrets.token_hex(10)}", name, spec.model_dump(mode="json"), attached)
        await self.store.add(row)
        entry = self._know(row)
        entry.play = play
        row.state = "starting"
        self.open(entry, play)
        self._list(entry)
        self._mind(entry)
        return row.record()

    def submit(self, name: str, command: dict[str, Any]) -> asyncio.Future[dict[str, Any]]:
        """Send a command to a run that is in memory. The future is its ack."""
        entry = self.entries[name]
        key = str(command.get("id") or f"c_{secrets.token_hex(8)}")
        waiting = entry.pending.get(key)
        if waiting is not None:
            return waiting
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        entry.pending[key] = future
        attempt = entry.row.next_attempt
        if command["op"] in ("reset", "edit"):
            entry.row.next_attempt += 1
        self._say(entry, "cmd", id=key, attempt=attempt, command={**command, "id": key})
        return future

    async def ask(self, name: str, what: str) -> bytes:
        """Weights, source or snapshot of a run, whatever its state."""
        entry = await self.find(name)
        key = f"q_{secrets.token_hex(8)}"
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        entry.pending[key] = future
        self._say(entry, "query", id=key, what=what)
        answer = await asyncio.wait_for(future, 30.0)
        if answer.get("problem"):
            raise Refusal(409, answer["problem"]["code"], answer["problem"]["message"])
        return bytes(answer["data"])

    async def delete(self, name: str) -> None:
        """End a run and forget all about it."""
        entry = await self.find(name)
        line = self._line(entry)
        if entry.opened and line is not None:
            line.send("welcome", drop=[name])
        self._fail_pending(entry, "The run was deleted.")
        del self.entries[name]
        self.store.remove(name)
        await asyncio.get_running_loop().run_in_executor(None, lambda: shutil.rmtree(entry.folder, ignore_errors=True))
        self.audience.listed(name, None)

    def watch(self, name: str, watchers: int, topics: list[str]) -> None:
        """So many pages watch this run now, and want to see these pictures."""
        entry = self.entries.get(name)
        if entry is None:
            return
        changed = topics != entry.topics
        entry.topics, entry.watchers, entry.idle_since = topics, watchers, time.monotonic()
        self._mind(entry)
        if changed and (entry.opened or topics):
            self._say(entry, "topics", topics=topics)

    def _mind(self, entry: Entry) -> None:
        """A page's run pauses a while after its last watcher left."""
        if entry.grace is not None:
            entry.grace.cancel()
            entry.grace = None
        if entry.row.attached and not entry.watchers and not self._ending:
            entry.grace = asyncio.get_running_loop().call_later(self.settings.attached_seconds, self._abandon, entry)

    def _abandon(self, entry: Entry) -> None:
        if entry.under_way and not entry.watchers and entry.row.id in self.entries:
            self.submit(entry.row.id, {"op": "pause"})
