"""Steps like one that was assembled before: their programs are those that assembling makes."""

from __future__ import annotations

import gc
import random
import weakref
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from steps import Attention, Residual, training
from test_resized import Last, classes, cnn, mlp, normed, thinned

import engine
import engine.nn.functional as F
from engine import nn, optim
from engine.compiler.graph.ir import interpret
from engine.compiler.reuse import alike
from engine.compiler.reuse.alike import Later, program_of
from engine.compiler.reuse.resized import said
from engine.compiler.trace.assemble import assemble
from engine.compiler.trace.compare import Comparison
from engine.compiler.trace.events import watched
from engine.compiler.trace.home import address
from engine.compiler.trace.recipe import Program


@pytest.fixture(autouse=True)
def nothing_is_known() -> None:
    alike._ALIKE.clear()


def compared(step: Any, batch: Any) -> Comparison:
    """A step that ran eagerly until optimisers have their states."""
    _, old, new = (watched(step, batch, {}) for _ in range(3))
    return Comparison(old, new).run()


def source(s: Any) -> Any:
    """All that a source of a graph says, and which numbers it means."""
    lies = None if s.array is None else (s.role == "cell" and address(s.array), s.array.tobytes())
    return s.role, s.shape, s.dtype, s.slot, s.name, lies, s.read and s.read()


def page(program: Program) -> Any:
    """A program as something to compare."""
    graph = program.graph
    place = {id(v): i for i, v in enumerate([*graph.sources, *(node.output for node in graph.nodes)])}
    calls = [(*call[:5], place[id(call.value)]) for call in program.calls]
    writes = [(place[id(cell)], place[id(v)]) for cell, v in graph.writes]
    states = [(o, id(p), {n: address(a) for n, a in names.items()}) for o, p, names in program.states]
    tensors = [(id(t), address(a)) for t, a in program.tensors]
    slopes = [(id(leaf), id(tensor)) for leaf, tensor in program.slopes]
    return (
        said(graph), list(map(source, graph.sources)), calls, writes, states, tensors, slopes, program.structures,
        program.schedules, program.generators, program.keys, program.carried, program.counters, program.result,
    )  # fmt: skip


def likenesses(steps: list[tuple[Any, Any]], finite: bool = False) -> list[bool]:
    """Which of these steps were known by another one; all have the program that assembling makes."""
    found = []
    for step, batch in steps:
        comparison = compared(step, batch)
        ours, wanted = program_of(comparison, finite), assemble(comparison, True, finite)
        found.append(isinstance(ours.graph, Later))
        assert ours.says is None or ours.says == said(wanted.graph)
        assert not found[-1] or "nodes" not in vars(ours.graph)  # nobody has looked
        assert page(ours) == page(wanted)
        if ours.learn is not None:
            ours.learn(ours)
            ours.learn = None
    return found


def sized(make: Callable[..., Any], sizes: list[Any], optimizer: Any = optim.Adam, **how: Any) -> list[tuple[Any, Any]]:
    """Training steps of a network in several sizes."""
    found = []
    for size in sizes:
        model, batch = make(*size)
        found.append((training(model, optimizer(model.parameters(), lr=0.01), **how), batch))
    return found


OPTIMIZERS = {
    "sgd": lambda p, lr: optim.SGD(p, lr=lr),
    "momentum": lambda p, lr: optim.SGD(p, lr=lr, momentum=0.9, nesterov=True, weight_decay=0.01),
    "adam": optim.Adam,
    "amsgrad": lambda p, lr: optim.AdamW(p, lr=lr, amsgrad=True),
    "rmsprop": lambda p, lr: optim.RMSprop(p, lr=lr, centered=True, momentum=0.5),
    "adagrad": optim.Adagrad,
}
WIDTHS = [(30, 9, 7), (30, 11, 8), (30, 13, 19), (30, 10, 17), (30, 22, 17)]


@pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
def test_a_network_of_other_sizes_has_the_program_that_assembling_makes(optimizer: Any) -> None:
    assert likenesses(sized(mlp, WIDTHS, optimizer)) == [False, False, True, True, True]


HOW: dict[str, dict[str, Any]] = {
    "norm": {"clip": lambda p: nn.utils.clip_grad_norm_(p, 0.5)},
    "value": {"clip": lambda p: nn.utils.clip_grad_value_(p, 0.01)},
    "penalty": {"penalty": 0.01},
}


@pytest.mark.parametrize("how", HOW.values(), ids=HOW)
def test_so_has_one_with_more_in_its_step(how: Any) -> None:
    assert likenesses(sized(mlp, WIDTHS, **how), finite=True) == [False, False, True, True, True]


NETWORKS: dict[str, tuple[Callable[..., Any], list[Any], int]] = {
    "dropout": (thinned, [(9, 7), (11, 8), (13, 19), (10, 17)], 2),
    "convolutions": (cnn, [(5, 7), (10, 11), (13, 9), (7, 14)], 2),
    "recurrent": (lambda n: (Last(n), classes(7, 4, 5)), [(9,), (11,), (13,), (17,)], 2),
    "norms": (normed, [(9, 7), (9, 8), (9, 19), (9, 14)], 2),
}


