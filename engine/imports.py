"""`sys.modules["torch"] = engine`, and `import torch.nn.functional` finds the engine's own module, never a second copy.

A finder in front of Python's own answers for every name `X.y` where `sys.modules["X"]` is the engine: it gives the
module `engine.y` that exists. `SAME` says which of PyTorch's module paths mean a module of another name here.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

HOMES = ("engine", "engine.vision")
"""The packages that programs may call by another name: `torch`, `torchvision`."""
SAME = {
    "autograd.grad_mode": "grad_mode",
    "autograd.variable": "autograd",
    "cuda.amp": "amp",
    "distributions.bernoulli": "distributions",
    "distributions.categorical": "distributions",
    "distributions.distribution": "distributions",
    "distributions.kl": "distributions",
    "distributions.multinomial": "distributions",
    "distributions.normal": "distributions",
    "distributions.uniform": "distributions",
    "functional": "functions",
    "nn.modules.batchnorm": "nn.normalisation",
    "nn.modules.conv": "nn.convolution",
    "nn.modules.flatten": "nn.shape",
    "nn.modules.instancenorm": "nn.instance_norm",
    "nn.modules.normalization": "nn.normalisation",
    **{
        f"nn.modules.{name}": "nn"
        for name in ("activation", "container", "dropout", "linear", "loss", "padding", "pooling", "transformer")
    },
    "nn.modules.rnn": "nn.recurrent",
    "nn.modules.sparse": "nn.embedding",
    "optim.adagrad": "optim.adaptive",
    "optim.adadelta": "optim.adaptive",
    "optim.adamw": "optim.adam",
    "optim.rmsprop": "optim.adaptive",
    "utils.data": "data",
    "utils.data.dataloader": "data.loader",
    "utils.data.dataset": "data.dataset",
    "utils.data.distributed": "data.distributed",
    "utils.data.sampler": "data.sampler",
}


def real_name(rest: str, home: str = "engine") -> str:
    """The engine's name of the module that PyTorch calls `torch.<rest>`."""
    if rest.startswith("nn.modules.") and rest not in SAME:
        return f"{home}.nn.{rest.removeprefix('nn.modules.')}"
    return f"{home}.{SAME.get(rest, rest) if home == HOMES[0] else rest}"


class Loader(importlib.abc.Loader):
    """Gives a module that exists already (or is imported under its own name), and runs nothing twice."""

    def __init__(self, real: str) -> None:
        self.real = real
        self.spec: Any = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The engine's own module."""
        module = importlib.import_module(self.real)
        self.spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """It ran when it was imported under its own name; what the import changed of it is put back."""
        module.__spec__ = self.spec


class Finder(importlib.abc.MetaPathFinder):
    """Answers for the names under every module name that stands for the engine."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: Any = None) -> ModuleSpec | None:
        """Where the module lies; an error in words where the engine has none of that name."""
        root, _, rest = fullname.partition(".")
        home = getattr(sys.modules.get(root), "__name__", None)
        if not rest or home not in HOMES:
            return None
        real = real_name(rest, home)
        if real == fullname:
            return None
        parent, _, last = fullname.rpartition(".")
        if isinstance(vars(sys.modules[parent]).get(last), ModuleType | None):
            exists = real in sys.modules or importlib.util.find_spec(real) is not None
        else:
            exists = False  # `torch.tensor` is a function: importing a module of that name would hide it
        if not exists:
            sentence = f"No module named {fullname!r}: {root} is the engine here, which has no {real}"
            raise ModuleNotFoundError(sentence, name=fullname)
        return ModuleSpec(fullname, Loader(real), is_package=hasattr(importlib.import_module(real), "__path__"))


def install() -> None:
    """Put the finder in front, once."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())
