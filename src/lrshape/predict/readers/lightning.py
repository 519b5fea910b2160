"""Lightning's CSVLogger."""

from collections.abc import Mapping
from pathlib import Path

from typing_extensions import override

from lrshape.predict.reader import READERS, Reader, RunLog
from lrshape.predict.readers.csv_log import read_csv

_FILE = "metrics.csv"


@READERS.register("lightning")
class Lightning(Reader):
    """``metrics.csv`` of Lightning's CSVLogger, its folder, or the folder of all its versions.

    A run is called after its folder, ``version_0``. Learning rates are what ``LearningRateMonitor`` logs.
    """

    @override
    def recognises(self, source: Path) -> bool:
        return bool(_files(source))

    @override
    def read(self, source: Path, columns: Mapping[str, str]) -> list[RunLog]:
        logs = []
        for file in _files(source):
            folder = file.resolve().parent
            found = read_csv(file, columns, folder.name)
            for log in found:
                log.source = folder
            logs += found
        return logs


def _files(source: Path) -> list[Path]:
    if source.is_file():
        return [source] * (source.name == _FILE)
    return [source / _FILE] if (source / _FILE).is_file() else sorted(source.glob(f"version_*/{_FILE}"))
