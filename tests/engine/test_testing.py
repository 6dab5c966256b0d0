"""`engine.testing.assert_close` says what PyTorch's says."""

from typing import Any

import pytest

import engine

torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install '.[oracle]'")

PAIRS: list[Any] = [
    lambda t: (t.tensor([1.0, 2.0]), t.tensor([1.0, 2.1]), {}),
    lambda t: (t.tensor([1.0, 2.0]), t.tensor([1.0, 2.0000001]), {}),
    lambda t: (t.tensor(1.0), t.tensor(2.0), {}),
    lambda t: (t.tensor([1, 2]), t.tensor([1, 3]), {}),
    lambda t: (t.tensor([1.0]), t.tensor([1.0]).double(), {}),
    lambda t: (t.tensor([1.0]), t.tensor([1.0]).double(), {"check_dtype": False}),
    lambda t: (t.ones(2), t.ones(3), {}),
    lambda t: ([t.ones(2)], [t.zeros(2)], {}),
    lambda t: ({"a": t.ones(2)}, {"b": t.zeros(2)}, {}),
    lambda t: ({"a": [t.ones(2)]}, {"a": [t.zeros(2)]}, {}),
    lambda t: (1.0, 1.1, {}),
    lambda t: (t.ones(2, 2), t.tensor([[1, 2], [1, float("nan")]]), {"rtol": 0.1, "atol": 0.2}),
    lambda t: (t.tensor([float("nan")]), t.tensor([float("nan")]), {"equal_nan": True}),
    lambda t: (t.ones(2), [1, 2], {}),
    lambda t: (t.tensor([True]), t.tensor([False]), {}),
    lambda t: ([t.ones(2)], [], {}),
    lambda t: (t.ones(2), t.zeros(2), {"msg": "said by the caller"}),
    lambda t: (t.ones(2), t.zeros(2), {"rtol": 1.0}),
    lambda t: (None, 1, {}),
    lambda t: (t.rand(0), t.rand(0), {}),
]


def said(library: Any, pair: Any) -> tuple[str, str]:
    actual, expected, options = pair(library)
    try:
        library.testing.assert_close(actual, expected, **options)
    except (AssertionError, ValueError, TypeError) as refusal:
        words = str(refusal).replace("torch.", "engine.").replace("engine.Tensor", "engine.tensor.Tensor")
        return type(refusal).__name__, words
    return "", ""


@pytest.mark.parametrize("pair", PAIRS)
def test_assert_close_agrees_with_pytorchs(pair: Any) -> None:
    assert said(engine, pair) == said(torch, pair)
