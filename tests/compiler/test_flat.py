"""Groups of parameters are updated at once where that is safe, and one by one where it is not."""

import numpy as np
import pytest

import engine
from engine import nn, optim
from engine.compiler.machine import memory
from engine.compiler.passes.simplify import simplify
from engine.compiler.plan.planner import plan
from engine.compiler.trace import flat, home
from engine.tensor import abstract
from tests.compiler.steps import trace_step, twins


class Odd(nn.Module):
    """Parameters of odd shapes: one number, rows of a table, sizes that end in the middle of a cache line."""

    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(5, 3)
        self.first = nn.Linear(3, 7)
        self.last = nn.Linear(7, 3)
        self.scale = nn.Parameter(engine.ones(()))

    def forward(self, x):
        return self.last(self.first(self.table(x)).tanh()) * self.scale


def gap(a, b):
    return float(np.abs(a.detach().numpy() - b.detach().numpy()).max())


def batches(count=12):
    r = np.random.default_rng(5)
    return [(engine.tensor(r.integers(0, 5, 6)), engine.tensor(r.integers(0, 3, 6))) for _ in range(count)]


def training(model, make, then=lambda model: None, before=lambda model: None):
    optimizer = make(model)

    def step(x, y):
        before(model)
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        then(model)
        optimizer.zero_grad()
        return loss

    return step


def adam(model):
    return optim.Adam(model.parameters(), lr=0.05)


def written(step):
    """The sizes of the cells that a step writes, parameters only."""
    graph = trace_step(step, batches()[0])
    return sorted(cell.size for cell, _ in graph.writes if cell.name in ("", "parameters"))


def agree(make, **more):
    engine.manual_seed(0)
    a, b = twins(Odd)
    eager, compiled = training(a, make, **more), engine.compile(training(b, make, **more))
    for x, y in batches():
        assert gap(eager(x, y), compiled(x, y)) < 1e-5
        if len(compiled.variants) and compiled.newest.bound is not None:
            compiled.wait()
    assert compiled.tier != "eager", compiled.why()
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        assert gap(p, q) < 1e-4


def clamp(model):
    with engine.no_grad():
        model.last.weight.clamp_(-0.3, 0.3)


def two_groups(model):
    groups = [{"params": model.first.parameters()}, {"params": [*model.last.parameters(), model.scale], "lr": 0.01}]
    return optim.Adam(groups, lr=0.05)


def mixed(model):
    model.table.weight.requires_grad_(False)
    return adam(model)


MAKERS = {
    "adam": adam,
    "momentum": lambda m: optim.SGD(m.parameters(), lr=0.1, momentum=0.9),
    "two groups": two_groups,
    "a frozen table": mixed,
    "rmsprop": lambda m: optim.RMSprop(m.parameters(), lr=0.01),
}


@pytest.mark.parametrize("name", MAKERS)
def test_all_at_once(name):
    agree(MAKERS[name])


@pytest.mark.parametrize("name", ["adam", "momentum"])
def test_with_gradients_left_behind(name):
    agree(MAKERS[name], before=lambda model: model.zero_grad())


def test_clipping_at_once():
    a, b = twins(Odd)
    steps = []
    for model in (a, b):
        optimizer = adam(model)

        def step(x, y, model=model, optimizer=optimizer):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            return loss, norm

        steps.append(step)
    compiled = engine.compile(steps[1], guard="finite")
    for x, y in batches():
        (loss, norm), (mine, its) = steps[0](x, y), compiled(x, y)
        assert gap(loss, mine) < 1e-5
        assert gap(norm, its) < 1e-5
    for p, q in zip(a.parameters(), b.parameters(), strict=True):
        assert gap(p.grad, q.grad) < 1e-5


def test_one_cell_for_a_group():
    model = Odd()
    assert written(training(model, adam)) == [sum(p.numel() for p in model.parameters())]
    assert len(written(training(Odd(), two_groups))) == 2


