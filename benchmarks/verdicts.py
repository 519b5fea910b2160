"""Whether verdicts are right: whole searches of synthetic worlds whose truth is known.

    python benchmarks/verdicts.py [--worlds NAME,...] [--trials N,...] [--repetitions N] [--work DIR]
        [--report]

Every search has a world and a study seed of its own. Results are lines of JSON in the work directory, a file
for each world and number of trials, so that an interrupted run goes on where it was. The tables are made of
all results that are there; ``--report`` makes them without searching.
"""

import argparse
import os
import sys
from functools import partial

os.environ.setdefault("OMP_NUM_THREADS", "1")  # a search has small matrices, and there are two at a time

from _repetitions import add_arguments, names, read, run
from _verdict_measures import searched
from _verdict_report import section
from _worlds import WORLDS


def main() -> None:
    """Search what has not been searched, and print the section."""
    given = _arguments()
    jobs = {
        f"{name}-{trials}": partial(searched, name, trials)
        for name in given.worlds
        for trials in given.trials
    }
    if not given.report:
        run(given.work, jobs, given.repetitions, given.processes)
    results = {name: found for name in jobs if (found := read(given.work / f"{name}.jsonl"))}
    if not results:
        sys.exit(f"{given.work} has no results")
    sys.stdout.write(section(results))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare what searches claim with what is true.")
    known = [*WORLDS]
    parser.add_argument("--worlds", type=names(known), default=known, help=", ".join(known))
    parser.add_argument("--trials", type=lambda text: [int(n) for n in text.split(",")], default=[128, 256])
    add_arguments(parser, "verdicts", repetitions=200, processes=2)
    return parser.parse_args()


if __name__ == "__main__":
    main()
