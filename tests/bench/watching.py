"""What watching costs: host CPU seconds per 1,000 steps, watched at 10 pictures a second against unwatched.

    PYTHONPATH=.:tests/backend python tests/bench/watching.py [--preset mnist-cnn] [--rounds 5] [--steps 300]

One server, one run of the preset, stretches of training with and without a headless watcher in turn, so that both see
the same machine. Prints a line for each pair and the ratio of the medians.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from pathlib import Path

import psutil
from served import Served
from viewer import Viewer

CNN = (
    "progress",
    "activation?example=0&node={conv}&split=test",
    "prediction?example=0&split=test",
    "parameter?name={conv}.weight",
    "examples?count=24&split=test&start=0",
    "confusion?split=test",
)
PLANE = ("progress", "decision?size=100", "points?split=train", "map?node=x&size=20", "map?node=act1&size=20",
         "map?node=act2&size=20", "map?node=out&size=20", "parameter?name=hidden1.weight")  # fmt: skip


class Watcher(threading.Thread):
    """A headless page: asks for topics, and paints at most `rate` times a second."""

    def __init__(self, server: Served, run: str, topics: list[str], rate: float) -> None:
        super().__init__(daemon=True)
        self.server, self.run_id, self.topics, self.rate = server, run, topics, rate
        self.stop, self.painted = threading.Event(), 0

    def run(self) -> None:
        with Viewer(self.server.api, paints=False) as viewer:
            viewer.watch(self.run_id, *self.topics)
            while not self.stop.is_set():
                try:
                    message = viewer.next(0.2)
                except TimeoutError:
                    continue
                if not isinstance(message, dict):
                    self.painted += 1
                    time.sleep(1 / self.rate)
                    viewer.say("painted", run=self.run_id, seq=message.header["seq"])


def stretch(server: Served, host: psutil.Process, run: str, steps: int) -> tuple[float, float]:
    """(host CPU seconds per 1,000 steps, wall seconds) of the next so many steps."""

    def spent() -> float:
        times = host.cpu_times()
        return float(times.user + times.system)

    first, cpu, wall = server.record(run)["step"], spent(), time.monotonic()
    while (step := server.record(run)["step"]) < first + steps:
        time.sleep(0.05)
    return (spent() - cpu) / (step - first) * 1000, time.monotonic() - wall


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser()
    options.add_argument("--preset", default="mnist-cnn")
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--steps", type=int, default=300)
    options.add_argument("--rate", type=float, default=10.0)
    asked = options.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        server = Served(Path(folder) / "store", PLAYGROUND_HOSTS="1", PLAYGROUND_CHECKPOINT_SECONDS="100000")
        try:
            compare(server, asked)
        finally:
            server.end()


def compare(server: Served, asked: argparse.Namespace) -> None:
    """Stretches in turn."""
    preset = next(p for p in server.get("/catalog")["presets"] if p["id"] == asked.preset)
    spec = {**preset["spec"], "pace": None, "until": {}}
    conv = next((n["id"] for n in spec["graph"]["nodes"] if n["kind"] == "Conv2d"), "")
    topics = [topic.format(conv=conv) for topic in (CNN if conv else PLANE)]
    run = server.start(spec)
    host = server.hosts()[0]
    stretch(server, host, run, asked.steps // 2)
    pairs = [one_round(server, host, run, topics, asked) for _ in range(asked.rounds)]
    plain, watched = (statistics.median(column) for column in zip(*pairs, strict=True))
    print(f"{asked.preset}: CPU seconds per 1,000 steps, unwatched {plain:.3f}, watched {watched:.3f}", end="")
    print(f": {watched / plain - 1:+.1%}")


def one_round(
    server: Served, host: psutil.Process, run: str, topics: list[str], asked: argparse.Namespace
) -> tuple[float, float]:
    """One stretch unwatched, one watched."""
    plain, _ = stretch(server, host, run, asked.steps)
    watcher = Watcher(server, run, topics, asked.rate)
    watcher.start()
    while watcher.painted == 0:
        time.sleep(0.01)
    before = watcher.painted
    watched, wall = stretch(server, host, run, asked.steps)
    rate = (watcher.painted - before) / wall
    watcher.stop.set()
    watcher.join()
    print(f"  unwatched {plain:.3f}  watched {watched:.3f}  at {rate:.1f} pictures a second", flush=True)
    return plain, watched


if __name__ == "__main__":
    main()