def test_gradients_are_computed_where_they_stay():
    """Nothing is copied for being side by side."""
    model = nn.Sequential(nn.Linear(40, 72), nn.Tanh(), nn.Linear(72, 3))
    step = training(model, adam, before=lambda model: model.zero_grad())
    graph = trace_step(step, (engine.randn(32, 40), engine.randint(0, 3, (32,))))
    simplify(graph)
    moves = [row for row in plan(graph).rows if row.note == "copy" and [n.kind.name for n in row.nodes] == ["concat"]]
    assert not moves


def test_a_parameter_written_by_hand_goes_alone():
    model = Odd()
    assert len(written(training(model, adam, then=clamp))) == len(list(model.parameters()))
    agree(adam, then=clamp)


def test_a_step_that_reads_a_parameter_under_another_name_stays_eager():
    """A view of a parameter, made outside and read behind the update: a graph would not know what it shows."""
    losses = []
    for compiled in (False, True):
        engine.manual_seed(0)
        model = Odd()
        base = training(model, adam)
        for x, y in batches():
            base(x, y)
        side = model.last.bias.detach()[1:]

        def looking(x, y, base=base, side=side):
            return base(x, y) + side.sum()

        step = engine.compile(looking) if compiled else looking
        losses.append([float(step(x, y).detach()) for x, y in batches()])
        if compiled:
            assert step.tier == "eager"
            assert "another name" in step.why()
    np.testing.assert_allclose(*losses, rtol=1e-5)


def test_two_optimisers_of_one_parameter():
    a, b = twins(Odd)
    steps = []
    for model in (a, b):
        first, second = optim.SGD(model.parameters(), lr=0.1), optim.Adam(model.last.parameters(), lr=0.01)

        def step(x, y, model=model, first=first, second=second):
            first.zero_grad()
            loss = nn.functional.cross_entropy(model(x), y)
            loss.backward()
            first.step()
            second.step()
            return loss

        steps.append(step)
    compiled = engine.compile(steps[1])
    for x, y in batches():
        assert gap(steps[0](x, y), compiled(x, y)) < 1e-5
    assert compiled.tier != "eager", compiled.why()


def test_side_by_side():
    a, b, c = home.flat([((3,), "f4"), ((2, 2), "f4"), ((5,), "i8")])
    b[...] = 7
    whole = flat.side_by_side([a, b])
    assert whole.tolist() == [0, 0, 0, 7, 7, 7, 7]
    assert np.shares_memory(whole, a)
    assert flat.side_by_side([b, a]) is None
    assert flat.side_by_side([a, b, c]) is None
    assert flat.side_by_side([a, b.T]) is None
    assert flat.side_by_side([a, None]) is None
    assert flat.side_by_side([None, a]) is None
    assert flat.side_by_side([np.zeros(3, "f4"), np.zeros(2, "f4")]) is None


def test_a_hollow_state_begins_at_zero_in_memory_that_others_have_left():
    p = nn.Parameter(engine.ones(3))
    optimizer = optim.SGD([p], 0.1, momentum=0.9)
    for left in (7.0, 8.0):
        optimizer.state[p] = {"momentum_buffer": abstract((3,))}
        home.settle_states(optimizer, [p])
        memory = optimizer.state[p]["momentum_buffer"].array
        assert memory.tolist() == [0, 0, 0]
        memory[...] = left


def test_pieces_of_memory_begin_at_different_places_of_a_page():
    places = {home.flat([((4096,), "f4")])[0].ctypes.data % 4096 for _ in range(4)}
    assert len(places) == 4
    assert not any(p % 64 for p in places)


def test_large_memory_is_clean_begins_on_a_line_and_can_be_written() -> None:
    for size in (100, memory.HUGE // 4, 3 * memory.HUGE):
        piece = memory.room(size)
        assert piece.shape == (size,)
        assert not piece.any()
        piece[:] = 7
        assert int(piece[-1]) == 7
