"""Entry point of the command `playground`. It imports nothing heavy, so that Ctrl-C is quiet from the first moment."""

from __future__ import annotations

import sys
from collections.abc import Sequence

STOPPED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says. Returns the exit status; whatever happens, no stack trace is shown."""
    try:
        from backend.verbs import act

        return act(arguments)
    except KeyboardInterrupt:
        return STOPPED


if __name__ == "__main__":
    sys.exit(main())
