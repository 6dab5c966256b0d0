"""`sys.modules["torch"] = engine`: every public module path gives the engine's own objects, never a second copy."""

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

import engine
from engine.imports import SAME, real_name

HOUSE = Path(__file__).parents[2]
OURS = ("spec", "probes", "train", "exchange", "reference", "signatures")


@pytest.fixture(autouse=True)
def torch_is_engine() -> Iterator[None]:
    before = {k: m for k, m in sys.modules.items() if k.partition(".")[0] == "torch"}
    for name in before:
        del sys.modules[name]
    sys.modules["torch"] = engine
    yield
    for name in [k for k in sys.modules if k.partition(".")[0] == "torch"]:
        del sys.modules[name]
    sys.modules.update(before)


def paths() -> list[str]:
    """Every module of the engine that PyTorch's programs may name (not where a function bears the same name)."""
    found = [m.name.partition(".")[2] for m in pkgutil.walk_packages(engine.__path__, "engine.")]
    return [p for p in found if not p.startswith(OURS) and "__main__" not in p and not _is_hidden(p)]


def _is_hidden(path: str) -> bool:
    parent, _, last = f"engine.{path}".rpartition(".")
    return not isinstance(getattr(importlib.import_module(parent), last, None), ModuleType | None)


@pytest.mark.parametrize("path", paths())
def test_a_module_under_the_name_torch_is_the_engines_own(path: str) -> None:
    ours = importlib.import_module(f"engine.{path}")
    assert importlib.import_module(f"torch.{path}") is importlib.import_module(real_name(path)) or path in SAME
    assert importlib.import_module(f"engine.{path}") is ours
    assert ours.__spec__.name == ours.__name__


@pytest.mark.parametrize("path", sorted(SAME))
def test_pytorchs_own_paths_lead_to_modules_that_exist(path: str) -> None:
    assert importlib.import_module(f"torch.{path}") is importlib.import_module(f"engine.{SAME[path]}")
    assert importlib.import_module(f"engine.{path}") is importlib.import_module(f"engine.{SAME[path]}")


PROGRAM = """
import sys, engine
sys.modules["torch"] = engine
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim.lr_scheduler as schedules
from torch import Tensor, optim
from torch.autograd import Variable
from torch.nn.parameter import Parameter
from torch.utils.data import DataLoader, TensorDataset
from torch.utils.data.dataloader import DataLoader as Again
from torch.nn.modules.module import Module
assert torch is engine and nn is engine.nn and F is engine.nn.functional and Tensor is engine.Tensor
assert DataLoader is Again is engine.data.DataLoader and schedules is engine.optim.lr_scheduler
assert Module is nn.Module and Parameter is nn.Parameter
model = nn.Linear(2, 1)
F.mse_loss(model(torch.ones(1, 2)), torch.zeros(1, 1)).backward()
assert isinstance(model.weight, Parameter) and model.weight.grad is not None
assert "numpy" in sys.modules and len([m for m in sys.modules if m.endswith("nn.functional")]) == 2
"""


def test_a_program_for_pytorch_runs_on_the_engine() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, cwd=HOUSE, check=False)
    assert done.returncode == 0, done.stderr


def test_a_function_is_not_hidden_by_a_module_of_its_name() -> None:
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("torch.tensor")
    assert engine.tensor(1).item() == 1


@pytest.mark.parametrize("name", ["torch.fx", "torch.nn.nothing", "torch.fft"])
def test_a_module_that_the_engine_has_not_is_refused_in_words(name: str) -> None:
    with pytest.raises(ModuleNotFoundError, match=f"No module named '{name}'.*the engine"):
        importlib.import_module(name)


def test_a_name_that_the_engine_has_not_is_refused_in_words() -> None:
    with pytest.raises(AttributeError, match="engine has no function 'nothing'"):
        engine.nothing  # noqa: B018


def test_another_module_is_left_alone() -> None:
    assert importlib.import_module("json.decoder").__name__ == "json.decoder"
