"""Steps of which one look is enough, and those that are looked at twice."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import engine
import engine.nn.functional as F
from engine import nn, optim
from engine.compiler.trace.events import watched
from engine.compiler.trace.plain import lasting
from engine.errors import GraphError

X, Y = engine.tensor(np.random.default_rng(0).normal(size=(6, 8)).astype("f4")), engine.tensor(np.arange(6) % 3)


def training(model: Any, optimizer: Any) -> Callable[..., Any]:
    """Straight code, which that of `steps.py` is not."""

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


MODELS: dict[str, Callable[[], Any]] = {
    "linear": lambda: nn.Sequential(nn.Linear(8, 3)),
    "norm": lambda: nn.Sequential(nn.Linear(8, 5, bias=False), nn.BatchNorm1d(5), nn.Linear(5, 3)),
    "dropout": lambda: nn.Sequential(nn.Linear(8, 5), nn.Dropout(0.5), nn.LayerNorm(5), nn.Linear(5, 3)),
    "tanh": lambda: nn.Sequential(nn.Linear(8, 5), nn.Tanh(), nn.Linear(5, 3), nn.Softplus()),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("make", [optim.Adam, lambda p: optim.SGD(p, lr=0.1, momentum=0.9)])
def test_a_plain_step_is_replayed_from_the_second_call_on_and_trains_as_before(name: str, make: Any) -> None:
    found = []
    for compiled in (False, True):
        engine.manual_seed(3)
        model = MODELS[name]()
        step = training(model, make(model.parameters()))
        if compiled:
            step = engine.compile(step)
        losses = []
        for i in range(6):
            losses.append(step(X, Y).item())
            if compiled and not i:
                assert step.newest.bound is not None
        found.append([losses, *(p.array.copy() for p in (*model.parameters(), *model.buffers()))])
    for eager, ours in zip(*found, strict=True):
        np.testing.assert_allclose(ours, eager, rtol=2e-4, atol=2e-5)


class Problem:
    """A step as a method."""

    def __init__(self, scale: float = 1.0) -> None:
        self.model, self.loss, self.scale = nn.Linear(8, 3), F.cross_entropy, scale
        self.optimizer = optim.SGD(self.model.parameters(), lr=0.1)

    def step(self, x: Any, y: Any) -> Any:
        self.optimizer.zero_grad()
        loss = self.loss(self.model(x), y)
        loss.backward()
        self.optimizer.step()
        return loss

    def scaled(self, x: Any, y: Any) -> Any:
        self.optimizer.zero_grad()
        loss = self.loss(self.model(x), y) * self.scale
        loss.backward()
        self.optimizer.step()
        return loss


class Counting(nn.Module):
    """A module that counts in Python."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.count = nn.Linear(8, 3), 0

    def forward(self, x: Any) -> Any:
        self.count += 1
        return self.inner(x) * self.count


