"""A command as a workload: its schedule and its metrics are files, and it runs in a worker process."""

import hashlib
import io
import json
import os
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, field_validator
from typing_extensions import override

from lrshape.errors import InputError
from lrshape.files import read_file, store_error
from lrshape.loss_curve import LossCurve, loss_curve
from lrshape.shapes.input_file import reading
from lrshape.shapes.number_table import read_table
from lrshape.training.called_workload import EMPTY, CalledWorkload
from lrshape.training.code_digest import CodeDigest
from lrshape.training.outcome import MESSAGE_LENGTH, Result, failure, scores, storable
from lrshape.training.workload import WORKLOADS
from lrshape.workers.process import Worker, ended, require_process_groups
from lrshape.workers.worker import packed, run_command

FILES = ("schedule", "metrics", "curve")
"""What a command's arguments name in braces to get the path of a file."""

_PLACE = re.compile(r"(?:--?[\w-]+=)?\{([A-Za-z_][\w.-]*)\}")
"""An argument that is nothing but a value in braces; braces within others may be the program's own."""

MAX_METRICS = 1_000_000
"""Bytes of a metrics file."""

GRACE = 2.0
"""Seconds that a command has between SIGTERM and SIGKILL, to leave its devices in order."""


CURVE_COLUMNS = ("step", "train_loss", "valid_loss")
"""Of a file with a loss curve."""

MAX_CURVE = 20_000_000
"""Bytes of a file with a loss curve."""

MAX_CODE = 10_000_000
"""Bytes of a file that count as the command's code; larger ones are data or programs."""


