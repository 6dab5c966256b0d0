"""Pictures of a run: their shapes, their numbers, and that unchanged ones are known as such."""

import base64

import numpy as np
import pytest

from engine.create import as_tensor
from engine.exchange.safetensors import load
from engine.nn import functional
from engine.spec import RunSpec, presets
from engine.train import Run
from engine.train.metrics import at_once


@pytest.fixture(scope="module")
def circle() -> Run:
    run = Run(RunSpec(pace=None))
    run.command({"op": "step", "count": 30})
    run.advance(10)
    return run


@pytest.fixture(scope="module")
def digits() -> Run:
    spec = next(p for p in presets if p.id == "mnist-cnn").spec.model_copy(deep=True)
    spec.data.params["limit"] = 200
    run = Run(spec)
    run.command({"op": "step", "count": 4})
    run.advance(60)
    return run


def only(run: Run, topic: str) -> dict:
    blocks = run.pictures([topic])
    assert run.picture_problems == {}
    assert all(b.topic == topic for b in blocks)
    return {b.name: b for b in blocks}


def weights(run: Run) -> dict[str, np.ndarray]:
    return load(run.weights())[0]


def value(block) -> np.ndarray:
    """Bytes back as numbers."""
    return block.lo + block.array / 255 * (block.hi - block.lo)


def test_progress_is_what_the_newest_row_says(circle) -> None:
    values = only(circle, "progress")["values"].array
    assert values.dtype == np.float64
    assert values[0] == 30
    assert values[1] == pytest.approx(1.2)
    assert values[7] == 0.03
    assert np.isfinite(values[2:6]).all()


def test_the_losses_of_progress_are_of_this_very_step(circle) -> None:
    run = Run(RunSpec(pace=None))
    run.command({"op": "step", "count": 7})
    run.advance(10)
    seen = only(run, "progress")["values"].array[2]
    assert seen == pytest.approx(at_once(run._training.score("train")).loss)


def test_points_are_those_of_the_data(circle) -> None:
    block = only(circle, "points?split=test")["points"]
    assert block.array.shape == (250, 3)
    assert set(np.unique(block.array[:, 2])) == {0, 1}


def test_a_map_of_an_input_is_the_plane_itself_with_the_top_first(circle) -> None:
    block = only(circle, "map?node=x&size=20")["map"]
    assert (block.array.shape, block.array.dtype) == ((2, 20, 20), np.uint8)
    x, y = value(block)
    assert x[0] == pytest.approx(np.linspace(-5.7, 5.7, 20), abs=0.05)
    assert y[:, 0] == pytest.approx(np.linspace(5.7, -5.7, 20), abs=0.05)


def test_a_map_shows_what_the_neuron_computes(circle) -> None:
    block = only(circle, "map?node=act1&size=100&unit=2")["map"]
    state = weights(circle)
    middle = (np.arange(100) + 0.5) * 0.12 - 6
    x, y = np.meshgrid(middle, middle[::-1])
    w, b = state["hidden1.weight"][2], state["hidden1.bias"][2]
    assert (block.lo, block.hi) == (-1, 1)
    assert value(block)[0] == pytest.approx(np.tanh(w[0] * x + w[1] * y + b), abs=0.005)


def test_bounds_of_a_map_are_symmetric_and_at_least_one(circle) -> None:
    block = only(circle, "map?node=hidden1&size=20")["map"]
    assert block.lo == -block.hi
    assert block.hi >= 1


def test_the_decision_is_the_last_map(circle) -> None:
    decision, last = only(circle, "decision?size=50")["value"], only(circle, "map?node=out&size=50")["map"]
    assert value(decision) == pytest.approx(value(last)[0], abs=0.01)


def test_several_classes_are_shown_as_class_and_confidence() -> None:
    run = Run(next(p for p in presets if p.id == "petals").spec)
    blocks = only(run, "decision?size=30")
    assert set(np.unique(blocks["class"].array)) <= {0, 1, 2}
    assert value(blocks["confidence"]).min() >= 1 / 3 - 0.01


def test_parameters_and_gradients_are_exact_while_small(circle, digits) -> None:
    state = weights(circle)
    assert np.array_equal(only(circle, "parameter?name=hidden1.weight")["value"].array, state["hidden1.weight"])
    assert only(circle, "gradient?name=hidden1.weight")["value"].array.any()
    block = only(digits, "parameter?name=hidden1.weight")["value"]
    assert block.array.dtype == np.uint8
    assert value(block) == pytest.approx(weights(digits)["hidden1.weight"], abs=block.hi / 200)