@pytest.mark.parametrize(("make", "sizes", "known"), NETWORKS.values(), ids=NETWORKS)
def test_layers_of_all_kinds(make: Any, sizes: list[Any], known: int) -> None:
    assert sum(likenesses(sized(make, sizes))) == known


def test_a_step_that_branches_or_attends_is_known_again_at_the_same_sizes() -> None:
    def words(_: int) -> Any:
        return Attention(), (engine.randint(0, 11, (4, 6)), engine.randint(0, 3, (4,)))

    assert likenesses(sized(words, [(0,)] * 3)) == [False, False, True]
    assert likenesses(sized(lambda _: (Residual(), classes(5, 6)), [(0,)] * 3)) == [False, False, True]


def test_sizes_that_become_equal_are_another_structure() -> None:
    steps = sized(mlp, [(30, 9, 7), (30, 11, 6), (30, 12, 12), (30, 20, 5), (30, 8, 30)])
    assert likenesses(steps) == [False, False, False, False, False]


def test_a_step_with_another_setting_or_line_is_another_step() -> None:
    def steps(slope: float, weights: list[float], decay: float, line: int) -> Any:
        def make(n: int) -> Any:
            w, kept = engine.ones(n, requires_grad=True), engine.tensor(weights)
            optimizer = optim.SGD([w], lr=0.1, weight_decay=decay)

            def one(x: Any) -> Any:
                optimizer.zero_grad()
                loss = (F.leaky_relu(w * x, slope) * kept[0]).sum()
                loss.backward()
                optimizer.step()
                return loss

            def other(x: Any) -> Any:
                optimizer.zero_grad()
                loss = (F.leaky_relu(w * x, slope) * kept[0]).sum()
                loss.backward()
                optimizer.step()
                return loss

            return (other if line else one), (engine.ones(n),)

        return [make(n) for n in (5, 6, 7)]

    first = steps(0.1, [2.0, 3.0], 0.0, 0)
    assert likenesses(first) == [False, False, True]
    for other in ((0.2, [2.0, 3.0], 0.0, 0), (0.1, [2.0, 3.0], 0.1, 0), (0.1, [2.0, 3.0], 0.0, 1)):
        assert likenesses(steps(*other)[:1]) == [False]
    assert likenesses(steps(0.1, [2.5, 3.0], 0.0, 0)[:1]) == [True]  # what a tensor holds is read at each step


def test_what_is_returned_and_who_steps_is_part_of_it() -> None:
    def make(n: int, many: bool, two: bool) -> Any:
        a, b = nn.Linear(6, n), nn.Linear(n, 3)
        groups = [optim.SGD(a.parameters(), lr=0.1), optim.Adam(b.parameters())] if two else [
            optim.SGD([{"params": a.parameters()}, {"params": b.parameters(), "lr": 0.2}], lr=0.1)
        ]  # fmt: skip
        schedules = [optim.lr_scheduler.ExponentialLR(o, 0.5) for o in groups]

        def step(x: Any, y: Any) -> Any:
            for o in groups:
                o.zero_grad()
            out = b(a(x).tanh())
            loss = F.cross_entropy(out, y)
            loss.backward()
            for o in groups:
                o.step()
            for s in schedules:
                s.step()
            return {"loss": loss, "out": (out, 3, "text")} if many else loss

        return step, classes(20, 6)

    for many in (False, True):
        for two in (False, True):
            assert likenesses([make(n, many, two) for n in (5, 7, 9)]) == [False, False, True]


def test_the_graph_that_is_made_when_somebody_looks_computes_the_step() -> None:
    steps = sized(mlp, WIDTHS[:3])
    for step, batch in steps[:2]:
        program = program_of(compared(step, batch))
        if program.learn is not None:
            program.learn(program)
    step, batch = steps[2]
    comparison = compared(step, batch)
    program = program_of(comparison)
    assert isinstance(program.graph, Later)
    arrays = [t.array for t in batch]
    program.graph.check()
    (ours,) = interpret(program.graph, arrays)
    model_again = program_of(comparison)
    (again,) = interpret(model_again.graph, arrays)
    assert again < ours  # it has learnt: both graphs write to the same memory
    with pytest.raises(AttributeError, match="no such thing"):
        _ = getattr(program.graph, "no such thing")


def test_compiled_edits_train_as_eager_ones() -> None:
    for size in WIDTHS:
        engine.manual_seed(3)
        model, batch = mlp(*size)
        step = engine.compile(training(model, optim.Adam(model.parameters(), lr=0.01)))
        ours = [step(*batch).item() for _ in range(4)]
        seen = step.watch(*batch)
        step.wait()
        engine.manual_seed(3)
        model, batch = mlp(*size)
        eager = training(model, optim.Adam(model.parameters(), lr=0.01))
        assert ours == pytest.approx([eager(*batch).item() for _ in range(4)], rel=1e-4)
        assert seen.calls[0].module is not None
        assert seen[seen.calls[0].number].shape == (30, size[1])
        assert "native" in str(step.explain())
    assert any(isinstance(v.bound.program.graph, Later) for found in step.variants.values() for v in found if v.bound)


