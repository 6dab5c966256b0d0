"""The two-dimensional sets: formulas, features, and the order in which TensorFlow Playground draws."""

from typing import Any

import numpy as np
import pytest

from engine.data import DATASETS, Split
from engine.data.plane import FEATURES, InOrder, Plane
from engine.errors import ArgumentError
from engine.rng import arc4

PLANES = [kind for kind, cls in DATASETS.items() if cls.card.plane]


def _plane(kind: str, **params: Any) -> Plane:
    source = DATASETS[kind](**params)
    assert isinstance(source, Plane)
    return source


def _in_order(kind: str, seed: str) -> Split:
    return _plane(kind).split(InOrder(arc4(seed).__next__))


def test_circle_drawn_in_order_has_the_points_of_tensorflow_playground() -> None:
    points, labels = _plane("circle").draw(InOrder(arc4("0.42").__next__))
    assert points[0] == pytest.approx((0.37289768841895493, -0.33052180509684415), rel=1e-14)
    assert points[1] == pytest.approx((-0.022993527432775364, -0.018034400323738486), rel=1e-14)
    assert labels[0]
    assert labels[1]


def test_the_first_training_point_after_the_shuffle_is_that_of_tensorflow_playground() -> None:
    train = _in_order("circle", "0.42").train
    assert train.points is not None
    assert train.points[0] == pytest.approx((-3.6880784330503316, 2.7769029441743687))
    assert train.y[0] == 0


def test_the_stream_goes_on_with_the_initial_weights_after_the_data() -> None:
    stream = arc4("0.42")
    _plane("circle").split(InOrder(stream.__next__))
    assert [next(stream) - 0.5 for _ in range(4)] == pytest.approx(
        [-0.408965, -0.308882, -0.128146, -0.060109], abs=1e-6
    )


@pytest.mark.parametrize("kind", PLANES)
def test_both_ways_of_drawing_follow_one_formula(kind: str) -> None:
    ordered, drawn = _in_order(kind, "1"), DATASETS[kind]().load(None, 1)
    assert [len(p) for p in ordered] == [len(p) for p in drawn]
    for a, b in ((ordered.train, drawn.train), (ordered.test, drawn.test)):
        assert a.points is not None
        assert b.points is not None
        assert np.abs(a.points).mean() == pytest.approx(np.abs(b.points).mean(), rel=0.25)


@pytest.mark.parametrize("kind", PLANES)
def test_an_odd_number_of_points_is_drawn_whole(kind: str) -> None:
    points, labels = _plane(kind, samples=11).draw(InOrder(arc4("x").__next__))
    assert points.shape == (11, 2)
    assert labels.shape == (11,)


@pytest.mark.parametrize("kind", PLANES)
def test_a_thumbnail_is_200_points_and_always_the_same(kind: str) -> None:
    cls = DATASETS[kind]
    assert issubclass(cls, Plane)
    points, labels = cls.thumbnail(5)
    assert points.shape == (200, 2)
    assert len(labels) == 200
    assert np.array_equal(points, cls.thumbnail(5)[0])
    assert np.abs(points).max() < 7


def test_noise_turns_labels_of_the_circle_but_moves_no_point() -> None:
    calm, noisy = _plane("circle").load(None, 0), _plane("circle", noise=50.0).load(None, 0)
    assert np.array_equal(calm.train.x, noisy.train.x)
    assert not np.array_equal(calm.train.y, noisy.train.y)


def test_spiral_and_clouds_move_their_points_with_noise() -> None:
    for kind in ("spiral", "gauss", "moons", "petals"):
        calm, noisy = _plane(kind).load(None, 0), _plane(kind, noise=50.0).load(None, 0)
        assert not np.array_equal(calm.train.x, noisy.train.x)


def test_labels_without_noise_obey_the_rule_of_each_set() -> None:
    train = _plane("circle").load(None, 0).train
    assert np.array_equal(np.hypot(*train.x.T) < 2.5, train.y == 1)
    train = _plane("xor").load(None, 0).train
    assert np.array_equal(train.x.prod(axis=1) >= 0, train.y == 1)
    assert np.abs(train.x).min() >= 0.3
    train = _plane("reg-plane").load(None, 0).train
    assert train.y == pytest.approx(train.x.sum(axis=1) / 10, abs=1e-5)
    train = _plane("reg-gauss").load(None, 0).train
    assert -1 <= train.y.min() < -0.5
    assert 0.5 < train.y.max() <= 1


def test_features_are_functions_of_the_point() -> None:
    source = _plane("circle", features=list(FEATURES))
    point = np.array([[2.0, -3.0]])
    assert source.featurise(point)[0] == pytest.approx([2, -3, 4, 9, -6, np.sin(2.0), np.sin(-3.0)])
    assert source.shape().input == (7,)


@pytest.mark.parametrize("petals", [3, 4, 5])
def test_petals_have_as_many_classes_as_petals(petals: int) -> None:
    source = _plane("petals", petals=petals)
    assert source.shape().outputs == petals == len(source.classes())
    assert set(source.load(None, 0).train.y) == set(range(petals))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("noise", float("nan")), ("noise", -1), ("noise", True), ("samples", 2.5), ("samples", 0), ("train", 100),
        ("features", []), ("features", ["x", "x"]), ("features", ["z"]), ("colour", 1),
    ],
)  # fmt: skip
def test_a_bad_setting_is_refused_by_its_name(setting: str, value: Any) -> None:
    with pytest.raises(ArgumentError) as caught:
        DATASETS["circle"](**{setting: value})
    assert caught.value.field == setting


def test_shares_that_leave_nothing_to_test_on_are_refused() -> None:
    with pytest.raises(ArgumentError, match="validation"):
        DATASETS["circle"](train=60.0, validation=40.0).load(None, 0)
