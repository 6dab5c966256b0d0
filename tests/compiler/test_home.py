"""Memory that programs work in: full of zeros when it is asked for, kept for the next one when it is let go."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from engine.compiler import home


@pytest.fixture(autouse=True)
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "_FREE", [])


@pytest.mark.parametrize("size", [1, 100, home.SMALL, 440_000, home.HUGE // 4, 5_000_000])
def test_memory_is_full_of_zeros_also_when_it_was_used_before(size: int) -> None:
    for more in (0, size // 20, -(size // 20)):
        found = home.room(size + more)
        assert found.nbytes == size + more
        assert not found.any()
        found[...] = 7
        del found


@pytest.mark.parametrize("size", [home.SMALL, 440_000, 5_000_000])
def test_what_is_let_go_is_used_again_and_never_while_somebody_looks_at_it(size: int) -> None:
    first = home.room(size)
    place, part = first.ctypes.data, first[10:20].view(np.int8)
    del first
    second = home.room(size)
    assert second.ctypes.data != place
    part[...] = 3
    assert not second.any()
    del part
    assert home.room(size).ctypes.data == place


def test_no_more_is_kept_than_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(home, "KEPT", 1_000_000)
    held = [home.room(200_000) for _ in range(9)]
    del held
    assert 0 < sum(len(memory) for memory, _ in home._FREE) <= 1_000_000


def test_a_small_one_does_not_take_what_is_large() -> None:
    home.room(10_000_000)
    small = home.room(home.SMALL)
    assert small.nbytes == home.SMALL
    assert len(home._FREE) == 1


def test_threads_get_memory_of_their_own() -> None:
    wrong = []

    def work(number: int) -> None:
        for _ in range(200):
            mine = home.room(home.SMALL + number)
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
