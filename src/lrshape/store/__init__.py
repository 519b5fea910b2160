"""Where a study's trainings are kept: a local directory of files, each written once."""

from lrshape.store._checks import params_of
from lrshape.store._chunk import DamagedChunk, metric_columns
from lrshape.store._files import StoreError, publish, read_document, store_error
from lrshape.store.directory import FOLLOW_UPS, FORMAT, ORDER, PHASES, Store, sort_trainings

__all__ = [
    "FOLLOW_UPS",
    "FORMAT",
    "ORDER",
    "PHASES",
    "DamagedChunk",
    "Store",
    "StoreError",
    "metric_columns",
    "params_of",
    "publish",
    "read_document",
    "sort_trainings",
    "store_error",
]
