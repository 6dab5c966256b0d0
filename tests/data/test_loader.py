"""Datasets and the DataLoader."""

from typing import Any

import numpy as np
import pytest

import engine
from engine.data import ConcatDataset, DataLoader, Dataset, Subset, TensorDataset, random_split
from engine.errors import ArgumentError
from engine.rng import Generator


class Squares(Dataset):
    """A set whose examples are computed one by one."""

    def __getitem__(self, index: int) -> tuple[Any, int]:
        return engine.tensor([float(index), float(index) ** 2]), index % 3

    def __len__(self) -> int:
        return 10


def _rows(count: int = 10) -> TensorDataset:
    return TensorDataset(engine.arange(count * 2).reshape(count, 2).float(), engine.arange(count))


def _seen(loader: DataLoader) -> list[int]:
    return [int(n) for _, y in loader for n in y.tolist()]


def test_batches_come_in_order_and_the_last_small_one_is_kept() -> None:
    batches = list(DataLoader(_rows(), batch_size=4))
    assert [tuple(x.shape) for x, _ in batches] == [(4, 2), (4, 2), (2, 2)]
    assert batches[1][0].tolist() == [[8, 9], [10, 11], [12, 13], [14, 15]]
    assert batches[1][1].tolist() == [4, 5, 6, 7]


@pytest.mark.parametrize(("drop", "batches"), [(False, 3), (True, 2)])
def test_a_loader_knows_its_length(drop: bool, batches: int) -> None:
    loader = DataLoader(_rows(), batch_size=4, drop_last=drop)
    assert len(loader) == len(list(loader)) == batches


@pytest.mark.parametrize("dataset", [_rows(), Subset(_rows(20), range(0, 20, 2)), Squares()])
def test_a_shuffled_pass_has_every_example_exactly_once(dataset: Any) -> None:
    loader = DataLoader(dataset, batch_size=3, shuffle=True, generator=Generator(1))
    plain = _seen(DataLoader(dataset))
    first, second = _seen(loader), _seen(loader)
    assert sorted(first) == sorted(second) == sorted(plain)
    assert first != second


def test_the_same_seed_gives_the_same_passes() -> None:
    passes = [[_seen(loader) for _ in range(2)] for loader in (_shuffled(5), _shuffled(5), _shuffled(6))]
    assert passes[0] == passes[1]
    assert passes[0] != passes[2]


def _shuffled(seed: int) -> DataLoader:
    return DataLoader(_rows(), batch_size=4, shuffle=True, generator=Generator(seed))


def test_without_a_generator_the_global_seed_decides() -> None:
    engine.manual_seed(3)
    first = _seen(DataLoader(_rows(), shuffle=True))
    engine.manual_seed(3)
    assert _seen(DataLoader(_rows(), shuffle=True)) == first


def test_examples_of_any_set_are_stacked() -> None:
    x, y = next(iter(DataLoader(Squares(), batch_size=3)))
    assert x.tolist() == [[0, 0], [1, 1], [2, 4]]
    assert y.tolist() == [0, 1, 2]
    assert str(y.dtype) == "engine.int64"


def test_a_batch_does_not_share_memory_with_the_set() -> None:
    dataset = _rows()
    x, _ = next(iter(DataLoader(dataset, batch_size=4)))
    x.zero_()
    assert dataset.tensors[0].tolist()[1] == [2, 3]


def test_a_subset_of_a_subset_names_the_right_rows() -> None:
    inner = Subset(_rows(20), list(range(10, 20)))
    assert _seen(DataLoader(Subset(inner, [3, 0]), batch_size=2)) == [13, 10]
    assert int(Subset(inner, [3, 0])[1][1].item()) == 10


def test_samplers_and_collate_functions_are_followed() -> None:
    assert _seen(DataLoader(_rows(), batch_size=2, sampler=[5, 5, 1])) == [5, 5, 1]
    assert _seen(DataLoader(_rows(), batch_sampler=[[1], [2, 3]])) == [1, 2, 3]
    loader = DataLoader(_rows(), batch_size=5, collate_fn=len)
    assert list(loader) == [5, 5]


def test_dicts_texts_and_numbers_make_batches() -> None:
    class Named(Dataset):
        def __getitem__(self, index: int) -> dict[str, Any]:
            return {"name": f"n{index}", "value": index / 2, "row": np.full(2, index)}

        def __len__(self) -> int:
            return 4

    batch = next(iter(DataLoader(Named(), batch_size=4)))
    assert batch["name"] == ["n0", "n1", "n2", "n3"]
    assert batch["value"].tolist() == [0, 0.5, 1, 1.5]
    assert batch["row"].shape == (4, 2)


def test_a_random_split_has_no_overlap_and_misses_nothing() -> None:
    parts = random_split(_rows(), [6, 3, 1], generator=Generator(0))
    assert [len(p) for p in parts] == [6, 3, 1]
    assert sorted(i for p in parts for i in p.indices) == list(range(10))
    assert [len(p) for p in random_split(_rows(), [0.55, 0.45])] == [6, 4]


def test_sets_are_joined_end_to_end() -> None:
    joined = Squares() + Squares()
    assert isinstance(joined, ConcatDataset)
    assert len(joined) == 20
    assert joined[13][0].tolist() == joined[3][0].tolist() == joined[-7][0].tolist()
    with pytest.raises(IndexError):
        joined[20]


def test_what_cannot_be_cut_into_batches_is_refused() -> None:
    with pytest.raises(ArgumentError, match="same number of rows"):
        TensorDataset(engine.zeros(3), engine.zeros(4))
    with pytest.raises(ArgumentError, match="sum"):
        random_split(_rows(), [5, 6])
    for size in (0, -1, 2.5, True):
        with pytest.raises(ArgumentError) as caught:
            DataLoader(_rows(), batch_size=size)  # type: ignore[arg-type]
        assert caught.value.field == "batch_size"
    with pytest.raises(ArgumentError, match="both"):
        DataLoader(_rows(), shuffle=True, sampler=[1])