@WORKLOADS.register("command")
class CommandWorkload(CalledWorkload):
    """Your own training as a program: the command runs once for each trial, without a shell.

    In its arguments ``{schedule}`` is the path of a file with the learning rate of every step, ``{metrics}``
    that of the JSON file that it must write, ``{curve}`` that of a CSV file that it may write, ``{seed}`` an
    integer in [0, 2**31), ``{steps}`` the number of steps, and the name of a hyperparameter that the study
    tunes, such as ``{weight_decay}``, its value, or the path of a file like the schedule's if it has a
    schedule. The JSON is a number, the score to minimise, or an object of metric names and numbers; the CSV
    a loss curve with the columns step, train_loss and, if measured, valid_loss. NaN in the JSON has diverged;
    a missing or illegal file has failed, and so has an exit code other than 0 or a timeout, with the last
    lines of standard error as message. Standard output is not kept: write a log of your own.
    """

    command: tuple[str, ...] = Field(
        min_length=1,
        description="program and arguments, with {schedule}, {metrics}, {curve}, {seed} and {steps} in them",
    )
    format: Literal["csv", "json", "npy"] = Field(
        default="csv",
        description="format of the schedule file: csv (columns step and lr), json (a list), npy (float64)",
    )
    directory: Literal["current", "temporary"] = Field(
        default="current",
        description="working directory: the current one, or a temporary one",
    )

    @field_validator("command")
    @classmethod
    def _has_places(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for place in ("{schedule}", "{metrics}"):
            if not any(place in argument for argument in value[1:]):
                raise ValueError(f"an argument of the command must contain {place}, got {list(value)!r:.200}")
        if any("\0" in argument for argument in value):
            raise ValueError("an argument cannot contain a null character")
        return value

    @property
    def arguments(self) -> list[str]:
        """The command, with ``~`` replaced at the beginning of an argument, as a shell does."""
        return [os.path.expanduser(argument) for argument in self.command]  # noqa: PTH111 - not all are paths

    @property
    def code(self) -> str:
        """The command."""
        return " ".join(self.command)

    def call(self, lrs: NDArray[np.float64], seed: int, hyperparameters: Mapping[str, Any] = EMPTY) -> Result:
        """Run the command once and read what it wrote.

        Returns:
            Its metrics; a failed trial if it could not be started, ended with another exit code than 0, ran
            into the timeout, or left no legal metrics.
        """
        require_process_groups("the workload command")  # of a study that began on another system, too
        with tempfile.TemporaryDirectory(prefix="lrshape-", ignore_cleanup_errors=True) as folder:
            place = Path(folder)
            schedule, metrics = place / f"schedule.{self.format}", place / "metrics.json"
            curve = place / "curve.csv"
            _write(schedule, "lr", lrs)
            where = place / "work" if self.directory == "temporary" else Path.cwd()
            where.mkdir(exist_ok=True)
            files = dict(zip(FILES, (schedule, metrics, curve), strict=True))
            values = {**files, "seed": seed, "steps": len(lrs), **hyperparameters}
            for name, value in hyperparameters.items():
                if isinstance(value, np.ndarray):
                    values[name] = place / f"hyperparameter-{name}.{self.format}"
                    _write(values[name], name, value)
            command = self.arguments
            try:
                # As `check` finds it: from a temporary directory a relative path leads nowhere.
                if program := shutil.which(command[0]):
                    command[0] = str(Path(program).absolute())
                problem = _run(_filled(command, values), where, folder, self.timeout)
                if problem is not None:
                    return Result(None, storable(problem))
                found = scores(_read(metrics), self.metric_names(), "the metrics file must hold")
                return Result(found, curve=_read_curve(curve, len(lrs)) if curve.exists() else None)
            except OSError as error:
                return failure(error)
            except (TypeError, ValueError, OverflowError) as error:  # our own messages about the file
                return Result(None, storable(str(error)))

    @override
    def check(self, hyperparameters: Sequence[str] = ()) -> None:
        require_process_groups("the workload command")
        if shutil.which(self.arguments[0]) is None:
            raise InputError(f"workload.command: there is no program {self.command[0]!r}")
        for name in hyperparameters:
            if name in FILES:
                raise InputError(f"workload.command: {{{name}}} is a file, so {name} cannot be tuned")
            if not any(f"{{{name}}}" in argument for argument in self.command[1:]):
                raise InputError(f"workload.command: an argument must contain {{{name}}}, which is tuned")
        known = {*FILES, "seed", "steps", *hyperparameters}
        for place in filter(None, map(_PLACE.fullmatch, self.command[1:])):
            if place[1] not in known:
                raise InputError(
                    f"workload.command: {{{place[1]}}} must be one of {', '.join(FILES)}, seed, steps, or a "
                    "hyperparameter that [tune] names; braces of your program's own belong in a script"
                )

    def digest(self) -> CodeDigest:
        """Of those arguments that are files, such as scripts."""
        found = hashlib.sha256()
        unknown = []
        files = [path for path in map(Path, self.arguments) if _is_code(path)]
        for path in files:
            try:
                found.update(hashlib.sha256(path.read_bytes()).digest())
            except OSError:  # a program that may only be executed, for example
                unknown.append(f"{path}, which cannot be read")
        if not files:
            unknown.append("a command without a script among its arguments")
        return CodeDigest(found.hexdigest(), tuple(sorted(unknown)))


def _is_code(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size <= MAX_CODE
    except (OSError, ValueError):  # too long for a name, for example
        return False


def _filled(command: Sequence[str], values: dict[str, Any]) -> list[str]:
    filled = []
    for argument in command:
        for name, value in values.items():
            argument = argument.replace(f"{{{name}}}", str(value))
        filled.append(argument)
    return filled


def _write(path: Path, name: str, values: NDArray[np.float64]) -> None:
    written = io.BytesIO()  # to a file, NumPy would not say why it cannot write
    if path.suffix == ".npy":
        np.save(written, values, allow_pickle=False)
    elif path.suffix == ".json":
        written.write(json.dumps(values.tolist()).encode())
    else:
        rows = (f"{step},{value!r}\n" for step, value in enumerate(values.tolist()))
        written.write((f"step,{name}\n" + "".join(rows)).encode())
    try:
        path.write_bytes(written.getvalue())
    except OSError as error:  # which does not always name the file
        raise store_error(error, path) from error


def _run(command: list[str], where: Path, temporary: str, timeout: float | None) -> str | None:
    """Run to the end; return what went wrong, None if nothing did.

    Each command has a worker process of its own: what the command left running ends with the worker's group.
    """
    worker = Worker(grace=GRACE, keep_stderr=True)
    try:
        worker.order(packed(run_command), (command, str(where), temporary), timeout)
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
        return json.loads(read_file(path, MAX_METRICS, follow=False))
    except FileNotFoundError:
        raise ValueError("the command wrote no metrics file") from None
    except OSError as error:
        raise ValueError(f"the metrics file cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the metrics file is not JSON: {error}") from None


def _read_curve(path: Path, steps: int) -> LossCurve:
    """The loss curve in a CSV file.

    Raises:
        TypeError, ValueError: if there is none.
    """
    try:
        with reading(path, "no table", MAX_CURVE):
            table = read_table(path)
            columns = [table.numbers(name) for name in CURVE_COLUMNS if name in table.columns]
    except InputError as error:
        raise ValueError(f"the curve file{str(error).removeprefix(str(path))}") from None
    if not {"step", "train_loss"} <= set(table.columns):
        raise ValueError(
            f"the curve file must have the columns {', '.join(CURVE_COLUMNS)}, the last one if measured, "
            f"got {', '.join(table.columns)}"
        )
    return loss_curve(np.stack(columns, axis=1), steps, "the curve file must hold")
