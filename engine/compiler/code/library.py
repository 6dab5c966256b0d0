"""The library of kernels: machine code on demand, one function for each key, in memory and on disk.

`find` never waits: what is missing is compiled by a thread in the background, without Python's lock.
"""

from __future__ import annotations

import atexit
import functools
import hashlib
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from engine.compiler.code import emit, store
from engine.compiler.graph.ir import CompilerError
from engine.compiler.machine import cpu

Text = Callable[[str], str]
"""Given a function's name, the LLVM text of a module that defines it."""


REST = 0.02
"""Seconds before the background begins: who asks is about to do a first step, and Python does one thing at a time."""


class Library:
    """The kernels for one processor; safe to use from many threads. seconds: spent compiling; counts: what happened."""

    def __init__(self, processor: cpu.Cpu, files: store.Store) -> None:
        self.processor, self.files = processor, files
        self.counts = {"compiled": 0, "read": 0}
        self.seconds = 0.0
        self.troubles: dict[str, str] = {}
        self._known: dict[str, int] = {}
        self._queue: deque[tuple[str, Callable[[], Any]]] = deque()
        self._queued: set[str] = set()
        self._lock, self._llvm = threading.Lock(), threading.RLock()
        self._thread: threading.Thread | None = None
        self._machine: Any = None
        self._engine: Any = None

    def find(self, work: Any) -> int | None:
        """The address of the kernel for a piece of work; None: it is being compiled (or see `troubles`)."""
        return self._known.get(work.key) or self.find_text(work.key, functools.partial(self.text, work))

    def need(self, works: Iterable[Any]) -> list[int]:
        """The addresses of the kernels for these pieces of work, compiled now where missing."""
        known = self._known
        return [known.get(work.key) or self.need_text(work.key, functools.partial(self.text, work)) for work in works]

    def find_text(self, key: str, text: Text) -> int | None:
        """As `find`, for a function whose text `text(name)` writes."""
        known = self._known.get(key)
        if known is not None or key in self.troubles:
            return known
        if self._llvm.acquire(blocking=False):  # else LLVM is at work: reading the file waits behind it, too
            try:
                name = self._name(key)
                code = self.files.read(name)
                if code is not None:
                    return self._load(key, name, code, "read")
            finally:
                self._llvm.release()
        self.later(key, functools.partial(self.need_text, key, text))
        return None

    def need_text(self, key: str, text: Text) -> int:
        """As `need`, for one function whose text `text(name)` writes. Raises: CompilerError when LLVM refuses it."""
        known = self._known.get(key)
        if known is not None:
            return known
        with self._llvm:
            name = self._name(key)
            code = self.files.read(name)
            if code is not None:
                return self._load(key, name, code, "read")
            code = self._compile(name, text)
            self.files.write(name, code)
            return self._load(key, name, code, "compiled")

    def text(self, work: Any, name: str) -> str:
        """The LLVM text of the kernel for a piece of work."""
        f = emit.Function(name, self.processor)
        work.emit(f, [f.argument(i) for i in range(len(work.arguments()))])
        return emit.module([f])

    def idle(self, seconds: float = 60.0) -> bool:
        """Wait until the background has nothing left to compile; False: it still has."""
        end = time.monotonic() + seconds
        while self._queued and time.monotonic() < end:
            time.sleep(0.001)
        return not self._queued

    # ------------------------------------------------------------------------------------------------- background
    def later(self, key: str, action: Callable[[], Any]) -> None:
        """Let the background do this; nothing happens where it is to be done already."""
        with self._lock:
            if key in self._queued:
                return
            self._queued.add(key)
            self._queue.append((key, action))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work_off, name="kernels", daemon=True)
                self._thread.start()

    def _work_off(self) -> None:
        time.sleep(REST)
        while True:
            with self._lock:
                if not self._queue:
                    self._thread = None
                    return
                key, action = self._queue.popleft()
            try:
                action()
            except Exception as trouble:  # told to whoever asks for this kernel: the row stays on NumPy
                self.troubles[key] = f"{type(trouble).__name__}: {trouble}"
            del action  # it may hold a model that somebody waits to be rid of
            self._queued.discard(key)

    def stop(self) -> None:
        """Give up what is queued and wait for the kernel at hand: LLVM must not be at work when the process ends."""
        with self._lock:
            dropped, thread = list(self._queue), self._thread
            self._queue.clear()
            self._queued.difference_update(key for key, _ in dropped)
        if thread is not None and thread.is_alive():
            thread.join(10.0)

    # ------------------------------------------------------------------------------------------------- LLVM
    def _name(self, key: str) -> str:
        return "k_" + hashlib.sha256(key.encode()).hexdigest()[:24]

    def _target(self) -> Any:
        """A target of LLVM for our processor; an engine that is made with it owns it."""
        llvm, processor = cpu.bindings(), self.processor
        target = llvm.Target.from_default_triple()
        return target.create_target_machine(
            cpu=processor.name, features=processor.features, opt=2, jit=True, codemodel=processor.model
        )

    def _start(self) -> Any:
        if self._engine is None:
            self._machine = self._target()
            self._engine = _engine(self._machine)
        return self._machine

    def _compile(self, name: str, text: Text) -> bytes:
        start, written = time.perf_counter(), text(name)
        machine = self._start()
        try:
            module = cpu.bindings().parse_assembly(written)
        except RuntimeError as refusal:
            raise CompilerError("compiler", f"LLVM text that LLVM accepts for {name}", refusal) from refusal
        code: bytes = machine.emit_object(module)
        self.seconds += time.perf_counter() - start
        return code

    def alone(self, text: str, name: str) -> tuple[Any, int]:
        """Machine code of a module's text that is not kept here: it lives as long as the engine that comes with it."""
        with self._llvm:
            start, llvm, machine = time.perf_counter(), cpu.bindings(), self._target()
            try:
                code = machine.emit_object(llvm.parse_assembly(text))
            except RuntimeError as refusal:
                raise CompilerError("compiler", f"LLVM text that LLVM accepts for {name}", refusal) from refusal
            engine = _engine(machine)
            engine.add_object_file(llvm.object_file.ObjectFileRef.from_data(code))
            engine.finalize_object()
            self.seconds += time.perf_counter() - start
            return engine, int(engine.get_function_address(name))

    def _load(self, key: str, name: str, code: bytes, how: str) -> int:
        with self._llvm:
            if key not in self._known:
                self._start()
                self._engine.add_object_file(cpu.bindings().object_file.ObjectFileRef.from_data(code))
                self._engine.finalize_object()
                self._known[key] = int(self._engine.get_function_address(name))
                self.counts[how] += 1
            return self._known[key]


def _engine(machine: Any) -> Any:
    """What loads machine code: a kernel's constants near its code, as short addresses want them."""
    return cpu.bindings().create_mcjit_compiler(cpu.bindings().parse_assembly(""), machine, use_lmm=True)


@functools.cache
def _library(processor: cpu.Cpu, place: Any) -> Library:
    made = Library(processor, store.Store(place, processor.token))
    _stops.append(made.stop)
    return made


_stops: list[Callable[[], None]] = []


@atexit.register
def _stop_all() -> None:
    for stop in _stops:
        stop()


def _after_fork() -> None:
    """A child lacks the background thread, which may have held the locks: it starts with a new library."""
    _library.cache_clear()
    _stops.clear()


def library() -> Library:
    """The library of this process for the processor at hand. Raises: NoNativeCode."""
    cpu.bindings()
    return _library(cpu.host(), store.folder())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
