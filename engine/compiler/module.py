"""A module that is compiled for inference; with gradients it is the module that it was."""

from __future__ import annotations

from typing import Any

from engine.compiler.step import Step
from engine.graph import current_mode
from engine.nn.module import Module


class CompiledModule(Module):
    """Stands for a module, as PyTorch's OptimizedModule does: its parameters, modes and attributes are the module's."""

    def __init__(self, module: Module, threads: int | None) -> None:
        super().__init__()
        self._orig_mod, self.training = module, module.training
        self.__dict__["step"] = Step(module, None, threads)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Replayed where no history is wanted; else the module's own forward."""
        mode = current_mode()
        if mode.recorders or (mode.grad and any(p.requires_grad for p in self._orig_mod.parameters())):
            return self._orig_mod(*args, **kwargs)
        return self.__dict__["step"](*args, **kwargs)

    def explain(self) -> Any:
        """What ran where, and why."""
        return self.__dict__["step"].explain()

    def train(self, mode: bool = True) -> CompiledModule:
        """Switch the module."""
        super().train(mode)
        return self

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("_orig_mod"), name)


def compiled(model: Any, guard: str | None, threads: int | None) -> Any:
    """The compiled twin of a function or a module."""
    return CompiledModule(model, threads) if isinstance(model, Module) else Step(model, guard, threads)
