"""CSV files of any logger, charts that Weights & Biases exports among them."""

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from typing_extensions import override

from lrshape.errors import InputError
from lrshape.predict.headings import is_metric, step_heading
from lrshape.predict.log_table import is_label, logs_of
from lrshape.predict.reader import MAX_BYTES, READERS, Reader, RunLog
from lrshape.shapes.input_file import reading
from lrshape.shapes.number_table import read_table


def read_csv(source: Path, columns: Mapping[str, str], name: str | None = None) -> list[RunLog]:
    """Return the logs in a CSV file.

    Args:
        source: the file.
        columns: headings by role.
        name: of the run, if the file does not say it; default: from the file's name.

    Raises:
        InputError: if it cannot be read as that.
    """
    with reading(source, "no log of runs", MAX_BYTES):
        table = read_table(source, lambda heading: is_label(heading, columns), may_be_cut=True, nan=np.inf)
        if not table.has_heading:
            raise InputError("the first row must hold headings, e.g. step,lr,loss")
        used = {step_heading(table.columns, columns.get("step")), *columns.values()}
        for heading, text in table.texts.items():
            if is_metric(heading) and re.search(r"has '[-+.]?\d", text):  # a number in another notation
                used.add(heading)
        wanted = {
            heading: table.numbers(heading)
            for heading in table.columns
            if heading not in table.texts or heading in used
        }
        return logs_of(source, wanted, table.labels, table.texts, columns, name)


@READERS.register("csv")
class CSVLog(Reader):
    """CSV with a column of steps and columns of learning rates and losses, of one run or of several.

    Also the CSV of a chart of Weights & Biases, whose columns are called ``RUN - metric``. Cells are
    separated by commas, semicolons or tabs.
    """

    is_fallback = True

    @override
    def recognises(self, source: Path) -> bool:
        return source.is_file() and source.suffix.lower() in (".csv", ".tsv", ".txt")

    @override
    def read(self, source: Path, columns: Mapping[str, str]) -> list[RunLog]:
        return read_csv(source, columns)
