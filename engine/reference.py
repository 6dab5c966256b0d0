"""The engine's reference, built from the docstrings: `python -m engine.reference docs/manual/reference`.

A room is a public module (or `Tensor`); its entries are the public names found in it, each once, with the signature and
the docstring that the code has. `--check` says which pages are out of date, and changes nothing.
"""

from __future__ import annotations

import importlib
import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

ROOMS = {
    "engine": "Tensors, functions of tensors, devices, saving",
    "engine.Tensor": "Methods of a tensor",
    "engine.linalg": "Linear algebra",
    "engine.special": "Special functions",
    "engine.autograd": "Automatic differentiation",
    "engine.autograd.functional": "Derivatives of functions, PyTorch's first names",
    "engine.autograd.forward_ad": "Dual numbers",
    "engine.autograd.graph": "Nodes, edges, and what is saved for backward",
    "engine.utils.checkpoint": "Less memory for more time",
    "engine.func": "Derivatives of functions, composable",
    "engine.derivative": "Four ways to differentiate one function, and their cost",
    "engine.nn": "Layers and losses",
    "engine.nn.functional": "Layers and losses as functions",
    "engine.nn.init": "First values of parameters",
    "engine.nn.utils": "Clipping, vectors, normalised weights",
    "engine.nn.utils.rnn": "Sequences of different lengths",
    "engine.optim": "Optimisers",
    "engine.optim.lr_scheduler": "Schedules of the learning rate",
    "engine.optim.swa_utils": "Averages of models",
    "engine.distributions": "Distributions to draw from and to learn",
    "engine.data": "Data",
    "engine.data.transforms": "Changing images on the way to the network",
    "engine.vision.datasets": "Image sets",
    "engine.vision.transforms.functional": "Changes to images, as functions",
    "engine.vision.utils": "Images to files",
    "engine.cuda": "Graphics processors",
}


class Entry(NamedTuple):
    """One public name: where it is found, and what it is."""

    path: str
    thing: Any

    @property
    def text(self) -> str:
        """The docstring, without its indentation; empty where there is none of its own."""
        return inspect.cleandoc(getattr(self.thing, "__doc__", None) or "")

    @property
    def signature(self) -> str:
        """The parameters, as Python writes them, without the annotations."""
        try:
            found = inspect.signature(self.thing)
        except (TypeError, ValueError):
            return ""
        plain = [p.replace(annotation=p.empty) for p in found.parameters.values() if p.name != "self"]
        return re.sub(r"<(?:[^<>]|<\w+>)* at 0x[0-9a-f]+>", "...", str(inspect.Signature(plain)))


def room_of(path: str) -> Any:
    """The module or class of that name."""
    if path == "engine.Tensor":
        return importlib.import_module("engine").Tensor
    return importlib.import_module(path)


def entries(path: str) -> Iterator[Entry]:
    """Every public name of a room that our own code defines; aliases follow the first name."""
    room = room_of(path)
    for name in sorted(getattr(room, "__all__", None) or dir(room), key=lambda n: (n.lower(), n)):
        thing = inspect.getattr_static(room, name, None) or getattr(room, name, None)
        thing = getattr(thing, "__func__", thing)
        spaced = path == "engine" and name.startswith(("linalg_", "special_"))  # their rooms show them
        if not name.startswith("_") and not spaced and _ours(thing) and not getattr(thing, "inner", False):
            yield Entry(f"{path}.{name}", thing)


def _ours(thing: Any) -> bool:
    if isinstance(thing, ModuleType) or not (callable(thing) or isinstance(thing, property)):
        return False
    home = getattr(thing.fget if isinstance(thing, property) else thing, "__module__", "") or ""
    return home.partition(".")[0] == "engine"


def page(path: str, known: dict[int, str]) -> str:
    """The room's page in Markdown. What another room shows (`known`), and forms in place, are only named."""
    lines, elsewhere, in_place = [f"# {path}", "", f"{ROOMS[path]}. {_first(room_of(path).__doc__)}", ""], [], []
    for entry in entries(path):
        name = entry.path.rpartition(".")[2]
        if entry.text.startswith("In place: ") and name.endswith("_"):
            in_place.append(f"`{name}`")
        elif known.setdefault(id(entry.thing), entry.path) != entry.path:
            elsewhere.append(f"`{name}`: `{known[id(entry.thing)]}`")
        else:
            lines += [f"## {entry.path}", "", f"`{name}{entry.signature}`", "", *_prose(entry.text), ""]
    lines += ["## In place", "", ", ".join(in_place), ""] if in_place else []
    lines += ["## Described elsewhere", "", ", ".join(elsewhere), ""] if elsewhere else []
    return "\n".join(lines).rstrip() + "\n"


def _first(text: str | None) -> str:
    return inspect.cleandoc(text or "").partition("\n\n")[0].replace("\n", " ")


def _prose(text: str) -> list[str]:
    """A docstring as Markdown: examples in fences, the rest as it stands."""
    fenced = re.sub(r"((?:^[ ]*>>> .*\n(?:[ ]*\S.*\n)*)+)", r"```python\n\1```\n", text + "\n", flags=re.M)
    return fenced.rstrip().splitlines()


def main(arguments: list[str]) -> int:
    """Write the pages into a folder, or (--check) say which differ from what the code says."""
    check = "--check" in arguments
    folder = Path(next(a for a in arguments if not a.startswith("--")))
    stale, known = 0, dict[int, str]()
    for path in ROOMS:
        file, text = folder / f"{path}.md", page(path, known)
        if not check:
            folder.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        elif not file.exists() or file.read_text() != text:
            stale += 1
            print(f"{file.name} is out of date: run `python -m engine.reference {folder}`")
    return min(stale, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
