"""Machine code on demand: compiled once for each key, kept on disk, whatever happens to the files."""

import ctypes
import importlib.util
import mmap
import os
import subprocess
import sys
import time
from dataclasses import dataclass

import numpy as np
import pytest

from engine.compiler.code import driver, store
from engine.compiler.code.emit import Function, module
from engine.compiler.code.library import Library, library
from engine.compiler.machine import cpu


@dataclass(frozen=True)
class Adds:
    """A kernel of its own for each number: adds it to the floats at args[0], args[1] many."""

    number: float

    @property
    def key(self):
        return f"test adds {self.number}"

    def arguments(self):
        return [0, 0]

    def emit(self, f, args):
        vectors = f.vector("float")
        f.sweep(args[1], lambda i, mask: self.one(f, f.add(args[0], f.mul(i, 4)), mask, vectors))

    def one(self, f, address, mask, vectors):
        f.store(f.load(vectors, address, mask) + self.number, address, mask)


def run(address, array):
    arguments = np.array([array.ctypes.data, array.size], np.int64)
    ctypes.CFUNCTYPE(None, ctypes.c_int64)(address)(arguments.ctypes.data)
    return array


@pytest.fixture
def made(tmp_path):
    libraries = []

    def make(processor=None):
        processor = processor or cpu.host()
        libraries.append(Library(processor, store.Store(tmp_path, processor.token)))
        return libraries[-1]

    yield make
    for each in libraries:
        each.stop()


def files(tmp_path):
    return [path for path in tmp_path.rglob("k_*") if path.is_file()]


@pytest.mark.parametrize("count", [1, 15, 16, 37])
def test_a_kernel_that_is_needed_is_compiled_and_runs(made, count):
    (address,) = made().need([Adds(2.5)])
    assert run(address, np.zeros(count, "f4")).tolist() == [2.5] * count


def test_kernels_find_their_constants_whatever_lies_between_them(made):
    kernels, between = made(), []
    for number in (0.1, 0.3, 0.7, 1.1):
        (address,) = kernels.need([Adds(number)])
        assert run(address, np.zeros(5, "f4")).tolist() == [np.float32(number)] * 5
        between.append(mmap.mmap(-1, 3 << 30))  # further than an instruction's distance to a constant reaches
    for area in between:
        area.close()


def test_a_kernel_that_is_looked_for_is_compiled_in_the_background(made):
    kernels = made()
    assert kernels.find(Adds(1.0)) is None
    assert kernels.idle()
    address = kernels.find(Adds(1.0))
    assert run(address, np.zeros(3, "f4")).tolist() == [1, 1, 1]
    assert kernels.counts == {"compiled": 1, "read": 0}


def test_one_key_is_compiled_once(made):
    kernels = made()
    assert len(set(kernels.need([Adds(1.0)] * 3))) == 1
    assert kernels.counts["compiled"] == 1


def test_another_library_reads_from_disk_what_the_first_compiled(made):
    made().need([Adds(1.0)])
    second = made()
    assert run(second.find(Adds(1.0)), np.zeros(2, "f4")).tolist() == [1, 1]
    assert second.counts == {"compiled": 0, "read": 1}


@pytest.mark.parametrize(
    "damage",
    [lambda b: b[:-7], lambda b: b"", lambda b: b[:80] + bytes([b[80] ^ 1]) + b[81:], lambda b: b"something else" * 99],
    ids=["torn", "empty", "one bit", "foreign"],
)
def test_a_damaged_file_is_compiled_anew(made, tmp_path, damage):
    made().need([Adds(1.0)])
    (file,) = files(tmp_path)
    good = file.read_bytes()
    file.write_bytes(damage(good))
    second = made()
    assert run(second.need([Adds(1.0)])[0], np.zeros(2, "f4")).tolist() == [1, 1]
    assert second.counts["compiled"] == 1
    assert file.read_bytes() == good


def test_the_file_of_another_kernel_under_this_name_is_not_used(made, tmp_path):
    made().need([Adds(1.0)])
    (one,) = files(tmp_path)
    made().need([Adds(2.0)])
    (two,) = set(files(tmp_path)) - {one}
    two.write_bytes(one.read_bytes())
    assert run(made().need([Adds(2.0)])[0], np.zeros(2, "f4")).tolist() == [2, 2]


