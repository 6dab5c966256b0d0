"""Processors and a compiler of ten lines for tests of the kernels' templates."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

llvm = pytest.importorskip("llvmlite.binding")

from engine.compiler.code.emit import Function, module  # noqa: E402
from engine.compiler.machine.cpu import KNOWN, Cpu, host  # noqa: E402

llvm.initialize_native_target()
llvm.initialize_native_asmprinter()


def hosts() -> list[Cpu]:
    """This machine as it is, and as if it had AVX2 only, where it has that."""
    here = host()
    return [here, KNOWN["avx2"]] if here.lanes == 16 else [here]


HOSTS = hosts()


def build(text: str, cpu: Cpu, opt: int = 2) -> Any:
    """Machine code of a module's text."""
    target = llvm.Target.from_default_triple().create_target_machine(
        cpu=cpu.name, features=cpu.features, opt=opt, jit=True
    )
    parsed = llvm.parse_assembly(text)
    parsed.verify()
    engine = llvm.create_mcjit_compiler(parsed, target)
    engine.finalize_object()
    return engine


def function(f: Function, cpu: Cpu) -> Callable[[list[int]], None]:
    """A function that takes the numbers of the argument array."""
    engine = build(module([f]), cpu)
    entry = ctypes.CFUNCTYPE(None, ctypes.c_int64)(engine.get_function_address(f.name))

    def run(numbers: list[int]) -> None:
        table = np.asarray(numbers, np.int64)
        entry(table.ctypes.data)

    run.engine = engine  # type: ignore[attr-defined]
    return run
