"""Samplers, kinds of datasets and collation, beside PyTorch's where numbers can be compared."""

import collections
from typing import Any

import numpy as np
import pytest

import engine
from engine import data
from engine.errors import ArgumentError, ShapeError
from engine.rng import Generator


def test_samplers_in_order_and_at_random() -> None:
    assert list(data.SequentialSampler("abcd")) == [0, 1, 2, 3]
    first, again, other = (list(data.RandomSampler(range(50), generator=Generator(s))) for s in (1, 1, 2))
    assert first == again != other
    assert sorted(first) == list(range(50))
    assert len(list(data.RandomSampler(range(5), num_samples=12))) == 12
    assert sorted(data.SubsetRandomSampler([7, 3, 5])) == [3, 5, 7]


def test_drawing_with_replacement_may_go_on_for_ever() -> None:
    endless = iter(data.RandomSampler(range(3), replacement=True, num_samples=10**10))
    assert {next(endless) for _ in range(100)} == {0, 1, 2}
    batches = iter(data.DataLoader(range(3), 2, sampler=data.RandomSampler(range(3), True, 10**10)))
    assert next(batches).shape == (2,)


def test_weights_say_how_often_and_without_replacement_how_early() -> None:
    drawn = list(data.WeightedRandomSampler([1, 0, 3], 4000, generator=Generator(0)))
    assert collections.Counter(drawn)[2] == pytest.approx(3000, abs=120)
    assert 1 not in drawn
    assert sorted(data.WeightedRandomSampler([1, 2, 3], 3, replacement=False)) == [0, 1, 2]
    early = [next(iter(data.WeightedRandomSampler([1, 3], 1, False, Generator(s)))) for s in range(2000)]
    assert sum(early) == pytest.approx(1500, abs=90)


@pytest.mark.parametrize("drop", [False, True])
def test_lists_of_numbers(drop: bool) -> None:
    sampler = data.BatchSampler(data.SequentialSampler(range(7)), 3, drop)
    assert list(sampler) == [[0, 1, 2], [3, 4, 5], [6]][: 2 if drop else 3]
    assert len(sampler) == len(list(sampler))


@pytest.mark.parametrize(
    "make",
    [
        lambda: data.RandomSampler([]),
        lambda: data.RandomSampler([1], num_samples=0),
        lambda: data.BatchSampler([1], 0, False),
        lambda: data.WeightedRandomSampler([], 1),
        lambda: data.WeightedRandomSampler([0.0], 1),
        lambda: data.WeightedRandomSampler([1.0, 0.0], 2, replacement=False),
        lambda: data.StackDataset([1], [1, 2]),
        lambda: data.StackDataset(),
        lambda: data.TensorDataset(engine.zeros(2), engine.zeros(3)),
        lambda: data.ConcatDataset([]),
    ],
)
def test_what_makes_no_sense_is_refused(make: Any) -> None:
    with pytest.raises(ArgumentError):
        make()


def test_sets_are_put_together() -> None:
    both = data.ConcatDataset([[1, 2], [3]]).__add__([4])
    assert [both[i] for i in (0, 2, 3, -1)] == [1, 3, 4, 4]
    assert list(data.ChainDataset([[1], [2, 3]])) == [1, 2, 3]
    assert len(data.ChainDataset([[1], [2, 3]])) == 3
    assert data.StackDataset([1, 2], ["a", "b"])[1] == (2, "b")
    assert list(data.StackDataset(x=[1, 2], y=[3, 4])[0].items()) == [("x", 1), ("y", 3)]
    assert [data.Subset(range(10), [4, 2])[i] for i in (0, 1)] == [4, 2]


Point = collections.namedtuple("Point", "x y")


@pytest.mark.parametrize(
    "make",
    [
        lambda lib: [1, 2, 3],
        lambda lib: [1.5, 2.0],
        lambda lib: [True, False],
        lambda lib: ["a", "b"],
        lambda lib: [lib.tensor([1, 2]), lib.tensor([3, 4])],
        lambda lib: [np.float32(1), np.float32(2)],
        lambda lib: [np.ones((2, 2), "i2"), np.zeros((2, 2), "i2")],
        lambda lib: [(1, "a"), (2, "b")],
        lambda lib: [[1, 2.0], [3, 4.0]],
        lambda lib: [{"x": lib.zeros(2), "y": (1, 2)}, {"x": lib.ones(2), "y": (3, 4)}],
        lambda lib: [Point(1, 2.0), Point(3, 4.0)],
        lambda lib: [collections.OrderedDict(a=1), collections.OrderedDict(a=2)],
    ],
)
def test_batches_are_made_as_pytorch_makes_them(make: Any) -> None:
    torch = pytest.importorskip("torch", reason="the oracle is not installed")
    from torch.utils.data import default_collate, default_convert

    _same(data.default_collate(make(engine)), default_collate(make(torch)))
    _same(data.default_convert(make(engine)), default_convert(make(torch)))


def _same(ours: Any, theirs: Any) -> None:
    if isinstance(ours, engine.Tensor):
        assert ours.tolist() == theirs.tolist()
        assert str(ours.dtype).split(".")[-1] == str(theirs.dtype).split(".")[-1]
    elif isinstance(ours, dict):
        assert type(ours) is type(theirs)
        assert list(ours) == list(theirs)
        for name in ours:
            _same(ours[name], theirs[name])
    elif isinstance(ours, list | tuple):
        assert type(ours) is type(theirs)
        for a, b in zip(ours, theirs, strict=True):
            _same(a, b)
    else:
        assert ours == theirs


def test_what_makes_no_batch_is_refused() -> None:
    with pytest.raises(TypeError, match="object"):
        data.default_collate([object()])
    with pytest.raises(ShapeError, match="equal size"):
        data.default_collate([(1,), (1, 2)])
    with pytest.raises(RuntimeError):
        data.default_collate([np.zeros(2), np.zeros(3)])


def test_shares_of_nothing_are_warned_of() -> None:
    with pytest.warns(UserWarning, match="index 1 is 0"):
        parts = data.random_split(range(2), [1.0, 0.0], Generator(1))
    assert [len(p) for p in parts] == [2, 0]


def test_pytorch_s_paths_lead_to_the_same_objects() -> None:
    import engine.utils

    assert engine.utils.data is data
    assert data.loader.default_collate is data.default_collate
