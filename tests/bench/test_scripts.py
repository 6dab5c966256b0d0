"""The measurements that nobody runs in a test still load, and the profile of a step tells its rows."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SCRIPTS = sorted(path.name for path in HERE.glob("*.py") if not path.name.startswith("test_"))


def ran(*arguments: str) -> str:
    """What a Python program prints that finds this project and its tests' own modules."""
    places = os.pathsep.join(map(str, (HERE.parents[1], HERE, HERE.parent / "backend")))
    found = subprocess.run(
        [sys.executable, *arguments], env={**os.environ, "PYTHONPATH": places}, capture_output=True, text=True
    )
    assert not found.returncode, found.stderr
    return found.stdout


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_measurement_loads(name: str) -> None:
    if "import torch" in (HERE / name).read_text():
        pytest.importorskip("torch", reason="PyTorch is the oracle: pip install '.[oracle]'")
    ran("-c", f"import runpy; runpy.run_path({str(HERE / name)!r}, run_name='loaded')")


def test_the_profile_of_a_step_tells_its_rows() -> None:
    pytest.importorskip("llvmlite")
    told = ran(str(HERE / "profile_step.py"), "W1", "--all")
    assert "rows one by one" in told
    assert "Contraction" in told
