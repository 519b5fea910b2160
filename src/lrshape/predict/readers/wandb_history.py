"""The history of a run of Weights & Biases as JSON; the CSV of its charts is read as every CSV."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from typing_extensions import override

from lrshape.errors import InputError
from lrshape.predict.log_table import logs_of, table_of_rows
from lrshape.predict.reader import MAX_BYTES, READERS, Reader, RunLog
from lrshape.shapes.input_file import open_text, reading

MAX_LINE = 1_000_000
"""Bytes of a line that is recognised as one object."""


@READERS.register("wandb_history")
class WandbHistory(Reader):
    """JSON Lines, or a JSON list, of rows like ``{"_step": 100, "loss": 3.1, "lr": 1e-3}``.

    It is what ``run.scan_history()`` of Weights & Biases gives, and what many trainers log; some of them,
    such as detectron2 and mmengine, call a file of JSON Lines ``.json``.
    """

    @override
    def recognises(self, source: Path) -> bool:
        if not source.is_file() or source.suffix.lower() not in (".jsonl", ".ndjson", ".json"):
            return False
        return source.suffix.lower() != ".json" or _is_list(source) or _has_lines(source)

    @override
    def read(self, source: Path, columns: Mapping[str, str]) -> list[RunLog]:
        with reading(source, "no history of a run", MAX_BYTES):
            table, labels, texts = table_of_rows(_rows(source), columns)
            if not table:
                raise InputError("has no rows with numbers")
            return logs_of(source, table, labels, texts, columns)


def _is_list(source: Path) -> bool:
    with source.open("rb") as file:
        return file.read(200).lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"[")


def _has_lines(source: Path) -> bool:
    """Whether the first line is a whole object, and another one begins in the next."""
    with source.open("rb") as file:
        first, second = file.readline(MAX_LINE).strip(), file.read(1)
    return second == b"{" and first.startswith(b"{") and first.endswith(b"}")


def _rows(source: Path) -> Iterator[Any]:
    is_list = source.suffix.lower() == ".json" and _is_list(source)
    with open_text(source) as file:
        if is_list:
            yield from json.load(file)
            return
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield json.loads(line)
            except ValueError:
                if not line.endswith("\n"):
                    return  # the run was writing it
                raise InputError(f"line {number} is no JSON") from None
