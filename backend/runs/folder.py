"""The files of one run: facts as lines of JSON, one file for each attempt, and its newest checkpoints.

<store>/runs/<run>/facts-<attempt>.jsonl
<store>/runs/<run>/checkpoint-<attempt>-<step>.safetensors
"""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path

KEEP = 3
NAME = re.compile(r"checkpoint-(\d+)-(\d+)\.safetensors")


class FactFile:
    """Appends facts. A line is in the file before anybody is told about it."""

    def __init__(self, folder: Path, attempt: int, seq: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.path = facts_path(folder, attempt)
        cut_torn_line(self.path)
        self.seq = seq
        self._file = self.path.open("ab", buffering=0)

    def append(self, lines: list[bytes]) -> None:
        """Write these lines at once.

        Raises:
            OSError: when the disk is full or read-only.
        """
        self._file.write(b"".join(line + b"\n" for line in lines))
        self.seq += len(lines)

    def close(self) -> None:
        """No more lines."""
        self._file.close()


def facts_path(folder: Path, attempt: int) -> Path:
    """Where the facts of an attempt are."""
    return folder / f"facts-{attempt}.jsonl"


def read_facts(folder: Path, attempt: int) -> list[bytes]:
    """Every whole line of an attempt, in order."""
    try:
        text = facts_path(folder, attempt).read_bytes()
    except FileNotFoundError:
        return []
    return text.split(b"\n")[:-1]


def cut_torn_line(path: Path) -> None:
    """A process that died while writing may leave half a line at the end: it was never sent, so it goes."""
    if not path.exists():
        return
    text = path.read_bytes()
    whole = text.rfind(b"\n") + 1
    if whole < len(text):
        os.truncate(path, whole)


def save_checkpoint(folder: Path, attempt: int, step: int, data: bytes) -> Path:
    """Write a checkpoint so that it is whole or not there, and keep the newest three.

    The new one is on disk before the oldest goes: a process that is killed in between leaves four, until the next one.

    Raises:
        OSError: when the disk is full or read-only; older checkpoints stay as they were.
    """
    path = folder / f"checkpoint-{attempt}-{step}.safetensors"
    part = path.with_suffix(f".part{os.getpid()}")
    try:
        with part.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _sync_folder(folder)
    for old in checkpoints(folder)[KEEP:]:
        old.unlink(missing_ok=True)
    return path


def remove_parts(folder: Path) -> None:
    """Remove what a process that was killed had begun to write. Only while nobody writes there."""
    for path in _files(folder):
        if path.suffix.startswith(".part"):
            path.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # Windows cannot open a folder
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def checkpoints(folder: Path) -> list[Path]:
    """The checkpoints there are, newest first: by attempt, then by step."""
    found = [(int(m[1]), int(m[2]), path) for path in _files(folder) if (m := NAME.fullmatch(path.name))]
    return [path for _, _, path in sorted(found, reverse=True)]


def place_of(checkpoint: Path) -> tuple[int, int]:
    """(attempt, step) of a checkpoint, from its name."""
    match = NAME.fullmatch(checkpoint.name)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _files(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except FileNotFoundError:
        return []
