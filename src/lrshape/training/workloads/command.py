"""Any program as a workload: it reads a schedule from a file and writes its metrics to another."""

import hashlib
import shutil
from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field, field_validator
from typing_extensions import override

from lrshape.errors import InputError
from lrshape.training.called_workload import CalledWorkload
from lrshape.training.command import call_command
from lrshape.training.result import Result
from lrshape.training.workload import WORKLOADS

MAX_CODE = 10_000_000
"""Bytes of a file that count as the command's code; larger ones are data or programs."""


@WORKLOADS.register("command")
class CommandWorkload(CalledWorkload):
    """Your own training as a program: the command runs once for each trial, without a shell.

    In its arguments ``{schedule}`` is the path of a file with the learning rate of every step, ``{metrics}``
    that of the JSON file that it must write, ``{seed}`` an integer in [0, 2**32), ``{steps}`` the number of
    steps. The JSON is a number, the score to minimise, or an object of metric names and numbers. NaN has
    diverged; an exit code other than 0, a missing or illegal file, and a timeout have failed, with the last
    lines of standard error as message. Standard output is not kept: write a log of your own.
    """

    command: tuple[str, ...] = Field(
        min_length=1,
        description="program and arguments, with {schedule}, {metrics}, {seed} and {steps} in them",
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
    def code(self) -> str:
        """The command."""
        return " ".join(self.command)

    @override
    def call(self, lrs: np.ndarray, seed: int) -> Result:
        return call_command(
            self.command,
            self.metric_names(),
            lrs,
            seed,
            schedule_format=self.format,
            temporary=self.directory == "temporary",
            timeout=self.timeout,
        )

    def check(self) -> None:
        """Look for the program.

        Raises:
            InputError: if there is none.
        """
        if shutil.which(self.command[0]) is None:
            raise InputError(f"workload.command: there is no program {self.command[0]!r}")

    def digest(self) -> str | None:
        """SHA-256 of those arguments that are files, such as scripts; None if none is."""
        found = hashlib.sha256()
        files = [path for path in map(Path, self.command) if _is_code(path)]
        for path in files:
            found.update(hashlib.sha256(path.read_bytes()).digest())
        return found.hexdigest() if files else None


def _is_code(path: Path) -> bool:
    try:
        return path.is_file() and path.stat().st_size <= MAX_CODE
    except (OSError, ValueError):  # too long for a name, for example
        return False
