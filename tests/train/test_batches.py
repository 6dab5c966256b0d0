"""The order of the examples."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ArgumentError
from engine.train.batches import Cursor


def epochs(cursor: Cursor, count: int) -> list[list[np.ndarray]]:
    found: list[list[np.ndarray]] = [[]]
    while len(found) <= count:
        found[-1].append(cursor.rows())
        if cursor.advance():
            found.append([])
    return found[:count]


counts = st.integers(1, 60)


@given(counts, counts, st.sampled_from(["shuffle", "fixed"]))
def test_kept_batches_show_every_example_once_an_epoch(count: int, size: int, order: str) -> None:
    cursor = Cursor(count, size, order, "keep", 3)
    for epoch in epochs(cursor, 3):
        assert sorted(np.concatenate(epoch).tolist()) == list(range(count))
        assert all(len(batch) == size for batch in epoch[:-1])
        assert len(epoch) == cursor.batches_per_epoch


@given(counts, counts)
def test_carried_examples_are_lost_nowhere(count: int, size: int) -> None:
    size = min(size, count)
    cursor = Cursor(count, size, "shuffle", "carry", 3)
    seen = np.concatenate([batch for epoch in epochs(cursor, 4) for batch in epoch])
    assert len(seen) + len(cursor.carried) == 4 * count
    assert max(np.bincount(np.concatenate([seen, cursor.carried]))) == 4


@given(counts, counts)
def test_dropped_batches_are_always_full(count: int, size: int) -> None:
    size = min(size, count)
    for epoch in epochs(Cursor(count, size, "shuffle", "drop", 1), 2):
        assert {len(batch) for batch in epoch} == {size}


@given(counts, counts, st.sampled_from(["keep", "drop", "carry"]), st.integers(0, 30))
def test_a_saved_place_goes_on_with_the_same_rows(count: int, size: int, last: str, steps: int) -> None:
    size = min(size, count)
    one, two = Cursor(count, size, "shuffle", last, 9), Cursor(count, size, "shuffle", last, 1)
    for _ in range(steps):
        one.advance()
    two.restore(one.state())
    for _ in range(10):
        assert np.array_equal(one.rows(), two.rows())
        assert one.epoch == two.epoch
        assert one.advance() == two.advance()


@given(counts, st.lists(st.tuples(st.integers(1, 20), counts), max_size=5), st.sampled_from(["keep", "drop", "carry"]))
def test_the_size_may_change_at_any_time(count: int, changes: list, last: str) -> None:
    cursor = Cursor(count, 1, "shuffle", last, 2)
    for steps, size in changes:
        for _ in range(steps):
            assert len(cursor.rows()) > 0
            cursor.advance()
        cursor.resize(min(size, count))
        assert len(cursor.rows()) > 0


def test_a_batch_that_would_never_be_full_is_refused() -> None:
    with pytest.raises(ArgumentError):
        Cursor(5, 6, "fixed", "drop", 0)
    assert len(Cursor(5, 6, "fixed", "keep", 0).rows()) == 5
