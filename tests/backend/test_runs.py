"""Runs by REST: what they compute, how they are steered, what is kept of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.numpy import load
from served import ENDLESS, QUICK, Served, until

from backend.client import Playground, RefusedError
from engine.train import train


def rows(server: Served, run: str) -> list[tuple[int, dict[str, float | None]]]:
    return [(row["step"], row["values"]) for row in server.get(f"/runs/{run}/metrics")["items"]]


@pytest.mark.parametrize("data", ["circle", "spiral", "reg-plane"])
def test_a_run_over_rest_gives_the_losses_of_the_engine_to_the_last_bit(server: Served, data: str) -> None:
    spec = {**QUICK, "data": {"kind": data}}
    run = server.start(spec)
    assert server.state(run, "finished", "failed")["state"] == "finished"
    told = [event for event in train(spec) if event.kind == "metrics"]
    assert rows(server, run) == [(event.step, event.values) for event in told]


def test_pauses_and_steps_do_not_change_the_losses(server: Served) -> None:
    one = server.start(QUICK)
    other = server.start(QUICK, play=False)
    for count in (1, 3, 7):
        server.command(other, "step", unit="batch", count=count)
    until(lambda: server.record(other)["step"] == 11 or None, "eleven steps")
    server.command(other, "step", unit="epoch")
    until(lambda: server.record(other)["step"] == 25 or None, "the end of the epoch")
    server.command(other, "play")
    for run in (one, other):
        server.state(run, "finished")
    assert rows(server, one) == rows(server, other)


def test_a_pause_holds_the_run_at_the_step_of_its_ack(server: Served) -> None:
    run = server.start(ENDLESS)
    until(lambda: server.record(run)["step"] > 5 or None, "a few steps")
    step = server.command(run, "pause")["step"]
    assert server.state(run, "paused")["step"] == step
    assert server.command(run, "step")["step"] == step
    until(lambda: server.record(run)["step"] == step + 1 or None, "one more step")
    assert server.command(run, "pause")["step"] == step + 1
    server.command(run, "stop")


def test_a_pause_takes_effect_between_two_batches_of_a_large_network(server: Served) -> None:
    preset = next(p for p in server.get("/catalog")["presets"] if p["id"] == "mnist-cnn")
    spec = {**preset["spec"], "pace": None}
    spec["data"]["params"] = {**spec["data"]["params"], "source": "subset"}
    run = server.start(spec)
    until(lambda: server.record(run)["step"] > 2 or None, "a few batches")
    first = server.command(run, "pause")["step"]
    again = server.command(run, "pause")["step"]
    assert again == first
    server.command(run, "step")
    until(lambda: server.record(run)["step"] == first + 1 or None, "one batch")
    server.command(run, "stop")
    assert server.http.delete(f"/api/v1/runs/{run}").status_code == 204


def test_a_command_that_comes_twice_is_applied_once(server: Served) -> None:
    run = server.start({}, play=False)
    first = server.command(run, "step", id="mine", count=5)
    until(lambda: server.record(run)["step"] == 5 or None, "five steps")
    assert server.command(run, "step", id="mine", count=5) == first
    assert server.command(run, "pause")["step"] == 5


def test_settings_changed_while_training_apply_without_a_reset(server: Served) -> None:
    run = server.start(ENDLESS)
    for path, value in [
        ("optimizer.params.lr", 0.1),
        ("penalty", {"kind": "l2", "rate": 0.01}),
        ("batches.size", 20),
        ("optimizer", {"kind": "Adam", "params": {"lr": 0.01}}),
    ]:
        server.command(run, "set", path=path, value=value)
    record = server.record(run)
    assert (record["attempt"], record["spec"]["optimizer"]["kind"], record["spec"]["batches"]["size"]) == (
        1,
        "Adam",
        20,
    )
    server.command(run, "stop")


@pytest.mark.parametrize(
    "command",
    [
        {"op": "set", "path": "optimizer.params.lr", "value": -1},
        {"op": "set", "path": "nothing.at.all", "value": 1},
        {"op": "set", "path": "batches.size", "value": "many"},
        {"op": "edit", "spec": {"data": {"kind": "nothing"}}},
    ],
)
def test_a_command_that_cannot_be_obeyed_is_refused_and_the_run_goes_on(
    server: Served, command: dict[str, Any]
) -> None:
    run = server.start(ENDLESS)
    answer = server.http.post(f"/api/v1/runs/{run}/commands", json=command)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["message"]
    assert server.state(run, "running")["attempt"] == 1
    server.command(run, "stop")


def test_a_run_that_has_ended_refuses_play_and_obeys_reset(server: Served) -> None:
    run = server.start(QUICK)
    server.state(run, "finished")
    answer = server.http.post(f"/api/v1/runs/{run}/commands", json={"op": "play"})
    assert (answer.status_code, answer.headers["content-type"]) == (409, "application/problem+json")
    assert server.command(run, "reset")["step"] == 0
    assert server.state(run, "paused")["attempt"] == 2


def test_a_diverging_run_pauses_and_names_a_node(server: Served) -> None:
    run = server.start({**QUICK, "optimizer": {"kind": "SGD", "params": {"lr": 1e6}}, "graph": LINEAR})
    record = server.state(run, "paused", "failed", "finished")
    assert (record["state"], record["problem"]["code"]) == ("paused", "non_finite")
    assert record["problem"]["node"]
    assert "NaN" not in json.dumps(server.get(f"/runs/{run}/metrics"))


LINEAR = {
    "nodes": [
        {"id": "wide", "kind": "Linear", "params": {"out_features": 4}, "inputs": ["x"]},
        {"id": "out", "kind": "Linear", "params": {"out_features": 1}, "inputs": ["wide"]},
    ],
    "outputs": ["out"],
}


def test_weights_and_source_can_be_had_while_it_trains_and_after(server: Served) -> None:
    run = server.start(ENDLESS)
    shapes = {"hidden1.weight": (4, 2), "output.bias": (1,)}
    for _ in range(2):
        weights = load(server.http.get(f"/api/v1/runs/{run}/weights").content)
        assert {name: weights[name].shape for name in shapes} == shapes
        script = server.http.get(f"/api/v1/runs/{run}/source")
        assert script.headers["content-type"].startswith("text/x-python")
        compile(script.text, "script", "exec")
        server.command(run, "stop")


def test_the_list_comes_in_pages_newest_first(server: Served) -> None:
    begun = [server.start(QUICK, name=f"n{n}") for n in range(5)]
    page = server.get("/runs", params={"limit": 2})
    found = [one["id"] for one in page["items"]]
    while page["next_cursor"] and len(found) < 5:
        page = server.get("/runs", params={"limit": 2, "cursor": page["next_cursor"]})
        found += [one["id"] for one in page["items"]]
    assert found[:5] == begun[::-1]
    assert "spec" not in page["items"][0]


def test_a_deleted_run_is_gone_with_its_files(server: Served) -> None:
    run = server.start(ENDLESS)
    until(lambda: server.record(run)["step"] > 0 or None, "a step")
    assert server.http.delete(f"/api/v1/runs/{run}").status_code == 204
    assert server.http.get(f"/api/v1/runs/{run}").status_code == 404
    until(lambda: not (server.store / "runs" / run).exists() or None, "the end of its folder")
    assert run not in [one["id"] for one in server.get("/runs")["items"]]


def test_runs_that_are_deleted_while_they_train_do_not_disturb_their_neighbours(server: Served) -> None:
    steady = [server.start({"pace": None}) for _ in range(2)]
    for _ in range(15):
        run = server.start({"pace": None})
        until(lambda run=run: server.record(run)["state"] == "running", "a start")
        server.http.delete(f"/api/v1/runs/{run}")
    for run in steady:
        before = server.record(run)
        until(lambda run=run, before=before: server.record(run)["step"] > before["step"], "going on")
        assert server.record(run)["attempt"] == 1
        server.http.delete(f"/api/v1/runs/{run}")
    assert not [log.name for log in (server.store / "logs").glob("*.log") if "Traceback" in log.read_text()]


def test_many_runs_share_the_hosts_and_all_get_on(server: Served) -> None:
    begun = [server.start({"pace": None}) for _ in range(12)]
    until(lambda: all(server.record(run)["step"] > 50 for run in begun) or None, "progress of every run")
    for run in begun:
        server.http.delete(f"/api/v1/runs/{run}")


def test_the_scripted_client_runs_the_readme_example(server: Served, tmp_path: Path) -> None:
    with Playground(server.url) as playground:
        run = playground.run({"data": {"kind": "xor"}, "until": {"epochs": 20}, "pace": None})
        seen = [(row["epoch"], row["values"]["test_loss"]) for row in run.metrics()]
        assert seen[-1][0] == 20
        assert len(load(run.weights())) == 6
        assert run.record()["state"] == "finished"
        with pytest.raises(RefusedError, match="nothing"):
            playground.run({"data": {"kind": "nothing"}})
        assert run.id in [one["id"] for one in playground.runs()]


def test_a_run_says_which_tier_computes_it_and_why(server: Served) -> None:
    native, eager = server.start(QUICK), server.start({**QUICK, "tier": "eager"})
    for run in (native, eager):
        server.state(run, "finished")
    found = [server.record(run)["computed"] for run in (native, eager)]
    assert [(one["tier"], one["cpu"] != "", one["reason"]) for one in found] == [
        ("native", True, None),
        ("eager", False, "It was asked for."),
    ]
    explained = [server.http.get(f"/api/v1/runs/{run}/explain") for run in (native, eager)]
    assert [answer.status_code for answer in explained] == [200, 200]
    assert "matmul" in explained[0].text or "linear" in explained[0].text
    assert "asked for" in explained[1].text
