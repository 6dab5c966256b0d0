"""How long a run trains, and measures a row, before it looks for commands: what a pause may have to wait for.

    python tests/bench/pause.py [preset] [examples] [slices]

Prints for each slice of a hundredth of a second how long it was, how many batches it trained, and the part of it that
went into rows of the curves. The numbers are this machine's at this moment; that a slice ends after its time and a
batch is tested by tests/train/test_tiers.py with a clock of its own.
"""

import statistics
import sys
import time
from typing import Any

from engine.spec import presets
from engine.train import Run
from engine.train.attempt import Attempt

PROMISED = 0.05
"""Seconds."""


def slices(preset: str, examples: int, count: int) -> list[tuple[float, int, float]]:
    """(seconds, batches, seconds of rows) of so many slices, after 200 batches that warm up."""
    found = next(p for p in presets if p.id == preset)
    spec = found.spec.model_copy(update={"pace": None}, deep=True)
    if found.view == "image":
        spec.data.params["limit"] = examples
    run, rows, seen = Run(spec), 0.0, []
    measure = Attempt._score

    def score(*given: Any) -> Any:
        nonlocal rows
        began = time.perf_counter()
        values = measure(*given)
        rows += time.perf_counter() - began
        return values

    Attempt._score = score  # type: ignore[method-assign,assignment]
    run.command({"op": "play"})
    while run.step < 200:
        run.advance(0.01)
    for _ in range(count):
        rows, step, began = 0.0, run.step, time.perf_counter()
        run.advance(0.01)
        seen.append((time.perf_counter() - began, run.step - step, rows))
    return seen


def main(preset: str = "mnist-mlp", examples: str = "1000", count: str = "100") -> None:
    """Measure and print."""
    found = slices(preset, int(examples), int(count))
    whole = sum(seconds for seconds, _, _ in found)
    for seconds, batches, rows in found:
        print(f"{seconds * 1e3:7.1f} ms  {batches:5d} batches  rows {rows * 1e3:6.1f} ms")
    longest, middle = max(found)[0], statistics.median(seconds for seconds, _, _ in found)
    print(f"{preset}: {sum(batches for _, batches, _ in found) / whole:.0f} batches/s", end=", ")
    print(f"{sum(rows for _, _, rows in found) / whole:.0%} of the time in rows; slices", end=" ")
    print(f"{middle * 1e3:.1f} ms, longest {longest * 1e3:.1f} ms; a pause is promised within {PROMISED * 1e3:.0f} ms")


if __name__ == "__main__":
    main(*sys.argv[1:])
