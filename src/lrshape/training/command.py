"""Run a command once: its schedule and its metrics are files, and it runs in a worker process."""

import json
import os
import stat
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrshape.training.result import MESSAGE_LENGTH, Result, failure, scores, storable
from lrshape.workers.process import Worker, ended
from lrshape.workers.worker import packed, run_command

MAX_METRICS = 1_000_000
"""Bytes of a metrics file."""

GRACE = 2.0
"""Seconds that a command has between SIGTERM and SIGKILL, to leave its devices in order."""


def call_command(
    command: Sequence[str],
    names: Sequence[str],
    lrs: NDArray[np.float64],
    seed: int,
    *,
    schedule_format: str = "csv",
    temporary: bool = False,
    timeout: float | None = None,
) -> Result:
    """Run a command with these learning rates, and read what it wrote.

    Args:
        command: program and arguments, with places to fill, see `CommandWorkload`.
        names: full names of the metrics.
        lrs: learning rates (steps,).
        seed: of the trial.
        schedule_format: of its file: ``csv``, ``json`` or ``npy``.
        temporary: whether it runs in a fresh directory instead of the current one.
        timeout: seconds that it may take; None for no limit.

    Returns:
        Its metrics; a failed trial if it could not be started, ended with another exit code than 0, ran
        into the timeout, or left no legal metrics.
    """
    with tempfile.TemporaryDirectory(prefix="lrshape-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        schedule, metrics = place / f"schedule.{schedule_format}", place / "metrics.json"
        _write(schedule, lrs)
        where = place / "work" if temporary else Path.cwd()
        where.mkdir(exist_ok=True)
        values = {"schedule": schedule, "metrics": metrics, "seed": seed, "steps": len(lrs)}
        try:
            problem = _run(_filled(command, values), where, timeout)
            if problem is not None:
                return Result(None, storable(problem))
            return Result(scores(_read(metrics), names, "the metrics file must hold"))
        except OSError as error:
            return failure(error)
        except (TypeError, ValueError, OverflowError) as error:  # our own messages about the metrics file
            return Result(None, storable(str(error)))


def _filled(command: Sequence[str], values: dict[str, Any]) -> list[str]:
    filled = []
    for argument in command:
        for name, value in values.items():
            argument = argument.replace(f"{{{name}}}", str(value))
        filled.append(argument)
    return filled


def _write(path: Path, lrs: NDArray[np.float64]) -> None:
    if path.suffix == ".npy":
        np.save(path, lrs, allow_pickle=False)
    elif path.suffix == ".json":
        path.write_text(json.dumps(lrs.tolist()), encoding="utf-8")
    else:
        rows = (f"{step},{lr!r}\n" for step, lr in enumerate(lrs.tolist()))
        path.write_text("step,lr\n" + "".join(rows), encoding="utf-8")


def _run(command: list[str], where: Path, timeout: float | None) -> str | None:
    """Run to the end; return what went wrong, None if nothing did.

    Each command has a worker process of its own: what the command left running ends with the worker's group.
    """
    worker = Worker(grace=GRACE, keep_stderr=True)
    try:
        worker.order(packed(run_command), (command, str(where)), timeout)
        kind, what = worker.answer()
    finally:
        worker.end()
    if kind == "raised":
        raise what[0]
    if kind == "done" and what == 0:
        return None
    return (ended(what) if kind == "done" else what.reason) + _quoted(worker.last_stderr())


def _quoted(text: str) -> str:
    """``: `` and the last lines, as many as a message has room for; nothing if there are none."""
    kept: list[str] = []
    room = MESSAGE_LENGTH - 100
    for line in reversed(text.splitlines()):
        room -= len(line) + 1
        if room < 0 and kept:
            break
        kept.insert(0, line[-(MESSAGE_LENGTH - 100) :])
    return ": " + "\n".join(kept) if kept else ""


def _read(path: Path) -> Any:
    """The JSON value in a regular file of bounded size.

    Raises:
        ValueError: if there is none.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise ValueError("the command wrote no metrics file") from None
    except OSError as error:
        raise ValueError(f"the metrics file cannot be read: {error.strerror}") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError("the metrics file is no regular file")
    with os.fdopen(descriptor, "rb") as file:
        text = file.read(MAX_METRICS + 1)
    if len(text) > MAX_METRICS:
        raise ValueError(f"the metrics file has more than {MAX_METRICS} bytes")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the metrics file is not JSON: {error}") from None
