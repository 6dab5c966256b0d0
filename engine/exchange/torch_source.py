"""A run as a PyTorch script that needs torch and NumPy alone and shows the same losses."""

from __future__ import annotations

import base64
import keyword
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
TEMPLATE = Path(__file__).with_name("torch_template.txt")

# Layers that PyTorch does not have, as modules of the script.
OWN_LAYERS = {
    "Add": "class Add(nn.Module):\n    def forward(self, *inputs):\n        return sum(inputs[1:], inputs[0])\n",
    "Concatenate": (
        "class Concatenate(nn.Module):\n    def __init__(self, dim=1):\n        super().__init__()\n"
        "        self.dim = dim\n\n"
        "    def forward(self, *inputs):\n        return torch.cat(inputs, self.dim)\n"
    ),
}
TAKEN = frozenset(
    {"self", "training", "forward", "dump_patches", "call_super_init", "T_destination", "nn", "torch", "F"}
)


@dataclass(frozen=True)
class Layer:
    """A node of the network: its id, PyTorch's class, the constructor's settings, and the ids it reads."""

    id: str
    kind: str
    settings: dict[str, Any]
    inputs: list[str]
    shares: str | None = None


@dataclass(frozen=True)
class Embedded:
    """Examples inside the script: train x and labels, test x and labels."""

    arrays: tuple[Array, Array, Array, Array]


@dataclass(frozen=True)
class Files:
    """Images in files: `kind` mnist or cifar10, where they were read, and how they are prepared."""

    kind: str
    folder: str
    pad: int
    limit: int | None
    validation: float
    seed: int
    mean: list[float]
    std: list[float]


@dataclass
class Recipe:
    """Everything that a script needs, in plain values."""

    title: str
    input: str
    layers: list[Layer]
    output: str
    weights: dict[str, Array]
    """First values by name ``<node>.<parameter>``."""
    data: list[Embedded | Files]
    """The data sets in the order in which they came; the first is there from the start."""
    loss: tuple[str, dict[str, Any]]
    optimizer: tuple[str, dict[str, Any]]
    schedule: dict[str, Any] | None
    penalty: dict[str, Any]
    batches: dict[str, Any]
    batch_seed: int
    reading: str
    outputs: int
    steps: int
    changes: list[tuple[int, str, Any]] = field(default_factory=list)
    """(after this step, what, value); what: loss reading optimizer schedule penalty batches data parameter."""
    masks: bool = False
    """Whether dropout draws masks, which a script cannot repeat."""


def torch_source(recipe: Recipe, file: str = "run.py") -> str:
    """The text of the script."""
    names = python_names([recipe.input, *(layer.id for layer in recipe.layers)])
    parts = {
        "TITLE": recipe.title.replace("\\", " ").replace('"', "'"),
        "REMARK": "\nIts dropout masks are drawn by torch, so its losses differ in detail." if recipe.masks else "",
        "FILE": file,
        "HELPERS": _helpers(recipe),
        "LAYERS": _layers(recipe, names),
        "INPUT": names[recipe.input],
        "FORWARD": _forward(recipe, names),
        "CHANGES": "".join(f"    {change!r},\n" for change in recipe.changes),
        "DATA": _data(recipe.data),
        "FOLDER": _folder(recipe.data),
        "WEIGHTS": _weights(recipe, names),
    }
    for name in ("loss", "optimizer", "schedule", "penalty", "batches", "batch_seed", "reading", "outputs", "steps"):
        parts[name.upper()] = repr(getattr(recipe, name))
    text = TEMPLATE.read_text(encoding="utf-8")
    for name, part in parts.items():
        text = text.replace("{{" + name + "}}", part)
    return text


def python_names(ids: list[str]) -> dict[str, str]:
    """Ids as names that may stand in the script: an underscore more where Python or torch has the word for itself."""
    names: dict[str, str] = {}
    for name in ids:
        safe = name
        while (
            keyword.iskeyword(safe)
            or safe in TAKEN | MODULE_WORDS
            or (safe != name and safe in {*ids, *names.values()})
        ):
            safe += "_"
        names[name] = safe
    return names


# Public attributes of torch.nn.Module, which a layer cannot be called in the script.
MODULE_WORDS = frozenset(
    """
    add_module apply bfloat16 buffers children compile cpu cuda double eval extra_repr float get_buffer
    get_extra_state get_parameter get_submodule half ipu load_state_dict modules mtia named_buffers named_children
    named_modules named_parameters parameters register_backward_hook register_buffer register_forward_hook
    register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
    register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module register_parameter
    register_state_dict_post_hook register_state_dict_pre_hook requires_grad_ set_extra_state set_submodule
    share_memory state_dict to to_empty train type xpu zero_grad
    """.split()  # noqa: SIM905  (a page of words)
)


