"""Containers of parameters: a list and a dictionary."""

from __future__ import annotations

import operator
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Self

from engine.nn.module import Module
from engine.nn.parameter import Parameter
from engine.tensor import Tensor


class _Held(Module):
    """Values under names; tensors become parameters."""

    _keys: dict[str, None]

    def _put(self, key: str, value: Any) -> None:
        self._keys[key] = None
        setattr(
            self, key, Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value
        )

    def _take(self, key: str) -> Any:
        value = getattr(self, key)
        del self._keys[key]
        delattr(self, key)
        return value

    def __len__(self) -> int:
        return len(self._keys)

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Nothing: it only holds."""
        raise RuntimeError(f"{type(self).__name__} should not be called.")


class ParameterList(_Held):
    """A list of parameters that are found by `parameters()`; other values may lie between them.

    >>> len(list(nn.ParameterList([engine.zeros(2), engine.zeros(3)]).parameters()))
    2
    """

    def __init__(self, values: Iterable[Any] | None = None) -> None:
        super().__init__()
        self.__dict__["_keys"] = {}
        self.extend(values or [])

    def append(self, value: Any) -> Self:
        """Add a value at the end."""
        self._put(str(len(self)), value)
        return self

    def extend(self, values: Iterable[Any]) -> Self:
        """Add values at the end."""
        if isinstance(values, Tensor) or not isinstance(values, Iterable):
            raise TypeError(f"ParameterList.extend should be called with an iterable, but got {type(values).__name__}")
        for value in list(values):
            self.append(value)
        return self

    def _name(self, index: int) -> str:
        if not -len(self) <= operator.index(index) < len(self):
            raise IndexError(f"index {index} is out of range")
        return str(index % len(self))

    def __getitem__(self, index: int | slice) -> Any:
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return getattr(self, self._name(index))

    def __setitem__(self, index: int, value: Any) -> None:
        self._put(self._name(index), value)

    def __iter__(self) -> Iterator[Any]:
        return iter([getattr(self, key) for key in self._keys])

    def __iadd__(self, values: Iterable[Any]) -> Self:
        return self.extend(values)

    def extra_repr(self) -> str:
        """A line for each value."""
        return "\n".join(
            f"  ({key}): {_line(value, str(getattr(value, 'dtype', '')))}" for key, value in enumerate(self)
        )


class ParameterDict(_Held):
    """Parameters by name, found by `parameters()`; other values may lie between them.

    >>> list(nn.ParameterDict({"left": engine.zeros(2)}).state_dict())
    ['left']
    """

    def __init__(self, parameters: Any = None) -> None:
        super().__init__()
        self.__dict__["_keys"] = {}
        self.update(parameters or {})

    def update(self, parameters: Any) -> None:
        """Add or replace values: from a mapping or from pairs."""
        if not isinstance(parameters, Iterable):
            raise TypeError(f"ParameterDict.update should be called with an iterable, got {type(parameters).__name__}")
        kept = isinstance(parameters, ParameterDict | OrderedDict) or not isinstance(parameters, Mapping)
        pairs = parameters.items() if isinstance(parameters, Mapping | ParameterDict) else parameters
        for key, value in pairs if kept else sorted(pairs):  # PyTorch sorts plain dictionaries
            self[key] = value

    def keys(self) -> Iterable[str]:
        """The names."""
        return self._keys.keys()

    def values(self) -> Iterable[Any]:
        """The values."""
        return (self[key] for key in self._keys)

    def items(self) -> Iterable[tuple[str, Any]]:
        """Names and values."""
        return ((key, self[key]) for key in self._keys)

    def get(self, key: str, default: Any = None) -> Any:
        """The value of a name, or `default`."""
        return getattr(self, key) if key in self._keys else default

    def setdefault(self, key: str, default: Any = None) -> Any:
        """The value of a name, which becomes `default` where there is none."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key: str) -> Any:
        """Take a value out."""
        return self._take(key)

    def popitem(self) -> tuple[str, Any]:
        """Take the last value out, with its name."""
        key = next(reversed(self._keys))
        return key, self._take(key)

    def clear(self) -> None:
        """Take all values out."""
        for key in list(self._keys):
            self._take(key)

    def copy(self) -> ParameterDict:
        """Another dictionary of the same parameters."""
        return ParameterDict(list(self.items()))

    def fromkeys(self, keys: Iterable[str], default: Any = None) -> ParameterDict:
        """One value under several names."""
        return ParameterDict((key, default) for key in keys)

    def __getitem__(self, key: str) -> Any:
        if key not in self._keys:
            raise KeyError(key)
        return getattr(self, key)

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise TypeError(f"Index given to ParameterDict cannot be used as a key as it is not a string ({key!r})")
        self._put(key, value)

    def __delitem__(self, key: str) -> None:
        self._take(key)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._keys))

    def __reversed__(self) -> Iterator[str]:
        return reversed(list(self._keys))

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __or__(self, other: ParameterDict) -> ParameterDict:
        return ParameterDict([*self.items(), *other.items()])

    def __ior__(self, other: Any) -> Self:  # type: ignore[misc]
        self.update(other)
        return self

    def extra_repr(self) -> str:
        """A line for each value."""
        return "\n".join(
            f"  ({key}): {_line(value, value.type() if isinstance(value, Tensor) else '')}"
            for key, value in self.items()
        )


def _line(value: Any, name: str) -> str:
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    kind = "Parameter" if isinstance(value, Parameter) else "Tensor"
    return f"{kind} containing: [{name} of size {'x'.join(map(str, value.shape))}]"
