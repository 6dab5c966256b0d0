"""A run: what it says, how it is steered, and that nothing but the spec decides its numbers."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.exchange.safetensors import load
from engine.spec import Refused, RunSpec
from engine.train import Run, train


def rows(events):
    return [e for e in events if e.kind == "metrics"]


def weights(run: Run) -> dict[str, np.ndarray]:
    return load(run.weights())[0]


def equal(a: Run, b: Run) -> bool:
    one, two = weights(a), weights(b)
    return one.keys() == two.keys() and all(np.array_equal(one[n], two[n]) for n in one)


def test_the_losses_of_a_spec_are_always_the_same(circle) -> None:
    spec = circle(until={"epochs": 3}, seeds={"data": 5, "weights": 6, "batches": 7})
    assert list(train(spec)) == list(train(spec))


@pytest.mark.parametrize("seed", ["data", "weights", "batches"])
def test_each_seed_changes_the_losses(circle, seed: str) -> None:
    one, two = (rows(train(circle(until={"epochs": 2}, seeds={seed: n})))[-1] for n in (1, 2))
    assert one.values != two.values


def test_looking_pausing_and_pace_never_change_a_number(circle, at_step) -> None:
    quiet = at_step(Run(circle()), 60)
    watched = Run(circle(pace={"per_second": 100000, "unit": "batch"}))
    watched.command({"op": "play"})
    while watched.step < 60:
        watched.advance(0)
        watched.pictures(["progress", "decision?size=20", "map?node=act1", "confusion?split=test"])
        watched.command({"op": "pause"})
        watched.command({"op": "play"})
    assert equal(quiet, watched)


def test_the_last_weights_are_those_of_the_row_at_the_goal(circle) -> None:
    events = list(train(circle(until={"steps": 30})))
    assert [e.state for e in events if e.kind == "state"] == ["running", "finished"]
    assert rows(events)[-1].step == 30
    assert rows(events)[0].step == 0


def test_a_metric_can_be_the_goal(circle) -> None:
    spec = circle(until={"epochs": 200, "metric": {"name": "train_loss", "below": 0.45}})
    last = rows(train(spec))[-1]
    assert last.values["train_loss"] <= 0.45
    assert last.epoch < 200


def test_rows_come_at_every_epoch_first_and_ever_more_rarely_later() -> None:
    from engine.train.metrics import epoch_due, step_due

    epochs = [e for e in range(1, 100_001) if epoch_due(e)]
    assert epochs[:100] == list(range(1, 101))
    assert len(epochs) < 700
    assert [s for s in range(1, 25) if step_due(s)] == [1, 2, 3, 4, 6, 8, 12, 16, 24]


def test_a_new_run_is_paused_and_knows_its_first_losses(circle) -> None:
    run = Run(circle())
    (row,) = run.advance(1)
    assert (run.state, run.step, row.step, row.epoch) == ("paused", 0, 0, 0)
    assert 0 < row.values["test_loss"] < 2
    assert run.wait() == math.inf


def test_a_step_is_one_batch_and_an_epoch_ends_where_it_ends(circle, at_step) -> None:
    run = Run(circle())
    run.advance(0)
    run.command({"op": "step"})
    events = run.advance(5)
    assert (run.step, run.state, events[-1].reason) == (1, "paused", "step")
    run.command({"op": "step", "unit": "epoch"})
    run.advance(5)
    assert (run.step, run.epoch) == (25, 1)
    run.command({"op": "step", "unit": "epoch", "count": 2})
    run.advance(5)
    assert (run.step, run.epoch) == (75, 3)


def test_steps_asked_for_faster_than_they_are_taken_add_up(circle, at_step) -> None:
    run = Run(circle())
    for count in (1, 3, 7):
        run.command({"op": "step", "count": count})
    run.command({"op": "step", "unit": "epoch"})
    run.advance(5)
    assert (run.step, run.epoch, run.state) == (25, 1, "paused")


def test_reset_brings_the_first_weights_back(circle, at_step) -> None:
    run = Run(circle())
    before = weights(run)
    first = run.advance(0)[-1].values
    at_step(run, 40)
    ack = run.command({"id": "r", "op": "reset"})
    assert (ack.id, ack.step, ack.problem, run.attempt, run.state) == ("r", 0, None, 1, "paused")
    assert all(np.array_equal(before[n], w) for n, w in weights(run).items())
    assert rows(run.advance(0))[-1].values == first


def test_stop_ends_a_run_and_only_reset_or_edit_wake_it(circle) -> None:
    run = Run(circle())
    run.command({"op": "stop"})
    assert run.state == "stopped"
    assert run.command({"op": "play"}).problem.code == "ended"
    run.command({"op": "reset"})
    assert run.command({"op": "play"}).problem is None


def test_a_finished_run_goes_on_when_the_goal_moves(circle) -> None:
    run = Run(circle(until={"steps": 5}))
    run.command({"op": "play"})
    run.advance(5)
    assert run.state == "finished"
    assert run.command({"op": "play"}).problem.code == "ended"
    run.command({"op": "set", "path": "until", "value": {"steps": 9}})
    run.command({"op": "play"})
    run.advance(5)
    assert run.step == 9


def test_a_spec_with_problems_makes_no_run(circle) -> None:
    with pytest.raises(Refused) as caught:
        Run(circle(data={"kind": "cirkle"}))
    assert caught.value.problems[0].hint == 'Did you mean "circle"?'


@pytest.mark.parametrize(
    "command",
    [
        {},
        {"op": "fly"},
        {"op": "step", "count": 0},
        {"op": "set", "path": "optimizer.params.lr", "value": float("nan")},
        {"op": "set", "path": "optimizer.params.lr", "value": "fast"},
        {"op": "set", "path": "graph", "value": {}},
        {"op": "set", "path": "no.such.thing", "value": 1},
        {"op": "set", "path": "parameters.hidden1.weight[9,0]", "value": 1},
        {"op": "set", "path": "parameters.hidden1.weight[0]", "value": 1},
        {"op": "set", "path": "parameters.hidden1.weight[0,0]", "value": 1e39},
        {"op": "set", "path": "loss", "value": {"kind": "CrossEntropyLoss"}},
        {"op": "set", "path": "data.params.features", "value": ["x"]},
        {"op": "set", "path": "batches", "value": {"size": 1000, "last": "drop"}},
        {"op": "edit", "spec": {"version": 9}},
        {"op": "edit", "spec": {"data": {"kind": "moon"}}},
    ],
)
def test_a_command_that_cannot_be_obeyed_is_answered_and_changes_nothing(circle, at_step, command) -> None:
    run, same = at_step(Run(circle()), 3), at_step(Run(circle()), 3)
    spec = run.spec.model_copy(deep=True)
    ack = run.command({"id": "c", **command})
    assert ack.id == "c"
    assert ack.problem is not None
    assert ack.problem.message
    assert run.spec == spec
    assert equal(at_step(run, 8), at_step(same, 8))


@settings(max_examples=25, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(["id", "op", "path", "value", "spec", "count"]), st.none() | st.integers() | st.just("set")
    )
)
def test_no_command_breaks_a_run(command) -> None:
    run = Run(RunSpec())
    run.command(command)
    assert run.command({"op": "step"}).problem is None


def test_commands_say_at_which_step_they_took_effect(circle, at_step) -> None:
    run = at_step(Run(circle()), 7)
    run.advance(0)
    assert run.command({"op": "set", "path": "optimizer.params.lr", "value": 0.1}).step == 7
    (changed,) = run.advance(0)
    assert (changed.path, changed.value, changed.step) == ("optimizer.params.lr", 0.1, 7)


def test_a_pace_holds_back_and_no_more(circle) -> None:
    run = Run(circle(pace={"per_second": 1, "unit": "epoch"}))
    run.command({"op": "play"})
    run.advance(5)
    assert run.step == 25
    assert 0 < run.wait() <= 1
    run.command({"op": "set", "path": "pace", "value": None})
    assert run.wait() == 0


def test_editing_keeps_the_weights_that_still_fit(circle, at_step) -> None:
    from engine.spec import perceptron

    run = at_step(Run(circle()), 20)
    before = weights(run)
    wider = circle(graph=perceptron(2, [5, 2]).model_dump())
    assert run.command({"op": "edit", "spec": wider.model_dump(), "keep": True}).problem is None
    after = weights(run)
    assert (run.attempt, run.step) == (1, 0)
    assert np.array_equal(after["hidden1.weight"][:4], before["hidden1.weight"])
    assert np.array_equal(after["hidden2.bias"], before["hidden2.bias"])
    run.command({"op": "edit", "spec": wider.model_dump(), "keep": False})
    assert not np.array_equal(weights(run)["hidden1.weight"][:4], before["hidden1.weight"])
