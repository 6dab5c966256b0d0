"""A simplified graph means the same, and says what the rules promise to say shorter."""

from typing import Any

import numpy as np
import pytest
from test_lower import CASES, MORE, agree, floats, lowered, sample

from engine.compiler.graph import ir
from engine.compiler.passes.simplify import simplify
from engine.ops import OPS, Case
from engine.ops.op import Op


def same(op: type[Op], inputs: list[Any], attrs: dict[str, Any]) -> None:
    graph = lowered(op, inputs, attrs)
    arrays = [x for x in inputs if isinstance(x, np.ndarray)]
    with np.errstate(all="ignore"):
        before = ir.interpret(graph, arrays)[0]
        simplify(graph)
        agree(ir.interpret(graph, arrays)[0], before)


@pytest.mark.parametrize(("op", "case"), CASES)
def test_simplified_op_means_the_same(op: type[Op], case: Case) -> None:
    same(op, sample(case), case.attrs)


@pytest.mark.parametrize(("name", "inputs", "attrs"), [pytest.param(*m, id=f"{m[0]}-{i}") for i, m in enumerate(MORE)])
def test_simplified_call_means_the_same(name: str, inputs: list[Any], attrs: dict[str, Any]) -> None:
    same(OPS[name], inputs, attrs)


class Sketch:
    """A graph by hand: `x` and `y` are its inputs."""

    def __init__(self, *arrays: Any) -> None:
        self.graph, self.arrays = ir.Graph(), list(arrays)
        self.x, *more = [self.graph.source("input", a.shape, a.dtype, slot=i) for i, a in enumerate(arrays)]
        self.y = more[0] if more else self.x

    def kinds(self, *outputs: ir.Value) -> list[str]:
        """The kinds of node (functions, for maps) that are left; the numbers stay what they were."""
        self.graph.outputs = list(outputs)
        before = ir.interpret(self.graph, self.arrays)
        simplify(self.graph)
        for old, new in zip(before, ir.interpret(self.graph, self.arrays), strict=True):
            agree(new, old)
        return [n.attrs.get("fn", n.kind.name) if n.kind is ir.Map else n.kind.name for n in self.graph.nodes]


def test_equal_nodes_become_one_and_dead_ones_none() -> None:
    s = Sketch(floats(3, 4))
    first, again = s.graph.map("exp", s.x), s.graph.map("exp", s.x)
    s.graph.map("sin", s.x)
    assert s.kinds(s.graph.map("add", first, again)) == ["exp", "add"]


def test_what_changes_nothing_is_left_out() -> None:
    s = Sketch(floats(3, 4))
    y = s.graph.map("mul", s.graph.map("add", s.x, 0.0), 1.0)
    y = s.graph.map("neg", s.graph.map("neg", y))
    y = s.graph.add(ir.Permute, s.graph.add(ir.Permute, y, order=(1, 0)), order=(1, 0))
    y = s.graph.reshape(s.graph.reshape(y, (12,)), (3, 4))
    assert s.kinds(s.graph.map("exp", y)) == ["exp"]


def test_constants_are_worked_out() -> None:
    s = Sketch(floats(3, 4))
    mask = s.graph.map("gt", s.graph.constant(np.tri(3, 4, dtype=np.float32)), 0)
    scale = s.graph.map("mul", s.graph.add(ir.Fill, shape=(3, 4), value=2.0, dtype=ir.FLOAT), 0.5)
    assert s.kinds(s.graph.map("where", mask, s.graph.map("mul", s.x, scale), 0.0)) == ["where"]


def test_gradients_of_pieces_are_laid_side_by_side() -> None:
    s = Sketch(floats(2, 3), floats(2, 3, seed=1))
    parts = [(s.y, 6), (s.x, 0), (s.graph.map("exp", s.x), 3)]
    framed = [s.graph.add(ir.Pad, v, low=(0, at), high=(0, 6 - at), inner=(0, 0)) for v, at in parts]
    total = s.graph.map("add", s.graph.map("add", framed[0], framed[1]), framed[2])
    assert s.kinds(total) == ["exp", "concat"]


def test_products_of_steps_become_one() -> None:
    s = Sketch(floats(4, 2, 30), floats(4, 2, 20, seed=1))
    total = None
    for step in reversed(range(4)):
        g, h = (
            s.graph.reshape(
                s.graph.add(
                    ir.Slice, s.graph.map("tanh", v), start=(step, 0, 0), size=(1, *v.shape[1:]), step=(1, 1, 1)
                ),
                v.shape[1:],
            )
            for v in (s.x, s.y)
        )
        product = s.graph.add(ir.Contract, g, h, left="bo", right="bk", out="ok")
        total = product if total is None else s.graph.map("add", total, product)
    assert total is not None
    assert s.kinds(total).count("contract") == 1


