"""Reading back what was exported, and learning rates from elsewhere. Code is never run."""

import ast
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError, one_line, shown
from lrshape.shapes.input_file import read_text, reading
from lrshape.shapes.json_value import FORMAT, read_strict_json
from lrshape.shapes.learning_rate_log import read_curves
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedules import Schedules
from lrshape.values import path_of

MAX_BYTES = {".json": 200_000_000, ".csv": 1_000_000_000, ".npy": 8_100_000_000, ".py": 20_000_000}
"""Sizes of files that are read: numbers take more memory as JSON or Python text than as a table."""


def read_schedule(path: str | os.PathLike[str]) -> Schedule:
    """Read one schedule from a file, see `read_schedules`.

    Raises:
        InputError: if it cannot be read as that, or holds several.
    """
    found = read_schedules(path)
    if isinstance(found, Schedules):
        raise InputError(f"{path_of(path)}: must hold one schedule, got {len(found)}: {', '.join(found)}")
    return found


def read_schedules(path: str | os.PathLike[str]) -> Schedule | Schedules:
    """Read a schedule, or schedules of several quantities, from a file.

    Args:
        path: ``.json``, a schedule, several by name or a list of learning rates; ``.csv``, a column of
            learning rates, two columns step and lr, or a log, see `read_curves`; ``.npy``, shape (steps,); or
            ``.py``, as `lrshape export` writes it, whose constant ``SCHEDULE`` or ``SCHEDULES`` is read, with
            what it refers to.

    Returns:
        What it holds. Learning rates become a ``table``, exact to rounding, whose base LR is the largest.

    Raises:
        InputError: if it cannot be read as that.
    """
    path = path_of(path)
    readers = {".json": _json, ".csv": _csv, ".npy": _npy, ".py": _python}
    if path.suffix not in readers:
        raise InputError(f"{path}: a schedule file must end with one of {', '.join(readers)}")
    with reading(path, "no schedule", MAX_BYTES[path.suffix]):
        found = readers[path.suffix](path)
        if isinstance(found, np.ndarray):
            return Schedule.from_values(found)
        several = isinstance(found, dict) and "schedules" in found
        return Schedules.from_dict(found) if several else Schedule.from_dict(found)


def _json(path: Path) -> Any:
    found = read_strict_json(read_text(path), "a schedule")
    return _numbers(found) if isinstance(found, list) else found


def _npy(path: Path) -> Any:
    try:
        array = np.load(path, allow_pickle=False)
    except (OSError, MemoryError):
        raise
    except Exception as error:  # its header is Python text, which fails in many ways
        raise InputError(f"is no schedule: {one_line(error):.120}") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
        raise InputError("must hold one array of numbers")
    return array.astype(np.float64)


def _csv(path: Path) -> Any:
    curves = read_curves(path)
    if len(curves) > 1:
        names = ", ".join(shown(name) for name in list(curves)[:8])
        raise InputError(f"has {len(curves)} columns of learning rates, remove all but one: {names}")
    return next(iter(curves.values()))


def _numbers(values: Any) -> NDArray[np.float64]:
    if any(isinstance(value, bool | str | list | dict | type(None)) for value in values):
        raise InputError("learning rates must be numbers")
    return np.array([float(value) for value in values], np.float64)


EDITABLE = ("base_lr", "steps", "batch_sizes")
"""What is a constant by itself in a Python file, ``BASE_LR`` and so on, to which its ``SCHEDULE`` refers."""


def _python(path: Path) -> Any:
    constants: dict[str, ast.expr] = {}
    for node in ast.parse(read_text(path)).body:
        if isinstance(node, ast.FunctionDef):
            break  # its defaults are the constants as they are here
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        for target in targets:
            if isinstance(target, ast.Name) and (value := getattr(node, "value", None)) is not None:
                constants[target.id] = value
    schedule = constants.get("SCHEDULE")
    try:
        if "SCHEDULES" in constants:
            return {"format": FORMAT, "schedules": _literal(constants["SCHEDULES"], constants)}
        if schedule is None:
            raise InputError("has no constant SCHEDULE, as `lrshape export` writes it")
        if not isinstance(schedule, ast.Dict):
            return _literal(schedule, constants)
        pairs = zip(schedule.keys, schedule.values, strict=True)
        return {_literal(key, constants): _literal(value, constants) for key, value in pairs if key}
    except TypeError:  # a list as a key
        raise InputError("keys must be texts") from None


def _literal(node: ast.expr, constants: dict[str, ast.expr]) -> Any:
    """The value of a literal, or of a name of one."""
    found = constants.get(node.id, node) if isinstance(node, ast.Name) else node
    try:
        return ast.literal_eval(found)
    except ValueError:
        told = f"{ast.unparse(node):.40}{'' if found is node else f' = {ast.unparse(found):.40}'}"
        raise InputError(f"numbers must be written out to be read, got {told}") from None
