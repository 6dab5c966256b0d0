"""Every public name explains itself with an example that runs; the manual's pages and examples are true."""

import doctest
import importlib.util
import inspect
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engine
from engine.ops import OPS
from engine.reference import ROOMS, Entry, entries, main

MANUAL = Path(__file__).parents[2] / "docs/manual"
PUBLIC = {entry.path: entry for path in ROOMS for entry in entries(path)}
DISTINCT = {id(e.thing): e for e in reversed(PUBLIC.values()) if not isinstance(e.thing, property)}.values()
TOLD = [e for e in DISTINCT if not (e.text.startswith("In place: ") and e.path.endswith("_"))]
"""Every name that has a text of its own: forms in place repeat the text of the other form."""
NAMES = {"engine": engine, "nn": engine.nn, "F": engine.nn.functional, "optim": engine.optim, "np": np}


def run_examples(text: str, name: str) -> int:
    """Run the examples in a text; returns how many there were."""
    test = doctest.DocTestParser().get_doctest(text, dict(NAMES), name, name, 0)
    said: list[str] = []
    engine.manual_seed(0)
    oracle = {path: module for path, module in sys.modules.items() if path.partition(".")[0] == "torch"}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE)
    try:
        result = runner.run(test, out=said.append)
    finally:  # an example may put the engine in PyTorch's place
        for path in [path for path in sys.modules if path.partition(".")[0] == "torch"]:
            del sys.modules[path]
        sys.modules.update(oracle)
        engine.set_printoptions(profile="default")
        engine.set_default_dtype(engine.float32)
    assert not result.failed, "\n" + "".join(said)
    return result.attempted


@pytest.mark.parametrize("entry", [pytest.param(e, id=e.path) for e in TOLD])
def test_a_public_name_explains_itself_with_an_example_that_runs(entry: Entry) -> None:
    assert entry.text, f"{entry.path} has no docstring"
    assert entry.text.partition("\n")[0].strip()[-1] in ".:", f"{entry.path}: the first line is a sentence"
    found = run_examples(entry.text, entry.path)
    if inspect.isclass(entry.thing) and issubclass(entry.thing, BaseException):
        return
    assert found, f"{entry.path} has no example"


def test_no_name_of_pytorchs_is_hidden_for_want_of_an_example() -> None:
    op_db = pytest.importorskip("oracle").op_db
    shown = {e.path.rpartition(".")[2] for e in PUBLIC.values()}
    assert not [op.name for op in op_db if op.name in OPS and op.name not in shown]


def programs(text: str) -> list[str]:
    """The Python fences of a page."""
    return [part.partition("```")[0] for part in text.split("```python\n")[1:]]


@pytest.mark.parametrize("file", sorted(MANUAL.glob("*.md")), ids=lambda p: p.name)
def test_the_examples_of_a_page_run_in_order(file: Path) -> None:
    run_examples("\n".join(programs(file.read_text())), file.name)


def test_the_reference_says_what_the_code_says() -> None:
    assert main([str(MANUAL / "reference"), "--check"]) == 0


@pytest.mark.parametrize("path", ROOMS)
def test_every_room_of_the_reference_exists_and_has_entries(path: str) -> None:
    known: Any = path == "engine.Tensor" or importlib.util.find_spec(path)
    assert known
    assert any(entry.path.startswith(path) for entry in PUBLIC.values())