def test_a_folder_that_cannot_be_written_only_costs_the_next_start(tmp_path):
    (tmp_path / "kernels").write_text("a file where the folder should be")
    kernels = Library(cpu.host(), store.Store(tmp_path, cpu.host().token))
    assert run(kernels.need([Adds(1.0)])[0], np.zeros(2, "f4")).tolist() == [1, 1]


def test_what_an_old_version_kept_goes_after_a_month(tmp_path):
    for name, age in (("old", 40), ("young", 3)):
        folder = tmp_path / "kernels" / name
        folder.mkdir(parents=True)
        os.utime(folder, (time.time() - age * 86_400,) * 2)
    assert store.Store(tmp_path, "token").usable
    assert {path.name for path in (tmp_path / "kernels").iterdir()} == {"young", f"token-{store.version()}"}


def test_processes_that_start_at_once_do_not_disturb_each_other(made, tmp_path):
    script = (
        "import sys; sys.path[:0] = ['tests/compiler']\n"
        "import numpy as np; from test_library import Adds, run; from engine.compiler.code.library import library\n"
        "addresses = library().need([Adds(float(n)) for n in range(8)])\n"
        "assert [run(a, np.zeros(1, 'f4'))[0] for a in addresses] == list(range(8))\n"
    )
    environment = {**os.environ, store.FOLDER: str(tmp_path)}
    processes = [subprocess.Popen([sys.executable, "-c", script], env=environment) for _ in range(3)]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    assert len(files(tmp_path)) == 8
    fresh = made()
    fresh.need([Adds(float(n)) for n in range(8)])
    assert fresh.counts == {"compiled": 0, "read": 8}


def test_a_smaller_processor_has_code_of_its_own(made, tmp_path):
    small, large = made(cpu.KNOWN["avx2"]), made()
    if cpu.host().lanes < 8:
        pytest.skip("this processor has no AVX2")
    for kernels in (small, large):
        assert run(kernels.need([Adds(1.0)])[0], np.zeros(19, "f4")).tolist() == [1] * 19
    assert len(files(tmp_path)) == 2


@pytest.fixture(scope="module")
def for_arm():
    """Text for LLVM as the bytes of an object file for a processor of Arm's."""
    llvm, arm = cpu.bindings(), cpu.KNOWN["neon"]
    llvm.initialize_all_targets()
    llvm.initialize_all_asmprinters()
    machine = llvm.Target.from_triple("aarch64-linux-gnu").create_target_machine(cpu=arm.name, features=arm.features)
    return lambda text: machine.emit_object(llvm.parse_assembly(text))


def test_the_text_for_arm_is_accepted_by_llvm(for_arm):
    kernels = Library(cpu.KNOWN["neon"], store.Store(store.folder(), "unused"))
    assert for_arm(kernels.text(Adds(1.0), "k")).startswith(b"\x7fELF")


@pytest.mark.parametrize("name", driver.TEXTS)
def test_the_driver_for_arm_is_accepted_by_llvm(for_arm, name):
    f = Function(name, cpu.KNOWN["neon"])
    driver.TEXTS[name](f)
    assert for_arm(module([f])).startswith(b"\x7fELF")


def test_a_kernel_whose_emitter_fails_is_a_trouble_with_words_and_stays_missing(made):
    class Broken(Adds):
        def emit(self, f, args):
            raise ArithmeticError("no such instruction")

    kernels = made()
    assert kernels.find(Broken(1.0)) is None
    assert kernels.idle()
    assert kernels.find(Broken(1.0)) is None
    assert "no such instruction" in kernels.troubles[Broken(1.0).key]


def test_the_library_of_the_process_follows_the_override(monkeypatch, tmp_path):
    monkeypatch.setenv(store.FOLDER, str(tmp_path))
    monkeypatch.setenv(cpu.OVERRIDE, "avx2")
    assert library().processor.lanes == 8
    monkeypatch.setenv(cpu.OVERRIDE, "none")
    with pytest.raises(cpu.NoNativeCode):
        library()


def test_without_llvmlite_there_is_no_library_and_one_sentence_says_so(monkeypatch):
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "llvmlite" else found(name))
    with pytest.raises(cpu.NoNativeCode, match="llvmlite"):
        library()
