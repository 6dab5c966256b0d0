"""The stream, over real sockets: facts complete, pictures newest, the slow alone."""

from __future__ import annotations

import json
import socket
import time
from typing import Any

import numpy as np
import pytest
from served import ENDLESS, Served, until
from viewer import FACTS, Viewer

from backend.protocol import server_message

PLANE = (
    "progress",
    "decision?size=100",
    "points?split=train",
    "map?node=act1&size=20",
    "parameter?name=hidden1.weight",
)


def rows_in_file(server: Served, run: str, attempt: int = 1) -> list[dict[str, Any]]:
    """The facts in a run's file, whose lines are whole: the next one may be on its way while we read."""
    text = (server.store / "runs" / run / f"facts-{attempt}.jsonl").read_bytes()
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith(b"\n")]


def test_a_watcher_sees_welcome_snapshot_facts_and_pictures(server: Served) -> None:
    run = server.start({"until": {"epochs": 30}}, play=False)
    with Viewer(server.api) as viewer:
        assert viewer.next() == {"kind": "welcome", "version": 1, "server": server.get("/health")["version"]}
        viewer.watch(run, *PLANE)
        snapshot = viewer.until(lambda m: m["kind"] == "snapshot")
        assert (snapshot["run"], snapshot["attempt"], snapshot["after"]) == (run, 1, -1)
        frame = viewer.frame(*PLANE)
        assert frame.header["step"] == 0
        viewer.command(run, "play")
        viewer.until(lambda m: m["kind"] == "state" and m["state"] == "finished")
        newest = viewer.frame("progress")
        assert np.frombuffer(newest.blocks[0].data, "<f8")[0] == 30 * 25
        assert [fact["seq"] for fact in viewer.facts(run)] == list(range(len(viewer.facts(run))))


def test_every_message_of_the_server_is_one_of_the_protocol(server: Served) -> None:
    run = server.start({"until": {"epochs": 3}, "pace": None})
    with Viewer(server.api) as viewer:
        viewer.watch(run, "progress")
        viewer.say("nonsense")
        viewer.say("ping")
        viewer.command(run, "set", path="optimizer.params.lr", value=0.1)
        viewer.command(run, "set", path="nothing", value=1)
        viewer.until(lambda m: m["kind"] == "heartbeat")
        assert {m["kind"] for m in viewer.told} >= {"welcome", "snapshot", "metrics", "state", "ack", "problem"}
        for message in viewer.told:
            server_message.validate_python(message)


def test_a_metric_is_in_the_file_before_anybody_is_told(server: Served) -> None:
    run = server.start({"until": {"epochs": 40}, "pace": None})
    with Viewer(server.api) as viewer:
        viewer.watch(run)
        while True:
            message = viewer.next()
            if isinstance(message, dict) and message["kind"] in ("metrics", "state"):
                assert message in rows_in_file(server, run)
                if message.get("state") == "finished":
                    return


def test_ten_reconnects_lose_and_repeat_nothing(server: Served) -> None:
    run = server.start({**ENDLESS, "pace": {"per_second": 40, "unit": "epoch"}, "until": {"epochs": 60}})
    seen: list[dict[str, Any]] = []
    attempt = None
    while not seen or seen[-1].get("state") != "finished":
        with Viewer(server.api) as viewer:
            viewer.watch(run, "progress", attempt=attempt, after=seen[-1]["seq"] if seen else -1)
            viewer.until(lambda m: m["kind"] == "snapshot")
            for _ in range(8):
                message = viewer.next()
                if isinstance(message, dict) and message["kind"] in FACTS:
                    seen.append(message)
                    attempt = message["attempt"]
                    if message.get("state") == "finished":
                        break
    assert seen == rows_in_file(server, run)
    assert [fact["seq"] for fact in seen] == list(range(len(seen)))
    assert [row["seq"] for row in server.get(f"/runs/{run}/metrics")["items"]] == [
        fact["seq"] for fact in seen if fact["kind"] == "metrics"
    ]


