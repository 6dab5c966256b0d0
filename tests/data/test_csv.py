"""Tables: what is understood, and what is said about mistakes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.data.csv import Csv
from engine.data.table import parse_table
from engine.errors import ArgumentError, DataError

FLOWERS = "width,height,colour,species\n" + "\n".join(
    f"{i % 7}.5,{i},{'red' if i % 2 else 'blue'},{'rose' if i % 3 else 'lily'}" for i in range(30)
)


def _csv(folder: Path, text: str | bytes, **params: Any) -> Csv:
    (folder / "uploads").mkdir(exist_ok=True)
    path = folder / "uploads" / "table.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return Csv(file="table", **params)


def test_a_table_with_class_names_is_split_and_standardised(tmp_path: Path) -> None:
    source = _csv(tmp_path, FLOWERS)
    shape, split = source.shape(tmp_path), source.load(tmp_path, 0)
    assert shape == ((4,), 2, "classification")
    assert source.classes(tmp_path) == ["lily", "rose"]
    assert source.feature_names(tmp_path) == ["width", "height", "colour = blue", "colour = red"]
    assert [len(part) for part in split] == [21, 0, 9]
    assert split.train.x[:, :2].mean(axis=0) == pytest.approx([0, 0], abs=1e-5)
    assert split.train.x[:, :2].std(axis=0) == pytest.approx([1, 1], abs=1e-4)
    assert set(np.unique(split.train.x[:, 2:])) == {0, 1}


def test_the_test_part_does_not_leak_into_the_scale(tmp_path: Path) -> None:
    split = _csv(tmp_path, FLOWERS).load(tmp_path, 0)
    assert split.test.x[:, 1].mean() != pytest.approx(0, abs=1e-3)


def test_numbers_as_target_are_regression_and_scaled_on_request(tmp_path: Path) -> None:
    text = "a,b\n" + "\n".join(f"{i},{i * 100}.5" for i in range(40))
    scaled, plain = _csv(tmp_path, text).load(tmp_path, 0), _csv(tmp_path, text, scale_target=False).load(tmp_path, 0)
    assert scaled.train.y.dtype == np.float32
    assert abs(float(scaled.train.y.std()) - 1) < 1e-4
    assert float(plain.train.y.max()) > 1000


def test_a_constant_column_does_no_harm(tmp_path: Path) -> None:
    split = _csv(tmp_path, "a,b,c\n" + "\n".join(f"{i},7,{i % 2}" for i in range(20))).load(tmp_path, 0)
    assert np.isfinite(split.train.x).all()
    assert (split.train.x[:, 1] == 0).all()


@pytest.mark.parametrize(
    "text",
    [
        "a;b;c\n1,5;2,5;x\n-3,25;4;y\n",
        "a\tb\tc\n1.5\t2.5\tx\n-3.25\t4\ty\n",
        "a, b, c\n1.5, 2.5, x\n\n-3.25, 4, y\n",
        '"a","b","c"\r\n"1.5","2.5","x"\r\n"-3.25","4","y"\r\n',
        "\ufeffa,b,c\n1.5,2.5,x\n-3.25,4,y",
        "a|b|c\n1.5|2.5|x\n-3.25|4|y",
    ],
)
def test_separators_decimal_commas_quotes_and_byte_order_marks_are_found_out(text: str) -> None:
    table = parse_table(text.encode())
    assert table.names == ["a", "b", "c"]
    assert table.columns[0].numbers().tolist() == [1.5, -3.25]
    assert [c.kind for c in table.columns] == ["number", "number", "category"]


def test_a_table_without_names_gets_some() -> None:
    table = parse_table(b"1,2\n3,4\n")
    assert table.names == ["column 1", "column 2"]
    assert table.rows == 2


def test_letters_of_spreadsheets_on_windows_are_read() -> None:
    assert parse_table("âge;b\n1;2\n".encode("cp1252")).names == ["âge", "b"]


def test_the_target_is_suggested() -> None:
    assert parse_table(b"species,a\nx,1\n").suggested_target == "species"
    assert parse_table(b"a,b\nx,1\n").suggested_target == "b"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty file"),
        ("\n \n", "empty file"),
        ("a,b\n", "column names only"),
        ("a,a\n1,2\n", "line 1.*'a' 2 times"),
        ("a,\n1,2\n", "line 1, column 2"),
        ("a,b\n1,2\n1,2,3\n", "line 3.*2 cells"),
        ("alone\n1\n2\n", "two columns"),
        ("1\n2\n", "two columns"),
        ("\0\1\2", "binary"),
    ],
)
def test_a_table_that_cannot_be_read_is_explained(text: str, words: str) -> None:
    with pytest.raises(DataError, match=words):
        parse_table(text.encode())


NUMBERS = "a,b\n" + "1,2\n" * 10


@pytest.mark.parametrize(
    ("text", "params", "words"),
    [
        (NUMBERS + ",3\n", {}, "line 12, column 'a'.*an empty cell"),
        (NUMBERS + "NA,3\n", {}, "line 12, column 'a'"),
        (NUMBERS + "12kg,3\n", {}, "line 12, column 'a'.*'12kg'"),
        (NUMBERS + "1e999,3\n", {}, "line 12, column 'a'"),
        (NUMBERS, {}, "column 'b'.*single class"),
        (NUMBERS, {"target": "c"}, "one of the columns a, b"),
        (NUMBERS, {"columns": ["z"]}, "one of the columns a, b"),
        (NUMBERS, {"columns": []}, "at least one input column"),
        (NUMBERS, {"columns": ["b"]}, "other than the target"),
        ("a,b\n" + "".join(f"name{i},{i % 2}\n" for i in range(99)), {}, "column 'a'.*99 different"),
        ("a,b\n" + "1,x\n2,y\n" * 9, {"task": "regression"}, "line 2, column 'b'.*regression"),
    ],
)  # fmt: skip
def test_a_table_that_cannot_be_trained_on_is_explained(
    tmp_path: Path, text: str, params: dict[str, Any], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        _csv(tmp_path, text, **params).shape(tmp_path)


@pytest.mark.parametrize("file", ["", "missing", "../secret", "/etc/passwd", "a/../../x"])
def test_only_uploaded_tables_can_be_named(tmp_path: Path, file: str) -> None:
    (tmp_path / "secret.csv").write_text(NUMBERS)
    with pytest.raises(DataError) as caught:
        Csv(file=file).shape(tmp_path)
    assert caught.value.field == "file"


def test_too_few_lines_to_split_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="at least one example"):
        _csv(tmp_path, "a,b\n1,x\n2,y\n", train=99.0, validation=50.0).load(tmp_path, 0)
