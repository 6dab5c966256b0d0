"""Laws over the registry of schedules, and PyTorch's own rates."""

from typing import Any

import pytest

import engine
from engine.errors import ArgumentError
from engine.nn import Parameter
from engine.nn.settings import defaults, form_settings
from engine.optim import OPTIMIZERS, SCHEDULES, SGD, Adam, Optimizer, lr_scheduler

SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("StepLR", {"step_size": 7, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [3, 10, 10, 30], "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("CosineAnnealingLR", {"T_max": 20}),
    ("CosineAnnealingLR", {"T_max": 13, "eta_min": 0.02}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 20}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 60}),
    ("OneCycleLR", {"max_lr": 0.5, "epochs": 6, "steps_per_epoch": 10, "anneal_strategy": "linear", "pct_start": 0.2}),
    ("OneCycleLR", {"max_lr": 0.5, "total_steps": 55, "three_phase": True, "div_factor": 10.0}),
]


def _optimizer(name: str = "SGD") -> Optimizer:
    params = {"momentum": 0.9} if name == "SGD" else {}
    return OPTIMIZERS[name]([Parameter(engine.tensor([1.0]))], lr=0.1, **params)


@pytest.mark.parametrize("optimizer_name", ["SGD", "Adam"])
@pytest.mark.parametrize(("name", "params"), SETTINGS)
def test_fifty_steps_have_the_rates_of_pytorch(name: str, params: dict[str, Any], optimizer_name: str) -> None:
    torch = pytest.importorskip("torch", reason="the oracle is not installed")
    extra = {"momentum": 0.9} if optimizer_name == "SGD" else {}
    theirs = getattr(torch.optim, optimizer_name)([torch.nn.Parameter(torch.zeros(1))], lr=0.1, **extra)
    ours = _optimizer(optimizer_name)
    oracle = getattr(torch.optim.lr_scheduler, name)(theirs, **params)
    schedule = SCHEDULES[name](ours, **params)
    for _ in range(50):
        for key in ("lr", "momentum", "betas"):
            if key in theirs.param_groups[0]:
                assert ours.param_groups[0][key] == pytest.approx(theirs.param_groups[0][key], rel=1e-12)
        assert schedule.get_last_lr() == pytest.approx(oracle.get_last_lr(), rel=1e-12)
        theirs.step()
        oracle.step()
        schedule.step()


@pytest.mark.parametrize("name", list(SCHEDULES))
def test_a_form_s_defaults_build_the_schedule(name: str) -> None:
    assert "optimizer" not in form_settings(SCHEDULES[name])
    schedule = SCHEDULES[name](_optimizer(), **defaults(SCHEDULES[name]))
    schedule.step()
    assert schedule.get_last_lr()[0] > 0
    assert SCHEDULES[name].__doc__


@pytest.mark.parametrize(("name", "params"), SETTINGS)
def test_a_restored_schedule_goes_on_with_the_same_rates(name: str, params: dict[str, Any]) -> None:
    one, two = _optimizer(), _optimizer()
    first, second = SCHEDULES[name](one, **params), SCHEDULES[name](two, **params)
    for _ in range(5):
        first.step()
    second.load_state_dict(first.state_dict())
    two.load_state_dict(one.state_dict())
    first.step()
    second.step()
    assert first.get_last_lr() == second.get_last_lr()


def test_a_rate_changed_by_hand_is_where_the_schedule_goes_on() -> None:
    optimizer = _optimizer()
    schedule = lr_scheduler.StepLR(optimizer, 2, 0.5)
    optimizer.param_groups[0]["lr"] = 8.0
    schedule.step()
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == 4.0


def test_a_function_gives_the_rate() -> None:
    optimizer = _optimizer()
    schedule = lr_scheduler.LambdaLR(optimizer, lambda step: 1 / (1 + step))
    schedule.step()
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.05)
    assert "LambdaLR" not in SCHEDULES


def test_one_cycle_needs_its_length_and_ends() -> None:
    with pytest.raises(ArgumentError) as caught:
        SCHEDULES["OneCycleLR"](_optimizer(), max_lr=0.1)
    assert caught.value.field == "total_steps"
    schedule = SCHEDULES["OneCycleLR"](_optimizer(), max_lr=0.1, total_steps=3)
    for _ in range(3):
        schedule.step()
    with pytest.raises(ArgumentError, match="at most 3 steps"):
        schedule.step()


def test_one_cycle_needs_momentum_to_cycle_it() -> None:
    optimizer = OPTIMIZERS["Adagrad"]([Parameter(engine.tensor([1.0]))])
    with pytest.raises(ArgumentError) as caught:
        SCHEDULES["OneCycleLR"](optimizer, max_lr=0.1, total_steps=10)
    assert caught.value.field == "cycle_momentum"
    SCHEDULES["OneCycleLR"](optimizer, max_lr=0.1, total_steps=10, cycle_momentum=False)


@pytest.mark.parametrize(
    ("name", "params", "field"),
    [
        ("StepLR", {"step_size": 0}, "step_size"),
        ("StepLR", {"step_size": 5, "gamma": float("nan")}, "gamma"),
        ("MultiStepLR", {"milestones": [1.5]}, "milestones"),
        ("CosineAnnealingLR", {"T_max": 0}, "T_max"),
        ("LinearLR", {"start_factor": 0.0}, "start_factor"),
        ("ExponentialLR", {"gama": 0.9}, "gama"),
    ],
)
def test_a_bad_setting_is_refused_by_its_name(name: str, params: dict[str, Any], field: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        SCHEDULES[name](_optimizer(), **params)
    assert caught.value.field == field


def test_only_optimisers_are_scheduled() -> None:
    with pytest.raises(TypeError, match="optimiser"):
        lr_scheduler.StepLR(Adam, 1)  # type: ignore[arg-type]
    assert SGD is OPTIMIZERS["SGD"]
