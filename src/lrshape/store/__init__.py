"""Where a study's trials are kept: a directory or a URL with files, each written once."""

from lrshape.store._checks import params_of
from lrshape.store._chunk import DamagedChunk, metric_columns
from lrshape.store._files import StoreError, publish, read_document, replace, store_error
from lrshape.store._frame import phase_codes, sort_trials
from lrshape.store._names import PHASES
from lrshape.store._place import Location, Url, local, locate
from lrshape.store.directory import Store
from lrshape.store.merge import Merged, merge
from lrshape.store.verify import Health, verify

__all__ = [
    "PHASES",
    "DamagedChunk",
    "Health",
    "Location",
    "Merged",
    "Store",
    "StoreError",
    "Url",
    "local",
    "locate",
    "merge",
    "metric_columns",
    "params_of",
    "phase_codes",
    "publish",
    "read_document",
    "replace",
    "sort_trials",
    "store_error",
    "verify",
]
