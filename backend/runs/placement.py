"""Where hosts come from: processes of this machine. The gateway listens; they dial back and say who they are."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import json
import os
import secrets
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, Protocol

import psutil  # type: ignore[import-untyped,unused-ignore]

from backend import frames
from backend.runs import link
from backend.runs.store import RunStore, digest
from backend.settings import Settings

SOURCE = Path(__file__).resolve().parents[2]


class Listener(Protocol):
    """Who wants to know what hosts do."""

    def joined(self, host: HostLine, runs: list[dict[str, Any]]) -> list[str]:
        """A host said hello with these runs; the answer names those that are not its own any more."""

    def heard(self, host: HostLine, message: frames.Frame) -> None:
        """A host said something."""

    def lost(self, host: str, why: str) -> None:
        """A host is gone for good."""


class HostLine:
    """The gateway's end of one host's connection."""

    def __init__(self, name: str, pid: int, writer: asyncio.StreamWriter) -> None:
        self.name, self.pid, self.writer = name, pid, writer
        self.heard_at = time.monotonic()
        self.load, self.rss = 0.0, 0
        self.devices: list[dict[str, Any]] = []
        self._sharing = 0

    def share(self, hosts: int) -> None:
        """Tell it, where that is news, among how many hosts the cores are shared."""
        if hosts != self._sharing:
            self._sharing = hosts
            self.send("share", hosts=hosts)

    def send(self, kind: str, **header: Any) -> None:
        """Say something; never waits."""
        if not self.writer.is_closing():
            self.writer.write(link.pack(kind, **header))


class LocalPlacement:
    """Starts hosts, knows them again after a restart of the gateway, and says when one is lost."""

    def __init__(self, settings: Settings, store: RunStore, address: str) -> None:
        self.settings, self.store, self.address = settings, store, address
        self.lines: dict[str, HostLine] = {}
        self.listener: Listener
        self.devices: list[dict[str, Any]] = []
        self._known: dict[str, tuple[str, int]] = {}
        self._children: dict[str, subprocess.Popen[bytes]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._server: asyncio.AbstractServer | None = None
        self._ending = False
        self._arrived = asyncio.Event()

    async def start(self, listener: Listener) -> None:
        """Listen for hosts, old and new."""
        self.listener = listener
        self._known = await self.store.hosts()
        self._server = await link.serve(self.address, self._welcome)
        for name, (_, pid) in list(self._known.items()):
            if not alive(pid):
                self._forget(name, "The host process ended while the server was away.")
        self._go(self._watch_leases())

    def count(self) -> int:
        """Hosts that are there, or may still dial."""
        return len(self._known)

    def knows(self, name: str | None) -> bool:
        """Whether this host is there, or may still dial."""
        return name in self._known

    def _go(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def launch(self) -> str:
        """Start one host process. It will dial."""
        name, token = f"host_{secrets.token_hex(6)}", secrets.token_hex(32)
        logs = self.settings.store / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        order = {
            "host": name,
            "token": token,
            "address": self.address,
            "orphan_seconds": self.settings.orphan_seconds,
            "checkpoint_seconds": self.settings.checkpoint_seconds,
            "log": str(logs / f"{name}.log"),
        }
        loop = asyncio.get_running_loop()
        child = await loop.run_in_executor(None, spawn, order, logs / f"{name}.log")
        self._known[name] = (digest(token), child.pid)
        self._children[name] = child
        await self.store.add_host(name, token, child.pid)
        self._go(self._watch_child(name, child))
        return name

    async def _watch_child(self, name: str, child: subprocess.Popen[bytes]) -> None:
        """Notice at once when a host of ours ends."""
        code = await status_of(child)
        self._children.pop(name, None)
        if name in self._known:
            self._forget(name, ended(code))

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        messages = link.Reader()
        line: HostLine | None = None
        try:
            while data := await reader.read(link.CHUNK):
                for message in messages.feed(data):
                    if line is None:
                        line = self._greet(message, writer)
                        if line is None:
                            return
                    else:
                        line.heard_at = time.monotonic()
                        self._hear(line, message)
        except (OSError, link.LinkError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            if line is not None and self.lines.get(line.name) is line:
                del self.lines[line.name]
                self._go(self._await_return(line))

    def _greet(self, message: frames.Frame, writer: asyncio.StreamWriter) -> HostLine | None:
        """A connection's first message. None when it is not from a host of ours."""
        header = message.header
        name, token = str(header.get("host")), str(header.get("token"))
        known, _ = self._known.get(name, ("", 0))
        proper = header["kind"] == "hello" and header.get("proto") == link.PROTO
        if not proper or not hmac.compare_digest(known, digest(token)) or name in self.lines:
            return None
        line = HostLine(name, int(header["pid"]), writer)
        line.devices = list(header.get("devices", []))
        self.devices = line.devices or self.devices
        self.lines[name] = line
        drop = self.listener.joined(line, list(header.get("runs", [])))
        line.send("welcome", drop=drop)
        self._arrived.set()
        return line

    def _hear(self, line: HostLine, message: frames.Frame) -> None:
        if message.header["kind"] == "heartbeat":
            line.load, line.rss = float(message.header["load"]), int(message.header["rss"])
        self.listener.heard(line, message)

    async def _await_return(self, line: HostLine) -> None:
        """A connection broke: the host is dead, dials again within the lease, or is made to end."""
        end = time.monotonic() + self.settings.lease_seconds
        while not self._ending and line.name in self._known and line.name not in self.lines:
            dead = line.name not in self._children and not alive(line.pid)  # a child's own watcher knows more
            if dead or time.monotonic() > end:
                self._forget(line.name, "The host process ended." if not alive(line.pid) else "The host fell silent.")
                return
            await asyncio.sleep(0.05)

    async def _watch_leases(self) -> None:
        """Every second: a silent host is lost; so is one of an earlier server that does not dial."""
        started = time.monotonic()
        while True:
            await asyncio.sleep(min(1.0, self.settings.lease_seconds / 3))
            now = time.monotonic()
            for line in list(self.lines.values()):
                if now - line.heard_at > self.settings.lease_seconds:
                    self._forget(line.name, f"The host was silent for {self.settings.lease_seconds:g} seconds.")
            for name, (_, pid) in list(self._known.items()):
                away = name not in self.lines and name not in self._children
                if away and (not alive(pid) or now - started > self.settings.lease_seconds):
                    self._forget(name, "The host process did not come back.")

    def _forget(self, name: str, why: str) -> None:
        """A host is gone for good: make sure of it, then say so once."""
        known = self._known.pop(name, None)
        line = self.lines.pop(name, None)
        if known is None:
            return
        if line is not None:
            line.writer.close()
        kill(known[1])
        self.store.remove_host(name)
        if not self._ending:
            self.listener.lost(name, why)

    async def arrival(self, seconds: float) -> None:
        """Wait until a host has come, at most so long."""
        self._arrived.clear()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._arrived.wait(), seconds)

    async def stop(self, seconds: float) -> None:
        """Every host saves its runs and ends; who does not in time is killed."""
        self._ending = True
        for line in self.lines.values():
            line.send("shutdown")
        for name in self._known.keys() - self.lines.keys():  # still starting, or of an earlier server
            terminate(self._known[name][1])
        pids = {name: pid for name, (_, pid) in self._known.items()}
        end = time.monotonic() + seconds
        while time.monotonic() < end and any(alive(pid) for pid in pids.values()):
            await asyncio.sleep(0.02)
        for name, pid in pids.items():
            kill(pid)
            self.store.remove_host(name)
        if self._server is not None:
            self._server.close()
        for task in list(self._tasks):
            task.cancel()
        if self.address.startswith("unix:"):
            Path(self.address.removeprefix("unix:")).unlink(missing_ok=True)


