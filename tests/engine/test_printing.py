"""Tensors print as PyTorch's do, to the letter (with `engine` for `torch`)."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

import engine

torch = pytest.importorskip("torch", reason="PyTorch is the oracle: pip install '.[oracle]'")


def same(a: Any, note: bool = False) -> None:
    ours, theirs = repr(engine.from_numpy(a)).replace("engine.", "torch."), repr(torch.from_numpy(a))
    if a.dtype not in (np.float32, np.int64, np.bool_):  # "engine." is longer by a letter: a note may wrap earlier
        ours, theirs = " ".join(ours.split()), " ".join(theirs.split())
    assert ours == theirs


@pytest.mark.parametrize(
    "data",
    [1.5, [1.0, 2.0], [[1.0, -2.5], [3.25, 4.0]], [1, -20], [True, False], [1e-6, 1.0], [1e9, 1.0], [1e-5], [1e5, 1.5],
     [float("nan"), 1.0], [float("inf"), -1.0], [float("nan")], [0.0, 0.0], [-0.0], [], [[]], [1e38, 1], 1e-10, -5],
)  # fmt: skip
def test_a_tensor_prints_as_in_pytorch(data: Any) -> None:
    assert repr(engine.tensor(data)) == repr(torch.tensor(data))


NUMBERS = st.one_of(
    st.floats(width=32), st.integers(-1000, 1000).map(float), st.floats(-10, 10, width=32), st.sampled_from([0.0, 1e-5])
)
SHAPES = arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5)


@settings(max_examples=300, deadline=None)
@given(arrays.arrays(np.float32, SHAPES, elements=NUMBERS))
def test_any_floats_print_as_in_pytorch(a: Any) -> None:
    same(a)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(["i8", "i4", "u1", "?", "f8", "f2"]).flatmap(lambda kind: arrays.arrays(kind, SHAPES)))
def test_any_type_prints_as_in_pytorch(a: Any) -> None:
    same(a)


@pytest.mark.parametrize("shape", [(2000,), (40, 40), (7, 200), (200, 7), (11, 10, 12), (3, 3, 500), (2, 600)])
@pytest.mark.parametrize("scale", [1.0, 1e5, 1e-6])
def test_a_large_tensor_prints_its_edges(shape: tuple[int, ...], scale: float) -> None:
    same((np.random.default_rng(0).normal(size=shape) * scale).astype(np.float32))
    same(np.arange(np.prod(shape)).reshape(shape))


OPTIONS: list[dict[str, Any]] = [
    {"precision": 2}, {"precision": 8, "linewidth": 40}, {"sci_mode": True}, {"sci_mode": False}, {"profile": "short"},
    {"profile": "full"}, {"edgeitems": 1, "threshold": 5}, {"linewidth": 120},
]  # fmt: skip


@pytest.mark.parametrize("options", OPTIONS)
def test_the_options_of_printing_are_pytorchs(options: dict[str, Any]) -> None:
    a = np.random.default_rng(1).normal(size=(12, 13)).astype(np.float32)
    try:
        for library in (engine, torch):
            library.set_printoptions(**options)
        for array in (a, a * 1e6, np.round(a * 10), a[0], np.zeros((40, 40), np.float32)):
            same(array)
    finally:
        for library in (engine, torch):
            library.set_printoptions(profile="default")


def test_what_asks_for_gradients_says_so() -> None:
    for make in (
        lambda t: t.ones(2, requires_grad=True),
        lambda t: t.ones(2, requires_grad=True) * 2,
        lambda t: t.ones(3, 3, requires_grad=True).exp(),
        lambda t: t.linspace(0, 1, 9).requires_grad_() * 2,
        lambda t: t.linspace(0, 1, 18).requires_grad_() * 2,
        lambda t: t.ones(2, 0, requires_grad=True),
        lambda t: t.nn.Parameter(t.ones(2)),
        lambda t: t.ones(2, requires_grad=True).sum(),
    ):
        assert repr(make(engine)) == repr(make(torch))


def test_types_and_shapes_print_with_the_engines_name() -> None:
    assert repr(engine.ones(1).double()) == "tensor([1.], dtype=engine.float64)"
    assert repr(engine.Size([2, 3])) == "engine.Size([2, 3])"
    assert str(engine.device("cuda:1")) == "cuda:1"
