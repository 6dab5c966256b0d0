"""The manners of the house that a machine can see: names, sizes, leaks, what an import needs, what a wheel carries."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
SOURCE = (".py", ".ts", ".svelte")
TOP = {"backend", "frontend", "engine", "tests", "docs"}
VAGUE = re.compile(r"^(utils?|common|helpers?|managers?|misc)$")
# PyTorch's own public paths, kept so that its programs run
PYTORCHS = ("engine/utils", "engine/nn/utils", "engine/vision/utils")

# Files longer than 400 lines, and how long they may be: the list may only shrink.
LONG: dict[str, int] = {}


def tracked() -> list[Path]:
    listing = subprocess.run(["git", "ls-files"], cwd=HOUSE, capture_output=True, text=True, check=False).stdout
    if not listing:
        pytest.skip("not a git checkout: the tracked files cannot be listed")
    return [HOUSE / name for name in listing.splitlines() if (HOUSE / name).is_file()]


def test_no_file_or_folder_has_a_vague_name() -> None:
    names = [p.relative_to(HOUSE).as_posix() for p in tracked()]
    ours = [name for name in names if not name.startswith(PYTORCHS)]
    assert not [name for name in ours if any(VAGUE.match(part.split(".")[0]) for part in name.split("/"))]


def test_files_stay_under_400_lines() -> None:
    long = {}
    for path in tracked():
        name = path.relative_to(HOUSE).as_posix()
        if path.suffix in SOURCE and ".gen." not in name:
            lines = len(path.read_text().splitlines())
            if lines > LONG.get(name, 400):
                long[name] = lines
    assert not long


def test_typescript_lives_in_the_frontend_alone() -> None:
    strays = [
        p for p in tracked() if p.suffix in {".ts", ".svelte", ".js"} and "frontend" not in p.relative_to(HOUSE).parts
    ]
    assert not strays


def test_the_top_level_is_as_it_was_agreed() -> None:
    folders = {p.relative_to(HOUSE).parts[0] for p in tracked() if len(p.relative_to(HOUSE).parts) > 1}
    assert folders - {".ci"} <= TOP


def test_no_machine_path_and_no_registry_address_is_in_the_tree() -> None:
    leak = re.compile(r"/(?:work|root|farm)/|/home/\w+/|\"resolved\": *\"http|registry\.npmjs|files\.pythonhosted")
    found = []
    for path in tracked():
        if path == Path(__file__) or path.suffix in {".gz", ".bin", ".png", ".woff2", ".safetensors"}:
            continue
        found += [f"{path.relative_to(HOUSE)}: {m.group()}" for m in leak.finditer(path.read_text(errors="replace"))]
    assert not found


BLOCKED = """
import sys
class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"pydantic", "llvmlite", "cupy", "scipy", "safetensors", "torch"}:
            raise ImportError(name + " is blocked")
sys.meta_path.insert(0, Blocker())
import engine
model = engine.nn.Sequential(engine.nn.Linear(2, 3), engine.nn.Tanh())
model(engine.zeros(4, 2)).sum().backward()
print(model[0].weight.grad.shape)
"""


def test_the_engine_runs_with_numpy_alone() -> None:
    done = subprocess.run([sys.executable, "-c", BLOCKED], capture_output=True, text=True, cwd=HOUSE, check=False)
    assert done.returncode == 0, done.stderr
    assert "3, 2" in done.stdout


def test_ruff_finds_nothing() -> None:
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, "engine", "backend", "tests", "hatch_build.py"],
            capture_output=True, text=True, cwd=HOUSE, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


def test_mypy_finds_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=HOUSE,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


def answer(url: str, seconds: float) -> bytes:
    end = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5) as response:
                return bytes(response.read())
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def test_a_built_wheel_serves_the_page_from_elsewhere(tmp_path: Path) -> None:
    """The wheel alone, unpacked away from the checkout, answers with the page and its API."""
    wheels, site, elsewhere = tmp_path / "wheels", tmp_path / "site", tmp_path / "elsewhere"
    elsewhere.mkdir()
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "-w", str(wheels), str(HOUSE)], check=True)
    subprocess.run([*pip, "install", "--no-deps", "--target", str(site), str(next(wheels.glob("*.whl")))], check=True)
    port = free_port()
    environment = {**os.environ, "PYTHONPATH": str(site), "PLAYGROUND_STORE_DIR": str(tmp_path / "store")}
    command = [sys.executable, "-m", "backend.cli", "--no-browser", "--port", str(port)]
    server = subprocess.Popen(command, cwd=elsewhere, env=environment, stdout=subprocess.DEVNULL)
    try:
        assert b"<script" in answer(f"http://127.0.0.1:{port}/", 30)
        assert b'"status"' in answer(f"http://127.0.0.1:{port}/api/v1/health", 10)
    finally:
        server.terminate()
        server.wait(20)
