"""The command line: what it says, and that it never says a stack trace."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from served import ENDLESS, HOUSE, PATIENCE, Served, until
from viewer import Viewer

Serve = Callable[..., Served]


def playground(*arguments: str, store: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    settings = {"PLAYGROUND_STORE_DIR": str(store), "PLAYGROUND_DATA_DIR": str(store / "none"), **environment}
    return subprocess.run(
        [sys.executable, "-m", "backend.cli", *arguments],
        cwd=HOUSE,
        env={**os.environ, **settings},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything_without_a_word_of_python(serve: Serve, number: int) -> None:
    server = serve()
    runs = [server.start(ENDLESS) for _ in range(3)]
    with Viewer(server.api) as viewer, Viewer(server.api, paints=False) as other:
        for page in (viewer, other):
            page.watch(runs[0], "progress", "decision?size=100")
            page.frame("progress")
        server.signal(number)
        assert viewer.closed() == 1012
        assert server.process.wait(PATIENCE) == 0
    server.let_go()
    assert server.complained == []
    assert "Traceback" not in "".join(server.said)
    assert server.hosts() == []


def test_two_signals_in_a_row_end_it_as_quietly(serve: Serve) -> None:
    server = serve()
    server.start(ENDLESS)
    server.signal(signal.SIGINT)
    server.signal(signal.SIGINT)
    server.process.wait(PATIENCE)
    server.let_go()
    assert server.complained == []
    until(lambda: not server.hosts(), "the end of the hosts")


@pytest.mark.parametrize(
    ("module", "number"),
    [
        ("argparse", signal.SIGINT), ("uvicorn", signal.SIGINT), ("uvicorn.protocols", signal.SIGINT),
        ("numpy", signal.SIGINT), ("numpy", signal.SIGTERM),
    ],
)  # fmt: skip
def test_a_signal_during_the_start_ends_it_as_quietly(tmp_path: Path, module: str, number: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-X", "importtime", "-m", "backend.cli", "--no-browser", "--port", "0"],
        cwd=HOUSE,
        env={**os.environ, "PLAYGROUND_STORE_DIR": str(tmp_path / "store")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    imported = (line.rpartition("|")[2].strip() for line in process.stderr)
    assert module in imported  # Python tells of each module: the start has come so far, however slow the machine is
    process.send_signal(number)
    _, complained = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in complained
    assert "KeyboardInterrupt" not in complained
    assert process.returncode != 0


def test_the_address_is_printed_plainly(serve: Serve) -> None:
    server = serve()
    assert any(re.search(r"http://127\.0\.0\.1:\d+ ", line) for line in server.said)


def test_a_taken_port_gives_the_next_one_and_says_so(serve: Serve) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        server = serve("--port", str(port))
        assert f"Port {port} is taken, so this is port {httpx.URL(server.url).port}.\n" in server.said
        assert httpx.URL(server.url).port != port


def test_two_servers_of_one_folder_do_not_disturb_each_other(serve: Serve) -> None:
    one, two = serve(), serve()
    run = one.start(ENDLESS)
    assert two.http.get(f"/api/v1/runs/{run}").status_code == 404
    assert any("kept in" in line for line in two.said)
    two.end()
    assert one.state(run, "running")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--host", "0.0.0.0"], "--allow-remote"),
        (["--host", "192.168.1.5"], "--allow-remote"),
        (["--port", "70000"], "65535"),
        (["--host", "203.0.113.7", "--allow-remote"], "Nobody can listen"),
        (["--data-dir", "pyproject.toml"], "not a folder"),
        (["run", "missing.json"], "missing.json"),
        (["run", "README.md"], "not JSON"),
        (["healthz", "--port", "9"], "No playground answers"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(tmp_path: Path, arguments: list[str], words: str) -> None:
    done = playground("--no-browser", *arguments, store=tmp_path) if arguments[0][0] == "-" else playground(
        *arguments, store=tmp_path
    )  # fmt: skip
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 2


def test_the_version_is_told(tmp_path: Path) -> None:
    done = playground("--version", store=tmp_path)
    assert (done.returncode, done.stdout.split()[0]) == (0, "playground")


def test_health_is_told_by_the_exit_status(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    port = str(httpx.URL(server.url).port)
    assert playground("healthz", "--port", port, store=tmp_path).returncode == 0


def spec_file(folder: Path, **changes: object) -> Path:
    path = folder / "spec.json"
    path.write_text(json.dumps({"data": {"kind": "circle"}, "until": {"epochs": 10}, **changes}))
    return path


def test_a_spec_runs_from_the_shell_with_a_server_of_its_own(tmp_path: Path) -> None:
    weights = tmp_path / "weights.safetensors"
    done = playground("run", str(spec_file(tmp_path)), "--port", "0", "--save", str(weights), store=tmp_path / "store")
    assert done.returncode == 0, done.stderr
    assert "spec: finished at step 250." in done.stdout
    assert "Traceback" not in done.stderr
    assert weights.stat().st_size > 100


def test_a_run_from_the_shell_shows_up_in_an_open_page(serve: Serve, tmp_path: Path) -> None:
    server = serve()
    port = str(httpx.URL(server.url).port)
    with Viewer(server.api) as viewer:
        viewer.next()
        done = playground(
            "run", str(spec_file(tmp_path)), "--port", port, "--name", "by hand", store=tmp_path / "other"
        )
        listed = viewer.until(lambda m: m["kind"] == "listed" and m["record"]["state"] == "finished")
    assert done.returncode == 0, done.stderr
    assert listed["record"]["name"] == "by hand"
    assert "epochs" in done.stderr


def test_a_bad_spec_is_refused_in_words(serve: Serve, tmp_path: Path) -> None:
    path = spec_file(tmp_path, optimizer={"kind": "SGD", "params": {"lr": -3}})
    done = playground("run", str(path), "--port", str(httpx.URL(serve().url).port), store=tmp_path / "other")
    assert done.returncode == 1
    assert "lr" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_read_only_data_folder_is_fine_when_the_store_is_elsewhere(serve: Serve, tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "mnist").mkdir(parents=True)
    data.chmod(0o555)
    server = serve(PLAYGROUND_DATA_DIR=str(data))
    answer = server.http.post("/api/v1/datasets/csv", content="a,b\n1,2\n3,4\n", headers={"content-type": "text/csv"})
    assert answer.status_code == 201
    assert list(data.iterdir()) == [data / "mnist"]
