"""Weights made of other parameters, beside PyTorch's; parameters as a vector; lazy layers."""

import copy
from typing import Any

import numpy as np
import pytest

import engine
from engine.nn.utils import parametrize

torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install '.[oracle]'")

RULES = [
    ("parametrizations.weight_norm", {}),
    ("parametrizations.weight_norm", {"dim": None}),
    ("parametrizations.spectral_norm", {"n_power_iterations": 2}),
    ("parametrizations.orthogonal", {}),
    ("parametrizations.orthogonal", {"orthogonal_map": "cayley"}),
    ("parametrizations.orthogonal", {"orthogonal_map": "matrix_exp"}),
    ("parametrizations.orthogonal", {"orthogonal_map": "householder"}),
    ("parametrizations.orthogonal", {"orthogonal_map": "householder", "use_trivialization": False}),
    ("weight_norm", {}),
    ("weight_norm", {"dim": 1}),
    ("spectral_norm", {}),
]
LAYERS: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = [
    ("Linear", (3, 3), (4, 3)),
    ("Linear", (3, 5), (4, 3)),
    ("Linear", (5, 3), (4, 5)),
    ("Conv2d", (2, 4, 3), (1, 2, 5, 5)),
    ("ConvTranspose2d", (2, 4, 3), (1, 2, 5, 5)),
]


def rule(lib: Any, path: str) -> Any:
    found = lib.nn.utils
    for part in path.split("."):
        found = getattr(found, part)
    return found


def numbers(state: Any) -> dict[str, np.ndarray]:
    return {name: value.numpy() for name, value in state.items()}


