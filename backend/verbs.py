"""The command line: the same verbs as the page.

playground                     serve the page, and open it
playground run spec.json       train from a shell; a page that is open shows the run, too
playground bench               how fast training is here, beside PyTorch and JAX where they are installed
playground healthz             exit with 0 when a server is well (for containers)
"""

from __future__ import annotations

import argparse
import contextlib
import ipaddress
import json
import os
import sys
import threading
import urllib.request
import webbrowser
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from backend.bench.options import options as bench_options
from backend.claim import claim
from backend.cli import leaving_at_once
from backend.settings import Settings, installed_version


class Plain(Exception):
    """Something to say in one sentence; ends the program with status 1."""


def act(arguments: Sequence[str] | None = None) -> int:
    """Do what the command line says. Returns the exit status."""
    options = parser().parse_args(arguments)
    try:
        same_distribution()
        return int(options.act(options))
    except Plain as plain:
        print(plain, file=sys.stderr)
        return 1


def parser() -> argparse.ArgumentParser:
    """The options."""
    top = argparse.ArgumentParser(prog="playground", description="Watch networks learn, in your browser.")
    top.add_argument("--version", action="version", version=f"playground {installed_version()}")
    address_options(top)
    top.add_argument("--no-browser", action="store_true", help="do not open the browser")
    top.add_argument("--data-dir", type=Path, help="where data sets are looked for (may be read-only)")
    top.add_argument("--allow-remote", action="store_true", help="let other machines use this server")
    top.set_defaults(act=serve)
    verbs = top.add_subparsers(title="verbs", metavar="")
    run = verbs.add_parser("run", help="train a spec from the shell", description="Train a spec, with a progress bar.")
    run.add_argument("spec", type=Path, help="a JSON file: a RunSpec, or a project saved by the page")
    run.add_argument("--name", default="", help="what the run is called")
    run.add_argument("--save", type=Path, metavar="FILE", help="write the weights here at the end (safetensors)")
    run.add_argument("--data-dir", type=Path, default=argparse.SUPPRESS, help="where data sets are looked for")
    address_options(run)
    run.set_defaults(act=train)
    speed = verbs.add_parser("bench", help="measure how fast training is here", description="Measure steps a second.")
    bench_options(speed)
    speed.set_defaults(act=bench)
    health = verbs.add_parser("healthz", help="is a server well?")
    address_options(health)
    health.set_defaults(act=healthz)
    return top


def address_options(to: argparse.ArgumentParser) -> None:
    """`--host` and `--port`, the same everywhere."""
    to.add_argument("--host", default=argparse.SUPPRESS, help="address (default 127.0.0.1)")
    to.add_argument("--port", type=int, default=argparse.SUPPRESS, help="port (default 8000)")


def same_distribution() -> None:
    """The package `engine` must be ours: the name is common, and another one would fail in strange ways."""
    import importlib.util

    spec = importlib.util.find_spec("engine")
    home = Path(__file__).resolve().parents[1]
    found = Path(spec.origin).resolve().parents[1] if spec is not None and spec.origin else None
    if found != home:
        where = f"in {found}" if found else "missing"
        raise Plain(f"The package 'engine' that belongs to this program is {where}; expected it in {home}.")


def settings_of(options: argparse.Namespace) -> Settings:
    """The settings from the command line, the rest from the environment."""
    given = {
        name: getattr(options, name)
        for name in ("host", "port", "data_dir")
        if getattr(options, name, None) is not None
    }
    if getattr(options, "allow_remote", False):
        given["allow_remote"] = True
    try:
        return Settings(**given)
    except ValidationError as error:
        raise Plain("\n".join(_setting(one) for one in error.errors())) from None


def _setting(error: Any) -> str:
    where = ".".join(str(part) for part in error["loc"])
    text = str(error["msg"]).removeprefix("Value error, ")
    return f"--{where.replace('_', '-')}: {text}." if where else f"{text}."


