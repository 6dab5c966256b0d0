"""Compiled runs: the same numbers and events as eager ones, steered as fast, and they say what computes them."""

import math
import time

import numpy as np
import pytest

from engine.exchange.safetensors import load
from engine.spec import RunSpec, chain, presets
from engine.train import Run, train
from engine.train.metrics import epoch_due, next_epoch, next_step, step_due

PRESETS = [preset for preset in presets if preset.id != "cifar10-cnn"]  # its files are not here
CIRCLE = {"data": {"kind": "circle", "params": {"samples": 97}}, "batches": {"size": 7}}
KINDS = {
    "momentum": {"optimizer": {"kind": "SGD", "params": {"lr": 0.03, "momentum": 0.9}}},
    "adamw": {"optimizer": {"kind": "AdamW", "params": {}}},
    "carry": {"batches": {"size": 7, "last": "carry"}},
    "drop": {"batches": {"size": 7, "last": "drop"}},
    "fixed": {"batches": {"size": 7, "order": "fixed"}},
    "l1": {"penalty": {"kind": "l1", "rate": 0.01}},
    "l1 links": {"penalty": {"kind": "l1", "rate": 0.3, "style": "after_step"}},
    "l2 after": {"penalty": {"kind": "l2", "rate": 0.1, "style": "after_step"}},
    "steps": {"schedule": {"kind": "StepLR", "unit": "epoch", "params": {"step_size": 2, "gamma": 0.5}}},
    "cosine": {"schedule": {"kind": "CosineAnnealingLR", "unit": "batch", "params": {"T_max": 30}}},
    "cosine and links": {
        "schedule": {"kind": "CosineAnnealingLR", "unit": "batch", "params": {"T_max": 30}},
        "penalty": {"kind": "l1", "rate": 0.1, "style": "after_step"},
    },
    "tf": {"initial": {"kind": "tf", "seed": "7"}, "batches": {"order": "fixed", "last": "carry"}},
}


def weights(run: Run) -> dict[str, np.ndarray]:
    return load(run.weights())[0]


def trained(spec: RunSpec, tier: str, steps: int) -> tuple[Run, list]:
    run = Run(spec.model_copy(update={"tier": tier, "pace": None}, deep=True))
    return run, further(run, steps)


def further(run: Run, steps: int) -> list:
    """What a run says while it takes so many steps."""
    run.command({"op": "step", "count": steps})
    events = []
    while run.wait() == 0:
        events += run.advance(0.02)
    return [*events, *run.advance(0)]


def computed(events: list) -> list:
    return [(e.tier, e.step, e.reason) for e in events if e.kind == "computed"]


def assert_equal(spec: RunSpec, steps: int, tolerance: float = 1e-5) -> None:
    """Both tiers reach the same weights, and say the same at the same steps."""
    (one, said), (two, told) = (trained(spec, tier, steps) for tier in ("auto", "eager"))
    assert computed(said) == [("native", 1, None)]
    for name, w in weights(two).items():
        assert np.abs(weights(one)[name] - w).max() <= tolerance * max(1.0, float(np.abs(w).max())), name
    rest, other = ([e for e in events if e.kind != "computed"] for events in (said, told))
    assert [(e.kind, e.step) for e in rest] == [(e.kind, e.step) for e in other]
    for a, b in zip(rest, other, strict=True):
        if a.kind == "metrics":
            assert a.values == pytest.approx(b.values, abs=1e-4), a.step


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.id)
def test_every_preset_trains_natively_as_it_does_eagerly(preset) -> None:
    spec = preset.spec.model_copy(deep=True)
    if preset.view == "image":
        spec.data.params["limit"] = 330
    assert_equal(spec, 24 if preset.view == "image" else 130)


@pytest.mark.parametrize("kind", KINDS)
def test_every_way_to_train_is_the_same_natively(kind, circle) -> None:
    assert_equal(circle(**{**CIRCLE, **KINDS[kind]}), 120)


def test_dropout_draws_the_same_masks_and_batch_norm_the_same_means(circle) -> None:
    graph = chain(
        [
            ("hidden", "Linear", {"out_features": 8}),
            ("norm", "BatchNorm1d", {}),
            ("act", "ReLU", {}),
            ("drop", "Dropout", {"p": 0.3}),
            ("output", "Linear", {"out_features": 1}),
        ],
        [2],
    )
    assert_equal(circle(graph=graph.model_dump()), 100)


