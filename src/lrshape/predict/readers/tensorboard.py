"""Event files of TensorBoard, and the CSV that its page downloads."""

import csv
import re
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from typing_extensions import override

from lrshape.errors import InputError, needs
from lrshape.predict.headings import kind_of, loss_of, split_run
from lrshape.predict.reader import MAX_BYTES, READERS, Reader, RunLog, logged
from lrshape.predict.readers.csv_log import read_csv
from lrshape.shapes.input_file import open_text, reading

_HEADER, _FOOTER = 12, 4
"""Bytes about a record of TensorFlow's format: its length with a checksum, and the checksum of its data."""

_FLOATS, _DOUBLES = 1, 2
"""Types of tensors in which TensorFlow 2 writes scalars."""


@READERS.register("tensorboard")
class TensorBoard(Reader):
    """A folder of event files, or one of them. A folder is a run, with its folders ``train`` and ``val``.

    Needs tensorboardX or tensorboard: ``pip install tensorboardX``.
    """

    shares_folders = True

    @override
    def recognises(self, source: Path) -> bool:
        return bool(_files(source))

    @override
    def read(self, source: Path, columns: Mapping[str, str]) -> list[RunLog]:
        root = source if source.is_dir() else source.parent
        events = _event_class()
        runs: dict[Path, dict[str, list[tuple[int, float]]]] = {}
        for file in _files(source):
            folder, part = file.parent, ""
            if folder != root and kind_of(folder.name):
                run, part = split_run(folder.name)
                folder = folder.parent / run
            found = runs.setdefault(folder, {})
            for tag, step, value in _scalars(file, events):
                found.setdefault(_told(part, tag), []).append((step, value))
        logs = []
        for folder, tags in runs.items():
            series = {tag: logged(rows) for tag, rows in tags.items()}
            by_step = {tag: values for tag, values in series.items() if not _is_by_epoch(tag)}
            if series and not by_step:
                raise InputError(f"{folder}: counts epochs, not optimizer steps: log by steps")
            name = folder.relative_to(root).as_posix() if folder != root else folder.resolve().name
            logs.append(RunLog(name, folder, by_step))
        return logs


@READERS.register("tensorboard_csv")
class TensorBoardCSV(Reader):
    """The CSV of one scalar, ``Wall time,Step,Value``; its name, ``run-NAME-tag-TAG.csv``, says which."""

    @override
    def recognises(self, source: Path) -> bool:
        if source.suffix.lower() != ".csv" or not source.is_file():
            return False
        try:
            with open_text(source) as file:
                return {cell.lower() for cell in next(csv.reader(file), [])} == {"wall time", "step", "value"}
        except (InputError, csv.Error):
            return False

    @override
    def read(self, source: Path, columns: Mapping[str, str]) -> list[RunLog]:
        named = re.fullmatch(r"run-(.+)-tag-(.+)", source.stem)
        logs = read_csv(source, columns)
        if named is None:
            return logs
        for log in logs:
            run, part = split_run(named[1])
            log.name = run or log.name
            log.series = {_told(part, named[2]): values for values in log.series.values()}
        return logs


def _told(part: str, tag: str) -> str:
    """A tag with the kind of losses that its folder says."""
    loss = loss_of(tag)
    return f"{kind_of(part)}_{tag}" if loss and not loss.is_said and kind_of(part) else tag


def _is_by_epoch(tag: str) -> bool:
    return bool(re.search(r"(^|_)epoch_(?!$)", tag))  # Keras: epoch_loss


def _files(source: Path) -> list[Path]:
    if source.is_file():
        return [source] * ("tfevents" in source.name)
    return sorted(file for file in source.rglob("*tfevents*") if file.is_file())


def _event_class() -> Any:
    try:
        from tensorboardX.proto.event_pb2 import Event  # pyright: ignore[reportMissingImports, reportAttributeAccessIssue]
    except ImportError:
        with needs("the log format tensorboard", "tensorboardX"):
            from tensorboard.compat.proto.event_pb2 import (  # pyright: ignore[reportMissingImports]
                Event,  # pyright: ignore[reportAttributeAccessIssue]
            )
    return Event


def _scalars(file: Path, events: Any) -> Iterator[tuple[str, int, float]]:
    """Tags, steps and values; a record that was not written to its end, and what follows, is left out."""
    with reading(file, "no event file", MAX_BYTES):
        data = memoryview(file.read_bytes())
    place = 0
    while place + _HEADER + _FOOTER <= len(data):
        (length,) = struct.unpack_from("<Q", data, place)
        end = place + _HEADER + length
        if end + _FOOTER > len(data) and place > 0:
            return
        try:
            event = events.FromString(bytes(data[place + _HEADER : end]))
        except Exception:  # protobuf's, whose class differs between versions
            raise InputError(f"{file}: is no event file, or damaged at byte {place:,}") from None
        place = end + _FOOTER
        for value in event.summary.value:
            if value.HasField("simple_value"):
                yield value.tag, event.step, value.simple_value
            elif (number := _of_tensor(value.tensor)) is not None:
                yield value.tag, event.step, number


def _of_tensor(tensor: Any) -> float | None:
    """The number in a tensor that holds one; None for texts, images and the like."""
    if tensor.dtype not in (_FLOATS, _DOUBLES):
        return None
    values = [*tensor.float_val, *tensor.double_val]
    if tensor.tensor_content:
        values = np.frombuffer(tensor.tensor_content, "<f4" if tensor.dtype == _FLOATS else "<f8")
    return float(values[0]) if len(values) == 1 else None
