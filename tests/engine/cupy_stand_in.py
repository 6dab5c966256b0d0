"""Stands in for CuPy on machines without a graphics processor, as strict as CuPy where that matters.

Its arrays lie in memory of their own kind: NumPy refuses them, they refuse NumPy's arrays, every result is an array,
never a NumPy scalar, and there are only the functions and methods that CuPy 14 has (their names are in
`cupy_names.txt`). So an operation that would copy to the host in silence, or call what CuPy lacks, fails here as it
would there. What only the device can show (its kernels, its memory, its speed) it cannot show.
"""

import importlib
import operator
from contextlib import nullcontext
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

NAMES: dict[str, set[str]] = {}
for _line in (Path(__file__).parent / "cupy_names.txt").read_text().splitlines():
    _room, _, _names = _line.partition(": ")
    NAMES[_room] = set(_names.split())


class ndarray:  # noqa: N801
    """An array on the device; `get()` copies it to the host, and nothing else does."""

    __module__ = "cupy"
    __array_priority__ = 100
    __array_ufunc__ = None
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, held: Any) -> None:
        self._held = np.asarray(held)

    device = SimpleNamespace(id=0)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()` explicitly.")

    def get(self) -> Any:
        return self._held.copy()

    def __getattr__(self, name: str) -> Any:
        if name not in NAMES["ndarray"]:
            raise AttributeError(f"cupy.ndarray has no attribute {name!r}")
        return there(getattr(self._held, name), f"ndarray.{name}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name == "_held":
            super().__setattr__(name, value)
        else:
            setattr(self._held, name, value)

    def __getitem__(self, key: Any) -> Any:
        return ndarray(self._held[here(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        self._held[here(key)] = here(value)

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Any:
        return (self[i] for i in range(len(self._held)))

    def __bool__(self) -> bool:
        return bool(self._held)

    def __int__(self) -> int:
        return int(self._held)

    def __float__(self) -> float:
        return float(self._held)

    def __index__(self) -> int:
        return operator.index(self._held.item())

    def __repr__(self) -> str:
        return f"cupy.{self._held!r}"


def _operator(name: str) -> Any:
    def run(self: ndarray, *others: Any) -> Any:
        found = getattr(self._held, name)(*(here(o) for o in others))
        return found if found is NotImplemented else ndarray(found)

    return run


ARITHMETIC = "add sub mul truediv floordiv mod pow matmul and or xor lshift rshift"
for _name in f"{ARITHMETIC} lt le gt ge eq ne neg pos abs invert".split():
    for _form in (f"__{_name}__", f"__r{_name}__"):
        if hasattr(np.ndarray, _form):
            setattr(ndarray, _form, _operator(_form))


def _in_place(name: str) -> Any:
    def run(self: ndarray, other: Any) -> ndarray:
        getattr(self._held, name)(here(other))
        return self

    return run


for _name in ARITHMETIC.split():
    setattr(ndarray, f"__i{_name}__", _in_place(f"__i{_name}__"))


def here(value: Any) -> Any:
    """A device's value for NumPy to work on; a NumPy array among them is refused, as CuPy does."""
    if isinstance(value, ndarray):
        return value._held
    if isinstance(value, np.ndarray):
        raise TypeError("Unsupported type <class 'numpy.ndarray'>")
    if isinstance(value, Function):
        return value.of
    if isinstance(value, list | tuple):
        return type(value)(here(v) for v in value)
    return {k: here(v) for k, v in value.items()} if isinstance(value, dict) else value


class Function:
    """A function of CuPy's, or a ufunc with its methods."""

    def __init__(self, of: Any, name: str) -> None:
        self.of, self._name = of, name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return there(self.of(*here(args), **here(kwargs)), self._name)

    def __getattr__(self, name: str) -> Any:
        if isinstance(self.of, np.ufunc) and name not in NAMES["ufunc"]:
            raise AttributeError(f"cupy.{self._name} has no method {name!r}")
        return there(getattr(self.of, name), f"{self._name}.{name}")


def there(value: Any, name: str) -> Any:
    """What NumPy gave, as CuPy gives it."""
    if isinstance(value, np.ndarray | np.generic):
        return ndarray(value)
    if isinstance(value, type | np.dtype) or value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple) and value and all(isinstance(v, np.ndarray | np.generic) for v in value):
        parts = [ndarray(np.asarray(v)) for v in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    if isinstance(value, list):
        return [there(v, name) for v in value]
    return Function(value, name) if callable(value) else value


class Room(ModuleType):
    """A module of CuPy's: the names that it has, computed by NumPy or SciPy."""

    def __init__(self, path: str, of: Any) -> None:
        super().__init__(path)
        self._path, self._of = path, of

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name not in NAMES[self.__dict__["_path"]]:
            raise AttributeError(f"{self.__dict__['_path']} has no {name!r}")
        if name == "linalg":
            return Room("cupy.linalg", np.linalg)
        return there(getattr(self.__dict__["_of"], name), name)


def asarray(value: Any, dtype: Any = None, **_: Any) -> ndarray:
    """From the host to the device: the one door."""
    return ndarray(np.array(value._held if isinstance(value, ndarray) else value, dtype))


def make_rooms() -> dict[str, ModuleType]:
    """The stand-in's modules by their paths."""
    cupy, cupyx = Room("cupy", np), ModuleType("cupyx")
    stream = SimpleNamespace(null=SimpleNamespace(synchronize=lambda: None))
    cupy.__dict__.update(ndarray=ndarray, asarray=asarray, array=asarray)
    cupy.__dict__["cuda"] = SimpleNamespace(
        Device=lambda index=0: nullcontext(),
        Stream=stream,
        is_available=lambda: True,
        runtime=SimpleNamespace(getDeviceCount=lambda: 1),
    )
    cupy.__dict__["lib"] = SimpleNamespace(stride_tricks=Room("cupy.lib.stride_tricks", np.lib.stride_tricks))
    cupyx.__dict__["scatter_add"] = lambda target, key, values: np.add.at(target._held, here(key), here(values))
    rooms = {"cupy": cupy, "cupyx": cupyx, "cupyx.scipy": ModuleType("cupyx.scipy")}
    for name in ("special", "linalg"):
        path = f"cupyx.scipy.{name}"
        rooms[path] = Room(path, importlib.import_module(f"scipy.{name}"))
    return rooms
