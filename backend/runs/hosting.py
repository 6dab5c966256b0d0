"""Runs and the hosts that compute them: who has which run, what is said to whom, what happens when one is lost."""

from __future__ import annotations

import asyncio
import time
from typing import Any, Protocol

from backend import frames
from backend.protocol import RunSummary
from backend.runs import folder as files
from backend.runs import link
from backend.runs.entry import Entry
from backend.runs.placement import HostLine, LocalPlacement
from backend.runs.store import RunStore
from backend.settings import Settings

CRASHES = 3  # within this many seconds of each other, then a run is given up:
CRASH_SECONDS = 60.0


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


class Hosting:
    """The hosts' side of the runs service. Everything happens on the event loop."""

    def __init__(self, settings: Settings, store: RunStore, placement: LocalPlacement, audience: Audience) -> None:
        self.settings, self.store, self.placement, self.audience = settings, store, placement, audience
        self.entries: dict[str, Entry] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._launches: list[float] = []
        self._ending = False

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

    def _share(self) -> None:
        """The cores are for the hosts that train; within a host its runs take turns."""
        busy = {entry.row.host for entry in self.entries.values() if entry.under_way and entry.row.host}
        for line in self.placement.lines.values():
            line.share(max(1, len(busy)))

    def _list(self, entry: Entry) -> None:
        self._share()
        self.store.save(entry.row)
        entry.dirty = False
        self.audience.listed(entry.row.id, entry.row.summary())
