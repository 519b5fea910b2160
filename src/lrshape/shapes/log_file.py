"""Reading logs of learning rates, of one run or several."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError
from lrshape.shapes.schedule_file import every_step

if TYPE_CHECKING:
    import pandas as pd

STEPS = ("step", "_step", "steps", "global_step", "trainer/global_step", "iteration")
RATES = ("lr", "learning_rate", "learning rate", "learning-rate")
MAX_BYTES = 500_000_000
_SPREAD = ("__MIN", "__MAX")
"""Endings of columns that Weights & Biases adds to each curve of an exported chart."""

Curves = dict[str, NDArray[np.float64]]


def read_log(path: Path) -> Curves:
    """Read a log: a CSV with a heading, one row a logged step, and a column of learning rates for each run.

    Returns:
        The learning rates of every step, by the name of their column. Gaps are filled by straight lines.

    Raises:
        InputError: if it cannot be read as that, is larger than `MAX_BYTES`, or a curve is longer than a
            schedule may be.
    """
    import pandas as pd

    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(f"{path}: a log has at most {MAX_BYTES:,} bytes, got {size:,}")
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
    place = _numbers(table[steps])
    if not (np.isfinite(place).all() and (np.diff(place) > 0).all()):
        return {}
    found: Curves = {}
    for name in table.columns:
        if name == steps or name.endswith(_SPREAD) or not any(word in name.lower() for word in RATES):
            continue
        rates = _numbers(table[name])
        logged = ~np.isnan(rates)
        if logged.sum() > 1:
            found[name] = every_step(place[logged], rates[logged])
    return found


def _numbers(column: Any) -> NDArray[np.float64]:
    """A column's numbers, shape (rows,); NaN where it holds none."""
    import pandas as pd

    found: Any = pd.to_numeric(column, errors="coerce")
    return found.to_numpy(np.float64, na_value=np.nan)
