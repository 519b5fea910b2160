"""Tables of numbers in CSV files, as spreadsheets, loggers and data frames write them."""

import csv
import re
import sys
from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError, shown
from lrshape.shapes.input_file import open_text

SEPARATORS = "\t;,"
"""Between cells; the first of these that the first line has. A decimal comma is refused, never guessed."""

BATCH = 10_000
"""Rows that are turned into numbers at once: a million in seconds, in little memory."""

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
        labels: the columns that are no numbers on purpose, e.g. of names, each with a text for each row.
    """

    columns: dict[str, NDArray[np.float64]]
    texts: dict[str, str]
    has_heading: bool
    separator: str
    labels: dict[str, list[str]] = field(default_factory=dict)

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


def read_table(
    path: Path,
    is_label: Callable[[str], bool] | None = None,
    may_be_cut: bool = False,
    nan: float = np.nan,
) -> NumberTable:
    """Read a CSV file.

    Its first row is a heading if all of its cells are text that is not made of digits. Lines without any cell
    are skipped, but between the rows of a single column they are gaps.

    Args:
        path: the file.
        is_label: whether a column, by its heading, holds labels and not numbers; default: none does.
        may_be_cut: leave out a last row with too few cells: a program was writing it.
        nan: the value of a cell ``nan``: by default the same as of a gap.

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
        labels = [name for name in names if is_label and is_label(name)] if has_heading else []
        return _filled(names, rows, has_heading, separator, skipped + 1, labels, may_be_cut, nan)


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
    names: list[str],
    rows: Iterator[tuple[int, list[str]]],
    has_heading: bool,
    separator: str,
    start: int,
    labels: Collection[str],
    may_be_cut: bool,
    nan: float,
) -> NumberTable:
    columns = [_Column(name, name in labels, nan) for name in names]
    gaps = 0  # lines without a cell since the last row
    while batch := list(islice(rows, BATCH)):
        lines, cells = [], []
        for line, row in batch:
            if not any(map(str.strip, row)):
                gaps += 1
                continue
            if len(row) < len(names) and may_be_cut and row is batch[-1][1]:
                if (after := next(rows, None)) is None:
                    continue
                rows = chain([after], rows)
            if len(row) != len(names) and (len(row) < len(names) or any(map(str.strip, row[len(names) :]))):
                raise InputError(_other_length(line, row, names, separator, start))
            if len(names) == 1:
                lines += [line] * gaps
                cells += [[""]] * gaps
            gaps = 0
            lines.append(line)
            cells.append(row)
        for column, values in zip(columns, zip(*cells, strict=False), strict=False):  # rows may be longer
            column.extend(lines, values)
    unnamed = ("Unnamed: ", "column ")
    bare = [  # separators at the ends of lines
        column for column in columns if column.name.startswith(unnamed) and 0 < column.empty == column.rows
    ]
    kept = [column for column in columns if column not in bare]
    return NumberTable(
        {column.name: np.array(column.numbers) for column in kept if not column.is_label},
        {column.name: column.text for column in kept if column.text},
        has_heading,
        separator,
        {column.name: column.labels for column in kept if column.is_label},
    )


class _Column:
    """A column that is being read, in batches of rows: most hold numbers only, and those are fast."""

    def __init__(self, name: str, is_label: bool, nan: float):
        self.name, self.is_label, self.nan = name, is_label, nan
        self.numbers, self.labels = array("d"), list[str]()
        self.text, self.empty, self.rows = "", 0, 0

    def extend(self, lines: Sequence[int], cells: Sequence[str]) -> None:
        """Add cells, and where the first of them that holds text is."""
        self.rows += len(cells)
        if self.is_label:
            self.labels += [sys.intern(cell.strip()) for cell in cells]
            return
        try:
            numbers = np.fromiter(map(float, cells), np.float64, len(cells))
            numbers[np.isnan(numbers)] = self.nan
            self.numbers.frombytes(numbers.tobytes())
        except ValueError:
            numbers = [_number(cell, self.nan) for cell in cells]
            self.numbers.extend([np.nan if number is None else number for number in numbers])
            self.empty += sum(not cell.strip() for cell in cells)
            if not self.text and None in numbers:
                place = numbers.index(None)
                self.text = f"line {lines[place]} has {shown(cells[place])}"


def _other_length(line: int, row: list[str], names: list[str], separator: str, start: int) -> str:
    cells = f"line {line} has {len(row)} cells and line {start} has {len(names)}, separated by {separator!r}"
    return cells + "; write numbers with a decimal point" * (separator == ",")


def _number(cell: str, nan: float = np.nan) -> float | None:
    """The number in a cell, alone or as a list of one, NaN for a gap, None for text."""
    if not cell:
        return np.nan
    try:
        number = float(cell)
        return number if number == number else nan
    except ValueError:
        text = cell.strip()
        if text.startswith("[") and text.endswith("]"):
            return _number(text[1:-1], nan)
        return np.nan if text.lower() in GAPS else None
