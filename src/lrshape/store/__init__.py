"""Where a study's trials are kept: a directory or a URL with files, each written once."""

from lrshape.files import StoreError
from lrshape.store.chunk_file import DamagedChunk, chunk_name
from lrshape.store.curve_column import CURVE
from lrshape.store.directory import Store
from lrshape.store.document import SWEEP, claim_directory, digest, read_document
from lrshape.store.merge import merge
from lrshape.store.place import Location, Url, local, locate
from lrshape.store.places import place_at
from lrshape.store.table import (
    NOTHING_TUNED,
    PHASES,
    hyperparameters_of,
    metric_columns,
    params_of,
    phase_codes,
    text_of,
)

__all__ = [
    "CURVE",
    "NOTHING_TUNED",
    "PHASES",
    "SWEEP",
    "DamagedChunk",
    "Location",
    "Store",
    "StoreError",
    "Url",
    "chunk_name",
    "claim_directory",
    "digest",
    "hyperparameters_of",
    "local",
    "locate",
    "merge",
    "metric_columns",
    "params_of",
    "phase_codes",
    "place_at",
    "read_document",
    "text_of",
]
