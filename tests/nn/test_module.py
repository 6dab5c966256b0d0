"""Module: what it holds, finds, saves and shows."""

import copy
from typing import Any

import numpy as np
import pytest

import engine
from engine.nn import BatchNorm1d, Dropout, Linear, Module, ModuleDict, ModuleList, Parameter, Sequential, Tanh
from engine.nn.state import StateError


class Small(Module):
    """Two layers, one of them used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.first = Linear(3, 3)
        self.second = self.first
        self.scale = Parameter(engine.ones(1))
        self.register_buffer("shift", engine.zeros(1))
        self.register_buffer("scrap", engine.zeros(1), persistent=False)
        self.extra: Any = None

    def forward(self, x: Any) -> Any:
        return self.second(self.first(x)) * self.scale + self.shift


def test_parameters_are_found_in_order_and_shared_ones_once() -> None:
    assert [name for name, _ in Small().named_parameters()] == ["scale", "first.weight", "first.bias"]
    assert len(list(Small().modules())) == 2
    assert len(list(Small().children())) == 1


def test_a_state_has_shared_tensors_under_both_names_and_no_scrap() -> None:
    keys = list(Small().state_dict())
    assert keys == ["scale", "shift", "first.weight", "first.bias", "second.weight", "second.bias"]


def test_the_keys_and_the_text_are_those_of_pytorch() -> None:
    torch = pytest.importorskip("torch", reason="the oracle is not installed")

    def build(nn: Any) -> Any:
        listed = nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2), nn.Sequential(nn.Tanh()), nn.BatchNorm1d(2)])
        blocks = nn.ModuleDict({"a": listed, "b": nn.Dropout(0.1), "c": nn.ModuleList()})
        pool = nn.Sequential(nn.Conv2d(1, 6, 5, padding=2), nn.MaxPool2d(2), nn.Flatten(), nn.LeakyReLU(0.2), nn.GELU())
        return nn.Sequential(blocks, pool, nn.Softmax(dim=1), nn.LayerNorm(4), nn.ReLU(), nn.Identity())

    ours, theirs = build(engine.nn), build(torch.nn)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]
    assert repr(ours) == repr(theirs)


def test_loading_writes_into_the_same_parameters() -> None:
    model, other = Small(), Small()
    weight = model.first.weight
    model.load_state_dict(other.state_dict())
    assert model.first.weight is weight
    assert np.array_equal(weight.array, other.first.weight.array)
    assert weight.array is not other.first.weight.array


def test_loading_takes_numpy_arrays() -> None:
    layer = Linear(2, 1)
    layer.load_state_dict({"weight": np.array([[1.0, 2.0]]), "bias": np.array([3.0])})
    assert layer(engine.tensor([1.0, 1.0])).item() == 6.0


def test_a_state_that_does_not_fit_changes_nothing_and_is_explained() -> None:
    layer = Linear(2, 1)
    before = layer.weight.array.copy()
    with pytest.raises(RuntimeError, match=r"(?s)Missing key\(s\).*\"bias\".*Unexpected key\(s\).*\"beta\""):
        layer.load_state_dict({"weight": np.zeros((1, 2)), "beta": 0})
    with pytest.raises(StateError, match="size mismatch for weight"):
        layer.load_state_dict({"bias": np.zeros(1), "weight": np.zeros((3, 2))})
    assert np.array_equal(layer.weight.array, before)
    missing, unexpected = layer.load_state_dict({"weight": np.zeros((1, 2)), "beta": 0}, strict=False)
    assert (missing, unexpected) == (["bias"], ["beta"])


def test_training_and_evaluation_reach_every_module() -> None:
    model = Sequential(Dropout(), Sequential(BatchNorm1d(2)))
    assert not any(m.training for m in model.eval().modules())
    assert all(m.training for m in model.train().modules())


def test_gradients_are_forgotten_or_zeroed() -> None:
    model = Linear(2, 1)
    model(engine.ones(3, 2)).sum().backward()
    grad = model.weight.grad
    model.zero_grad(set_to_none=False)
    assert model.weight.grad is grad, "it is filled where it lies, as in PyTorch"
    assert grad.tolist() == [[0, 0]]
    model.zero_grad()
    assert model.weight.grad is None


def test_hooks_see_and_change_what_passes() -> None:
    layer, seen = Tanh(), []
    with layer.register_forward_hook(lambda m, args, out: seen.append(out.item())):
        layer(engine.tensor(0.0))
    layer(engine.tensor(1.0))
    assert seen == [0.0]
    handle = layer.register_forward_pre_hook(lambda m, args: args[0] * 0)
    assert layer(engine.tensor(1.0)).item() == 0
    handle.remove()
    handle.remove()
    layer.register_forward_hook(lambda m, args, out: out + 1)
    assert layer(engine.tensor(0.0)).item() == 1


def test_attributes_may_be_replaced_and_removed() -> None:
    model = Small()
    model.scale = None
    assert model.scale is None
    assert [n for n, _ in model.named_parameters()] == ["first.weight", "first.bias"]
    model.scale = Parameter(engine.zeros(2))
    model.second = Tanh()
    assert "second.weight" not in model.state_dict()
    del model.first
    with pytest.raises(AttributeError, match="first"):
        _ = model.first
    with pytest.raises(TypeError, match="scale"):
        model.scale = 3
    model.extra = Linear(1, 1)
    assert "extra.bias" in model.state_dict()
    model.shift = engine.ones(1)
    assert model.state_dict()["shift"].item() == 1


def test_forgetting_the_base_constructor_is_explained() -> None:
    class Wrong(Module):
        def __init__(self) -> None:
            self.layer = Linear(1, 1)

    with pytest.raises(AttributeError, match=r"before Module.__init__"):
        Wrong()


@pytest.mark.parametrize("name", ["", "a.b", "forward"])
def test_names_that_cannot_be_are_refused(name: str) -> None:
    with pytest.raises(KeyError):
        Module().register_buffer(name, engine.zeros(1))


def test_element_types_change_and_parameters_stay_the_same_objects() -> None:
    model = Sequential(Linear(2, 2), BatchNorm1d(2))
    weight = model[0].weight
    model.double()
    assert model[0].weight is weight
    assert {str(p.dtype) for p in model.parameters()} == {"engine.float64"}
    assert str(model[1].num_batches_tracked.dtype) == "engine.int64"
    assert str(model.to(engine.float32)[1].running_mean.dtype) == "engine.float32"
    assert model(engine.ones(3, 2)).shape == (3, 2)
    assert model.to("cpu") is model


def test_a_deep_copy_shares_nothing() -> None:
    model = Sequential(Linear(2, 2), Tanh())
    twin = copy.deepcopy(model)
    assert isinstance(twin[0].weight, Parameter)
    assert twin[0].weight is not model[0].weight
    assert np.array_equal(twin[0].weight.array, model[0].weight.array)
    assert twin[0].weight.array is not model[0].weight.array


def test_apply_and_freezing_reach_everything() -> None:
    names: list[str] = []
    model = Sequential(Linear(1, 1), Sequential(Tanh()))
    model.apply(lambda m: names.append(type(m).__name__))
    assert names == ["Linear", "Tanh", "Sequential", "Sequential"]
    assert not any(p.requires_grad for p in model.requires_grad_(False).parameters())


def test_submodules_parameters_and_buffers_are_found_by_their_path() -> None:
    model = Sequential(Sequential(Linear(1, 1)), BatchNorm1d(1))
    assert model.get_submodule("0.0") is model[0][0]
    assert model.get_parameter("0.0.weight") is model[0][0].weight
    assert model.get_buffer("1.running_var").item() == 1
    for path in ("0.5", "1.running_var"):
        with pytest.raises(AttributeError):
            model.get_parameter(path)


def test_containers_behave_like_what_they_hold() -> None:
    chain = Sequential({"in": Linear(1, 2), "out": Linear(2, 1)})
    assert next(iter(chain.state_dict())) == "in.weight"
    assert len(chain[:1]) == 1
    chain.append(Tanh()).insert(0, Tanh())
    assert [type(m).__name__ for m in chain] == ["Tanh", "Linear", "Linear", "Tanh"]
    del chain[0]
    assert len(chain) == 3
    held = ModuleList([Linear(1, 1)])
    held.extend([Tanh(), Tanh()])
    held[1] = Linear(1, 1)
    assert held[-1] in held
    assert len(held[1:]) == 2
    named = ModuleDict({"a": Tanh()})
    named["b"] = Linear(1, 1)
    assert list(named) == ["a", "b"]
    assert "a" in named
    named.pop("a")
    assert list(named.keys()) == ["b"]


def test_a_module_without_forward_says_so() -> None:
    with pytest.raises(NotImplementedError, match="Module has no forward"):
        Module()(1)
