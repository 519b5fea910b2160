"""Tables of numbers in CSV files, as spreadsheets, loggers and data frames write them."""

import csv
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError, shown
from lrshape.shapes.input_file import open_text

SEPARATORS = "\t;,"
"""Between cells; the first of these that the first line has. A decimal comma is refused, never guessed."""

GAPS = ("", "nan", "na", "n/a", "null", "none", "-")
"""Cells that hold no number, in lower case: what spreadsheets, pandas, R and JavaScript write there."""


@dataclass(frozen=True)
class NumberTable:
    """Columns of numbers.

    Attributes:
        columns: by heading, each of shape (rows,), NaN where a cell is a gap or text. Without headings they
            are called ``column 1`` and so on; one without a heading among others as pandas calls it,
            ``Unnamed: 0``.
        texts: of the columns that hold text: where it begins, e.g. ``line 3 has 'x'``.
        has_heading: whether the first row is a heading.
        separator: between cells.
    """

    columns: dict[str, NDArray[np.float64]]
    texts: dict[str, str]
    has_heading: bool
    separator: str

    def numbers(self, name: str) -> NDArray[np.float64]:
        """Return a column.

        Raises:
            InputError: if it holds text.
        """
        if name in self.texts:
            cells = "" if self.separator == "," else f"; cells are separated by {self.separator!r}"
            raise InputError(
                f"the column {shown(name)} must hold numbers with a decimal point and without separators of "
                f"thousands; {self.texts[name]}{cells}"
            )
        return self.columns[name]


def read_table(path: Path) -> NumberTable:
    """Read a CSV file.

    Its first row is a heading if all of its cells are text that is not made of digits. Lines without any cell
    are skipped, but between the rows of a single column they are gaps.

    Raises:
        InputError: if it is empty, its rows differ in length, its first row mixes text with numbers, or two
            columns have one heading.
        OSError, csv.Error: if it cannot be read.
    """
    with open_text(path) as file:
        first, skipped = _first_line(file)
        separator = _separator(first)
        reader = csv.reader(chain([first], file), delimiter=separator, skipinitialspace=True)
        head = [cell.strip() for cell in next(reader)]
        rows = ((skipped + reader.line_num, row) for row in reader)
        has_heading = _is_heading(head)
        names = _headings(head) if has_heading else [f"column {n}" for n in range(1, len(head) + 1)]
        if not has_heading:
            rows = chain([(skipped + 1, head)], rows)
            if skipped and sum(map(bool, head)) == 1:
                raise InputError("line 1 is empty: a list of numbers has no gaps")
        return _filled(names, rows, has_heading, separator, skipped + 1)


def _first_line(lines: Iterable[str]) -> tuple[str, int]:
    """The first line with a cell that is not empty, and how many stand before it."""
    for skipped, line in enumerate(lines):
        if line.strip(f'{SEPARATORS}" \r\n'):
            return line, skipped
    raise InputError("is empty")


def _separator(line: str) -> str:
    bare = re.sub(r'"[^"]*"', "", line)
    return next((separator for separator in SEPARATORS if separator in bare), ",")


def _is_heading(row: list[str]) -> bool:
    cells = [cell for cell in row if cell]
    texts = [cell for cell in cells if _number(cell) is None]
    if texts and len(texts) < len(cells):
        number = next(cell for cell in cells if cell not in texts)
        got = f"both: {shown(texts[0])} and {shown(number)}"
    elif texts and all(re.search(r"\d", text) and not re.search("[A-Za-z_]", text) for text in texts):
        got = shown(texts[0])  # numbers with decimal commas, spaces between them, a damaged first character
    else:
        return bool(texts)
    raise InputError(f"the first row must hold headings, or numbers with a decimal point, got {got}")


def _headings(row: list[str]) -> list[str]:
    names = [name.lstrip("# ") or f"Unnamed: {place}" for place, name in enumerate(row)]  # "#": np.savetxt
    name, times = Counter(names).most_common(1)[0]
    if times > 1:
        raise InputError(f"has {times} columns with the heading {shown(name)}")
    return names


def _filled(
    names: list[str], rows: Iterator[tuple[int, list[str]]], has_heading: bool, separator: str, start: int
) -> NumberTable:
    values = array("d")  # row by row
    texts: dict[str, str] = {}
    empty: Counter[str] = Counter()  # cells
    gaps = 0  # lines without a cell since the last row
    for line, row in rows:
        if not any(map(str.strip, row)):
            gaps += 1
            continue
        if len(row) < len(names) or any(map(str.strip, row[len(names) :])):
            raise InputError(_other_length(line, row, names, separator, start))
        if len(names) == 1:
            values.extend([np.nan] * gaps)
        gaps = 0
        try:
            values.extend([float(cell) for cell in row[: len(names)]])  # most rows, and fast
        except ValueError:
            for name, cell in zip(names, row, strict=False):
                number = _number(cell)
                values.append(np.nan if number is None else number)
                empty[name] += not cell.strip()
                if number is None and name not in texts:
                    texts[name] = f"line {line} has {shown(cell)}"
    columns = np.array(values).reshape(-1, len(names)).T
    unnamed = [name for name in names if name.startswith(("Unnamed: ", "column "))]
    bare = {
        name for name in unnamed if 0 < empty[name] == columns.shape[1]
    }  # separators at the ends of lines
    found = {name: column for name, column in zip(names, columns, strict=True) if name not in bare}
    return NumberTable(found, texts, has_heading, separator)


def _other_length(line: int, row: list[str], names: list[str], separator: str, start: int) -> str:
    cells = f"line {line} has {len(row)} cells and line {start} has {len(names)}, separated by {separator!r}"
    return cells + "; write numbers with a decimal point" * (separator == ",")


def _number(cell: str) -> float | None:
    """The number in a cell, NaN for a gap, None for text."""
    if cell.strip().lower() in GAPS:
        return np.nan
    try:
        return float(cell)
    except ValueError:
        return None
