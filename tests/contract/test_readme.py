"""What the README shows runs as it stands."""

import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from test_house import answer, free_port

HOUSE = Path(__file__).parents[2]
README = (HOUSE / "README.md").read_text()
BLOCKS = [textwrap.dedent(block) for block in re.findall(r"(?:^    .*\n|^\n(?=    ))+", README, re.MULTILINE)]
PROGRAMS = [block.strip() for block in BLOCKS if re.search(r"^(from|import) ", block, re.MULTILINE)]


def output(program: str) -> str:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=HOUSE, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_readme_has_its_five_programs() -> None:
    assert len(PROGRAMS) == 5


def test_a_compiled_step_learns_and_explains_itself() -> None:
    printed = output(next(p for p in PROGRAMS if "@engine.compile" in p))
    assert printed.startswith("tensor(True)")
    assert "linear" in printed


def test_what_says_torch_can_be_the_engine() -> None:
    program = next(p for p in PROGRAMS if "sys.modules" in p)
    assert output(f"{program}\nimport torch.nn.functional as F; print(F.relu is engine.nn.functional.relu)") == "True\n"


def test_training_without_a_server_ends_with_a_finished_run() -> None:
    lines = output(next(p for p in PROGRAMS if "engine.train" in p)).splitlines()
    assert "finished" in lines[-1]


def test_the_numbers_beside_the_gradient_are_the_ones_it_prints() -> None:
    program = next(p for p in PROGRAMS if "requires_grad" in p)
    shown = re.findall(r"\d+\.\d+", program.rpartition("#")[2])
    printed = re.findall(r"\d+\.\d+", output(program))
    assert [float(p) for p in printed] == pytest.approx([float(s) for s in shown], rel=1e-4)


def test_the_client_of_the_readme_reads_a_run_from_a_server(tmp_path: Path) -> None:
    port = free_port()
    environment = {**os.environ, "PLAYGROUND_STORE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "backend.cli", "--no-browser", "--port", str(port)]
    server = subprocess.Popen(command, cwd=HOUSE, env=environment, stdout=subprocess.DEVNULL)
    try:
        answer(f"http://127.0.0.1:{port}/api/v1/health", 30)
        lines = output(next(p for p in PROGRAMS if "Playground(" in p).replace("8000", str(port))).splitlines()
    finally:
        server.terminate()
        server.wait(20)
    assert float(lines[-1].split()[0]) == 100.0
    assert float(lines[-1].split()[1]) < 0.1
