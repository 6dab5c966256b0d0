"""Rows of the training curves: large sets are evaluated by machine code where machine code trains."""

from collections import Counter

import pytest

from engine.compiler.machine import cores as machine
from engine.compiler.machine.cpu import NoNativeCode
from engine.compiler.step import Step
from engine.spec import RunSpec, chain, presets
from engine.train import Run
from engine.train.attempt import CHUNK, Attempt
from engine.train.metrics import at_once

IMAGES = [preset.spec for preset in presets if preset.view == "image" and preset.id != "cifar10-cnn"]
LAYERS = [
    ("flatten", "Flatten", {}),
    ("hidden", "Linear", {"out_features": 12}),
    ("norm", "BatchNorm1d", {}),
    ("act", "ReLU", {}),
    ("drop", "Dropout", {"p": 0.4}),
    ("output", "Linear", {"out_features": 10}),
]


def digits(**changes: object) -> RunSpec:
    """A small network of everything that evaluation does otherwise than training, on digits."""
    data = {"kind": "mnist", "params": {"limit": 400}}
    graph = chain(LAYERS, [1, 28, 28]).model_dump()
    return RunSpec.model_validate(
        {"pace": None, "graph": graph, "loss": {"kind": "CrossEntropyLoss"}, "data": data, **changes}
    )


def native(run: Run) -> bool:
    """Whether rows of large sets are evaluated by machine code at this moment."""
    return run._native and any(
        v.tier == "native" for found in run._training.tier.evaluation.variants.values() for v in found
    )


def said(run: Run, step: int) -> list:
    """What a run says up to a step."""
    events = []
    run.command({"op": "step", "count": step - run.step})
    while run.wait() == 0:
        events += run.advance(0.02)
    return events


@pytest.mark.parametrize("spec", [*IMAGES, digits()], ids=["mlp", "cnn", "norm and dropout"])
def test_a_large_set_is_evaluated_natively_as_it_is_eagerly(spec, at_step) -> None:
    spec = spec.model_copy(update={"pace": None}, deep=True)
    spec.data.params["limit"] = 400
    run = at_step(Run(spec), 3)
    assert native(run)
    attempt = run._training
    masks, weights = attempt.masks, run.weights()
    for limit in (None, 500, CHUNK + 20):
        quick, slow = (at_once(attempt.score("test", limit, way)) for way in (True, False))
        assert quick.examples == slow.examples == (limit or 2000)
        assert quick.loss == pytest.approx(slow.loss, rel=1e-5)
        assert abs(quick.right - slow.right) <= 1  # two classes may be equal but for the last bits
        assert quick.counts.sum() == quick.examples
    assert (attempt.masks, run.weights()) == (masks, weights)


def test_the_first_row_waits_for_no_compiler() -> None:
    run = Run(digits())
    assert [e.kind for e in run.advance(0)] == ["metrics"]
    assert run._training.tier.evaluation.variants == {}


def test_rows_repeat_bit_by_bit_whether_machine_code_comes_early_or_late(monkeypatch) -> None:
    spec = digits(batches={"size": 4})
    early, run = said(Run(spec), 120), Run(spec)
    polls, waiting = Counter(), Step.waiting

    def late(step: Step) -> bool:
        polls[step.__name__] += 1
        return polls[step.__name__] < 30 or waiting(step)

    monkeypatch.setattr(Step, "waiting", late)
    assert said(run, 120) == early
    assert native(run)
    assert sum(e.kind == "metrics" for e in early) > 10


def test_rows_do_not_depend_on_the_number_of_cores(monkeypatch) -> None:
    spec = IMAGES[1].model_copy(update={"pace": None}, deep=True)
    spec.data.params["limit"], spec.batches.size = 330, 10
    found = []
    for cores in (1, 2, 4):
        monkeypatch.setattr(machine, "_cores", cores)
        found.append(said(Run(spec), 33))
    assert [e.shards for events in found for e in events if e.kind == "computed"] == [1, 1, 1]
    assert found[0] == found[1] == found[2]


def test_a_run_that_goes_on_from_a_checkpoint_has_the_same_rows() -> None:
    whole, run = Run(digits()), Run(digits())
    said(whole, 17)
    later = said(whole, 40)
    said(run, 17)
    again = Run.restore(run.snapshot())
    assert said(again, 40) == later
    assert native(again)


def test_a_run_trains_eagerly_until_there_is_machine_code_for_its_rows_too(monkeypatch) -> None:
    waiting = Step.waiting
    monkeypatch.setattr(Step, "waiting", lambda step: step.__name__ == "evaluate" or waiting(step))
    run = Run(digits())
    run.patience = 0.0
    assert [e.tier for e in said(run, 4) if e.kind == "computed"] == ["eager"]
    assert not native(run)
    monkeypatch.undo()
    assert [e.tier for e in said(run, 8) if e.kind == "computed"] == ["native"]
    assert native(run)


