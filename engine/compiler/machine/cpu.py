"""Which processor the native code is for: how many float32 fit in one of its vector registers, and how many it has."""

from __future__ import annotations

import functools
import hashlib
import importlib.util
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import EngineError

OVERRIDE = "PLAYGROUND_CPU"
"""Environment: "avx512", "avx2" or "neon" instead of what the processor can (for tests), "none" for no native code."""


class NoNativeCode(EngineError):
    """Nothing native can run here; the same plan runs on NumPy."""

    code = "native"


@dataclass(frozen=True)
class Cpu:
    """A type of processor: name and features in LLVM's words, float32 `lanes` and count of vector `registers`."""

    name: str
    features: str
    lanes: int
    registers: int

    @property
    def bits(self) -> int:
        """The width of a vector register."""
        return 32 * self.lanes

    @property
    def model(self) -> str:
        """How code reaches its constants, in LLVM's words: on x86 by their distance, else two instructions for each."""
        return "jitdefault" if self.lanes == 4 else "small"

    @property
    def attributes(self) -> str:
        """What every native function declares, in LLVM's text: LLVM must not narrow the vectors that we chose."""
        words = {
            "prefer-vector-width": self.bits,
            "min-legal-vector-width": self.bits,
            "target-cpu": self.name,
            "target-features": self.features,
        }
        return "nounwind " + " ".join(f'"{word}"="{value}"' for word, value in words.items())

    @property
    def token(self) -> str:
        """A short name for files and for what a run records: processor, lanes, a digest of the features."""
        digest = hashlib.sha256(f"{self.name} {self.features} {self.registers}".encode()).hexdigest()
        return f"{self.name}-{self.lanes}-{digest[:8]}"


KNOWN = {
    "avx512": Cpu("x86-64-v4", "", 16, 32),
    "avx2": Cpu("x86-64-v3", "", 8, 16),
    "neon": Cpu("generic", "+neon", 4, 32),
}
"""A processor of each kind, as little as that kind promises."""


def classify(machine: str, name: str, features: Mapping[str, bool]) -> Cpu:
    """The type of a processor from what LLVM says of it. Raises: NoNativeCode."""
    listed = ",".join(f"{'+' if on else '-'}{feature}" for feature, on in sorted(features.items()))
    if machine in ("aarch64", "arm64"):
        return Cpu(name, listed, 4, 32)
    if all(features.get(f) for f in ("avx512f", "avx512dq", "avx512bw", "avx512vl")):
        return Cpu(name, listed, 16, 32)
    if features.get("avx2") and features.get("fma"):
        return Cpu(name, listed, 8, 16)
    raise NoNativeCode(
        "The compiled tier",
        "AVX2 with FMA, AVX-512 or ARM's NEON",
        f"{name} ({machine})",
        "Plans run on NumPy instead.",
    )


def bindings() -> Any:
    """llvmlite's bindings, ready to compile. Raises: NoNativeCode where llvmlite is not installed."""
    if importlib.util.find_spec("llvmlite") is None:
        raise NoNativeCode("The compiled tier", "the package llvmlite", "none", "Plans run on NumPy instead.")
    return _initialised()


@functools.cache
def _initialised() -> Any:
    import llvmlite.binding as llvm  # type: ignore[import-untyped]

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    return llvm


def host() -> Cpu:
    """The processor that we run on, or the one that PLAYGROUND_CPU names. Raises: NoNativeCode."""
    return _host(os.environ.get(OVERRIDE, ""))


@functools.cache
def _host(override: str) -> Cpu:
    if override == "none":
        raise NoNativeCode("The compiled tier", hint=f"{OVERRIDE}=none switches it off; plans run on NumPy.")
    if override and override not in KNOWN:
        raise NoNativeCode(OVERRIDE, ", ".join([*KNOWN, "none"]), override)
    if override:
        return KNOWN[override]
    llvm = bindings()
    return classify(platform.machine().lower(), llvm.get_host_cpu_name(), llvm.get_host_cpu_features())


def reason() -> str:
    """Why no native code can run here, in one sentence; "" where it can."""
    try:
        bindings()
        host()
    except NoNativeCode as refusal:
        return str(refusal)
    return ""
