"""The report of a study: figures, and one self-contained HTML page."""

from lrshape.report.figures.shapes import shape_figure
from lrshape.report.page import suffix, write_report

__all__ = ["shape_figure", "suffix", "write_report"]