def test_a_defect_costs_time_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise ZeroDivisionError("on purpose")

    monkeypatch.setattr(alike.Likeness, "_function", broken)
    with pytest.warns(
        RuntimeWarning, match="assembled from the beginning: a defect of the compiler, ZeroDivisionError"
    ):
        assert likenesses(sized(mlp, WIDTHS[:2])) == [False, False]
    monkeypatch.undo()
    assert likenesses(sized(mlp, WIDTHS[2:5])) == [False, True, True]


def test_nothing_holds_a_network_that_nobody_needs() -> None:
    gc.disable()
    try:
        held = []
        for size in WIDTHS[:4]:
            model, batch = mlp(*size)
            step = engine.compile(training(model, optim.Adam(model.parameters(), lr=0.01)))
            step(*batch)
            step.wait()
            held.append(weakref.ref(model[0].weight))
            del model, step
        assert [ref() for ref in held] == [None] * 4
    finally:
        gc.enable()


def test_no_more_is_known_than_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "MOST", 2)
    for features in (4, 5, 6):
        likenesses([(training(m := nn.Linear(features, 3), optim.SGD(m.parameters(), lr=0.1)), classes(8, features))])
    assert len(alike._ALIKE) <= 2


@pytest.mark.parametrize("seed", range(20))
def test_random_networks_in_random_sizes_have_the_programs_that_assembling_makes(seed: int) -> None:
    draw = random.Random(seed)
    kinds = [draw.choice([nn.ReLU, nn.Tanh, nn.GELU, nn.Softplus]) for _ in range(draw.randint(1, 3))]
    norms, drops = [draw.random() < 0.3 for _ in kinds], [draw.random() < 0.3 for _ in kinds]
    norm = draw.choice([nn.LayerNorm, nn.BatchNorm1d])
    count, flat = draw.choice([8, 33, 64]), draw.random() < 0.5

    def make(*widths: int) -> Any:
        layers: list[Any] = [nn.Flatten()] if flat else []
        before = 20
        for width, kind, scaled, dropped in zip(widths, kinds, norms, drops, strict=True):
            layers += [nn.Linear(before, width), *([norm(width)] if scaled else []), kind()]
            layers += [nn.Dropout(0.2)] if dropped else []
            before = width
        return nn.Sequential(*layers, nn.Linear(before, 3)), classes(count, *((4, 5) if flat else (20,)))

    sizes = [tuple(draw.randint(2, 40) for _ in kinds) for _ in range(6)]
    likenesses(sized(make, sizes, draw.choice(list(OPTIMIZERS.values()))), finite=draw.random() < 0.5)


def test_a_constant_is_nobody_elses() -> None:
    """Numbers that are looked into from outside are those of each step's own."""
    kept = [np.array([2, 2, 2, 3], np.float32) for _ in range(3)]

    def make(k: Any) -> Any:
        w = engine.ones(4, requires_grad=True)
        optimizer = optim.SGD([w], lr=0.1)

        def step(x: Any) -> Any:
            optimizer.zero_grad()
            loss = (w * x * engine.from_numpy(k[:])).sum()
            loss.backward()
            optimizer.step()
            return loss

        return (step, (engine.ones(4),)), k

    made = [make(k) for k in kept]
    assert likenesses([pair for pair, _ in made[:2]]) == [False, False]
    for _, k in made[:2]:
        k[...] = 7
    assert likenesses([made[2][0]]) == [True]


def test_a_step_that_can_not_be_learnt_is_not_tried_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def refusing(*_: Any) -> Any:
        tried.append(1)
        raise alike.TooMuch("on purpose")

    monkeypatch.setattr(alike.Likeness, "_function", refusing)
    monkeypatch.setattr(alike, "EACH", 3)
    assert likenesses(sized(mlp, WIDTHS)) == [False] * 5
    assert len(tried) == 2


def test_memory_that_is_two_tensors_is_not_taken_for_one() -> None:
    def make() -> Any:
        a, b = nn.Linear(5, 5, bias=False), nn.Linear(5, 5, bias=False)
        b.weight.data = a.weight.data
        return training(nn.Sequential(a, nn.Tanh(), b), optim.SGD(a.parameters(), lr=0.1)), classes(6, 5)

    likenesses([make() for _ in range(3)])


@pytest.mark.parametrize("make", [mlp, lambda n, a, b: thinned(a, b)], ids=["plain", "drawn"])
def test_a_rule_that_wants_numbers_is_no_defect(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alike, "noted", lambda *_: None)
    assert likenesses(sized(make, WIDTHS[:4])) == [False] * 4
