"""Memory that programs work in: full of zeros when it is asked for, kept for the next one when it is let go."""

from __future__ import annotations

import threading

import numpy as np
import pytest

import engine
from engine import nn, optim
from engine.compiler.machine import memory
from engine.compiler.trace import home
from tests.compiler.steps import twins


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_FREE", [])


@pytest.mark.parametrize("size", [1, 100, memory.SMALL, 440_000, memory.HUGE // 4, 5_000_000])
def test_memory_is_full_of_zeros_also_when_it_was_used_before(size: int) -> None:
    for more in (0, size // 20, -(size // 20)):
        found = memory.room(size + more)
        assert found.nbytes == size + more
        assert not found.any()
        found[...] = 7
        del found


@pytest.mark.parametrize("size", [memory.SMALL, 440_000, 5_000_000])
def test_what_is_let_go_is_used_again_and_never_while_somebody_looks_at_it(size: int) -> None:
    first = memory.room(size)
    place, part = first.ctypes.data, first[10:20].view(np.int8)
    del first
    second = memory.room(size)
    assert second.ctypes.data != place
    part[...] = 3
    assert not second.any()
    del part
    assert memory.room(size).ctypes.data == place


def test_no_more_is_kept_than_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "KEPT", 1_000_000)
    held = [memory.room(200_000) for _ in range(9)]
    del held
    assert 0 < sum(len(piece) for piece, _ in memory._FREE) <= 1_000_000


def test_a_small_one_does_not_take_what_is_large() -> None:
    memory.room(10_000_000)
    small = memory.room(memory.SMALL)
    assert small.nbytes == memory.SMALL
    assert len(memory._FREE) == 1


def test_threads_get_memory_of_their_own() -> None:
    wrong = []

    def work(number: int) -> None:
        for _ in range(200):
            mine = memory.room(memory.SMALL + number)
            if mine.any():
                wrong.append("not empty")
            mine[...] = number
            if (mine != number).any():
                wrong.append("shared")

    threads = [threading.Thread(target=work, args=(i,)) for i in range(1, 5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not wrong


@pytest.mark.parametrize("make", [lambda p: optim.Adam(p), lambda p: optim.SGD(p, 0.1, momentum=0.9)])
@pytest.mark.parametrize("kept", ["cleared", "added up", "before"])
def test_what_was_left_in_used_memory_is_never_seen(monkeypatch: pytest.MonkeyPatch, make, kept: str) -> None:
    mapped = home.room

    def used(size: int, zeros: bool = True):
        found = mapped(size, zeros)
        if not zeros:
            found[...] = 77
        return found

    monkeypatch.setattr(home, "room", used)
    x, y = engine.randn(4, 3), engine.randn(4, 2)

    def training(model):
        model.spare = nn.Parameter(engine.ones(3))
        optimizer = make(model.parameters())
        if kept == "before":
            model[0].weight.grad = engine.ones(5, 3)

        def step(x, y):
            if kept == "cleared":
                optimizer.zero_grad()
            loss = ((model(x) - y) ** 2).mean()
            loss.backward()
            optimizer.step()
            return loss

        return model, step

    (eager, one), (model, other) = map(training, twins(lambda: nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2))))
    other = engine.compile(other)
    for _ in range(4):
        assert abs(one(x, y).item() - other(x, y).item()) < 1e-5
        for p, q in zip(eager.parameters(), model.parameters(), strict=True):
            assert (p.grad is None) == (q.grad is None)
            for a, b in ((p, q), (p.grad, q.grad)):
                assert a is None or np.allclose(a.detach().numpy(), b.detach().numpy(), atol=1e-5)


def test_an_address_is_what_numpy_says_whatever_the_array() -> None:
    grid = np.arange(12.0).reshape(3, 4)
    fixed = grid.copy()
    fixed.flags.writeable = False
    for array in (grid, grid[1:], grid[:, 1:], grid.T, fixed, np.zeros(0), np.array(2.0), np.frombuffer(b"12345678")):
        assert memory.address(array) == array.ctypes.data


NAMES = {
    "detached": lambda model: model[0].weight.detach(),
    "data": lambda model: model[0].weight.data,
    "NumPy": lambda model: model[0].weight.detach().numpy(),
    "a row": lambda model: model[0].weight.detach()[0],
    "turned": lambda model: model[0].weight.detach().T,
    "of NumPy": lambda model: model[0].weight.detach().numpy()[1:],
    "state": lambda model: model.state_dict()["0.weight"],
    "parameter": lambda model: nn.Parameter(model[0].weight),
}


@pytest.mark.parametrize("way", ["plain", "watched", "many", "between"])
@pytest.mark.parametrize("name", NAMES)
def test_another_name_of_a_parameter_shows_what_it_becomes(name: str, way: str) -> None:
    """One from before the step was compiled, too: such a parameter lives where it is. between: from after a step that
    was watched once."""
    found = []
    for compiled in (False, True):
        engine.manual_seed(0)
        model = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))
        x, y = engine.randn(5, 6), engine.arange(5) % 3
        adam, kept = optim.Adam(model.parameters(), lr=0.1), None if way == "between" else NAMES[name](model)

        def step(x, y, model=model, adam=adam):
            if way in ("watched", "between") and x is None:
                return None
            adam.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            adam.step()
            return loss

        trained = engine.compile(step) if compiled else step
        if compiled and way == "many":
            trained.run([(x, y)] * 6)
        else:
            for i in range(6):
                trained(x, y)
                kept = NAMES[name](model) if way == "between" and i == 0 else kept
        assert not compiled or trained.tier != "eager", trained.why()
        found.append(np.array(kept.detach().numpy() if isinstance(kept, engine.Tensor) else kept))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-4, atol=1e-6)


