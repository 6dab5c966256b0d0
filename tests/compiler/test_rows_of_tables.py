"""Rows of tables: gathered and added up as NumPy does it, for every width, stride and number of index loops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from native import HOSTS
from pieces_of_work import held, run, run_special, seen

from engine.compiler.kernels.rows import Rows
from engine.compiler.kernels.work import Operand


def strides(sizes: tuple[int, ...], step: int = 1) -> tuple[int, ...]:
    """Row-major strides, of an innermost loop with this step."""
    found = [step]
    for n in reversed(sizes[1:]):
        found.insert(0, found[0] * n)
    return tuple(found)


def work(scatter: bool, outer: tuple[int, ...], width: int, count: int, step: int = 1, seed: int = 0) -> Rows:
    """A work on seeded numbers; step: between the places of a row of the table."""
    random = np.random.default_rng(seed)
    table = random.standard_normal(count * width * step + 5).astype("f4")
    rows = random.standard_normal(int(np.prod(outer)) * width + 5).astype("f4")
    index = random.integers(0, count, int(np.prod(outer)) + 1)
    return Rows(
        scatter,
        outer,
        width,
        count,
        Operand(held(table), 1, strides((count, width), step)),
        Operand(held(index), 1, strides(outer)),
        Operand(held(rows), 2, strides((*outer, width))),
    )


def arrays(w: Rows) -> tuple[Any, Any, Any]:
    """Table, index and rows."""
    return (
        seen(w.table, (w.count, w.width)),
        seen(w.index, w.outer),
        seen(w.rows, (*w.outer, w.width)),
    )


def meant(w: Rows) -> Any:
    """What it writes, in double precision."""
    table, index, rows = arrays(w)
    if not w.scatter:
        return table[index].astype("f8")
    found = np.zeros(table.shape)
    np.add.at(found, index, rows)
    return found


@pytest.mark.parametrize("scatter", [False, True])
@pytest.mark.parametrize("width", [1, 5, 16, 64, 65, 128, 200])
def test_rows_are_gathered_and_added_up(scatter: bool, width: int) -> None:
    for outer, count, step in [((7,), 5, 1), ((3, 4), 9, 1), ((2, 2, 3), 4, 1), ((6,), 3, 3)]:
        w = work(scatter, outer, width, count, step)
        want, written = meant(w), arrays(w)[0 if scatter else 2]
        for cpu in HOSTS:
            for go in (run, run_special):
                written[...] = np.nan
                go(w, cpu)
                np.testing.assert_allclose(written, want, 1e-6, 1e-6)


def test_only_the_operand_is_written() -> None:
    for scatter in (False, True):
        w = work(scatter, (6,), 19, 4)
        flat = (w.table if scatter else w.rows).buffer.array
        written = arrays(w)[0 if scatter else 2]
        before = flat.copy()
        run(w, HOSTS[0])
        low = flat.size - written.size - (1 if scatter else 2)
        assert np.array_equal(flat[:1], before[:1])
        assert np.array_equal(flat[-low:], before[-low:])


def test_numbers_outside_of_the_table_touch_no_other_memory() -> None:
    w = work(False, (4,), 8, 3)
    w.index.buffer.array[1:5] = [-1, 99, -99, 1]
    run(w, HOSTS[0])
    table, _, rows = arrays(w)
    assert np.array_equal(rows, table[[2, 2, 0, 1]])


@pytest.mark.parametrize("scatter", [False, True])
def test_a_split_work_writes_the_same_bits(scatter: bool) -> None:
    w = work(scatter, (50,), 100, 6)
    written = arrays(w)[0 if scatter else 2]
    run(w, HOSTS[0])
    whole = written.copy()
    for parts in (2, 3):
        written[...] = 0
        found = w.split(parts)
        assert len(found) == parts
        for piece in found:
            run(piece, HOSTS[0])
        assert np.array_equal(written, whole)


def test_a_scatter_writes_the_table_and_a_gather_the_rows() -> None:
    for scatter in (False, True):
        w = work(scatter, (5,), 8, 3)
        assert [a.writes for a in w.accesses()] == [scatter, False, not scatter]
        assert w.cost() > 0
        assert w.key != work(not scatter, (5,), 8, 3).key
