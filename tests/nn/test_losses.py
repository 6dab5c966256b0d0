"""Laws over the registry of losses, and PyTorch's own values."""

from typing import Any

import numpy as np
import pytest

import engine
from engine.errors import ArgumentError
from engine.nn import LOSSES, BCELoss, NLLLoss, SmoothL1Loss
from engine.nn.module import defaults, form_settings
from engine.rng import Generator

CASES: list[tuple[str, dict[str, Any]]] = [
    ("MSELoss", {}), ("MSELoss", {"reduction": "sum"}), ("MSELoss", {"reduction": "none"}),
    ("L1Loss", {}), ("HuberLoss", {}), ("HuberLoss", {"delta": 0.3}), ("SmoothL1Loss", {"beta": 0.5}),
    ("CrossEntropyLoss", {}), ("CrossEntropyLoss", {"label_smoothing": 0.2, "reduction": "sum"}),
    ("CrossEntropyLoss", {"ignore_index": 1}),
    ("NLLLoss", {}), ("BCEWithLogitsLoss", {}), ("BCELoss", {"reduction": "none"}),
]  # fmt: skip


def _pair(name: str) -> tuple[Any, Any]:
    draw = Generator(3)
    x = draw.normal((6, 4)).astype(np.float32)
    if name == "BCELoss":
        x = 1 / (1 + np.exp(-x))
    target = draw.integers(0, 4, (6,)) if name in ("CrossEntropyLoss", "NLLLoss") else draw.uniform((6, 4)).astype("f4")
    return x, target


@pytest.mark.parametrize(("name", "params"), CASES)
def test_values_and_gradients_are_those_of_pytorch(name: str, params: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="the oracle is not installed")
    values, target = _pair(name)
    x, tx = engine.tensor(values, requires_grad=True), torch.tensor(values, requires_grad=True)
    loss = getattr(engine.nn, name)(**params)(x, engine.tensor(target))
    theirs = getattr(torch.nn, name)(**params)(tx, torch.tensor(target))
    np.testing.assert_allclose(loss.detach().numpy(), theirs.detach().numpy(), rtol=1e-5)
    loss.sum().backward()
    theirs.sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), tx.grad.numpy(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", list(LOSSES))
def test_a_loss_is_built_from_its_form_and_says_what_it_is(name: str) -> None:
    loss = LOSSES[name](**defaults(LOSSES[name]))
    values, target = _pair(name)
    assert loss(engine.tensor(values), engine.tensor(target)).shape == ()
    assert loss.task in ("classification", "regression", "both")
    assert LOSSES[name].__doc__
    assert "weight" not in form_settings(LOSSES[name])


def test_half_of_the_squared_error_is_half_of_the_squared_error() -> None:
    x, y = engine.tensor([1.0, 3.0]), engine.tensor([0.0, 0.0])
    assert LOSSES["HalfMSELoss"]()(x, y).item() == 2.5
    assert LOSSES["HalfMSELoss"](reduction="sum")(x, y).item() == 5.0


def test_weights_of_classes_count() -> None:
    torch = pytest.importorskip("torch", reason="the oracle is not installed")
    values, target = _pair("CrossEntropyLoss")
    weight = [0.1, 2.0, 1.0, 0.5]
    ours = engine.nn.CrossEntropyLoss(weight=engine.tensor(weight))(engine.tensor(values), engine.tensor(target))
    theirs = torch.nn.CrossEntropyLoss(weight=torch.tensor(weight))(torch.tensor(values), torch.tensor(target))
    assert ours.item() == pytest.approx(theirs.item(), rel=1e-5)


@pytest.mark.parametrize("cls", [*LOSSES.values(), BCELoss, NLLLoss, SmoothL1Loss])
def test_an_unknown_reduction_is_refused(cls: Any) -> None:
    with pytest.raises(ArgumentError) as caught:
        cls(reduction="median")
    assert caught.value.field == "reduction"
