"""Derived calls say their parameters, to people and to type checkers."""

import inspect

import engine
from engine import signatures


def test_the_stub_of_the_derived_methods_is_up_to_date() -> None:
    assert signatures.PLACE.read_text() == signatures.text(), "python -m engine.signatures"


def test_a_derived_call_shows_pytorchs_parameters() -> None:
    assert list(inspect.signature(engine.sum).parameters) == ["input", "dim", "keepdim", "dtype"]
    assert list(inspect.signature(engine.add).parameters)[:2] == ["input", "other"]
    assert list(inspect.signature(engine.zeros).parameters)[:1] == ["sizes"]


def test_inner_parts_of_rules_are_not_listed() -> None:
    assert "index_backward" not in dir(engine) or ">>>" in engine.index_backward.__doc__
    assert {"sum", "add", "relu_", "save", "Tensor"} <= set(dir(engine))
