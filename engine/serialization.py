"""`save` and `load`: trees of tensors, numbers and words in ONE file, and never a program (no pickle).

The file is a safetensors file: the length of a header, the header (JSON: for each block of memory its type, shape and
place), then the bytes. The tree stands in the header's metadata as JSON, so that other programs can read the tensors,
and this one everything. Tensors that share memory are stored once and share it again.
"""

from __future__ import annotations

import json
import math
import os
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from engine import array as arrays_
from engine.array import Device, DType
from engine.errors import ArgumentError, DataError
from engine.graph import Size
from engine.ops.strided import Layout
from engine.storage import dense_steps
from engine.tensor import Tensor, wrap

File = str | os.PathLike[str] | BinaryIO
CODES = {"float16": "F16", "float32": "F32", "float64": "F64", "bool": "BOOL"}
CODES |= {"uint8": "U8", "int8": "I8", "int16": "I16", "int32": "I32", "int64": "I64"}
KINDS = {code: arrays_.DTYPES[name] for name, code in CODES.items()}
FORMAT = "engine-tree-1"
LONGEST_HEADER = 100_000_000


def save(obj: Any, f: File, pickle_module: Any = None, pickle_protocol: Any = None, **_: Any) -> None:
    """Write a tree of dict, list, tuple, str, number, bool, None and tensors to a file.

    Anything else is refused by the name of its place in the tree.

    >>> import io; file = io.BytesIO(); engine.save({"step": 3, "w": engine.ones(2)}, file)
    >>> file.seek(0); engine.load(file)
    0
    {'step': 3, 'w': tensor([1., 1.])}
    """
    memory = Memory()
    tree = memory.described(obj, "")
    text = json.dumps({**memory.header(), "__metadata__": {"format": FORMAT, "tree": json.dumps(tree)}}).encode()
    text += b" " * (-len(text) % 8)
    _written(f, [len(text).to_bytes(8, "little"), text, *(block.tobytes() for _, block in memory.ordered())])


def _written(f: File, parts: list[bytes]) -> None:
    if hasattr(f, "write"):
        for part in parts:
            f.write(part)
        return
    path = Path(f)
    beside = path.with_name(f".{path.name}.part")
    with beside.open("wb") as file:
        for part in parts:
            file.write(part)
    beside.replace(path)


