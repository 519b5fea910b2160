"""The worker process of an isolated train function: it imports the function and calls it as it is told.

It speaks with its parent through two pipes: a line of JSON for each trial and its learning rates as
float64 on one, a line of JSON for each result on the other. What users' code prints goes where it goes
without a worker.
"""

import importlib
import json
import os
import runpy
import sys
import threading
from array import array
from collections.abc import Callable
from typing import Any, BinaryIO

from lrshape.training.result import Result, called, failure
from lrshape.workers.termination import end_own_group, volunteer

importing = False
"""Whether this is a worker that imports the user's code, which must start no search then."""


def main(origin: dict[str, str], names: list[str], orders: int, results: int, lifeline: int) -> None:
    """Serve until the parent is gone.

    Args:
        origin: where the function is, see `FunctionWorkload.origin`.
        names: the metrics.
        orders: file descriptor to read trials from.
        results: file descriptor to write results to.
        lifeline: file descriptor that is closed when the parent ends.
    """
    threading.Thread(target=_end_with_parent, args=(lifeline,), daemon=True).start()
    volunteer()
    # Children of users' code must not hold the pipes open.
    for descriptor in (orders, results, lifeline):
        os.set_inheritable(descriptor, False)
    with os.fdopen(orders, "rb") as source, os.fdopen(results, "wb") as target:
        try:
            function = _import(origin)
        except (Exception, SystemExit) as error:
            _send(target, failure(error))
            return
        _send(target, Result({}))
        while line := source.readline():
            order = json.loads(line)
            _send(target, called(function, names, _rates(source, order["steps"]), order["seed"]))


def _import(origin: dict[str, str]) -> Callable[..., Any]:
    global importing
    importing = True
    try:
        if "script" in origin:
            sys.argv = [origin["script"]]
            sys.modules["__main__"].__dict__.update(runpy.run_path(origin["script"], run_name="__lrshape__"))
            found: Any = sys.modules["__main__"]
        else:
            found = importlib.import_module(origin["module"])
    finally:
        importing = False
    for part in origin["name"].split("."):
        found = getattr(found, part)
    return found


def _rates(source: BinaryIO, steps: int) -> Any:
    import numpy as np

    values = array("d")
    values.frombytes(source.read(8 * steps))
    return np.array(values, np.float64)


def _send(target: BinaryIO, result: Result) -> None:
    text = json.dumps({"scores": result.scores, "message": result.message})
    target.write(text.encode() + b"\n")
    target.flush()


def _end_with_parent(lifeline: int) -> None:
    """Kill this process and its children when the other end of a pipe closes, however the parent ended."""
    os.read(lifeline, 1)
    end_own_group()
