"""From Arrow tables of chunks to one pandas table, in time and memory that ten million rows allow.

Texts repeat: they are held once each and rows point at them, in Arrow as a dictionary, in pandas as a
categorical. Columns are joined one after another, and what has been joined is given up at once.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from lrshape.store.chunk_file import metric_columns, schema
from lrshape.store.chunk_names import phase_codes


def chunk_frame(table: pa.Table) -> pd.DataFrame:
    """The rows of one chunk, in the order in which they were written; texts are texts."""
    return table.cast(schema(metric_columns(table.column_names))).to_pandas()


def sorted_frame(tables: Sequence[pa.Table]) -> pd.DataFrame:
    """Join tables and sort their rows by phase (as they are run), shape, base LR and seed.

    A metric that some tables lack is NaN in their rows. Texts are categoricals whose categories are those
    that occur, sorted: the result depends on the rows alone.
    """
    metrics = dict.fromkeys(m for table in tables for m in metric_columns(table.column_names))
    wanted = schema(metrics, folded=True)
    joined = pa.concat_tables(tables, promote_options="default") if tables else wanted.empty_table()
    columns: dict[str, tuple[NDArray, pa.Array | None]] = {}
    for field in wanted:
        column = joined.column(field.name)
        joined = joined.drop_columns([field.name])
        columns[field.name] = (
            _unfolded(column) if pa.types.is_dictionary(field.type) else (_plain(column), None)
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


def sort_trials(table: pd.DataFrame) -> pd.DataFrame:
    """Sort trials by phase (in the order they are run), shape, base LR and seed."""
    phase = phase_codes(table["phase"])
    shape = pd.factorize(table["shape"], sort=True)[0]
    order = np.lexsort((table["seed"], table["base_lr"], shape, phase))
    return table.iloc[order].reset_index(drop=True)


def _order(columns: dict[str, tuple[NDArray, pa.Array | None]]) -> NDArray[np.int64] | None:
    """The order of the rows, None if they are in it."""
    phases, names = columns["phase"]
    assert names is not None
    place = phase_codes(names.to_pandas())
    keys = (columns["seed"][0], columns["base_lr"][0], columns["shape"][0], place[phases])
    order = np.lexsort(keys)
    return None if np.all(order[1:] > order[:-1]) else order


def _plain(column: pa.ChunkedArray) -> NDArray:
    return column.to_numpy()


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
