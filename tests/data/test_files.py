"""MNIST and CIFAR-10 files: the shipped subset, the full files, damaged ones."""

import gzip
from pathlib import Path

import numpy as np
import pytest

from engine.data.cifar10 import Cifar10
from engine.data.idx import idx_bytes, read_idx
from engine.data.mnist import SUBSET, Mnist
from engine.errors import DataError


def _digits(folder: Path, count: int, packed: bool = True) -> None:
    """A tiny MNIST in the layout of the data directory."""
    folder.mkdir(parents=True)
    images = np.arange(count * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(count, 28, 28)
    labels = (np.arange(count) % 10).astype(np.uint8)
    for stem in ("train", "t10k"):
        for name, array in ((f"{stem}-images-idx3-ubyte", images), (f"{stem}-labels-idx1-ubyte", labels)):
            content = idx_bytes(array)
            (folder / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(content) if packed else content)


def test_the_shipped_subset_is_balanced_and_small() -> None:
    split = Mnist().load()
    assert np.bincount(split.train.y).tolist() == [1000] * 10
    assert np.bincount(split.test.y).tolist() == [200] * 10
    assert sum(f.stat().st_size for f in SUBSET.iterdir()) < 3_000_000
    assert "CC BY-SA 3.0" in (SUBSET / "LICENSE").read_text()


def test_pixels_of_the_subset_are_normalised() -> None:
    x = Mnist().load().train.x
    assert abs(float(x.mean())) < 0.05
    assert abs(float(x.std()) - 1) < 0.05
    assert float(x.min()) == pytest.approx((0 - 0.1307) / 0.3081)


def test_padding_adds_black_pixels_around() -> None:
    plain, padded = Mnist(limit=20).load(), Mnist(limit=20, pad=2).load()
    assert padded.train.x.shape == (20, 1, 32, 32)
    assert np.array_equal(padded.train.x[:, :, 2:-2, 2:-2], plain.train.x)
    assert (padded.train.x[:, :, 0] == plain.train.x.min()).all()


def test_full_mnist_has_all_images(real_data: Path) -> None:
    split = Mnist(source="full").load(real_data)
    assert [len(part) for part in split] == [60_000, 0, 10_000]


@pytest.mark.parametrize("packed", [True, False])
def test_files_are_read_packed_and_unpacked(tmp_path: Path, packed: bool) -> None:
    _digits(tmp_path / "mnist", 30, packed)
    assert len(Mnist(source="full").load(tmp_path).train) == 30


def test_missing_full_files_are_said_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        Mnist(source="full").load(tmp_path)
    assert caught.value.field == "source"
    assert "subset" in caught.value.hint


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0\0",
        b"\0\0\x0d\x01\0\0\0\0",
        b"\0\0\x08\x03\0\0",
        idx_bytes(np.zeros((2, 2), np.uint8))[:-1],
        b"<html>404</html>",
    ],
)
def test_a_damaged_idx_file_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "digits"
    path.write_bytes(content)
    with pytest.raises(DataError, match="digits"):
        read_idx(path)


@pytest.mark.parametrize("cut", [5, 40, -3])
def test_a_cut_off_gzip_file_is_named(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "digits.gz"
    path.write_bytes(gzip.compress(idx_bytes(np.arange(200, dtype=np.uint8)))[:cut])
    with pytest.raises(DataError, match=r"digits\.gz"):
        read_idx(path)


def test_labels_that_do_not_fit_the_images_are_refused(tmp_path: Path) -> None:
    _digits(tmp_path / "mnist", 12)
    (tmp_path / "mnist" / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(np.zeros(11, np.uint8))))
    with pytest.raises(DataError, match="12 labels"):
        Mnist(source="full").load(tmp_path)


def test_runs_with_the_same_images_share_one_copy_that_cannot_be_written() -> None:
    first, second = Mnist(pad=1).load(seed=1), Mnist(pad=1).load(seed=2)
    assert first.train.x is second.train.x
    assert Mnist().load().train.x is not first.train.x
    with pytest.raises(ValueError, match="read-only"):
        first.train.x[0] = 0


def test_a_validation_share_is_drawn_by_the_seed() -> None:
    parts = [Mnist(limit=100, validation=20.0).load(seed=seed) for seed in (1, 1, 2)]
    assert [len(part) for part in parts[0]] == [80, 20, 2000]
    assert np.array_equal(parts[0].train.x, parts[1].train.x)
    assert not np.array_equal(parts[0].train.x, parts[2].train.x)


def test_a_changed_file_is_read_again(tmp_path: Path) -> None:
    _digits(tmp_path / "a" / "mnist", 12)
    before = len(Mnist(source="full").load(tmp_path / "a").train)
    for file in (tmp_path / "a" / "mnist").iterdir():
        file.unlink()
    (tmp_path / "a" / "mnist").rmdir()
    _digits(tmp_path / "a" / "mnist", 15)
    assert (before, len(Mnist(source="full").load(tmp_path / "a").train)) == (12, 15)


def _photographs(folder: Path, names: list[str], count: int = 7) -> None:
    folder.mkdir(parents=True)
    records = np.zeros((count, 3073), np.uint8)
    records[:, 0] = np.arange(count)
    records[:, 1 : 1 + 1024] = 255  # red
    for name in names:
        content = records.tobytes()
        (folder / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)


def test_cifar_is_read_channel_first_from_the_batches_that_are_there(tmp_path: Path) -> None:
    _photographs(tmp_path / "cifar-10-batches-bin", ["data_batch_1.bin", "data_batch_3.bin.gz", "test_batch.bin.gz"])
    split = Cifar10().load(tmp_path)
    assert [len(part) for part in split] == [14, 0, 7]
    red, green = split.train.x[0, 0], split.train.x[0, 1]
    assert red == pytest.approx((1 - 0.4914) / 0.2470)
    assert green == pytest.approx(-0.4822 / 0.2435)


def test_cifar_without_files_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"data_batch_1\.bin"):
        Cifar10().load(tmp_path)


def test_a_cut_cifar_file_is_named(tmp_path: Path) -> None:
    _photographs(tmp_path / "cifar-10-batches-bin", ["data_batch_1.bin", "test_batch.bin"])
    path = tmp_path / "cifar-10-batches-bin" / "test_batch.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match=r"test_batch\.bin"):
        Cifar10().load(tmp_path)


def test_the_real_cifar_files_load(real_data: Path) -> None:
    if not (real_data / "cifar-10-batches-bin").is_dir():
        pytest.skip("PLAYGROUND_DATA_DIR has no CIFAR-10")
    split = Cifar10(limit=500).load(real_data)
    assert split.train.x.shape == (500, 3, 32, 32)
    assert abs(float(split.test.x.mean())) < 0.2
