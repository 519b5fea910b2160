"""Whether verdicts are right: whole searches of synthetic worlds whose truth is known.

    python benchmarks/verdicts.py [--worlds NAME,...] [--trials N,...] [--repetitions N] [--work DIR]
        [--set KEY=VALUE] [--report]

Every search has a world and a study seed of its own. Results are lines of JSON in the work directory, a file
for each world and number of trials, so that an interrupted run goes on where it was. The tables are made of
all results that are there; ``--report`` makes them without searching. Searches with other settings
(``--set``) need a work directory of their own.
"""

import argparse
import json
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # a search has small matrices, and there are two at a time

from _verdict_measures import searched
from _verdict_power import CONTESTS, fought
from _verdict_report import section
from _worlds import WORLDS

from lrshape.study.spec import override

HERE = Path(__file__).resolve().parent

Job = Callable[[int], dict[str, Any]]
"""Makes the ``k``-th result of a file."""


def main() -> None:
    """Search what has not been searched, and print the section."""
    given = _arguments()
    settings: dict[str, Any] = {}
    for assignment in given.set:
        override(settings, assignment)
    jobs: dict[str, Job] = {}
    for name in given.worlds:
        if name in CONTESTS:
            jobs[name] = partial(fought, name, settings)
        else:
            jobs |= {f"{name}-{trials}": partial(searched, name, trials, settings) for trials in given.trials}
    if not given.report:
        given.work.mkdir(parents=True, exist_ok=True)
        _run(given.work, jobs, given.repetitions, given.processes)
    results = {name: read(given.work / f"{name}.jsonl") for name in jobs}
    sys.stdout.write(section({name: found for name, found in results.items() if found}))


def _run(work: Path, jobs: dict[str, Job], repetitions: int, processes: int) -> None:
    """Do what is missing, and append each result to its file as soon as it is there."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=context) as pool:
        for name, job in jobs.items():
            file = work / f"{name}.jsonl"
            done = read(file)
            _write(file, done)  # without a line that was cut off
            missing = sorted(set(range(repetitions)) - {result["k"] for result in done})
            for future in as_completed([pool.submit(job, k) for k in missing]):
                _write(file, [future.result()], "a")
            sys.stderr.write(f"{name}: {len(missing)} new, {len(done)} there\n")


def _write(file: Path, results: Iterable[dict[str, Any]], mode: str = "w") -> None:
    with file.open(mode, encoding="utf-8") as stream:
        stream.writelines(json.dumps(result, default=_plain) + "\n" for result in results)


def _plain(value: Any) -> Any:
    """A NumPy number as Python's own."""
    return value.item()


def read(file: Path) -> list[dict[str, Any]]:
    """The results of a file, by repetition; none if it is not there."""
    if not file.exists():
        return []
    whole = file.read_text(encoding="utf-8").split("\n")[:-1]
    return sorted(map(json.loads, whole), key=lambda result: result["k"])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare what searches claim with what is true.")
    known = [*WORLDS, *CONTESTS]
    parser.add_argument("--worlds", type=_names(known), default=known, help=", ".join(known))
    parser.add_argument("--trials", type=lambda text: [int(n) for n in text.split(",")], default=[128, 256])
    parser.add_argument("--repetitions", type=int, default=200)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--set", action="append", default=[], help="a setting of every search, KEY=VALUE")
    parser.add_argument("--work", type=Path, default=HERE / "verdicts")
    parser.add_argument("--report", action="store_true", help="only make the tables")
    return parser.parse_args()


def _names(known: Sequence[str]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        for name in names:
            if name not in known:
                raise argparse.ArgumentTypeError(f"{name} is none of {', '.join(known)}")
        return names

    return parse


if __name__ == "__main__":
    main()
