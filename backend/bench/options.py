"""The options of `playground bench`. It imports nothing heavy, because every start of the command line reads it."""

from __future__ import annotations

import argparse
from pathlib import Path


def options(to: argparse.ArgumentParser) -> None:
    """Add the options of the verb."""
    names = "W1 ... W6, P2, B1 ... B8, L1 ... L9, `between`, `large`, or `all`"
    to.add_argument("names", nargs="*", metavar="WORKLOAD", help=names)
    to.add_argument("--threads", default="1,2", help="numbers of threads, e.g. 1,2 (default: %(default)s)")
    to.add_argument("--windows", type=int, default=7, help="windows of each contender (default: %(default)s)")
    to.add_argument("--seconds", type=float, default=0.4, help="seconds of a window (default: %(default)s)")
    to.add_argument("--random", type=int, default=0, metavar="COUNT", help="also so many networks at random")
    to.add_argument("--seed", type=int, default=0, help="the first of them (default: %(default)s)")
    to.add_argument(
        "--without", default="", help="leave out, e.g. torch.compile,jax (all: engine,compiled,torch,torch.compile,jax)"
    )
    to.add_argument("--no-edits", action="store_true", help="do not measure how long an edit waits")
    to.add_argument("--room", action="store_true", help="also measure memory, each in a process of its own")
    to.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    to.add_argument("--json", type=Path, metavar="FILE", help="write everything that was found here")
