"""Tables that people bring along: a CSV file with a chosen target column."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np

from engine.data.plane import TrainShare, ValidationShare
from engine.data.source import Array, Arrays, Card, DataShape, Source, Split, dataset, split_counts
from engine.data.table import Column, Table, parse_table
from engine.errors import DataError
from engine.rng import Generator

FOLDER = "uploads"
MAX_CATEGORIES = 50  # a text column with more different texts is a name or an identifier
MAX_CLASSES = 100
FEW_VALUES = 10  # a target of whole numbers with at most this many different ones is a class


@dataclass(frozen=True)
class Prepared:
    """A table turned into numbers: `raw` (N, features) float64, which features to standardise, target, class names."""

    names: list[str]
    raw: Array
    scaled: Array
    target: Array
    classes: list[str]


@dataset("csv")
class Csv(Source):
    """A table of your own: choose the column to predict."""

    card: ClassVar[Card] = Card(
        title="Your own table",
        task="classification",
        classes=[],
        plane=False,
        input="table",
        licence="yours",
        source="a file you upload",
    )

    def __init__(
        self,
        file: str = "",
        target: str | None = None,
        columns: list[str] | None = None,
        task: Literal["auto", "classification", "regression"] = "auto",
        train: TrainShare = 70.0,
        validation: ValidationShare = 0.0,
        scale_target: bool = True,
    ) -> None:
        self.file, self.target, self.columns, self.task = file, target, columns, task
        self.train, self.validation, self.scale_target = train, validation, scale_target

    def table(self, data_dir: Path | None) -> Table:
        """The parsed file. Raises: DataError."""
        path = self.path(data_dir)
        return _read(path, path.stat().st_mtime_ns)

    def path(self, data_dir: Path | None) -> Path:
        """The file of this upload. Raises: DataError when it is missing or lies outside the folder of uploads."""
        if not self.file:
            raise DataError(
                where="csv", expected="an uploaded table", got="none", hint="Upload a CSV file first.", field="file"
            )
        folder = ((data_dir or Path()) / FOLDER).resolve()
        path = (folder / self.file).resolve()
        path = path if path.suffix == ".csv" else path.with_name(path.name + ".csv")
        if data_dir is None or not path.is_relative_to(folder) or not path.is_file():
            raise DataError(
                where="csv",
                expected="the name of an uploaded table",
                got=f"{self.file[:40]!r}",
                hint="Upload the file again.",
                field="file",
            )
        return path

    def shape(self, data_dir: Path | None = None) -> DataShape:
        """Read off the file. Raises: DataError."""
        prepared = self.prepared(data_dir)
        return DataShape(
            (len(prepared.names),), len(prepared.classes) or 1, "classification" if prepared.classes else "regression"
        )

    def classes(self, data_dir: Path | None = None) -> list[str]:
        """The different values of the target column; empty for regression."""
        return list(self.prepared(data_dir).classes)

    def feature_names(self, data_dir: Path | None = None) -> list[str]:
        """One name for each input; a category gives one for each of its values."""
        return list(self.prepared(data_dir).names)

    def prepared(self, data_dir: Path | None) -> Prepared:
        """The table as numbers, not yet split. Raises: DataError naming line and column."""
        path = self.path(data_dir)
        columns = None if self.columns is None else tuple(self.columns)
        return _prepare(path, path.stat().st_mtime_ns, self.target, columns, self.task)

    def load(self, data_dir: Path | None = None, seed: int = 0) -> Split:
        """Shuffle by the seed, split, bring the features to mean 0 and deviation 1 by the training part."""
        prepared = self.prepared(data_dir)
        order = np.asarray(Generator(seed).permutation(len(prepared.raw)))
        first, second = split_counts(len(order), self.train, self.validation)
        x = _standardised(prepared.raw[order], first, prepared.scaled)
        y = prepared.target[order]
        if not prepared.classes and self.scale_target:
            y = _standardised(y[:, None], first, np.array([True]))[:, 0]
        arrays = Arrays(x.astype(np.float32), y.astype(np.int64 if prepared.classes else np.float32))
        return Split(arrays[:first], arrays[first : first + second], arrays[first + second :])


@functools.lru_cache(maxsize=8)
def _read(path: Path, time: int) -> Table:
    return parse_table(path.read_bytes())


@functools.lru_cache(maxsize=8)
def _prepare(path: Path, time: int, target: str | None, columns: tuple[str, ...] | None, task: str) -> Prepared:
    table = _read(path, time)
    goal = table.column(table.suggested_target if target is None else target, "target")
    inputs = _inputs(table, goal, columns)
    values, classes = _target(goal, task)
    features = [_features(column) for column in inputs]
    scaled = np.concatenate(
        [np.full(len(names), c.kind == "number") for c, (names, _) in zip(inputs, features, strict=True)]
    )
    return Prepared(
        [n for names, _ in features for n in names],
        np.concatenate([v for _, v in features], axis=1),
        scaled,
        values,
        classes,
    )


def _inputs(table: Table, goal: Column, columns: tuple[str, ...] | None) -> list[Column]:
    chosen = (
        [c for c in table.columns if c is not goal]
        if columns is None
        else [table.column(n, "columns") for n in columns]
    )
    if not chosen or goal in chosen:
        raise DataError(
            where="columns",
            expected="at least one input column, other than the target",
            got=", ".join(c.name for c in chosen)[:80] or "none",
            hint=f"The target is {goal.name!r}.",
            field="columns",
        )
    return chosen


def _features(column: Column) -> tuple[list[str], Array]:
    """A column of numbers as it is; a category as one column of 0 and 1 for each of its values."""
    if column.kind == "number":
        return [column.name], column.numbers()[:, None]
    texts = np.array(column.texts())
    if len(column.distinct) > MAX_CATEGORIES:
        raise DataError(
            where=f"column {column.name!r}",
            expected=f"numbers, or at most {MAX_CATEGORIES} different texts",
            got=f"{len(column.distinct)} different texts",
            hint="Leave this column out.",
            field="columns",
        )
    return [f"{column.name} = {v}" for v in column.distinct], (texts[:, None] == np.array(column.distinct)).astype(
        np.float64
    )


def _target(column: Column, task: str) -> tuple[Array, list[str]]:
    """Class indices and names, or values and no names."""
    if task == "regression" or (task == "auto" and not _looks_like_classes(column)):
        if column.kind != "number":
            raise column.misfit(
                0, "a number, because the task is regression", "Choose classification, or another target."
            )
        return column.numbers(), []
    texts, names = column.texts(), column.distinct
    if not 2 <= len(names) <= MAX_CLASSES:
        raise DataError(
            where=f"column {column.name!r}",
            expected=f"2 to {MAX_CLASSES} different classes",
            got="a single class, " + repr(names[0][:40]) if len(names) == 1 else f"{len(names)} different values",
            hint="Choose another target column." if len(names) == 1 else "Choose regression, or another target column.",
            field="target",
        )
    index = {name: i for i, name in enumerate(names)}
    return np.array([index[text] for text in texts], np.int64), names


def _looks_like_classes(column: Column) -> bool:
    if column.kind == "category":
        return True
    values = column.numbers()
    return bool(np.all(values == np.round(values))) and len(np.unique(values)) <= min(
        FEW_VALUES, max(2, len(values) // 2)
    )


def _standardised(values: Array, first: int, which: Array) -> Array:
    """Mean 0 and deviation 1 over the first rows; a constant column keeps deviation 0."""
    part = values[:first]
    mean = np.where(which, part.mean(axis=0), 0.0)
    deviation = part.std(axis=0)
    return (values - mean) / np.where(which & (deviation > 0), deviation, 1.0)