class Memory:
    """The blocks of memory behind the tensors of a tree, each once."""

    def __init__(self) -> None:
        self.blocks: dict[str, Any] = {}
        self._names: dict[tuple[int, str], str] = {}
        self._kept: list[Any] = []

    def ordered(self) -> list[tuple[str, Any]]:
        """The blocks with the widest elements first, so that each starts at a multiple of its element's width."""
        return sorted(self.blocks.items(), key=lambda pair: -pair[1].itemsize)

    def header(self) -> dict[str, Any]:
        """Type, shape and place in the file of every block."""
        found, start = {}, 0
        for name, block in self.ordered():
            code, end = CODES[arrays_.OF_NUMPY[block.dtype].name], start + block.nbytes
            found[name] = {"dtype": code, "shape": list(block.shape), "data_offsets": [start, end]}
            start = end
        return found

    def described(self, value: Any, place: str) -> Any:
        """A value as JSON. Lists stand for themselves; everything else that JSON has not is {"kind": ...}."""
        kind = type(value)
        if value is None or kind in (bool, str, int):
            return value
        if kind is float:
            return value if math.isfinite(value) else {"kind": "float", "value": repr(value)}
        if kind is list:
            return [self.described(v, f"{place}[{i}]") for i, v in enumerate(value)]
        if kind in (tuple, Size):
            items = [self.described(v, f"{place}[{i}]") for i, v in enumerate(value)]
            return {"kind": "tuple" if kind is tuple else "size", "items": items}
        if isinstance(value, dict):
            return self._dict(value, place)
        return self._other(value, place)

    def _dict(self, value: dict[Any, Any], place: str) -> Any:
        if type(value) not in (dict, OrderedDict) and type(value).__module__ != "collections":
            raise ArgumentError(_at(place), "a plain dict", type(value).__name__, "Save its state_dict() or dict(...).")
        pairs = []
        for key, item in value.items():
            if not isinstance(key, str | int | float | bool | tuple | None):
                raise ArgumentError(_at(place), "keys that are words or numbers", repr(key))
            pairs.append([self.described(key, place), self.described(item, f"{place}[{key!r}]")])
        return {"kind": "ordered" if isinstance(value, OrderedDict) else "dict", "items": pairs}

    def _other(self, value: Any, place: str) -> Any:
        if isinstance(value, Tensor):
            return self._tensor(value)
        if isinstance(value, np.generic) and value.dtype in arrays_.OF_NUMPY:
            return self.described(value.item(), place)
        if isinstance(value, DType | Device):
            return {"kind": type(value).__name__.lower(), "value": str(value).removeprefix("engine.")}
        hint = "Save the state_dict() of a module or an optimizer, and plain numbers, words and tensors."
        expected = "a dict, list, tuple, str, number, bool, None or tensor"
        raise ArgumentError(_at(place), expected, type(value).__qualname__, hint)

    def _tensor(self, t: Tensor) -> Any:
        a = arrays_.to_host(t._known("save"))
        layout, owner = Layout(a.shape, arrays_.steps_of(a), t.storage_offset()), arrays_.flat_memory(a)
        if not arrays_.shares(a, owner) or layout.offset < 0 or layout.needs() > owner.size or not a.size:
            owner = np.ascontiguousarray(a)
            layout = Layout(a.shape, dense_steps(a.shape), 0)
        found: dict[str, Any] = {
            "kind": "tensor",
            "memory": self._name(owner),
            "size": list(a.shape),
            "stride": list(layout.stride),
        }
        found |= {"offset": layout.offset, "requires_grad": t.requires_grad and t.is_leaf}
        return found | {"class": type(t).__name__, "device": str(t.device)}

    def _name(self, owner: Any) -> str:
        key = (arrays_.address(owner), owner.dtype.str) if owner.size else (id(owner), "")
        if key not in self._names:
            self._names[key] = str(len(self.blocks))
            self._kept.append(owner)
            self.blocks[self._names[key]] = owner.ravel()
        return self._names[key]


def _at(place: str) -> str:
    return f"save: the value at obj{place}" if place else "save: the value"


# ------------------------------------------------------------------------------------------------------ reading
CLASSES: dict[str, Callable[[Tensor, bool], Tensor]] = {}
"""Classes of tensors that rooms above bring along (Parameter), by name: what is read becomes one of them."""


def load(
    f: File, map_location: Any = None, pickle_module: Any = None, *, weights_only: bool = True, mmap: bool = False
) -> Any:  # fmt: skip
    """Read what `save` wrote; map_location: the device where the tensors shall lie.

    A plain safetensors file gives a dict of its tensors. PyTorch's own files are programs (pickle) and are refused.

    >>> import io; file = io.BytesIO(); engine.save([1, (2.5, "a")], file); place = file.seek(0); engine.load(file)
    [1, (2.5, 'a')]
    """
    data = f.read() if hasattr(f, "read") else Path(f).read_bytes()
    header, blocks = _parsed(data, getattr(f, "name", None) or (str(f) if not hasattr(f, "read") else "the file"))
    words = header.get("__metadata__") or {}
    reader = Reader(blocks, map_location)
    if words.get("format") != FORMAT:
        return {name: reader.placed(wrap(block.copy()), "cpu") for name, block in blocks.items()}
    try:
        return reader.value(json.loads(words["tree"]))
    except (KeyError, TypeError, ValueError, IndexError, RecursionError) as damage:
        raise DataError("load", "a tree as `save` writes it", f"{type(damage).__name__}: {damage}") from damage


