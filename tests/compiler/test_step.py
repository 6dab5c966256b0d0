"""A compiled step does what the step does: numbers, guards, reasons, many steps a call."""

import copy
import sys

import numpy as np
import pytest

import engine
from engine import nn, optim
from engine.compiler import step as face
from engine.compiler import variant
from engine.compiler.machine.cpu import NoNativeCode
from tests.compiler.steps import NETWORKS, cnn, gap, mlp, pictures, rows, training, twins, weighing


@pytest.fixture
def no_native(monkeypatch):
    """As on a machine without native code."""

    def refuse(*_):
        raise NoNativeCode("compile", "llvmlite", "none")

    monkeypatch.setattr(variant, "Native", refuse)


def sgd(model, **more):
    return optim.SGD(model.parameters(), **({"lr": 0.1, "momentum": 0.9} | more))


@pytest.mark.parametrize("name", NETWORKS)
def test_twenty_steps_on_numpy_are_the_eager_ones(name, no_native):
    make, data = NETWORKS[name]
    a, b = twins(make)
    eager, compiled = training(a, sgd(a)), engine.compile(training(b, sgd(b)))
    batches = [data() for _ in range(20)]
    engine.manual_seed(5)
    wanted = [eager(*batch).item() for batch in batches]
    engine.manual_seed(5)
    found = [compiled(*batch).item() for batch in batches]
    assert compiled.tier == "numpy"
    np.testing.assert_allclose(found, wanted, atol=2e-6)
    assert gap(a, b) < 2e-6


@pytest.mark.parametrize("name", NETWORKS)
def test_many_native_steps_are_the_eager_ones(name):
    make, data = NETWORKS[name]
    a, b = twins(make)
    eager, compiled = training(a, sgd(a)), engine.compile(training(b, sgd(b)))
    batches = [data() for _ in range(20)]
    engine.manual_seed(5)
    wanted = [eager(*batch).item() for batch in batches]
    engine.manual_seed(5)
    found = [compiled(*batch).item() for batch in batches[:3]]
    if not compiled.wait():
        pytest.skip("no native code here")
    found += compiled.run(batches[3:]).tolist()
    assert compiled.tier == "native"
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)
    assert gap(a, b) < 2e-5


def test_many_steps_a_call_are_single_calls_bit_for_bit():
    a, b = twins(cnn)
    one, many = (engine.compile(training(m, sgd(m))) for m in (a, b))
    batches = [pictures() for _ in range(9)]
    found = []
    for step in (one, many):
        engine.manual_seed(2)
        for batch in batches[:2]:
            step(*batch)
        if not step.wait():
            pytest.skip("no native code here")
        found.append([step(*x).item() for x in batches[2:]] if step is one else step.run(batches[2:]).tolist())
    assert found[0] == found[1]
    assert gap(a, b) == 0


def test_stacked_batches_and_the_same_list_again():
    a, b = twins(mlp)
    first, second = (engine.compile(training(m, sgd(m))) for m in (a, b))
    x, y = engine.randn(6, 5, 6), engine.randint(0, 3, (6, 5))
    listed = [(x[i], y[i]) for i in range(6)]
    for _ in range(3):
        u, v = first.run((x, y)), second.run(listed)
        first.wait(), second.wait()
        np.testing.assert_allclose(u.numpy(), v.numpy(), rtol=1e-5)
    assert u.shape == (6,)


def test_a_smaller_last_batch_is_another_program():
    a, b = twins(mlp)
    eager, compiled = training(a, sgd(a)), engine.compile(training(b, sgd(b)))
    batches = [rows(n) for n in (5, 5, 3, 5, 5, 3, 5, 3, 5, 3)]
    wanted = [eager(*batch).item() for batch in batches]
    found = compiled.run(batches).tolist()
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    assert len(compiled.variants) == 2


def test_a_live_learning_rate_needs_no_new_program():
    a, b = twins(mlp)
    ours, theirs = sgd(b), sgd(a)
    eager, compiled = training(a, theirs), engine.compile(training(b, ours))
    for i in range(8):
        batch = rows()
        ours.param_groups[0]["lr"] = theirs.param_groups[0]["lr"] = 0.1 / (i + 1)
        assert compiled(*batch).item() == pytest.approx(eager(*batch).item(), rel=1e-5)
    assert [len(v) for v in compiled.variants.values()] == [1]
    assert gap(a, b) < 2e-6