def spawn(order: dict[str, Any], log: Path) -> subprocess.Popen[bytes]:
    """A host process in a session of its own, so that Ctrl-C reaches the gateway alone."""
    own = dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    path = os.pathsep.join([str(SOURCE), *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = {**os.environ, **own, "PYTHONPATH": path, "PYTHONUNBUFFERED": "1"}
    with log.open("ab") as output:
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "backend.runs.host"],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            env=environment,
            start_new_session=True,
            cwd=log.parent,
        )
    if child.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            child.stdin.write(json.dumps(order).encode() + b"\n")
            child.stdin.close()
    return child


async def status_of(child: subprocess.Popen[bytes]) -> int:
    """The exit status of a child, when it has ended. A thread of its own waits, so that no pool fills up."""
    loop = asyncio.get_running_loop()
    found: asyncio.Future[int] = loop.create_future()

    def tell(code: int) -> None:
        if not found.done():
            found.set_result(code)

    def wait() -> None:
        code = child.wait()
        with contextlib.suppress(RuntimeError):  # the loop has ended before the child
            loop.call_soon_threadsafe(tell, code)

    threading.Thread(target=wait, name="child", daemon=True).start()
    return await found


def ended(code: int) -> str:
    """Why a process ended, in words."""
    if code < 0:
        words = {9: "killed, perhaps because memory ran out", 11: "a crash in native code", 15: "asked to end"}
        return f"The host process ended by signal {-code} ({words.get(-code, 'a signal')})."
    return f"The host process ended with status {code}."


def alive(pid: int) -> bool:
    """Whether this process lives (a zombie does not)."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.Error:
        return False


def terminate(pid: int) -> None:
    """Ask a host to save its runs and end."""
    with contextlib.suppress(psutil.Error):
        host_process(pid).terminate()


def kill(pid: int) -> None:
    """End a host that is lost: what it still computed would be refused anyhow."""
    with contextlib.suppress(psutil.Error):
        host_process(pid).kill()


def host_process(pid: int) -> psutil.Process:
    """The process of a host.

    Raises:
        psutil.Error: when there is none, also where the number now belongs to another program.
    """
    process = psutil.Process(pid)
    if "backend.runs.host" not in process.cmdline():
        raise psutil.NoSuchProcess(pid)
    return process
