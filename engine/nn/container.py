"""Modules that hold modules."""

from __future__ import annotations

import operator
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from engine.errors import IndexOutOfRange
from engine.nn.module import Module


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

    def pop(self, key: int | slice) -> Any:
        """Take a module out."""
        found = self[key]
        del self[key]
        return found

    def _hold(self, modules: Iterable[Module | None]) -> None:
        self._modules.clear()
        self._modules.update({str(i): m for i, m in enumerate(modules)})

    def _insert(self, index: int, module: Module) -> None:
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        if not -len(self) <= index <= len(self):
            raise IndexOutOfRange(f"{type(self).__name__}.insert", f"an index up to {len(self)}", index)
        held = list(self._modules.values())
        held.insert(index, module)
        self._hold(held)

    def _name(self, index: int) -> str:
        if not -len(self) <= operator.index(index) < len(self):
            raise IndexError(f"index {index} is out of range")
        return list(self._modules)[index]

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return self._part(dict(list(self._modules.items())[index]))
        return self._modules[self._name(index)]

    def _part(self, held: dict[str, Any]) -> Self:
        build: Any = type(self)
        made: Self = build(list(held.values()))
        return made

    def __setitem__(self, index: int | slice, module: Any) -> None:
        if isinstance(index, slice):
            for name, one in zip(list(self._modules)[index], module, strict=True):
                self.register_module(name, one)
        else:
            self.register_module(self._name(index), module)

    def __delitem__(self, index: int | slice) -> None:
        for name in list(self._modules)[index] if isinstance(index, slice) else [self._name(index)]:
            del self._modules[name]
        self._hold(list(self._modules.values()))

    def __iadd__(self, modules: Iterable[Module]) -> Self:
        return self.extend(modules)

    def __add__(self, other: Iterable[Module]) -> Self:
        return self._part({str(i): m for i, m in enumerate([*self, *other])})

    def __len__(self) -> int:
        return len(self._modules)

    def __iter__(self) -> Iterator[Any]:
        return iter(self._modules.values())


class Sequential(_Row):
    """Calls its modules one after the other: `Sequential(Linear(2, 4), Tanh())`, or one dict of names and modules.

    >>> nn.Sequential(nn.Linear(2, 3), nn.Tanh())(engine.ones(1, 2)).shape
    engine.Size([1, 3])
    """

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
        self._insert(index, module)
        return self

    def _part(self, held: dict[str, Any]) -> Self:
        return type(self)(held)

    def __mul__(self, times: int) -> Sequential:
        if not isinstance(times, int) or times < 1:
            raise (ValueError if isinstance(times, int) else TypeError)(f"cannot repeat {type(times).__name__} {times}")
        return Sequential(*[module for _ in range(times) for module in self])

    __rmul__ = __mul__


class ModuleList(_Row):
    """A list of modules that are found by `parameters()`.

    >>> len(list(nn.ModuleList([nn.Linear(2, 2), nn.Linear(2, 2)]).parameters()))
    4
    """

    def __init__(self, modules: Iterable[Module] | None = None) -> None:
        super().__init__()
        self.extend(modules or [])

    def insert(self, index: int, module: Module) -> None:
        """Add a module before the one at `index`."""
        self._insert(index, module)

    def __repr__(self) -> str:
        """Neighbours that look the same are shown once, with their numbers."""
        if not self._modules:
            return "ModuleList()"
        texts = [repr(module) for module in self._modules.values()]
        starts = [i for i, text in enumerate(texts) if i == 0 or texts[i - 1] != text]
        ends = [*starts[1:], len(texts)]
        return f"{self._get_name()}(\n" + "".join(map(_run, starts, ends, (texts[i] for i in starts))) + ")"

    def __contains__(self, module: object) -> bool:
        return any(held is module for held in self._modules.values())


class ModuleDict(Module):
    """Modules by name, found by `parameters()`.

    >>> list(nn.ModuleDict({"encoder": nn.Linear(4, 2)}).state_dict())
    ['encoder.weight', 'encoder.bias']
    """

    def __init__(self, modules: Any = None) -> None:
        super().__init__()
        self.update(modules or {})

    def update(self, modules: Any) -> None:
        """Add or replace modules: from a mapping or from pairs."""
        for name, module in _pairs(modules):
            self[name] = module

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


def _run(start: int, end: int, text: str) -> str:
    """One line for the modules from `start` to before `end`, which all look like `text`."""
    name = f"({start})" if end == start + 1 else f"({start}-{end - 1}): {end - start} x"
    inner = text.replace("\n", "\n  ")
    return f"  {name}: {inner}\n" if end == start + 1 else f"  {name} {inner}\n"


def _pairs(given: Any) -> Iterable[tuple[str, Any]]:
    """Names and values of a mapping, or of an iterable of pairs."""
    if isinstance(given, Mapping | ModuleDict):
        return given.items()
    if not isinstance(given, Iterable):
        raise TypeError(f"update() takes a mapping or pairs of a name and a value, got {type(given).__name__}")
    return [(name, value) for name, value in given]
