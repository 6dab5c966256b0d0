"""Machine code on disk: one file per kernel in the user's cache, good for one type of processor and one emitter.

A file is written under a temporary name and renamed, so that many processes may write and read at once; it begins with
a digest of its name and content, so that a torn, damaged or foreign file counts as missing.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

FOLDER = "PLAYGROUND_CACHE_DIR"
"""Environment: where to keep machine code, instead of the user's cache folder."""

FORGET = 30 * 86_400.0
"""Seconds after which another version's folder is removed."""
MAGIC = b"autodiff playground kernel 1\n"


def folder() -> Path:
    """The cache folder of this user."""
    return _folder(os.environ.get(FOLDER), os.environ.get("XDG_CACHE_HOME"), os.path.expanduser("~"))


@functools.cache
def _folder(chosen: str | None, caches: str | None, home: str) -> Path:
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path(home) / "Library" / "Caches" / "autodiff-playground"
    return Path(caches or Path(home) / ".cache") / "autodiff-playground"


@functools.cache
def version() -> str:
    """A digest of the sources that decide what machine code looks like."""
    compiler, digest = Path(__file__).parents[1], hashlib.sha256()
    for path in sorted(file for room in EMITTING for file in (compiler / room).glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


EMITTING = ("code", "kernels", "machine")


class Store:
    """The files for one processor (its token); a folder that cannot be used, or is another user's, holds nothing."""

    def __init__(self, place: Path, token: str) -> None:
        self.place = place / "kernels" / f"{token}-{version()}"
        self.usable = False
        with contextlib.suppress(OSError):
            new = not self.place.exists()
            self.place.mkdir(parents=True, exist_ok=True, mode=0o700)
            if new:
                self._forget()
            self.usable = not hasattr(os, "getuid") or self.place.stat().st_uid == os.getuid()

    def _forget(self) -> None:
        """What an earlier version kept goes, once nobody has added to it for a while."""
        for other in self.place.parent.iterdir():
            if other != self.place and time.time() - other.stat().st_mtime > FORGET:
                shutil.rmtree(other, ignore_errors=True)

    def read(self, name: str) -> bytes | None:
        """The machine code under this name, or None."""
        with contextlib.suppress(OSError):
            if self.usable:
                content = (self.place / name).read_bytes()
                head, code = content[: len(MAGIC) + 32], content[len(MAGIC) + 32 :]
                return code if head == _head(name, code) else None
        return None

    def write(self, name: str, code: bytes) -> None:
        """Keep machine code; a full disk or a folder without permission is no error, the code is in memory."""
        if not self.usable:
            return
        temporary = ""
        with contextlib.suppress(OSError):
            number, temporary = tempfile.mkstemp(dir=self.place, prefix=".writing-")
            with os.fdopen(number, "wb") as file:
                file.write(_head(name, code) + code)
            os.replace(temporary, self.place / name)
            return
        with contextlib.suppress(OSError):
            os.unlink(temporary)


def _head(name: str, code: bytes) -> bytes:
    return MAGIC + hashlib.sha256(name.encode() + b"\n" + code).digest()
