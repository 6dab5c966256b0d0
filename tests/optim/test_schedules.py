"""Laws over the registry of schedules, and PyTorch's own rates."""

from typing import Any

import pytest

import engine
from engine.errors import ArgumentError
from engine.nn import Parameter
from engine.nn.settings import defaults, form_settings
from engine.optim import OPTIMIZERS, SCHEDULES, SGD, Adam, Optimizer, lr_scheduler

pytestmark = pytest.mark.filterwarnings("ignore:Detected call of")  # most tests here only step the schedule

SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("StepLR", {"step_size": 7, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [3, 10, 10, 30], "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("CosineAnnealingLR", {"T_max": 20}),
    ("CosineAnnealingLR", {"T_max": 13, "eta_min": 0.02}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 20}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.25, "total_iters": 20}),
    ("PolynomialLR", {"total_iters": 30, "power": 2.0}),
    ("CosineAnnealingWarmRestarts", {"T_0": 7}),
    ("CosineAnnealingWarmRestarts", {"T_0": 5, "T_mult": 2, "eta_min": 0.01}),
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


# ------------------------------------------------------------------------------ those that only programs can set
def _both(name: str = "SGD", **settings: Any) -> list[tuple[Any, Any, Any]]:
    """(library, optimiser, two of its groups) of ours and of PyTorch's."""
    torch = pytest.importorskip("torch", reason="the oracle is not installed")
    found = []
    for lib, zeros in ((engine, engine.zeros), (torch, torch.zeros)):
        groups = [{"params": [lib.nn.Parameter(zeros(1))]}, {"params": [lib.nn.Parameter(zeros(1))], "lr": 0.02}]
        found.append((lib, getattr(lib.optim, name)(groups, lr=0.1, **settings), lib.optim.lr_scheduler))
    return found


def _sequential(s: Any, o: Any) -> Any:
    parts = [s.LinearLR(o, 0.1, total_iters=5), s.CosineAnnealingLR(o, 10), s.ExponentialLR(o, 0.9)]
    return s.SequentialLR(o, parts, [6, 15])


PROGRAMS = {
    "lambda": lambda s, o: s.LambdaLR(o, [lambda t: 0.9**t, lambda t: 1 / (1 + t)]),
    "multiplicative": lambda s, o: s.MultiplicativeLR(o, lambda t: 0.95 if t % 3 else 0.5),
    "cyclic": lambda s, o: s.CyclicLR(o, 0.01, 0.3, step_size_up=4, step_size_down=3),
    "cyclic, halved": lambda s, o: s.CyclicLR(o, [0.01, 0.02], [0.3, 0.1], step_size_up=4, mode="triangular2"),
    "cyclic, shrinking": lambda s, o: s.CyclicLR(o, 0.01, 0.3, step_size_up=3, mode="exp_range", gamma=0.9),
    "cyclic, own": lambda s, o: s.CyclicLR(o, 0.01, 0.3, 4, scale_fn=lambda x: 1 / (x + 1), scale_mode="iterations"),
    "chained": lambda s, o: s.ChainedScheduler([s.ConstantLR(o, 0.1, 4), s.ExponentialLR(o, 0.9)]),
    "sequential": _sequential,
    "sequential of chained": lambda s, o: s.SequentialLR(
        o, [s.ChainedScheduler([s.StepLR(o, 2), s.ExponentialLR(o, 0.9)]), s.StepLR(o, 5)], [8]
    ),
    "one cycle by group": lambda s, o: s.OneCycleLR(o, [0.5, 0.1], total_steps=40),
}


@pytest.mark.parametrize("kind", PROGRAMS)
def test_schedules_of_programs_have_the_rates_of_pytorch(kind: str) -> None:
    (_, ours, mine), (_, theirs, other) = _both(momentum=0.9)
    schedule, oracle = PROGRAMS[kind](mine, ours), PROGRAMS[kind](other, theirs)
    for _ in range(30):
        assert schedule.get_last_lr() == pytest.approx(oracle.get_last_lr(), rel=1e-12)
        for a, b in zip(ours.param_groups, theirs.param_groups, strict=True):
            assert (a["lr"], a["momentum"]) == pytest.approx((b["lr"], b["momentum"]), rel=1e-12)
        for part in (ours, theirs, schedule, oracle):
            part.step()


