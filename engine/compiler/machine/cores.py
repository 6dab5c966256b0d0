"""How many threads this process may keep busy."""

from __future__ import annotations

import os

THREADS = "PLAYGROUND_THREADS"
"""Environment: how many cores this process may use."""
_cores: int | None = None


def cores() -> int:
    """How many threads this process may keep busy."""
    global _cores
    if _cores is None:
        chosen = os.environ.get(THREADS)
        here = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        _cores = max(1, int(chosen)) if chosen else here
    return _cores


def set_cores(count: int | None) -> None:
    """Set how many; None: as the environment says, else as the machine has them."""
    global _cores
    _cores = count
