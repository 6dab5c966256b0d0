"""Laws over the registry of datasets."""

import numpy as np
import pytest

from engine.data import DATASETS, Source
from engine.nn.settings import form_settings

OFFLINE = [kind for kind in DATASETS if kind not in ("cifar10", "csv")]


def _small(kind: str) -> Source:
    names = form_settings(DATASETS[kind])
    return DATASETS[kind](**({"limit": 50} if "limit" in names else {}), validation=10.0)


def test_the_catalogue_has_every_dataset() -> None:
    assert set(DATASETS) >= {
        "circle", "xor", "gauss", "spiral", "reg-plane", "reg-gauss", "moons", "petals", "mnist", "cifar10", "csv",
    }  # fmt: skip


@pytest.mark.parametrize("kind", OFFLINE)
def test_the_same_seed_gives_the_same_split(kind: str) -> None:
    first, second = _small(kind).load(None, 3), _small(kind).load(None, 3)
    for a, b in zip(first, second, strict=True):
        assert np.array_equal(a.x, b.x)
        assert np.array_equal(a.y, b.y)


@pytest.mark.parametrize("kind", OFFLINE)
def test_another_seed_gives_another_split(kind: str) -> None:
    assert not np.array_equal(_small(kind).load(None, 3).train.x, _small(kind).load(None, 4).train.x)


@pytest.mark.parametrize("kind", OFFLINE)
def test_no_example_is_in_two_parts(kind: str) -> None:
    parts = [
        {(x.tobytes(), float(y)) for x, y in zip(part.x, part.y, strict=True)} for part in _small(kind).load(None, 0)
    ]
    assert all(parts)
    assert not (parts[0] & parts[1])
    assert not (parts[0] & parts[2])
    assert not (parts[1] & parts[2])


@pytest.mark.parametrize("kind", OFFLINE)
def test_card_and_shape_tell_the_truth(kind: str) -> None:
    source = _small(kind)
    shape, split = source.shape(), source.load(None, 0)
    assert split.train.x.shape[1:] == shape.input == DATASETS[kind].check_shape({}).input
    assert split.train.x.dtype == np.float32
    assert source.card.task == shape.task
    if shape.task == "classification":
        assert split.train.y.dtype == np.int64
        assert len(source.classes()) == shape.outputs
        assert set(np.unique(np.concatenate([p.y for p in split]))) <= set(range(shape.outputs))
    else:
        assert split.train.y.dtype == np.float32
        assert shape.outputs == 1
        assert source.classes() == []


@pytest.mark.parametrize("kind", list(DATASETS))
def test_every_dataset_says_what_it_is_and_where_it_comes_from(kind: str) -> None:
    cls = DATASETS[kind]
    assert cls.__doc__
    assert cls.card.title
    assert cls.card.licence
    assert cls.card.source
    assert cls.kind == kind
    assert cls.card.plane == (cls.card.input == "plane")


@pytest.mark.parametrize("kind", [k for k in OFFLINE if DATASETS[k].card.plane])
def test_parts_have_the_sizes_that_were_asked_for(kind: str) -> None:
    split = DATASETS[kind](samples=100, train=60.0, validation=15.0).load(None, 0)
    assert [len(part) for part in split] == [60, 15, 25]


@pytest.mark.parametrize("kind", [k for k in OFFLINE if DATASETS[k].card.plane])
def test_validation_is_empty_unless_asked_for(kind: str) -> None:
    assert len(DATASETS[kind]().load(None, 0).validation) == 0
