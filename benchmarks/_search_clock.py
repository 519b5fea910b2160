"""The seconds that each part of a search takes, in the process that searches; prints them as JSON.

python benchmarks/_search_clock.py SPEC_AS_JSON
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any

import jax

import lrshape
from lrshape import api
from lrshape.study import run
from lrshape.training import population

PARTS = ("training", "compiling", "model", "report")


def clocked(document: Mapping[str, Any]) -> dict[str, float]:
    """Search, and tell the seconds of each part."""
    spent: dict[str, float] = dict.fromkeys(PARTS, 0.0)
    compiled: list[tuple[float, float]] = []
    within: list[tuple[float, float]] = []  # training
    running: list[str] = []

    def heard(event: str, seconds: float, **_: Any) -> None:
        if event.startswith("/jax/core/compile/"):
            now = time.perf_counter()
            compiled.append((now - seconds, now))
            if "training" in running:
                within.append(compiled[-1])

    def timed(part: str, work: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **keywords: Any) -> Any:
            began = time.perf_counter()
            running.append(part)
            try:
                return work(*args, **keywords)
            finally:
                running.pop()
                spent[part] += time.perf_counter() - began

        return call

    def decided(phase: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        send, rows = timed("model", phase.send), None
        try:
            while True:
                rows = yield send(rows)
        except StopIteration as end:
            return end.value

    def drive(spec: Any, name: str, phase: Any, *more: Any) -> Any:
        return driven(spec, name, decided(phase), *more)

    driven = run.drive_phase
    jax.monitoring.register_event_duration_secs_listener(heard)
    population.train = timed("training", population.train)
    run.drive_phase = drive
    api.write_report = timed("report", api.write_report)
    with tempfile.TemporaryDirectory() as folder:
        lrshape.search(dict(document), out=f"{folder}/study")
    spent["compiling"] = union(compiled)
    spent["training"] -= union(within)
    return spent


def union(intervals: list[tuple[float, float]]) -> float:
    """The length of a union of intervals: programs are compiled while others are traced."""
    length, end = 0.0, -float("inf")
    for start, stop in sorted(intervals):
        length += max(0.0, stop - max(start, end))
        end = max(end, stop)
    return length


if __name__ == "__main__":
    json.dump(clocked(json.loads(sys.argv[1])), sys.stdout)
