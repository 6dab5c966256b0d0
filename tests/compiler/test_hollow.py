"""Plain steps are watched without computing: nothing is left of it but the states that optimisers would make."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import numpy as np
import pytest
from test_plain import training

import engine
import engine.nn.functional as F
from engine import nn, optim
from engine.compiler import variant
from engine.compiler.code.library import library
from engine.compiler.graph.ir import Node, Value
from engine.compiler.trace.hollow import watched_hollow
from engine.compiler.trace.plain import foreseen
from engine.errors import GraphError, IndexOutOfRange, ShapeError
from engine.tensor import abstract

DRAWN = np.random.default_rng(0)
X, Y = engine.tensor(DRAWN.normal(size=(6, 8)).astype("f4")), engine.tensor(np.arange(6) % 3)
PICTURES = engine.tensor(DRAWN.normal(size=(6, 1, 8, 8)).astype("f4"))
TEXT = engine.tensor(DRAWN.integers(0, 5, (6, 4)))


class Bag(nn.Module):
    """Rows of a table, averaged: whole numbers as an argument."""

    def __init__(self) -> None:
        super().__init__()
        self.table, self.out = nn.Embedding(5, 4), nn.Linear(4, 3)

    def forward(self, x: Any) -> Any:
        return self.out(self.table(x).mean(1))


MODELS: dict[str, tuple[Callable[[], Any], Any]] = {
    "layers": (lambda: nn.Sequential(nn.Linear(8, 5), nn.ReLU(), nn.LayerNorm(5), nn.Linear(5, 3)), X),
    "norm": (lambda: nn.Sequential(nn.Linear(8, 5, bias=False), nn.BatchNorm1d(5), nn.Tanh(), nn.Linear(5, 3)), X),
    "dropout": (lambda: nn.Sequential(nn.Linear(8, 5), nn.Dropout(0.5), nn.Linear(5, 3)), X),
    "pictures": (
        lambda: nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(36, 3)), PICTURES
    ),
    "bag": (Bag, TEXT),
}  # fmt: skip
OPTIMIZERS: dict[str, Callable[[Any], Any]] = {
    "plain": lambda p: optim.SGD(p, lr=0.1),
    "momentum": lambda p: optim.SGD(p, lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": lambda p: optim.Adam(p, lr=0.01, amsgrad=True),
    "adamw": lambda p: optim.AdamW(p, lr=0.01),
    "rmsprop": lambda p: optim.RMSprop(p, lr=0.01, centered=True, momentum=0.5),
    "adagrad": lambda p: optim.Adagrad(p, lr=0.01, initial_accumulator_value=0.5),
}


def scheduled(model: Any, optimizer: Any, schedule: Any) -> Callable[..., Any]:
    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        schedule.step()
        return loss

    return step


def made(name: str, optimizer: str = "adam") -> tuple[Any, Any]:
    engine.manual_seed(3)
    model = MODELS[name][0]()
    return model, OPTIMIZERS[optimizer](model.parameters())


def numbers(model: Any) -> list[Any]:
    return [t.array.copy() for t in (*model.parameters(), *model.buffers())]


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_first_call_is_compiled_and_trains_as_before(name: str, optimizer: str) -> None:
    model, optim_ = made(name, optimizer)
    eager = training(model, optim_)
    wanted = [eager(MODELS[name][1], Y).item() for _ in range(4)]
    twin, other = made(name, optimizer)
    compiled = engine.compile(training(twin, other))
    found = []
    for _ in range(4):
        found.append(compiled(MODELS[name][1], Y).item())
        assert compiled.tier != "eager"
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    for a, b in zip(numbers(twin), numbers(model), strict=True):
        np.testing.assert_allclose(a, b, rtol=2e-3, atol=2e-4)
    theirs, ours = optim_.state_dict()["state"], other.state_dict()["state"]
    shapes = [{i: {n: v.shape for n, v in s.items()} for i, s in states.items()} for states in (theirs, ours)]
    assert shapes[0] == shapes[1]


@pytest.mark.parametrize("name", MODELS)
def test_nothing_is_left_of_looking(name: str) -> None:
    model, optimizer = made(name)
    model.zero_grad()
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    before = [numbers(model), engine.get_rng_state(), deepcopy(schedule.state_dict())]
    step = scheduled(model, optimizer, schedule)
    assert foreseen(step) is not None
    trace, states = watched_hollow(step, (MODELS[name][1], Y), {})
    assert trace.events[-1].what == "scheduled"
    after = [numbers(model), engine.get_rng_state(), schedule.state_dict()]
    assert all(np.array_equal(a, b) for a, b in zip(before[0], after[0], strict=True))
    assert before[1:] == after[1:]
    assert optimizer.param_groups[0]["lr"] == 1e-2
    assert all(p.grad is None for p in model.parameters())
    assert all(optimizer.state[p] for p in model.parameters())
    states.run()
    assert not optimizer.state


def test_gradients_from_before_are_there_again() -> None:
    w = engine.ones(3, requires_grad=True)
    w.grad = held = engine.ones(3)
    assert watched_hollow(lambda x: (w * x).sum().backward(), (engine.ones(3),), {}) is not None
    assert w.grad is held
    assert held.tolist() == [1.0, 1.0, 1.0]


def refused(step: Any, *args: Any) -> bool:
    return watched_hollow(step, args, {}) is None


def test_what_asks_for_numbers_is_watched_as_it_runs() -> None:
    x = engine.ones(2, 2)
    assert refused(lambda x: x if (x > 0).all() else -x, x)
    assert refused(lambda x: x * x.sum().item(), x)
    assert refused(lambda x: x[x > 0], x)
    assert refused(lambda x: x.sin().relu_(), x)  # who looks into memory that is made here is not known
    assert refused(lambda x: F.binary_cross_entropy(x, x), x)
    assert not refused(lambda x: x[0] + x.flip(0), x)
    norm = nn.BatchNorm1d(2)
    assert not refused(lambda x: norm(x), x)
    assert refused(lambda x, mean: norm(x) + mean, x, norm.running_mean)  # an argument is written to


def test_an_optimiser_without_a_rule_and_a_first_step_that_is_another_are_watched_as_they_run() -> None:
    for make in (lambda p: optim.Adamax(p), lambda p: optim.SGD(p, momentum=0.9, dampening=0.5)):
        model = nn.Linear(8, 3)
        optimizer = make(model.parameters())
        assert refused(training(model, optimizer), X, Y)
        assert not optimizer.state
        assert model.weight.grad is None


@pytest.mark.parametrize("prepared", [False, True])
def test_dampening_leaves_out_the_first_step_also_of_a_step_that_was_prepared(prepared: bool) -> None:
    losses = []
    for compiled in (False, True):
        engine.manual_seed(3)
        model = nn.Linear(8, 3)
        step = training(model, optim.SGD(model.parameters(), lr=0.1, momentum=0.9, dampening=0.5))
        if compiled:
            step = engine.compile(step)
            if prepared:
                step.prepare(X, Y)
        losses.append([step(X, Y).item() for _ in range(5)])
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-5)
    assert step.tier != "eager"


def interrupted(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("where", ["scheduler", "assembly"])
def test_nothing_is_left_of_a_look_that_is_interrupted(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C, or a defect of the compiler: no state without numbers stays behind."""
    model, optimizer = made("layers")
    schedule = optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    before = numbers(model)
    if where == "scheduler":
        monkeypatch.setattr(optim.lr_scheduler.ExponentialLR, "get_lr", interrupted)
    else:
        monkeypatch.setattr(variant, "program_of", interrupted)
    compiled = engine.compile(scheduled(model, optimizer, schedule))
    with pytest.raises(KeyboardInterrupt):
        compiled(X, Y)
    assert not optimizer.state
    assert all(p.grad is None for p in model.parameters())
    assert all(np.array_equal(a, b) for a, b in zip(before, numbers(model), strict=True))
    monkeypatch.undo()
    compiled(X, Y)
    assert compiled.tier != "eager"


