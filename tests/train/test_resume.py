"""100 steps, or 50, a snapshot, and 50 more: the same to the last bit."""

import numpy as np
import pytest

from engine.errors import DataError
from engine.exchange.safetensors import load
from engine.spec import presets
from engine.train import Run

CIRCLE = {"data": {"kind": "circle", "params": {"samples": 97}}, "batches": {"size": 7}}
KINDS = {
    "momentum": {"optimizer": {"kind": "SGD", "params": {"lr": 0.03, "momentum": 0.9}}},
    "adam": {"optimizer": {"kind": "Adam", "params": {}}},
    "adamw": {"optimizer": {"kind": "AdamW", "params": {}}},
    "rmsprop": {"optimizer": {"kind": "RMSprop", "params": {"momentum": 0.5, "centered": True}}},
    "adagrad": {"optimizer": {"kind": "Adagrad", "params": {}}},
    "carry": {"batches": {"size": 7, "last": "carry"}},
    "drop": {"batches": {"size": 7, "last": "drop", "order": "fixed"}},
    "l1 links": {"penalty": {"kind": "l1", "rate": 0.3, "style": "after_step"}},
    "l2": {"penalty": {"kind": "l2", "rate": 0.1}},
    "steps": {"schedule": {"kind": "StepLR", "unit": "epoch", "params": {"step_size": 2, "gamma": 0.5}}},
    "cosine": {"schedule": {"kind": "CosineAnnealingLR", "unit": "batch", "params": {"T_max": 30}}},
    "tf": {"initial": {"kind": "tf", "seed": "7"}, "batches": {"order": "fixed", "last": "carry"}},
}


def final(run: Run, at_step) -> tuple[dict[str, np.ndarray], list]:
    at_step(run, 100)
    run.command({"op": "step", "unit": "epoch"})
    return load(run.weights())[0], [e.values for e in run.advance(10) if e.kind == "metrics"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_restored_run_goes_on_bit_for_bit(kind, circle, at_step) -> None:
    spec = circle(**{**CIRCLE, **KINDS[kind]})
    straight = final(Run(spec), at_step)
    half = at_step(Run(spec), 50)
    content = half.snapshot()
    at_step(half, 60)  # what the first run does after its snapshot is its own business
    resumed = Run.restore(content)
    assert (resumed.step, resumed.state) == (50, "paused")
    weights, rows = final(resumed, at_step)
    assert all(np.array_equal(weights[n], straight[0][n]) for n in straight[0])
    assert rows == straight[1]


def test_dropout_and_batch_norm_resume_bit_for_bit(circle, at_step) -> None:
    from engine.spec import chain

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
    spec = circle(graph=graph.model_dump())
    straight = final(Run(spec), at_step)
    other = Run(spec)  # a second run in the same process draws from its own masks
    resumed = Run.restore(at_step(Run(spec), 50).snapshot())
    at_step(other, 10)
    weights, rows = final(resumed, at_step)
    assert all(np.array_equal(weights[n], straight[0][n]) for n in straight[0])
    assert rows == straight[1]


def test_changes_and_the_first_weights_survive(circle, at_step) -> None:
    run = at_step(Run(circle()), 5)
    run.command({"op": "set", "path": "optimizer.params.lr", "value": 0.2})
    run.command({"op": "set", "path": "batches.size", "value": 20})
    at_step(run, 9)
    assert Run.restore(run.snapshot()).source() == run.source()


def test_a_snapshot_of_images_resumes(at_step) -> None:
    preset = next(p for p in presets if p.id == "mnist-mlp")
    spec = preset.spec.model_copy(deep=True)
    spec.data.params["limit"] = 300
    straight = at_step(Run(spec), 8)
    resumed = at_step(Run.restore(at_step(Run(spec), 4).snapshot()), 8)
    one, two = load(straight.weights())[0], load(resumed.weights())[0]
    assert all(np.array_equal(one[n], two[n]) for n in one)
    assert straight.snapshot() == resumed.snapshot()


@pytest.mark.parametrize("content", [b"", b"\x00" * 20, b"not a file at all"])
def test_bytes_that_are_no_run_are_refused_in_words(content: bytes) -> None:
    with pytest.raises(DataError):
        Run.restore(content)


def test_half_a_snapshot_is_refused_in_words(circle) -> None:
    content = Run(circle()).snapshot()
    with pytest.raises(DataError):
        Run.restore(content[: len(content) // 2])