def test_pictures_that_did_not_change_are_not_sent_again(server: Served) -> None:
    run = server.start(ENDLESS)
    with Viewer(server.api) as viewer:
        viewer.watch(run, "progress", "points?split=train")
        for _ in range(10):
            viewer.frame("progress")
        sent = [block.topic for frame in viewer.frames for block in frame.blocks]
        assert sent.count("points?split=train") == 1
    server.command(run, "stop")


def test_a_new_topic_of_a_paused_run_is_answered_at_once(server: Served) -> None:
    run = server.start({}, play=False)
    with Viewer(server.api) as viewer:
        viewer.watch(run, "progress")
        viewer.frame("progress")
        viewer.watch(run, "progress", "gradient?name=hidden1.weight", "map?node=out&size=100&unit=0")
        frame = viewer.frame("map?node=out&size=100&unit=0")
        block = next(b for b in frame.blocks if b.topic.startswith("map"))
        assert (block.dtype, block.shape) == ("u8", (1, 100, 100))


def test_the_order_of_arguments_does_not_matter_and_a_bad_topic_is_named(server: Served) -> None:
    run = server.start({}, play=False)
    with Viewer(server.api) as viewer:
        viewer.watch(run, "map?size=20&node=out", "flight?height=3")
        problem = viewer.until(lambda m: m["kind"] == "problem")
        assert (problem["code"], problem["run"]) == ("bad_topic", run)
        viewer.frame("map?node=out&size=20")


def test_a_reset_begins_a_new_attempt_with_the_same_first_losses(server: Served) -> None:
    run = server.start({"pace": None, "until": {"epochs": 5}})
    with Viewer(server.api) as viewer:
        viewer.watch(run, "progress")
        viewer.until(lambda m: m["kind"] == "state" and m["state"] == "finished")
        ack = viewer.command(run, "reset")
        assert ack["problem"] is None
        snapshot = viewer.heard(lambda m: m["kind"] == "snapshot" and m["attempt"] == 2)
        assert (snapshot["after"], snapshot["record"]["step"]) == (-1, 0)
        viewer.command(run, "play")
        viewer.until(lambda m: m["kind"] == "state" and m["state"] == "finished")
        rows = {n: [m for m in viewer.facts(run) if m["kind"] == "metrics" and m["attempt"] == n] for n in (1, 2)}
        assert [row["values"] for row in rows[1]] == [row["values"] for row in rows[2]]


def test_an_edit_shows_the_new_spec_and_a_bad_one_changes_nothing(server: Served) -> None:
    run = server.start(ENDLESS)
    spec = server.record(run)["spec"]
    with Viewer(server.api) as viewer:
        viewer.watch(run, "progress")
        spec["graph"]["nodes"][0]["params"]["out_features"] = 8
        assert viewer.command(run, "edit", spec=spec)["problem"] is None
        snapshot = viewer.heard(lambda m: m["kind"] == "snapshot" and m["attempt"] == 2)
        assert snapshot["record"]["spec"]["graph"]["nodes"][0]["params"]["out_features"] == 8
        spec["graph"]["nodes"][0]["kind"] = "Nothing"
        problem = viewer.command(run, "edit", spec=spec)["problem"]
        assert problem["node"] == "hidden1"
    assert server.record(run)["attempt"] == 2
    server.command(run, "stop")


def test_everybody_is_told_of_new_runs_and_their_states(server: Served) -> None:
    with Viewer(server.api) as viewer:
        viewer.next()
        run = server.start({"pace": None, "until": {"epochs": 2}}, name="from elsewhere")
        listed = viewer.until(lambda m: m["kind"] == "listed" and m["run"] == run)
        assert listed["record"]["name"] == "from elsewhere"
        viewer.until(lambda m: m["kind"] == "listed" and m["run"] == run and m["record"]["state"] == "finished")
        server.http.delete(f"/api/v1/runs/{run}")
        assert viewer.until(lambda m: m["kind"] == "listed" and m["record"] is None)["run"] == run


def test_two_frames_at_most_are_on_their_way(server: Served) -> None:
    run = server.start(ENDLESS)
    with Viewer(server.api, paints=False) as viewer:
        viewer.watch(run, "progress")
        for _ in range(2):
            viewer.frame("progress")
        viewer.until(lambda m: m["kind"] == "heartbeat")
        viewer.until(lambda m: m["kind"] == "heartbeat")
        assert len(viewer.frames) == 2
        viewer.say("painted", run=run, seq=viewer.frames[-1].header["seq"])
        assert viewer.frame("progress").header["step"] > viewer.frames[1].header["step"]
    server.command(run, "stop")


