"""Entry point of the command `playground`. It imports nothing heavy, so that Ctrl-C is quiet from the first moment."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

STOPPED = 130


@contextmanager
def leaving_at_once() -> Iterator[None]:
    """Inside, Ctrl-C ends the process at once: an exception that comes while modules are imported may be swallowed."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, lambda *_: os._exit(STOPPED))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says. Returns the exit status; whatever happens, no stack trace is shown."""
    try:
        with leaving_at_once():
            from backend.verbs import act

        return act(arguments)
    except KeyboardInterrupt:
        return STOPPED


if __name__ == "__main__":
    sys.exit(main())