def test_how_many_batches_a_call_does_changes_no_number(circle, at_step) -> None:
    whole = at_step(Run(circle(**CIRCLE)), 90)
    single = Run(circle(**CIRCLE))
    for step in range(1, 91):
        at_step(single, step)
    assert all(np.array_equal(w, weights(single)[name]) for name, w in weights(whole).items())
    paced = Run(circle(**CIRCLE, pace={"per_second": 100000, "unit": "epoch"}, until={"steps": 90}))
    paced.command({"op": "play"})
    while paced.state == "running":
        paced.advance(0)
    assert all(np.array_equal(w, weights(paced)[name]) for name, w in weights(whole).items())


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("optimizer.params.lr", 0.1),
        ("optimizer.params.momentum", 0.9),
        ("optimizer", {"kind": "Adam", "params": {}}),
        ("penalty", {"kind": "l2", "rate": 0.05}),
        ("penalty", {"kind": "l1", "rate": 0.1, "style": "after_step"}),
        ("batches.size", 20),
        ("batches", {"size": 5, "order": "fixed", "last": "carry"}),
        ("schedule", {"kind": "ExponentialLR", "unit": "batch", "params": {"gamma": 0.99}}),
        ("loss", {"kind": "MSELoss"}),
        ("data.params.noise", 20),
        ("parameters.hidden1.weight[0,0]", 0.5),
    ],
)
def test_a_change_while_training_does_the_same_natively(path, value, circle, at_step) -> None:
    both = []
    for tier in ("auto", "eager"):
        run = at_step(Run(circle(tier=tier)), 40)
        assert run.command({"op": "set", "path": path, "value": value}).problem is None
        both.append(weights(at_step(run, 90)))
    assert all(np.abs(both[0][name] - w).max() <= 2e-5 for name, w in both[1].items())


def test_sliders_compile_nothing_anew(circle, at_step) -> None:
    run = at_step(Run(circle(penalty={"kind": "l2", "rate": 0.1})), 40)
    step = run._training.tier.step
    programs = [id(v.bound) for found in step.variants.values() for v in found]
    for path, value in (("optimizer.params.lr", 0.1), ("penalty.rate", 0.3), ("optimizer.params.lr", 0.01)):
        run.command({"op": "set", "path": path, "value": value})
        at_step(run, run.step + 20)
    assert run._training.tier.step is step
    assert programs == [id(v.bound) for found in step.variants.values() for v in found]


def test_a_run_changes_its_tier_while_it_trains_and_says_so(circle) -> None:
    run = Run(circle())
    assert computed(further(run, 30)) == [("native", 1, None)]
    assert "native" in run.explain()
    run.command({"op": "set", "path": "tier", "value": "eager"})
    assert computed(further(run, 10)) == [("eager", 30, "It was asked for.")]
    assert "eager" in run.explain()


def test_runs_of_one_tier_repeat_bit_by_bit(circle) -> None:
    one, two = (list(train(circle(until={"epochs": 130}))) for _ in range(2))
    assert one == two
    assert [e.cpu != "" for e in one if e.kind == "computed"] == [True]


def test_a_run_that_does_not_wait_for_machine_code_trains_without_it(circle, monkeypatch) -> None:
    from engine.compiler.step import Step

    monkeypatch.setattr(Step, "waiting", lambda self: True)
    run = Run(circle())
    run.patience = 0.0
    assert computed(further(run, 5)) == [("eager", 1, "Machine code is being made.")]
    monkeypatch.undo()
    assert computed(further(run, 5)) == [("native", 5, None)]


class Clock:
    """A clock that goes on when a batch is trained, and at no other time; it knows how many there were, in how many
    calls.

    seconds: what each batch takes.
    """

    sleep = staticmethod(time.sleep)

    def __init__(self, monkeypatch) -> None:
        from engine.compiler.step import Step
        from engine.train import loop, tier
        from engine.train.attempt import Attempt

        self.now, self.seconds, self.trained, self.calls = 0.0, 0.0, 0, 0
        many, one = Step.run, Attempt._batch
        monkeypatch.setattr(Step, "run", lambda step, x, y: self._spent(len(x), many(step, x, y)))
        monkeypatch.setattr(Attempt, "_batch", lambda attempt: self._spent(1, one(attempt)))
        for module in (loop, tier):
            monkeypatch.setattr(module, "time", self)

    def perf_counter(self) -> float:
        return self.now

    def _spent(self, batches, result):
        self.trained, self.calls = self.trained + batches, self.calls + 1
        self.now += batches * self.seconds
        return result

    def slice(self, run: Run, seconds: float) -> float:
        """How long the run trains when it may train for so long."""
        before = self.now
        run.advance(seconds)
        return self.now - before


