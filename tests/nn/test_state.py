"""State dicts and containers beside PyTorch's: keys, refusals word for word, what assign and strict do."""

import copy
import pickle
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest

import engine

torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install '.[oracle]'")


def model(nn: Any) -> Any:
    return nn.Sequential(OrderedDict(first=nn.Linear(2, 3), norm=nn.BatchNorm1d(3), last=nn.Linear(3, 1, bias=False)))


def said(lib: Any, given: dict[str, tuple[int, ...]], strict: bool) -> str:
    with pytest.raises(RuntimeError) as caught:
        model(lib.nn).load_state_dict({k: lib.zeros(shape) for k, shape in given.items()}, strict=strict)
    return str(caught.value).replace("torch.Size(", "").replace("])", "]")


@pytest.mark.parametrize("strict", [True, False])
def test_every_misfit_is_told_in_the_words_of_pytorch(strict: bool) -> None:
    given = {
        "first.weight": (2, 2),
        "first.extra": (1,),
        "norm.running_mean": (4,),
        "other": (2,),
        "last.weight": (1, 3),
    }
    assert said(engine, given, strict) == said(torch, given, strict)


def test_a_misfit_changes_nothing() -> None:
    ours = model(engine.nn)
    before = copy.deepcopy(ours.state_dict())
    with pytest.raises(RuntimeError):
        ours.load_state_dict({k: np.ones(v.shape) for k, v in before.items()} | {"last.weight": np.ones((9, 9))})
    assert all(
        np.array_equal(a.numpy(), b.numpy()) for a, b in zip(before.values(), ours.state_dict().values(), strict=True)
    )


def test_keys_found_and_not_found_are_handed_back() -> None:
    ours, theirs = model(engine.nn), model(torch.nn)
    assert repr(ours.load_state_dict(ours.state_dict())) == repr(theirs.load_state_dict(theirs.state_dict()))
    pair = [m.load_state_dict({"x": lib.zeros(1)}, strict=False) for lib, m in ((engine, ours), (torch, theirs))]
    assert repr(pair[0]) == repr(pair[1])
    with pytest.raises(TypeError, match="dict-like"):
        ours.load_state_dict([1])


def test_assigned_values_take_the_place_of_the_parameters() -> None:
    layer, given = engine.nn.Linear(2, 1), {"weight": engine.ones(1, 2, dtype=engine.float64), "bias": engine.ones(1)}
    layer.weight.requires_grad_(False)
    layer.load_state_dict(given, assign=True)
    assert layer.weight.dtype == engine.float64
    assert isinstance(layer.weight, engine.nn.Parameter)
    assert (layer.weight.requires_grad, layer.bias.requires_grad) == (False, True)
    assert np.shares_memory(layer.weight.array, given["weight"].array)


class Counted(engine.nn.Module):
    """Saves a number that is no tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 3
        self.held = engine.nn.Buffer(engine.ones(1), persistent=False)
        self.kept = engine.nn.Buffer(engine.ones(2))

    def get_extra_state(self) -> Any:
        return {"count": self.count}

    def set_extra_state(self, state: Any) -> None:
        self.count = state["count"]


def test_a_module_may_save_more_than_tensors() -> None:
    first, second = engine.nn.Sequential(Counted()), engine.nn.Sequential(Counted())
    first[0].count = 8
    state = first.state_dict()
    assert list(state) == ["0.kept", "0._extra_state"]
    second.load_state_dict(state)
    assert second[0].count == 8
    with pytest.raises(RuntimeError, match="_extra_state"):
        second.load_state_dict({"0.kept": engine.ones(2)})
    assert [n for n, _ in second.named_buffers()] == ["0.held", "0.kept"]
    second[0].kept = engine.zeros(2)
    assert second.state_dict()["0.kept"].tolist() == [0, 0]


def test_modules_go_through_pickle_and_deepcopy_with_what_they_share() -> None:
    ours = model(engine.nn)
    ours.last.weight = engine.nn.Parameter(engine.ones(3, 2))
    ours.first.weight = ours.last.weight
    for twin in (pickle.loads(pickle.dumps(ours)), copy.deepcopy(ours)):
        assert twin.first.weight is twin.last.weight
        assert twin.first.weight is not ours.first.weight
        assert repr(twin) == repr(ours)


def containers(lib: Any) -> Any:
    nn = lib.nn
    rows = nn.Sequential(nn.Linear(1, 2), nn.Tanh()) + nn.Sequential(nn.Linear(2, 1))
    rows += nn.Sequential(nn.ReLU())
    rows.insert(1, nn.GELU())
    rows.extend([nn.Tanh(), nn.Tanh()])
    rows.pop(-1)
    rows[0] = nn.Linear(1, 2, bias=False)
    listed = nn.ModuleList([nn.Linear(1, 1)]) + [nn.Tanh()] * 3
    listed.insert(1, nn.Identity())
    del listed[2:4]
    named = nn.ModuleDict([("a", nn.Tanh()), ("b", listed)])
    named.update(nn.ModuleDict({"c": nn.ReLU()}))
    weights = nn.ParameterList([lib.zeros(2, 3), 4, lib.zeros(1)])
    weights += [lib.ones(2)]
    weights[2] = lib.zeros(5)
    table = nn.ParameterDict({"right": lib.zeros(2), "left": lib.zeros(1)})
    table["new"] = lib.ones(1)
    table.setdefault("left")
    return nn.ModuleDict(
        {"rows": rows * 2, "part": rows[1:3], "named": named, "weights": weights, "table": table | nn.ParameterDict()}
    )


def test_containers_are_those_of_pytorch() -> None:
    ours, theirs = containers(engine), containers(torch)
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert repr(ours) == repr(theirs).replace("torch.", "engine.")
    assert [n for n, _ in ours.named_modules()] == [n for n, _ in theirs.named_modules()]
    assert [n for n, _ in ours.named_modules(remove_duplicate=False)] == [
        n for n, _ in theirs.named_modules(remove_duplicate=False)
    ]
    ours.set_submodule("named.a", engine.nn.GELU())
    assert type(ours.get_submodule("named.a")).__name__ == "GELU"
    assert ours["table"].pop("new").item() == 1
    assert list(ours["table"]) == ["left", "right"] == list(ours["table"].keys())


@pytest.mark.parametrize("kind", ["Sequential", "ModuleList", "ParameterList"])
def test_places_that_do_not_exist_are_refused(kind: str) -> None:
    for lib in (engine, torch):
        held = getattr(lib.nn, kind)()
        with pytest.raises(IndexError):
            held[0]
