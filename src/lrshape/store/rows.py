"""What the rows of a chunk must be. A digest shows that they are as written, not that they make sense."""

import json
from typing import Any

import numpy as np
import pyarrow as pa

from lrshape.errors import InputError, shown

STATUS = ("ok", "diverged", "failed")


def problem(table: pa.Table, phase: str) -> str | None:
    """Say what is wrong with the rows of a chunk; None if nothing is.

    Args:
        table: of the schema of a trials table.
        phase: of the chunk.
    """
    for name in table.column_names:
        if table.column(name).null_count:
            return f"it has no {name} in some row"
    for name, allowed in (("phase", (phase,)), ("status", STATUS)):
        strange = [text for text in table.column(name).unique().to_pylist() if text not in allowed]
        if strange:
            return f"its {name} is {shown(strange[0])} and should be one of {', '.join(allowed)}"
    base_lrs = table.column("base_lr").to_numpy()
    if not ((base_lrs > 0) & (base_lrs <= np.finfo(np.float32).max)).all():
        return "a base LR is not a positive float32 number"
    if (table.column("seed").to_numpy() < 0).any():
        return "a seed is below 0"
    return None


def params_of(text: str) -> dict[str, Any]:
    """The parameters in the column ``params`` of a row.

    Raises:
        InputError: if the text is no JSON object of numbers, texts and lists.

    Example:
        >>> params_of('{"beta": 0.5}')
        {'beta': 0.5}
    """
    try:
        params = json.loads(text)
    except (ValueError, RecursionError):
        params = None
    if not isinstance(params, dict) or not all(
        isinstance(value, int | float | str | list) for value in params.values()
    ):
        raise InputError(f"a trial's params must be a JSON object of its shape's, got {shown(text)}")
    return params