def test_activations_of_an_image_layer_are_images(digits) -> None:
    block = only(digits, "activation?node=conv1&example=3")["activation"]
    assert (block.array.shape, block.array.dtype) == ((6, 28, 28), np.uint8)
    assert only(digits, "activation?node=x&example=3")["activation"].array.shape == (1, 32, 32)
    vector = only(digits, "activation?node=output&example=3")["activation"].array
    assert (vector.shape, vector.dtype) == ((10,), np.float32)


def test_a_prediction_knows_its_loss(digits) -> None:
    blocks = only(digits, "prediction?split=test&example=5")
    scores = only(digits, "activation?node=output&split=test&example=5")["activation"].array
    label = only(digits, "examples?split=test&start=5&count=1")["labels"].array[0]
    assert blocks["probabilities"].array.sum() == pytest.approx(1, abs=1e-5)
    loss = functional.cross_entropy(as_tensor(scores[None]), as_tensor(np.array([label], np.int64))).item()
    assert blocks["loss"].array == pytest.approx(loss, rel=1e-5)


def test_a_digit_that_is_drawn_like_an_example_is_answered_like_it(digits) -> None:
    pixels = only(digits, "examples?split=test&start=7&count=1")["images"].array[0, 2:30, 2:30]
    text = base64.urlsafe_b64encode(pixels.tobytes()).decode().rstrip("=")
    drawn = only(digits, f"prediction?input={text}")
    known = only(digits, "prediction?split=test&example=7")
    assert set(drawn) == {"probabilities"}
    assert drawn["probabilities"].array == pytest.approx(known["probabilities"].array, abs=1e-5)
    shown = only(digits, f"activation?node=x&input={text}")["activation"]
    assert np.array_equal(shown.array, only(digits, "activation?node=x&example=7")["activation"].array)


def test_examples_come_with_predictions(digits) -> None:
    blocks = only(digits, "examples?split=test&start=10&count=24")
    assert blocks["images"].array.shape == (24, 32, 32)
    assert blocks["labels"].array.dtype == blocks["predictions"].array.dtype == np.int32
    assert ((blocks["confidence"].array >= 0.09) & (blocks["confidence"].array <= 1)).all()


def test_the_confusion_counts_what_was_evaluated(digits) -> None:
    blocks = only(digits, "confusion?split=test")
    assert blocks["counts"].array.shape == (10, 10)
    assert blocks["counts"].array.sum() == blocks["examples"].array == 2000


def test_what_cannot_be_shown_is_explained_and_hides_nothing(circle) -> None:
    topics = ["map?node=nobody", "progress", "examples", "parameter?name=x.y", "nonsense", "points?split=validation",
              "map?node=act1&unit=9", "activation?node=x&example=100000", "prediction?input=AAAA"]  # fmt: skip
    assert [b.topic for b in circle.pictures(topics)] == ["progress"]
    assert set(circle.picture_problems) == set(topics) - {"progress"}
    assert all(p.message for p in circle.picture_problems.values())


def test_an_unchanged_picture_keeps_its_version() -> None:
    run = Run(RunSpec(pace=None))
    topics = ["points?split=train", "decision?size=20", "confusion?split=test", "progress"]

    def versions() -> dict[str, int]:
        return {b.topic: b.version for b in run.pictures(topics) if b.name in ("points", "value", "counts", "values")}

    first = versions()
    assert versions() == first
    run.command({"op": "step"})
    run.advance(1)
    second = versions()
    assert second["points?split=train"] == first["points?split=train"]
    assert second["decision?size=20"] != first["decision?size=20"]
    run.command({"op": "set", "path": "data.params.noise", "value": 30})
    assert versions()["points?split=train"] != first["points?split=train"]
    before = versions()["decision?size=20"]
    run.command({"op": "set", "path": "parameters.hidden1.bias[0]", "value": 2})
    assert versions()["decision?size=20"] != before
    run.command({"op": "reset"})
    assert versions()["decision?size=20"] > before


def test_blocks_are_whole_little_endian_arrays(circle, digits) -> None:
    for run, topics in (
        (circle, ["decision", "map?node=x", "progress", "points"]),
        (digits, ["examples", "confusion"]),
    ):
        for block in run.pictures(topics):
            assert block.array.flags.c_contiguous
            assert block.dtype in ("u8", "f32", "f64", "i32", "u32")
            assert block.array.dtype.byteorder in "|=<"
