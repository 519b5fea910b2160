"""Tables and answers from stored trials. A trial that diverged or failed scores +inf, everywhere."""

from lrshape.analysis.intervals import Difference, Interval, holm, median_interval, paired_difference
from lrshape.analysis.reduce import best_base_lrs, scores
from lrshape.analysis.result import best, best_per_family, compared, confirmed, winner
from lrshape.analysis.tables import write_tables

__all__ = [
    "Difference",
    "Interval",
    "best",
    "best_base_lrs",
    "best_per_family",
    "compared",
    "confirmed",
    "holm",
    "median_interval",
    "paired_difference",
    "scores",
    "winner",
    "write_tables",
]
