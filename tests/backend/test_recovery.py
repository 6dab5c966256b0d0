"""What happens when processes die: nothing that was told is lost, nothing is told twice, nobody waits for ever."""

from __future__ import annotations

import contextlib
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from safetensors.numpy import load
from served import QUICK, Served, until
from viewer import Viewer

from backend.runs import folder as files

Serve = Callable[..., Served]
LONG: dict[str, Any] = {"pace": {"per_second": 400, "unit": "batch"}, "until": {"steps": 100_000}}
OFTEN = {"PLAYGROUND_CHECKPOINT_SECONDS": "0.2", "PLAYGROUND_HOSTS": "1"}


def saved(server: Served, run: str) -> Path | None:
    found = files.checkpoints(server.store / "runs" / run)
    return found[0] if found else None


def losses(server: Served, run: str) -> dict[int, Any]:
    return {row["step"]: row["values"] for row in server.get(f"/runs/{run}/metrics")["items"]}


def test_a_killed_host_is_noticed_and_its_run_goes_on_from_its_checkpoint(serve: Serve) -> None:
    server = serve(**OFTEN)
    run = server.start(LONG)
    with Viewer(server.api) as viewer:
        viewer.watch(run, "progress")
        until(lambda: saved(server, run), "a checkpoint")
        server.hosts()[0].kill()
        snapshot = viewer.until(lambda m: m["kind"] == "snapshot" and m["attempt"] == 2)
        reason = viewer.until(lambda m: m["kind"] == "state" and m["attempt"] == 2)
        assert (reason["state"], "signal 9" in reason["reason"]) == ("starting", True)
        assert snapshot["record"]["step"] == reason["step"]
        viewer.until(lambda m: m["kind"] == "state" and m["state"] == "running")
        viewer.until(lambda m: m["kind"] == "metrics" and m["attempt"] == 2 and m["step"] > reason["step"])
        told = [m["seq"] for m in viewer.facts(run) if m["attempt"] == 2]
        assert told == list(range(len(told)))
    assert reason["step"] > 0
    assert len(server.hosts()) == 1


def test_kills_at_any_moment_leave_no_torn_checkpoint_and_the_same_losses(serve: Serve) -> None:
    server = serve(PLAYGROUND_CHECKPOINT_SECONDS="0.05", PLAYGROUND_HOSTS="1")
    spec = {"pace": {"per_second": 1000, "unit": "batch"}, "until": {"epochs": 60}}
    run, calm = server.start(spec), server.start({**QUICK, "until": {"epochs": 60}})
    for _ in range(3):
        before = saved(server, run)
        until(lambda before=before: saved(server, run) not in (None, before), "a newer checkpoint")
        for host in server.hosts():
            with contextlib.suppress(psutil.Error):
                host.kill()
        until(lambda: server.hosts(), "another host")
        until(lambda: server.record(run)["state"] in ("running", "finished"), "the run going on")
        found = files.checkpoints(server.store / "runs" / run)
        assert len(found) <= files.KEEP + 1  # a newer one is written before the oldest goes
        for path in found:
            with contextlib.suppress(FileNotFoundError):  # a newer one has pushed it out
                assert load(path.read_bytes())
    for name in (run, calm):
        assert server.state(name, "finished", "failed")["state"] == "finished"
    assert losses(server, run) == losses(server, calm)
    assert len(files.checkpoints(server.store / "runs" / run)) <= files.KEEP + 1


def test_a_kill_between_writing_a_checkpoint_and_removing_the_oldest_leaves_one_more_until_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(path: Path, missing_ok: bool = False) -> None:
        raise Killed

    for step in range(4):
        files.save_checkpoint(tmp_path, 1, step, b"weights")
    with monkeypatch.context() as patched:
        patched.setattr(files.Path, "unlink", killed)
        with pytest.raises(Killed):
            files.save_checkpoint(tmp_path, 1, 4, b"weights")
    assert [files.place_of(path)[1] for path in files.checkpoints(tmp_path)] == [4, 3, 2, 1]
    files.save_checkpoint(tmp_path, 2, 5, b"weights")
    assert [files.place_of(path) for path in files.checkpoints(tmp_path)] == [(2, 5), (1, 4), (1, 3)]
    assert len(list(tmp_path.iterdir())) == files.KEEP


def test_a_run_whose_host_dies_again_and_again_is_given_up(serve: Serve) -> None:
    server = serve(PLAYGROUND_HOSTS="1", PLAYGROUND_CHECKPOINT_SECONDS="1000")
    run = server.start(LONG)
    for _ in range(4):
        until(lambda: server.record(run)["state"] == "running", "the run going on")
        server.hosts()[0].kill()
        until(lambda: server.record(run)["state"] != "running", "the loss of its host")
    record = server.state(run, "failed")
    assert "given up" in record["reason"]
    other = server.start(QUICK)
    server.state(other, "finished")


def test_a_frozen_host_loses_its_lease_and_its_late_words_are_not_believed(serve: Serve) -> None:
    server = serve(**OFTEN, PLAYGROUND_LEASE_SECONDS="2")
    run = server.start(LONG)
    until(lambda: saved(server, run), "a checkpoint")
    frozen = server.hosts()[0]
    frozen.send_signal(signal.SIGSTOP)
    until(lambda: server.record(run)["attempt"] == 2 and server.record(run)["state"] == "running", "a second attempt")
    until(lambda: frozen.pid not in [host.pid for host in server.hosts()], "the end of the frozen host")
    facts = [json.loads(line) for line in files.read_facts(server.store / "runs" / run, 2)]
    assert [fact["seq"] for fact in facts] == list(range(len(facts)))
    assert all(fact["attempt"] == 2 for fact in facts)


