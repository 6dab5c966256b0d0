"""`playground bench`: what was asked for, and a fresh process for each number of threads."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from backend.bench import measure, report
from backend.bench.between import BETWEEN
from backend.bench.contenders import CONTENDERS
from backend.bench.large import KNOWN, LARGE
from backend.bench.workloads import WORKLOADS

VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NPROC")


def names(asked: list[str], drawn: int) -> list[str]:
    """The workloads that are meant. Raises: ValueError."""
    groups = {"all": list(KNOWN), "between": list(BETWEEN), "large": list(LARGE)}
    if not asked:
        return [] if drawn else list(WORKLOADS)
    found = [one for name in asked for one in groups.get(name, [name])]
    unknown = [name for name in found if name not in KNOWN]
    if unknown:
        raise ValueError(f"No workload is called {', '.join(unknown)}. There are {', '.join(KNOWN)}.")
    return found


def asked_of(given: argparse.Namespace) -> dict[str, Any]:
    """The options as plain data for a process. Raises: ValueError."""
    without = [name for name in given.without.split(",") if name]
    strange = [name for name in without if name not in CONTENDERS]
    if strange:
        raise ValueError(f"--without {','.join(strange)}: there are {', '.join(CONTENDERS)}.")
    return {
        "names": names(given.names, given.random), "contenders": [n for n in CONTENDERS if n not in without],
        "windows": max(1, given.windows), "seconds": given.seconds, "random": given.random, "seed": given.seed,
        "edits": not given.no_edits, "room": given.room,
    }  # fmt: skip


def process(asked: dict[str, Any], threads: int) -> dict[str, Any]:
    """Measure in a fresh process with so many threads. Raises: RuntimeError."""
    environment = {**os.environ, **dict.fromkeys(VARIABLES, str(threads))}
    flags = f" --xla_cpu_multi_thread_eigen={'true' if threads > 1 else 'false'}"
    environment["XLA_FLAGS"] = os.environ.get("XLA_FLAGS", "") + flags
    home = str(Path(__file__).resolve().parents[2])
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [home, os.environ.get("PYTHONPATH", "")]))
    command = [sys.executable, "-m", "backend.bench.process", json.dumps({**asked, "threads": threads})]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False, env=environment)  # noqa: S603
    if done.returncode != 0:
        raise RuntimeError(f"The bench with {threads} threads ended with status {done.returncode}.")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def act(given: argparse.Namespace) -> int:
    """Measure, print the table, write the file. Raises: ValueError, RuntimeError."""
    asked = asked_of(given)
    found: dict[str, Any] = {"machine": measure.machine(), "processes": []}
    for threads in (int(part) for part in given.threads.split(",")):
        print(f"{threads} thread{'s' if threads > 1 else ''} ...", file=sys.stderr, flush=True)
        found["processes"].append(process(asked, threads))
    if given.json is not None:
        given.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(report.markdown(found) if given.markdown else report.text(found))
    return 0
