"""Downloads, against a server on this machine."""

import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.data.download import REMOTES, Progress, Remote, download
from engine.errors import DataError

CONTENT = bytes(range(256)) * 1000


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address that serves it."""
    folder = tmp_path / "site"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a, **k: _Handler(*a, directory=str(folder), **k))
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


def _remote(address: str, content: bytes = CONTENT, name: str = "file.bin", members: tuple[str, ...] = ()) -> Remote:
    md5 = hashlib.md5(content).hexdigest()
    return Remote(name, (address + "not-here", address + name), md5, len(content), "mnist", members)


def test_a_file_arrives_whole_with_progress_from_the_address_that_answers(
    site: tuple[Path, str], tmp_path: Path
) -> None:
    folder, address = site
    (folder / "file.bin").write_bytes(CONTENT)
    seen: list[Progress] = []
    download("mnist", tmp_path / "data", seen.append, [_remote(address)])
    assert (tmp_path / "data" / "mnist" / "file.bin").read_bytes() == CONTENT
    assert [p.done for p in seen] == sorted(p.done for p in seen)
    assert len(seen) > 2
    assert seen[-1].done == seen[-1].total == len(CONTENT)


def test_a_wrong_checksum_is_refused_and_nothing_is_kept(site: tuple[Path, str], tmp_path: Path) -> None:
    folder, address = site
    (folder / "file.bin").write_bytes(b"something else")
    with pytest.raises(DataError, match="checksum"):
        download("mnist", tmp_path / "data", remotes=[_remote(address)])
    assert list((tmp_path / "data" / "mnist").iterdir()) == []


def test_an_endless_answer_is_cut_off(site: tuple[Path, str], tmp_path: Path) -> None:
    folder, address = site
    (folder / "file.bin").write_bytes(CONTENT * 4)
    with pytest.raises(DataError, match="checksum"):
        download("mnist", tmp_path / "data", remotes=[_remote(address)])


def test_no_server_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="internet"):
        download("mnist", tmp_path, remotes=[_remote("http://127.0.0.1:9/")])


def test_a_download_can_be_stopped_by_its_progress(site: tuple[Path, str], tmp_path: Path) -> None:
    folder, address = site
    (folder / "file.bin").write_bytes(CONTENT)

    def stop(progress: Progress) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download("mnist", tmp_path / "data", stop, [_remote(address)])
    assert list((tmp_path / "data" / "mnist").iterdir()) == []


def test_files_that_are_there_are_not_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "mnist").mkdir()
    (tmp_path / "mnist" / "file.bin").write_bytes(b"kept, whatever its checksum")
    download("mnist", tmp_path, remotes=[_remote("http://127.0.0.1:9/")])


def test_only_the_named_members_leave_an_archive(site: tuple[Path, str], tmp_path: Path) -> None:
    folder, address = site
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as tar:
        for name in ("batches/wanted.bin", "../../escaped.bin", "batches/other.bin"):
            info = tarfile.TarInfo(name)
            info.size = 3
            tar.addfile(info, io.BytesIO(b"abc"))
    (folder / "file.tar.gz").write_bytes(packed.getvalue())
    download("mnist", tmp_path / "data", remotes=[_remote(address, packed.getvalue(), "file.tar.gz", ("wanted.bin",))])
    assert [f.name for f in (tmp_path / "data" / "mnist").iterdir()] == ["wanted.bin"]


def test_every_fixed_address_is_encrypted_and_has_a_checksum() -> None:
    for remote in (r for remotes in REMOTES.values() for r in remotes):
        assert remote.addresses
        assert all(a.startswith("https://") for a in remote.addresses)
        assert len(remote.md5) == 32
        assert remote.size > 0
