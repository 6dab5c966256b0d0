"""What type checkers and editors need to know of the methods that are derived: `python -m engine.signatures`.

It writes `declared.pyi`, the stub of the base class of Tensor: every method with its parameters and the first sentence
of its docstring. `--check` says whether the file is up to date, and changes nothing.
"""

from __future__ import annotations

import inspect
import keyword
import sys
from pathlib import Path
from types import FunctionType
from typing import Any

from engine.ops.op import OPS
from engine.tensor import Tensor

PLACE = Path(__file__).with_name("declared.pyi")
HEAD = '''"""The methods of Tensor that are derived from the registry. Written by `python -m engine.signatures`."""

import builtins
from typing import Any

from engine.tensor import Tensor

class Declared:
    __slots__ = ()
'''
RESULTS = {name: f"builtins.{name}" for name in ("bool", "int", "str", "float")} | {"Tensor": "Tensor", "None": "None"}
HERE = ("engine.tensor", "engine.values", "engine.declared")
SPECIAL = {"__setitem__": "None", "__delitem__": "None", "__format__": "str", "__dlpack__": "Any"}
SPECIAL |= {"__dlpack_device__": "tuple[int, int]"}
KINDS = inspect.Parameter


def text() -> str:
    """The whole stub."""
    derived = {name: given for name, given in sorted(vars(Tensor).items()) if _is_derived(name, given)}
    return HEAD + "".join(_declared(name, given) for name, given in derived.items())


def _is_derived(name: str, given: Any) -> bool:
    source = given.fget if isinstance(given, property) else given
    return isinstance(source, FunctionType) and source.__module__ not in HERE and not keyword.iskeyword(name)


def _declared(name: str, given: Any) -> str:
    if isinstance(given, property):
        return f"    @property\n    def {name}(self) -> Any: ...\n"
    summary = (inspect.getdoc(given) or "").partition("\n")[0].replace("\\", "\\\\").replace('"', "'")
    ignored = "  # type: ignore[override]" if name in ("__eq__", "__ne__") else ""
    body = f'\n        """{summary}"""\n' if summary and not name.startswith("__") else f" ...{ignored}\n"
    return f"    def {name}({_parameters(name, given)}) -> {_result(name, given)}:{body}"


def _parameters(name: str, given: Any) -> str:
    if name.startswith("__") and name not in ("__getitem__", "__setitem__", "__format__", "__dlpack__"):
        return "self, other: Any" if len(inspect.signature(given).parameters) > 1 else "self"
    if name == "__format__":
        return "self, format_spec: str"
    own = list(inspect.signature(given).parameters.values())
    if own and own[0].kind is KINDS.POSITIONAL_OR_KEYWORD:
        own = own[1:]
    parts, starred = ["self"], any(p.kind is KINDS.VAR_POSITIONAL for p in own)
    for p in own:
        if p.kind is KINDS.KEYWORD_ONLY and not starred:
            parts.append("*")
            starred = True
        mark = "*" if p.kind is KINDS.VAR_POSITIONAL else "**" if p.kind is KINDS.VAR_KEYWORD else ""
        parts.append(f"{mark}{p.name}: Any{' = ...' if p.default is not p.empty else ''}")
    return ", ".join(parts)


def _result(name: str, given: Any) -> str:
    said = str(getattr(given, "__annotations__", {}).get("return", ""))
    if name in SPECIAL:
        return SPECIAL[name]
    if name.rstrip("_") in OPS or name.endswith("_") or (name.startswith("__") and said in ("", "Any")):
        return "Tensor"
    return RESULTS.get(said, "Any")


def main(arguments: list[str]) -> int:
    """Write the stub, or say whether it is up to date."""
    wanted = text()
    if "--check" not in arguments:
        PLACE.write_text(wanted)
        return 0
    fresh = PLACE.exists() and PLACE.read_text() == wanted
    print("declared.pyi is up to date" if fresh else "declared.pyi is out of date: python -m engine.signatures")
    return 0 if fresh else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
