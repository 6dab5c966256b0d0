"""Rows that go through long stretches of memory are cut where its writers were; copies are made by every thread."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from steps import trace_step, training

import engine
from engine import nn
from engine.compiler.kernels.product import Product
from engine.compiler.kernels.transpose import Transposition
from engine.compiler.kernels.work import Plan
from engine.compiler.plan import bands
from engine.compiler.plan.planner import plan
from engine.compiler.plan.scratch import touched
from engine.compiler.run import table
from engine.compiler.run.table import Table
from engine.compiler.schedule import copies
from engine.compiler.schedule import threads as rules
from engine.compiler.schedule.copies import Copies
from engine.compiler.schedule.owners import LONG, NOBODY, shared
from engine.compiler.schedule.threads import Bases, Piece, Together, schedule

INPUTS = [np.random.default_rng(0).standard_normal((64, 200)).astype("f4"), np.arange(64) % 5]


def planned(shards: int = 2) -> tuple[Plan, Any]:
    """The plan of a step whose first layer is large, and its graph."""
    engine.manual_seed(0)
    model = nn.Sequential(nn.Linear(200, 128), nn.ReLU(), nn.Linear(128, 32), nn.ReLU(), nn.Linear(32, 5))
    step = training(model, engine.optim.Adam(model.parameters()))
    graph = trace_step(step, tuple(engine.tensor(a) for a in INPUTS))
    return plan(graph, shards), graph


@pytest.mark.parametrize("threads", [1, 2, 3, 8])
@pytest.mark.parametrize("seed", range(20))
def test_what_is_shared_out_is_even_and_long_runs_stay_with_their_owners(seed: int, threads: int) -> None:
    random = np.random.default_rng(seed)
    runs = random.integers(1, 6 * LONG, random.integers(1, 12))
    owners = np.repeat(random.integers(NOBODY, threads, len(runs)), runs)
    found = shared(owners, threads)
    counts = [int((found == thread).sum()) for thread in range(threads)]
    even = -(-len(owners) // threads)
    assert sum(counts) == len(owners)
    assert max(counts) <= even
    moved = (owners != NOBODY) & (owners != found)
    short = np.repeat(np.isin(np.arange(len(edges := ends(owners))), np.flatnonzero(edges < LONG)), edges)
    for thread in range(threads):  # what was taken from somebody was more than a share, or too short to be kept
        assert not (moved & ~short & (owners == thread)).any() or counts[thread] == even


def ends(owners: Any) -> Any:
    """How long the runs of equal owners are."""
    return np.diff(np.concatenate(([0], np.flatnonzero(np.diff(owners)) + 1, [len(owners)])))


def lines(made: Plan, threads: int) -> tuple[list[list[Any]], Any]:
    """The pieces that each thread begins with, and all that is in its line."""
    (stretch,) = schedule(made, threads)
    return [[x for item in line for x in begun(item, t)] for t, line in enumerate(stretch.lines)], stretch


def begun(item: Any, thread: int) -> list[Piece]:
    return item.homes[thread] if isinstance(item, Together) else [item] if isinstance(item, Piece) else []


@pytest.mark.parametrize("threads", [2, 3])
def test_an_optimiser_steps_where_the_gradient_was_written(threads: int) -> None:
    made, _ = planned()
    found, _ = lines(made, threads)
    *before, (last, step) = enumerate(row.work for row in made.rows)
    (gradient,) = [o for o in step.operands if o.buffer.name == "grad"]
    slopes = {i: work for i, work in before if isinstance(work, Product) and work.operands[0].buffer is gradient.buffer}
    largest = max(slopes, key=lambda i: slopes[i].cost())
    written, stepped = ([touching(line, place, gradient.buffer) for line in found] for place in (largest, last))
    assert sorted(x for mine in stepped for x in mine) == list(range(step.sizes[0]))
    assert sum(len(a & b) for a, b in zip(written, stepped, strict=True)) > 0.95 * 200 * 128


def touching(line: list[Any], place: int, buffer: Any) -> set[int]:
    """Elements of a buffer that a row's pieces in a thread's line touch."""
    spans = [a[1:3] for piece in line if piece.place == place for a in piece.work.accesses() if a.buffer is buffer]
    return {x for span in spans for x in range(*span)}


def test_a_copy_that_all_threads_read_is_made_by_each_in_its_own_memory() -> None:
    made, _ = planned()
    found, stretch = lines(made, 2)
    own = Copies(made, 2)
    assert own.rows
    for place in own.rows:
        work = made.rows[place].work
        assert isinstance(work, Transposition)
        assert [sum(piece.place == place for piece in line) for line in found] == [1, 1]
        lies = [bases(work.target.buffer, 0) for bases in stretch.bases]
        assert len({Bases()(work.target.buffer, 0), *lies}) == 3, "other rows write where the plan has it"


def test_what_only_a_band_touches_lies_elsewhere_for_every_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bands, "WORTH", 0.0)
    made, _ = planned()
    own = Copies(made, 2)
    assert made.bands
    assert own.inside
    assert not set(map(id, own.inside)) & set(map(id, own.copied))
    assert (own.of(0), own.of(1)) == (own.copied, own.copied + own.inside)
    for buffer in own.inside:
        users = [i for i, row in enumerate(made.rows) if any(b is buffer for b in touched(row))]
        assert any(band.start <= min(users) and max(users) < band.end for band in made.bands)
        assert all(place.buffer is not buffer for place, _ in made.outputs)
    monkeypatch.setattr(copies, "ROOM", 0)
    assert [b for thread in (0, 1) for b in Copies(made, 2).of(thread)] == 2 * own.copied


def test_a_long_row_is_done_together_in_pieces_that_are_its_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "LEAST", 200.0)
    made, _ = planned()
    _, stretch = lines(made, 2)
    rows = [[item for item in line if isinstance(item, Together)] for line in stretch.lines]
    assert rows[0]
    assert all(a is b for a, b in zip(*rows, strict=True))
    for row in rows[0]:
        (place,) = {piece.place for piece in row.pieces}
        written = [a[1:3] for piece in row.pieces for a in piece.work.accesses() if a.writes]
        (whole,) = {tuple(a[1:3]) for a in made.rows[place].work.accesses() if a.writes}
        assert (min(low for low, _ in written), max(high for _, high in written)) == whole
        assert max(map(len, row.homes)) <= rules.MOST + 2
    monkeypatch.setattr(rules, "LEAST", 1e9)
    assert not any(isinstance(item, Together) for line in lines(made, 2)[1].lines for item in line)


@pytest.mark.parametrize("least", [50.0, 1e9])
@pytest.mark.parametrize("banded", [True, False])
def test_the_number_of_threads_changes_no_bit(monkeypatch: pytest.MonkeyPatch, banded: bool, least: float) -> None:
    pytest.importorskip("llvmlite")
    monkeypatch.setattr(table, "TINY", 0.0)
    monkeypatch.setattr(rules, "LEAST", least)
    monkeypatch.setattr(bands, "WORTH", 0.0 if banded else 1e12)
    found = []
    for threads in (1, 2, 3):
        made, graph = planned(3)
        runs = Table(made)
        runs.wait()
        lies = np.array([[a.ctypes.data for a in INPUTS]], np.int64)
        cells = [s.array for s in graph.sources if s.role == "cell"]
        found.append((runs.run(300, lies, exactly=threads).results, *[a.copy() for a in cells]))
    for other in found[1:]:
        assert all(np.array_equal(a, b) for a, b in zip(found[0], other, strict=True))
