"""One server per store. A second one on the same folder gets a folder of its own inside it."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import IO

MOST = 16
_held: list[IO[bytes]] = []  # open for as long as this process lives; the system lets go of the lock with it


def claim(store: Path) -> Path:
    """The folder that this server may write: `store`, or the first of its neighbours that no server uses.

    Raises:
        OSError: when nothing can be written there, or sixteen servers use it.
    """
    for number in range(1, MOST + 1):
        folder = store if number == 1 else store / "servers" / str(number)
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / "lock").open("ab")
        if _lock(file):
            _held.append(file)
            return folder
        file.close()
    raise OSError(f"{MOST} servers already use {store}")


def _lock(file: IO[bytes]) -> bool:
    if os.name == "nt":
        import msvcrt

        with contextlib.suppress(OSError):
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
            return True
        return False
    import fcntl

    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
