"""What the compiled tier did with a step, in words and as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from engine.compiler.graph.ir import Node, Python
from engine.compiler.graph.replay import alive

if TYPE_CHECKING:
    from engine.compiler.step import Step
    from engine.compiler.variant import Variant


@dataclass
class Row:
    """One record of a table: where it runs, what it is, and the calls of the program that it computes."""

    where: str
    what: str
    why: str = ""
    calls: tuple[tuple[int, str, str, bool], ...] = ()
    """(number of the call, op, line of the program, whether it belongs to the backward pass)."""


@dataclass
class Page:
    """One program of a step: its tier, why it is no better, its rows."""

    title: str
    tier: str
    reasons: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)


@dataclass
class Report:
    """All programs of a step. `str()` is a page to read."""

    name: str
    pages: list[Page]
    notes: list[str]

    def __str__(self) -> str:
        lines = [f"{self.name}: {len(self.pages)} program(s)"]
        for page in self.pages:
            lines.append(f"\n{page.title}: {page.tier}")
            lines += [f"    because {reason}" for reason in page.reasons]
            lines += [_line(i, row) for i, row in enumerate(page.rows)]
        return "\n".join(lines + [f"note: {note}" for note in self.notes])

    __repr__ = __str__


def _line(number: int, row: Row) -> str:
    calls = ", ".join(
        dict.fromkeys(f"{op}{' (backward)' if back else ''} {line}".strip() for _, op, line, back in row.calls)
    )
    return f"  {number:4d}  {row.where:6s}  {row.what:14s}  {calls[:160]}{'  -- ' + row.why if row.why else ''}"


def report(step: Step) -> Report:
    """What is known of a step."""
    pages = [_page(key, variant) for key, found in step.variants.items() for variant in found]
    return Report(step.__name__, pages, [str(note) for note in dict.fromkeys(step.notes)])


def _page(key: Any, variant: Variant) -> Page:
    page = Page(_title(key), variant.tier, [str(reason) for reason in variant.reasons])
    if variant.bound is None and not variant.reasons:
        page.reasons.append("it was not yet seen twice")
    if variant.bound is not None:
        page.rows = rows(variant)
    return page


def _title(key: Any) -> str:
    shapes: list[str] = []

    def walk(part: Any) -> None:
        if isinstance(part, tuple) and len(part) == 3 and isinstance(part[2], bool) and hasattr(part[1], "itemsize"):
            shapes.append(f"{part[1]}{list(part[0])}")
        elif isinstance(part, tuple):
            for inner in part:
                walk(inner)

    walk(key)
    return "arguments " + (", ".join(shapes) or "none")


def rows(variant: Variant) -> list[Row]:
    """The records of a program, in the order in which they run."""
    bound = variant.current()
    graph = bound.program.graph
    native = bound.runner.tier == "native"
    found = map(_record, bound.runner.plan.rows) if native else map(_node, alive(graph))
    return [*found, *(Row("python", "call", str(function)) for function, _ in graph.effects)]


def _record(row: Any) -> Row:
    calls = tuple(dict.fromkeys(_call(node) for node in row.nodes))
    if hasattr(row, "work"):
        return Row("native", type(row.work).__name__.lower(), "", calls)
    python = [n.attrs["op"].name for n in row.nodes if isinstance(n, Node) and n.kind is Python]
    why = f"{', '.join(python)} has no rule here" if python else row.note or "native code does not do this"
    return Row("python", "call", why, calls)


def _node(node: Node) -> Row:
    return Row("numpy", node.kind.name, "", (_call(node),))


def _call(node: Any) -> tuple[int, str, str, bool]:
    origin = node.origin
    return origin.call, origin.op, origin.line, origin.backward
