"""Where the time of a compiled step goes: `python tests/bench/profile_step.py [W2 ...] [--threads 1] [--all]`.

Every row of the plan is timed by itself, many times in a row on one thread, so its memory is as near as it can be; in
a step it may be further away. GFLOP/s stands beside products, GB/s (memory that the row may touch) beside the rest.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import Counter
from typing import Any

import numpy as np

import engine
from backend.bench.drawn import build
from backend.bench.large import KNOWN
from backend.bench.measure import peak, products
from backend.bench.problem import Problem
from engine.compiler.kernels.work import Plan, Record
from engine.compiler.run.table import Table


def problem_of(name: str) -> Problem:
    """A named workload, or network R<seed> at random."""
    return build(engine, int(name[1:])) if name[0] == "R" else KNOWN[name].build(engine)


def inputs_of(problem: Problem) -> Any:
    """The addresses of one batch."""
    return np.array([[problem.x.array.ctypes.data, problem.y.array.ctypes.data]], np.int64)


def seconds(table: Table, inputs: Any, threads: int, rounds: int = 15, least: float = 0.002) -> float:
    """Seconds of one step of a table, the best of some windows."""
    scalars, steps, best = table.bits(), 1, math.inf
    for _ in range(rounds):
        start = time.perf_counter()
        table.run(steps, inputs, scalars, exactly=threads)
        spent = time.perf_counter() - start
        best = min(best, spent / steps)
        if spent < least:
            steps = min(100_000, math.ceil(steps * min(100, 1.5 * least / max(spent, 1e-7))))
    return best


def alone(whole: Plan, row: Record) -> Table:
    """A table of this row only."""
    return Table(Plan(rows=[row], buffers=whole.buffers, scalars=whole.scalars))


def work_of(row: Record) -> tuple[str, float]:
    """What a row does for its time: its unit, and how much (GFLOP of a product, GB of other rows)."""
    w = row.work
    if hasattr(w, "k"):
        return "GFLOP/s", 2e-9 * math.prod(w.outer) * w.m * w.n * math.prod(w.k)
    return "GB/s", 4e-9 * sum(a.high - a.low for a in w.accesses())


def shape_of(row: Record) -> str:
    """Its sizes."""
    w = row.work
    if hasattr(w, "k"):
        return f"outer {w.outer} m {w.m} n {w.n} k {w.k}"
    return str(getattr(w, "sizes", getattr(w, "outer", "")))


def ops_of(row: Any) -> str:
    """The ops that it computes."""
    names = Counter(f"{n.origin.op}{'′' if n.origin.backward else ''}" for n in row.nodes)
    return " ".join(name for name, _ in names.most_common(4))


def show(name: str, threads: int, everything: bool, top: float) -> None:
    """Trace, plan, time, print."""
    problem = problem_of(name)
    flops = products(lambda: problem.step(problem.x, problem.y))
    start = time.perf_counter()
    step = engine.compile(problem.step)
    step.prepare(problem.x, problem.y)
    planned = time.perf_counter() - start
    made = step.newest.bound.runner.plan
    table, inputs = Table(made), inputs_of(problem)
    table.wait()
    whole = seconds(table, inputs, threads)
    print(f"{name}: {len(made.rows)} rows; watched and planned in {planned * 1e3:.1f} ms")
    print(f"  step {whole * 1e6:,.1f} us ({threads} threads), {1 / whole:,.1f} steps/s,"
          f" {flops / whole / 1e9:.1f} GFLOP/s, {flops / whole / 1e9 / top:.0%} of a matrix product")  # fmt: skip
    rows(made, table, inputs, everything)


def rows(made: Plan, table: Table, inputs: Any, everything: bool) -> None:
    """A line for each row that takes more than one part in fifty, the slowest first; `everything`: all, in order."""
    timed = [(i, row, seconds(alone(made, row), inputs, 1, 7)) for i, row in enumerate(made.rows)
             if isinstance(row, Record)]  # fmt: skip
    total = sum(t for _, _, t in timed)
    print(f"  rows one by one: {total * 1e6:,.1f} us; rows of Python: {len(made.rows) - len(timed)}")
    kinds: Counter[str] = Counter()
    for _, row, t in timed:
        kinds[type(row.work).__name__] += t  # type: ignore[assignment]
    print("  " + ", ".join(f"{kind} {t / total:.0%}" for kind, t in kinds.most_common()))
    chosen = timed if everything else [x for x in sorted(timed, key=lambda x: -x[2]) if x[2] > total / 50]
    for i, row, t in chosen:
        unit, amount = work_of(row)
        print(f"  {i:4} {t * 1e6:10.2f} us {t / total:5.0%} {amount / t:8.1f} {unit:8} {type(row.work).__name__:13}"
              f" {shape_of(row):44} {ops_of(row)}")  # fmt: skip


def main() -> None:
    """Read the options."""
    asked = argparse.ArgumentParser()
    asked.add_argument("names", nargs="*", default=["W2"])
    asked.add_argument("--threads", type=int, default=1)
    asked.add_argument("--all", action="store_true")
    given = asked.parse_args()
    top = peak() * given.threads
    print(f"product of matrices, one thread: {top / given.threads:.0f} GFLOP/s")
    for name in given.names or ["W2"]:
        show(name, given.threads, given.all, top)


if __name__ == "__main__":
    main()
