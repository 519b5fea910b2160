"""A chunk of trials as the bytes of a sealed Parquet file.

The file's footer holds a SHA-256 digest of the whole file, taken while the digest's own 64 characters were
zeros. It is checked before the file is parsed: no damaged byte reaches the Parquet reader.
"""

import hashlib
import io
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from lrshape.files import LARGEST
from lrshape.store import curve_column
from lrshape.store.curve_column import CURVE
from lrshape.store.table import PHASES, problem, schema

_CHUNK = re.compile(r"([A-Za-z0-9_]+(?:-[A-Za-z0-9_]+)*)-(\d{5,18})")


def chunk_name(phase: str, number: int) -> str:
    """The name of a phase's chunk."""
    return f"{phase}-{number:05d}"


def parse(name: str) -> tuple[str, int]:
    """Phase and number of a chunk.

    Raises:
        ValueError: if it is no chunk's name.
    """
    match = _CHUNK.fullmatch(name)
    if match is None:
        raise ValueError(f"a chunk's name is <phase>-<five digits or more>, got {name!r}")
    return match[1], int(match[2])


def order(name: str) -> tuple[int, str, int, str]:
    """What chunks are sorted by: the phase, then the number."""
    phase, number = parse(name)
    return PHASES.index(phase) if phase in PHASES else len(PHASES), phase, number, name


def is_chunk(name: str) -> bool:
    """Whether this is a chunk's name."""
    return _CHUNK.fullmatch(name) is not None


CHUNK_FORMAT = "1"


# As Thrift's compact protocol writes the key and the header of its 64-byte value.
_DIGEST_KEY = "lrshape.sha256"
_SEAL = _DIGEST_KEY.encode() + b"\x18\x40"
_ZEROS = b"0" * 64


class DamagedChunk(Exception):  # noqa: N818 - it names what was found, not what went wrong in here
    """A chunk cannot be trusted; the message is the reason, ``name`` the chunk."""

    def __init__(self, name: str, reason: str):
        super().__init__(f"chunk {name} is damaged: {reason}")
        self.name = name
        self.reason = reason


def encode(table: pd.DataFrame, name: str, spec_hash: str) -> bytes:
    """Return the file of chunk ``name``.

    Raises:
        ValueError: if the columns are not those of a trials table, in order, or a value is missing or of
            another type. Metrics may be any float, NaN and infinities included. The column ``curve`` may be
            missing, as may its values: they are `lrshape.loss_curve.LossCurve`.
    """
    expected = schema(table.columns)
    if list(table.columns) != expected.names:
        raise ValueError(f"a trials table has the columns {expected.names}, got {list(table.columns)}")
    columns = [_column(table[field.name].to_numpy(), field) for field in expected]
    strings = [field.name for field in expected if field.type == pa.string()]
    sink = io.BytesIO()
    with pq.ParquetWriter(
        sink,
        expected,
        compression="zstd",
        use_dictionary=strings,  # pyright: ignore[reportArgumentType] - the stub knows only bool
        dictionary_pagesize_limit=2**24,
        write_statistics=False,  # nothing reads them, and they are a quarter of a small chunk
        write_page_checksum=True,
        store_schema=False,
    ) as writer:
        writer.write_table(pa.Table.from_arrays(columns, schema=expected))
        labels = {"lrshape.format": CHUNK_FORMAT, "lrshape.study": spec_hash, "lrshape.chunk": name}
        writer.add_key_value_metadata(labels | {_DIGEST_KEY: _ZEROS.decode()})
    return _sealed(sink.getvalue())


def decode(data: bytes, name: str, spec_hash: str, curves: bool = False) -> pa.Table:
    """Return the table in the bytes of a chunk's file, once everything about it has been checked.

    Its texts are dictionary-encoded. The column of loss curves, if it has one, is left out unless ``curves``.

    Raises:
        DamagedChunk: if any bit differs from what was written, or the file is sound but is another chunk's,
            another study's, or of another format.
    """
    if not data:
        raise DamagedChunk(name, "the file is empty")
    start = _digest_start(data)
    if start < 0:
        raise DamagedChunk(name, "it is truncated, or not a chunk of a study")
    if data[start : start + 64] != _digest(data, start):
        raise DamagedChunk(name, "its content does not match its SHA-256 digest")
    strings = [field.name for field in schema(()) if field.type == pa.string()]
    try:
        file = pq.ParquetFile(pa.BufferReader(data), page_checksum_verification=True, read_dictionary=strings)
        labels = file.metadata.metadata or {}
        for label, expected in (("format", CHUNK_FORMAT), ("study", spec_hash), ("chunk", name)):
            value = labels.get(f"lrshape.{label}".encode(), b"").decode(errors="replace")
            if value != expected:
                raise DamagedChunk(name, f"its {label} is {value!r} and should be {expected!r}")
        # What claims to unfold to more was made to fill the memory.
        groups = [file.metadata.row_group(i) for i in range(file.metadata.num_row_groups)]
        if sum(group.total_byte_size + 8 * group.num_rows for group in groups) > LARGEST:
            raise DamagedChunk(name, f"it decompresses to more than {LARGEST:,} bytes")
        columns = [column for column in file.schema_arrow.names if curves or column != CURVE]
        table = file.read(columns, use_threads=False).replace_schema_metadata(None)
    except (pa.ArrowException, OSError) as error:
        raise DamagedChunk(name, f"it is not a readable Parquet file: {error}") from error
    if table.schema != schema(table.column_names, folded=True):
        raise DamagedChunk(name, f"its columns are {table.column_names}")
    if (reason := problem(table, parse(name)[0])) is not None:
        raise DamagedChunk(name, reason)
    return table


def _column(values: np.ndarray, field: pa.Field) -> pa.Array:
    try:
        if field.type == curve_column.TYPE:
            return curve_column.packed(values)
        if field.type == pa.float64():
            return pa.array(values.astype(np.float64))  # NaN stays a value, here as in the file
        if field.type == pa.int64():
            return pa.array(values).cast(field.type)  # a direct conversion would cut off fractions
        array = pa.array(values.astype(object), field.type, from_pandas=True)
    except UnicodeEncodeError:  # lone surrogates, from an error message for instance, have no UTF-8
        texts = [str(value).encode("utf-8", "backslashreplace").decode() for value in values]
        array = pa.array(texts, field.type)
    except (pa.ArrowException, TypeError, ValueError) as error:
        raise ValueError(f"column {field.name!r} of a trials table is {field.type}: {error}") from error
    if array.null_count:
        raise ValueError(f"column {field.name!r} of a trials table must have a value in every row")
    return array


def _digest_start(data: bytes) -> int:
    # The labels are the last thing but a few in the footer, hence the search from the end.
    found = data.rfind(_SEAL)
    start = found + len(_SEAL)
    return start if found >= 0 and start + 64 <= len(data) else -1


def _digest(data: bytes, start: int) -> bytes:
    digest = hashlib.sha256(data[:start])
    digest.update(_ZEROS)
    digest.update(data[start + 64 :])
    return digest.hexdigest().encode()


def _sealed(data: bytes) -> bytes:
    start = _digest_start(data)
    if data[start : start + 64] != _ZEROS:  # another Parquet writer than the one this was built for
        raise RuntimeError("the Parquet writer did not put the digest where it was expected")
    return data[:start] + _digest(data, start) + data[start + 64 :]
