"""Anomaly mode: the first operation that makes a number that is none, and where the program called it."""

import pytest
from twin import leaf

import engine
from engine.anomaly import AnomalyError


def test_the_first_nan_of_the_forward_is_named_with_its_line_and_the_range_of_its_inputs() -> None:
    x = engine.tensor([1.0, -4.0])
    with pytest.raises(AnomalyError) as caught, engine.autograd.detect_anomaly():
        (x.sqrt() * 2).sum()
    event = caught.value.event
    assert (event.operation, event.made, event.inputs) == ("sqrt", "nan", ("float32 [2] in [-4, 1]",))
    assert "test_anomaly.py" in event.place
    assert "x.sqrt()" in event.place
    assert caught.value.first is event


def test_an_infinity_is_where_it_began_though_the_nan_comes_later() -> None:
    x = leaf(engine, 1000.0)
    with engine.autograd.detect_anomaly():
        y = x.exp()
        with pytest.raises(AnomalyError) as caught:
            y - y
    assert (caught.value.event.operation, caught.value.first.operation) == ("sub", "exp")
    assert "It began before: exp made inf" in str(caught.value)


def test_a_backward_that_makes_nan_is_named_with_the_line_of_its_forward() -> None:
    x = leaf(engine, 0.0, 4.0)
    with engine.autograd.detect_anomaly() as watch:
        y = x.sqrt()
        z = (y * engine.tensor([0.0, 1.0])).sum()
        with pytest.raises(
            RuntimeError, match="Function 'SqrtBackward0' returned nan values in its 0th output"
        ) as caught:
            z.backward()
    assert "y = x.sqrt()" in caught.value.event.place
    assert watch.first is not None


def test_infinities_that_harm_nothing_are_no_error_and_masks_are_no_event() -> None:
    x = leaf(engine, 1.0, 2.0)
    with engine.autograd.detect_anomaly() as watch:
        x.masked_fill(engine.tensor([True, False]), float("-inf")).softmax(0).sum().backward()
    assert watch.first is None


def test_without_the_check_only_places_are_kept() -> None:
    with engine.autograd.detect_anomaly(check_nan=False):
        y = leaf(engine, -1.0).sqrt()
    assert "leaf(engine, -1.0).sqrt()" in y.grad_fn.metadata["traceback_"][0]


def test_the_switch_works_at_once_and_as_a_block() -> None:
    with engine.autograd.set_detect_anomaly(True):
        assert engine.is_anomaly_enabled()
        with engine.autograd.set_detect_anomaly(False):
            assert not engine.is_anomaly_enabled()
    assert not engine.is_anomaly_enabled()
    engine.autograd.set_detect_anomaly(True)
    assert engine.is_anomaly_enabled()
    engine.autograd.set_detect_anomaly(False)
    assert not engine.is_anomaly_enabled()


def test_a_gradient_through_two_layers_names_the_guilty_one() -> None:
    weights = [leaf(engine, 1.0, 2.0), leaf(engine, 3.0, 0.0)]
    with engine.autograd.detect_anomaly():
        h = (weights[0] * 2).tanh()
        h = h / weights[1]
        with pytest.raises(AnomalyError) as caught:
            h * engine.tensor([1.0, 0.0])
    assert (caught.value.event.operation, caught.value.first.operation) == ("mul", "div")
