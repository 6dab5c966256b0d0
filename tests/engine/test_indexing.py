"""x[...] and x[...] = v in every form, against PyTorch: random indices, gradients, refusals, sums of equal places."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle import torch

import engine
from engine.ops.accumulate import add_at
from engine.ops.accumulate import added as sums

SHAPE = (3, 4, 2, 3)


def numbers(shape: tuple[int, ...] = SHAPE) -> np.ndarray:
    return np.arange(float(np.prod(shape))).reshape(shape)


@st.composite
def part(draw: st.DrawFn, size: int) -> object:
    """One part of an index for an axis of a size."""
    kind = draw(st.sampled_from(["int", "slice", "list", "tensor", "grid", "mask", "one"]))
    position = st.integers(-size, size - 1)
    if kind == "int":
        return draw(position)
    if kind == "slice":
        bound = st.none() | st.integers(-size - 1, size + 1)
        return slice(draw(bound), draw(bound), draw(st.none() | st.integers(1, 3)))
    if kind == "mask":
        return np.array(draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    if kind == "one":
        return np.array(draw(position))
    if kind == "grid":
        return np.array(draw(st.lists(position, min_size=2, max_size=2)))[:, None]
    found = draw(st.lists(position, min_size=2, max_size=2))
    return found if kind == "list" else np.array(found)


@st.composite
def keys(draw: st.DrawFn) -> tuple[object, ...]:
    """An index into a tensor of SHAPE: parts, new axes, truth values, at most one `...`."""
    many = draw(st.integers(0, 4))
    dotted = many < 4 and draw(st.booleans())
    before = draw(st.integers(0, many)) if dotted else many
    sizes = [*SHAPE[:before], *(SHAPE[4 - (many - before) :] if many > before else ())]
    parts = [draw(part(n)) for n in sizes]
    if dotted:
        parts.insert(before, Ellipsis)
    for extra in draw(st.lists(st.sampled_from([None, True, False]), max_size=2)):
        parts.insert(draw(st.integers(0, len(parts))), extra)
    return tuple(parts)


def pair(key: tuple[object, ...]) -> tuple[tuple[object, ...], tuple[object, ...]]:
    ours = tuple(engine.tensor(k) if isinstance(k, np.ndarray) else k for k in key)
    return ours, tuple(torch.from_numpy(k) if isinstance(k, np.ndarray) else k for k in key)


def outcome(f, *arguments):
    try:
        return f(*arguments)
    except (IndexError, ValueError, RuntimeError, TypeError) as refusal:
        return refusal


@settings(max_examples=120, deadline=None)
@given(keys())
def test_a_random_index_reads_what_pytorch_reads_and_its_gradient_goes_back(key: tuple[object, ...]) -> None:
    ours, theirs = pair(key)
    x = engine.tensor(numbers()).requires_grad_()
    y = torch.from_numpy(numbers()).requires_grad_()
    got, expected = outcome(lambda: x[ours]), outcome(lambda: y[theirs])
    if isinstance(expected, Exception):
        assert isinstance(got, Exception), f"PyTorch refuses {key}: {expected}"
        return
    assert not isinstance(got, Exception), f"{key}: {got}"
    np.testing.assert_array_equal(got.detach().numpy(), expected.detach().numpy())
    w = np.random.default_rng(0).normal(size=expected.shape)
    (got * engine.tensor(w)).sum().backward()
    (expected * torch.from_numpy(np.asarray(w))).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), atol=1e-12)


def unique(key: tuple[object, ...]) -> bool:
    place = np.arange(int(np.prod(SHAPE))).reshape(SHAPE)
    read = outcome(lambda: engine.tensor(place)[pair(key)[0]])
    return isinstance(read, Exception) or len(np.unique(read.numpy())) == read.numel()


@settings(max_examples=120, deadline=None)
@given(keys(), st.sampled_from(["number", "whole", "last"]))
def test_a_random_assignment_writes_what_pytorch_writes_and_its_gradient_goes_back(key, form: str) -> None:
    if not unique(key):
        return
    ours, theirs = pair(key)
    x, y = engine.tensor(numbers()).requires_grad_(), torch.from_numpy(numbers()).requires_grad_()
    a, b = x * 2, y * 2
    seen = outcome(lambda: b[theirs].shape)
    shape = (
        () if form == "number" or isinstance(seen, Exception) else tuple(seen) if form == "whole" else tuple(seen)[-1:]
    )
    v = np.asarray(np.random.default_rng(1).normal(size=shape))
    p, q = engine.tensor(v).requires_grad_(), torch.from_numpy(v).requires_grad_()
    got, expected = outcome(a.__setitem__, ours, p), outcome(b.__setitem__, theirs, q)
    if isinstance(expected, Exception):
        assert isinstance(got, Exception), f"PyTorch refuses {key}: {expected}"
        return
    assert got is None, f"{key}: {got}"
    np.testing.assert_array_equal(a.detach().numpy(), b.detach().numpy())
    (a * a).sum().backward()
    (b * b).sum().backward()
    np.testing.assert_allclose(x.grad.numpy(), y.grad.numpy(), atol=1e-9)
    np.testing.assert_allclose(p.grad.numpy(), (torch.zeros_like(q) if q.grad is None else q.grad).numpy(), atol=1e-9)


@pytest.mark.parametrize(
    "key",
    [
        (0, slice(None), [1, 0]),
        ([[0, 1], [1, 0]],),
        (np.array([[0], [2]]), slice(None), np.array([1, 0])),
        (Ellipsis, np.array([0, 0, 0])),
        (None, True, 1),
        (np.ones(SHAPE, bool),),
        (np.array(True),),
        (np.zeros((0,), np.int64),),
        ([],),
    ],
    ids=str,
)
def test_known_forms_have_pytorchs_shape(key) -> None:
    ours, theirs = pair(key)
    got, expected = engine.tensor(numbers())[ours], torch.from_numpy(numbers())[theirs]
    np.testing.assert_array_equal(got.numpy(), expected.numpy())


def test_a_list_of_lists_stands_for_a_tuple_as_in_pytorch() -> None:
    assert engine.tensor(numbers())[[[0, 1], [1, 0]]].shape == (2, 2, 3)


@pytest.mark.parametrize("key", [3, -4, (0, 9), (0, 0, 0, 0, 0), 1.0, "a", (slice(None), slice(None, None, -1)), [9]])
def test_a_bad_index_is_refused_with_pytorchs_class(key) -> None:
    y = torch.from_numpy(numbers())
    with pytest.raises((IndexError, ValueError, TypeError, RuntimeError)) as theirs:
        y[key]
    with pytest.raises(theirs.type):
        engine.tensor(numbers())[key]


def test_the_gradient_of_equal_places_adds_up() -> None:
    x = engine.zeros(3, requires_grad=True)
    x[[0, 2, 2, 2]].sum().backward()
    assert x.grad.tolist() == [1.0, 0.0, 3.0]


def test_a_number_and_a_slice_share_memory_and_positions_do_not() -> None:
    x = engine.zeros(3, 2)
    x[1][0] = 5.0
    x[[0]][0] = 7.0
    assert x.tolist() == [[0.0, 0.0], [5.0, 0.0], [0.0, 0.0]]


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 400), st.integers(1, 90), st.integers(1, 20), st.sampled_from(["f4", "f8", "f2", "i8"]))
def test_adding_into_places_is_numpys_slow_sum(many: int, width: int, rows: int, dtype: str) -> None:
    rng = np.random.default_rng(many)
    places = rng.integers(-rows, rows, many)
    values = rng.integers(-9, 9, (many, width)).astype(dtype)
    fast, slow = np.zeros((rows, width), dtype), np.zeros((rows, width), dtype)
    add_at(np, fast, (places,), values)
    np.add.at(slow, places, values)
    np.testing.assert_allclose(fast, slow, rtol=1e-2 if dtype == "f2" else 1e-6)


@pytest.mark.parametrize(("many", "width"), [(30_000, 4), (30_000, 1), (10, 3)])
def test_each_way_to_add_rows_gives_the_same(many: int, width: int) -> None:
    rng = np.random.default_rng(0)
    rows, values = rng.integers(0, 50, many), rng.normal(size=(many, width))
    slow = np.zeros((50, width))
    np.add.at(slow, rows, values)
    np.testing.assert_allclose(sums(rows, values, 50), slow, atol=1e-9)


def test_a_place_outside_is_refused_before_anything_is_added() -> None:
    target = np.zeros((3, 2))
    with pytest.raises(IndexError):
        add_at(np, target, (np.array([0, 3]),), np.ones((2, 2)))
    assert not target.any()
