"""Modules that hold modules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from engine.nn.module import Module
from engine.nn.parameter import Parameter


class _Row(Module):
    """Modules in a row, under the names "0", "1", ...: what Sequential and ModuleList share."""

    def append(self, module: Module) -> Self:
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules: Iterable[Module]) -> Self:
        """Add modules at the end."""
        for module in modules:
            self.append(module)
        return self

    def _hold(self, modules: Iterable[Module | None]) -> None:
        self._modules = {str(i): m for i, m in enumerate(modules)}

    def __setitem__(self, index: int, module: Module) -> None:
        self._modules[list(self._modules)[index]] = module

    def __delitem__(self, index: int) -> None:
        held = list(self._modules.values())
        del held[index]
        self._hold(held)

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())


class Sequential(_Row):
    """Calls its modules one after the other: `Sequential(Linear(2, 4), Tanh())`, or one dict of names and modules."""

    def __init__(self, *args: Any) -> None:
        super().__init__()
        named = args[0] if len(args) == 1 and isinstance(args[0], Mapping) else {str(i): m for i, m in enumerate(args)}
        for name, module in named.items():
            self.add_module(name, module)

    def forward(self, input: Any) -> Any:
        """The last module's output."""
        for module in self._modules.values():
            if module is not None:
                input = module(input)
        return input

    def insert(self, index: int, module: Module) -> Sequential:
        """Add a module before the one at `index`."""
        held = list(self._modules.values())
        held.insert(index, module)
        self._hold(held)
        return self

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(dict(list(self._modules.items())[index]))
        return list(self._modules.values())[index]


class ModuleList(_Row):
    """A list of modules that are found by `parameters()`."""

    def __repr__(self) -> str:
        """Neighbours that look the same are shown once, with their numbers."""
        if not self._modules:
            return "ModuleList()"
        texts = [repr(module) for module in self._modules.values()]
        starts = [i for i, text in enumerate(texts) if i == 0 or texts[i - 1] != text]
        ends = [*starts[1:], len(texts)]
        return "ModuleList(\n" + "".join(map(_run, starts, ends, (texts[i] for i in starts))) + ")"

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or [])

    def insert(self, index: int, module: Module) -> None:
        """Add a module before the one at `index`."""
        held = list(self._modules.values())
        held.insert(index, module)
        self._hold(held)

    def __getitem__(self, index: int | slice) -> Any:
        held = list(self._modules.values())
        return type(self)([m for m in held[index] if m is not None]) if isinstance(index, slice) else held[index]

    def __contains__(self, module: object) -> bool:
        return any(held is module for held in self._modules.values())


class ModuleDict(Module):
    """Modules by name, found by `parameters()`."""

    def __init__(self, modules: Mapping[str, Module] | None = None) -> None:
        super().__init__()
        self.update(modules or {})

    def update(self, modules: Mapping[str, Module]) -> None:
        """Add or replace modules."""
        for name, module in modules.items():
            self.add_module(name, module)

    def pop(self, key: str) -> Module | None:
        """Take a module out."""
        return self._modules.pop(key)

    def clear(self) -> None:
        """Take all modules out."""
        self._modules.clear()

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._modules.keys()

    def values(self) -> Iterable[Any]:
        """The modules."""
        return self._modules.values()

    def items(self) -> Iterable[tuple[str, Any]]:
        """Names and modules."""
        return self._modules.items()

    def __getitem__(self, key: str) -> Any:
        return self._modules[key]

    def __setitem__(self, key: str, module: Module) -> None:
        self.add_module(key, module)

    def __delitem__(self, key: str) -> None:
        del self._modules[key]

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[str]:
        return iter(self._modules)

    def __contains__(self, key: object) -> bool:
        return key in self._modules


class ParameterList(Module):
    """A list of parameters that are found by `parameters()`."""

    def __init__(self, values: Iterable[Parameter] | None = None) -> None:
        super().__init__()
        for value in values or []:
            self.append(value)

    def append(self, value: Parameter) -> ParameterList:
        """Add a parameter at the end."""
        self.register_parameter(str(len(self)), value)
        return self

    def __getitem__(self, index: int) -> Any:
        return list(self._parameters.values())[index]

    def __len__(self) -> int:
        return len(self._parameters)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._parameters.values())


def _run(start: int, end: int, text: str) -> str:
    """One line for the modules from `start` to before `end`, which all look like `text`."""
    name = f"({start})" if end == start + 1 else f"({start}-{end - 1}): {end - start} x"
    inner = text.replace("\n", "\n  ")
    return f"  {name}: {inner}\n" if end == start + 1 else f"  {name} {inner}\n"
