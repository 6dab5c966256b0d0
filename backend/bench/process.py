"""One process of a bench: everything at one number of threads. `python -m backend.bench.process '{...}'` prints JSON.

The numerical libraries choose their threads when they are loaded, so each number of threads has a process of its own,
whose environment is set before.
"""

from __future__ import annotations

import gc
import json
import math
import sys
from typing import Any

import engine
from backend.bench import contenders, edits, measure
from backend.bench.drawn import drawn
from backend.bench.large import KNOWN
from backend.bench.problem import Workload

RIVAL = "torch"


def one(workload: Workload, asked: dict[str, Any], peak: float) -> dict[str, Any]:
    """Measure one workload with all contenders."""
    running, absent = contenders.prepare(asked["contenders"], workload, asked["threads"])
    problem = workload.build(engine)
    work = measure.products(lambda: problem.step(problem.x, problem.y))
    rates = measure.alternate(running, asked["windows"], asked["seconds"])
    found = {name: measure.summary(rates[name], rates.get(RIVAL)) for name in running}
    for name, column in found.items():
        column["roofline"] = column["median"] * work / 1e9 / peak
        if running[name].note:
            column["tier"] = running[name].note  # type: ignore[assignment]
        truth = running.get("engine") or running.get(RIVAL)
        alike = not problem.noisy or (name in OURS and "engine" in running)  # each library draws numbers of its own
        if truth is not None and truth is not running[name] and alike:
            column["disagreement"] = contenders.disagreement(running[name], truth)
    return {
        "name": workload.name, "words": workload.words, "steps_a_call": workload.steps, "noisy": problem.noisy,
        "parameters": problem.parameters, "batch": problem.x.shape[0], "gflop": work / 1e9, "load": measure.load(),
        "columns": found, "absent": absent,
    }  # fmt: skip


OURS = ("engine", "compiled")


def say(line: str) -> None:
    """Progress, which is not the result."""
    print(line, file=sys.stderr, flush=True)


def chosen(asked: dict[str, Any]) -> list[Workload]:
    """The named workloads, then those at random."""
    return [KNOWN[name] for name in asked["names"]] + drawn(engine, asked["random"], asked["seed"])


def means(found: list[dict[str, Any]]) -> dict[str, Any]:
    """Geometric mean and worst ratio of our columns over networks at random."""
    summary: dict[str, Any] = {}
    for name in OURS:
        ratios = {w["name"]: w["columns"][name]["ratio"] for w in found if "ratio" in w["columns"].get(name, {})}
        if ratios:
            worst = min(ratios, key=ratios.__getitem__)
            mean = math.exp(sum(map(math.log, ratios.values())) / len(ratios))
            summary[name] = {"mean": mean, "worst": ratios[worst], "worst_network": worst, "networks": len(ratios)}
    return summary


def act(asked: dict[str, Any]) -> dict[str, Any]:
    """Everything that was asked for."""
    peak, found = measure.peak(), []
    for workload in chosen(asked):
        found.append(one(workload, asked, peak))
        columns = found[-1]["columns"]
        rates = "  ".join(f"{name} {column['median']:,.1f}" for name, column in columns.items())
        say(f"  {workload.name:4} {rates}")
        gc.collect()
    result = {"threads": asked["threads"], "peak_gflops": peak, "workloads": found}
    result["random"] = means([w for w in found if w["name"].startswith("R")])
    if asked["edits"] and "compiled" in asked["contenders"]:
        result["edit"] = edits.latency()
    if asked["room"]:
        result["room"] = edits.room(asked["names"], asked["contenders"], asked["threads"])
    return result


if __name__ == "__main__":
    print(json.dumps(act(json.loads(sys.argv[1]))), flush=True)
