"""The engine stays small enough to be read: its size, no knot of imports, and what adding an operation takes."""

import ast
import io
import shutil
import subprocess
import sys
import tokenize
from pathlib import Path

import pytest
from test_floors import IMPORTS

HOUSE = Path(__file__).parents[2]
ENGINE = HOUSE / "engine"
# Families of declarations: operations, layers, losses, optimisers, schedules, data sources, probes, presets. A reader
# looks one of them up; the machinery is what is read.
TABLES = ("ops/", "nn/", "optim/", "data/", "vision/", "probes/", "special.py", "linalg.py")
MACHINERY = (
    "ops/op.py", "ops/__init__.py", "nn/module.py", "nn/settings.py", "nn/state.py", "nn/parameter.py",
    "nn/container.py",
    "optim/optimizer.py", "data/dataset.py", "data/loader.py", "data/source.py", "probes/probe.py",
)  # fmt: skip


def lines_of_code(path: Path) -> int:
    """Lines that hold code: blank lines, comments and docstrings are not counted."""
    text = path.read_text()
    told = set()
    for node in ast.walk(ast.parse(text)):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            told |= set(range(body[0].lineno, (body[0].end_lineno or 0) + 1))
    silent = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
    code = set()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in silent:
            code |= set(range(token.start[0], token.end[0] + 1))
    return len(code - told)


def is_table(path: Path) -> bool:
    name = path.relative_to(ENGINE).as_posix()
    return name.startswith(TABLES) and name not in MACHINERY


COMPILER = ("compiler/",)  # the second tier, a room that is read by itself
PLAYGROUND = ("spec/", "train/", "exchange/")  # what people draw and what a run does: the playground's own rooms


def test_the_engine_without_its_tables_stays_under_9000_lines(capsys: pytest.CaptureFixture[str]) -> None:
    sizes = {path: lines_of_code(path) for path in ENGINE.rglob("*.py")}
    tables = sum(n for path, n in sizes.items() if is_table(path))
    rooms = sum(n for path, n in sizes.items() if path.relative_to(ENGINE).as_posix().startswith(PLAYGROUND))
    compiler = sum(n for path, n in sizes.items() if path.relative_to(ENGINE).as_posix().startswith(COMPILER))
    machinery = sum(sizes.values()) - tables - rooms - compiler
    with capsys.disabled():
        print(f"\nengine: {machinery} lines of machinery, {tables} of tables, {compiler} of the compiler;")
        print(f"{rooms} of the playground's rooms")
    assert machinery < 9000
    assert rooms < 3100
    assert compiler < 16150


def test_no_import_of_the_engine_leads_back_to_itself() -> None:
    modules = {module for module, _ in IMPORTS if module.startswith("engine")}
    graph: dict[str, set[str]] = {module: set() for module in modules}
    for module, name in IMPORTS:
        if module in modules:
            target = name if name in modules else name.rpartition(".")[0]
            if target in modules and target != module:
                graph[module].add(target)
    done: set[str] = set()
    while ready := [m for m in graph if m not in done and graph[m] <= done]:
        done |= set(ready)
    assert not set(graph) - done, "these modules import each other in a ring, or stand above one that does"


NEW_OP = '''

class Softcube(Elementwise):
    """x cubed over 1 + x squared.

    >>> engine.softcube(engine.tensor([1.0]))
    tensor([0.5000])
    """

    latex, promotion, cases = r"\\\\frac{{{0}^3}}{{1 + {0}^2}}", "float", ONE
    forward = lambda xp, x: x * x * x / (1 + x * x)
    vjp = lambda g, _, x: (g * x * x * (x * x + 3) / (x * x + 1).square(),)
'''
USES = """
import engine, numpy as np
from engine.ops import OPS
from engine.tensor import abstract
from engine.reference import entries
x = engine.tensor([1.0, -2.0], dtype=engine.float64, requires_grad=True)
assert np.allclose(engine.softcube(x).tolist(), [0.5, -1.6]) and engine.softcube(input=x).equal(x.softcube())
assert engine.autograd.gradcheck(engine.softcube, x) and engine.autograd.gradgradcheck(engine.softcube, x)
assert abstract((7,)).softcube().shape == (7,)
assert engine.ones(2).softcube_().tolist() == [0.5, 0.5]
assert "softcube" in OPS and "engine.softcube" in {e.path for e in entries("engine")}
"""


def test_adding_an_operation_touches_its_family_and_a_test(tmp_path: Path) -> None:
    """One class in a family's file: function, method, in-place form, gradients, shapes, reference and laws follow."""
    shutil.copytree(ENGINE, tmp_path / "engine", ignore=shutil.ignore_patterns("__pycache__"))
    family = tmp_path / "engine/ops/function.py"
    family.write_text(family.read_text() + NEW_OP)
    used = subprocess.run([sys.executable, "-c", USES], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert used.returncode == 0, used.stderr
    laws = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "-p", "no:cacheprovider", "-k", "softcube"]
    for name in ("test_laws.py", "samples.py"):
        shutil.copy(HOUSE / "tests/engine" / name, tmp_path)
    held = subprocess.run([*laws, "test_laws.py"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert held.returncode == 0, held.stdout
    assert int(held.stdout.split(" passed")[0].split()[-1]) >= 8