@pytest.mark.parametrize("kind", PROGRAMS)
def test_a_restored_schedule_of_a_program_goes_on(kind: str) -> None:
    found = []
    for restored in (False, True):
        (_, optimizer, lib), _ = _both(momentum=0.9)
        schedule = PROGRAMS[kind](lib, optimizer)
        for _ in range(7):
            schedule.step()
        if restored:
            state, groups = schedule.state_dict(), optimizer.state_dict()
            (_, optimizer, lib), _ = _both(momentum=0.9)
            schedule = PROGRAMS[kind](lib, optimizer)
            schedule.load_state_dict(state)
            optimizer.load_state_dict(groups)
        for _ in range(7):
            schedule.step()
        found.append([*schedule.get_last_lr(), *(g["lr"] for g in optimizer.param_groups)])
    assert found[0] == found[1]


@pytest.mark.parametrize(
    "settings",
    [
        {"patience": 2},
        {"patience": 1, "mode": "max", "threshold": 0.1, "cooldown": 2},
        {"patience": 0, "threshold_mode": "abs", "threshold": 0.5, "min_lr": [0.02, 0.001], "factor": 0.5},
        {"patience": 1, "mode": "max", "threshold_mode": "abs"},
    ],
)
def test_a_plateau_lowers_the_rate_when_pytorch_s_does(settings: dict[str, Any]) -> None:
    (_, ours, mine), (_, theirs, other) = _both()
    schedule, oracle = mine.ReduceLROnPlateau(ours, **settings), other.ReduceLROnPlateau(theirs, **settings)
    for loss in (3.0, 2.0, 2.1, 2.0, 1.99, 2.2, 2.3, 1.0, 1.1, 1.2, 1.3, 1.4, 0.9, 0.5, 0.6, 0.7, 0.8, 0.9):
        schedule.step(engine.tensor(loss))
        oracle.step(loss)
        assert schedule.get_last_lr() == oracle.get_last_lr()
        assert (schedule.best, schedule.num_bad_epochs) == pytest.approx((oracle.best, oracle.num_bad_epochs))


def test_a_rate_that_is_a_tensor_stays_that_tensor() -> None:
    rate = engine.tensor(0.1)
    optimizer = SGD([Parameter(engine.zeros(1))], lr=rate)
    schedule = lr_scheduler.ExponentialLR(optimizer, 0.5)
    optimizer.step()
    schedule.step()
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == pytest.approx(0.05)
    assert schedule.get_last_lr()[0] is not rate


@pytest.mark.filterwarnings("error")
def test_a_schedule_that_steps_before_the_optimiser_warns() -> None:
    optimizer = _optimizer()
    schedule = lr_scheduler.StepLR(optimizer, 2)
    with pytest.warns(UserWarning, match=r"before `optimizer.step\(\)`"):
        schedule.step()
    optimizer.step()
    lr_scheduler.StepLR(optimizer, 2).step()


def test_older_ways_warn_and_still_work() -> None:
    optimizer = _optimizer()
    schedule = lr_scheduler.StepLR(optimizer, 2, 0.5)
    with pytest.warns(UserWarning, match="deprecated"):
        schedule.step(4)
    assert schedule.get_last_lr() == [pytest.approx(0.025)]
    with pytest.warns(UserWarning, match="get_last_lr"):
        schedule.get_lr()


def test_a_program_may_write_a_schedule_and_an_optimiser_of_its_own() -> None:
    class Halves(lr_scheduler._LRScheduler):
        def get_lr(self) -> list[float]:
            return [base * 0.5**self.last_epoch for base in self.base_lrs]

    class Signs(Optimizer):
        def __init__(self, params: Any, lr: float) -> None:
            super().__init__(params, {"lr": lr})

        @engine.no_grad()
        def step(self, closure: Any = None) -> None:
            for group in self.param_groups:
                for p in group["params"]:
                    self.state[p]["seen"] = self.state[p].get("seen", 0) + 1
                    p.sub_(p.grad.sign() * group["lr"])

    weight = Parameter(engine.tensor([1.0, -1.0]))
    optimizer = Signs([weight], lr=0.5)
    schedule = Halves(optimizer)
    for _ in range(2):
        weight.grad = engine.tensor([3.0, -2.0])
        optimizer.step()
        schedule.step()
    assert weight.tolist() == [0.25, -0.25]
    assert optimizer.state[weight] == {"seen": 2}


def test_schedules_of_different_optimisers_or_the_wrong_number_of_milestones_are_refused() -> None:
    one, two = _optimizer(), _optimizer()
    parts = [lr_scheduler.ConstantLR(one), lr_scheduler.ConstantLR(two)]
    with pytest.raises(ArgumentError, match="one optimiser"):
        lr_scheduler.ChainedScheduler(parts)
    with pytest.raises(ArgumentError, match="1 milestones"):
        lr_scheduler.SequentialLR(one, [parts[0], lr_scheduler.ConstantLR(one)], [1, 2])
    with pytest.raises(ArgumentError, match="without a value"):
        lr_scheduler.ChainedScheduler([lr_scheduler.ReduceLROnPlateau(one)])