def deaf(server: Served) -> socket.socket:
    """A page that asks for much and never reads."""
    host, port = server.url.removeprefix("http://").split(":")
    raw = socket.create_connection((host, int(port)))
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    lines = [f"Host: {host}:{port}", "Upgrade: websocket", "Connection: Upgrade", f"Sec-WebSocket-Key: {key}"]
    raw.sendall(
        ("GET /api/v1/stream HTTP/1.1\r\n" + "\r\n".join(lines) + "\r\nSec-WebSocket-Version: 13\r\n\r\n").encode()
    )
    raw.recv(1024)
    return raw


def masked(text: str) -> bytes:
    data = text.encode()
    assert len(data) < 65536
    head = bytes([0x81, 0x80 | len(data)]) if len(data) < 126 else bytes([0x81, 0xFE]) + len(data).to_bytes(2, "big")
    return head + bytes(4) + data


def test_a_page_that_reads_nothing_is_cut_off_and_others_never_notice(serve: Any) -> None:
    server = serve(PLAYGROUND_SEND_SECONDS="1")
    run = server.start(ENDLESS)
    stuck = [deaf(server) for _ in range(5)]
    many = masked(json.dumps({"kind": "watch", "run": run, "topics": ["nothing?" + "x" * 60] * 20}))
    with Viewer(server.api) as good:
        good.watch(run, "progress")
        good.frame("progress")
        assert len(server_sockets(server)) >= 6
        for raw in stuck:
            raw.sendall(many * 500)  # each is answered with some kilobytes

        def cut() -> bool:
            good.frame("progress")
            return len(server_sockets(server)) <= 2

        until(cut, "the end of the pages that read nothing")
        good.frame("progress")
    for raw in stuck:
        raw.close()
    assert server.complained == []


def server_sockets(server: Served) -> list[Any]:
    import psutil

    port = int(server.url.rsplit(":", 1)[1])
    connections = psutil.Process(server.process.pid).net_connections("tcp")
    return [one for one in connections if one.laddr.port == port and one.status != "LISTEN"]


def test_a_page_that_floods_is_ended_with_4029(server: Served) -> None:
    with Viewer(server.api) as viewer:
        for _ in range(2000):
            try:
                viewer.say("ping")
            except Exception:
                break
        assert viewer.closed() == 4029


NONSENSE = [
    *("", "{", "[]", "7", '{"kind": "fly"}', '{"kind": "watch"}', '{"kind": "watch", "run": "../x"}', "[" * 5000),
    '{"kind": "painted", "run": "run_1", "seq": NaN}',
    '{"kind": "command", "run": "run_1", "op": "play"}',
]


@pytest.mark.parametrize("text", NONSENSE)
def test_a_message_that_makes_no_sense_is_answered_with_a_problem(server: Served, text: str) -> None:
    with Viewer(server.api) as viewer:
        viewer.socket.send(text)
        problem = viewer.until(lambda m: m["kind"] == "problem")
        assert problem["detail"]
        viewer.say("ping")
        viewer.until(lambda m: m["kind"] == "heartbeat")


def test_a_page_s_run_pauses_when_its_last_watcher_has_left(serve: Any) -> None:
    server = serve(PLAYGROUND_ATTACHED_SECONDS="0.5")
    attached, free = server.start(ENDLESS, attached=True), server.start(ENDLESS)
    with Viewer(server.api) as viewer:
        viewer.watch(attached, "progress")
        server.state(attached, "running")
        viewer.gather(1.5)
        assert server.record(attached)["state"] == "running"
    assert server.state(attached, "paused")["step"] > 0
    assert server.record(free)["state"] == "running"


def test_heartbeats_come_by_themselves(server: Served) -> None:
    with Viewer(server.api) as viewer:
        beat = viewer.until(lambda m: m["kind"] == "heartbeat")
        assert abs(beat["time"] - time.time()) < 60
