"""Processor types: lanes and registers, the override for tests, and one clear sentence where nothing native can run."""

import importlib.util
import subprocess
import sys

import pytest

from engine.compiler.machine import cpu

AVX2 = {"avx2": True, "fma": True, "avx512f": False}
AVX512 = {**AVX2, "avx512f": True, "avx512dq": True, "avx512bw": True, "avx512vl": True}


@pytest.mark.parametrize(
    ("machine", "features", "lanes", "registers"),
    [("x86_64", AVX512, 16, 32), ("amd64", AVX2, 8, 16), ("aarch64", {"neon": True}, 4, 32), ("arm64", {}, 4, 32)],
)
def test_a_known_processor_has_lanes_and_registers(machine, features, lanes, registers):
    found = cpu.classify(machine, "some-name", features)
    assert (found.lanes, found.registers, found.bits) == (lanes, registers, 32 * lanes)


@pytest.mark.parametrize(
    ("machine", "features"), [("x86_64", {"avx2": False}), ("x86_64", {"avx2": True}), ("riscv64", {})]
)
def test_an_unknown_processor_is_refused_in_one_sentence(machine, features):
    with pytest.raises(cpu.NoNativeCode, match=r"some-name .*Plans run on NumPy instead\.$"):
        cpu.classify(machine, "some-name", features)


def test_the_override_names_a_smaller_processor(monkeypatch):
    monkeypatch.setenv(cpu.OVERRIDE, "avx2")
    assert (cpu.host().lanes, cpu.host().registers) == (8, 16)


@pytest.mark.parametrize("override", ["none", "abacus"])
def test_the_override_can_switch_native_code_off_and_refuses_what_it_does_not_know(monkeypatch, override):
    monkeypatch.setenv(cpu.OVERRIDE, override)
    with pytest.raises(cpu.NoNativeCode):
        cpu.host()
    assert cpu.OVERRIDE in cpu.reason()


def test_processors_of_different_features_have_different_tokens():
    assert len({found.token for found in cpu.KNOWN.values()} | {cpu.classify("x86_64", "x86-64-v4", AVX512).token}) == 4


def test_without_llvmlite_the_reason_is_a_sentence(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "llvmlite" else found(name))
    assert "llvmlite" in cpu.reason()
    assert cpu.reason().endswith(".")


def test_importing_the_engine_does_not_load_llvmlite():
    script = "import sys, engine, engine.compiler.machine.cpu; sys.exit('llvmlite' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
