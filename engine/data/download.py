"""Fetching the public files: fixed addresses, a checksum for each, progress while it runs."""

from __future__ import annotations

import hashlib
import tarfile
import urllib.error
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from engine.data import cifar10, mnist
from engine.errors import DataError

CHUNK = 1 << 16
TIMEOUT = 30.0  # seconds without a byte


@dataclass(frozen=True)
class Remote:
    """One file: where it is offered, its MD5 sum and size in bytes, the folder below the data directory it belongs in.

    `members` names what is taken out of an archive; empty for a plain file.
    """

    name: str
    addresses: tuple[str, ...]
    md5: str
    size: int
    folder: str
    members: tuple[str, ...] = ()


@dataclass(frozen=True)
class Progress:
    """How far a download is: bytes of all files of a dataset together.

    >>> engine.data.Progress("train-images", done=5, total=10).done
    5
    """

    file: str
    done: int
    total: int


def _mnist(name: str, md5: str, size: int) -> Remote:
    hosts = ("https://ossci-datasets.s3.amazonaws.com/mnist/", "https://storage.googleapis.com/cvdf-datasets/mnist/")
    return Remote(name, tuple(host + name for host in hosts), md5, size, "mnist")


REMOTES: dict[str, list[Remote]] = {
    "mnist": [
        _mnist("train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", 9_912_422),
        _mnist("train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", 28_881),
        _mnist("t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", 1_648_877),
        _mnist("t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", 4_542),
    ],
    "cifar10": [
        Remote(
            "cifar-10-binary.tar.gz",
            ("https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",),
            "c32a1d4ab5d03f1284b67883e8d87530",
            170_052_171,
            cifar10.FOLDER,
            (*cifar10.TRAIN, "test_batch.bin", "batches.meta.txt"),
        )
    ],
}


def is_available(kind: str, data_dir: Path) -> bool:
    """Whether the full files of `kind` already lie in the data directory."""
    return {"mnist": mnist.full_is_there, "cifar10": cifar10.is_there}[kind](data_dir)


def download(
    kind: str,
    data_dir: Path,
    progress: Callable[[Progress], None] = lambda _: None,
    remotes: Sequence[Remote] | None = None,
) -> None:
    """Fetch the files of a dataset that are not there yet. `progress` may raise to stop; nothing half-done is kept.

    Raises: DataError when no address answers or a checksum is wrong.

    >>> engine.data.download.__module__
    'engine.data.download'
    """
    files = remotes_of(kind) if remotes is None else remotes
    total, before = sum(r.size for r in files), 0
    for remote in files:
        if not _is_there(remote, data_dir):
            _fetch(remote, data_dir, lambda done, b=before, r=remote: progress(Progress(r.name, b + done, total)))  # type: ignore[misc]
        before += remote.size
        progress(Progress(remote.name, before, total))


def remotes_of(kind: str) -> list[Remote]:
    """The fixed files of a dataset. Raises: DataError when it has none."""
    if kind not in REMOTES:
        raise DataError(
            where=kind,
            expected="one of " + ", ".join(REMOTES),
            got=kind,
            hint="Only these are downloaded.",
            field="kind",
        )
    return REMOTES[kind]


def _is_there(remote: Remote, data_dir: Path) -> bool:
    folder = data_dir / remote.folder
    names = remote.members or (remote.name,)
    return all((folder / name).is_file() or (folder / name).with_suffix("").is_file() for name in names)


def _fetch(remote: Remote, data_dir: Path, report: Callable[[int], None]) -> None:
    folder = data_dir / remote.folder
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{remote.name}.part"
    try:
        _fetch_any(remote, part, report)
        if remote.members:
            _unpack(part, folder, remote)
        else:
            part.replace(folder / remote.name)
    finally:
        part.unlink(missing_ok=True)


def _fetch_any(remote: Remote, part: Path, report: Callable[[int], None]) -> None:
    """Try the addresses in turn; the last failure is told."""
    problem = DataError(where=remote.name, expected="an address", got="none", hint="")
    for address in remote.addresses:
        try:
            return _fetch_one(address, remote, part, report)
        except (OSError, urllib.error.URLError) as error:
            problem = DataError(
                where=remote.name,
                expected="an answer from the server",
                got=str(error)[:120],
                hint="Check the internet connection, then try again.",
            )
        except DataError as error:
            problem = error
    raise problem


def _fetch_one(address: str, remote: Remote, part: Path, report: Callable[[int], None]) -> None:
    digest = hashlib.md5(usedforsecurity=False)
    with urllib.request.urlopen(address, timeout=TIMEOUT) as answer, part.open("wb") as file:  # noqa: S310 (fixed addresses)
        count = _copy(answer, file, digest.update, report, remote.size)
    if digest.hexdigest() != remote.md5:
        raise DataError(
            where=remote.name,
            expected=f"{remote.size} bytes with the checksum {remote.md5}",
            got=f"{count} bytes with another checksum",
            hint="The download was cut off or changed on the way; try again.",
        )


def _copy(
    answer: IO[bytes], file: IO[bytes], update: Callable[[bytes], object], report: Callable[[int], None], limit: int
) -> int:
    """Copy chunk by chunk; a server that sends more than was announced is cut off."""
    count = 0
    while count <= limit and (chunk := answer.read(CHUNK)):
        file.write(chunk)
        update(chunk)
        count += len(chunk)
        report(min(count, limit))
    return count


def _unpack(archive: Path, folder: Path, remote: Remote) -> None:
    """Take the named members out of the archive by their base name; other members and paths are ignored."""
    with tarfile.open(archive) as tar:
        for member in tar:
            name = Path(member.name).name
            content = tar.extractfile(member) if member.isfile() and name in remote.members else None
            if content is not None:
                half = folder / f".{name}.part"
                half.write_bytes(content.read())
                half.replace(folder / name)
