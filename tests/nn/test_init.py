"""First values: their spread, and where they come from."""

import math
from typing import Any

import numpy as np
import pytest

import engine
from engine.errors import ArgumentError, ShapeError
from engine.nn import Conv2d, Linear, init
from engine.rng import Generator


def _filled(fill: Any, shape: tuple[int, ...] = (200, 300)) -> Any:
    return fill(engine.zeros(*shape)).numpy()


@pytest.mark.parametrize(
    ("fill", "bound", "spread"),
    [
        (lambda t: init.uniform_(t, -2, 1), 2.0, 3 / math.sqrt(12)),
        (lambda t: init.normal_(t, 0, 0.5), None, 0.5),
        (lambda t: init.xavier_uniform_(t), math.sqrt(6 / 500), math.sqrt(2 / 500)),
        (lambda t: init.xavier_normal_(t, gain=2.0), None, 2 * math.sqrt(2 / 500)),
        (lambda t: init.kaiming_uniform_(t, nonlinearity="relu"), math.sqrt(6 / 300), math.sqrt(2 / 300)),
        (lambda t: init.kaiming_normal_(t, mode="fan_out", nonlinearity="relu"), None, math.sqrt(2 / 200)),
        (lambda t: init.trunc_normal_(t, std=0.5, a=-0.5, b=0.5), 0.5, None),
    ],
)
def test_numbers_have_the_spread_they_should(fill: Any, bound: float | None, spread: float | None) -> None:
    values = _filled(fill)
    if bound is not None:
        assert np.abs(values).max() <= bound * (1 + 1e-6)
    if spread is not None:
        assert values.std() == pytest.approx(spread, rel=0.03)


def test_layers_start_with_the_bounds_of_pytorch() -> None:
    layer = Linear(100, 400)
    assert 0.1 >= np.abs(layer.weight.array).max() > 0.098
    assert np.abs(layer.bias.array).max() <= 0.1
    filters = Conv2d(4, 100, 5)
    assert 0.1 >= np.abs(filters.weight.array).max() > 0.098


def test_the_spread_is_the_same_as_in_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="the oracle is not installed")
    for name in ("xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_", "orthogonal_"):
        theirs = getattr(torch.nn.init, name)(torch.zeros(64, 32, 3, 3)).numpy()
        ours = _filled(getattr(init, name), (64, 32, 3, 3))
        assert ours.std() == pytest.approx(theirs.std(), rel=0.03)
    for name in ("linear", "tanh", "relu", "leaky_relu", "selu", "sigmoid"):
        assert init.calculate_gain(name) == pytest.approx(torch.nn.init.calculate_gain(name))


def test_an_orthogonal_matrix_is_orthogonal() -> None:
    for shape in ((5, 8), (8, 5)):
        q = _filled(init.orthogonal_, shape).astype(np.float64)
        product = q @ q.T if shape[0] < shape[1] else q.T @ q
        assert product == pytest.approx(np.eye(5), abs=1e-5)


def test_plain_fillings() -> None:
    assert (_filled(init.ones_) == 1).all()
    assert (_filled(init.zeros_) == 0).all()
    assert (_filled(lambda t: init.constant_(t, 3)) == 3).all()
    assert np.array_equal(_filled(init.eye_, (3, 4)), np.eye(3, 4))


def test_weights_depend_on_their_own_seed_alone() -> None:
    def weights(seed: int) -> Any:
        with init.drawn_from(Generator(seed)):
            return Linear(5, 5).weight.array

    engine.manual_seed(1)
    first = weights(3)
    engine.randn(100)
    assert np.array_equal(first, weights(3))
    assert not np.array_equal(first, weights(4))


def test_outside_of_the_context_the_global_seed_decides() -> None:
    engine.manual_seed(5)
    first = Linear(3, 3).weight.array
    engine.manual_seed(5)
    assert np.array_equal(first, Linear(3, 3).weight.array)


def test_a_generator_may_be_given() -> None:
    values = [_filled(lambda t: init.normal_(t, generator=Generator(8)), (4, 4)) for _ in range(2)]
    assert np.array_equal(*values)


def test_filling_a_parameter_needs_no_gradient_mode() -> None:
    weight = Linear(2, 2).weight
    init.zeros_(weight)
    assert weight.is_leaf
    assert weight.requires_grad


def test_what_has_no_fan_or_is_not_known_is_refused() -> None:
    with pytest.raises(ShapeError):
        init.xavier_uniform_(engine.zeros(3))
    with pytest.raises(ShapeError):
        init.orthogonal_(engine.zeros(3))
    with pytest.raises(ShapeError):
        init.eye_(engine.zeros(3))
    with pytest.raises(ArgumentError, match="relu"):
        init.calculate_gain("curly")
    with pytest.raises(ArgumentError, match="fan_in"):
        init.kaiming_normal_(engine.zeros(2, 2), mode="fan")
    with pytest.raises(ArgumentError, match="interval"):
        init.trunc_normal_(engine.zeros(2), a=3, b=2)


def test_filters_that_hand_on_and_sparse_matrices_are_those_of_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="the oracle is not installed")
    for shape, groups in (((4, 2, 3), 2), ((3, 5, 3, 3), 1), ((4, 4, 1, 2, 3), 4)):
        expected = torch.nn.init.dirac_(torch.empty(shape), groups).numpy()
        assert np.array_equal(init.dirac_(engine.empty(*shape), groups).numpy(), expected)
    values = init.sparse_(engine.empty(50, 8), 0.31, std=2.0).numpy()
    assert ((values == 0).sum(0) == 16).all()
    assert values[values != 0].std() == pytest.approx(2.0, rel=0.15)
    for wrong in (lambda: init.dirac_(engine.zeros(3)), lambda: init.sparse_(engine.zeros(3), 0.1)):
        with pytest.raises(ValueError, match="ax"):
            wrong()


def test_every_function_of_pytorch_is_here() -> None:
    torch = pytest.importorskip("torch", reason="the oracle is not installed")
    theirs = {
        n for n, f in vars(torch.nn.init).items() if callable(f) and f.__module__ == "torch.nn.init" and n[0] != "_"
    }
    assert not [n for n in theirs if not hasattr(init, n)]
    assert {n for n in vars(torch.nn.utils) if n[0] != "_" and "_norm" in n} <= set(dir(engine.nn.utils))


@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("Bilinear", (30, 20, 400)),
        ("Embedding", (50, 30)),
        ("LSTM", (20, 30)),
        ("ConvTranspose2d", (8, 400, 3)),
        ("GRUCell", (20, 30)),
    ],
)
def test_first_values_of_other_layers_have_the_spread_of_pytorch(name: str, args: tuple[int, ...]) -> None:
    torch = pytest.importorskip("torch", reason="the oracle is not installed")
    engine.manual_seed(0)
    torch.manual_seed(0)
    ours, theirs = getattr(engine.nn, name)(*args), getattr(torch.nn, name)(*args)
    for (key, p), q in zip(ours.named_parameters(), theirs.parameters(), strict=True):
        assert p.detach().numpy().std() == pytest.approx(q.detach().numpy().std(), rel=0.35), key
        if name != "Embedding":
            assert np.abs(p.detach().numpy()).max() == pytest.approx(np.abs(q.detach().numpy()).max(), rel=0.15), key
