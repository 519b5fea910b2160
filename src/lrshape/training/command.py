"""Run a command once: its schedule and its metrics are files, its end is watched."""

import json
import os
import stat
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from lrshape.training.result import MESSAGE_LENGTH, Result, failure, scores, storable
from lrshape.training.workloads.command import CommandWorkload
from lrshape.workers.guard import guarded
from lrshape.workers.termination import ended, kill_group

MAX_METRICS = 1_000_000
"""Bytes of a metrics file."""

GRACE = 2.0
"""Seconds that a command has between SIGTERM and SIGKILL, to leave its devices in order."""

_BLOCK = 65536


def call(workload: CommandWorkload, lrs: NDArray[np.float64], seed: int) -> Result:
    """Run the command with these learning rates, and read what it wrote.

    Returns:
        Its metrics; a failed trial if it could not be started, ended with another exit code than 0, ran
        into the timeout, or left no legal metrics.
    """
    with tempfile.TemporaryDirectory(prefix="lrshape-", ignore_cleanup_errors=True) as folder:
        place = Path(folder)
        schedule, metrics = place / f"schedule.{workload.format}", place / "metrics.json"
        _write(schedule, lrs)
        where = place / "work" if workload.directory == "temporary" else Path.cwd()
        where.mkdir(exist_ok=True)
        values = {"schedule": schedule, "metrics": metrics, "seed": seed, "steps": len(lrs)}
        try:
            problem = _run(_filled(workload.command, values), where, workload.timeout)
            if problem is not None:
                return Result(None, storable(problem))
            return Result(scores(_read(metrics), workload.metric_names(), "the metrics file must hold"))
        except OSError as error:
            return failure(error)
        except (TypeError, ValueError, OverflowError) as error:  # our own messages about the metrics file
            return Result(None, storable(str(error)))


def _filled(command: tuple[str, ...], values: dict[str, Any]) -> list[str]:
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
    """Run to the end; return what went wrong, None if nothing did."""
    process = subprocess.Popen(
        command,
        cwd=where,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    assert process.stderr is not None
    tail = _Tail(process.stderr)
    with guarded(process.pid):
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
        finally:  # also after Ctrl-C, and whatever the command left running
            kill_group(process, GRACE if process.returncode is None else 0.0)
    if code is None:
        return f"TimeoutError: not done after {timeout:g} s; killed{tail.quoted()}"
    return None if code == 0 else ended(code) + tail.quoted()


class _Tail(threading.Thread):
    """Reads a pipe to its end and keeps the last of it."""

    def __init__(self, pipe: IO[bytes]):
        super().__init__(daemon=True)
        self._pipe = pipe
        self._last = b""
        self.start()

    def run(self) -> None:
        with self._pipe:
            while block := os.read(self._pipe.fileno(), _BLOCK):
                self._last = (self._last + block)[-_BLOCK:]

    def quoted(self) -> str:
        """``: `` and the last lines, as many as a message has room for; nothing if nothing was written."""
        self.join(timeout=1)  # a process that left its group may hold the pipe open
        text = self._last.decode("utf-8", "replace").strip()
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