def test_user_code_runs_once() -> None:
    heard = []
    model = nn.Sequential(nn.Linear(8, 3))
    model[0].register_forward_hook(lambda *_: heard.append("module"))
    step = training(model, optim.SGD(model.parameters()))
    assert foreseen(step) is None
    engine.compile(step)(X, Y)
    assert heard == ["module"]
    other = nn.Linear(8, 3)
    other.weight.register_hook(lambda g: heard.append("tensor"))
    engine.compile(training(other, optim.SGD(other.parameters())))(X, Y)
    assert heard == ["module", "tensor"]


def test_bad_input_is_refused_as_ever_and_nothing_is_lost() -> None:
    model, optimizer = made("layers")
    before = numbers(model)
    compiled = engine.compile(training(model, optimizer))
    with pytest.raises(IndexOutOfRange, match="class numbers from 0 to 2"):
        compiled(X, Y + 1)
    with pytest.raises(ShapeError):
        compiled(engine.ones(6, 7), Y)
    with pytest.raises(IndexOutOfRange, match="rows from 0 to 4"):
        engine.compile(training(*made("bag")))(TEXT + 1, Y)
    assert all(np.array_equal(a, b) for a, b in zip(before, numbers(model), strict=True))
    assert not optimizer.state
    compiled(X, Y)
    assert compiled.tier != "eager"


