"""Networks learn: the presets do what they promise."""

import pytest

from engine.spec import RunSpec, presets
from engine.spec.run import MetricGoal
from engine.train import train


def rows(spec: RunSpec) -> list:
    return [e for e in train(spec) if e.kind == "metrics"]


def preset(name: str, epochs: int, seed: int = 0) -> RunSpec:
    spec = next(p for p in presets if p.id == name).spec.model_copy(deep=True)
    spec.until.epochs = epochs
    spec.seeds.data = spec.seeds.weights = spec.seeds.batches = seed
    return spec


@pytest.mark.parametrize("seed", range(11))
def test_the_circle_is_separated_within_two_seconds_of_normal_speed(seed: int) -> None:
    spec = preset("circle", 120, seed)
    spec.until.metric = MetricGoal(name="test_accuracy", above=0.99)
    assert rows(spec)[-1].values["test_accuracy"] >= 0.99


@pytest.mark.parametrize(
    ("name", "epochs", "metric", "bound"),
    [
        ("xor", 40, "test_accuracy", 0.97),
        ("gauss", 5, "test_accuracy", 0.99),
        ("moons", 40, "test_accuracy", 0.99),
        ("petals", 30, "test_accuracy", 0.97),
        ("spiral", 100, "test_accuracy", 0.9),
    ],
)
def test_a_planar_preset_learns_its_classes(name: str, epochs: int, metric: str, bound: float) -> None:
    assert rows(preset(name, epochs))[-1].values[metric] >= bound


@pytest.mark.parametrize(("name", "bound"), [("reg-plane", 0.02), ("reg-gauss", 0.03)])
def test_a_regression_preset_learns_its_values(name: str, bound: float) -> None:
    last = rows(preset(name, 15))[-1].values
    assert last["test_loss"] < bound
    assert set(last) == {"train_loss", "test_loss"}


def test_the_worked_network_says_what_the_lecture_says() -> None:
    import numpy as np

    from engine.tensor import Tensor
    from engine.train import Run

    network = Run(preset("worked-neuron", 1))._training.network
    found = network.outputs_of(Tensor(np.array([[0.2, 0.9, -1.1]], np.float32)))
    assert found["act1"].array[0] == pytest.approx([0.4675, 0.5175], abs=1e-4)
    assert found["output"].item() == pytest.approx(0.6428, abs=1e-4)


def test_the_decks_network_learns_digits_in_one_pass_over_two_thousand() -> None:
    spec = preset("mnist-cnn", 4)
    spec.data.params["limit"] = 2000
    spec.batches.size = 32
    last = rows(spec)[-1]
    assert last.test_examples == 2000
    assert last.values["test_accuracy"] > 0.85
