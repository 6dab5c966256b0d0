"""The exported script, run by torch, prints the losses that the run showed, to six digits."""

import importlib.util
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.exchange.torch_source import python_names
from engine.spec import RunSpec, presets
from engine.train import Run

COLUMNS = ("train_loss", "test_loss", "train_accuracy", "test_accuracy")
SIX_DIGITS = 5e-6
"""Half a unit in the sixth digit of a number that begins with 1."""


def advance(run: Run, steps: int) -> list[Any]:
    run.command({"op": "step", "unit": "batch", "count": steps})
    events = run.advance(0)
    while run.wait() == 0:
        events += run.advance(10)
    return events


def planar(name: str, epochs: int = 10) -> tuple[Run, list[Any]]:
    run = Run(next(p for p in presets if p.id == name).spec)
    return run, advance(run, epochs * run._training.cursor.batches_per_epoch)


def images(name: str, **changes: object) -> tuple[Run, list[Any]]:
    spec = next(p for p in presets if p.id == name).spec.model_copy(deep=True)
    spec.data.params |= changes
    run = Run(spec)
    return run, advance(run, 9)


def settings_changed() -> tuple[Run, list[Any]]:
    run = Run(RunSpec(pace=None))
    events = run.advance(0)
    for path, value in CHANGES:
        events += advance(run, 37)
        ack = run.command({"op": "set", "path": path, "value": value})
        assert ack.problem is None, ack.problem
    return run, events + advance(run, 60)


CHANGES: list[tuple[str, Any]] = [
    ("optimizer.params.lr", 0.1),
    ("penalty", {"kind": "l1", "rate": 0.01, "style": "after_step"}),
    ("batches", {"size": 16, "last": "carry"}),
    ("optimizer", {"kind": "Adam", "params": {"lr": 0.01}}),
    ("parameters.hidden1.weight[1,0]", 0.75),
    ("schedule", {"kind": "ExponentialLR", "unit": "epoch", "params": {"gamma": 0.9}}),
    ("optimizer.params.betas", [0.8, 0.99]),
    ("data.params.noise", 15),
    ("seeds.data", 3),
    ("penalty", {"kind": "l2", "rate": 0.003}),
    ("loss", {"kind": "HuberLoss", "params": {"delta": 0.5}}),
    ("batches.order", "fixed"),
]
AWKWARD = {
    "graph": {
        "inputs": [{"id": "forward", "shape": [2]}],
        "nodes": [
            {"id": "class", "kind": "Linear", "params": {"out_features": 5}, "inputs": ["forward"]},
            {"id": "float", "kind": "ELU", "params": {"alpha": 0.7}, "inputs": ["class"]},
            {"id": "right", "kind": "Linear", "params": {"out_features": 5}, "inputs": ["forward"], "shares": "class"},
            {"id": "add", "kind": "Add", "inputs": ["float", "right"]},
            {"id": "cat", "kind": "Concatenate", "inputs": ["add", "forward"]},
            {"id": "norm", "kind": "LayerNorm", "params": {}, "inputs": ["cat"]},
            {"id": "end", "kind": "Linear", "params": {"out_features": 1, "bias": False}, "inputs": ["norm"]},
        ],
        "outputs": ["end"],
    },
    "data": {"kind": "moons"},
    "loss": {"kind": "BCEWithLogitsLoss"},
    "optimizer": {"kind": "RMSprop", "params": {"lr": 0.01}},
}
TF_LINK = {"initial": {"kind": "tf", "seed": "1"}, "batches": {"size": 12, "order": "fixed", "last": "carry"}}


def trained(spec: dict[str, Any], steps: int) -> tuple[Run, list[Any]]:
    run = Run(spec)
    return run, advance(run, steps)


CASES: dict[str, Callable[[], tuple[Run, list[Any]]]] = {
    **{p.id: lambda name=p.id: planar(name) for p in presets if p.view == "plane"},
    "mnist-mlp": lambda: images("mnist-mlp", limit=4000, validation=5),
    "mnist-cnn": lambda: images("mnist-cnn"),
    "settings changed while training": settings_changed,
    "branches, shared weights, awkward names": lambda: trained(AWKWARD, 250),
    "a TensorFlow Playground link": lambda: trained(TF_LINK, 200),
}

# Runs many scripts in one process, because importing torch takes longer than all of them.
DRIVER = """
import contextlib, io, pathlib, runpy, sys
for path in map(pathlib.Path, sys.argv[1:]):
    sys.argv = [str(path)]
    with contextlib.redirect_stdout(io.StringIO()) as out:
        runpy.run_path(str(path), run_name="__main__")
    path.with_suffix(".txt").write_text(out.getvalue())
"""


@pytest.fixture(scope="module")
def told_and_printed(tmp_path_factory) -> dict[str, tuple[dict, dict]]:
    """For each case the rows by step that the run told, and those that torch printed."""
    if importlib.util.find_spec("torch") is None:
        pytest.skip("torch is not installed: pip install '.[oracle]'")
    folder = tmp_path_factory.mktemp("scripts")
    told, paths = {}, {}
    for number, (name, make) in enumerate(CASES.items()):
        run, events = make()
        told[name] = {e.step: [e.values[c] for c in COLUMNS if c in e.values] for e in events if e.kind == "metrics"}
        paths[name] = folder / f"run{number}.py"
        paths[name].write_text(run.source())
    run_scripts(list(paths.values()))
    return {name: (told[name], printed(paths[name])) for name in CASES}


def run_scripts(paths: list[Path]) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", DRIVER, *map(str, paths)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def printed(path: Path) -> dict[int, list[float]]:
    lines = [line.split() for line in path.with_suffix(".txt").read_text().splitlines()[1:]]
    return {int(line[0]): [float(x) for x in line[2:]] for line in lines}


@pytest.mark.parametrize("case", CASES)
def test_torch_prints_the_losses_that_the_run_showed(case: str, told_and_printed) -> None:
    told, found = told_and_printed[case]
    common = sorted(told.keys() & found.keys())
    assert len(common) >= 7
    for step in common:
        for ours, torchs in zip(told[step], found[step], strict=True):
            ours = math.nan if ours is None else ours
            assert ours == pytest.approx(torchs, rel=SIX_DIGITS, abs=1e-8, nan_ok=True), f"step {step}"


def test_a_layer_named_like_a_word_of_python_or_torch_gets_an_underscore() -> None:
    names = python_names(["x", "class", "class_", "forward", "train", "hidden1"])
    assert names["hidden1"] == "hidden1"
    assert len(set(names.values())) == 6
    assert not {"class", "forward", "train"} & set(names.values())