def test_parts_are_found_in_what_was_put_together() -> None:
    s = Sketch(floats(2, 3), floats(2, 3, seed=1))
    both = s.graph.add(ir.Concat, s.x, s.y, axis=0)
    part = s.graph.add(ir.Slice, both, start=(2, 0), size=(2, 3), step=(1, 1))
    assert s.kinds(s.graph.map("exp", part)) == ["exp"]


def test_letters_take_the_place_of_permutations() -> None:
    s = Sketch(floats(3, 4), floats(5, 4, seed=1))
    turned = s.graph.add(ir.Permute, s.y, order=(1, 0))
    product = s.graph.add(ir.Contract, s.x, turned, left="ab", right="bc", out="ac")
    assert s.kinds(s.graph.add(ir.Permute, product, order=(1, 0))) == ["contract"]


def test_counts_are_floats_until_somebody_wants_them() -> None:
    target = np.array([0, 2, 1, 2])
    s = Sketch(floats(4, 3), target)
    best = s.graph.reduce(s.x, "argmax", (1,))
    right = s.graph.cast(s.graph.map("eq", best, s.y), np.int64)
    count = s.graph.reduce(right, "sum", (0,))
    share = s.graph.map("div", s.graph.cast(s.graph.map("max", count, 1), np.float32), 4.0)
    s.kinds(share, count)
    whole = [n for n in s.graph.nodes if n.output.dtype == ir.LONG]
    assert [n.kind.name for n in whole] == ["cast"]  # for the one who wants it


def test_attention_asks_for_its_largest_score_once() -> None:
    s = Sketch(floats(3, 4))
    dead = s.graph.reduce(s.graph.map("eq", s.x, -np.inf), "all", (1,))
    largest = s.graph.reduce(s.x, "max", (1,))
    assert s.kinds(dead, largest) == ["reduce", "eq"]


def test_gates_are_cut_before_anything_is_computed_of_them() -> None:
    s = Sketch(floats(2, 8))
    gates = s.graph.map("exp", s.graph.map("neg", s.x))
    first, second = (
        s.graph.add(ir.Slice, gates, start=(0, at), size=(2, 4), step=(1, 1)) for at in (0, 4)
    )  # fmt: skip
    kinds = s.kinds(s.graph.map("mul", first, second))
    assert kinds == ["slice", "neg", "exp", "slice", "neg", "exp", "mul"]
    assert all(n.output.shape == (2, 4) for n in s.graph.nodes)


def test_shorter_row_looks_into_a_longer_one() -> None:
    s = Sketch(floats(2, 3))
    parts = [s.graph.map("exp", s.x), s.graph.map("tanh", s.x), s.graph.map("abs", s.x), s.graph.map("sin", s.x)]
    short = s.graph.add(ir.Concat, *parts[1:], axis=0)
    total = s.graph.reduce(short, "sum", (0,))
    whole = s.graph.add(ir.Concat, *parts, axis=0)
    kinds = s.kinds(total, whole)
    assert kinds.count("concat") == 1
    assert kinds.index("slice") > kinds.index("concat")


def test_known_indices_are_looks() -> None:
    s = Sketch(floats(6, 3), floats(2, 3, seed=1))
    index = s.graph.constant(np.arange(2, 4))
    rows, back = s.graph.add(ir.Gather, s.x, index), s.graph.add(ir.Scatter, s.y, index, count=6)
    assert s.kinds(rows, back) == ["slice", "pad"]


def test_first_of_several_largest_is_found_without_whole_numbers() -> None:
    s = Sketch(np.array([[1, 3, 3, 0], [2, 2, 2, 2], [-1, -5, -1, -1]], np.float32))
    places = [s.graph.cast(s.graph.reduce(s.x, fn, (1,)), np.float32) for fn in ("argmax", "argmin")]
    s.kinds(*places)
    assert not [n for n in s.graph.nodes if n.output.dtype == ir.LONG]


def test_counts_are_handed_back_as_floats_to_those_who_cast() -> None:
    s = Sketch(floats(4, 3))
    s.graph.outputs = [s.graph.reduce(s.graph.cast(s.graph.map("gt", s.x, 0), np.int64), "sum", (0, 1))]
    simplify(s.graph, counts_as_floats=True)
    (count,) = ir.interpret(s.graph, s.arrays)
    assert count.dtype == np.float32
    assert count == (s.arrays[0] > 0).sum()
