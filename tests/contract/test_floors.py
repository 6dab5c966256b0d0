"""Who may import whom. An import goes down, never up, never sideways; imports inside functions count."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[2]
CORE = ("engine.errors", "engine.elements", "engine.array", "engine.rng")
TAPE = ("engine.tensor", "engine.operands", "engine.graph", "engine.values", "engine.declared", "engine.ops", *CORE)
WALKS = (
    "engine.autodiff",
    "engine.counted",
    "engine.create",
    "engine.draws",
    "engine.forward",
    "engine.functions",
    "engine.inplace",
    "engine.methods",
    "engine.sample",
    *TAPE,
)

# A room and the rooms it may import, besides itself. Rooms of one line never import each other.
FLOORS: dict[str, tuple[str, ...]] = {
    "engine.errors": (),
    "engine.elements": ("engine.errors",),
    "engine.array": ("engine.elements", "engine.errors"),
    "engine.rng": ("engine.errors", "engine.array"),
    "engine.ops": CORE,
    "engine.cuda": CORE,
    "engine.random": CORE,
    "engine.accelerator": CORE,
    "engine.amp": CORE,
    "engine.imports": (),
    "engine.testing": TAPE,
    "engine.backends": CORE,
    "engine.mps": (),
    "engine.xpu": (),
    "engine.version": (),
    "engine.dtypes": ("engine.conversion", "engine.create", *TAPE),
    "engine.declared": (),
    "engine.graph": ("engine.ops", *CORE),
    "engine.values": ("engine.declared", "engine.graph", "engine.ops", *CORE),
    "engine.tensor": TAPE[1:],
    "engine.operands": ("engine.ops", *CORE),
    "engine.printing": TAPE,
    "engine.linalg": ("engine.methods", *TAPE),
    "engine.functions": ("engine.methods", "engine.derived", *TAPE),
    "engine.inplace": TAPE,
    "engine.return_types": (),
    "engine.special": ("engine.functions",),
    "engine.derived": ("engine.inplace", "engine.return_types", *TAPE),
    "engine.indexing": ("engine.inplace", *TAPE),
    "engine.conversion": TAPE,
    "engine.storage": TAPE,
    "engine.signatures": TAPE,
    "engine.serialization": ("engine.storage", *TAPE),
    "engine.members": ("engine.indexing", "engine.inplace", *TAPE),
    "engine.methods": (
        "engine.derived",
        "engine.indexing",
        "engine.members",
        "engine.conversion",
        "engine.storage",
        "engine.inplace",
        *TAPE,
    ),
    "engine.hooks": TAPE,
    "engine.grad_mode": TAPE,
    "engine.sweep": ("engine.hooks", *TAPE),
    "engine.autodiff": ("engine.sweep", "engine.hooks", "engine.grad_mode", "engine.methods", "engine.inplace", *TAPE),
    "engine.anomaly": TAPE,
    "engine.tree": (),
    "engine.saved": ("engine.sweep", *TAPE),
    "engine.forward": ("engine.sweep", "engine.autodiff", "engine.tree", *TAPE),
    "engine.custom": ("engine.forward", "engine.saved", "engine.sweep", "engine.autodiff", "engine.inplace", *TAPE),
    "engine.check": ("engine.forward", "engine.autodiff", *TAPE),
    "engine.checkpoint": ("engine.saved", "engine.autodiff", *TAPE),
    "engine.stateless": ("engine.autodiff", *TAPE),
    "engine.func": ("engine.stateless", "engine.sweep", "engine.forward", "engine.autodiff", "engine.tree", *TAPE),
    "engine.derivative": ("engine.sweep", "engine.func", "engine.forward", "engine.autodiff", "engine.tree", *TAPE),
    "engine.autograd": (
        "engine.anomaly",
        "engine.check",
        "engine.custom",
        "engine.forward",
        "engine.saved",
        "engine.hooks",
        "engine.sweep",
        "engine.autodiff",
        *TAPE,
    ),
    "engine.create": ("engine.derived", "engine.inplace", *TAPE),
    "engine.counted": ("engine.create", "engine.derived", "engine.inplace", *TAPE),
    "engine.sample": ("engine.graph", "engine.ops", *CORE),
    "engine.draws": ("engine.create", "engine.derived", "engine.inplace", "engine.sample", *TAPE),
    "engine.distributed": CORE,
    "engine.onnx": CORE,
    "engine.distributions": ("engine.grad_mode", *WALKS),
    "engine.nn": ("engine.custom", *WALKS),
    "engine.optim": ("engine.nn", *WALKS),
    "engine.data": ("engine.nn", *WALKS),
    "engine.probes": ("engine.optim", "engine.data", "engine.nn", *WALKS),
}
STEPS = ("engine.optim", "engine.nn", "engine.sweep", "engine.hooks", "engine.inplace", "engine.tree", *WALKS)

# A room of the compiler: the rooms that it builds on, and what it needs from outside.
COMPILER: dict[str, tuple[str, tuple[str, ...]]] = {
    "machine": ("", CORE),
    "graph": ("machine", ("engine.ops", *CORE)),
    "code": ("machine graph", ()),
    "kernels": ("machine graph code", ("engine.ops",)),
    "lowering": ("machine graph", STEPS),
    "trace": ("machine graph lowering", STEPS),
    "passes": ("graph", ()),
    "plan": ("machine graph kernels", ()),
    "schedule": ("machine graph kernels plan", ()),
    "reuse": ("machine graph kernels plan schedule lowering trace", STEPS),
    "run": ("machine graph code kernels passes plan schedule trace reuse", STEPS),
}
for _name, (_rooms, _outside) in COMPILER.items():
    FLOORS[f"engine.compiler.{_name}"] = (*(f"engine.compiler.{r}" for r in _rooms.split()), *_outside)
FLOORS["engine.compiler"] = (*(f"engine.compiler.{name}" for name in COMPILER), *STEPS)
FLOORS["engine.utils"] = ("engine.checkpoint", "engine.data", "engine.members", *TAPE)
FLOORS["engine.vision"] = ("engine.data", *FLOORS["engine.data"])
FLOORS["engine.spec"] = ("engine.probes", *FLOORS["engine.probes"])
FLOORS["engine.exchange"] = ("engine.spec", *FLOORS["engine.spec"])
FLOORS["engine.train"] = ("engine.compiler", "engine.exchange", *FLOORS["engine.exchange"])

ROOMS = ("catalog", "graphs", "runs", "stream", "datasets", "lessons", "classroom")
GROUND = (
    "backend.errors",
    "backend.settings",
    "backend.protocol",
    "backend.frames",
    "backend.db",
    "backend.migrations",
    "engine",
)
FLOORS["backend.bench"] = ("engine",)
for _room in ROOMS:
    FLOORS[f"backend.{_room}"] = GROUND
for _ground in GROUND[:-1]:
    FLOORS[_ground] = GROUND

# Where everything is plugged together: the public face of the engine, the server's own entry points.
DOORS = {
    f"backend.{name}"
    for name in ("app", "cli", "client", "claim", "dev", "guard", "pages", "schema", "server", "shell", "verbs")
} | {"engine", "engine.reference"}

# A library, and the rooms that may import it.
OWNERS: dict[str, tuple[str, ...]] = {
    "llvmlite": ("engine.compiler",),
    "cupy": ("engine.array", "engine.compiler"),
    "cupyx": ("engine.array", "engine.compiler"),
    "pydantic": ("engine.spec", "engine.train", "engine.exchange", "backend"),
    "safetensors": ("engine.exchange", "engine.train", "backend"),
    "fastapi": ("backend",),
    "starlette": ("backend",),
    "uvicorn": ("backend",),
    "sqlalchemy": ("backend.db", "backend.migrations", "backend.runs", "backend.datasets", "backend.app"),
    "httpx": ("backend.client", "backend.shell"),
    "rich": ("backend.shell",),
    "torch": (),
}


def room(module: str) -> str | None:
    return max((r for r in FLOORS if module == r or module.startswith(r + ".")), key=len, default=None)


def running(tree: ast.AST) -> Iterator[ast.AST]:
    """Every node that runs: what stands under `if TYPE_CHECKING` is for readers and type checkers alone."""
    for node in ast.iter_child_nodes(tree):
        if not (isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"):
            yield node
            yield from running(node)


def imports() -> Iterator[tuple[str, str]]:
    for path in [*HOUSE.glob("engine/**/*.py"), *HOUSE.glob("backend/**/*.py")]:
        module = ".".join(path.relative_to(HOUSE).with_suffix("").parts).removesuffix(".__init__")
        for node in running(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((module, alias.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                assert node.level == 0, f"{module} imports relatively: write the whole name"
                yield from ((module, f"{node.module}.{alias.name}") for alias in node.names)


def test_every_module_has_a_floor() -> None:
    homeless = {m for m, _ in IMPORTS if not room(m)} - DOORS
    assert not homeless, "give it a line in FLOORS"


IMPORTS = sorted(set(imports()))


@pytest.mark.parametrize("module", sorted({module for module, _ in IMPORTS}))
def test_a_module_imports_only_rooms_below_its_own(module: str) -> None:
    here = room(module)
    for imported in (name for importer, name in IMPORTS if importer == module):
        there = room(imported)
        if here and there and there != here:
            allowed = FLOORS[here]
            assert any(there == r or there.startswith(r + ".") for r in allowed), f"{module} may not import {imported}"


@pytest.mark.parametrize("library", OWNERS)
def test_a_library_is_imported_only_by_its_owners(library: str) -> None:
    users = {m for m, name in IMPORTS if name == library or name.startswith(library + ".")}
    strangers = {m for m in users if not m.startswith(OWNERS[library]) or not OWNERS[library]}
    assert not strangers, f"only {OWNERS[library]} may import {library}"


def test_the_engine_never_imports_the_backend() -> None:
    assert not [m for m, name in IMPORTS if m.startswith("engine") and name.startswith("backend")]


@pytest.mark.parametrize("folder", ["", *COMPILER])
def test_a_room_of_the_compiler_says_what_lies_in_it(folder: str) -> None:
    place = HOUSE / "engine" / "compiler" / folder
    page = ast.get_docstring(ast.parse((place / "__init__.py").read_text())) or ""
    here = {path.stem for path in place.glob("*.py")} - {"__init__"} | ({*COMPILER} if not folder else set())
    assert here <= set(re.findall(r"\w+", page)), "a file that its room does not name"
    assert set(re.findall(r"^(\w+)  ", page, re.MULTILINE)) <= here, "a name without a file"
