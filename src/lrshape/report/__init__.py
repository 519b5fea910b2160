"""The report of a study: figures, and one self-contained HTML page."""

from lrshape.report.figures.shapes import shape_figure
from lrshape.report.write import write_report

__all__ = ["shape_figure", "write_report"]
