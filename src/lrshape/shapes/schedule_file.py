"""Reading back what was exported, and learning rates and logs of them from elsewhere. Code is never run."""

import ast
import csv
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.steps import MAX_STEPS

if TYPE_CHECKING:
    import pandas as pd


MAX_BYTES = {".json": 200_000_000, ".csv": 1_000_000_000, ".npy": 8_100_000_000, ".py": 20_000_000}
"""Sizes of files that are read: numbers take more memory as JSON or Python text than as a table."""


def read_schedule(path: Path) -> Schedule:
    """Read a schedule from a file.

    Args:
        path: ``.json``, a schedule or a list of learning rates; ``.csv``, a column of learning rates or two
            columns step and lr, with or without a heading; ``.npy``, shape (steps,); or ``.py``, as
            `lrshape export` writes it, whose constant ``SCHEDULE`` is read.

    Returns:
        The schedule. Learning rates become a ``table``, exact to rounding, whose base LR is the largest.

    Raises:
        InputError: if it cannot be read as that.
    """
    readers = {".json": _json, ".csv": _csv, ".npy": _npy, ".py": _python}
    if path.suffix not in readers:
        raise InputError(f"{path}: a schedule file must end with one of {', '.join(readers)}")
    try:
        size = path.stat().st_size
        if not path.is_file():  # a pipe would be waited for
            raise InputError("is no regular file")
        if size > MAX_BYTES[path.suffix]:
            raise InputError(f"a schedule file has at most {MAX_BYTES[path.suffix]:,} bytes, got {size:,}")
        found = readers[path.suffix](path)
        if isinstance(found, np.ndarray):
            return Schedule.from_values(found)
        return Schedule.from_dict(found)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, SyntaxError, RecursionError, MemoryError, csv.Error) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: is no schedule: {reason:.120}") from None


def _json(path: Path) -> Any:
    text = path.read_text("utf-8")
    if text.lstrip().startswith("["):
        return _numbers(json.loads(text))
    return Schedule.from_json(text).to_dict()


def _npy(path: Path) -> Any:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # its header is Python text, which fails in many ways
        raise InputError(f"is no schedule: {' '.join(str(error).split()):.120}") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise InputError("must hold one array of numbers")
    return array.astype(np.float64)


def _csv(path: Path) -> Any:
    with path.open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.reader(file) if row]
    if rows and not is_number(rows[0][-1]):
        rows = rows[1:]  # the heading
    widths = {len(row) for row in rows}
    if widths not in ({1}, {2}):
        raise InputError("must have the column lr, or the columns step and lr")
    columns = [_numbers(column) for column in zip(*rows, strict=True)]
    return columns[0] if len(columns) == 1 else every_step(*columns)


def every_step(steps: NDArray[np.float64], lrs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Learning rates at every step from the first to the last; straight lines where a log has gaps.

    Args:
        steps: whole numbers that rise, shape (logged,).
        lrs: the learning rates there, shape (logged,).

    Raises:
        InputError: if the steps are not as said, or are too many.
    """
    if not (np.isfinite(steps).all() and (steps % 1 == 0).all() and (np.diff(steps) > 0).all()):
        raise InputError("the column step must hold whole numbers that rise")
    count = int(steps[-1] - steps[0]) + 1
    if count > MAX_STEPS:
        raise InputError(f"a schedule has at most {MAX_STEPS:,} steps, got {count:,}")
    return lrs if count == len(lrs) else np.interp(steps[0] + np.arange(count), steps, lrs)


def is_number(text: str) -> bool:
    """Whether a cell of a table is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def _numbers(values: Any) -> NDArray[np.float64]:
    if any(isinstance(value, bool | list | dict | type(None)) for value in values):
        raise InputError("learning rates must be numbers")
    return np.array([float(value) for value in values], np.float64)


def _python(path: Path) -> Any:
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.Assign) and [ast.unparse(target) for target in node.targets] == ["SCHEDULE"]:
            return ast.literal_eval(node.value)
    raise InputError("has no constant SCHEDULE, as `lrshape export` writes it")


STEPS = ("step", "_step", "steps", "global_step", "trainer/global_step", "iteration")
RATES = ("lr", "learning_rate", "learning rate", "learning-rate")
MAX_LOG_BYTES = 500_000_000
_SPREAD = ("__MIN", "__MAX")
"""Endings of columns that Weights & Biases adds to each curve of an exported chart."""

Curves = dict[str, NDArray[np.float64]]


def read_log(path: Path) -> Curves:
    """Read a log: a CSV with a heading, one row a logged step, and a column of learning rates for each run.

    Returns:
        The learning rates of every step, by the name of their column. Gaps are filled by straight lines.

    Raises:
        InputError: if it cannot be read as that, is larger than `MAX_LOG_BYTES`, or a curve is longer than a
            schedule may be.
    """
    import pandas as pd

    try:
        size = path.stat().st_size
        if not path.is_file():
            raise InputError(f"{path}: is no regular file")
        if size > MAX_LOG_BYTES:
            raise InputError(f"{path}: a log has at most {MAX_LOG_BYTES:,} bytes, got {size:,}")
        table = pd.read_csv(path, low_memory=False)
    except OSError as error:
        raise InputError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (ValueError, OverflowError, MemoryError) as error:  # pandas' own errors are ValueErrors
        reason = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{path}: is not a log of learning rates: {reason:.120}") from None
    curves = _curves(table.rename(columns=str))
    if not curves:
        raise InputError(f"{path}: a log needs a column of steps that rise and a column of learning rates")
    return curves


def _curves(table: "pd.DataFrame") -> Curves:
    steps = next((name for name in table.columns if name.strip().lower() in STEPS), None)
    if steps is None:
        return {}
    place = _column_numbers(table[steps])
    if not (np.isfinite(place).all() and (np.diff(place) > 0).all()):
        return {}
    found: Curves = {}
    for name in table.columns:
        if name == steps or name.endswith(_SPREAD) or not any(word in name.lower() for word in RATES):
            continue
        rates = _column_numbers(table[name])
        logged = ~np.isnan(rates)
        if logged.sum() > 1:
            found[name] = every_step(place[logged], rates[logged])
    return found


def _column_numbers(column: Any) -> NDArray[np.float64]:
    """A column's numbers, shape (rows,); NaN where it holds none."""
    import pandas as pd

    found: Any = pd.to_numeric(column, errors="coerce")
    return found.to_numpy(np.float64, na_value=np.nan)