@pytest.mark.parametrize(("layer", "sizes", "shape"), LAYERS, ids=str)
@pytest.mark.parametrize(("path", "settings"), RULES, ids=str)
@pytest.mark.filterwarnings("ignore")
def test_a_reweighted_layer_is_that_of_pytorch(
    path: str, settings: dict[str, Any], layer: str, sizes: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    if "orthogonal" in path and "Conv" in layer:
        return  # batches of small matrices: the same code
    theirs = rule(torch, path)(getattr(torch.nn, layer)(*sizes), **settings)
    ours = rule(engine, path)(getattr(engine.nn, layer)(*sizes), **settings)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_parameters()] == [n for n, _ in theirs.named_parameters()]
    assert "orthogonal" in path or repr(ours) == repr(theirs)
    ours.load_state_dict(numbers(theirs.state_dict()))
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    for _ in range(2):
        y, t = ours(engine.tensor(x)), theirs(torch.tensor(x))
        (y * y * y).sum().backward()
        (t * t * t).sum().backward()
    np.testing.assert_allclose(y.detach().numpy(), t.detach().numpy(), rtol=1e-4, atol=1e-5)
    for (name, p), (_, q) in zip(ours.named_parameters(), theirs.named_parameters(), strict=True):
        np.testing.assert_allclose(p.grad.numpy(), q.grad.numpy(), rtol=1e-3, atol=1e-4, err_msg=name)
    for name, value in numbers(theirs.state_dict()).items():
        np.testing.assert_allclose(ours.state_dict()[name].numpy(), value, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("based", [True, False])
@pytest.mark.parametrize("kind", ["matrix_exp", "cayley", "householder"])
@pytest.mark.parametrize("shape", [(4, 4), (6, 3), (3, 6)], ids=str)
def test_orthogonal_weights_stay_orthogonal_while_they_learn(kind: str, shape: tuple[int, int], based: bool) -> None:
    layer = engine.nn.Linear(*shape).double()
    engine.nn.utils.parametrizations.orthogonal(layer, orthogonal_map=kind, use_trivialization=based)
    other = engine.nn.init.orthogonal_(engine.empty(shape[1], shape[0], dtype=engine.float64))
    if based or kind == "householder":
        layer.weight = other
        np.testing.assert_allclose(layer.weight.detach().numpy(), other.numpy(), atol=1e-6)
    optimizer = engine.optim.SGD(layer.parameters(), lr=0.1)
    for _ in range(3):
        optimizer.zero_grad()
        layer(engine.ones(1, shape[0], dtype=engine.float64)).pow(2).sum().backward()
        optimizer.step()
    w = layer.weight.detach().numpy()
    np.testing.assert_allclose(w @ w.T if shape[1] <= shape[0] else w.T @ w, np.eye(min(shape)), atol=1e-6)
    assert np.abs(w - other.numpy()).max() > 1e-3


class Symmetric(engine.nn.Module):
    """The upper triangle decides."""

    def forward(self, x: Any) -> Any:
        return x.triu() + x.triu(1).transpose(-1, -2)

    def right_inverse(self, a: Any) -> Any:
        return a.triu()


def test_a_parameter_may_be_a_function_of_others() -> None:
    layer = engine.nn.Linear(3, 3)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    assert type(layer).__name__ == "ParametrizedLinear"
    assert parametrize.type_before_parametrizations(layer) is engine.nn.Linear
    assert np.array_equal(layer.weight.detach().numpy(), layer.weight.detach().numpy().T)
    layer.weight = engine.ones(3, 3)
    assert layer.parametrizations.weight.original.tolist() == [[1, 1, 1], [0, 1, 1], [0, 0, 1]]
    twin = copy.deepcopy(layer)
    with parametrize.cached():
        assert layer.weight is layer.weight
    assert layer.weight is not layer.weight
    parametrize.remove_parametrizations(layer, "weight")
    assert type(layer) is engine.nn.Linear
    assert layer.weight.tolist() == [[1, 1, 1]] * 3
    assert list(layer.state_dict()) == ["bias", "weight"]
    assert twin.weight.tolist() == [[1, 1, 1]] * 3
    assert parametrize.is_parametrized(twin, "weight")
    with pytest.raises(ValueError, match="parameter or buffer"):
        parametrize.register_parametrization(layer, "wait", Symmetric())
    with pytest.raises(ValueError, match="keeps"):
        parametrize.register_parametrization(twin, "weight", engine.nn.Flatten(0))


def test_taking_a_rule_away_leaves_the_weight() -> None:
    for name in ("weight_norm", "spectral_norm"):
        layer = getattr(engine.nn.utils, name)(engine.nn.Linear(3, 2))
        layer.eval()
        before = layer(engine.ones(1, 3)).detach().numpy()
        getattr(engine.nn.utils, f"remove_{name}")(layer)
        np.testing.assert_allclose(layer(engine.ones(1, 3)).detach().numpy(), before, rtol=1e-5)
        assert list(layer.state_dict()) == ["bias", "weight"]
        with pytest.raises(ValueError, match="none"):
            getattr(engine.nn.utils, f"remove_{name}")(layer)


def test_parameters_become_a_vector_and_back() -> None:
    first, second = engine.nn.Linear(3, 2), engine.nn.Linear(3, 2)
    row = engine.nn.utils.parameters_to_vector(first.parameters())
    assert row.shape == (8,)
    engine.nn.utils.vector_to_parameters(row.detach().clone(), second.parameters())
    assert np.array_equal(first.weight.detach().numpy(), second.weight.detach().numpy())
    assert second.weight.requires_grad


@pytest.mark.parametrize(
    ("name", "args", "shape"),
    [
        ("LazyLinear", (4,), (2, 5)),
        ("LazyConv2d", (4, 3), (2, 3, 5, 5)),
        ("LazyConv1d", (4, 3), (3, 5)),
        ("LazyConvTranspose3d", (4, 2), (1, 3, 2, 2, 2)),
        ("LazyBatchNorm1d", (), (4, 3)),
        ("LazyBatchNorm2d", (1e-3,), (4, 3, 2, 2)),
        ("LazyBatchNorm3d", (), (4, 3, 2, 2, 2)),
        ("LazyInstanceNorm2d", (), (4, 3, 2, 2)),
    ],
    ids=str,
)
@pytest.mark.filterwarnings("ignore")
def test_lazy_layers_become_the_layers_of_pytorch(name: str, args: tuple[Any, ...], shape: tuple[int, ...]) -> None:
    ours, theirs = getattr(engine.nn, name)(*args), getattr(torch.nn, name)(*args)
    assert repr(ours) == repr(theirs)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    twin = copy.deepcopy(ours)
    with pytest.raises(RuntimeError, match="once with an example"):
        _ = twin.weight.shape if twin.weight is not None else engine.nn.UninitializedParameter().shape
    x = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    t = theirs(torch.tensor(x))
    twin.load_state_dict(numbers(theirs.state_dict()))
    ours(engine.tensor(x))
    assert repr(ours) == repr(theirs)
    assert type(ours).__name__ == type(theirs).__name__
    assert {n: v.shape for n, v in numbers(ours.state_dict()).items()} == {
        n: v.shape for n, v in numbers(theirs.state_dict()).items()
    }
    assert tuple(twin(engine.tensor(x)).shape) == tuple(t.shape)
    if "BatchNorm" not in name:
        np.testing.assert_allclose(twin(engine.tensor(x)).detach().numpy(), t.detach().numpy(), rtol=1e-4, atol=1e-5)
