"""A step that has been called often is looked at in one glance; whatever changes after that is seen all the same."""

import copy

import pytest

import engine
from engine import nn, optim
from engine.compiler import again
from engine.compiler import glance as room
from engine.compiler.again import LOOKS
from engine.compiler.glance import Names, conditions
from tests.compiler.steps import gap, rows, weighing

F = nn.functional
SCALE = 1.0
OFTEN = 3 * LOOKS


class Case:
    """A model, its optimiser, and a step that reads them, a variable of its function and one of this file."""

    def __init__(self):
        engine.manual_seed(5)
        model = self.model = nn.Sequential(nn.Linear(6, 8), nn.LeakyReLU(0.1), nn.Linear(8, 4))
        optimizer = self.optimizer = optim.Adam(model.parameters(), lr=0.05)
        self.heard = []
        factor = 1.0

        def step(x, y):
            optimizer.zero_grad()
            loss = F.cross_entropy(model(x), y) * factor * SCALE
            loss.backward()
            optimizer.step()
            return loss

        def turn(value):
            nonlocal factor
            factor = value

        self.step, self.turn = step, turn

    @property
    def group(self):
        return self.optimizer.param_groups[0]

    @property
    def weight(self):
        return self.model[0].weight

    @property
    def state(self):
        return self.optimizer.state[self.weight]


def other_memory(case):
    case.weight.data = engine.ones(8, 6) / 8


def frozen(case):
    case.weight.requires_grad_(False)
    case.weight.grad = None


def state_of_its_own(case):
    case.state["exp_avg"] = engine.ones(8, 6) / 3


def state_with_other_memory(case):
    case.state["exp_avg_sq"].data = engine.ones(8, 6)


def an_equal_count(case):
    case.state["step"] = case.state["step"].clone()


def another_entry_for_a_parameter(case):
    case.optimizer.state[case.weight] = {name: v.clone() * 2 for name, v in case.state.items()}


def all_forgotten(case):
    case.optimizer.state.clear()


def loaded(case):
    saved = copy.deepcopy(case.optimizer.state_dict())
    saved["state"][0]["exp_avg"] = engine.ones(8, 6)
    case.optimizer.load_state_dict(saved)


def one_parameter_less(case):
    case.group["params"].pop()


def a_setting_of_a_module(case):
    case.model[1].negative_slope = 0.9


def another_module(case):
    case.model[1] = nn.Tanh()


def a_hook(case):
    case.model[1].register_forward_hook(lambda *facts: case.heard.append(1))


def in_place(case):
    with engine.no_grad():
        case.weight.mul_(0.5)


CHANGES = {
    "rate": lambda case: case.group.update(lr=0.01),
    "betas": lambda case: case.group.update(betas=(0.5, 0.9)),
    "decay": lambda case: case.group.update(weight_decay=0.1),
    "variable": lambda case: case.turn(3.0),
    "nothing": lambda case: None,
    **{
        f.__name__.replace("_", " "): f
        for f in (
            other_memory,
            frozen,
            state_of_its_own,
            state_with_other_memory,
            an_equal_count,
            another_entry_for_a_parameter,
            all_forgotten,
            loaded,
            one_parameter_less,
            a_setting_of_a_module,
            another_module,
            a_hook,
            in_place,
        )
    },
}


def often(case, guard=None):
    """The compiled step after so many calls that a glance does."""
    engine.manual_seed(6)
    step = engine.compile(case.step, guard=guard)
    for _ in range(3):
        step(*rows())
    step.wait()
    for _ in range(OFTEN - 3):
        step(*rows())
    assert step.tier == "native"
    assert step._again.pool, "results for steps to come"
    return step


def glanced(step, batch):
    """What a step returns, and whether a glance was enough for it."""
    kept, looks, left = step._again, step._again.looks, len(step._again.pool)
    found = step(*batch)
    return found, step._again is kept and (kept.looks, len(kept.pool)) == (looks, left - 1)


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_after_many_calls_is_seen(change):
    ours, theirs = Case(), Case()
    compiled, eager = often(ours), theirs.step
    engine.manual_seed(6)
    for _ in range(OFTEN):
        eager(*rows())
    for case in (ours, theirs):
        CHANGES[change](case)
    batch = rows()
    loss, enough = glanced(compiled, batch)
    assert enough is (change in ("nothing", "in place"))
    assert loss.item() == pytest.approx(eager(*batch).item(), rel=1e-4)
    batches = [rows() for _ in range(LOOKS + 4)]
    for batch in batches:
        assert compiled(*batch).item() == pytest.approx(eager(*batch).item(), rel=1e-4)
    assert gap(ours.model, theirs.model) < 1e-4
    assert len(ours.heard) == len(theirs.heard)
    for p, q in zip(ours.model.parameters(), theirs.model.parameters(), strict=True):
        for name, value in theirs.optimizer.state[q].items():
            assert ours.optimizer.state[p][name].numpy() == pytest.approx(value.numpy(), rel=1e-3, abs=1e-5), name


def test_what_others_do_to_their_modules_costs_one_long_look():
    case = Case()
    compiled = often(case)
    kept, looks, one = compiled._again, compiled._again.looks, compiled._again.one
    nn.Linear(2, 2).eval()
    assert not glanced(compiled, rows())[1]
    assert glanced(compiled, rows())[1]
    assert compiled._again is kept
    assert kept.looks == looks + 1
    assert kept.one is one


def test_a_step_that_goes_the_long_way_once_is_not_written_down_again(monkeypatch):
    compiled = often(Case())
    kept, table, one = compiled._again, compiled._again.table, compiled._again.one
    kept.pool.clear()
    monkeypatch.setattr(table, "_left", 0)
    monkeypatch.setattr(table.pace, "due", lambda: True)
    assert not table.quick(kept.native), "it is time to look at the number of threads"
    compiled(*rows())
    assert compiled._again is kept
    assert kept.one is one
    assert table.quick(kept.native)


def test_what_is_never_the_same_object_is_not_written_down_again_and_again(monkeypatch):
    case, written = Case(), []
    compiled = often(case)
    monkeypatch.setattr(again, "conditions", lambda variant, name: written.append(variant))
    for i in range(40 * LOOKS):
        case.turn(float(1 + 0 * i))  # equal numbers, one object each
        compiled(*rows())
    assert compiled.tier == "native"
    assert len(written) <= 6


def test_a_variable_of_the_file_is_seen(monkeypatch):
    case = Case()
    compiled, batch = often(case), rows()
    with engine.no_grad():
        before = F.cross_entropy(case.model(batch[0]), batch[1]).item()
    monkeypatch.setitem(globals(), "SCALE", 2.0)
    assert compiled(*batch).item() == pytest.approx(2 * before, rel=1e-4)


def test_a_large_network_is_looked_at_piece_by_piece(monkeypatch):
    compiled = often(Case())
    monkeypatch.setattr(room, "MOST", 10)
    assert conditions(compiled.newest, Names()) is None


def test_where_it_is_not_so_simple_there_is_no_glance():
    w = engine.ones(3, requires_grad=True)
    optimizer = optim.SGD([w], lr=engine.tensor(0.5))  # a tensor: its number may change unseen
    compiled = engine.compile(weighing(w, optimizer))
    for _ in range(4 * LOOKS):
        compiled(engine.ones(3))
        compiled.wait()
    assert compiled.tier == "native"
    assert not compiled.newest.changed()
    assert conditions(compiled.newest, Names()) is None