def _parsed(data: bytes, name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The header and the blocks of a safetensors file, every number of it checked."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(len(data) - 8, LONGEST_HEADER):
        if data[:2] == b"PK" or data[:1] == b"\x80":
            raise DataError(f"load: {name}", "a file of engine.save", "a pickle", "Such files are programs.")
        raise DataError(f"load: {name}", "a whole file", f"{len(data)} bytes, cut off or damaged")
    try:
        header = json.loads(data[8 : 8 + length])
        body = memoryview(bytearray(memoryview(data)[8 + length :]))
        blocks = {k: _block(body, entry) for k, entry in header.items() if k != "__metadata__"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as damage:
        raise DataError(f"load: {name}", "a header of safetensors", f"damage: {damage}") from damage
    return header, blocks


def _block(body: memoryview, entry: Any) -> Any:
    start, end = entry["data_offsets"]
    kind, shape = KINDS[entry["dtype"]].numpy, tuple(entry["shape"])
    if (
        not 0 <= start <= end <= len(body)
        or end - start != math.prod(shape) * kind.itemsize
        or min(shape, default=0) < 0
    ):
        raise ValueError(f"a block from byte {start} to {end} for shape {list(shape)}, in {len(body)} bytes")
    return np.frombuffer(body[start:end], kind).reshape(shape)


class Reader:
    """Values from their JSON, tensors from their blocks."""

    def __init__(self, blocks: dict[str, Any], map_location: Any) -> None:
        self.blocks, self.map_location, self._moved = blocks, map_location, dict[tuple[str, str], Any]()

    def value(self, said: Any) -> Any:
        """One value of the tree."""
        if isinstance(said, list):
            return [self.value(v) for v in said]
        return READERS[said["kind"]](self, said) if isinstance(said, dict) else said

    def _float(self, said: Any) -> float:
        return float(said["value"])

    def _tuple(self, said: Any) -> Any:
        return tuple(self.value(v) for v in said["items"])

    def _size(self, said: Any) -> Any:
        return Size(self.value(v) for v in said["items"])

    def _dict(self, said: Any) -> Any:
        return {self.value(k): self.value(v) for k, v in said["items"]}

    def _ordered(self, said: Any) -> Any:
        return OrderedDict((self.value(k), self.value(v)) for k, v in said["items"])

    def _dtype(self, said: Any) -> Any:
        return arrays_.DTYPES[said["value"]]

    def _device(self, said: Any) -> Any:
        return Device(said["value"])

    def _tensor(self, said: Any) -> Tensor:
        block = self.blocks[said["memory"]]
        size, stride, offset = tuple(said["size"]), tuple(said["stride"]), said["offset"]
        if min((*size, *stride, offset)) < 0 or Layout(size, stride, offset).needs() > block.size:
            raise ValueError(f"a tensor of shape {list(size)} in a block of {block.size} elements")
        device = self._target(said["device"])
        memory = self._moved.setdefault((said["memory"], str(device)), arrays_.to_device(block, device))
        t = wrap(arrays_.seen(memory, size, stride, offset))
        if said["class"] in CLASSES:
            return CLASSES[said["class"]](t, said["requires_grad"])
        return t.requires_grad_() if said["requires_grad"] else t

    def placed(self, t: Tensor, device: str) -> Tensor:
        """A tensor where `map_location` wants it."""
        return t.to(self._target(device))

    def _target(self, device: str) -> Device:
        wanted = self.map_location
        if callable(wanted):
            storage = object()
            wanted = "cpu" if wanted(storage, device) is storage else wanted
        if isinstance(wanted, dict):
            wanted = wanted.get(device, device)
        return Device(device if wanted is None else wanted)


READERS: dict[str, Callable[[Reader, Any], Any]] = {
    name: getattr(Reader, f"_{name}")
    for name in ("float", "tuple", "size", "dict", "ordered", "dtype", "device", "tensor")
}
