"""How good a schedule a search finds with so many trials, for our searches and others.

    python benchmarks/search_efficiency.py [--tasks NAME,...] [--contenders NAME,...] [--repetitions N]
        [--budgets N,...] [--work DIR] [--image FILE] [--report]

Every (workload, contender, trials, repetition) is a search with a study seed of its own; its recommendation
is scored on fresh seeds. Results are lines of JSON in the work directory, so that an interrupted run goes on
where it was. The table and the figure are made of all results that are there; ``--report`` makes them without
searching.
"""

import argparse
import os
import sys
from functools import partial
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # matrices of the samplers are small

from _efficiency_contenders import CONTENDERS, Contender
from _efficiency_report import figure, section
from _efficiency_run import read, searched
from _efficiency_workloads import TASKS, Task
from _repetitions import add_arguments, names, run

IMAGE = Path(__file__).resolve().parent.parent / "docs/images/search-efficiency.svg"


def main() -> None:
    """Search what has not been searched, and print the section."""
    given = _arguments()
    if not given.report:
        for task in given.tasks:
            jobs = {
                f"{name}-{budget}": partial(searched, task, name, budget)
                for name in given.contenders
                for budget in given.budgets or _budgets(TASKS[task], name, CONTENDERS[name])
            }
            run(given.work / task, jobs, given.repetitions)
    results = read(given.work)
    if results.empty:
        sys.exit(f"{given.work} has no results")
    figure(results, given.image)
    sys.stdout.write(section(results))


def _budgets(task: Task, name: str, contender: Contender) -> tuple[int, ...]:
    if name == "paper":
        return contender.budgets
    return contender.budgets if len(contender.budgets) == 1 else task.budgets or contender.budgets


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare searches by what they reach with so many trials.")
    parser.add_argument("--tasks", type=names([*TASKS]), default=list(TASKS), help=", ".join(TASKS))
    parser.add_argument(
        "--contenders", type=names([*CONTENDERS]), default=list(CONTENDERS), help=", ".join(CONTENDERS)
    )
    add_arguments(parser, "search_efficiency", repetitions=20)
    parser.add_argument("--budgets", type=lambda text: [int(n) for n in text.split(",")], default=[])
    parser.add_argument("--image", type=Path, default=IMAGE)
    return parser.parse_args()


if __name__ == "__main__":
    main()