@pytest.mark.parametrize("also", ["evaluation", "training"])
def test_a_network_without_machine_code_has_its_rows(also, monkeypatch) -> None:
    from engine.compiler import variant as module

    made = module.Native

    def refused(program, threads):
        if also == "training" or not program.slopes:
            raise NoNativeCode("compile", "float32", "something else")
        return made(program, threads)

    monkeypatch.setattr(module, "Native", refused)
    run, other = Run(digits()), Run(digits(tier="eager"))
    rows, expected = ([e for e in said(r, 20) if e.kind == "metrics"] for r in (run, other))
    assert run._native is (also == "evaluation")
    assert not native(run)
    for a, b in zip(rows, expected, strict=True):
        assert a.values == pytest.approx(b.values, abs=1e-4), a.step


def test_other_data_are_measured_natively_too(at_step) -> None:
    run = at_step(Run(digits()), 10)
    run.command({"op": "set", "path": "data.params.limit", "value": 700})
    (row, *_) = [e for e in said(run, 12 + 700 // 10) if e.kind == "metrics"]
    assert native(run)
    assert row.test_examples == 500


def in_a_row(spec: RunSpec) -> Run:
    """A run that is in the middle of the row at the end of its second epoch."""
    run = Run(spec)
    said(run, 79)
    run.command({"op": "play"})
    while run.step < 80 or run._report is None:
        run.advance(0)
    for _ in range(3):
        assert run.advance(0) == []
    return run


def rest(run: Run) -> list:
    """What it says until it has nothing more to do."""
    events = []
    while run.wait() == 0:
        events += run.advance(0)
    return events


def test_no_more_than_one_part_of_a_large_set_is_evaluated_at_one_go(monkeypatch) -> None:
    parts, score = [], Attempt._score
    monkeypatch.setattr(Attempt, "_score", lambda *given: parts.append(len(given[1])) or score(*given))
    run = Run(digits())
    run.command({"op": "play"})
    most = 0
    while run.step < 90:
        before = len(parts)
        run.advance(0)
        most = max(most, len(parts) - before)
    assert most == 1
    assert set(parts) == {CHUNK}


def test_a_pause_in_the_middle_of_a_row_is_obeyed_at_once_and_the_row_is_said_all_the_same() -> None:
    whole, run = Run(digits()), in_a_row(digits())
    (row,) = [e for e in said(whole, 80) if e.kind == "metrics" and e.step == 80]
    assert run.command({"op": "pause"}).step == 80
    assert (run.state, run.wait()) == ("paused", 0)
    paused, *others = rest(run)
    assert (paused.kind, paused.state) == ("state", "paused")
    assert others == [row]
    assert run.step == 80
    later = [[e for e in said(r, 130) if e.kind == "metrics"] for r in (run, whole)]
    assert later[0] == later[1] != []


def test_a_checkpoint_in_the_middle_of_a_row_has_the_row_to_come() -> None:
    run = in_a_row(digits())
    again = Run.restore(run.snapshot())
    run.command({"op": "pause"})
    row = rest(run)[-1]
    assert rest(again) == [row]
    assert row.test_examples == 2000
    assert said(again, 130) == said(run, 130)


@pytest.mark.parametrize(
    "command",
    [
        {"op": "set", "path": "parameters.hidden.weight[0,0]", "value": 9.0},
        {"op": "set", "path": "data.params.limit", "value": 500},
        {"op": "step", "count": 3},
        {"op": "stop"},
    ],
)
def test_what_changes_a_run_comes_after_the_row_that_it_is_in(command) -> None:
    run, other = in_a_row(digits()), in_a_row(digits())
    other.command({"op": "pause"})
    row = rest(other)[-1]
    assert run.command(command).problem is None
    assert run.advance(0)[0] == row


def test_a_run_that_begins_anew_forgets_the_row_that_it_is_in() -> None:
    run = in_a_row(digits())
    run.command({"op": "reset"})
    assert [(e.kind, e.step) for e in rest(run) + run.advance(0)] == [("state", 0), ("metrics", 0)]


def test_a_goal_is_seen_in_a_row_that_was_paused() -> None:
    run = in_a_row(digits(until={"metric": {"name": "test_loss", "above": 0.0}, "epochs": 50}))
    run.command({"op": "pause"})
    assert [e.state for e in rest(run) if e.kind == "state"] == ["paused", "finished"]
