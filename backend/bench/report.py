"""What a bench found, as text for a terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

TITLES = {"engine": "eager", "compiled": "compiled", "torch": "torch", "torch.compile": "t.compile", "jax": "jax"}
TOLERANCE = 1e-3
NATIVE = ("native", "whole")


def text(found: dict[str, Any]) -> str:
    """The whole report."""
    return "\n".join(lines(found))


def lines(found: dict[str, Any]) -> Iterator[str]:
    """Machine, one table for each number of threads, what did not take part and why."""
    m = found["machine"]
    yield f"{m['cpu']}, {m['cores']} cores, Python {m['python']}, NumPy {m['numpy']}; load before: {m['load']}"
    for process in found["processes"]:
        yield ""
        yield from table(process)
        yield from others(process)
    yield ""
    yield "Rates are training steps a second, medians of alternating windows; x is the ratio to PyTorch's eager step in"
    yield "the same rounds; peak is the share of the machine's own product of matrices that the compiled step reaches."


def table(process: dict[str, Any]) -> Iterator[str]:
    """One line for each workload."""
    threads, names = process["threads"], columns(process)
    yield f"{threads} thread{'s' if threads > 1 else ''}, peak {process['peak_gflops']:.0f} GFLOP/s"
    yield f"{'':5}" + "".join(f"{TITLES[name]:>18}" for name in names) + f"{'peak':>7}  network"
    for w in process["workloads"]:
        cells = "".join(f"{cell(w['columns'].get(name)):>18}" for name in names)
        reached = w["columns"].get("compiled", {}).get("roofline")
        share = f"{reached:6.0%}" if reached is not None and w["gflop"] > 1e-4 else " " * 6
        many = f" ({w['steps_a_call']} steps a call)" if w["steps_a_call"] > 1 and "compiled" in w["columns"] else ""
        yield f"{w['name']:5}{cells}{share:>7}  {w['words']}{many}"


def columns(process: dict[str, Any]) -> list[str]:
    """The contenders that took part in anything."""
    return [name for name in TITLES if any(name in w["columns"] for w in process["workloads"])]


def cell(column: dict[str, Any] | None) -> str:
    """Rate and ratio of one contender."""
    if column is None:
        return "-"
    rate = f"{column['median']:,.1f}" if column["median"] < 1000 else f"{column['median']:,.0f}"
    if "ratio" not in column:
        return rate
    ratio = column["ratio"]
    return f"{rate} {ratio:.2f}x" if ratio < 100 else f"{rate} {ratio:.0f}x"


def others(process: dict[str, Any]) -> Iterator[str]:
    """Random networks, edits, memory, disagreements, and who was absent."""
    for name, mean in process["random"].items():
        yield (
            f"random networks, {TITLES[name]}: geometric mean {mean['mean']:.2f}x, worst {mean['worst']:.2f}x "
            f"({mean['worst_network']}), {mean['networks']} networks"
        )
    if "edit" in process:
        e = process["edit"]
        yield (
            f"edit to first compiled step: {e['compile']:.1f} ms, the fastest {e['compile_best']:.1f} ms,"
            f" with model and optimiser {e['whole']:.1f} ms;"
            f" among the first ten edits {e['first']:.1f} ms; back to one that was there: {e['back']:.1f} ms"
            f"{'' if e['native'] else ' (not native code)'}"
        )
    for name, room in process.get("room", {}).items():
        cells = ", ".join(f"{TITLES[c]} {r['peak']:.0f}" for c, r in room.items() if r)
        yield f"memory of {name}, MB above a warm process at the peak: {cells}"
    for w in process["workloads"]:
        for name, column in w["columns"].items():
            if column.get("tier", "native") not in NATIVE:
                yield f"{w['name']}: {TITLES[name]} ran on {column['tier']}, not as native code"
            if column.get("disagreement", 0) > TOLERANCE:
                yield f"{w['name']}: the losses of {TITLES[name]} differ by {column['disagreement']:.1e}"
    yield from sorted({f"{name}: {why}" for w in process["workloads"] for name, why in w["absent"].items()})


def markdown(found: dict[str, Any]) -> str:
    """The tables as they stand in docs/performance.md."""
    return "\n".join(line for process in found["processes"] for line in _markdown(process))


def _markdown(process: dict[str, Any]) -> Iterator[str]:
    names = columns(process)
    yield f"\n{process['threads']} thread{'s' if process['threads'] > 1 else ''}:\n"
    yield "| | network | " + " | ".join(TITLES[name] for name in names) + " | of peak |"
    yield "|---|---|" + "---:|" * (len(names) + 1)
    for w in process["workloads"]:
        cells = " | ".join(cell(w["columns"].get(name)) for name in names)
        reached = w["columns"].get("compiled", {}).get("roofline")
        share = f"{reached:.0%}" if reached is not None and w["gflop"] > 1e-4 else ""
        yield f"| {w['name']} | {w['words']} | {cells} | {share} |"
    yield ""
    yield from (f"- {line}" for line in others(process) if "not written for JAX" not in line)
