"""What peers find at equal trials, beside lrshape's search, on synthetic worlds whose truth is known.

    python benchmarks/peers.py [--worlds NAME,...] [--trials N] [--repetitions N] [--contenders NAME,...]
        [--processes N] [--work DIR] [--report]

Every search has a world and a seed of its own, the same for all contenders. Results are lines of JSON in the
work directory, a file for each world, number of trials and contender, so that an interrupted run goes on
where it was. The table is made of all results that are there; ``--report`` makes it without searching. A
contender whose package is not installed is left out: the peers are no dependencies of lrshape (pip install
optuna torch botorch smac).
"""

import argparse
import importlib.util
import os
import sys
from functools import partial

os.environ.setdefault("OMP_NUM_THREADS", "1")  # each search has one thread

from _peer_report import section
from _peer_samplers import PEERS
from _peer_search import OURS, searched
from _repetitions import add_arguments, names, read, run
from _worlds import WORLDS

WORLDS_HERE = ("noisy", "quad", "spline", "linear", "lm", "accuracy", "sharp", "negative")


def main() -> None:
    """Search what has not been searched, and print the section."""
    given = _arguments()
    files = {
        (world, contender): f"{world}-{given.trials}-{contender}"
        for world in given.worlds
        for contender in given.contenders
    }
    if not given.report:
        absent = {name for name in given.contenders if _lacks_a_package(name)}
        jobs = {
            file: partial(searched, world, given.trials, contender)
            for (world, contender), file in files.items()
            if contender not in absent
        }
        run(given.work, jobs, given.repetitions, given.processes)
    results = {key: found for key, file in files.items() if (found := read(given.work / f"{file}.jsonl"))}
    if not results:
        sys.exit(f"{given.work} has no results")
    sys.stdout.write(section(results, given.trials))


def _lacks_a_package(contender: str) -> bool:
    needed = PEERS[contender].needs if contender in PEERS else ()
    lacking = [name for name in needed if importlib.util.find_spec(name) is None]
    if lacking:
        sys.stderr.write(f"{contender} is left out: {', '.join(lacking)} is not installed\n")
    return bool(lacking)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare what searches find at equal trials.")
    parser.add_argument("--worlds", type=names([*WORLDS]), default=WORLDS_HERE, help=", ".join(WORLDS))
    contenders = [*OURS, *PEERS]
    parser.add_argument(
        "--contenders", type=names(contenders), default=contenders, help=", ".join(contenders)
    )
    parser.add_argument("--trials", type=int, default=256)
    add_arguments(parser, "peers", repetitions=10, processes=1)
    return parser.parse_args()


if __name__ == "__main__":
    main()
