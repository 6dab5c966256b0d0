"""Programs written for PyTorch run unchanged on the engine and print the same.

Every script says `import torch` and draws its first values from NumPy. All chosen ones run in one process under PyTorch
and in one under the engine, side by side; then their texts are compared: words exactly, numbers nearly. Without PyTorch
a program must still run to its end and print numbers.
"""

import importlib.util
import json
import math
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).parent
DIGITS = HERE.parents[1] / "engine" / "data" / "mnist_subset"
PROGRAMS = sorted(path.stem for path in (HERE / "scripts").glob("*.py"))
LIBRARY_NAMES = ((re.compile(r"\bengine\."), "torch."), (re.compile(r"grad_fn=<\w+>"), "grad_fn=<...>"))
"""`engine.float32` is `torch.float32`; a composition may end in another primitive operation than PyTorch's."""
NUMBER = re.compile(r"(?<![\w.])([-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?|[-+]?nan|[-+]?inf)(?!\w)")
TOLERANCE = {"relative": 2e-3, "absolute": 3e-4}

Told = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def told(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Told]:
    """What each chosen program says, by library."""
    chosen = [
        item.callspec.params["name"] for item in request.session.items if "told" in getattr(item, "fixturenames", ())
    ]
    folder = tmp_path_factory.mktemp("programs")
    shutil.copytree(DIGITS, folder / "data" / "MNIST" / "raw")
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    processes = {}
    for library in ("engine", "torch"):
        if library == "engine" or importlib.util.find_spec("torch"):
            call = [sys.executable, str(HERE / "play.py"), library, str(folder / library), *dict.fromkeys(chosen)]
            processes[library] = subprocess.Popen(call, env=environment, cwd=folder)
    for library, process in processes.items():
        assert process.wait(timeout=600) == 0, f"the process of {library} fell"
    return {library: json.loads((folder / library).read_text()) for library in processes}


def pieces(text: str) -> tuple[list[str], list[str]]:
    """The words between the numbers, and the numbers."""
    for pattern, replacement in LIBRARY_NAMES:
        text = pattern.sub(replacement, text)
    parts = NUMBER.split(text)
    return [" ".join(words.split()) for words in parts[::2]], parts[1::2]


def near(a: str, b: str) -> bool:
    """Whether two written numbers agree: whole ones exactly."""
    if a == b or not any(mark in a + b for mark in ".en"):
        return a == b
    x, y = float(a), float(b)
    return (math.isnan(x) and math.isnan(y)) or math.isclose(
        x, y, rel_tol=TOLERANCE["relative"], abs_tol=TOLERANCE["absolute"]
    )


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_for_torch_runs_unchanged_on_the_engine_and_prints_the_same(name: str, told: dict[str, Told]) -> None:
    ours = told["engine"][name]
    assert ours["fell"] is None, ours["fell"]
    words, numbers = pieces(ours["text"])
    assert numbers
    assert not any(math.isnan(float(n)) for n in numbers)
    if "torch" not in told:
        pytest.skip("torch is not installed: the program ran on the engine, but nothing says what it should print")
    theirs = told["torch"][name]
    if theirs["fell"] and "No module named 'torchvision'" in theirs["fell"]:
        pytest.skip("torchvision is not installed: the program ran on the engine alone")
    assert theirs["fell"] is None, theirs["fell"]
    expected_words, expected_numbers = pieces(theirs["text"])
    assert words == expected_words, difference(ours["text"], theirs["text"])
    wrong = [(a, b) for a, b in zip(numbers, expected_numbers, strict=True) if not near(a, b)]
    assert not wrong, f"{wrong}\n{difference(ours['text'], theirs['text'])}"


def difference(ours: str, theirs: str) -> str:
    """Both texts, line by line where they differ."""
    lines = zip(ours.splitlines(), theirs.splitlines(), strict=False)
    return "\n".join(f"engine: {a}\ntorch:  {b}" for a, b in lines if a != b)
