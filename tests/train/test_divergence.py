"""A run that goes wrong holds, names the layer, and never puts infinity into JSON."""

import json

import numpy as np

from engine.exchange.safetensors import load
from engine.spec import RunSpec, chain
from engine.train import Run


def wild(**changes: object) -> Run:
    graph = chain(
        [
            ("hidden1", "Linear", {"out_features": 8}),
            ("act1", "ReLU", {}),
            ("hidden2", "Linear", {"out_features": 8}),
            ("act2", "ReLU", {}),
            ("output", "Linear", {"out_features": 1}),
        ],
        [2],
    )
    spec = {"graph": graph.model_dump(), "optimizer": {"kind": "SGD", "params": {"lr": 1e6}}, "pace": None, **changes}
    return Run(RunSpec.model_validate(spec))


def test_a_rate_that_is_far_too_high_holds_the_run_and_names_a_layer() -> None:
    run = wild()
    run.command({"op": "play"})
    events = run.advance(20)
    last = [e for e in events if e.kind == "state"][-1]
    assert (run.state, last.reason, last.problem.code) == ("paused", "non_finite", "non_finite")
    assert last.problem.node in ("hidden1", "act1", "hidden2", "act2", "output")
    assert last.problem.node in last.problem.message
    assert "learning rate" in last.problem.hint
    for event in events:
        json.loads(event.model_dump_json(), parse_constant=lambda name: (_ for _ in ()).throw(ValueError(name)))


def test_the_weights_from_before_are_kept_and_playing_again_says_the_same() -> None:
    run = wild()
    run.command({"op": "play"})
    first = [e for e in run.advance(20) if e.kind == "state"][-1]
    assert all(np.isfinite(w).all() for w in load(run.weights())[0].values())
    step = run.step
    run.command({"op": "play"})
    again = [e for e in run.advance(20) if e.kind == "state"][-1]
    assert (again.problem, run.step) == (first.problem, step)
    run.command({"op": "reset"})
    run.command({"op": "set", "path": "optimizer.params.lr", "value": 0.01})
    run.command({"op": "step", "unit": "epoch"})
    assert all(e.kind != "state" or e.reason != "non_finite" for e in run.advance(20))


def test_the_first_node_that_overflows_is_named() -> None:
    run = wild()
    for row in range(8):
        for column in range(2):
            run.command({"op": "set", "path": f"parameters.hidden1.weight[{row},{column}]", "value": 2e38})
    run.command({"op": "step"})
    last = [e for e in run.advance(5) if e.kind == "state"][-1]
    assert last.problem.node == "hidden1"
    blocks = run.pictures(["progress", "decision?size=10", "map?node=hidden1&size=10"])
    assert len(blocks) == 3  # looking at a broken network works


def test_a_metrics_row_of_a_broken_network_says_null() -> None:
    run = wild()
    run.command({"op": "set", "path": "parameters.output.bias[0]", "value": 2.9e38})
    seen = run.pictures(["progress"])[0].array
    assert np.isnan(seen[2])
    run.command({"op": "edit", "spec": run.spec.model_dump(), "keep": True})
    row = next(e for e in run.advance(0) if e.kind == "metrics")
    assert row.values["train_loss"] is None


def test_a_loss_that_overflows_behind_finite_layers_names_the_largest_layer() -> None:
    run = wild(data={"kind": "reg-plane"}, optimizer={"kind": "SGD", "params": {"lr": 10}})
    run.command({"op": "play"})
    problem = [e for e in run.advance(20) if e.kind == "state"][-1].problem
    assert problem.node == "output"
    assert "reached" in problem.message
