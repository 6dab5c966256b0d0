"""How many threads a table gets: they race, the fastest stays."""

import math

import pytest

from engine.compiler.graph import ir
from engine.compiler.machine import cores as machine
from engine.compiler.plan.planner import plan
from engine.compiler.run import pace as rules
from engine.compiler.run import team
from engine.compiler.run.pace import ROUNDS, Pace
from engine.compiler.run.table import QUICK, Table


def test_numbers_of_threads_race_and_the_fastest_stays():
    pace = Pace(1e6)
    assert pace.candidates(8) == [1, 8, 4, 2]
    assert Pace(70_000.0).candidates(8) == [1, 4, 2]
    assert Pace(40_000.0).candidates(8) == [1]
    speeds = {1: 900.0, 8: 700.0, 4: 300.0, 2: 500.0}
    for _ in range(3 * 4):
        count, measuring = pace.choose(speeds, True)
        assert measuring
        pace.note(count, True, speeds[count])
    assert pace.choose(speeds, True) == (4, False)
    assert pace.choose(speeds, False)[1]
    assert pace.choose([1, 2], True) == (2, False)
    for slow in (2000.0, 2000.0, 800.0, 2000.0, 2000.0):
        pace.watch(4, True, slow)
    assert pace.choose(speeds, True) == (4, False)
    pace.watch(4, True, 2000.0)
    for count in (1, 8, 2):
        for _ in range(ROUNDS):
            assert pace.choose(speeds, True)[1], "another program took the cores: they race again"
            pace.note(count, True, 950.0 if count == 1 else 3000.0)
    assert pace.choose(speeds, True) == (1, False), "against what many threads took then, not on their better days"
    assert pace.allowed(1, True) == math.inf
    assert 950 < pace.allowed(2, True) < 2 * 950


def test_single_steps_are_settled_when_every_number_of_threads_has_raced():
    pace = Pace(1e6)
    assert pace.settled([1]) == 1
    for _ in range(ROUNDS):
        assert pace.settled([1, 2]) == 0
        pace.note(1, False, 900.0)
        pace.note(2, False, 500.0)
    assert pace.settled([1, 2]) == 2
    assert pace.settled([1, 4, 2]) == 0


def test_long_steps_begin_on_many_threads_and_spend_little_time_on_races(monkeypatch: pytest.MonkeyPatch) -> None:
    now, counts = 10 * rules.AGAIN, [1, 2]
    monkeypatch.setattr(rules.time, "monotonic_ns", lambda: now)
    one, raced, spent = Pace(2 * rules.LONG), [], 0.0
    for _ in range(2000):
        assert one.settled(counts) in (0, 2)
        threads, measuring = one.choose(counts, False)
        took = int(2 * rules.LONG / threads)
        if measuring:
            one.note(threads, False, took)
            raced.append(threads)
            spent += took
        now += took
    assert sorted(raced[:4]) == [1, 1, 2, 2]
    assert 4 <= len(raced) < 80
    assert spent < 2 * rules.PART * 2000 * rules.LONG


def test_the_environment_limits_the_cores(monkeypatch):
    monkeypatch.setattr(machine, "_cores", None)
    monkeypatch.setenv(machine.THREADS, "3")
    assert machine.cores() == 3
    machine.set_cores(1)
    assert team.share() == 1


def test_two_tables_that_run_share_the_cores(monkeypatch):
    monkeypatch.setattr(machine, "_cores", 4)
    assert team.share() == 4
    with team.Running(), team.Running():
        assert team.share() == 2


def test_many_threads_that_lost_race_again_soon_and_later_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 10 * rules.AGAIN
    monkeypatch.setattr(rules.time, "monotonic_ns", lambda: now)
    counts, one = [1, 2], Pace(1e6)

    def race() -> None:
        while one.choose(counts, False)[1]:
            threads = one.choose(counts, False)[0]
            one.note(threads, False, 1000.0 / threads)

    def lose() -> None:
        for _ in range(rules.STRIKES):
            one.watch(2, False, 9000.0)
        race()
        assert one.choose(counts, False) == (1, False)

    race()
    assert one.choose(counts, False) == (2, False)
    wait = rules.SOON
    for _ in range(5):
        lose()
        now += wait
        assert not one.choose(counts, False)[1]
        now += 1
        race()
        assert one.choose(counts, False) == (2, False)
        wait = min(2 * wait, rules.AGAIN)
    now += rules.AGAIN + 1  # nobody lost for so long: the next one who does waits for a short time again
    race()
    lose()
    now += rules.SOON + 1
    assert one.choose(counts, False)[1]


def test_many_threads_that_lost_the_first_race_run_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 10 * rules.AGAIN
    monkeypatch.setattr(rules.time, "monotonic_ns", lambda: now)
    counts, one = [1, 2], Pace(1e6)
    for wait in (rules.SOON, 2 * rules.SOON):  # somebody else had a core just then
        for _ in range(2 * ROUNDS):
            threads, measuring = one.choose(counts, False)
            assert measuring
            one.note(threads, False, 9000.0 if threads == 2 else 1000.0)
        assert one.settled(counts) == 1
        now += wait
        assert one.choose(counts, False) == (1, False)
        now += 1
    assert one.choose(counts, False)[1]


def test_single_steps_stay_on_their_quick_way_until_there_is_something_to_find_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("llvmlite")
    monkeypatch.setattr(machine, "_cores", 2)
    graph = ir.Graph()
    graph.outputs = [graph.map("tanh", graph.source("input", (4,), "f4", slot=0))]
    table = Table(plan(graph))
    table.wait()
    (native,) = table.parts(1)
    table.pace = Pace(1e6)

    def settled() -> None:
        table.pace.choose([1, 2], False)  # a race has just begun
        table._settle(None)
        table.short = native

    settled()
    assert all(table.quick(native) for _ in range(3 * QUICK))
    table._left = 0
    monkeypatch.setattr(machine, "_cores", 3)
    assert not table.quick(native), "another core is free since"
    monkeypatch.setattr(machine, "_cores", 2)
    settled()
    table._left, table.pace._since = 0, -rules.AGAIN
    assert not table.quick(native), "it is time for a race"
