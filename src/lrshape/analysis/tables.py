"""A study's tables as CSV files, for spreadsheets and other programs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lrshape.analysis.analysis import Analysis
from lrshape.store import publish

# A spreadsheet takes a cell that starts like this for a formula, or drops the character and looks again.
_FORMULA = ("=", "+", "-", "@", "\t", "\n")


def write_tables(analysis: Analysis, directory: str | Path) -> list[Path]:
    """Write the tables ``trials, scores, shapes, confirmed, families, near_optimal`` as ``.csv``.

    ``trials.csv`` lacks the wall time, and so is the same, byte for byte, for every run of one study.
    Numbers are written with all their digits, infinity as ``inf`` and what is not known as an empty cell. A
    text that a spreadsheet would take for a formula gets an apostrophe before it. A carriage return becomes
    a line feed, since Python's writer leaves it unquoted and it would end the row for many readers.

    Args:
        analysis: of a study's trials.
        directory: where to; it is made if need be, and files of these names in it are replaced.

    Returns:
        The files, in the order above.

    Raises:
        OSError: if they cannot be written.
    """
    tables = {
        "trials": analysis.trials.drop(columns="wall_time"),
        "scores": analysis.scores,
        "shapes": analysis.shapes,
        "confirmed": analysis.confirmed,
        "families": analysis.family_pairs("confirm"),
        "near_optimal": analysis.near_optimal(),
    }
    return write_csv(tables, directory)


def write_csv(tables: Mapping[str, pd.DataFrame], directory: str | Path) -> list[Path]:
    """Write tables as ``<name>.csv``, in the way that `write_tables` describes.

    Raises:
        OSError: if they cannot be written.
    """
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    files = []
    for name, table in tables.items():
        file = directory / f"{name}.csv"
        publish(file, harmless(table).to_csv(index=False, lineterminator="\n").encode(), replace=True)
        files.append(file)
    return files


def harmless(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with texts, those of cells and the columns' names, that are only texts."""
    guarded = {c: table[c].map(_text) for c in table.columns if not pd.api.types.is_numeric_dtype(table[c])}
    return table.assign(**guarded).rename(columns=_text)


def _text(text: Any) -> Any:
    if not isinstance(text, str):  # numbers may share a column with texts
        return text
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return f"'{text}" if text.startswith(_FORMULA) else text