def test_numbers_of_which_nothing_is_known_are_written_nowhere() -> None:
    with pytest.raises(GraphError, match="a result with values"):
        engine.ones(2).add_(abstract((2,)))


def asking(step: Any) -> Callable[..., Any]:
    """A step that is no straight code."""
    return lambda x, y: step(x, y) if len(x) else None


@pytest.mark.parametrize("watched", ["hollow", "as it runs"])
def test_a_model_that_nobody_needs_is_gone_at_once_with_its_memory(watched: str) -> None:
    """Without the garbage collector: else a class that edits fills the memory."""
    library().idle()
    collecting = gc.isenabled()
    gc.collect()
    gc.disable()
    try:
        model, optimizer = made("layers")
        step = training(model, optimizer)
        compiled = engine.compile(step if watched == "hollow" else asking(step))
        for _ in range(4):
            compiled(X, Y)
        assert compiled.tier != "eager"
        compiled.wait()
        compiled.explain()
        library().idle()
        held = [weakref.ref(x) for x in (model, optimizer, compiled, *(p.array for p in model.parameters()))]
        held += [weakref.ref(p.grad.array) for p in model.parameters()]
        del model, optimizer, step, compiled
        assert [type(r()).__name__ for r in held if r() is not None] == []
    finally:
        if collecting:
            gc.enable()


def graphs() -> int:
    """How many parts of graphs there are."""
    return sum(issubclass(type(x), Node | Value) for x in gc.get_objects())


@pytest.mark.parametrize("frozen", [False, True])
def test_an_edit_is_not_looked_at_by_the_collector_and_leaves_it_nothing(frozen: bool) -> None:
    looks: list[int] = []

    def edit() -> None:
        compiled = engine.compile(training(*made("layers")))
        looks.clear()
        compiled(X, Y)
        assert frozen or looks == []
        assert compiled.newest.bound.runner.anew is False
        compiled.wait()

    for _ in range(3):  # kernels are compiled, a plan is remembered
        compiled = engine.compile(training(*made("layers")))
        compiled(X, Y)
        compiled.wait()
        compiled(X, Y)
        compiled(X, Y)
        del compiled
    library().idle()
    gc.collect()
    if frozen:
        gc.freeze()
    kept, before = gc.get_freeze_count(), graphs()
    gc.callbacks.append(lambda phase, facts: looks.append(facts["generation"]))
    try:
        edit()
        assert gc.get_freeze_count() > kept - 100, "what somebody froze stays so"
        gc.disable()
        assert graphs() == before
    finally:
        gc.callbacks.pop()
        gc.unfreeze()
        gc.enable()
