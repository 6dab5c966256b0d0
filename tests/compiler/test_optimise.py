"""Optimisers, clipping, schedules and penalties as nodes give the numbers of the eager ones."""

import copy
import math

import numpy as np
import pytest

import engine
from engine import nn, optim
from engine.compiler import variant
from engine.compiler.machine.cpu import NoNativeCode
from tests.compiler.steps import gap, mlp, rows, training, twins

OPTIMISERS = {
    "sgd": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.01),
    "nesterov": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, maximize=True),
    "adam": lambda p: optim.Adam(p, lr=0.02, weight_decay=0.01),
    "amsgrad": lambda p: optim.Adam(p, lr=0.02, amsgrad=True, betas=(0.0, 0.9)),
    "adamw": lambda p: optim.AdamW(p, lr=0.02, weight_decay=0.1),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01, alpha=0.9),
    "centred": lambda p: optim.RMSprop(p, lr=0.01, centered=True, momentum=0.5, weight_decay=0.01),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.1, lr_decay=0.1, initial_accumulator_value=0.1),
    "adamax": lambda p: optim.Adamax(p, lr=0.02),
    "rprop": lambda p: optim.Rprop(p, lr=0.01),
}
CLIPS = {
    "norm": lambda p: nn.utils.clip_grad_norm_(p, 0.2),
    "largest": lambda p: nn.utils.clip_grad_norm_(p, 0.05, norm_type=math.inf),
    "sum": lambda p: nn.utils.clip_grad_norm_(p, 1.0, norm_type=1),
    "cubes": lambda p: nn.utils.clip_grad_norm_(p, 0.1, norm_type=3),
    "value": lambda p: nn.utils.clip_grad_value_(p, 0.02),
}
SCHEDULES = {
    "steps": lambda o: optim.lr_scheduler.StepLR(o, 3, 0.5),
    "cosine": lambda o: optim.lr_scheduler.CosineAnnealingLR(o, 12),
    "one cycle": lambda o: optim.lr_scheduler.OneCycleLR(o, 0.3, total_steps=60),
    "one after the other": lambda o: optim.lr_scheduler.SequentialLR(
        o, [optim.lr_scheduler.LinearLR(o, 0.1, total_iters=4), optim.lr_scheduler.ExponentialLR(o, 0.9)], [4]
    ),
}


@pytest.fixture(params=["numpy", "native"])
def tier(request, monkeypatch):
    """Both tiers; native where it is to be had."""

    def refuse(*_):
        raise NoNativeCode("compile", "llvmlite", "none")

    if request.param == "numpy":
        monkeypatch.setattr(variant, "Native", refuse)
    return request.param


def compare(make_optimizer, tier, steps=20, make_schedule=None, **more):
    a, b = twins(mlp)
    eager, compiled = (_training(m, make_optimizer, make_schedule, **more) for m in (a, b))
    compiled = engine.compile(compiled)
    batches = [rows() for _ in range(steps)]
    wanted = [eager(*batch).item() for batch in batches]
    found = [compiled(*batch).item() for batch in batches[:4]]
    if tier == "native" and not compiled.wait():
        pytest.skip("no native code here")
    found += [compiled(*batch).item() for batch in batches[4:8]] + compiled.run(batches[8:]).tolist()
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    assert gap(a, b) < 1e-4
    return compiled


def _training(model, make_optimizer, make_schedule, **more):
    optimizer = make_optimizer(model.parameters())
    return training(model, optimizer, schedule=make_schedule and make_schedule(optimizer), **more)


@pytest.mark.parametrize("name", OPTIMISERS)
def test_optimisers(name, tier):
    compiled = compare(OPTIMISERS[name], tier)
    assert compiled.tier == tier


@pytest.mark.parametrize("name", CLIPS)
def test_clipping(name, tier):
    assert compare(OPTIMISERS["adam"], tier, clip=CLIPS[name]).tier == tier


@pytest.mark.parametrize("name", SCHEDULES)
def test_schedules_step_in_python_before_many_native_steps(name, tier):
    assert compare(OPTIMISERS["sgd"], tier, make_schedule=SCHEDULES[name]).tier == tier


