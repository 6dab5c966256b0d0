"""A step that is called again is one function: its results, its draws, its threads."""

import math
import threading
import time

import pytest

import engine
from engine import nn, optim
from engine.compiler.again import TURNS
from engine.compiler.code.driver import PARKED
from engine.compiler.machine.cores import set_cores
from engine.compiler.run import team
from engine.compiler.run.table import QUICK
from tests.compiler.steps import gap, rows
from tests.compiler.test_glance import OFTEN, Case, glanced, often

F = nn.functional


def test_every_loss_keeps_its_number():
    ours, theirs = Case(), Case()
    compiled, batches = often(ours), [rows() for _ in range(3 * TURNS)]
    engine.manual_seed(6)
    for _ in range(OFTEN):
        theirs.step(*rows())
    losses, expected = [compiled(*batch) for batch in batches], [theirs.step(*batch).item() for batch in batches]
    assert [loss.item() for loss in losses] == pytest.approx(expected, rel=1e-4)
    losses[0].zero_()
    assert losses[1].item() != 0


def test_a_rate_that_is_set_before_each_step_is_read_without_a_long_way():
    ours, theirs = Case(), Case()
    compiled, batches = often(ours), [rows() for _ in range(2 * TURNS)]
    engine.manual_seed(6)
    for _ in range(OFTEN):
        theirs.step(*rows())
    same, found = compiled._again, []
    for i, batch in enumerate(batches):
        ours.group["lr"] = theirs.group["lr"] = 0.01 + 0.001 * i
        ours.group["betas"] = theirs.group["betas"] = (0.9 if i < TURNS else 0.5, 0.99)
        found.append((compiled(*batch).item(), theirs.step(*batch).item()))
    assert [ours for ours, _ in found] == pytest.approx([theirs for _, theirs in found], rel=2e-3)
    assert compiled._again is same


def test_a_step_that_is_not_finite_is_refused_at_a_glance_too():
    case = Case()
    compiled = often(case, guard="finite")
    x, y = rows()
    before = [p.array.copy() for p in case.model.parameters()]
    loss, enough = glanced(compiled, (x + math.inf, y))
    assert enough
    assert not compiled.finite
    assert not engine.isfinite(loss)
    assert all((p.array == a).all() for p, a in zip(case.model.parameters(), before, strict=True))
    assert glanced(compiled, (x, y))[1]
    assert compiled.finite
    assert any((p.array != a).any() for p, a in zip(case.model.parameters(), before, strict=True))


def training(model, optimizer):
    """A step of a classifier."""

    def step(x, y):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    return step


def noisy():
    """A step that draws masks and counts batches, and its model."""
    engine.manual_seed(8)
    model = nn.Sequential(nn.Linear(6, 8), nn.BatchNorm1d(8), nn.Tanh(), nn.Dropout(0.4), nn.Linear(8, 4))
    optimizer = optim.SGD(model.parameters(), lr=0.1, momentum=0.9)

    return training(model, optimizer), model


def run_of(step, batches):
    """The losses of steps that draw from one seed on."""
    engine.manual_seed(9)
    return [step(*batch).item() for batch in batches]


@pytest.mark.parametrize("guard", [None, "finite"])
def test_draws_and_counts_are_those_of_eager_steps(guard):
    (eager, theirs), (function, ours) = noisy(), noisy()
    step, batches = engine.compile(function, guard=guard), [rows(7) for _ in range(OFTEN + 2 * TURNS)]
    step.prepare(*batches[0])
    step.wait()
    found = run_of(step, batches)
    assert glanced(step, batches[0])[1]
    eager_losses = run_of(eager, batches)
    eager(*batches[0])
    assert found == pytest.approx(eager_losses, rel=1e-4)
    assert gap(ours, theirs) < 1e-4
    assert ours[1].num_batches_tracked.item() == len(batches) + 1


