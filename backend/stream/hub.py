"""Many runs, many watchers. A watcher is a cursor, not a queue: the slow skip pictures, never facts.

What a watcher is owed is worked out when its socket is free: facts after its cursor, the newest version of every
picture that it asked for and has not got, and the latest word on every run of the list. So a slow page costs no memory,
and delays nobody.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from backend import frames
from backend.protocol import CREDITS, Listed, RunRecord, RunSummary, Snapshot

HIDDEN_SECONDS = 1.0  # without credits for so long, a page counts as hidden: nothing is computed for it


class Stage(Protocol):
    """Where runs happen."""

    def record(self, name: str) -> RunRecord | None:
        """A run, as it is now."""

    def facts(self, name: str) -> tuple[int, list[bytes]]:
        """(attempt, every fact of it as JSON)."""

    def watch(self, name: str, watchers: int, topics: list[str]) -> None:
        """So many watch this run now; these pictures are wanted."""


@dataclass(slots=True)
class Picture:
    """The newest blocks of one topic."""

    version: int
    blocks: list[frames.Block]


@dataclass
class Channel:
    """What the hub keeps of one run: its newest pictures, and the frames made of them."""

    seq: int = 0
    attempt: int = 0
    step: int = 0
    pictures: dict[str, Picture] = field(default_factory=dict)
    watchers: set[Watcher] = field(default_factory=set)
    wanted: tuple[int, tuple[str, ...]] = (0, ())
    frames: dict[tuple[tuple[str, int], ...], bytes] = field(default_factory=dict)

    def clear(self) -> None:
        """A new attempt: its pictures are not there yet."""
        self.pictures.clear()
        self.frames.clear()


@dataclass
class Cursor:
    """How far one watcher is in one run."""

    topics: tuple[str, ...] = ()
    attempt: int | None = None
    after: int = -1
    told: bool = False
    """Whether the snapshot of this attempt was sent."""
    sent: dict[str, int] = field(default_factory=dict)
    """The version of each picture that it has."""
    on_the_way: deque[int] = field(default_factory=deque)
    """Numbers of frames sent and not painted yet."""
    full_since: float = 0.0

    @property
    def credit(self) -> bool:
        """Whether another frame may be sent."""
        return len(self.on_the_way) < CREDITS

    def hidden(self) -> bool:
        """Whether it has painted nothing for a while."""
        return not self.credit and time.monotonic() - self.full_since > HIDDEN_SECONDS


class Watcher:
    """One socket."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.bell = asyncio.Event()
        self.cursors: dict[str, Cursor] = {}
        self.said: deque[str] = deque()
        self.listed: dict[str, RunSummary | None] = {}

    def say(self, text: str) -> None:
        """A message for this socket alone."""
        self.said.append(text)
        self.bell.set()

    def owed(self) -> Iterable[str | bytes]:
        """What to send now; each item is worked out when it is asked for. Ends when nothing is owed."""
        while self.said:
            yield self.said.popleft()
        while self.listed:
            name = next(iter(self.listed))
            yield Listed(run=name, record=self.listed.pop(name)).model_dump_json()
        for name in list(self.cursors):
            yield from self._facts(name)
        for name in list(self.cursors):
            frame = self._frame(name)
            if frame is not None:
                yield frame

    def _facts(self, name: str) -> Iterable[str]:
        cursor = self.cursors.get(name)
        attempt, facts = self.hub.stage.facts(name)
        if cursor is None:
            return
        if not cursor.told or cursor.attempt != attempt:
            record = self.hub.stage.record(name)
            if record is None:
                return
            known = cursor.attempt == attempt and cursor.after < len(facts)
            cursor.attempt, cursor.told = attempt, True
            cursor.after = cursor.after if known else -1
            newest = len(facts) - 1
            yield Snapshot(
                run=name, attempt=attempt, after=cursor.after, newest=newest, record=record
            ).model_dump_json()
        while self.cursors.get(name) is cursor:
            attempt, facts = self.hub.stage.facts(name)
            if cursor.attempt != attempt or cursor.after + 1 >= len(facts):
                return
            cursor.after += 1
            yield facts[cursor.after].decode()

    def _frame(self, name: str) -> bytes | None:
        cursor, channel = self.cursors.get(name), self.hub.channels.get(name)
        if cursor is None or channel is None or not cursor.credit or cursor.attempt != channel.attempt:
            return None
        pictures = channel.pictures
        fresh = tuple(
            (topic, pictures[topic].version)
            for topic in cursor.topics
            if topic in pictures and cursor.sent.get(topic) != pictures[topic].version
        )
        if not fresh:
            return None
        cursor.sent.update(fresh)
        cursor.on_the_way.append(channel.seq)
        if len(cursor.on_the_way) >= CREDITS:
            cursor.full_since = time.monotonic()
        return self.hub.encode(name, channel, fresh)

    def painted(self, name: str, seq: int) -> None:
        """Credits come back."""
        cursor = self.cursors.get(name)
        if cursor is None:
            return
        was_hidden = cursor.hidden()
        while cursor.on_the_way and cursor.on_the_way[0] <= seq:
            cursor.on_the_way.popleft()
        if was_hidden:
            self.hub.want(name)
        self.bell.set()


