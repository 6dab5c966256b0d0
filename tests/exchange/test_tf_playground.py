"""A link of TensorFlow Playground shows the same picture here: its numbers for the seed "0.42"."""

import numpy as np
import pytest

from engine.exchange.safetensors import load
from engine.spec import RunSpec
from engine.train import Run, train

LINK = {
    "initial": {"kind": "tf", "seed": "0.42"},
    "batches": {"size": 10, "order": "fixed", "last": "carry"},
    "penalty": {"style": "after_step"},
    "until": {"epochs": 100},
}
LOSSES = {
    0: (0.509060055, 0.501009487),
    1: (0.505084683, 0.497395250),
    10: (0.493271247, 0.486629338),
    100: (0.035575775, 0.051020865),
}


def test_the_losses_of_the_original_come_out() -> None:
    rows = {e.epoch: e.values for e in train(LINK) if e.kind == "metrics"}
    for epoch, (train_loss, test_loss) in LOSSES.items():
        assert rows[epoch]["train_loss"] == pytest.approx(train_loss, rel=3e-6)
        assert rows[epoch]["test_loss"] == pytest.approx(test_loss, rel=3e-6)


def test_points_and_weights_are_drawn_from_one_stream() -> None:
    run = Run(LINK)
    weights = load(run.weights())[0]
    (points,) = run.pictures(["points?split=train"])
    assert points.array[0].tolist() == pytest.approx([-3.6880784, 2.7769029, 0], rel=1e-6)
    assert weights["hidden1.weight"].ravel()[:4] == pytest.approx(
        [-0.408965, -0.308882, -0.128146, -0.060109], abs=1e-6
    )
    assert weights["output.weight"].ravel() == pytest.approx([-0.184490, 0.262944], abs=1e-6)
    assert all(np.all(weights[f"{node}.bias"] == np.float32(0.1)) for node in ("hidden1", "hidden2", "output"))


def test_one_epoch_leaves_the_weights_of_the_original() -> None:
    run = Run(LINK)
    run.command({"op": "step", "unit": "epoch"})
    run.advance(10)
    weights = load(run.weights())[0]
    assert weights["output.weight"].ravel() == pytest.approx([-0.162464104, 0.242893741], rel=3e-6)
    assert weights["output.bias"] == pytest.approx([0.076355794], rel=3e-6)


def test_a_carried_batch_is_divided_by_the_larger_count() -> None:
    spec = RunSpec.model_validate({**LINK, "batches": {"size": 30, "order": "fixed", "last": "carry"}})
    run = Run(spec)
    cursor = run._training.cursor
    run.command({"op": "step", "unit": "epoch"})
    run.advance(10)
    assert (run.step, cursor.epochs, len(cursor.rows())) == (8, 1, 40)  # 250 = 8 * 30 + 10, and the 10 wait
    run.command({"op": "step", "unit": "epoch"})
    run.advance(10)
    assert (run.step, len(cursor.rows())) == (16, 40)