@pytest.mark.parametrize("tier", ["auto", "eager"])
@pytest.mark.parametrize("seconds", [0.0001, 0.003, 0.5])
def test_training_never_lasts_longer_than_its_slice_and_a_batch(circle, monkeypatch, tier, seconds) -> None:
    clock = Clock(monkeypatch)
    clock.seconds = seconds
    run = Run(circle(tier=tier))
    run.command({"op": "play"})
    spent = [clock.slice(run, 0.01) for _ in range(40)]
    assert max(spent) <= 0.01 + seconds + 1e-9
    assert clock.trained == run.step >= 40 * min(50, 0.01 // seconds)


def test_what_a_batch_costs_is_found_with_few_batches(circle, monkeypatch) -> None:
    clock = Clock(monkeypatch)
    run = Run(circle(data={"kind": "circle", "params": {"samples": 1000}}))
    clock.seconds = 1e-6
    run.command({"op": "step", "count": 2})  # an eager one and a native one
    clock.slice(run, 1.0)
    assert clock.trained == 2
    clock.seconds = 0.004  # a single batch may have been quicker than those to come
    run.command({"op": "play"})
    assert clock.slice(run, 0.01) <= 8 * 0.004 + 1e-9
    assert clock.slice(run, 0.01) <= 0.014 + 1e-9


def test_batches_that_become_slow_are_noticed_soon_also_in_a_long_slice(circle, monkeypatch) -> None:
    clock = Clock(monkeypatch)
    clock.seconds = 0.0001
    run = Run(circle(data={"kind": "circle", "params": {"samples": 1000}}, batches={"size": 1}))
    run.command({"op": "play"})
    while run.step < 4600:  # nothing is due for hundreds of batches
        clock.slice(run, 0.01)
    clock.seconds = 0.004
    assert clock.slice(run, 0.05) <= 100 * 0.004 + 1e-9  # those of a hundredth of a second, at the old speed
    assert clock.slice(run, 0.01) <= 0.014 + 1e-9


def test_batches_that_were_slow_for_a_moment_are_many_a_call_again(circle, monkeypatch) -> None:
    clock = Clock(monkeypatch)
    run = Run(circle(data={"kind": "circle", "params": {"samples": 1000}}, batches={"size": 1}))
    run.command({"op": "play"})
    for seconds in (0.0001, 0.03, 0.0001):
        clock.seconds = seconds
        for _ in range(10):
            clock.slice(run, 0.01)
    clock.calls = clock.trained = 0
    for _ in range(10):
        clock.slice(run, 0.01)
    assert clock.trained > 20 * clock.calls


def test_the_last_batch_of_an_epoch_makes_those_to_come_no_fewer_a_call(circle, monkeypatch) -> None:
    clock = Clock(monkeypatch)
    clock.seconds = 1e-5
    run = Run(circle(data={"kind": "circle", "params": {"samples": 1000}}, batches={"size": 3}))  # 167 batches an epoch
    run.command({"op": "play"})
    clock.slice(run, 0.01)
    clock.calls, begun = 0, run.epoch
    clock.slice(run, 0.05)
    assert run.epoch - begun > 20
    # all of one size, and the last one; some calls end with their hundredth of a second
    assert clock.calls <= 2 * (run.epoch - begun) + 10


def test_no_batch_is_trained_after_a_pause(circle, monkeypatch) -> None:
    clock = Clock(monkeypatch)
    clock.seconds = 0.001
    run = Run(circle())
    run.command({"op": "play"})
    for _ in range(3):
        clock.slice(run, 0.01)
    trained = clock.trained
    assert run.command({"op": "pause"}).step == run.step == trained > 10
    assert clock.slice(run, 10.0) == 0
    assert (run.wait(), clock.trained, run.step) == (math.inf, trained, trained)


@pytest.mark.parametrize("rate", [3, 1e6])
def test_a_run_that_goes_wrong_holds_at_the_same_step_and_names_the_same_layer(circle, rate) -> None:
    layers = [("hidden", "Linear", {"out_features": 8}), ("act", "ReLU", {}), ("output", "Linear", {"out_features": 1})]
    seen = []
    for tier in ("auto", "eager"):
        run = Run(circle(tier=tier, graph=chain(layers, [2]).model_dump(), optimizer={"params": {"lr": rate}}))
        last = further(run, 1000)[-1]
        seen.append((run.state, run.step, last.reason, last.problem and last.problem.node))
        assert all(np.isfinite(w).all() for w in weights(run).values())
    assert seen[0] == seen[1]
    assert seen[0][2] == "non_finite"


def test_no_row_is_due_between_a_step_and_the_next() -> None:
    for n in [*range(3000), 10**6 - 1, 10**6, 2**20 - 1, 2**20 + 5]:
        assert n < next_step(n) <= next(s for s in range(n + 1, 2 * n + 3) if step_due(s))
        assert n < next_epoch(n) <= next(e for e in range(n + 1, 2 * n + 3) if epoch_due(e))
