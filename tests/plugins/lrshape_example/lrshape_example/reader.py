"""Logs of one number a line, the loss after each step, with a constant LR."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from lrshape.predict.reader import READERS, Reader, RunLog, Series


@READERS.register("losses")
class Losses(Reader):
    """Files that end with ``.losses``."""

    def recognises(self, source: Path) -> bool:
        return source.suffix == ".losses"

    def read(self, source: Path, columns: Mapping[str, str]) -> list[RunLog]:
        losses = np.loadtxt(source, ndmin=1)
        series = {"loss": Series(np.arange(1.0, len(losses) + 1), losses)}
        return [RunLog(source.stem, source, series, lrs=np.full(len(losses), 0.1))]
