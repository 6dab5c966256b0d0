"""The hook that builds the page while the distribution is installed: what goes wrong is said in one sentence."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

import hatch_build as hook


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Any:
    """Runs a command of the hook, with Python in Node's place."""
    monkeypatch.setattr(hook, "node_and_npm", lambda: (Path(sys.executable), Path("npm")))
    builder = hook.FrontendHook(str(tmp_path), {}, None, None, str(tmp_path), "wheel")
    return lambda code: builder._run(tmp_path, "-c", code)


def test_a_command_that_does_not_end_is_given_up_and_says_what_to_look_at(run: Any, monkeypatch: Any) -> None:
    monkeypatch.setattr(hook, "PATIENCE_SECONDS", 0.5)
    with pytest.raises(RuntimeError, match=r"did not end within .* NODE_EXTRA_CA_CERTS"):
        run("import time; time.sleep(60)")


def test_a_command_that_fails_shows_what_it_said(run: Any, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(RuntimeError, match="ended with 3"):
        run("import sys; print('no such package'); sys.exit(3)")
    assert "no such package" in capsys.readouterr().err
    run("print('fine')")
