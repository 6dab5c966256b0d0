"""`save` and `load`: what comes back is what went in, damage is refused in words, nothing is ever executed."""

import copy
import io
import json
import pickle
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import engine
from engine import nn
from engine.errors import ArgumentError, DataError, EngineError

LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5),
    st.sampled_from([engine.float32, engine.int64, engine.device("cpu"), engine.Size([2, 3])]),
)  # fmt: skip
KEYS = st.one_of(st.text(max_size=5), st.integers(), st.booleans(), st.tuples(st.integers(), st.text(max_size=2)))
TREES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.lists(inner, max_size=3).map(tuple),
        st.dictionaries(KEYS, inner, max_size=3),
        st.dictionaries(KEYS, inner, max_size=3).map(OrderedDict),
    ),
    max_leaves=10,
)


def through(value: Any, **options: Any) -> Any:
    file = io.BytesIO()
    engine.save(value, file)
    file.seek(0)
    return engine.load(file, **options)


@settings(max_examples=200, deadline=None)
@given(TREES)
def test_a_tree_comes_back_as_it_was(tree: Any) -> None:
    back = through(tree)
    assert repr(back) == repr(tree)
    assert type(back) is type(tree)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "uint8", "int8", "int16", "int32", "int64", "bool"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 0, 3), (2, 3)])
def test_a_tensor_of_any_kind_comes_back(dtype: str, shape: tuple[int, ...]) -> None:
    x = engine.from_numpy(np.random.default_rng(0).integers(0, 2, shape).astype(dtype))
    y = through(x)
    assert y.dtype == x.dtype
    assert y.shape == x.shape
    assert engine.equal(x, y)
    y.zero_()


def test_tensors_that_share_memory_share_it_again_with_their_strides() -> None:
    x = engine.arange(6.0).reshape(2, 3)
    x2, row, turned = through((x, x[1], x.t()))
    row.fill_(9)
    assert x2.tolist() == [[0, 1, 2], [9, 9, 9]]
    assert turned.stride() == (1, 3)
    assert row.storage_offset() == 3


def test_what_a_training_program_saves_comes_back(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.Linear(3, 1))
    optimizer = engine.optim.Adam(model.parameters())
    model(engine.randn(4, 2)).sum().backward()
    optimizer.step()
    saved = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "rng": engine.get_rng_state(),
        "epoch": 3,
    }
    engine.save(saved, tmp_path / "run.pt")
    back = engine.load(tmp_path / "run.pt", weights_only=True, map_location=lambda storage, _: storage)
    engine.testing.assert_close(dict(back["model"]), dict(model.state_dict()))
    optimizer.load_state_dict(back["optimizer"])
    engine.set_rng_state(back["rng"])
    assert back["epoch"] == 3
    assert [p.name for p in tmp_path.iterdir()] == ["run.pt"]


def test_a_parameter_stays_a_parameter() -> None:
    p = through(nn.Parameter(engine.ones(2), requires_grad=False))
    assert isinstance(p, nn.Parameter)
    assert not p.requires_grad


def test_the_safetensors_package_reads_what_we_write_and_we_read_what_it_writes() -> None:
    safetensors = pytest.importorskip("safetensors.numpy")
    file = io.BytesIO()
    x, y = engine.arange(6.0).reshape(2, 3), engine.tensor([True, False])
    engine.save({"x": x, "y": y, "n": engine.tensor(3)}, file)
    theirs = safetensors.load(file.getvalue())
    assert sorted(a.size for a in theirs.values()) == [1, 2, 6]
    data = safetensors.save({"a": x.numpy(), "b": y.numpy()}, {"format": "pt"})
    back = engine.load(io.BytesIO(data))
    assert engine.equal(back["a"], x)
    assert engine.equal(back["b"], y)


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({"a": [1, {2}]}, r"obj\['a'\]\[1\].*set"),
        (lambda: 0, "the value.*function"),
        ({"m": nn.Linear(1, 1)}, r"obj\['m'\].*Linear"),
        ([np.zeros(2)], r"obj\[0\].*ndarray"),
        ({frozenset(): 1}, "keys"),
        (b"bytes", "bytes"),
        (1j, "complex"),
    ],
)
def test_what_is_no_tree_is_refused_by_its_place(value: Any, place: str) -> None:
    with pytest.raises(ArgumentError, match=place):
        engine.save(value, io.BytesIO())


def whole() -> bytes:
    file = io.BytesIO()
    engine.save({"w": engine.ones(3), "n": (1, 2.5)}, file)
    return file.getvalue()


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(whole()) - 1), st.integers(0, 255), st.booleans())
def test_a_damaged_file_gives_an_error_in_words_or_another_tree(place: int, byte: int, cut: bool) -> None:
    data = bytearray(whole())
    if cut:
        del data[place:]
    else:
        data[place] = byte
    try:
        engine.load(io.BytesIO(bytes(data)))
    except EngineError as refusal:
        assert str(refusal)  # noqa: PT017
    else:
        assert not cut


def test_a_pickle_is_refused_and_not_run() -> None:
    for data in (pickle.dumps({"a": 1}), b"PK\x03\x04rest"):
        with pytest.raises(DataError, match="programs"):
            engine.load(io.BytesIO(data))


def test_a_header_that_lies_about_its_blocks_is_refused() -> None:
    for entry in (
        {"dtype": "F32", "shape": [9], "data_offsets": [0, 36]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [4, 0]},
    ):
        text = json.dumps({"x": entry}).encode()
        with pytest.raises(DataError, match="block"):
            engine.load(io.BytesIO(len(text).to_bytes(8, "little") + text + bytes(4)))


def test_a_missing_file_is_pythons_own_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        engine.load(tmp_path / "nothing.pt")


def test_copies_and_pickles_of_tensors_and_modules_keep_working() -> None:
    x = engine.ones(2, requires_grad=True)
    for twin in (copy.deepcopy(x), copy.copy(x), pickle.loads(pickle.dumps(x))):
        assert twin.requires_grad
        assert engine.equal(twin, x)
    model = nn.Linear(2, 2)
    for twin in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert engine.equal(twin.weight, model.weight)
        assert twin.weight is not model.weight