def _helpers(recipe: Recipe) -> str:
    used = {layer.kind for layer in recipe.layers}
    return "".join(f"{text}\n\n" for kind, text in OWN_LAYERS.items() if kind in used)


def _layers(recipe: Recipe, names: dict[str, str]) -> str:
    lines = [f"        self.{names[x.id]} = {_call(x)}" for x in recipe.layers if x.shares is None]
    return "\n".join(lines) or "        pass"


def _call(layer: Layer) -> str:
    prefix = "" if layer.kind in OWN_LAYERS else "nn."
    return f"{prefix}{layer.kind}({', '.join(f'{key}={value!r}' for key, value in layer.settings.items())})"


def _forward(recipe: Recipe, names: dict[str, str]) -> str:
    lines = [
        f"        {names[x.id]} = self.{names[x.shares or x.id]}({', '.join(names[i] for i in x.inputs)})"
        for x in recipe.layers
    ]
    return "\n".join([*lines, f"        return {names[recipe.output]}"])


def _weights(recipe: Recipe, names: dict[str, str]) -> str:
    lines = []
    for name, array in recipe.weights.items():
        node, _, rest = name.partition(".")
        lines.append(f"    {f'{names[node]}.{rest}'!r}: {_packed(array)},\n")
    return "".join(lines)


def _packed(array: Array) -> str:
    """An array as the arguments of the script's `unpack`."""
    little = np.ascontiguousarray(array)
    little = little.astype(little.dtype.newbyteorder("<"), copy=False)
    text = base64.b64encode(zlib.compress(little.tobytes(), 9)).decode()
    return f"({tuple(array.shape)!r}, {little.dtype.str!r}, {text!r})"


def _folder(data: list[Embedded | Files]) -> str:
    first = next((d for d in data if isinstance(d, Files)), None)
    return "None" if first is None else f"Path({first.folder!r})"


def _data(data: list[Embedded | Files]) -> str:
    entries = "".join(f"    {_entry(d)},\n" for d in data)
    reader = FILES_READER if any(isinstance(d, Files) for d in data) else EMBEDDED_READER
    return f"DATA = [\n{entries}]\n\n\n{reader}"


def _entry(data: Embedded | Files) -> str:
    if isinstance(data, Files):
        return repr({key: value for key, value in vars(data).items() if key != "folder"})
    return "[" + ", ".join(_packed(array) for array in data.arrays) + "]"


EMBEDDED_READER = '''def load_data(which):
    """Train inputs and labels, test inputs and labels."""
    return [unpack(*packed) for packed in DATA[which]]
'''

FILES_READER = '''def read(name):
    packed = FOLDER / (name + ".gz")
    return gzip.decompress(packed.read_bytes()) if packed.is_file() else (FOLDER / name).read_bytes()


def read_idx(name):
    content = read(name)
    axes = content[3]
    shape = np.frombuffer(content, ">u4", axes, 4).astype(int)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * axes).reshape(shape)


def read_mnist(stem):
    return read_idx(stem + "-images-idx3-ubyte")[:, None], read_idx(stem + "-labels-idx1-ubyte").astype(np.int64)


def read_cifar10(names):
    there = [name for name in names if (FOLDER / name).is_file() or (FOLDER / (name + ".gz")).is_file()]
    records = np.concatenate([np.frombuffer(read(name), np.uint8).reshape(-1, 3073) for name in there])
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].astype(np.int64)


def normalised(images, settings):
    pad = settings["pad"]
    padded = np.pad(images, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    found = np.empty(padded.shape, np.float32)
    for channel, (mean, std) in enumerate(zip(settings["mean"], settings["std"])):
        found[:, channel] = ((np.arange(256) / 255 - mean) / std).astype(np.float32)[padded[:, channel]]
    return found


def load_data(which):
    """Train inputs and labels, test inputs and labels."""
    settings = DATA[which]
    if isinstance(settings, list):
        return [unpack(*packed) for packed in settings]
    if settings["kind"] == "mnist":
        (x, labels), test = read_mnist("train"), read_mnist("t10k")
    else:
        x, labels = read_cifar10([f"data_batch_{i}.bin" for i in range(1, 6)])
        test = read_cifar10(["test_batch.bin"])
    x, labels = x[: settings["limit"]], labels[: settings["limit"]]
    held = int(len(x) * settings["validation"] / 100)
    if held:
        order = np.random.Generator(np.random.Philox(key=settings["seed"])).permutation(len(x))
        x, labels = x[np.sort(order[held:])], labels[np.sort(order[held:])]
    return [normalised(x, settings), labels, normalised(test[0], settings), test[1]]
'''
