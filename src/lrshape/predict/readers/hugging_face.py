"""The state of the Trainer of Hugging Face transformers."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from typing_extensions import override

from lrshape.errors import InputError
from lrshape.predict.headings import run_name
from lrshape.predict.log_table import logs_of, table_of_rows
from lrshape.predict.reader import MAX_BYTES, READERS, Reader, RunLog
from lrshape.shapes.input_file import read_text, reading

_FILE = "trainer_state.json"


@READERS.register("hugging_face")
class HuggingFace(Reader):
    """``trainer_state.json``, the folder of a checkpoint, or the output folder with checkpoints."""

    @override
    def recognises(self, source: Path) -> bool:
        file = _file(source)
        if file is None or file.suffix.lower() != ".json":
            return False
        with file.open("rb") as opened:
            return file.name == _FILE or b'"log_history"' in opened.read(100_000)

    @override
    def read(self, source: Path, columns: Mapping[str, str]) -> list[RunLog]:
        file = _file(source) or source
        with reading(file, "no trainer state", MAX_BYTES):
            state = json.loads(read_text(file))
            history = state.get("log_history") if isinstance(state, dict) else None
            if not isinstance(history, list) or not history:
                raise InputError("holds no log_history with entries")
            rows = [_without_total(row) for row in history]
            table, labels, texts = table_of_rows(rows, columns)
            folder = file.resolve().parent
            if re.fullmatch(r"checkpoint-\d+", folder.name):
                folder = folder.parent
            name = folder.name if file.name == _FILE else run_name(file)
            logs = logs_of(file, table, labels, texts, columns, name)
        planned = state.get("max_steps")
        for log in logs:
            log.source = folder
            log.planned_steps = planned if isinstance(planned, int) and planned > 0 else None
        return logs


def _without_total(row: Any) -> Any:
    """An entry without the mean loss of the whole training, which the last entry calls ``train_loss``."""
    if isinstance(row, dict) and "train_runtime" in row:
        return {key: value for key, value in row.items() if key != "train_loss"}
    return row


def _file(source: Path) -> Path | None:
    if source.is_file():
        return source
    if (source / _FILE).is_file():
        return source / _FILE
    found = source.glob(f"checkpoint-[0-9]*/{_FILE}")
    return max(found, key=lambda file: int(re.findall(r"\d+", file.parent.name)[0]), default=None)
