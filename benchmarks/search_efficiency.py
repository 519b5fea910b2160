"""How good a schedule a search finds with so many trials, for our searches and others.

    python benchmarks/search_efficiency.py [--tasks NAME,...] [--contenders NAME,...] [--repetitions N]
        [--budgets N,...] [--work DIR] [--image FILE] [--report]

Every (workload, contender, trials, repetition) is a search with a study seed of its own; its
recommendation is scored on fresh seeds. Each result is kept in the work directory, so that an interrupted run
goes on where it was, and several may run side by side. The table and the figure are made of all results that
are there; ``--report`` makes them without searching.
"""

import argparse
import json
import os
import sys
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # matrices of the samplers are small

from _efficiency_contenders import CONTENDERS, Contender
from _efficiency_report import figure, section
from _efficiency_run import read, result_file, searched
from _efficiency_workloads import TASKS, Task
from _repetitions import names

from lrshape.files import write_file

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Search what has not been searched, and print the section."""
    arguments = _arguments()
    work = arguments.work
    if not arguments.report:
        for repetition in range(arguments.repetitions):
            for name in arguments.tasks:
                _repetition(work, name, arguments.contenders, arguments.budgets, repetition)
    results = read(work, TASKS)
    if results.empty:
        sys.exit(f"{work} has no results")
    figure(results, arguments.image)
    sys.stdout.write(section(results))


def _repetition(work: Path, task: str, contenders: list[str], budgets: list[int], repetition: int) -> None:
    for name in contenders:
        contender = CONTENDERS[name]
        for budget in budgets or _budgets(TASKS[task], name, contender):
            file = result_file(work, task, name, budget, repetition)
            if file.exists():
                continue
            result = searched(TASKS[task], contender, budget, seed=1 + repetition)
            write_file(file, json.dumps(result).encode())
            sys.stderr.write(f"{file.stem} on {task}: {result['trials']}, {result['seconds']:.1f} s\n")


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
    parser.add_argument("--repetitions", type=int, default=20)
    parser.add_argument("--budgets", type=lambda text: [int(n) for n in text.split(",")], default=[])
    parser.add_argument("--work", type=Path, default=HERE / "search_efficiency")
    parser.add_argument("--image", type=Path, default=HERE.parent / "docs/images/search-efficiency.svg")
    parser.add_argument("--report", action="store_true", help="only make the table and the figure")
    return parser.parse_args()


if __name__ == "__main__":
    main()