class Hub:
    """Knows who watches what; tells the stage what is wanted, and watchers when there is something new."""

    def __init__(self) -> None:
        self.stage: Stage
        self.watchers: set[Watcher] = set()
        self.channels: dict[str, Channel] = {}

    # -- watchers ------------------------------------------------------------------------------------------------------

    def join(self) -> Watcher:
        """A new socket."""
        watcher = Watcher(self)
        self.watchers.add(watcher)
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """A socket is gone."""
        self.watchers.discard(watcher)
        for name in list(watcher.cursors):
            self.unwatch(watcher, name)

    def watch(self, watcher: Watcher, name: str, topics: tuple[str, ...], attempt: int | None, after: int) -> None:
        """This socket shows this run: facts after `after` of `attempt`, and these pictures."""
        old = watcher.cursors.get(name)
        cursor = Cursor(topics, attempt, after)
        if old is not None:
            cursor.on_the_way, cursor.full_since = old.on_the_way, old.full_since
            cursor.sent = {topic: seen for topic, seen in old.sent.items() if topic in topics}
            if attempt is None or (attempt == old.attempt and after <= old.after):
                cursor.attempt, cursor.after, cursor.told = old.attempt, old.after, old.told
        watcher.cursors[name] = cursor
        channel = self.channels.setdefault(name, Channel(attempt=self.stage.facts(name)[0]))
        channel.watchers.add(watcher)
        self.want(name)
        watcher.bell.set()

    def unwatch(self, watcher: Watcher, name: str) -> None:
        """This socket shows this run no longer."""
        watcher.cursors.pop(name, None)
        channel = self.channels.get(name)
        if channel is None:
            return
        channel.watchers.discard(watcher)
        self.want(name)
        if not channel.watchers:
            del self.channels[name]

    def want(self, name: str) -> None:
        """Work out what is wanted of a run, and say so when that changed."""
        channel = self.channels.get(name)
        if channel is None:
            return
        cursors = [watcher.cursors[name] for watcher in channel.watchers if name in watcher.cursors]
        topics = sorted({topic for cursor in cursors if not cursor.hidden() for topic in cursor.topics})
        kept = {topic for cursor in cursors for topic in cursor.topics}
        for gone in set(channel.pictures) - kept:
            del channel.pictures[gone]
        wanted = (len(cursors), tuple(topics))
        if wanted != channel.wanted:
            channel.wanted = wanted
            self.stage.watch(name, len(cursors), topics)

    def beat(self) -> None:
        """Now and then: stop computing pictures for pages that paint nothing."""
        for name in list(self.channels):
            self.want(name)

    # -- what runs tell ------------------------------------------------------------------------------------------------

    def facts_came(self, run: str) -> None:
        """There are more facts."""
        self._ring(run)

    def pictures_came(self, run: str, attempt: int, frame: frames.Frame) -> None:
        """There are newer pictures: keep them, drop the older ones."""
        channel = self.channels.get(run)
        if channel is None:
            return
        channel.seq += 1
        channel.attempt, channel.step = attempt, int(frame.header["step"])
        channel.frames.clear()
        by_topic: dict[str, list[frames.Block]] = {}
        for block in frame.blocks:
            by_topic.setdefault(block.topic, []).append(block)
        for topic, blocks in by_topic.items():
            channel.pictures[topic] = Picture(channel.seq, blocks)
        self._ring(run)

    def attempt_began(self, run: str) -> None:
        """Forget the pictures of the attempt before."""
        channel = self.channels.get(run)
        if channel is None:
            return
        channel.clear()
        channel.attempt = self.stage.facts(run)[0]
        for watcher in channel.watchers:
            watcher.cursors[run].sent.clear()
        self._ring(run)

    def listed(self, run: str, record: RunSummary | None) -> None:
        """Tell everybody that a run was created, changed its state, or is gone."""
        for watcher in self.watchers:
            watcher.listed[run] = record
            watcher.bell.set()
        if record is None:
            self.channels.pop(run, None)
            for watcher in self.watchers:
                watcher.cursors.pop(run, None)

    def _ring(self, run: str) -> None:
        channel = self.channels.get(run)
        for watcher in channel.watchers if channel else ():
            watcher.bell.set()

    def encode(self, name: str, channel: Channel, fresh: tuple[tuple[str, int], ...]) -> bytes:
        """The frame of these pictures; made once, however many watch."""
        frame = channel.frames.get(fresh)
        if frame is None:
            blocks = [block for topic, _ in fresh for block in channel.pictures[topic].blocks]
            header = {
                "kind": "pictures",
                "run": name,
                "attempt": channel.attempt,
                "seq": channel.seq,
                "step": channel.step,
            }
            frame = channel.frames[fresh] = frames.encode(header, blocks)
        return frame