def test_a_step_that_is_refused_at_a_glance_has_drawn_nothing():
    batches, losses = [rows(7) for _ in range(OFTEN)], []
    for refused in (False, True):
        function, _ = noisy()
        step = engine.compile(function, guard="finite")
        step.prepare(*batches[0])
        step.wait()
        run_of(step, batches)
        if refused:
            x, y = batches[0]
            _, enough = glanced(step, (x + math.inf, y))
            assert enough
            assert not step.finite
        losses.append([step(*batch).item() for batch in batches[:5]])
        assert step.finite
    assert losses[0] == losses[1]


def wide(seed):
    """A step that is long enough for two threads, and its batch."""
    engine.manual_seed(seed)
    model = nn.Sequential(nn.Linear(200, 192), nn.ReLU(), nn.Linear(192, 10))
    optimizer = optim.Adam(model.parameters(), lr=1e-3)

    return training(model, optimizer), (engine.randn(64, 200), engine.arange(64) % 10)


def on_two_threads(step, batch):
    """Compiled, and so often called that a glance does."""
    compiled = engine.compile(step, threads=2)
    compiled(*batch)
    compiled.wait()
    table = compiled.newest.bound.runner.table
    table.pace.settled = lambda counts: max(counts)
    for _ in range(OFTEN):
        compiled(*batch)
    return compiled


def test_steps_of_two_threads_from_two_sides_at_once(two_cores):
    """Each has its own workers, or borrows those that the other has just put back."""
    pairs = [wide(seed) for seed in (1, 2)]
    compiled = [on_two_threads(*pair) for pair in pairs]
    found = [[], []]

    def train(i):
        for _ in range(200):
            found[i].append(compiled[i](*pairs[i][1]))

    sides = [threading.Thread(target=train, args=(i,)) for i in (0, 1)]
    for side in sides:
        side.start()
    for side in sides:
        side.join()
    for seed, losses in zip((1, 2), found, strict=True):
        step, batch = wide(seed)
        eager = [step(*batch).item() for _ in range(1 + OFTEN + 200)]
        assert [loss.item() for loss in losses] == pytest.approx(eager[1 + OFTEN :], rel=1e-2, abs=1e-5)
    assert team.share() == 2, "nobody runs any more"


@pytest.mark.parametrize(("each", "lost"), [(900, False), (1200, True)])
def test_many_steps_between_two_looks_count_as_what_they_took(two_cores, monkeypatch, each, lost):
    """More of them than are looked at in one go: they may take more time together."""
    compiled, heard = on_two_threads(*wide(4)), []
    native, table = compiled._again.native, compiled._again.table
    monkeypatch.setattr(table, "_left", QUICK)
    monkeypatch.setattr(table, "_spent", 0)
    monkeypatch.setattr(table, "_allowed", QUICK * 1000)
    monkeypatch.setattr(table.pace, "due", lambda: False)
    monkeypatch.setattr(table.pace, "watch", lambda threads, many, mean, calls: heard.append(mean))
    for _ in range(20):
        if not table.quick(native, TURNS, TURNS * each):
            break
    assert bool(heard) is lost
    assert all(mean == pytest.approx(each, rel=0.05) for mean in heard)


def test_two_threads_that_were_parked_are_woken(two_cores):
    step, batch = wide(3)
    compiled = on_two_threads(step, batch)
    native = compiled._again.native
    assert native.others == 1
    crew = native.crews[-1]
    assert waits(lambda: crew.workers[0]._memory[0] == PARKED), "nothing came for a while"
    _, enough = glanced(compiled, batch)
    assert enough
    assert native.crew is crew is native.crews[-1]
    assert crew.kept is native.held


@pytest.fixture
def two_cores():
    """As if there were two."""
    set_cores(2)
    yield
    set_cores(None)


def waits(there, seconds=10.0):
    """Whether something becomes true in some time."""
    end = time.monotonic() + seconds
    while not there() and time.monotonic() < end:
        time.sleep(0.001)
    return there()
