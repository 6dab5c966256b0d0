"""A host: a process that computes runs. Started by the gateway, it dials back and shares itself among its runs.

It outlives the gateway: when the connection is lost it goes on training, dials again ten times a second, and ends after
`orphan_seconds`. SIGINT and SIGTERM end it after a checkpoint of every run.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import socket
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from types import FrameType
from typing import Any

import psutil  # type: ignore[import-untyped,unused-ignore]

from backend import frames
from backend.runs.link import PROTO, HostLink, pack
from backend.runs.resident import Resident, describe
from engine.array import cuda_count
from engine.compiler.machine.cores import cores, set_cores
from engine.spec import RunSpec
from engine.train import Run

log = logging.getLogger("playground.host")
SLICE = 0.010  # seconds of training between two looks at the link
REDIAL = 0.1
BEAT = 1.0


class Host:
    """The loop: look at the link, give every run that is due a slice, show pictures, look again."""

    def __init__(self, order: dict[str, Any]) -> None:
        self.id, self.token = str(order["host"]), str(order["token"])
        self.orphan_seconds, self.every = float(order["orphan_seconds"]), float(order["checkpoint_seconds"])
        self.link = HostLink(str(order["address"]))
        self.runs: dict[str, Resident] = {}
        self.saver = ThreadPoolExecutor(1, "saver")
        self.stopping = threading.Event()
        self._lost_at, self._dial_at = time.monotonic(), 0.0
        self._busy, self._load = 0.0, 0.0
        self._wake, self._bell = socket.socketpair()
        for end in (self._wake, self._bell):
            end.setblocking(False)

    def serve(self) -> None:
        """Train until told to stop."""
        threading.Thread(target=self._beat, name="heartbeat", daemon=True).start()
        self._keep_connected()
        warm_up()
        while not self.stopping.is_set():
            self._keep_connected()
            self._rest()
            for resident in list(self.runs.values()):
                self._slice(resident)
                if self.stopping.is_set():
                    break
        self._end()

    def _slice(self, resident: Resident) -> None:
        if self.runs.get(resident.id) is not resident or resident.wait() > 0:
            return  # it may have been closed since this round began
        began = time.thread_time()
        try:
            resident.advance(SLICE)
            resident.show(self.link.waiting)
        except Exception as error:
            resident.fail(error)
        self._busy += time.thread_time() - began
        self._look(0)

    def _rest(self) -> None:
        """Wait until something is to be done; what is not needed for training may be spent on pictures."""
        idle = self._idle()
        began = time.monotonic()
        self._look(idle)
        if idle > 0 and self.runs:
            rested = min(idle, time.monotonic() - began) / len(self.runs)
            for resident in self.runs.values():
                resident.budget.earn(idle=rested)

    def _idle(self) -> float:
        """Seconds until something is to be done here."""
        longest = REDIAL if not self.link.up else 1.0
        return max(0.0, min([longest, *(resident.wait() for resident in self.runs.values())]))

    # -- the link ------------------------------------------------------------------------------------------------------

    def _keep_connected(self) -> None:
        if self.link.up:
            self._lost_at = time.monotonic()
            return
        now = time.monotonic()
        if now < self._dial_at:
            return
        self._dial_at = now + REDIAL
        for resident in self.runs.values():
            resident.forget_shown()
        if not self.link.connect(self._hello()) and now - self._lost_at > self.orphan_seconds:
            log.warning("nobody answered for %.0f s: saving and ending", self.orphan_seconds)
            self.stopping.set()

    def _hello(self) -> dict[str, Any]:
        runs = [{"run": r.id, "attempt": r.attempt, "step": r.step, "seq": r.facts.seq} for r in self.runs.values()]
        about = {"host": self.id, "token": self.token, "pid": os.getpid(), "proto": PROTO}
        return {**about, "runs": runs, "devices": devices()}

    def _look(self, seconds: float) -> None:
        """Take what came, for at most so long."""
        mine = self.link.fileno()
        readers: list[Any] = [self._wake, *([mine] if mine is not None else [])]
        writers: list[Any] = [mine] if mine is not None and self.link.waiting else []
        try:
            ready, free, _ = select.select(readers, writers, [], seconds)
        except (OSError, ValueError):
            self.link.drop()
            return
        if self._wake in ready:
            with contextlib.suppress(BlockingIOError):
                self._wake.recv(4096)
        if free:
            self.link.flush()
        if mine is not None and mine in ready:
            for message in self.link.receive():
                self._take(message)

    def _take(self, message: frames.Frame) -> None:
        """Do what the gateway says; what one run cannot do is its own trouble, not that of the others."""
        try:
            self._handle(message)
        except Exception as error:
            header = message.header
            about: dict[str, Any] = {"run": header.get("run"), "attempt": header.get("attempt"), "step": 0}
            self.link.send(pack("trouble", **about, problem=describe(error).model_dump(mode="json")))

    def _handle(self, message: frames.Frame) -> None:
        header = message.header
        kind, resident = header["kind"], self.runs.get(str(header.get("run")))
        if kind == "open":
            self._open(dict(header))
        elif kind == "welcome":
            for name in header["drop"]:
                self._close(name, save=False)
        elif kind == "shutdown":
            self.stopping.set()
        elif kind == "share":
            share_cores(int(header["hosts"]))
        elif resident is None:
            self._miss(kind, dict(header))
        elif kind == "cmd":
            resident.command(header)
        elif kind == "topics":
            resident.watch(list(header["topics"]))
        elif kind == "query":
            self._answer(resident, header["id"], header["what"])
        elif kind == "close":
            self._close(resident.id, save=True)

    def _open(self, order: dict[str, Any]) -> None:
        self._close(str(order["run"]), save=False)
        self.runs[str(order["run"])] = Resident(order, self.link.send, self.saver, self.every)

    def _miss(self, kind: str, header: dict[str, Any]) -> None:
        """A command or question for a run that is not here."""
        if kind in ("cmd", "query"):
            answer = "ack" if kind == "cmd" else "reply"
            self.link.send(
                pack(answer, run=header["run"], id=header["id"], step=0, attempt=0, missing=True, problem=None)
            )

    def _answer(self, resident: Resident, key: str, what: str) -> None:
        problem = None
        try:
            data = resident.query(what)
        except Exception as error:
            data, problem = b"", describe(error).model_dump(mode="json")
        self.link.send(pack("reply", data, run=resident.id, id=key, problem=problem))

    def _close(self, name: str, save: bool) -> None:
        resident = self.runs.pop(name, None)
        if resident is None:
            return
        if save:
            resident.save()
        resident.close()
        self.link.send(pack("closed", run=name, attempt=resident.attempt))

    # -- life ----------------------------------------------------------------------------------------------------------

    def _beat(self) -> None:
        """Say every second that this process lives, also while a long batch runs."""
        me, last = psutil.Process(), 0.0
        while not self.stopping.wait(BEAT):
            busy, self._load = self._busy, self._busy - last
            last = busy
            places = [resident.position() for resident in list(self.runs.values())]
            self.link.send(pack("heartbeat", load=round(self._load / BEAT, 3), rss=me.memory_info().rss, runs=places))

    def stop(self, number: int, frame: FrameType | None) -> None:
        """Signal handler: end after a checkpoint."""
        self.stopping.set()
        with contextlib.suppress(OSError):
            self._bell.send(b"x")

    def _end(self) -> None:
        self.saver.shutdown(wait=True)
        for name in list(self.runs):
            self._close(name, save=True)
        end = time.monotonic() + 1.0
        while self.link.up and self.link.waiting and time.monotonic() < end:
            time.sleep(0.01)
            self.link.flush()
        self.link.drop()


def warm_up() -> None:
    """Ask for the machine code of the first view, so that it is made while nobody trains yet."""
    try:
        run = Run(RunSpec(pace=None))
        run.patience = 0.0
        run.command({"op": "step", "count": 2})
        run.advance(1.0)
    except Exception:
        log.exception("machine code could not be asked for")


def share_cores(hosts: int) -> None:
    """Use this host's part of the machine's cores from now on; the numbers of a run do not depend on it."""
    set_cores(None)
    set_cores(max(1, cores() // hosts))


def devices() -> list[dict[str, Any]]:
    """What runs may compute on here."""
    cpu = {"id": "cpu", "title": "CPU", "memory_bytes": psutil.virtual_memory().total}
    return [cpu, *({"id": f"cuda:{n}", "title": f"GPU {n}", "memory_bytes": 0} for n in range(cuda_count()))]


def main() -> None:
    """Read the order from standard input (one line of JSON), then serve."""
    order = json.loads(sys.stdin.readline())
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(message)s")
    host = Host(order)
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, host.stop)
    try:
        host.serve()
    except Exception:
        log.exception("the host broke down")
        logging.shutdown()
        os._exit(1)
    logging.shutdown()
    os._exit(0)  # everything is saved; taking the interpreter apart would only keep the server waiting


if __name__ == "__main__":
    main()
