"""A plan as tables: rows within bounds, threads that change no number, a guard, inputs in rotation, stopping midway."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import pytest

from engine.compiler.code import store
from engine.compiler.code.driver import PARKED
from engine.compiler.code.library import Library
from engine.compiler.graph.ir import CompilerError
from engine.compiler.kernels.work import Access, Buffer, Call, Operand, Plan, Record, pieces
from engine.compiler.machine import cores as machine
from engine.compiler.machine import cpu
from engine.compiler.plan.places import dense
from engine.compiler.run import team
from engine.compiler.run.native import driver
from engine.compiler.run.pace import ROUNDS
from engine.compiler.run.table import FIRST, QUICK, Table
from engine.compiler.schedule.threads import Barrier, Together, schedule


@dataclass(frozen=True)
class Blend:
    """target[i] = factor * a[i] + 0.5 * b[i], each from an offset of its own; factor lies in memory, too."""

    target: tuple
    a: tuple
    b: tuple
    factor: tuple
    count: int
    price: float = 1e6

    key = "test blend"

    def arguments(self):
        return [self.target, self.a, self.b, self.factor, self.count]

    def accesses(self):
        for (buffer, offset), writes in ((self.target, True), (self.a, False), (self.b, False)):
            yield Access(buffer, offset, offset + self.count, writes)
        yield Access(self.factor[0], self.factor[1], self.factor[1] + 1, False)

    def split(self, parts):
        def moved(operand, by):
            return operand[0], operand[1] + by

        return [
            Blend(moved(self.target, i), moved(self.a, i), moved(self.b, i), self.factor, n, self.price / parts)
            for i, n in pieces(self.count, parts)
        ]

    def cost(self):
        return self.price

    def emit(self, f, args):
        target, a, b, factor, count = args
        weight = f.load("float", factor)

        def one(i, mask):
            x, y = (f.load(f.floats, f.add(base, f.mul(i, 4)), mask) for base in (a, b))
            f.store(x * weight + y * 0.5, f.add(target, f.mul(i, 4)), mask)

        f.sweep(count, one)


def memory(count, value=0.0, name="m"):
    return Buffer(count, name=name, array=np.full(count, value, "f4"))


def plan_of(*works, **more):
    rows = [row if isinstance(row, Call) else Record(row) for row in works]
    return Plan(rows=rows, **more)


@pytest.fixture(scope="module")
def kernels(tmp_path_factory):
    made = Library(cpu.host(), store.Store(tmp_path_factory.mktemp("cache"), cpu.host().token))
    yield made
    made.stop()


def addresses(*rows):
    return np.array([[array.ctypes.data for array in row] for row in rows], np.int64)


ONE = memory(1, 1.0, "one")


def adds(target, a, b, count, price=1e6):
    return Blend(target, a, b, (ONE, 0), count, price)


# ------------------------------------------------------------------------------------------------------- bounds
@pytest.mark.parametrize(("offset", "count"), [(0, 11), (5, 6), (-1, 3)])
def test_a_row_that_reaches_beyond_its_buffer_is_refused_by_name(kernels, offset, count):
    m = memory(10, name="weights")
    with pytest.raises(CompilerError, match=r"row 1 \(a blend\).*buffer weights"):
        Table(
            Plan(
                rows=[
                    Record(adds((m, 0), (m, 0), (m, 0), 10)),
                    Record(adds((m, 0), (m, offset), (m, 0), count), note="a blend"),
                ]
            ),
            kernels,
        )


def test_a_row_of_python_is_checked_as_well(kernels):
    m = memory(10)
    row = Call(np.negative, (dense(m, (2, 5)),), (dense(m, (11,)),), note="negate")
    with pytest.raises(CompilerError, match=r"row 0 \(negate\).*0 to 11 written"):
        Table(plan_of(row), kernels)


# ------------------------------------------------------------------------------------------------------- running
def test_steps_follow_each_other_and_keep_their_results(kernels):
    x = memory(3, 1.0)
    plan = plan_of(adds((x, 0), (x, 0), (x, 0), 3), outputs=[(dense(x, (), offset=1), x.dtype)])
    ran = Table(plan, kernels).run(4)
    assert (ran.steps, ran.stopped) == (4, False)
    assert ran.results[:, 0].tolist() == [1.5, 2.25, 3.375, 5.0625]
    assert x.array.tolist() == [5.0625] * 3


@pytest.mark.parametrize("threads", [1, 2])
def test_inputs_and_scalars_change_at_every_step_and_rotate(kernels, threads):
    total, rate, zeros = memory(40), memory(16, name="rate"), memory(40)
    batch = Buffer(40, name="batch", slot=0)
    plan = plan_of(
        Blend((zeros, 0), (batch, 0), (zeros, 0), (rate, 0), 40),
        adds((total, 0), (zeros, 0), (total, 0), 40),
        buffers=[batch], scalars=[(rate, 0, lambda: 7.0)], outputs=[(dense(total, (), offset=33), total.dtype)],
    )  # fmt: skip
    batches = [np.full(40, n, "f4") for n in (1, 2, 3)]
    rates = np.array([[10.0], [100.0]], "f4").view(np.uint32)
    ran = Table(plan, kernels).run(5, addresses(*([b] for b in batches)), rates, exactly=threads)
    kept, sums, expected = 0.0, 0.0, []
    for step in range(5):
        kept = batches[step % 3][0] * (10.0, 100.0)[step % 2] + 0.5 * kept
        sums = kept + 0.5 * sums
        expected.append(sums)
    assert ran.results[:, 0].tolist() == expected


def test_a_scalar_that_is_not_given_is_read(kernels):
    x, rate, numbers = memory(1, 1.0), memory(1), iter([2.0, 5.0])
    table = Table(
        plan_of(Blend((x, 0), (x, 0), (x, 0), (rate, 0), 1), scalars=[(rate, 0, lambda: next(numbers))]), kernels
    )
    table.run(1)
    table.run(1)
    assert x.array.tolist() == [2.5 * 5.5]


def test_a_deadline_ends_a_call_after_a_step(kernels):
    x = memory(4)
    table = Table(plan_of(adds((x, 0), (x, 0), (x, 0), 4)), kernels)
    started = time.monotonic_ns()
    ran = table.run(10**8, deadline=started + 5_000_000)
    assert 0 < ran.steps < 10**8
    assert len(ran.results) == ran.steps
    assert table.run(3, deadline=1).steps == 1


def test_without_a_clock_for_the_driver_python_keeps_the_deadline(kernels, monkeypatch):
    x = memory(4)
    table = Table(plan_of(adds((x, 0), (x, 0), (x, 0), 4)), kernels)
    monkeypatch.setattr(driver(kernels), "clock", 0)
    assert 0 < table.run(10**5, deadline=time.monotonic_ns() + 1_000_000).steps < 10**5


def test_a_row_of_python_stands_between_two_native_stretches(kernels):
    x, y = memory(6, 1.0), memory(6)
    plan = plan_of(
        adds((x, 0), (x, 0), (x, 0), 6),
        Call(lambda a: a.T * 2, (dense(x, (2, 3)),), (dense(y, (3, 2)),)),
        adds((x, 0), (y, 0), (y, 0), 6),
        outputs=[(dense(x, ()), x.dtype)],
    )
    assert Table(plan, kernels).run(2).results[:, 0].tolist() == [4.5, 20.25]


def test_a_row_of_python_sees_the_inputs_of_its_step(kernels):
    batch, y = Buffer(4, name="batch", slot=0), memory(4)
    plan = plan_of(Call(lambda a: a[::-1], (dense(batch, (4,)),), (dense(y, (4,)),)), buffers=[batch, y])
    arrays = [np.arange(4, dtype="f4"), np.arange(4, 8).astype("f4")]
    Table(plan, kernels).run(2, addresses(*([a] for a in arrays)))
    assert y.array.tolist() == [7, 6, 5, 4]


# ------------------------------------------------------------------------------------------------------- the guard
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_a_value_that_is_not_finite_stops_the_step_before_the_rows_behind_the_guard(kernels, threads, bad):
    loss, weights, zero = memory(64), memory(64), memory(64)
    batch = Buffer(64, name="batch", slot=0)
    plan = plan_of(
        adds((loss, 0), (batch, 0), (zero, 0), 64),
        adds((weights, 0), (loss, 0), (weights, 0), 64),
        buffers=[batch], guard=1, finite=[(Operand(loss, 0, (16, 1)), (4, 16))],
        outputs=[(dense(loss, (), offset=40), "f4")],
    )  # fmt: skip
    good, worse = np.ones(64, "f4"), np.ones(64, "f4")
    worse[40] = bad
    ran = Table(plan, kernels).run(9, addresses([good], [good], [worse]), exactly=threads)
    assert (ran.steps, ran.stopped, len(ran.results)) == (2, True, 3)
    assert not np.isfinite(ran.results[2, 0])
    assert weights.array.tolist() == [1.5] * 64
    ran = Table(plan, kernels).run(2, addresses([good]), exactly=threads)
    assert (ran.steps, ran.stopped) == (2, False)


def test_the_guard_stops_rows_of_python_too(kernels):
    loss, seen = memory(2, np.nan), []
    row = Call(lambda a: seen.append(a) or a, (dense(loss, (2,)),), (dense(loss, (2,)),))
    plan = plan_of(row, row, guard=1, finite=[(Operand(loss, 0, ()), ())])
    assert Table(plan, kernels).run(3).stopped
    assert len(seen) == 1


# ------------------------------------------------------------------------------------------------------- threads
def random_plan(seed, rows=30, buffers=5, size=96):
    """Works on stretches of few buffers that share one piece of memory, so that most rows depend on earlier ones."""
    random = np.random.default_rng(seed)
    arena = random.standard_normal(size * buffers // 2).astype("f4")
    made = [Buffer(size, array=arena[i : i + size]) for i in random.integers(0, len(arena) - size, buffers)]
    works = []
    for _ in range(rows):
        count = int(random.integers(1, size // 2))
        target, a, b = ((made[random.integers(buffers)], int(random.integers(0, size // 2))) for _ in range(3))
        lies = [buffer.array.ctypes.data + 4 * offset for buffer, offset in (target, a, b)]
        if any(x != lies[0] and abs(x - lies[0]) < 4 * count for x in lies):
            continue  # a kernel must not write what another piece of itself reads
        works.append(adds(target, a, b, count, float(random.choice([100.0, 1000.0, 1e6]))))
    return plan_of(*works, outputs=[(dense(made[0], ()), "f4")]), arena


@pytest.mark.parametrize("threads", [2, 3])
def test_threads_never_change_a_number(kernels, threads):
    for seed in range(12):
        plan, arena = random_plan(seed)
        before, table = arena.copy(), Table(plan, kernels)
        one = table.run(20, exactly=1)
        alone = arena.copy()
        arena[:] = before
        many = table.run(20, exactly=threads)
        np.testing.assert_array_equal(arena, alone)
        np.testing.assert_array_equal(many.results, one.results)


def test_independent_halves_need_no_barrier_and_a_shift_needs_one():
    x, y = memory(64), memory(64)
    for cost, together in ((1e4, False), (1e6, True)):  # long rows are done by whoever has time for them
        halves = [adds((y, 0), (x, 0), (x, 0), 64, cost), adds((x, 0), (y, 0), (y, 0), 64, cost)]
        shifted = [adds((y, 0), (x, 0), (x, 0), 32, cost), adds((x, 0), (y, 8), (y, 8), 32, cost)]
        for works, barriers in ((halves, int(together)), (shifted, 1)):
            (stretch,) = schedule(plan_of(*works), 2)
            assert [sum(isinstance(item, Barrier) for item in line) for line in stretch.lines] == [barriers] * 2
            assert any(isinstance(item, Together) for item in stretch.lines[0]) == together


def test_a_short_step_runs_on_one_thread_and_a_long_one_keeps_what_is_faster(kernels, monkeypatch):
    monkeypatch.setattr(machine, "_cores", 2)
    x = memory(64, 1.0)
    short = Table(plan_of(adds((x, 0), (x, 0), (x, 0), 64, 1000.0)), kernels)
    short.run(100)
    assert list(short._made) == [1]
    long = Table(plan_of(adds((x, 0), (x, 0), (x, 0), 64)), kernels)  # says 1 ms, needs 10 ns: two threads only wait
    long.wait()
    assert long.run(100).steps == 100
    assert sorted(long._made) == [1, 2]


def test_tables_for_more_threads_are_made_in_the_background(kernels, monkeypatch):
    monkeypatch.setattr(machine, "_cores", 2)
    x = memory(64, 1.0)
    table = Table(plan_of(adds((x, 0), (x, 0), (x, 0), 64)), kernels)
    table.run(1)
    assert kernels.idle()
    assert sorted(table._made) == [1]
    for _ in range(FIRST):
        table.run(1)
    assert kernels.idle()
    assert sorted(table._made) == [1, 2]


def test_single_steps_go_a_quick_way_while_their_threads_are_settled(kernels, monkeypatch):
    monkeypatch.setattr(machine, "_cores", 2)
    plan, arena = random_plan(3)
    before, table, steps = arena.copy(), Table(plan, kernels), FIRST + 2 * ROUNDS + 2 * QUICK
    table.run(steps, exactly=1)
    wanted, arena[:] = arena.copy(), before
    table.wait()
    assert table.pace.settled([1, 2]) == 0
    while table.short is None:
        table.run(1)
        steps -= 1
    quick, count = table.short, table.pace.settled([1, 2])
    assert len(quick.states) == count
    for _ in range(steps):
        table.run(1)
    np.testing.assert_array_equal(arena, wanted)
    assert table.pace.settled([1]) == 1
    table.pace.note(1, False, 1e5)
    table.pace._since = time.monotonic_ns()
    table.short, table._left = table.parts(2)[0], QUICK - 1
    table._spent, table._allowed = 10**9, 10**8
    assert not table.quick(table.short), "many threads take longer than one would: another program came"
    assert table.pace.choose([1, 2], False) == (1, True)
    for _ in range(ROUNDS):
        table.pace.note(1, False, 1e6)
    assert table.pace.settled([1, 2]) == 1
    table.short, table._left, table._spent = table.parts(2)[0], QUICK, 0
    assert table.quick(table.short)
    with team.Running(), team.Running():
        assert not table.quick(table.short), "other tables want that core, too"
    assert table.short is None


def test_tables_that_run_at_once_do_not_disturb_each_other(kernels):
    def work(seed):
        plan, arena = random_plan(seed)
        before, table = arena.copy(), Table(plan, kernels)
        table.run(20, exactly=1)
        wanted = arena.copy()
        for _ in range(10):
            arena[:] = before
            table.run(20, exactly=2)
            np.testing.assert_array_equal(arena, wanted)
        return True

    with ThreadPoolExecutor(3) as pool:
        assert all(pool.map(work, range(6)))


def test_workers_that_parked_are_woken(kernels):
    plan, arena = random_plan(3)
    before, table = arena.copy(), Table(plan, kernels)
    table.run(20, exactly=1)
    wanted = arena.copy()
    (native,) = table.parts(3)
    for parked in (False, True, True):
        arena[:] = before
        table.run(20, exactly=3)
        np.testing.assert_array_equal(arena, wanted)
        assert len(native.crew.workers) == 2
        while parked and not all(worker._memory[0] == PARKED for worker in native.crew.workers):
            time.sleep(0.001)


# ------------------------------------------------------------------------------------------------------- single steps
def test_a_step_can_stop_before_any_row(kernels):
    x = memory(2, 1.0)
    works = [adds((x, 0), (x, 0), (x, 0), 2)] * 2
    plan = plan_of(
        *works,
        Call(np.negative, (dense(x, (2,)),), (dense(x, (2,)),)),
        *works,
        guard=1,
        finite=[(Operand(x, 0, (1,)), (2,))],
    )
    table, seen = Table(plan, kernels), []
    for place in range(6):
        x.array[:] = 1.0
        assert table.run_until(place)
        seen.append(float(x.array[0]))
    assert seen == [1.0, 1.5, 2.25, -2.25, -3.375, -5.0625]


def test_a_table_is_ready_when_its_kernels_are(kernels):
    fresh = Library(kernels.processor, kernels.files)
    x = memory(2)
    table = Table(plan_of(adds((x, 0), (x, 0), (x, 0), 2)), fresh)
    deadline = time.monotonic() + 30
    while not table.ready and time.monotonic() < deadline:
        time.sleep(0.001)
    assert table.ready
    assert table.troubles == {}


def test_numbers_too_small_for_full_precision_count_as_zero_inside_and_not_outside(kernels):
    x = memory(1, 1e-38)
    Table(plan_of(adds((x, 0), (x, 0), (x, 0), 1)), kernels).run(1)
    x.array[0] = 1e-40
    Table(plan_of(adds((x, 0), (x, 0), (x, 0), 1)), kernels).run(1)
    assert x.array[0] == 0.0
    assert np.float32(1e-38) * np.float32(0.01) > 0
