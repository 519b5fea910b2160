"""Tables of runs from files. What a file claims is checked before it is read into memory."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrshape.errors import InputError

MAX_BYTES = 500_000_000
MAX_CELLS = 50_000_000
"""Values in a table: far more than anybody's runs, and a few hundred megabytes."""


def read_table(path: Path) -> pd.DataFrame:
    """Read a table with one row a run, or one a step.

    Args:
        path: ``.csv`` with a heading, or ``.parquet``.

    Raises:
        InputError: if it cannot be read as that, or is larger than `MAX_BYTES` or `MAX_CELLS`.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(f"{path}: a table has at most {MAX_BYTES:,} bytes, got {size:,}")
        table = _parquet(path) if path.suffix == ".parquet" else pd.read_csv(path, low_memory=False)
    except InputError:
        raise
    except OSError as error:  # Arrow's own errors about broken files are of this kind, too
        raise InputError(f"{path}: cannot be read: {error.strerror or _line(error)}") from None
    except (ValueError, OverflowError, MemoryError) as error:  # pandas' and Arrow's are ValueErrors
        raise InputError(f"{path}: is no table of runs: {_line(error)}") from None
    if table.empty:
        raise InputError(f"{path}: holds no rows")
    return table.rename(columns=str)


def numbers(column: Any) -> NDArray[np.float64]:
    """A column's numbers, shape (rows,); NaN where it holds none."""
    found: Any = pd.to_numeric(column, errors="coerce")
    return found.to_numpy(np.float64, na_value=np.nan)


def _parquet(path: Path) -> pd.DataFrame:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            rows, columns = file.metadata.num_rows, len(file.schema_arrow)
            if rows * max(columns, 1) > MAX_CELLS:
                raise InputError(
                    f"{path}: a table has at most {MAX_CELLS:,} values, got {rows:,} rows of {columns:,}"
                )
            return file.read().to_pandas(ignore_metadata=True)
    except pa.ArrowException as error:
        raise InputError(f"{path}: is no Parquet file: {_line(error)}") from None


def _line(error: BaseException) -> str:
    return f"{' '.join(str(error).split()) or type(error).__name__:.120}"
