"""Schedules as files."""

import json
from pathlib import Path

import numpy as np

from lrshape.errors import InputError, shown
from lrshape.frameworks.standalone import ADAPTERS, standalone
from lrshape.shapes.curve import Curve

DATA = ("json", "csv", "npy")
TARGETS = (*DATA, *ADAPTERS)
"""What a schedule can be written as: data, or a Python file of its own."""


def file_name(target: str) -> str:
    """The default name of a file: ``schedule.json``, ``schedule.py``, ``schedule_torch.py``, ...

    Raises:
        InputError: if the target is unknown.
    """
    if target not in TARGETS:
        raise InputError(f"--to must be one of {', '.join(TARGETS)}, got {shown(target)}")
    if target in DATA:
        return f"schedule.{target}"
    return "schedule.py" if target == "python" else f"schedule_{target}.py"


def write_curve(curve: Curve, target: str, path: Path) -> Path:
    """Write a schedule to a file.

    Args:
        curve: what to write.
        target: ``json``: family, parameters, base LR, steps (`Schedule.from_json` reads it back); ``csv``:
            the columns step and lr, numbers that read back exactly; ``npy``: float64, (steps,); else a Python
            file that needs nothing but the named framework, see `standalone`.
        path: the file; replaced if it exists.

    Raises:
        InputError: if the target is unknown, cannot hold this curve, or the file cannot be written.
    """
    file_name(target)
    if target == "json" and curve.runs is not None:
        raise InputError("json holds a shape and no batch sizes: use csv, npy or python with --batch-sizes")
    text = ""
    if target == "json":
        text = f"{json.dumps(curve.schedule.to_dict(), allow_nan=False)}\n"
    elif target == "csv":
        text = _csv(curve)
    elif target != "npy":
        text = standalone(curve, target)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if target == "npy":
            with path.open("wb") as file:
                np.save(file, curve.values(), allow_pickle=False)
        else:
            path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    return path


def _csv(curve: Curve) -> str:
    rows = (f"{step},{lr!r}" for step, lr in enumerate(curve.values().tolist()))
    return "\n".join(["step,lr", *rows]) + "\n"
