"""Repetitions of a job, kept as lines of JSON in a file for each job, so that an interrupted run goes on."""

import json
import multiprocessing
import sys
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent

Job = Callable[[int], dict[str, Any]]
"""Makes the ``k``-th result of a file."""


def run(work: Path, jobs: Mapping[str, Job], repetitions: int, processes: int = 1) -> None:
    """Do what is missing of each job, and append each result to its file as soon as it is there.

    Results in the folder are kept whatever code made them: use another folder after changing the code.
    Where a repetition fails the others go on; what the first one raised is raised in the end.
    """
    context = multiprocessing.get_context("spawn")
    failures: list[Exception] = []
    work.mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        for name, job in jobs.items():
            file = work / f"{name}.jsonl"
            _mend(file)
            done = read(file)
            missing = sorted(set(range(repetitions)) - {result["k"] for result in done})
            for future in as_completed([pool.submit(job, k) for k in missing]):
                try:
                    _append(file, [future.result()])
                except Exception as error:  # whatever a contender raises
                    failures.append(error)
                    sys.stderr.write(f"{name}: a repetition failed: {error}\n")
            sys.stderr.write(f"{name}: {len(read(file)) - len(done)} new, {len(done)} taken from {work}\n")
    if failures:
        raise failures[0]


def _append(file: Path, results: Iterable[dict[str, Any]]) -> None:
    with file.open("a", encoding="utf-8") as stream:
        stream.writelines(json.dumps(result, default=_plain) + "\n" for result in results)


def _mend(file: Path) -> None:
    """Cut off a line that an interruption left unfinished."""
    if file.exists():
        with file.open("r+b") as stream:
            stream.truncate(stream.read().rfind(b"\n") + 1)


def _plain(value: Any) -> Any:
    """A NumPy number as Python's own."""
    return value.item()


def read(file: Path) -> list[dict[str, Any]]:
    """The results of a file, by repetition; none if it is not there."""
    if not file.exists():
        return []
    whole = file.read_text(encoding="utf-8").split("\n")[:-1]
    return sorted(map(json.loads, whole), key=lambda result: result["k"])


def add_arguments(
    parser: ArgumentParser, program: str, repetitions: int, processes: int | None = None
) -> None:
    """Let a program be told how often it repeats, perhaps in how many processes, and where results are.

    Args:
        parser: of the program.
        program: its name, which its folder of results has, too.
        repetitions: unless told.
        processes: unless told; None for a program that times its work, in one.
    """
    parser.add_argument("--repetitions", type=int, default=repetitions)
    if processes is not None:
        parser.add_argument("--processes", type=int, default=processes)
    parser.add_argument("--work", type=Path, default=HERE / program, help="folder of the results")
    parser.add_argument("--report", action="store_true", help="only show what the folder has")


def names(known: Sequence[str]) -> Callable[[str], list[str]]:
    """A parser of names with commas between them, each one of those known."""

    def parse(text: str) -> list[str]:
        given = text.split(",")
        for name in given:
            if name not in known:
                raise ArgumentTypeError(f"{name} is none of {', '.join(known)}")
        return given

    return parse
