"""The runs: creates them, gives them hosts, passes commands on, keeps their records, and brings them back."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import shutil
import time
from typing import Any, Protocol

from backend import frames
from backend.errors import Refusal, not_found
from backend.protocol import RunRecord, RunSummary
from backend.runs import folder as files
from backend.runs import link
from backend.runs.entry import Entry
from backend.runs.placement import HostLine, LocalPlacement
from backend.runs.store import Row, RunStore
from backend.settings import Settings
from engine.spec import RunSpec

CRASHES = 3  # within this many seconds of each other, then a run is given up:
CRASH_SECONDS = 60.0
SWEEP = 1.0


class Audience(Protocol):
    """Who shows runs to people."""

    def facts_came(self, run: str) -> None:
        """There are more facts."""

    def pictures_came(self, run: str, attempt: int, frame: frames.Frame) -> None:
        """There are newer pictures."""

    def attempt_began(self, run: str) -> None:
        """The run is in a new attempt: forget its facts and pictures."""

    def listed(self, run: str, record: RunSummary | None) -> None:
        """A run was created, changed its state, or is gone."""


class Runs:
    """The service. Everything happens on the event loop; only the database and files are elsewhere."""

    def __init__(self, settings: Settings, store: RunStore, placement: LocalPlacement, audience: Audience) -> None:
        self.settings, self.store, self.placement, self.audience = settings, store, placement, audience
        self.entries: dict[str, Entry] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._launches: list[float] = []
        self._ending = False

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

    def _go(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fill(self) -> None:
        """Start hosts until there are enough."""
        while not self._ending and self.placement.count() < self.settings.hosts and self._may_launch():
            await self.placement.launch()
            await self.placement.arrival(1.0)

    def _may_launch(self) -> bool:
        """Five hosts that die within half a minute are enough to see that none will live."""
        now = time.monotonic()
        self._launches = [moment for moment in self._launches if now - moment < 30.0]
        if len(self._launches) >= 5 + self.settings.hosts:
            for entry in self.entries.values():
                if entry.under_way and not entry.opened:
                    self._give_up(entry, "No process that trains could be started; see the folder 'logs' of the store.")
            return False
        self._launches.append(now)
        return True

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

    # -- hosts ---------------------------------------------------------------------------------------------------------

    def _line(self, entry: Entry) -> HostLine | None:
        return self.placement.lines.get(entry.row.host) if entry.row.host else None

    def _say(self, entry: Entry, kind: str, **header: Any) -> None:
        """Tell the run's host, opening the run first where that is needed."""
        line = self._line(entry)
        if entry.opened and line is not None:
            line.send(kind, run=entry.row.id, **header)
            return
        entry.backlog.append((kind, header))
        if not entry.opened:
            self.open(entry, play=False)

    def open(self, entry: Entry, play: bool, why: str | None = None) -> None:
        """Bring a run into a host's memory: from its checkpoint where there is one, else from its spec.

        With `why`, or where the facts reach beyond the checkpoint, that is a new attempt, and anything an older one
        still says is refused.
        """
        entry.play = entry.play or play
        why = entry.why = why or entry.why
        line = self._freest()
        if line is None:
            return  # `joined` opens it
        entry.why = None
        checkpoint, row = entry.checkpoint(), entry.row
        place = files.place_of(checkpoint) if checkpoint else (row.base_attempt, 0)
        stale = bool(entry.facts) and (checkpoint is None or place[0] != row.attempt or row.step > place[1])
        if why or stale:
            entry.branch(place[1], why or "The run goes on from its last checkpoint.")
            self.audience.attempt_began(row.id)
        row.host, entry.opened = line.name, True
        line.send("open", play=entry.play, checkpoint=str(checkpoint) if checkpoint else None, **self._order(entry))
        entry.play = False
        if entry.topics:
            line.send("topics", run=row.id, topics=entry.topics)
        self._flush(entry, line)
        self._list(entry)

    def _order(self, entry: Entry) -> dict[str, Any]:
        row = entry.row
        places = {"folder": str(entry.folder), "data_dir": str(self.settings.run_data)}
        return {
            "run": row.id,
            "attempt": row.attempt,
            "seq": len(entry.facts),
            "state": row.state,
            "spec": row.spec,
            **places,
        }

    def _flush(self, entry: Entry, line: HostLine) -> None:
        backlog, entry.backlog = entry.backlog, []
        for kind, header in backlog:
            if kind != "topics":
                line.send(kind, run=entry.row.id, **header)

    def _freest(self) -> HostLine | None:
        """The host with the least to do."""

        def burden(line: HostLine) -> tuple[int, float]:
            return sum(e.under_way for e in self.entries.values() if e.row.host == line.name), line.load

        return min(self.placement.lines.values(), key=burden, default=None)

    def joined(self, host: HostLine, runs: list[dict[str, Any]]) -> list[str]:
        """A host is there: know its runs again, or tell it that they are not its own; give it what waits."""
        drop = [str(one["run"]) for one in runs if not self._adopt(host, one)]
        loop = asyncio.get_running_loop()
        for entry in list(self.entries.values()):
            if not entry.opened and (entry.backlog or (entry.under_way and entry.row.host is None)):
                loop.call_soon(self._open_waiting, entry)
        return drop

    def _open_waiting(self, entry: Entry) -> None:
        if not entry.opened:
            self.open(entry, play=False)

    def _adopt(self, host: HostLine, one: dict[str, Any]) -> bool:
        entry = self.entries.get(str(one["run"]))
        if entry is None or entry.row.host != host.name or int(one["attempt"]) < entry.row.attempt:
            return False
        if int(one["attempt"]) != entry.row.attempt:
            entry.renew(int(one["attempt"]))
        before = entry.row.attempt, len(entry.facts)
        entry.load()
        entry.opened = True
        if before != (entry.row.attempt, len(entry.facts)):
            self.audience.facts_came(entry.row.id)
        if entry.topics:
            asyncio.get_running_loop().call_soon(lambda: self._say(entry, "topics", topics=entry.topics))
        return True

    def lost(self, host: str, why: str) -> None:
        """A host is gone: bring its runs back elsewhere, and start another host."""
        for entry in list(self.entries.values()):
            if entry.row.host == host:
                self._recover(entry, why)
        if not self._ending:
            self._go(self._fill())

    def _recover(self, entry: Entry, why: str) -> None:
        entry.opened, entry.row.host = False, None
        self._fail_pending(entry, f"{why} Send the command again.")
        if not entry.under_way:
            if entry.watchers:
                self.open(entry, play=False)
            return
        now = time.monotonic()
        entry.crashes = [moment for moment in entry.crashes if now - moment < CRASH_SECONDS] + [now]
        if len(entry.crashes) > CRASHES:
            self._give_up(
                entry, f"{why} That happened {len(entry.crashes)} times in a minute, so the run was given up."
            )
            return
        checkpoint = entry.checkpoint()
        step = files.place_of(checkpoint)[1] if checkpoint else 0
        reason = f"{why} The run goes on from step {step:,}."
        self.open(entry, play=True, why=reason)
        if not entry.opened:
            entry.row.state, entry.row.reason = "starting", reason
            self._list(entry)

    def _give_up(self, entry: Entry, why: str) -> None:
        row = entry.row
        fact = {
            "kind": "state",
            "state": "failed",
            "step": row.step,
            "epoch": row.epoch,
            "reason": why,
            "problem": None,
        }
        entry.write([fact])
        self.audience.facts_came(row.id)
        self._list(entry)

    def _fail_pending(self, entry: Entry, why: str) -> None:
        problem = {"code": "host_lost", "message": why, "node": None, "field": None}
        for future in entry.pending.values():
            if not future.done():
                future.set_result({"step": entry.row.step, "problem": problem, "data": b""})
        entry.pending.clear()

    # -- what hosts say ------------------------------------------------------------------------------------------------

    def heard(self, host: HostLine, message: frames.Frame) -> None:
        """One message of a host; what an attempt of the past says is dropped."""
        header = message.header
        if header["kind"] == "heartbeat":
            self._positions(host, header["runs"])
            return
        entry = self.entries.get(str(header.get("run")))
        if entry is None or entry.row.host != host.name:
            return
        if header["kind"] in ("ack", "reply"):
            self._answered(entry, message)
        elif header.get("attempt") == entry.row.attempt:
            self._told(entry, message)

    def _told(self, entry: Entry, message: frames.Frame) -> None:
        header, name = message.header, entry.row.id
        if header["kind"] == "facts":
            before = entry.row.state
            facts = entry.take(int(header["first"]), link.payload(message).split(b"\n"))
            self.audience.facts_came(name)
            if entry.row.state != before or any(fact["kind"] == "state" for fact in facts):
                self._list(entry)
        elif header["kind"] == "pictures":
            self.audience.pictures_came(name, entry.row.attempt, message)
        elif header["kind"] in ("trouble", "unsaved"):
            entry.row.problem, entry.row.reason = header["problem"], header["problem"]["message"]
            entry.row.state = "paused" if header["kind"] == "trouble" else entry.row.state
            self._list(entry)

    def _answered(self, entry: Entry, message: frames.Frame) -> None:
        header = message.header
        if header.get("missing"):
            entry.opened = False
        if header.get("spec") is not None:
            entry.row.spec = header["spec"]
        if int(header.get("attempt", 0)) > entry.row.attempt:
            entry.renew(int(header["attempt"]))
            self.audience.attempt_began(entry.row.id)
            self._list(entry)
        future = entry.pending.pop(str(header["id"]), None)
        if future is not None and not future.done():
            future.set_result({**header, "data": link.payload(message)})

    def _positions(self, host: HostLine, runs: list[list[Any]]) -> None:
        for name, attempt, step, epoch in runs:
            entry = self.entries.get(name)
            if entry is not None and entry.row.host == host.name and entry.row.attempt == attempt:
                entry.dirty = entry.dirty or entry.row.step != step
                entry.row.step, entry.row.epoch = step, epoch

    def _list(self, entry: Entry) -> None:
        self.store.save(entry.row)
        entry.dirty = False
        self.audience.listed(entry.row.id, entry.row.summary())
