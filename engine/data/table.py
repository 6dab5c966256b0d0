"""Tables of text: parsing of CSV files, with sentences that name line and column."""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np

from engine.data.source import Array
from engine.errors import DataError

MISSING = frozenset({"", "na", "n/a", "nan", "null", "none", "?", "-"})
MOSTLY = 0.8  # a column with at least this share of numbers is a column of numbers, and the rest are mistakes
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
PLAIN = re.compile(r"[0-9eE.,+\-\n]+")  # what NumPy cannot take for anything but numbers, such as nan or 1_000
DELIMITERS = ",;\t|"


@dataclass(frozen=True)
class Column:
    """One column: its name, its cells as text, the line in the file that each cell stands on."""

    name: str
    cells: list[str]
    lines: list[int]
    comma: bool

    @cached_property
    def distinct(self) -> list[str]:
        """The different texts, in order: as numbers where they are numbers."""
        values = set(self.cells)
        return sorted(values, key=lambda v: (0, float(_dotted(v, self.comma)), v) if self.is_number(v) else (1, 0.0, v))

    @cached_property
    def kind(self) -> Literal["number", "category"]:
        """Whether its cells are meant as numbers."""
        if self._plain is not None:
            return "number"
        filled = [c for c in self.cells if not is_missing(c)]
        numbers = sum(map(self.is_number, filled))
        return "number" if filled and numbers >= MOSTLY * len(filled) else "category"

    def is_number(self, cell: str) -> bool:
        """Whether a cell reads as a number."""
        return NUMBER.fullmatch(_dotted(cell, self.comma)) is not None

    def numbers(self) -> Array:
        """The cells as float64. Raises: DataError at the first that is missing or no finite number."""
        if self._plain is not None:
            return self._plain
        return np.array([self._number(row) for row in range(len(self.cells))], np.float64)

    @cached_property
    def _plain(self) -> Array | None:
        """All cells at once, where every one is a finite number; None sends the reader to look at them one by one."""
        text = "\n".join(self.cells)
        if PLAIN.fullmatch(text) is None:
            return None
        try:
            values = np.array(_dotted_all(self.cells, self.comma), np.float64)
        except ValueError:
            return None
        return values if np.isfinite(values).all() else None

    def texts(self) -> list[str]:
        """The cells. Raises: DataError at the first that is missing."""
        for row, cell in enumerate(self.cells):
            if is_missing(cell):
                raise self.misfit(row, "a value", "Fill it in, delete the line, or leave the column out.")
        return self.cells

    def misfit(self, row: int, expected: str, hint: str) -> DataError:
        """What is wrong with one cell."""
        cell = self.cells[row]
        got = "an empty cell" if not cell else f"{cell[:40]!r}"
        return DataError(where=f"line {self.lines[row]}, column {self.name!r}", expected=expected, got=got, hint=hint)

    def _number(self, row: int) -> float:
        cell = self.cells[row]
        if is_missing(cell):
            raise self.misfit(row, "a number", "Fill it in, delete the line, or leave the column out.")
        if not self.is_number(cell):
            raise self.misfit(row, "a number", "Correct the cell, or leave the column out.")
        value = float(_dotted(cell, self.comma))
        if not math.isfinite(value):
            raise self.misfit(row, "a number that a computer can hold", "Use a smaller number.")
        return value


@dataclass(frozen=True)
class Table:
    """A parsed file: columns of equal length.

    >>> engine.data.parse_table(b"a,b\\n1,2\\n").rows
    1
    """

    columns: list[Column]

    @property
    def rows(self) -> int:
        """How many lines of data."""
        return len(self.columns[0].cells)

    @property
    def names(self) -> list[str]:
        """The column names, in the file's order."""
        return [c.name for c in self.columns]

    @property
    def suggested_target(self) -> str:
        """The column most likely to be predicted: one called so, else the last."""
        usual = {"target", "label", "class", "species", "y", "classe", "étiquette", "cible"}
        return next((c.name for c in self.columns if c.name.strip().lower() in usual), self.columns[-1].name)

    def column(self, name: str, field: str) -> Column:
        """A column by name. Raises: DataError naming `field`, the setting that asked for it."""
        for column in self.columns:
            if column.name == name:
                return column
        raise DataError(
            where=f"column {name[:40]!r}",
            expected="one of the columns " + ", ".join(self.names[:12]) + (", ..." if len(self.names) > 12 else ""),
            got=f"{name[:40]!r}",
            hint="Choose a column of this file.",
            field=field,
        )

    def head(self, count: int) -> list[list[str]]:
        """The first lines, as text."""
        return [list(row) for row in zip(*(c.cells[:count] for c in self.columns), strict=True)]


