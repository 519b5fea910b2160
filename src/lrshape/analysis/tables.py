"""Rows of tables, and tables as CSV files for spreadsheets and other programs."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from lrshape.files import publish

# A spreadsheet takes a cell that starts like this for a formula, or drops the character and looks again.
_FORMULA = ("=", "+", "-", "@", "\t", "\n")


def where(table: pd.DataFrame, wanted: ArrayLike) -> pd.DataFrame:
    """The rows that a boolean of shape ``(rows,)`` marks."""
    return table.iloc[np.flatnonzero(np.asarray(wanted, bool))]


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries by column name."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]


def plain(value: Any) -> Any:
    """Return JSON types only: None for a number that is not finite, a list of rows for a table."""
    if isinstance(value, pd.DataFrame):
        return plain(records(value))
    if isinstance(value, Mapping):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def write_csv(tables: Mapping[str, pd.DataFrame], directory: str | Path, folder: str = "") -> list[Path]:
    """Write tables as ``<name>.csv``.

    Numbers are written with all their digits, infinity as ``inf`` and what is not known as an empty cell. A
    text that a spreadsheet would take for a formula gets an apostrophe before it. A carriage return becomes
    a line feed, since Python's writer leaves it unquoted and it would end the row for many readers.

    Args:
        tables: by name.
        directory: where to; it is made if need be, and files of these names in it are replaced.
        folder: of the directory, where they go, by default itself; it must not be a link.

    Returns:
        The files, in the order of the tables.

    Raises:
        InputError: if the folder is a link.
        OSError: if they cannot be written.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    files = []
    for name, table in tables.items():
        file = f"{folder}/{name}.csv" if folder else f"{name}.csv"
        publish(directory, file, csv_bytes(table), replace=True)
        files.append(directory / file)
    return files


def csv_bytes(table: pd.DataFrame) -> bytes:
    """Return the content of a CSV file, see `write_csv`."""
    return harmless(table).to_csv(index=False, lineterminator="\n").encode()


def harmless(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with texts, those of cells and the columns' names, that are only texts."""
    guarded = {c: table[c].map(_text) for c in table.columns if not pd.api.types.is_numeric_dtype(table[c])}
    return table.assign(**guarded).rename(columns=_text)


def _text(text: Any) -> Any:
    if not isinstance(text, str):  # numbers may share a column with texts
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.startswith(_FORMULA) else text
