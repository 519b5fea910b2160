"""Call a train function in a worker process, which is started again when it dies or takes too long."""

import json
import os
import select
import subprocess
import sys
import threading
import time
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError
from lrshape.training.result import Result, storable
from lrshape.training.workloads.function import FunctionWorkload
from lrshape.workers.termination import ended, kill_group

MAX_ANSWER = 1_000_000
"""Bytes of a result: far more than any number of metrics."""

_START = (
    "import sys, json; path, rest = json.loads(sys.argv[1]); sys.path[:] = path; "
    "from lrshape.workers.function_worker import main; main(*rest)"
)

_kept = threading.local()


def call(workload: FunctionWorkload, lrs: NDArray[np.float64], seed: int) -> Result:
    """Train once in this thread's worker process, which is kept for the next call.

    Returns:
        What the function returned; a failed trial if the process died or the timeout passed.

    Raises:
        InputError: if the function cannot be imported in a worker process.
    """
    key = (json.dumps(workload.origin()), workload.metric_names())
    if getattr(_kept, "key", None) != key or not _kept.worker.alive:
        _close_kept()
        _kept.worker, _kept.key = _Worker(workload.origin(), workload.metric_names()), key
    return _kept.worker.train(lrs, seed, workload.timeout)


def _close_kept() -> None:
    if hasattr(_kept, "worker"):
        _kept.worker.close()
        del _kept.worker, _kept.key


class _Worker:
    """A process that has imported a function. It leads a process group, so that its children end with it."""

    def __init__(self, origin: dict[str, str], names: tuple[str, ...]):
        orders, self._orders = os.pipe()
        self._results, results = os.pipe()
        lifeline, self._lifeline = os.pipe()
        theirs = (orders, results, lifeline)
        arguments = json.dumps([sys.path, [origin, names, *theirs]])
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-c", _START, arguments],
                stdin=subprocess.DEVNULL,
                pass_fds=theirs,
                start_new_session=True,
            )
        finally:
            for descriptor in theirs:
                os.close(descriptor)
        ours = (self._orders, self._results, self._lifeline)
        self._end = weakref.finalize(self, _end, self._process, ours)
        ready = self._answer(None)
        if ready.scores is None:
            self.close()
            raise InputError(f"the worker process cannot import the train function: {ready.message}")

    @property
    def alive(self) -> bool:
        """Whether it can train."""
        return self._end.alive and self._process.poll() is None

    def close(self) -> None:
        """Kill the process and its children."""
        self._end()

    def train(self, lrs: NDArray[np.float64], seed: int, timeout: float | None) -> Result:
        try:
            order = json.dumps({"seed": seed, "steps": len(lrs)}).encode() + b"\n"
            self._write(order + np.ascontiguousarray(lrs, np.float64).tobytes())
            return self._answer(timeout)
        except BaseException:  # Ctrl-C: the training must not go on
            self.close()
            raise

    def _write(self, data: bytes) -> None:
        try:
            while data:
                data = data[os.write(self._orders, data) :]
        except BrokenPipeError:
            pass  # it has died: the answer says so

    def _answer(self, timeout: float | None) -> Result:
        """The next result; a failed one, and the end of the process, if none comes."""
        deadline = None if timeout is None else time.monotonic() + timeout
        text = b""
        while not text.endswith(b"\n"):
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            ready, _, _ = select.select([self._results], [], [], left)
            if not ready:
                self.close()
                return Result(None, f"TimeoutError: not done after {timeout:g} s; killed")
            part = os.read(self._results, 65536)
            text += part
            if not part or len(text) > MAX_ANSWER:
                return Result(None, self._how_it_ended())
        answer: dict[str, Any] = json.loads(text)
        return Result(answer["scores"], storable(answer["message"]))

    def _how_it_ended(self) -> str:
        try:
            code = self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:  # it closed the pipe, or wrote something else to it
            self.close()
            return "the training's process stopped answering"
        self.close()
        return ended(code)


def _end(process: subprocess.Popen[bytes], descriptors: tuple[int, ...]) -> None:
    for descriptor in descriptors:
        os.close(descriptor)
    kill_group(process)
