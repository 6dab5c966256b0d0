"""The hub by itself: what a watcher is owed, when, and what it costs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from backend import frames
from backend.protocol import CREDITS, RunRecord
from backend.runs.store import Row
from backend.stream.hub import Hub, Watcher
from engine.spec import RunSpec


class Stage:
    """The part of the runs service that the hub needs, as plain lists."""

    def __init__(self) -> None:
        self.attempt = 1
        self.rows: list[bytes] = []
        self.wanted: list[tuple[int, list[str]]] = []
        self.known = Row("run_a", "a", RunSpec().model_dump(mode="json")).record()

    def record(self, name: str) -> RunRecord | None:
        return self.known

    def facts(self, name: str) -> tuple[int, list[bytes]]:
        return self.attempt, self.rows

    def watch(self, name: str, watchers: int, topics: list[str]) -> None:
        self.wanted.append((watchers, topics))


def picture(step: int, *topics: str) -> frames.Frame:
    blocks = [frames.Block(topic, "value", "u8", (1,), bytes([step % 256])) for topic in topics]
    return frames.decode(frames.encode({"kind": "pictures", "step": step}, blocks))


def fact(seq: int) -> bytes:
    return json.dumps({"kind": "metrics", "seq": seq}).encode()


def scene(play: Callable[[Hub, Stage], Any]) -> None:
    """Run `play` inside an event loop with a fresh hub."""

    async def body() -> None:
        hub, stage = Hub(), Stage()
        hub.stage = stage
        play(hub, stage)

    asyncio.run(body())


def drain(watcher: Watcher) -> tuple[list[dict[str, Any]], list[frames.Frame]]:
    owed = list(watcher.owed())
    texts = [json.loads(one) for one in owed if isinstance(one, str)]
    return texts, [frames.decode(one) for one in owed if isinstance(one, bytes)]


def test_a_new_watcher_gets_a_snapshot_then_every_fact_in_order() -> None:
    def play(hub: Hub, stage: Stage) -> None:
        stage.rows = [fact(n) for n in range(5)]
        watcher = hub.join()
        hub.watch(watcher, "run_a", (), None, -1)
        texts, _ = drain(watcher)
        assert [text["kind"] for text in texts] == ["snapshot"] + ["metrics"] * 5
        assert (texts[0]["after"], texts[0]["newest"]) == (-1, 4)
        assert [text["seq"] for text in texts[1:]] == list(range(5))

    scene(play)


@pytest.mark.parametrize(
    ("attempt", "after", "starts"), [(1, 2, 3), (1, 4, 5), (1, -1, 0), (1, 99, 0), (7, 2, 0), (None, 2, 0)]
)
def test_a_resume_goes_on_after_the_number_it_names_or_from_the_beginning(
    attempt: int | None, after: int, starts: int
) -> None:
    def play(hub: Hub, stage: Stage) -> None:
        stage.rows = [fact(n) for n in range(5)]
        watcher = hub.join()
        hub.watch(watcher, "run_a", (), attempt, after)
        texts, _ = drain(watcher)
        assert texts[0]["after"] == starts - 1
        assert [text["seq"] for text in texts[1:]] == list(range(starts, 5))

    scene(play)


def test_only_the_newest_version_of_a_picture_is_sent() -> None:
    def play(hub: Hub, stage: Stage) -> None:
        watcher = hub.join()
        hub.watch(watcher, "run_a", ("map", "points"), None, -1)
        drain(watcher)
        for step in range(100):
            hub.pictures_came("run_a", 1, picture(step, "map"))
        _, sent = drain(watcher)
        assert [frame.header["step"] for frame in sent] == [99]
        assert [block.topic for block in sent[0].blocks] == ["map"]
        assert drain(watcher) == ([], [])

    scene(play)


def test_without_credits_pictures_wait_and_facts_do_not() -> None:
    def play(hub: Hub, stage: Stage) -> None:
        watcher = hub.join()
        hub.watch(watcher, "run_a", ("map",), None, -1)
        drain(watcher)
        for step in range(10):
            stage.rows.append(fact(step))
            hub.pictures_came("run_a", 1, picture(step, "map"))
            hub.facts_came("run_a")
            texts, sent = drain(watcher)
            assert [text["seq"] for text in texts] == [step]
            assert len(sent) == (1 if step < CREDITS else 0)
        watcher.painted("run_a", 2)
        _, sent = drain(watcher)
        assert [frame.header["step"] for frame in sent] == [9]

    scene(play)


def test_a_watcher_that_paints_nothing_is_left_out_of_what_is_computed_until_it_paints() -> None:
    def play(hub: Hub, stage: Stage) -> None:
        hidden, seen = hub.join(), hub.join()
        hub.watch(hidden, "run_a", ("map",), None, -1)
        hub.watch(seen, "run_a", ("points",), None, -1)
        for watcher in (hidden, seen):
            drain(watcher)
        for step in range(CREDITS):
            hub.pictures_came("run_a", 1, picture(step, "map"))
            drain(hidden)
        hidden.cursors["run_a"].full_since -= 10
        hub.beat()
        assert stage.wanted[-1] == (2, ["points"])
        hidden.painted("run_a", hub.channels["run_a"].seq)
        assert stage.wanted[-1] == (2, ["map", "points"])

    scene(play)


def test_a_frame_is_encoded_once_for_all_who_are_owed_the_same() -> None:
    def play(hub: Hub, stage: Stage) -> None:
        watchers = [hub.join() for _ in range(5)]
        for watcher in watchers:
            hub.watch(watcher, "run_a", ("map",), None, -1)
            drain(watcher)
        hub.pictures_came("run_a", 1, picture(1, "map"))
        sent = [next(one for one in watcher.owed() if isinstance(one, bytes)) for watcher in watchers]
        assert len({id(frame) for frame in sent}) == 1

    scene(play)


def test_a_new_attempt_sends_a_snapshot_and_forgets_old_pictures() -> None:
    def play(hub: Hub, stage: Stage) -> None:
        stage.rows = [fact(n) for n in range(3)]
        watcher = hub.join()
        hub.watch(watcher, "run_a", ("map",), None, -1)
        hub.pictures_came("run_a", 1, picture(5, "map"))
        stage.attempt, stage.rows = 2, [fact(0)]
        hub.attempt_began("run_a")
        texts, sent = drain(watcher)
        assert [(text["kind"], text.get("attempt", 2)) for text in texts] == [("snapshot", 2), ("metrics", 2)]
        assert texts[0]["after"] == -1
        assert sent == []

    scene(play)


def test_nothing_is_wanted_of_a_run_that_nobody_watches() -> None:
    def play(hub: Hub, stage: Stage) -> None:
        one, other = hub.join(), hub.join()
        hub.watch(one, "run_a", ("map",), None, -1)
        hub.watch(other, "run_a", ("points",), None, -1)
        hub.leave(one)
        hub.unwatch(other, "run_a")
        assert stage.wanted == [(1, ["map"]), (2, ["map", "points"]), (1, ["points"]), (0, [])]
        assert hub.channels == {}

    scene(play)


def test_changing_topics_keeps_the_place_among_the_facts() -> None:
    def play(hub: Hub, stage: Stage) -> None:
        stage.rows = [fact(n) for n in range(3)]
        watcher = hub.join()
        hub.watch(watcher, "run_a", ("map",), None, -1)
        drain(watcher)
        hub.watch(watcher, "run_a", ("map", "points"), 1, 2)
        stage.rows.append(fact(3))
        texts, _ = drain(watcher)
        assert [text["seq"] for text in texts if text["kind"] == "metrics"] == [3]

    scene(play)


def test_the_list_holds_the_latest_word_on_each_run_and_no_queue() -> None:
    def play(hub: Hub, stage: Stage) -> None:
        watcher = hub.join()
        for _ in range(1000):
            hub.listed("run_a", stage.known)
            hub.listed("run_b", None)
        texts, _ = drain(watcher)
        assert [(text["kind"], text["run"]) for text in texts] == [("listed", "run_a"), ("listed", "run_b")]

    scene(play)
