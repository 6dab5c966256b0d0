"""DataLoader with processes: order, seeds, failures, ends."""

import os
import time
from typing import Any

import pytest

import engine
from engine import data
from engine.errors import ArgumentError, DataError
from engine.rng import Generator


class Numbers(data.Dataset[Any]):
    """Examples that know which process made them."""

    def __init__(self, count: int = 20) -> None:
        self.count = count

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> tuple[Any, int, int]:
        info = data.get_worker_info()
        time.sleep(0.01 * (index % 3 == 0))  # so that workers finish out of turn
        return engine.tensor([float(index)]), index, -1 if info is None else info.id


class Stream(data.IterableDataset[int]):
    """Counts on; each worker takes every n-th number."""

    def __init__(self, count: int) -> None:
        self.count = count

    def __iter__(self) -> Any:
        info = data.get_worker_info()
        start, step = (0, 1) if info is None else (info.id, info.num_workers)
        return iter(range(start, self.count, step))


class Broken(data.Dataset[int]):
    """Fails at 3, in a way of its own."""

    def __init__(self, error: Exception | None) -> None:
        self.error = error

    def __len__(self) -> int:
        return 8

    def __getitem__(self, index: int) -> int:
        if index == 3:
            if self.error is None:
                os._exit(7)
            raise self.error
        return index


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_keep_the_order(method: str) -> None:
    loader = data.DataLoader(Numbers(), 3, num_workers=2, multiprocessing_context=method)
    batches = list(loader)
    assert [n for _, index, _ in batches for n in index.tolist()] == list(range(20))
    assert [set(ids.tolist()) for _, _, ids in batches] == [{0}, {1}] * 3 + [{0}]
    assert batches[1][0].tolist() == [[3.0], [4.0], [5.0]]


def test_a_shuffled_pass_is_the_same_with_and_without_workers() -> None:
    def orders(workers: int) -> list[list[int]]:
        loader = data.DataLoader(range(30), 4, shuffle=True, num_workers=workers, generator=Generator(3))
        return [[n for batch in loader for n in batch.tolist()]]

    assert orders(0) == orders(2)


def test_an_iterable_set_is_shared_among_workers() -> None:
    assert [b.tolist() for b in data.DataLoader(Stream(5), 2)] == [[0, 1], [2, 3], [4]]
    batches = [b.tolist() for b in data.DataLoader(Stream(11), 2, num_workers=2)]
    assert sorted(n for b in batches for n in b) == list(range(11))
    assert batches[:2] == [[0, 2], [1, 3]]
    assert [b.tolist() for b in data.DataLoader(Stream(5), 2, drop_last=True)] == [[0, 1], [2, 3]]


def test_without_batches_examples_come_as_they_are() -> None:
    assert list(data.DataLoader([3, "a", (1, 2)], batch_size=None)) == [3, "a", [1, 2]]
    assert list(data.DataLoader(Stream(3), batch_size=None, num_workers=1)) == [0, 1, 2]
    assert [b.tolist() for b in data.DataLoader({"k": 1, "j": 2}, batch_sampler=[["k", "j"]])] == [[1, 2]]


@pytest.mark.parametrize("error", [ValueError("three is bad"), KeyError("three"), DataError("table", "3", "4")])
def test_an_exception_arrives_with_its_class_and_its_traceback(error: Exception) -> None:
    loader = data.DataLoader(Broken(error), 2, num_workers=2)
    with pytest.raises(type(error)) as caught:
        list(loader)
    text = str(caught.value)
    assert f"Caught {type(error).__name__} in DataLoader worker process 1." in text
    assert "__getitem__" in text
    assert "raise self.error" in text


def test_a_worker_that_dies_is_named() -> None:
    with pytest.raises(RuntimeError, match=r"exited unexpectedly.*exit code 7"):
        list(data.DataLoader(Broken(None), 2, num_workers=2))


def test_a_worker_that_takes_too_long_is_not_waited_for() -> None:
    loader = data.DataLoader([1], num_workers=1, timeout=0.2, collate_fn=lambda items: time.sleep(60))
    with pytest.raises(RuntimeError, match=r"timed out after 0.2 seconds"):
        list(loader)


def test_the_start_of_a_worker_may_be_prepared_and_may_fail() -> None:
    def name(number: int) -> None:
        os.environ["WORKER_NAME"] = f"worker {number}"

    class Named(Numbers):
        def __getitem__(self, index: int) -> Any:
            return os.environ.get("WORKER_NAME", "")

    assert [b[0] for b in data.DataLoader(Named(4), num_workers=2, worker_init_fn=name)] == ["worker 0", "worker 1"] * 2

    def fails(number: int) -> None:
        raise ValueError("no start")

    with pytest.raises(ValueError, match="no start"):
        list(data.DataLoader(Named(4), num_workers=1, worker_init_fn=fails))


class Draws(data.Dataset[Any]):
    """Random numbers, and the process they come from."""

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> Any:
        return engine.rand(1), os.getpid()


def test_workers_draw_different_numbers_and_a_seed_repeats_them() -> None:
    def passes(seed: int) -> list[list[float]]:
        loader = data.DataLoader(Draws(), num_workers=2, generator=Generator(seed))
        return [[x.item() for x, _ in loader] for _ in range(2)]

    one = passes(1)
    assert len({x for row in one for x in row}) == 8
    assert one == passes(1) != passes(2)


@pytest.mark.parametrize("stay", [True, False])
def test_persistent_workers_stay_between_passes(stay: bool) -> None:
    loader = data.DataLoader(Draws(), num_workers=1, persistent_workers=stay)
    first, second = ({pid.item() for _, pid in loader} for _ in range(2))
    assert (first == second) is stay


def test_a_pass_that_is_left_early_leaves_no_process_behind() -> None:
    import multiprocessing

    before = set(multiprocessing.active_children())
    for _ in data.DataLoader(Numbers(200), 2, num_workers=2):
        break
    assert set(multiprocessing.active_children()) <= before


def test_large_orders_and_large_batches_do_not_block_each_other() -> None:
    rows = data.TensorDataset(engine.zeros(60_000, 20))
    loader = data.DataLoader(rows, 20_000, num_workers=1, prefetch_factor=3)
    assert [tuple(x.shape) for (x,) in loader] == [(20_000, 20)] * 3


@pytest.mark.parametrize(
    "settings",
    [
        {"batch_sampler": [[0]], "batch_size": 2},
        {"batch_sampler": [[0]], "shuffle": True},
        {"sampler": [0], "shuffle": True},
        {"batch_size": None, "drop_last": True},
        {"prefetch_factor": 2},
        {"persistent_workers": True},
        {"num_workers": -1},
        {"batch_size": 0},
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError):
        data.DataLoader([1, 2], **settings)
    with pytest.raises(ArgumentError):
        data.DataLoader(Stream(2), shuffle=True)
