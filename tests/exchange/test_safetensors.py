"""Arrays by name in one block of bytes."""

import numpy as np
import pytest

from engine.errors import DataError
from engine.exchange.safetensors import load, save
from engine.spec import RunSpec
from engine.train import Run


def test_arrays_and_text_come_back() -> None:
    arrays = {
        "a": np.arange(6, dtype=np.float32).reshape(2, 3),
        "b": np.array(3, np.int64),
        "c": np.zeros((0, 4), np.uint8),
    }
    found, text = load(save(arrays, {"who": "me"}))
    assert text == {"who": "me"}
    assert all(np.array_equal(found[n], a) and found[n].dtype == a.dtype for n, a in arrays.items())


def test_a_view_is_saved_as_it_looks() -> None:
    array = np.arange(6, dtype=np.float32).reshape(2, 3).T
    assert np.array_equal(load(save({"t": array}))[0]["t"], array)


@pytest.mark.parametrize("content", [b"", b"12345678", b"\xff" * 64, (10).to_bytes(8, "little") + b"{not json}"])
def test_damaged_bytes_are_refused_in_words(content: bytes) -> None:
    with pytest.raises(DataError):
        load(content)


def test_torch_reads_the_weights_of_a_run(tmp_path) -> None:
    pytest.importorskip("torch", reason="torch is not installed: pip install '.[oracle]'")
    safetensors = pytest.importorskip("safetensors.torch")
    run = Run(RunSpec())
    state = safetensors.load(run.weights())
    assert {name: tuple(t.shape) for name, t in state.items()}["hidden1.weight"] == (4, 2)