def test_memory_that_a_parameter_was_given_and_somebody_keeps_is_where_it_lives() -> None:
    """Else the tensor that it shares its memory with would no longer show what it becomes."""
    found = []
    for compiled in (False, True):
        engine.manual_seed(0)
        model = nn.Linear(6, 3)
        adam, x, y = optim.Adam(model.parameters(), lr=0.05), engine.randn(16, 6), engine.arange(16) % 3

        def step(x, y, model=model, adam=adam):
            adam.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            adam.step()
            return loss

        loss_of = lambda x, y, model=model: nn.functional.cross_entropy(model(x).detach(), y)
        trained, evaluated = (engine.compile(f) if compiled else f for f in (step, loss_of))
        losses = []
        for i in range(12):
            losses += [trained(x, y).item(), evaluated(x, y).item()]
            if i == 3:
                shared = engine.full((3, 6), 0.1)
                model.weight.data = shared
            if i == 7:
                model.weight.data = model.weight.data * 2
                view = model.weight.detach()
        found.append([*losses, shared.numpy().copy(), view.numpy().copy()])
        assert np.array_equal(view.numpy(), model.weight.detach().numpy())
        assert not compiled or trained.tier != "eager", trained.why()
    for eager, ours in zip(*found, strict=True):
        np.testing.assert_allclose(ours, eager, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("first", ["own", "average"])
@pytest.mark.parametrize("compiled", [(False, False), (True, False), (False, True), (True, True)])
def test_weights_that_make_way_for_their_average_come_back(compiled: tuple[bool, bool], first: str) -> None:
    """`.data` is kept, set to something else for an evaluation, and set back. first: what is evaluated first."""
    engine.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    adam, x, y = optim.Adam(model.parameters(), lr=0.05), engine.randn(16, 6), engine.arange(16) % 3
    average = {name: p.data.clone() for name, p in model.named_parameters()}

    def train(x, y):
        adam.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        adam.step()
        return loss.detach()

    def evaluate(x, y):
        with engine.no_grad():
            return nn.functional.cross_entropy(model(x), y)

    plain = evaluate
    train, evaluate = (engine.compile(f) if c else f for f, c in zip((train, evaluate), compiled, strict=True))
    for i in range(12):
        train(x, y)
        if first == "own" or i > 8:
            assert evaluate(x, y).item() == pytest.approx(plain(x, y).item(), rel=1e-5)
        before = {name: p.detach().numpy().copy() for name, p in model.named_parameters()}
        for name, p in model.named_parameters():
            average[name].mul_(0.9).add_(p.data, alpha=0.1)
        wanted, kept = {name: a.numpy().copy() for name, a in average.items()}, {}
        for name, p in model.named_parameters():
            kept[name], p.data = p.data, average[name]
        assert evaluate(x, y).item() == pytest.approx(plain(x, y).item(), rel=1e-5)
        for name, p in model.named_parameters():
            p.data = kept[name]
            np.testing.assert_array_equal(p.detach().numpy(), before[name])
            np.testing.assert_array_equal(average[name].numpy(), wanted[name])


def test_parameters_that_share_memory_are_trained_as_they_are_written() -> None:
    losses = []
    for compiled in (False, True):
        engine.manual_seed(0)
        first, x = nn.Parameter(engine.randn(4)), engine.randn(4)
        second = nn.Parameter(first.detach())
        sgd = optim.SGD([first, second], lr=0.1)

        def step(x, first=first, second=second, sgd=sgd):
            sgd.zero_grad()
            loss = ((first * x).sum() - 1) ** 2 + second.sum() ** 2
            loss.backward()
            sgd.step()
            return loss

        trained = engine.compile(step) if compiled else step
        losses.append([float(trained(x).detach()) for _ in range(5)])
        assert not compiled or "another" in trained.why()
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-5)


def test_parameters_that_nobody_else_looks_at_lie_side_by_side() -> None:
    model = nn.Sequential(nn.Linear(6, 4), nn.ReLU(), nn.Linear(4, 3))
    adam = optim.Adam(model.parameters())
    assert home.movable() >= {id(p) for p in model.parameters()}
    kept = model[0].weight.detach().numpy()
    others = {id(p) for p in model.parameters() if p is not model[0].weight}
    assert home.movable() & {id(p) for g in adam.param_groups for p in g["params"]} == others
    del kept
    assert id(model[0].weight) in home.movable()