def test_modes_and_settings_of_modules_are_guards():
    engine.manual_seed(1)
    model = nn.Sequential(nn.Linear(6, 6), nn.Dropout(0.5))
    total = engine.compile(lambda x: model(x).sum())
    x = engine.ones(2, 6)
    drawn = {total(x).item() for _ in range(5)}
    assert len(drawn) > 1
    model.eval()
    assert len({round(total(x).item(), 4) for _ in range(5)}) == 1
    model.train()
    model[1].p = 1.0
    assert [total(x).item() for _ in range(4)] == [0.0] * 4


def test_a_variable_of_the_program_is_a_guard():
    factor = 2.0

    def scaled(x):
        return (x * factor).sum()

    compiled = engine.compile(scaled)
    assert [compiled(engine.ones(2)).item() for _ in range(3)] == [4.0] * 3
    factor = 3.0
    assert compiled(engine.ones(2)).item() == 6.0


def test_a_step_that_counts_in_python_stays_eager():
    count = 0

    def counting(x):
        nonlocal count
        count += 1
        return x.sum() * count

    compiled = engine.compile(counting)
    assert [compiled(engine.ones(1)).item() for _ in range(5)] == [1, 2, 3, 4, 5]
    assert count == 5


def test_a_look_at_a_value_stays_eager_and_says_where():
    def step(x):
        if x.sum().item() > 0:
            return x * 2
        return x

    compiled = engine.compile(step)
    for sign in (1, 1, 1, -1):
        assert compiled(engine.full((1,), float(sign))).item() == (2 if sign > 0 else -1)
    assert compiled.tier == "eager"
    assert "item() looks at a value" in str(compiled.explain())
    assert "test_step.py:" in str(compiled.explain())


def test_numbers_drawn_from_computed_chances_stay_eager():
    compiled = engine.compile(lambda x: engine.normal(x, 1.0))
    assert len({compiled(engine.zeros(1)).item() for _ in range(5)}) == 5
    assert "drawn inside of the step" in str(compiled.explain())


def test_other_memory_is_noticed():
    a, b = twins(mlp)
    theirs, ours = (optim.Adam(m.parameters(), lr=0.05) for m in (a, b))
    eager, compiled = training(a, theirs), engine.compile(training(b, ours))
    for i in range(12):
        batch = rows()
        assert compiled(*batch).item() == pytest.approx(eager(*batch).item(), rel=1e-4)
        if i == 3:
            saved = [copy.deepcopy((m.state_dict(), o.state_dict())) for m, o in ((a, theirs), (b, ours))]
        if i == 6:
            for (weights, state), model, optimizer in zip(saved, (a, b), (theirs, ours), strict=True):
                model.load_state_dict(weights)
                optimizer.load_state_dict(state)
        if i == 8:
            for model in (a, b):
                model[0].weight.data = engine.ones(8, 6) / 8
    assert gap(a, b) < 1e-5


def test_a_step_that_is_not_finite_changes_nothing():
    for make_native in (False, True):
        model = twins(mlp)[0]
        compiled = engine.compile(training(model, sgd(model)), guard="finite")
        for _ in range(3):
            compiled(*rows())
        if make_native and not compiled.wait():
            continue
        before = {k: v.clone() for k, v in model.state_dict().items()}
        x, y = rows()
        assert not engine.isfinite(compiled(x * float("nan"), y))
        assert not compiled.finite
        assert all(engine.equal(v, before[k]) for k, v in model.state_dict().items())
        losses = compiled.run([(x, y), (x, y), (x * float("inf"), y), (x, y)])
        assert losses.shape == (3,)
        assert not compiled.finite
        compiled(x, y)
        assert compiled.finite


def test_an_eager_step_that_is_not_finite_changes_nothing():
    model = twins(mlp)[0]
    optimizer = optim.Adam(model.parameters())
    compiled = engine.compile(training(model, optimizer), guard="finite")
    before = {k: v.clone() for k, v in model.state_dict().items()}
    x, y = rows()
    compiled(x * float("nan"), y)
    assert compiled.tier == "eager"
    assert not compiled.finite
    assert not any(optimizer.state.values())
    assert all(engine.equal(v, before[k]) for k, v in model.state_dict().items())


def test_prepare_leaves_no_trace():
    a, b = twins(cnn)
    eager, compiled = training(a, sgd(a)), engine.compile(training(b, sgd(b)))
    batches = [pictures() for _ in range(5)]
    engine.manual_seed(4)
    wanted = [eager(*batch).item() for batch in batches]
    engine.manual_seed(4)
    assert compiled.prepare(*batches[0]) in ("numpy", "native")
    found = [compiled(*batch).item() for batch in batches]
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
    assert gap(a, b) < 1e-5


