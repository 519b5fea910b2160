"""What every reader of training runs promises."""

import inspect
import tempfile
from pathlib import Path

import numpy as np

from lrshape.errors import InputError
from lrshape.predict.reader import Reader, RunLog
from lrshape.testing.contract import check, require


def check_reader(reader: type[Reader], source: Path | None = None) -> None:
    """Require that a reader keeps the contract.

    Args:
        reader: the class.
        source: a file or folder that it reads; without it only what it refuses is tested.

    Raises:
        AssertionError: at the first rule that it breaks.
        InputError: if it cannot run here, e.g. without its package.
    """
    check(RULES, reader)
    if source is not None:
        check(SOURCE_RULES, reader, source)


def is_documented(reader: type[Reader]) -> None:
    """Its docstring says which files it reads."""
    require(inspect.getdoc(reader) and reader.__doc__, "must have a docstring")


def recognises_nothing_of_others(reader: type[Reader]) -> None:
    """Neither an empty folder nor a file of random bytes, and without an error."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        require(not reader().recognises(folder), "must not recognise an empty folder")
        file = folder / "noise.bin"
        file.write_bytes(np.random.default_rng(0).bytes(1000))
        require(not reader().recognises(file), "must not recognise random bytes")


def reads_logs(reader: type[Reader], source: Path) -> None:
    """With named runs and series of numbers at steps; the source is left as it was."""
    before = _bytes(source)
    require(reader().recognises(source), f"must recognise {source}")
    logs = reader().read(source, {})
    require(logs and all(isinstance(log, RunLog) and log.name for log in logs), "must give named logs")
    for log in logs:
        for heading, (steps, values) in log.series.items():
            told = f"{log.name}: {heading} must be rows of float64, got {steps.dtype}, {values.dtype}"
            require(steps.dtype == values.dtype == np.float64, told)
            require(steps.ndim == 1 and steps.shape == values.shape, f"{told} {steps.shape}, {values.shape}")
    require(any(log.series for log in logs), "must give a series")
    require(_bytes(source) == before, "must not change what it reads")


def refuses_damage_in_one_line(reader: type[Reader], source: Path) -> None:
    """A file that was cut anywhere is read up to there, or refused in one line."""
    if source.is_dir():
        return
    data = source.read_bytes()
    with tempfile.TemporaryDirectory() as name:
        file = Path(name) / source.name
        for end in (0, 1, len(data) // 3, len(data) // 2, len(data) - 3):
            file.write_bytes(data[:end])
            if not reader().recognises(file):
                continue
            try:
                reader().read(file, {})
            except InputError as error:
                require("\n" not in str(error), f"must refuse in one line, got {str(error)!r}")


def _bytes(source: Path) -> dict[Path, bytes]:
    files = [source] if source.is_file() else [file for file in source.rglob("*") if file.is_file()]
    return {file: file.read_bytes() for file in files}


RULES = (is_documented, recognises_nothing_of_others)
SOURCE_RULES = (reads_logs, refuses_damage_in_one_line)
