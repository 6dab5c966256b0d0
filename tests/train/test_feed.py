"""However batches are handed out, one by one or many at a time, they are the examples that the cursor names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from engine.train import feed as feeds
from engine.train.batches import Cursor
from engine.train.feed import Feed

COUNT, SIZE = 53, 5


def made(order: str, last: str) -> Feed:
    x = np.arange(COUNT * 6, dtype=np.float32).reshape(COUNT, 2, 3)
    return Feed(Cursor(COUNT, SIZE, order, last, seed=3), x, np.arange(COUNT), "cpu")


def one_by_one(feed: Feed, batches: int) -> list[tuple[Any, Any]]:
    found = []
    for _ in range(batches):
        found.append(feed.batch())
        feed.cursor.advance()
    return found


@pytest.mark.parametrize("last", ["keep", "drop", "carry"])
@pytest.mark.parametrize("order", ["shuffle", "fixed"])
@pytest.mark.parametrize(("small", "gathered"), [(2**20, 2**20), (0, 2**20), (0, 400), (0, 1)])
def test_stretches_are_the_batches_one_behind_the_other(
    order: str, last: str, small: int, gathered: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "SMALL", small)
    monkeypatch.setattr(feeds, "GATHERED", gathered)
    feed, found = made(order, last), list[tuple[Any, Any]]()
    for limit in (1, 4, 7, 2, 30, 9):
        x, targets = feed.stretch(limit)
        assert 1 <= len(x) == len(targets) <= limit
        found += [(a.copy(), b.copy()) for a, b in zip(x, targets, strict=True)]
        feed.cursor.advance(len(x))
    for (x, targets), (a, b) in zip(found, one_by_one(made(order, last), len(found)), strict=True):
        np.testing.assert_array_equal(x, a)
        np.testing.assert_array_equal(targets, b)


def test_what_is_gathered_lies_in_the_same_memory_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeds, "SMALL", 0)
    feed, places = made("shuffle", "drop"), set[int]()
    for _ in range(3):
        x, _ = feed.stretch(3)
        places.add(x.__array_interface__["data"][0])
        feed.cursor.advance(len(x))
    assert len(places) == 1
