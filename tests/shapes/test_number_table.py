"""CSV files as spreadsheets, loggers and data frames write them: every cell counts, or one line says why."""

import csv

import numpy as np
import pytest

from lrshape.errors import InputError
from lrshape.shapes.number_table import read_table

NAN = np.nan


def table(tmp_path, text):
    file = tmp_path / "table.csv"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(file)


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        (b"\xef\xbb\xbf0.1\r\n0.2\r\n", {"column 1": [0.1, 0.2]}),
        (b"\xef\xbb\xbflr\r\n0.1\r\n", {"lr": [0.1]}),
        ("0,\n1,0.1\n", {"column 1": [0, 1], "column 2": [NAN, 0.1]}),
        ("nan\n0.1\n", {"column 1": [NAN, 0.1]}),
        ("a,b\n1,\n2,NaN\n3,NA\n4,5\n", {"a": [1, 2, 3, 4], "b": [NAN, NAN, NAN, 5]}),
        ("0.1\n\n0.2\n\n\n", {"column 1": [0.1, NAN, 0.2]}),
        ("\n\na,b\r\r\n1,2\r\r\n,\r\r\n3,4\r\r\n", {"a": [1, 3], "b": [2, 4]}),
        ("a,b,\n1,2,\n", {"a": [1], "b": [2]}),
        ("a,b\n1,2,,\n", {"a": [1], "b": [2]}),
        ("0.1,\n0.2,\n", {"column 1": [0.1, 0.2]}),
        ("0,nan\n1,nan\n", {"column 1": [0, 1], "column 2": [NAN, NAN]}),
        (",lr\n0,0.1\n", {"Unnamed: 0": [0], "lr": [0.1]}),
        ('"a" ; "b, c"\n"1";" 2"\n', {"a": [1], "b, c": [2]}),
        ("a\tb\n1\t2\n", {"a": [1], "b": [2]}),
        ("# a,b\n1,2\n", {"a": [1], "b": [2]}),
        ("a,b\n1,[0.1]\n2, [2e-1]\n", {"a": [1, 2], "b": [0.1, 0.2]}),  # PyTorch's get_last_lr()
        ("a,b\n-1,1e-3\ninf,.5\n", {"a": [-1, np.inf], "b": [1e-3, 0.5]}),
    ],
)
def test_every_cell_of_a_table_is_read(tmp_path, text, columns):
    found = table(tmp_path, text)
    assert list(found.columns) == list(columns)
    for name, values in columns.items():
        np.testing.assert_array_equal(found.numbers(name), values)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("\n,\n", "is empty"),
        ("lr\n0,001\n", "line 2 has 2 cells and line 1 has 1, separated by ','; write .* decimal point"),
        ("a;b\n1;2;3\n", "line 2 has 3 cells and line 1 has 2, separated by ';'"),
        ("a,b\n1,2\n3\n", "line 3 has 1 cells and line 1 has 2"),
        ("a,a\n1,2\n", "has 2 columns with the heading 'a'"),
        ("\n0.1\n0.2\n", "line 1 is empty"),
        ("2024-01-01,0.1\n", "got both: '2024-01-01' and '0.1'"),
        ("0;0,1\n1;0,2\n", "numbers with a decimal point, got both: '0,1' and '0'"),
        ('"0,1"\n"0,2"\n', "numbers with a decimal point, got '0,1'"),
        ("0.1 0.2\n", "got '0.1 0.2'"),
        ("\ufeff\ufeff0.1\n0.2\n", "got '\\\\ufeff0.1'"),
        (b"a\n" + b"1" * 200_000, "field larger than field limit"),
    ],
)
def test_what_is_no_table_is_told_in_one_line(tmp_path, text, message):
    with pytest.raises((InputError, csv.Error), match=message):
        table(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "a;b\n1;0,1\n",
            "the column 'b' must hold numbers with a decimal point .* line 2 has '0,1'; .* by ';'",
        ),
        ('a,b\n1,"1,000"\n', "without separators of thousands; line 2 has '1,000'"),
        ('a,b\n\n1,2\n3,"[0.1, 0.1]"\n', r"line 4 has '\[0.1, 0.1\]'"),
    ],
)
def test_text_in_a_column_is_no_number(tmp_path, text, message):
    found = table(tmp_path, text)
    assert found.numbers("a")[0] == 1
    with pytest.raises(InputError, match=message):
        found.numbers("b")
