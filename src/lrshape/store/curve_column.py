"""The column of loss curves in a chunk: a list of points for each trial, empty where it has no curve."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from lrshape.loss_curve import LossCurve

CURVE = "curve"

_POINT = pa.struct(
    [
        pa.field("step", pa.int32(), nullable=False),
        pa.field("train_loss", pa.float32(), nullable=False),
        pa.field("valid_loss", pa.float32(), nullable=False),
    ]
)
TYPE = pa.list_(pa.field("element", _POINT, nullable=False))


def packed(curves: Iterable[Any]) -> pa.Array:
    """Return the column; what is no `LossCurve` becomes an empty list."""
    nothing = np.empty(0, np.float32)
    empty = LossCurve(np.empty(0, np.int32), nothing, nothing)
    known = [curve if isinstance(curve, LossCurve) else empty for curve in curves]
    offsets = np.cumsum([0, *(len(curve.step) for curve in known)]).astype(np.int32)
    values = [
        pa.array(np.concatenate([getattr(curve, field.name) for curve in (empty, *known)]), field.type)
        for field in _POINT
    ]
    points = pa.StructArray.from_arrays(values, fields=list(_POINT))
    return pa.ListArray.from_arrays(pa.array(offsets), points, type=TYPE)


def unpacked(column: pa.ChunkedArray) -> list[LossCurve | None]:
    """Return each trial's curve."""
    points = _points(column)
    ends = np.cumsum(_lengths(column))[:-1]
    parts = zip(*(np.split(points[field.name], ends) for field in _POINT), strict=True)
    return [LossCurve(*part) if len(part[0]) else None for part in parts]


def problem(column: pa.ChunkedArray) -> str | None:
    """Say what is wrong with the curves of a chunk; None if nothing is."""
    step, lengths = _points(column)["step"], _lengths(column)
    rises = np.append(step[:1] >= 0, step[1:] > step[:-1])
    starts = (np.cumsum(lengths) - lengths)[lengths > 0]
    rises[starts] = step[starts] >= 0
    return None if rises.all() else "the steps of a curve do not rise"


def one_row_a_point(trials: pd.DataFrame, column: pa.ChunkedArray) -> pd.DataFrame:
    """Return the rows of trials, once for each point of their curves, with the columns of the points."""
    rows = np.repeat(np.arange(len(trials)), _lengths(column))
    return trials.iloc[rows].reset_index(drop=True).assign(**_points(column))


def _lengths(column: pa.ChunkedArray) -> np.ndarray:
    return pc.call_function("list_value_length", [column]).to_numpy()


def _points(column: pa.ChunkedArray) -> dict[str, np.ndarray]:
    points = pc.call_function("list_flatten", [column])
    return {
        field.name: pc.call_function("struct_field", [points], pc.StructFieldOptions([place])).to_numpy()
        for place, field in enumerate(_POINT)
    }