def shown(host: str, port: int) -> str:
    """The address to type."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, host)  # noqa: S104
    with contextlib.suppress(ValueError):
        host = f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    return f"http://{host}:{port}"


# -- serve -------------------------------------------------------------------------------------------------------------


def prepare(settings: Settings) -> Settings:
    """Choose and claim the store."""
    try:
        store = claim(settings.store)
    except OSError as error:
        raise Plain(
            f"Nothing can be written to {settings.store} ({error.strerror or error}). Set PLAYGROUND_STORE_DIR."
        ) from None
    return Settings(**settings.model_dump(exclude={"store_dir"}), store_dir=store)


def bound(settings: Settings) -> Any:
    """A listening socket, on the wanted port or the next free one."""
    with leaving_at_once():
        from backend.server import listen

    try:
        return listen(settings.host, settings.port)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        raise Plain(f"Nobody can listen on {where}: {error.strerror or error}.") from None


def serve(options: argparse.Namespace) -> int:
    """Serve the page until Ctrl-C."""
    wanted = settings_of(options)
    if wanted.data_dir.exists() and not wanted.data_dir.is_dir():
        raise Plain(f"--data-dir {wanted.data_dir} is not a folder.")
    settings = prepare(wanted)
    listener = bound(settings)
    port = listener.getsockname()[1]
    if settings.port not in (0, port):
        print(f"Port {settings.port} is taken, so this is port {port}.", flush=True)
    if settings.store != wanted.data_dir:
        print(f"Runs and uploads are kept in {settings.store}.", flush=True)
    address = shown(settings.host, port)

    def ready() -> None:
        print(f"The playground is at {address} (Ctrl-C ends it).", flush=True)
        if not options.no_browser:
            threading.Thread(target=open_browser, args=(address,), daemon=True).start()

    server = make_server(settings, ready)
    server.run(sockets=[listener])
    if not server.started:
        raise Plain("The server could not start; see the folder 'logs' of its store.")
    return 0


def make_server(settings: Settings, ready: Any) -> Any:
    """A server that calls `ready` as soon as it answers."""
    with leaving_at_once():
        from backend.app import create_app
        from backend.server import Server, configure

    class Announcing(Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            if self.started:
                ready()

    return Announcing(configure(create_app(settings)))


def open_browser(address: str) -> None:
    """Open the page, where there is a browser; say nothing where there is none."""
    with contextlib.suppress(OSError, webbrowser.Error):
        webbrowser.open(address)


def healthz(options: argparse.Namespace) -> int:
    """Ask a server whether it is well."""
    port = getattr(options, "port", None) or int(os.environ.get("PLAYGROUND_PORT", "8000"))
    address = shown(getattr(options, "host", "127.0.0.1"), port)
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=5) as answer:  # noqa: S310  (our own address)
            return 0 if answer.status == 200 else 1
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise Plain(f"No playground answers at {address}: {reason}.") from None


# -- run ---------------------------------------------------------------------------------------------------------------


def train(options: argparse.Namespace) -> int:
    """Train a spec: on the server that runs, else on one of our own."""
    from backend.shell import run_here, run_there

    spec = read_spec(options.spec)
    settings = settings_of(options)
    address = shown(settings.host, settings.port)
    name = options.name or options.spec.stem
    if answers(address):
        return run_there(address, spec, name, options.save)
    settings = prepare(settings)
    listener = bound(settings)
    server = make_server(settings, lambda: None)
    return run_here(server, listener, shown(settings.host, listener.getsockname()[1]), spec, name, options.save)


def read_spec(path: Path) -> dict[str, Any]:
    """The spec in a file, by itself or inside a project."""
    try:
        spec = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise Plain(f"{path}: {error.strerror or error}.") from None
    except (ValueError, RecursionError) as error:
        raise Plain(f"{path} is not JSON: {error}.") from None
    if isinstance(spec, dict) and isinstance(spec.get("spec"), dict):
        spec = spec["spec"]
    if not isinstance(spec, dict):
        raise Plain(f"{path}: expected a RunSpec, which is a JSON object, got {type(spec).__name__}.")
    return {"pace": None, **spec}


def answers(address: str) -> bool:
    """Whether a playground answers here."""
    try:
        with urllib.request.urlopen(f"{address}/api/v1/health", timeout=2) as answer:  # noqa: S310
            return bool(json.load(answer).get("status") == "ok")
    except (OSError, ValueError, AttributeError):
        return False


# -- bench -------------------------------------------------------------------------------------------------------------


def bench(options: argparse.Namespace) -> int:
    """Measure, and print a table."""
    from backend.bench import command

    try:
        return command.act(options)
    except (ValueError, RuntimeError) as error:
        raise Plain(str(error)) from None