def is_missing(cell: str) -> bool:
    """Whether a cell stands for "not known"."""
    return cell.lower() in MISSING


def parse_table(content: bytes) -> Table:
    """Bytes of a CSV file as a table; separator, decimal comma, byte order mark and a missing header are found out.

    Raises: DataError for an empty file, a line with another number of cells, duplicate or empty column names.

    >>> engine.data.parse_table(b"a;b\\n1;2\\n3;4\\n").names
    ['a', 'b']
    """
    text = _decoded(content)
    rows = _rows(text, _delimiter(text))
    if not rows:
        raise DataError(
            where="the file",
            expected="a line of column names and lines of data",
            got="an empty file",
            hint="Check the file.",
        )
    comma = _delimiter(text) != ","
    names, rows = _header(rows, comma)
    _check_rows(names, rows)
    lines = [line for line, _ in rows]
    return Table(
        [
            Column(name, list(cells), lines, comma)
            for name, cells in zip(names, zip(*(c for _, c in rows), strict=True), strict=True)
        ]
    )


def _decoded(content: bytes) -> str:
    if b"\0" in content[:4096] and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DataError(where="the file", expected="text", got="a binary file", hint="Export the table as CSV.")
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace")  # what spreadsheets on Windows write


def _delimiter(text: str) -> str:
    """The separator that cuts the first lines into the most cells of equal number."""
    head = [line for line in text.splitlines()[:50] if line.strip()][:20]

    def score(delimiter: str) -> tuple[bool, int]:
        counts = [len(row) for row in csv.reader(head, delimiter=delimiter, skipinitialspace=True)]
        return (len(set(counts)) == 1, counts[0]) if counts and counts[0] > 1 else (False, 0)

    return max(DELIMITERS, key=score)


def _rows(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """Line number and stripped cells of every line that is not blank."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True)
    rows = []
    try:
        for row in reader:
            cells = [cell.strip() for cell in row]
            if any(cells):
                rows.append((reader.line_num, cells))
    except csv.Error as error:
        raise DataError(
            where=f"line {reader.line_num}",
            expected="cells separated by commas",
            got=str(error),
            hint="Check the quotes.",
        ) from None
    return rows


def _header(rows: list[tuple[int, list[str]]], comma: bool) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """Names and data lines; a first line of numbers alone is data, and the columns get numbers as names."""
    first = rows[0][1]
    if all(NUMBER.fullmatch(_dotted(cell, comma)) for cell in first):
        return [f"column {i + 1}" for i in range(len(first))], rows
    _check_names(rows[0][0], first)
    return first, rows[1:]


def _check_names(line: int, names: list[str]) -> None:
    if len(names) < 2:
        raise DataError(
            where=f"line {line}", expected="at least two columns", got="one", hint="Separate the cells by commas."
        )
    if "" in names:
        where = f"line {line}, column {names.index('') + 1}"
        raise DataError(where=where, expected="a column name", got="an empty cell", hint="Give every column a name.")
    name, count = Counter(names).most_common(1)[0]
    if count > 1:
        raise DataError(
            where=f"line {line}",
            expected="different column names",
            got=f"{name[:40]!r} {count} times",
            hint="Rename one of them.",
        )


def _check_rows(names: list[str], rows: list[tuple[int, list[str]]]) -> None:
    if len(names) < 2:
        raise DataError(
            where="line 1", expected="at least two columns", got="one", hint="Separate the cells by commas."
        )
    if not rows:
        raise DataError(
            where="the file", expected="lines of data", got="column names only", hint="Add lines below the names."
        )
    for line, cells in rows:
        if len(cells) != len(names):
            raise DataError(
                where=f"line {line}",
                expected=f"{len(names)} cells, as many as columns",
                got=str(len(cells)),
                hint="Check separators and quotes in this line.",
            )


def _dotted(cell: str, comma: bool) -> str:
    return cell.replace(",", ".", 1) if comma and "." not in cell else cell


def _dotted_all(cells: list[str], comma: bool) -> list[str]:
    return [_dotted(cell, comma) for cell in cells] if comma else cells
