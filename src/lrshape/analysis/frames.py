"""Small steps on tables that keep their types."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


def where(table: pd.DataFrame, wanted: ArrayLike) -> pd.DataFrame:
    """The rows that a boolean of shape ``(rows,)`` marks."""
    return table.iloc[np.flatnonzero(np.asarray(wanted, bool))]


def records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows as dictionaries by column name."""
    return [{str(key): value for key, value in row.items()} for row in table.to_dict("records")]
