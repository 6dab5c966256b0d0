"""What is changed around a step, between two calls, is seen by the next: wherever Python keeps it, and however late."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest

import engine
import engine.nn.functional as F
from engine import nn, optim
from engine.compiler import step as steps
from engine.compiler.again import LOOKS
from engine.compiler.trace.reach import MANY, MOST, Reach
from engine.nn.hooks import register_module_forward_hook
from tests.compiler.around import WEIGHT, WEIGHTS, Settings
from tests.compiler.around_models import CASES
from tests.compiler.steps import training


def trained(make, late, compiled):
    """What some steps give, with something changed in between, and what they leave."""
    WEIGHT[0], WEIGHTS[0] = 1.0, 1.0
    engine.manual_seed(2)
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
    x, y = engine.randn(5, 6), engine.randint(0, 3, (5,))
    step, change = make(model, optim.Adam(model.parameters(), lr=0.005))
    step = engine.compile(step) if compiled else step
    found = []
    for i in range(late + 6):
        found.append(step(x, y).item())
        if compiled and i == 3:
            step.wait()
            assert step.prepared == "native"
        if i == late:
            change()
    return [*found, *(p.detach().numpy().copy() for p in model.parameters())]


@pytest.mark.parametrize("late", [5, 3 * LOOKS])
@pytest.mark.parametrize("name", CASES)
def test_what_is_changed_around_a_step_is_seen(name, late):
    for eager, compiled in zip(*(trained(CASES[name], late, compiled) for compiled in (False, True)), strict=True):
        np.testing.assert_allclose(compiled, eager, rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("late", [5, 3 * LOOKS])
@pytest.mark.parametrize("name", CASES)
def test_what_is_changed_matters(name, late):
    """Or the test above would show nothing."""
    changed, same = (
        np.array(trained(make, late, False)[late + 1 : late + 6])
        for make in (CASES[name], lambda *given: (CASES[name](*given)[0], lambda: None))
    )
    assert np.abs(changed - same).max() > 3e-3


def test_attributes_of_an_argument_count():
    settings = Settings()
    step = engine.compile(lambda x, settings: (x * settings.weight).sum())
    found = []
    for i in range(8):
        settings.weight = 1.0 if i < 5 else 3.0
        found.append(step(engine.ones(2), settings).item())
    assert found == [2.0] * 5 + [6.0] * 3


@pytest.mark.parametrize("straight", [True, False])
def test_a_function_whose_result_somebody_may_walk_back_from_keeps_its_history(straight):
    layer, weights = nn.Linear(3, 2), [1.0]
    loss = engine.compile((lambda x: layer(x).sum()) if straight else (lambda x: layer(x).sum() * weights[0]))
    x = engine.ones(1, 3)
    for _ in range(4):
        layer.zero_grad()
        loss(x).backward()
        np.testing.assert_array_equal(layer.weight.grad.numpy(), np.ones((2, 3)))
        assert "its result has a history" in loss.why()
    with engine.no_grad():
        for _ in range(3):
            assert not loss(x).requires_grad
        assert loss.prepared != "eager"
    assert loss(x).requires_grad


def test_hooks_of_all_modules_count_as_long_as_they_are_there():
    layer = nn.Linear(2, 2)
    step = engine.compile(lambda x: layer(x).sum())
    x, found = engine.ones(1, 2), []
    for i in range(12):
        with engine.no_grad():
            found.append(step(x).item())
        if i == 4:
            handle = register_module_forward_hook(lambda module, given, y: y * 2)
        if i == 8:
            handle.remove()
    assert found == pytest.approx([found[0]] * 5 + [2 * found[0]] * 4 + [found[0]] * 3)


def test_gradients_of_frozen_parameters_are_forgotten_as_well():
    """Also where they were not there yet when the step was watched."""
    model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
    optimizer, x, y = optim.Adam(model.parameters()), engine.randn(5, 6), engine.randint(0, 3, (5,))
    model[2].requires_grad_(False)
    step = engine.compile(training(model, optimizer))
    for often in (3, 3 * LOOKS):
        for _ in range(often):
            step(x, y)
        step.wait()
        model[2].weight.grad = engine.ones(3, 8)
        step(x, y)
        assert model[2].weight.grad is None
        assert model[0].weight.grad is not None


@pytest.mark.parametrize("every", [2, 3])
@pytest.mark.parametrize("to_none", [True, False])
def test_gradients_that_are_collected_over_some_steps_are_native_code(every, to_none):
    """Whether there is a gradient already makes two programs of one step."""
    found = []
    for compiled in (False, True):
        engine.manual_seed(2)
        model = nn.Sequential(nn.Linear(6, 8), nn.Tanh(), nn.Linear(8, 3))
        optimizer = optim.SGD(model.parameters(), 0.3)

        def step(x, y, model=model):
            loss = F.cross_entropy(model(x), y)
            loss.backward()
            return loss

        step = engine.compile(step) if compiled else step
        losses, tiers = [], []
        for i in range(6 * every):
            losses.append(step(engine.randn(5, 6), engine.randint(0, 3, (5,))).item())
            if compiled:
                step.wait()
                tiers.append(step.tier)
            if i % every == every - 1:
                optimizer.step()
                optimizer.zero_grad(set_to_none=to_none)
        found.append(losses)
    assert found[1] == pytest.approx(found[0], rel=1e-4)
    assert tiers[-2 * every :] == ["native"] * 2 * every


def test_a_step_that_counts_in_its_own_attribute_counts():
    def plain(x):
        plain.calls += 1
        return x * 2

    @engine.compile
    def compiled(x):
        compiled.calls += 1
        return x * 2

    for step in (plain, compiled):
        step.calls = 0
    other = engine.compile(plain)
    for _ in range(7):
        other(engine.ones(1))
        compiled(engine.ones(1))
    assert (plain.calls, compiled.calls) == (7, 7)
    assert "the step writes to" in compiled.why()


def test_an_array_and_a_file_that_a_step_writes_to_keep_it_eager(tmp_path):
    counts = np.zeros(3)
    with (tmp_path / "log").open("w") as file:

        def step(x):
            counts[0] += 1
            return x * 2

        def log(x):
            file.write(".")
            return x * 2

        for function in (step, log):
            compiled = engine.compile(function)
            for _ in range(7):
                compiled(engine.ones(1))
            assert "the step writes to" in compiled.why()
    assert counts[0] == 7
    assert (tmp_path / "log").read_text() == "." * 7


def test_a_file_that_is_read_line_by_line_does_no_harm(tmp_path):
    (tmp_path / "lines").write_text("1\n2\n")
    with (tmp_path / "lines").open() as file:
        next(file)
        step = engine.compile(lambda x: x * 2 if file else x)
        assert [step(engine.ones(1)).item() for _ in range(4)] == [2.0] * 4


def test_what_changes_once_in_a_while_has_a_program_each_time(monkeypatch):
    monkeypatch.setattr(steps, "SECONDS", 0.0)  # all of the past is long ago
    settings = Settings()
    step = engine.compile(lambda x: (x * settings.weight).sum())
    for i in range(2 * steps.MOST):
        settings.weight = float(i)
        for _ in range(3):
            assert step(engine.ones(2)).item() == 2 * i
        assert step.prepared != "eager"
    assert max(map(len, step.variants.values())) == steps.MOST


def test_what_changes_all_the_time_stays_eager_and_is_named():
    settings = Settings()
    step = engine.compile(lambda x: (x * settings.weight).sum())
    for i in range(2 * steps.MOST):
        settings.weight = float(i)
        assert step(engine.ones(2)).item() == 2 * i
    assert step.why() == "it changes from call to call: the variable 'settings.weight'"


def test_only_attributes_that_code_names_are_looked_at():
    settings = types.SimpleNamespace(weight=1.0, epoch=0)
    names = {name for name, _, _ in Reach(lambda x: x * settings.weight).entries}
    assert "settings.weight" in names
    assert "settings.epoch" not in names


def test_large_lists_are_looked_at_up_to_a_bound():
    many, objects = [0.0] * (3 * MANY), [Settings() for _ in range(MANY)]
    found = Reach(lambda x: x * many[0] * objects[0].weight)
    assert "the length of many" in {name for name, _, _ in found.entries}
    assert len(found.entries) < 3 * MOST


def test_all_modules_that_are_called_are_looked_at_however_many_they_are():
    layers = nn.Sequential(*(nn.Identity() for _ in range(MOST + 100)))
    model = nn.Sequential(layers, nn.Dropout(0.5))
    called = list(model.modules())
    assert set(map(id, Reach(lambda x: model(x)).modules(called))) >= set(map(id, called))


def test_libraries_are_not_looked_into():
    names = {name for name, _, _ in Reach(lambda x: np.mean(x) + sys.maxsize + engine.ones(1)).entries}
    assert names == set()
