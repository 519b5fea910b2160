"""The table of trials: its columns, what its rows must be, and how it is joined from those of chunks.

A digest shows that rows are as written, not that they make sense: `problem` looks at that. Texts repeat: they
are held once each and rows point at them, in Arrow as a dictionary, in pandas as a categorical. Columns are
joined one after another, and what has been joined is given up at once: ten million rows fit into memory.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import ArrayLike, NDArray

from lrshape.errors import InputError, shown
from lrshape.store import curve_column
from lrshape.store.curve_column import CURVE

PHASES = ("screen", "rescore", "tune", "confirm")
"""The phases of a search, in the order in which they run."""


_BEFORE = {
    "phase": pa.string(),
    "shape": pa.string(),
    "family": pa.string(),
    "params": pa.string(),
    "base_lr": pa.float64(),
    "hyperparameters": pa.string(),
    "seed": pa.int64(),
}
_AFTER = {
    "status": pa.string(),
    "first_bad_step": pa.int64(),
    "message": pa.string(),
    "wall_time": pa.float64(),
}
_FIXED = {*_BEFORE, *_AFTER, CURVE}

PLANNED = list(_BEFORE)
"""The columns that say which trial a row is of, which the plan fixes."""

CURVE_KEYS = ["phase", "shape", "base_lr", "hyperparameters", "seed"]
"""What tells a trial from the others of its study."""

NOTHING_TUNED = "{}"
"""The column ``hyperparameters`` where a study tunes none beside the base LR."""

STATUS = ("ok", "diverged", "failed")


def phase_codes(phases: ArrayLike) -> NDArray[np.int64]:
    """The place of each trial's phase: those of a search as they run, then others by name.

    Example:
        >>> phase_codes(pd.Series(["seeds", "rescore", "seeds", "local"]))
        array([5, 1, 5, 4])
    """
    codes, names = pd.factorize(np.asarray(phases, object))
    others = sorted(set(names) - set(PHASES))
    place = {name: i for i, name in enumerate((*PHASES, *others))}
    return np.array([place[name] for name in names], np.int64)[codes]


def metric_columns(columns: Iterable[str]) -> list[str]:
    """The metrics among the columns of a trials table, in their order."""
    return [column for column in columns if column not in _FIXED]


def schema(columns: Iterable[str], folded: bool = False) -> pa.Schema:
    """The schema of a trials table with the metrics, and the loss curves, that are among these columns.

    Args:
        columns: of the table.
        folded: whether equal texts are held once.
    """
    columns = list(columns)
    fields = _BEFORE | dict.fromkeys(metric_columns(columns), pa.float64()) | _AFTER
    fields |= {CURVE: curve_column.TYPE} if CURVE in columns else {}
    text = pa.dictionary(pa.int32(), pa.string())
    return pa.schema({k: text if folded and t == pa.string() else t for k, t in fields.items()})


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
    return curve_column.problem(table.column(CURVE)) if CURVE in table.column_names else None


def params_of(text: str) -> dict[str, Any]:
    """The values in the column ``params`` of a row.

    Raises:
        InputError: if the text is no JSON object of numbers, texts and lists.

    Example:
        >>> params_of('{"beta": 0.5}')
        {'beta': 0.5}
    """
    params = _object(text)
    if params is None or not all(isinstance(value, int | float | str | list) for value in params.values()):
        raise InputError(f"a trial's params must be a JSON object of its shape's, got {shown(text)}")
    return params


def hyperparameters_of(text: str) -> dict[str, Any]:
    """The values in the column ``hyperparameters`` of a row; a schedule is an object.

    Raises:
        InputError: if the text is no JSON object of values and schedules, which have ``base``, ``family`` and
            ``params``.

    Example:
        >>> hyperparameters_of('{"weight_decay": 0.1}')
        {'weight_decay': 0.1}
    """
    values = _object(text)
    if values is None or not all(_is_hyperparameter(value) for value in values.values()):
        raise InputError(f"a trial's hyperparameters must be a JSON object of values, got {shown(text)}")
    return values


def _is_hyperparameter(value: Any) -> bool:
    if isinstance(value, dict):
        return value.keys() == {"family", "params", "base"} and isinstance(value["params"], dict)
    return isinstance(value, int | float | str | list)


def _object(text: str) -> dict[str, Any] | None:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def text_of(values: Mapping[str, Any]) -> str:
    """The inverse of `params_of` and `hyperparameters_of`: equal values have equal texts.

    Example:
        >>> text_of({"weight_decay": 0.1, "beta2": 0.95})
        '{"beta2": 0.95, "weight_decay": 0.1}'
    """
    return json.dumps(values, sort_keys=True)


def chunk_frame(table: pa.Table) -> pd.DataFrame:
    """The rows of one chunk, in the order in which they were written; texts are texts."""
    rest = [name for name in table.column_names if name != CURVE]
    frame = table.select(rest).cast(schema(rest)).to_pandas()
    if CURVE in table.column_names:
        frame[CURVE] = pd.Series(curve_column.unpacked(table.column(CURVE)), dtype=object)
    return frame


def sorted_frame(tables: Sequence[pa.Table]) -> pd.DataFrame:
    """Join tables and sort their rows by phase (as they are run) and the rest of `CURVE_KEYS`.

    A metric that some tables lack is NaN in their rows. Texts are categoricals whose categories are those
    that occur, sorted: the result depends on the rows alone.
    """
    wanted = schema(dict.fromkeys(name for table in tables for name in table.column_names), folded=True)
    joined = pa.concat_tables(tables, promote_options="default") if tables else wanted.empty_table()
    columns: dict[str, tuple[NDArray, pa.Array | None]] = {}
    for field in wanted:
        column = joined.column(field.name)
        joined = joined.drop_columns([field.name])
        columns[field.name] = (
            _unfolded(column) if pa.types.is_dictionary(field.type) else (column.to_numpy(), None)
        )
    order = _order(columns)
    frame = {}
    for field in wanted:
        values, texts = columns.pop(field.name)
        values = values if order is None else values[order]
        if texts is not None:
            dtype = pd.CategoricalDtype(pd.Index(texts.to_pandas(), dtype="str"))
            values = pd.Categorical.from_codes(values, dtype=dtype, validate=False)
        frame[field.name] = values
    return pd.DataFrame(frame, copy=False)


def curves_frame(tables: Sequence[pa.Table]) -> pd.DataFrame:
    """Join the loss curves in tables: one row a point, sorted by trial as in `sorted_frame`, then by step."""
    empty = schema([CURVE], folded=True).empty_table()
    known = [empty, *(table for table in tables if CURVE in table.column_names)]
    joined = pa.concat_tables([table.select([*CURVE_KEYS, CURVE]) for table in known])
    texts = pa.schema([schema([]).field(name) for name in CURVE_KEYS])
    trials = joined.select(CURVE_KEYS).cast(texts).to_pandas()
    trials = sort_trials(trials.assign(place=np.arange(len(trials))))
    trials = trials.astype({"phase": "category", "shape": "category", "hyperparameters": "category"})
    curves = joined.column(CURVE).take(pa.array(trials.pop("place").to_numpy()))
    return curve_column.one_row_a_point(trials, curves)


def sort_trials(table: pd.DataFrame) -> pd.DataFrame:
    """Sort trials by phase (in the order they are run) and the rest of `CURVE_KEYS`."""

    def places(column: pd.Series) -> Any:
        return phase_codes(column) if column.name == "phase" else column

    return table.sort_values(CURVE_KEYS, kind="stable", ignore_index=True, key=places)


def _order(columns: dict[str, tuple[NDArray, pa.Array | None]]) -> NDArray[np.int64] | None:
    """The order of the rows, None if they are in it."""
    phases, names = columns["phase"]
    assert names is not None
    place = phase_codes(names.to_pandas())
    keys = (columns[name][0] for name in reversed(CURVE_KEYS[1:]))
    order = np.lexsort((*keys, place[phases]))
    return None if np.all(order[1:] > order[:-1]) else order


def _unfolded(column: pa.ChunkedArray) -> tuple[NDArray[np.int32], pa.Array]:
    """Codes of a dictionary column, and its texts in ascending order."""
    if column.num_chunks == 0:
        return np.empty(0, np.int32), pa.array([], pa.string())
    chunks = column.chunks
    known = pa.concat_arrays([chunk.dictionary for chunk in chunks]).dictionary_encode()
    texts, ends = known.dictionary, np.cumsum([len(chunk.dictionary) for chunk in chunks])
    recoded = np.split(known.indices.to_numpy(), ends[:-1])
    codes = np.concatenate(
        [new[chunk.indices.to_numpy()] for new, chunk in zip(recoded, chunks, strict=True)]
    )
    used = np.zeros(len(texts), bool)
    used[codes] = True
    order = pc.call_function("array_sort_indices", [texts]).to_numpy()
    order = order[used[order]]
    rank = np.zeros(len(texts), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return rank[codes], texts.take(pa.array(order))
