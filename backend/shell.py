"""`playground run`: a run with a progress bar, on a server that runs or on one of our own."""

from __future__ import annotations

import socket
import sys
import threading
import time
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from backend.client import FINAL, Playground, RefusedError, Run

START_SECONDS = 30.0


def run_there(address: str, spec: dict[str, Any], name: str, save: Path | None) -> int:
    """Train on the server at this address. Ctrl-C leaves the run to it."""
    with Playground(address) as playground:
        try:
            run = playground.run(spec, name)
        except RefusedError as error:
            return _refused(error)
        try:
            return follow(run, save)
        except KeyboardInterrupt:
            print(f"\nThe run goes on; watch it at {run.page}.", file=sys.stderr)
            return 130
        except httpx.TransportError:
            print("\nThe server ended; the run goes on when it is started again.", file=sys.stderr)
            return 1


def run_here(
    server: Any, listener: socket.socket, address: str, spec: dict[str, Any], name: str, save: Path | None
) -> int:
    """Train on a server of our own, which ends with the run. Ctrl-C stops both."""
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="server", daemon=True)
    thread.start()
    try:
        end = time.monotonic() + START_SECONDS
        while not server.started:
            if not thread.is_alive() or time.monotonic() > end:
                print("The server could not start; see the folder 'logs' of its store.", file=sys.stderr)
                return 1
            time.sleep(0.01)
        return _run_own(address, spec, name, save)
    finally:
        server.should_exit = True
        thread.join(10)


def _run_own(address: str, spec: dict[str, Any], name: str, save: Path | None) -> int:
    with Playground(address) as playground:
        try:
            run = playground.run(spec, name)
        except RefusedError as error:
            return _refused(error)
        try:
            return follow(run, save)
        except KeyboardInterrupt:
            run.stop()
            print("\nStopped.", file=sys.stderr)
            return 130


def _refused(error: RefusedError) -> int:
    print(error, file=sys.stderr)
    return 1


def follow(run: Run, save: Path | None) -> int:
    """Show how the run goes until it has ended."""
    console = Console(stderr=True)
    console.print(f"Watch it at {run.page}", highlight=False)
    record = run.record()
    until = record["spec"]["until"]
    unit = "steps" if until["steps"] else "epochs"
    columns = (
        TextColumn(unit),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=False) as progress:
        bar = progress.add_task(words(record), total=until["steps"] or until["epochs"])
        for row in run.metrics():
            done = row["step"] if unit == "steps" else row["epoch"]
            progress.update(bar, completed=int(done), description=words({"latest": row["values"]}))
    record = run.record()
    return _conclude(run, record, save)


def _conclude(run: Run, record: dict[str, Any], save: Path | None) -> int:
    problem = record.get("problem")
    if problem:
        print(problem["message"], problem.get("hint") or "", file=sys.stderr)
    print(f"{record['name']}: {record['state']} at step {record['step']:,}. {words(record)}")
    if save is not None:
        save.write_bytes(run.weights())
        print(f"The weights are in {save}.")
    return 0 if record["state"] in FINAL - {"failed"} and not problem else 1


def words(record: dict[str, Any]) -> str:
    """The newest values in a line."""
    latest = record.get("latest") or {}
    shown = [(key, latest.get(key)) for key in ("train_loss", "test_loss", "test_accuracy")]
    return "  ".join(f"{key.replace('_', ' ')} {value:.4f}" for key, value in shown if value is not None)