def test_a_penalty_written_by_hand(tier):
    assert compare(OPTIMISERS["sgd"], tier, penalty=0.01).tier == tier


def test_groups_have_settings_of_their_own(tier):
    def make(parameters):
        first, *rest = parameters
        return optim.AdamW([{"params": [first], "lr": 0.1, "weight_decay": 0.0}, {"params": rest}], lr=0.01)

    assert compare(make, tier).tier == tier


def test_a_rate_that_is_a_tensor(tier):
    assert compare(lambda p: optim.Adam(p, lr=engine.tensor(0.02)), tier).tier == tier


def test_the_count_of_steps_goes_on():
    _, b = twins(mlp)
    optimizer = optim.Adam(b.parameters())
    compiled = engine.compile(training(b, optimizer))
    compiled.run([rows() for _ in range(7)])
    assert [s["step"].item() for s in optimizer.state.values()] == [7.0] * 4
    saved = copy.deepcopy(optimizer.state_dict())
    compiled.run([rows() for _ in range(2)])
    optimizer.load_state_dict(saved)
    compiled(*rows())
    assert [s["step"].item() for s in optimizer.state.values()] == [8.0] * 4


def test_gradients_that_add_up_over_steps():
    a, b = twins(mlp)

    def adding(model):
        def step(x, y):
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            return loss

        return step

    eager, compiled = adding(a), engine.compile(adding(b))
    for _ in range(6):
        batch = rows()
        eager(*batch), compiled(*batch)
    assert compiled.tier != "eager"
    assert gap(a, b) < 1e-5


def test_two_networks_against_each_other(tier):
    """Two optimisers in one step, one of them forgets its gradients in the middle."""

    def make(seed):
        engine.manual_seed(seed)
        g, d = nn.Linear(2, 2), nn.Linear(2, 1)
        og, od = optim.Adam(g.parameters(), lr=0.01), optim.SGD(d.parameters(), lr=0.01)

        def step(z, x):
            od.zero_grad()
            real = (1 - d(x)).square().mean() + d(g(z).detach()).square().mean()
            real.backward()
            od.step()
            og.zero_grad()
            fake = (1 - d(g(z))).square().mean()
            fake.backward()
            og.step()
            return real, fake

        return step, g, d

    (eager, g, d), (plain, g2, d2) = make(3), make(3)
    compiled = engine.compile(plain)
    for i in range(10):
        batch = engine.randn(4, 2), engine.randn(4, 2)
        wanted, found = eager(*batch), compiled(*batch)
        assert [v.item() for v in found] == pytest.approx([v.item() for v in wanted], rel=1e-5, abs=1e-6)
        if i == 4 and tier == "native" and not compiled.wait():
            pytest.skip("no native code here")
    assert compiled.tier == tier
    assert max(gap(g, g2), gap(d, d2)) < 1e-5


def test_parameters_that_rest_in_some_steps(tier):
    """Two halves in turn, with one optimiser: each counts its own steps."""

    def make():
        engine.manual_seed(1)
        halves = [nn.Linear(3, 1), nn.Linear(3, 1)]
        optimizer = optim.Adam([p for half in halves for p in half.parameters()], lr=0.1)

        def step(x, which):
            optimizer.zero_grad()
            loss = halves[which](x).square().mean()
            loss.backward()
            optimizer.step()
            return loss

        return step, nn.ModuleList(halves), optimizer

    (eager, a, theirs), (plain, b, ours) = make(), make()
    compiled = engine.compile(plain)
    for i in range(16):
        x, which = engine.randn(4, 3), int(i % 3 == 0)
        assert compiled(x, which).item() == pytest.approx(eager(x, which).item(), rel=1e-4)
        if i == 9 and tier == "native" and not compiled.wait():
            pytest.skip("no native code here")
    assert gap(a, b) < 1e-5
    counts = [[s["step"].item() for s in o.state.values()] for o in (theirs, ours)]
    assert counts[0] == counts[1]