def test_hosts_outlive_a_killed_server_and_are_known_again(serve: Serve) -> None:
    server = serve(**OFTEN)
    run = server.start(LONG)
    with Viewer(server.api) as viewer:
        viewer.watch(run)
        viewer.until(lambda m: m["kind"] == "metrics" and m["step"] > 50)
        seen = viewer.facts(run)
    pids = {host.pid for host in server.hosts()}
    server.process.kill()
    server.process.wait(10)
    step = len(files.read_facts(server.store / "runs" / run, 1))
    until(lambda: len(files.read_facts(server.store / "runs" / run, 1)) > step, "facts without a server")
    again = serve(**OFTEN, store=server.store)
    record = until(lambda: (r := again.record(run))["state"] == "running" and r, "the run being known again")
    assert record["attempt"] == 1
    assert {host.pid for host in again.hosts()} == pids
    with Viewer(again.api) as viewer:
        viewer.watch(run, "progress", attempt=1, after=seen[-1]["seq"])
        assert viewer.until(lambda m: m["kind"] == "snapshot")["after"] == seen[-1]["seq"]
        viewer.until(lambda m: m["kind"] == "metrics")
        numbers = [fact["seq"] for fact in [*seen, *viewer.facts(run)]]
        assert numbers == list(range(len(numbers)))
        viewer.frame("progress")
    again.command(run, "stop")


def test_hosts_without_a_server_save_their_runs_and_end(serve: Serve) -> None:
    server = serve(PLAYGROUND_ORPHAN_SECONDS="1", PLAYGROUND_CHECKPOINT_SECONDS="1000", PLAYGROUND_HOSTS="1")
    run = server.start(LONG)
    until(lambda: server.record(run)["step"] > 10, "some steps")
    server.process.kill()
    server.process.wait(10)
    until(lambda: not server.hosts(), "the end of the hosts")
    place = files.place_of(saved(server, run) or Path())
    assert place[0] == 1
    again = serve(PLAYGROUND_HOSTS="1", store=server.store)
    until(lambda: again.record(run)["state"] == "running" and again.record(run)["step"] > place[1], "going on")


def test_after_a_clean_end_pages_runs_are_paused_and_others_go_on(serve: Serve) -> None:
    server = serve(PLAYGROUND_CHECKPOINT_SECONDS="1000")
    page, script, done = server.start(LONG, attached=True), server.start(LONG), server.start(QUICK)
    server.state(done, "finished")
    for run in (page, script):
        until(lambda run=run: server.record(run)["step"] > 20, "some steps")
    assert server.end() == 0
    assert server.hosts() == []
    again = serve(store=server.store)
    assert again.record(done)["state"] == "finished"
    kept = again.record(page)
    assert (kept["state"], kept["attempt"]) == ("paused", 1)
    assert "stopped" in kept["reason"]
    again.command(page, "play")
    for run, before in ((page, kept["step"]), (script, 20)):
        until(lambda run=run, before=before: again.record(run)["step"] > before, "going on")
        facts = [
            json.loads(line) for line in files.read_facts(again.store / "runs" / run, again.record(run)["attempt"])
        ]
        assert [fact["seq"] for fact in facts] == list(range(len(facts)))
    assert again.command(done, "reset")["step"] == 0


def test_a_paused_run_of_an_earlier_server_can_be_looked_at(serve: Serve) -> None:
    server = serve(PLAYGROUND_HOSTS="1")
    run = server.start(QUICK)
    final = server.state(run, "finished")
    server.end()
    again = serve(PLAYGROUND_HOSTS="1", store=server.store)
    with Viewer(again.api) as viewer:
        viewer.watch(run, "decision?size=100")
        assert viewer.frame("decision?size=100").header["step"] == final["step"]
    record = again.record(run)
    assert (record["state"], record["attempt"], record["latest"]) == ("finished", 1, final["latest"])


@pytest.mark.skipif(os.geteuid() == 0 and not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_keeps_the_older_checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for step in range(5):
        files.save_checkpoint(tmp_path, 1, step, b"weights")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(OSError, match="space"):
        files.save_checkpoint(tmp_path, 1, 99, b"weights")
    assert [files.place_of(path)[1] for path in files.checkpoints(tmp_path)] == [4, 3, 2]
    assert len(list(tmp_path.iterdir())) == files.KEEP


def test_half_a_line_at_the_end_of_a_fact_file_is_cut_off(tmp_path: Path) -> None:
    file = files.FactFile(tmp_path, 1, 0)
    file.append([b'{"seq": 0}', b'{"seq": 1}'])
    file.close()
    with files.facts_path(tmp_path, 1).open("ab") as torn:
        torn.write(b'{"seq": 2, "val')
    again = files.FactFile(tmp_path, 1, 2)
    again.append([b'{"seq": 2}'])
    again.close()
    assert files.read_facts(tmp_path, 1) == [b'{"seq": 0}', b'{"seq": 1}', b'{"seq": 2}']
