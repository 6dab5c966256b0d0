"""A table of one's own: classes and values, validation shares, and words for what does not fit."""

from pathlib import Path

import numpy as np
import pytest

from engine.spec import RunSpec, check, perceptron
from engine.train import Run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data directory with one uploaded table: two numbers, a colour, a class and a price."""
    random = np.random.default_rng(0)
    x = random.normal(size=(120, 2))
    lines = ["a,b,colour,kind,price"]
    for i, (a, b) in enumerate(x):
        lines.append(f"{a:.4f},{b:.4f},{['red', 'blue'][i % 2]},{'up' if a + b > 0 else 'down'},{3 * a - b:.4f}")
    (tmp_path / "uploads").mkdir()
    (tmp_path / "uploads" / "table.csv").write_text("\n".join(lines) + "\n")
    return tmp_path


def table(folder: Path, target: str, inputs: int, outputs: int, loss: str, **params: object) -> RunSpec:
    return RunSpec.model_validate(
        {
            "graph": perceptron(inputs, [6], outputs, last=None).model_dump(),
            "data": {"kind": "csv", "params": {"file": "table", "target": target, **params}},
            "loss": {"kind": loss},
            "optimizer": {"kind": "Adam", "params": {"lr": 0.02}},
            "pace": None,
        }
    )


def epochs(run: Run, count: int) -> dict[str, float | None]:
    run.command({"op": "step", "unit": "epoch", "count": count})
    return [e for e in run.advance(30) if e.kind == "metrics"][-1].values


def test_the_classes_of_a_column_are_learned(folder: Path) -> None:
    spec = table(folder, "kind", 2, 2, "CrossEntropyLoss", columns=["a", "b"], validation=10)
    report = check(spec, data_dir=folder)
    assert (report.problems, report.classes, report.features) == ([], ["down", "up"], ["a", "b"])
    values = epochs(Run(spec, folder), 30)
    assert values["test_accuracy"] is not None
    assert values["test_accuracy"] > 0.85
    assert {"validation_loss", "validation_accuracy"} <= set(values)


def test_the_values_of_a_column_are_learned(folder: Path) -> None:
    spec = table(folder, "price", 2, 1, "MSELoss", columns=["a", "b"], task="regression")
    run = Run(spec, folder)
    first = epochs(run, 1)["test_loss"]
    last = epochs(run, 40)["test_loss"]
    assert first is not None
    assert last is not None
    assert last < first / 5
    assert "unpack" in run.source()


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"file": "other"}, "data.params.file"),
        ({"target": "nobody"}, "data.params.target"),
        ({"file": "../../etc"}, None),
    ],
)
def test_a_table_that_is_not_there_is_named(folder: Path, change: dict, field: str | None) -> None:
    spec = table(folder, "kind", 2, 2, "CrossEntropyLoss", columns=["a", "b"])
    spec.data.params |= change
    problems = check(spec, data_dir=folder).problems
    assert problems
    assert field is None or problems[0].field == field


def test_a_table_with_another_number_of_columns_is_a_misfit_of_the_input(folder: Path) -> None:
    spec = table(folder, "kind", 5, 2, "CrossEntropyLoss", columns=["a", "b"])
    (problem,) = check(spec, data_dir=folder).problems
    assert (problem.node, problem.field, problem.hint) == ("x", "shape", "Set the shape of the input to [2].")
