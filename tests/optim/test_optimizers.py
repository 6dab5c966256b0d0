"""Laws over the registry of optimisers, and PyTorch's own steps."""

from typing import Any

import numpy as np
import pytest

import engine
from engine.errors import ArgumentError, GraphError
from engine.nn import Linear, Parameter, Sequential, Tanh
from engine.nn.settings import defaults, form_settings
from engine.optim import OPTIMIZERS, SGD, Adam, Optimizer
from engine.rng import Generator

SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {}),
    ("SGD", {"lr": 0.05, "momentum": 0.9}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    ("SGD", {"lr": 0.05, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("SGD", {"lr": 0.05, "momentum": 0.5, "weight_decay": 0.1, "maximize": True}),
    ("Adam", {}),
    ("Adam", {"lr": 0.05, "betas": (0.8, 0.9), "eps": 1e-4, "weight_decay": 0.1}),
    ("Adam", {"lr": 0.05, "amsgrad": True}),
    ("Adam", {"lr": 0.05, "maximize": True, "weight_decay": 0.1}),
    ("AdamW", {}),
    ("AdamW", {"lr": 0.05, "weight_decay": 0.3, "amsgrad": True}),
    ("AdamW", {"lr": 0.05, "maximize": True}),
    ("RMSprop", {}),
    ("RMSprop", {"lr": 0.01, "alpha": 0.9, "momentum": 0.9, "centered": True, "weight_decay": 0.05}),
    ("RMSprop", {"lr": 0.01, "maximize": True, "momentum": 0.5}),
    ("Adagrad", {}),
    ("Adagrad", {"lr": 0.1, "lr_decay": 0.1, "initial_accumulator_value": 0.5, "weight_decay": 0.05}),
    ("Adagrad", {"lr": 0.1, "maximize": True}),
]


def _first_values(dtype: str = "float64") -> list[Any]:
    draw = Generator(7)
    return [draw.normal(shape).astype(dtype) for shape in ((3, 4), (4,), ())]


def _gradients(step: int, dtype: str = "float64") -> list[Any]:
    """Gradients with changing signs and sizes, one list for each step."""
    draw = Generator(1000 + step)
    return [draw.normal(shape).astype(dtype) * 10.0 ** (step % 3 - 1) for shape in ((3, 4), (4,), ())]


def _parameters(dtype: str = "float64") -> list[Parameter]:
    return [Parameter(engine.tensor(v)) for v in _first_values(dtype)]


def _step(optimizer: Optimizer, parameters: list[Parameter], step: int, dtype: str = "float64") -> None:
    for parameter, gradient in zip(parameters, _gradients(step, dtype), strict=True):
        parameter.grad = engine.tensor(gradient)
    optimizer.step()


@pytest.mark.parametrize(("name", "params"), SETTINGS)
def test_fifty_steps_are_those_of_pytorch(name: str, params: dict[str, Any]) -> None:
    torch = pytest.importorskip("torch", reason="the oracle is not installed")
    ours, theirs = _parameters(), [torch.nn.Parameter(torch.tensor(v)) for v in _first_values()]
    lr = {} if "lr" in params else {"lr": 0.01}
    optimizer, oracle = OPTIMIZERS[name](ours, **params, **lr), getattr(torch.optim, name)(theirs, **params, **lr)
    for step in range(50):
        for parameter, gradient in zip(theirs, _gradients(step), strict=True):
            parameter.grad = torch.tensor(gradient)
        oracle.step()
        _step(optimizer, ours, step)
        for a, b in zip(ours, theirs, strict=True):
            np.testing.assert_allclose(a.detach().numpy(), b.detach().numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_defaults_are_those_of_pytorch(name: str) -> None:
    torch = pytest.importorskip("torch", reason="the oracle is not installed")
    theirs = getattr(torch.optim, name)([torch.nn.Parameter(torch.zeros(1))]).defaults
    assert OPTIMIZERS[name](_parameters()).defaults == theirs


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_a_form_s_defaults_build_the_optimiser(name: str) -> None:
    assert "params" not in form_settings(OPTIMIZERS[name])
    assert OPTIMIZERS[name](_parameters(), **defaults(OPTIMIZERS[name])).param_groups[0]["lr"] > 0
    assert OPTIMIZERS[name].__doc__


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_a_restored_state_goes_on_with_the_same_numbers(name: str) -> None:
    first, second = _parameters("float32"), _parameters("float32")
    one, two = OPTIMIZERS[name](first, lr=0.1), OPTIMIZERS[name](second)
    for step in range(3):
        _step(one, first, step, "float32")
    for a, b in zip(first, second, strict=True):
        b.array[...] = a.array
    two.load_state_dict(one.state_dict())
    _step(one, first, 3, "float32")
    _step(two, second, 3, "float32")
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a.array, b.array)


@pytest.mark.parametrize("name", list(OPTIMIZERS))
def test_a_saved_state_is_not_moved_by_later_steps_of_the_restored_one(name: str) -> None:
    parameters = _parameters()
    optimizer = OPTIMIZERS[name](parameters)
    _step(optimizer, parameters, 0)
    saved = optimizer.state_dict()
    other_parameters = _parameters()
    other = OPTIMIZERS[name](other_parameters)
    other.load_state_dict(saved)
    before = {k: np.copy(v.array) for s in saved["state"].values() for k, v in s.items() if hasattr(v, "array")}
    _step(other, other_parameters, 1)
    assert all(
        np.array_equal(before[k], v.array)
        for s in list(saved["state"].values())[-1:]
        for k, v in s.items()
        if k in before
    )


def test_large_parameters_are_worked_on_in_blocks_with_the_same_result() -> None:
    draw = Generator(0)
    values, gradient = draw.normal((300, 200)), draw.normal((300, 200))
    whole, parts = Parameter(engine.tensor(values)), [Parameter(engine.tensor(row)) for row in values]
    one, many = Adam([whole], lr=0.1), Adam(parts, lr=0.1)
    for _ in range(3):
        whole.grad = engine.tensor(gradient)
        for part, row in zip(parts, gradient, strict=True):
            part.grad = engine.tensor(row)
        one.step()
        many.step()
    assert np.array_equal(whole.array, np.stack([p.array for p in parts]))


def test_a_transposed_parameter_is_stepped_right() -> None:
    values = np.arange(40000.0).reshape(200, 200)
    straight, turned = Parameter(engine.tensor(values.T.copy())), Parameter(engine.tensor(values).t())
    for parameter in (straight, turned):
        parameter.grad = engine.tensor(np.sin(values.T))
        Adam([parameter], lr=0.1).step()
    assert np.array_equal(straight.array, turned.array)


def test_parameters_without_a_gradient_stay_as_they_are() -> None:
    for cls in OPTIMIZERS.values():
        parameters = _parameters()
        cls(parameters, lr=1.0).step()
        assert np.array_equal(parameters[0].array, _first_values()[0])


def test_a_gradient_that_needs_the_values_before_the_step_is_refused() -> None:
    weight = Parameter(engine.tensor([2.0, 3.0]))
    loss = (weight * weight * weight).sum()
    weight.grad = engine.tensor([1.0, 1.0])
    SGD([weight], lr=0.1).step()
    with pytest.raises(GraphError):
        loss.backward()


def test_a_parameter_is_still_a_leaf_after_a_step() -> None:
    weight = Parameter(engine.tensor([2.0]))
    weight.grad = engine.tensor([1.0])
    SGD([weight], lr=0.5).step()
    assert weight.is_leaf
    assert weight.requires_grad
    assert weight.tolist() == [1.5]


def test_a_closure_may_compute_the_loss_anew() -> None:
    weight = Parameter(engine.tensor([1.0]))
    optimizer = SGD([weight], lr=0.25)

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (weight * weight).sum()
        loss.backward()
        return loss

    assert optimizer.step(closure).item() == 1.0
    assert weight.item() == 0.5


def test_groups_have_settings_of_their_own() -> None:
    slow, fast = Parameter(engine.tensor([0.0])), Parameter(engine.tensor([0.0]))
    optimizer = SGD([{"params": [slow], "lr": 0.1}, {"params": fast}], lr=1.0)
    slow.grad = fast.grad = engine.tensor([1.0])
    optimizer.step()
    assert slow.item() == pytest.approx(-0.1)
    assert fast.item() == pytest.approx(-1.0)


def test_a_small_network_learns_exclusive_or() -> None:
    engine.manual_seed(1)
    model = Sequential(Linear(2, 8), Tanh(), Linear(8, 1))
    x = engine.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = engine.tensor([[0.0], [1.0], [1.0], [0.0]])
    optimizer = Adam(model.parameters(), lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        loss = engine.nn.functional.mse_loss(model(x), y)
        loss.backward()
        optimizer.step()
    assert loss.item() < 0.01


@pytest.mark.parametrize(
    ("name", "params", "field"),
    [
        ("SGD", {"lr": -0.1}, "lr"),
        ("SGD", {"lr": float("nan")}, "lr"),
        ("SGD", {"lr": float("inf")}, "lr"),
        ("SGD", {"lr": "0.1"}, "lr"),
        ("SGD", {"momentum": -1.0}, "momentum"),
        ("SGD", {"nesterov": True}, "nesterov"),
        ("SGD", {"learning_rate": 0.1}, "learning_rate"),
        ("Adam", {"betas": (0.9, 1.0)}, "betas"),
        ("Adam", {"betas": (0.9,)}, "betas"),
        ("Adam", {"eps": -1.0}, "eps"),
        ("AdamW", {"weight_decay": -1.0}, "weight_decay"),
        ("RMSprop", {"alpha": float("nan")}, "alpha"),
        ("Adagrad", {"lr_decay": -1.0}, "lr_decay"),
    ],
)
def test_a_bad_setting_is_refused_by_its_name(name: str, params: dict[str, Any], field: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        OPTIMIZERS[name](_parameters(), **params)
    assert caught.value.field == field
    assert str(caught.value)


def test_a_bad_setting_of_a_group_is_refused() -> None:
    with pytest.raises(ArgumentError) as caught:
        SGD([{"params": _parameters(), "lr": -1.0}])
    assert caught.value.field == "lr"


def test_no_parameters_one_twice_and_computed_ones_are_refused() -> None:
    weight = Parameter(engine.tensor([1.0]))
    for params in ([], [{"params": [weight]}, {"params": [weight]}], [weight * 2]):
        with pytest.raises(ArgumentError):
            SGD(params)
    with pytest.raises(TypeError):
        SGD([1.0])  # type: ignore[list-item]


def test_the_state_of_another_model_is_refused() -> None:
    with pytest.raises(ArgumentError, match="groups"):
        SGD(_parameters()).load_state_dict(SGD(_parameters()[:1]).state_dict())