class Net(nn.Module):
    """A module as students write it."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.last, self.slope = nn.Linear(8, 5), nn.Linear(5, 3), 0.1

    def forward(self, x: Any) -> Any:
        h = F.leaky_relu(self.first(x), self.slope)
        return self.last(h) * self.last.bias[0]


class Handing(Net):
    """A module that hands itself on."""

    def forward(self, x: Any) -> Any:
        return helped(self, x)


def helped(net: Any, x: Any) -> Any:
    return net.last(net.first(x))


def told(step: Any) -> bool:
    """Whether one trace of a step is enough."""
    return lasting(step, watched(step, (X, Y), {})) is not None


def test_a_method_that_names_models_losses_and_optimisers_is_plain() -> None:
    assert told(Problem().step)


def test_a_method_that_reads_a_number_of_its_object_is_looked_at_twice() -> None:
    assert not told(Problem().scaled)


def test_gradients_that_nobody_forgets_are_looked_at_twice() -> None:
    model = nn.Linear(8, 3)

    def step(x: Any, y: Any) -> Any:
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        return loss

    assert not told(step)


def test_gradients_filled_with_zeros_are_looked_at_twice() -> None:
    model = nn.Linear(8, 3)
    optimizer = optim.SGD(model.parameters(), lr=0.1)

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad(False)
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    assert not told(step)


def test_a_users_module_a_branch_a_loop_and_a_function_from_elsewhere_are_looked_at_twice() -> None:
    model, counting = nn.Linear(8, 3), Counting()
    optimizer = optim.SGD(model.parameters(), lr=0.1)
    assert not told(training(counting, optim.SGD(counting.parameters(), lr=0.1)))

    def clock(x: Any, y: Any) -> Any:
        return F.cross_entropy(model(x), y) * time.time()

    def branch(x: Any, y: Any) -> Any:
        return F.cross_entropy(model(x) if time else x, y)

    def loop(x: Any, y: Any) -> Any:
        for _ in range(2):
            x = x + 1
        return F.cross_entropy(model(x), y)

    def rate(x: Any, y: Any) -> Any:
        return F.cross_entropy(model(x), y) * optimizer.param_groups[0]["lr"]

    assert not any(map(told, (clock, branch, loop, rate)))


def test_a_users_module_of_straight_code_is_plain_and_its_numbers_are_looked_at() -> None:
    model = Net()
    step = training(model, optim.SGD(model.parameters(), lr=0.0))
    assert told(step)
    handing = Handing()
    assert not told(training(handing, optim.SGD(handing.parameters(), lr=0.0)))
    compiled = engine.compile(step)
    before = [compiled(X, Y).item() for _ in range(3)]
    assert compiled.newest.bound is not None
    model.slope = 0.9
    after = [compiled(X, Y).item() for _ in range(3)]
    assert max(abs(a - after[0]) for a in after) < 1e-5
    assert abs(after[0] - before[0]) > 1e-3


def test_an_argument_that_is_no_tensor_is_looked_at_twice() -> None:
    class Asked:
        count = 0

        def next(self) -> int:
            self.count += 1
            return self.count

    def step(x: Any, asked: Any) -> Any:
        return (x * asked.next()).sum()

    assert lasting(step, watched(step, (X, Asked()), {})) is None


def test_a_number_of_a_closure_that_changes_later_is_seen() -> None:
    model, factor = nn.Linear(8, 3), 1.0

    def step(x: Any, y: Any) -> Any:
        return F.cross_entropy(model(x), y) * factor

    compiled = engine.compile(step)
    first = [compiled(X, Y).item() for _ in range(3)]
    factor = 2.0
    assert compiled(X, Y).item() == pytest.approx(2 * first[-1])
    assert compiled(X, Y).item() == pytest.approx(2 * first[-1])


def test_numbers_that_a_plain_step_makes_are_constants() -> None:
    w = engine.ones(3, requires_grad=True)

    def step(x: Any, y: Any) -> Any:
        return (w * engine.arange(3) + x.shape[0]).sum()

    compiled = engine.compile(step)
    assert [compiled(X, Y).item() for _ in range(3)] == [21.0] * 3
    w.data = engine.zeros(3)
    assert compiled(X, Y).item() == 18.0


def test_a_step_called_again_and_again_sees_other_arrays_rates_modes_and_parameters() -> None:
    outcomes = []
    for compiled in (False, True):
        engine.manual_seed(1)
        model = nn.Linear(8, 3)
        optimizer = optim.SGD(model.parameters(), lr=0.1)
        step = training(model, optimizer)
        if compiled:
            step = engine.compile(step, threads=1)
            for _ in range(2):
                step(X, Y)
            step.wait()
            engine.manual_seed(1)
            model.reset_parameters()
        losses = []
        for i in range(12):
            if i == 6:
                optimizer.param_groups[0]["lr"] = 0.5
            if i == 8:
                model.bias.data = engine.zeros(3)
            x = engine.tensor(X.array * (1 + i)) if i % 2 else X
            x = engine.tensor(x.array[:4]) if i == 9 else engine.tensor(np.asfortranarray(x.array)) if i == 10 else x
            losses.append(step(x, engine.tensor(Y.array[: len(x)])).item())
        outcomes.append([losses, model.weight.array.copy(), model.weight.grad.array.copy()])
        if compiled:
            assert step.newest.tier == "native"
            with engine.no_grad(), pytest.raises(GraphError):
                step(X, Y)
    for eager, ours in zip(*outcomes, strict=True):
        np.testing.assert_allclose(ours, eager, rtol=2e-4, atol=1e-5)
