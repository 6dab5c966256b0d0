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