def test_a_module_compiles_for_inference():
    model = twins(cnn)[0].eval()
    fast, x = engine.compile(model), engine.randn(2, 1, 8, 8)
    wanted = model(x).detach().numpy()
    with engine.no_grad():
        for _ in range(4):
            np.testing.assert_allclose(fast(x).numpy(), wanted, rtol=1e-5, atol=1e-6)
    fast(x).sum().backward()
    assert model[0].weight.grad is not None
    assert next(iter(fast.parameters())) is model[0].weight
    assert not fast.training


def test_results_may_be_a_tree():
    engine.manual_seed(0)
    layer = nn.Linear(6, 3)

    @engine.compile(fullgraph=True, mode="max-autotune")
    def look(x, y):
        out = layer(x)
        return {"loss": out.sum(), "right": (out.argmax(1) == y).sum(), "out": (out, "as it is")}

    x, y = rows()
    with engine.no_grad():
        for _ in range(4):
            found = look(x, y)
    assert found["right"].dtype is engine.int64
    assert found["right"].item() == int((layer(x).argmax(1) == y).sum())
    np.testing.assert_allclose(found["out"][0].numpy(), layer(x).detach().numpy(), rtol=1e-5)
    assert found["out"][1] == "as it is"


def test_explain_lists_what_ran_where():
    model = twins(mlp)[0]
    compiled = engine.compile(training(model, sgd(model)))
    for _ in range(3):
        compiled(*rows())
    page = compiled.explain().pages[0]
    assert page.tier in ("numpy", "native")
    calls = {op for row in page.rows for _, op, _, _ in row.calls}
    assert {"linear", "tanh"} <= calls
    assert any("steps.py:" in line for row in page.rows for _, _, line, _ in row.calls)


def test_an_optimiser_without_a_rule_is_among_what_ran_and_says_why():
    model = twins(mlp)[0]
    compiled = engine.compile(training(model, optim.Adamax(model.parameters())))
    for _ in range(3):
        compiled(*rows())
    last = compiled.explain().pages[0].rows[-1]
    assert (last.where, last.why) == ("python", "the step of Adamax has no rule here")


def test_numbers_of_twice_the_size_run_on_numpy_and_say_why():
    engine.manual_seed(0)
    model = mlp().double()
    compiled = engine.compile(training(model, sgd(model)))
    for _ in range(4):
        x, y = rows()
        compiled(x.double(), y)
    assert compiled.tier == "numpy"
    assert "float32" in str(compiled.explain()) or not compiled.wait()


def test_in_the_place_of_torch(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", engine)
    program = """
import torch
model = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.ReLU())
model = torch.compile(model, mode="reduce-overhead")
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
for _ in range(3):
    optimizer.zero_grad()
    loss = model(torch.ones(3, 4)).sum()
    loss.backward()
    optimizer.step()
model.eval()
with torch.no_grad():
    first = [model(torch.ones(3, 4)) for _ in range(4)]
names = list(model.state_dict())
"""
    space = {}
    exec(program, space)
    assert all(engine.equal(found, space["first"][0]) for found in space["first"])
    assert space["names"] == ["_orig_mod.0.weight", "_orig_mod.0.bias"]


def test_a_loader_is_read_a_few_batches_ahead():
    a, b = twins(mlp)
    eager, compiled = training(a, sgd(a)), engine.compile(training(b, sgd(b)))
    data = engine.data.TensorDataset(*rows(33))
    loader = engine.data.DataLoader(data, batch_size=4)
    wanted = [eager(*batch).item() for _ in range(3) for batch in loader]
    found = [loss for _ in range(3) for loss in compiled.run(loader).tolist()]
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=1e-5)


def test_ever_new_arguments_stay_eager():
    compiled = engine.compile(lambda x, factor: x * factor)
    for i in range(100):
        assert compiled(engine.ones(1), float(i)).item() == i
    assert len(compiled.variants) <= face.KINDS
    assert "ever new kinds" in compiled.why()


@pytest.mark.parametrize("make", [lambda rate: rate, lambda rate: engine.tensor(rate)])
def test_a_rate_that_changes_between_calls(make):
    """Settings are read again when one is another one, and before every step where one is a tensor."""
    w = engine.ones(3, requires_grad=True)
    optimizer = optim.SGD([w], lr=make(0.5))
    step = engine.compile(weighing(w, optimizer))
    x, group = engine.ones(3), optimizer.param_groups[0]
    for _ in range(3):
        step(x)
    step.wait()
    for rate in (0.5, 0.5, 0.25, 0.25, 1.0):
        before = w.detach().numpy().copy()
        if isinstance(group["lr"], engine.Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate
        step(x)
        assert np.allclose(before - w.detach().numpy(), rate)
