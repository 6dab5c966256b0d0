"""Averaged models (SWA, EMA), hooks of optimisers, and what the base of all optimisers does."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

import engine
from engine import nn, optim
from engine.errors import ArgumentError, Unsupported
from engine.optim import swa_utils

torch = pytest.importorskip("torch", reason="the oracle is not installed")


def _models() -> list[Any]:
    """The same small network, ours and PyTorch's."""
    draw = np.random.default_rng(0)
    weight, bias = draw.normal(size=(3, 2)).astype("f4"), draw.normal(size=3).astype("f4")
    found = []
    for lib in (engine, torch):
        model = lib.nn.Sequential(lib.nn.Linear(2, 3), lib.nn.BatchNorm1d(3))
        model.load_state_dict({**model.state_dict(), "0.weight": lib.tensor(weight), "0.bias": lib.tensor(bias)})
        found.append(model)
    return found


def _batches(lib: Any) -> list[Any]:
    draw = np.random.default_rng(1)
    return [lib.tensor(draw.normal(size=(8, 2)).astype("f4")) for _ in range(5)]


WAYS: dict[str, Any] = {
    "mean": lambda s: {},
    "moving": lambda s: {"multi_avg_fn": s.get_ema_multi_avg_fn(0.9)},
    "moving, one by one": lambda s: {"avg_fn": s.get_ema_avg_fn(0.7)},
    "with buffers": lambda s: {"multi_avg_fn": s.get_ema_multi_avg_fn(0.9), "use_buffers": True},
    "own": lambda s: {"avg_fn": lambda mean, value, count: 0.5 * mean + 0.5 * value / (count + 1)},
}


@pytest.mark.parametrize("way", WAYS)
def test_an_averaged_model_is_that_of_pytorch(way: str) -> None:
    found = []
    for lib, model in zip((engine, torch), _models(), strict=True):
        average = lib.optim.swa_utils.AveragedModel(model, **WAYS[way](lib.optim.swa_utils))
        optimizer = lib.optim.SGD(model.parameters(), lr=0.1)
        for x in _batches(lib):
            optimizer.zero_grad()
            model(x).sin().mean().backward()
            optimizer.step()
            average.update_parameters(model)
        lib.optim.swa_utils.update_bn([(x, 0) for x in _batches(lib)], average)
        found.append(average)
    ours, theirs = (average.state_dict() for average in found)
    assert list(ours) == list(theirs)
    for name, value in theirs.items():
        np.testing.assert_allclose(ours[name].numpy(), value.numpy(), rtol=1e-4, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("settings", [{}, {"anneal_strategy": "linear", "anneal_epochs": 4}, {"anneal_epochs": 0}])
def test_swalr_has_the_rates_of_pytorch(settings: dict[str, Any]) -> None:
    pairs = []
    for lib in (engine, torch):
        optimizer = lib.optim.SGD([lib.nn.Parameter(lib.zeros(1))], lr=0.5)
        pairs.append((optimizer, lib.optim.swa_utils.SWALR(optimizer, 0.05, **settings)))
    for _ in range(14):
        (ours, mine), (theirs, other) = pairs
        assert mine.get_last_lr() == pytest.approx(other.get_last_lr(), rel=1e-12)
        for part in (ours, theirs, mine, other):
            part.step()


def test_a_decay_outside_0_to_1_is_refused() -> None:
    with pytest.raises(ArgumentError):
        swa_utils.get_ema_multi_avg_fn(1.5)


def _sgd() -> tuple[nn.Parameter, optim.SGD]:
    weight = nn.Parameter(engine.tensor([1.0]))
    weight.grad = engine.tensor([1.0])
    return weight, optim.SGD([weight], lr=0.5, momentum=0.9)


def test_hooks_stand_around_steps_and_go_away() -> None:
    seen: list[str] = []
    _, optimizer = _sgd()
    handles = [
        optimizer.register_step_pre_hook(lambda o, args, kwargs: seen.append("before")),
        optimizer.register_step_post_hook(lambda o, args, kwargs: seen.append("after")),
    ]
    optimizer.step()
    for handle in handles:
        handle.remove()
    optimizer.step()
    assert seen == ["before", "after"]


def test_hooks_of_states_may_replace_them() -> None:
    weight, optimizer = _sgd()
    optimizer.step()
    optimizer.register_state_dict_pre_hook(lambda o: o.param_groups[0].update(mark=1))
    optimizer.register_state_dict_post_hook(lambda o, saved: {**saved, "more": 2})
    saved = optimizer.state_dict()
    assert saved["more"] == 2
    assert saved["param_groups"][0]["mark"] == 1
    seen: list[int] = []
    optimizer.register_load_state_dict_pre_hook(lambda o, saved: {**saved, "state": {}})
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append(1))
    optimizer.register_load_state_dict_post_hook(lambda o: seen.append(0), prepend=True)
    optimizer.load_state_dict(saved)
    assert weight not in optimizer.state
    assert seen == [0, 1]


def test_named_parameters_keep_their_names() -> None:
    model = nn.Linear(2, 1)
    optimizer = optim.AdamW(model.named_parameters())
    assert optimizer.param_groups[0]["param_names"] == ["weight", "bias"]
    saved = optimizer.state_dict()
    assert saved["param_groups"][0]["param_names"] == ["weight", "bias"]
    with pytest.raises(ArgumentError, match="names"):
        optimizer.add_param_group({"params": [nn.Parameter(engine.zeros(1))]})


def test_an_optimiser_is_copied_and_pickled_with_its_state() -> None:
    weight, optimizer = _sgd()
    optimizer.step()
    for other in (copy.deepcopy(optimizer), pickle.loads(pickle.dumps(optimizer))):
        (held,) = other.param_groups[0]["params"]
        assert held is not weight
        assert other.state[held]["momentum_buffer"].tolist() == [1.0]
        other.step()
    assert weight.tolist() == [0.5]


def test_a_differentiable_step_is_refused_with_the_way_out() -> None:
    with pytest.raises(Unsupported, match="w = w - lr"):
        optim.SGD([nn.Parameter(engine.zeros(1))], differentiable=True)


def test_flags_of_pytorch_are_accepted_and_change_nothing() -> None:
    found = []
    for flags in ({}, {"fused": True}, {"foreach": True}, {"capturable": True}):
        weight = nn.Parameter(engine.tensor([1.0]))
        weight.grad = engine.tensor([0.5])
        optim.AdamW([weight], lr=engine.tensor(0.1), **flags).step()
        found.append(weight.item())
    assert len(set(found)) == 1


def test_a_line_search_finds_the_bottom_of_rosenbrock_s_valley() -> None:
    point = nn.Parameter(engine.tensor([-1.5, 2.0], dtype=engine.float64))
    optimizer = optim.LBFGS([point], max_iter=60, line_search_fn="strong_wolfe")

    def closure() -> Any:
        optimizer.zero_grad()
        loss = (1 - point[0]) ** 2 + 100 * (point[1] - point[0] ** 2) ** 2
        loss.backward()
        return loss

    first = optimizer.step(closure)
    assert first.item() > 1
    assert point.tolist() == pytest.approx([1.0, 1.0], abs=1e-5)
    with pytest.raises(ArgumentError, match="closure"):
        optimizer.step()
