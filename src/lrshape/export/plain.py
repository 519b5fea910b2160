"""Schedules as plain files."""

from pathlib import Path
from typing import Literal, get_args

import numpy as np

from lrshape.errors import InputError
from lrshape.schedule import Schedule

Format = Literal["json", "csv", "npy"]


def write_schedule(schedule: Schedule, target: str, path: Path) -> Path:
    """Write a schedule to a file.

    Args:
        schedule: what to write.
        target: ``json``: family, parameters, base LR, steps (`Schedule.from_json` reads it back); ``csv``:
            the columns step and lr, numbers that read back exactly; ``npy``: float64, (steps,).
        path: the file; replaced if it exists.

    Raises:
        InputError: if the format is unknown or the file cannot be written.
    """
    if target not in get_args(Format):
        raise InputError(f"--to must be one of {', '.join(get_args(Format))}, got {target!r}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if target == "npy":
            with path.open("wb") as file:
                np.save(file, schedule.values(), allow_pickle=False)
        else:
            text = f"{schedule.to_json()}\n" if target == "json" else _csv(schedule)
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    return path


def _csv(schedule: Schedule) -> str:
    rows = (f"{step},{lr!r}" for step, lr in enumerate(schedule.values().tolist()))
    return "\n".join(["step,lr", *rows]) + "\n"
