"""Contenders in processes of their own, which take turns at being measured.

A contender is a class that sets itself up, compiles and warms up when it is constructed, and then answers any
number of measurements. Each lives in a spawned process, so that peak memory is its own and no library's
threads or settings disturb another's; a process that is not being measured waits on a pipe and costs nothing.
All compute on CPUs: `gpu.py` has the contest on a GPU.
"""

import importlib
import math
import multiprocessing
import os
import resource
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

from _measure import spread, table

SETUP_SECONDS = 300.0
"""A contender that is not ready by then is ended, and so is one that takes longer for one turn."""


class Contender:
    """What a worker process holds.

    Attributes:
        compile_seconds: time of the first call less that of a later one.
    """

    compile_seconds: float = 0.0

    def measure(self) -> tuple[float, float]:
        """Do a turn's work: what was done (model-steps or images), and the seconds it took."""
        raise NotImplementedError


@dataclass(frozen=True)
class Entry:
    """A contender to be started.

    Attributes:
        name: for the table.
        make: ``module:class`` of the `Contender`; imported in its own process only.
        arguments: of the class.
        members: models trained at a time.
        turns: in how many turns it takes part.
        processes: how many workers do the same work at once.
    """

    name: str
    make: str
    arguments: dict[str, Any]
    members: int = 1
    turns: int = 3
    processes: int = 1


@dataclass
class Result:
    """What was measured of an entry; ``problem`` says why there is nothing, or less than wanted."""

    entry: Entry
    rates: list[float] = field(default_factory=list)
    compile_seconds: float = 0.0
    peak_mib: float = 0.0
    problem: str = ""

    @property
    def rate(self) -> float:
        """Median of the turns, per second; NaN without any."""
        return statistics.median(self.rates) if self.rates else float("nan")


def first_less_steady(work: Callable[[], object]) -> float:
    """Seconds of the first call of ``work`` less those of the second: what compiling it takes."""
    times = []
    for _ in range(2):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return max(0.0, times[0] - times[1])


def take_turns(entries: Sequence[Entry]) -> list[Result]:
    """Measure the entries in turn; slow ones take part in the first turns only.

    All workers stay alive while one after another works, so that a busy moment of the machine hits all alike.
    """
    contests = [_Contest(entry) for entry in entries]
    for contest in contests:
        contest.start()
    for turn in range(max(entry.turns for entry in entries)):
        for contest in contests:
            if turn < contest.result.entry.turns:
                contest.turn()
    for contest in contests:
        contest.stop()
    return [contest.result for contest in contests]


def training_table(results: Sequence[Result], flops: float, peak: float, ours: Result) -> str:
    """Speed, fraction of the peak, ratio, compile time and memory of every contender.

    Args:
        results: what was measured, in model-steps a second.
        flops: floating-point operations of a model-step's matrix products.
        peak: FLOP/s of a large matrix product here.
        ours: what the others are compared with.
    """
    rows = []
    for result in results:
        entry = result.entry
        if math.isnan(result.rate):
            rows.append([entry.name, str(entry.members), result.problem, "", "", "", ""])
            continue
        rows.append(
            [
                entry.name,
                str(entry.members),
                spread(result.rates, 1),
                f"{100 * result.rate * flops / peak:.0f}%",
                f"{ours.rate / result.rate:.1f}",
                f"{result.compile_seconds:.1f}",
                f"{result.peak_mib:,.0f}",
            ]
        )
    best = f"{ours.entry.name} at {ours.entry.members} is faster by"
    headings = ["contender", "members", "model-steps/s", "of peak", best, "compile, s", "peak memory, MiB"]
    return table(headings, rows)


def ratio(ours: Result, theirs: Result) -> str:
    """How many times faster, in words."""
    if math.isnan(theirs.rate):
        return f"{theirs.entry.name}: {theirs.problem}"
    return f"{ours.rate / theirs.rate:.2f} times as fast as {theirs.entry.name} at {theirs.entry.members}"


class _Contest:
    """One entry's workers and what they have answered."""

    def __init__(self, entry: Entry):
        self.result = Result(entry)
        self._workers: list[_Worker] = []

    def start(self) -> None:
        """Start the workers and wait until they are ready."""
        entry = self.result.entry
        sys.stderr.write(f"setting up {entry.name}, {entry.members} members\n")
        self._workers = [_Worker(entry.make, entry.arguments) for _ in range(entry.processes)]
        answers = self._answers()
        if answers:
            self.result.compile_seconds = max(answers)

    def turn(self) -> None:
        """Measure once, all workers at a time; after a failure nothing."""
        if self.result.problem:
            return
        for worker in self._workers:
            worker.ask()
        answers = self._answers()
        if answers:
            work, longest = sum(a[0] for a in answers), max(a[1] for a in answers)
            self.result.rates.append(work / longest)
            self.result.peak_mib = sum(a[2] for a in answers) / 2**20
            name, members = self.result.entry.name, self.result.entry.members
            sys.stderr.write(f"{name}, {members} members: {work / longest:,.2f}/s in {longest:.1f} s\n")

    def _answers(self) -> list[Any]:
        try:
            return [worker.answer() for worker in self._workers]
        except RuntimeError as error:
            self.result.problem = str(error)
            sys.stderr.write(f"{self.result.entry.name}: {error}\n")
            self.stop()
            return []

    def stop(self) -> None:
        """End the workers."""
        for worker in self._workers:
            worker.stop()
        self._workers = []


class _Worker:
    """A spawned process that holds one contender."""

    def __init__(self, make: str, arguments: dict[str, Any]):
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, make, arguments), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self) -> None:
        """Ask for one measurement."""
        self._pipe.send("measure")

    def answer(self) -> Any:
        """Wait for what it says.

        Raises:
            RuntimeError: in one line, if it failed, died, or took too long.
        """
        if not self._pipe.poll(SETUP_SECONDS):
            raise RuntimeError(f"no answer within {SETUP_SECONDS:.0f} s")
        try:
            sound, answer = self._pipe.recv()
        except EOFError:
            self._process.join()
            raise RuntimeError(f"its process ended with code {self._process.exitcode}") from None
        if not sound:
            raise RuntimeError(answer)
        return answer

    def stop(self) -> None:
        """End the process."""
        self._pipe.close()
        self._process.terminate()
        self._process.join()


def _serve(pipe: Connection, make: str, arguments: dict[str, Any]) -> None:
    """A worker's whole life: build the contender, then answer until the pipe closes."""
    os.environ |= {"JAX_PLATFORMS": "cpu", "CUDA_VISIBLE_DEVICES": ""}  # on a machine with a GPU, too
    module, _, name = make.partition(":")
    try:
        contender: Contender = getattr(importlib.import_module(module), name)(**arguments)
        pipe.send((True, contender.compile_seconds))
        while True:
            pipe.recv()
            work, seconds = contender.measure()
            pipe.send((True, (work, seconds, _process_bytes())))
    except EOFError:
        pass
    except Exception as error:  # a table with a gap is better than none
        told = (str(error) or "no message").splitlines()[0][:150]
        pipe.send((False, f"{type(error).__name__}: {told}"))


def _process_bytes() -> int:
    """Peak resident memory of this process, libraries and data included."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else 1024 * peak
