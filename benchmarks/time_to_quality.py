"""Seconds until a schedule of a stated quality is found and confirmed, by lrshape and by others.

    python benchmarks/time_to_quality.py [--workloads NAME,...] [--contenders NAME,...] [--repetitions N]
        [--work DIR] [--report]

The clock runs from the start of a contender's processes: imports, compilation, models, storage, confirmation
and report are included. What is stated, is the quality of the schedule that a contender recommends: the
median final training loss over fresh seeds that no search has seen, all scored in lrshape's engine while the
clock stands still. The best one known is that of `REFERENCES` searches of lrshape's four families with
`REFERENCE_TRIALS` trials, which also tell the loss of a linear decay at its best base LR. A schedule has the
quality if it closes `GAP` of the gap between the two, on the scale of log losses: the linear decay itself
does not.

A contender has a budget of trials, confirmation included (of the paper's procedure, without rescoring and
confirmation); the first budget of a ladder after which its recommendation has the quality counts. The table
tells how many trials were trained and how many seconds a search of this budget takes. lrshape, with its own
search or the paper's, runs a search for each budget, since what it does follows from it. A search by Optuna
is one for all budgets, with a race of its best trials on fresh seeds at each of them, a quarter of the
budget; the races at smaller budgets do not count. A contender that needs more than the last budget, or more
than `LIMIT` seconds, has not reached the quality, and the ratio is at least what is told.

Results are lines of JSON in the work directory, so that an interrupted run goes on where it was. ``--report``
makes the table of what is there.
"""

import argparse
import os
import statistics
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

os.environ.setdefault("OMP_NUM_THREADS", "1")  # of the samplers' matrices; JAX and PyTorch set their own

import _quality_optuna
import _quality_ours
from _efficiency_workloads import TASKS
from _measure import machine, table
from _quality import Found
from _quality_ours import one_family, paper
from _repetitions import add_arguments, names, read, run

WORKLOADS = ("digits-mlp", "digits-cnn", "cifar10-cnn")
GAP = 0.5
REFERENCES, REFERENCE_TRIALS = 3, 1024
LADDER = (64, 128, 256, 512, 1024)
LONGER = (*LADDER, 2048, 4096)
"""Of searches that may need more trials."""
LIMIT = 600.0

Trajectory = Callable[[dict[str, Any], Sequence[int], int], Iterator[Found]]
"""(document, budgets, k) -> what the k-th search recommends at each budget."""


class Contender(NamedTuple):
    """A way to search.

    Attributes:
        label: in the table.
        budgets: of trials.
        trajectory: runs it.
    """

    label: str
    budgets: Sequence[int]
    trajectory: Trajectory


OURS = "lrshape"
CONTENDERS: Mapping[str, Contender] = {
    OURS: Contender("lrshape", LADDER, partial(_quality_ours.trajectory, one_family)),
    "paper": Contender(
        "the paper's procedure in lrshape", LONGER[2:], partial(_quality_ours.trajectory, paper)
    ),
    "tpe": Contender("Optuna's TPE + PyTorch", LONGER, partial(_quality_optuna.trajectory, "tpe", LIMIT)),
    "gp": Contender("Optuna's GPSampler + PyTorch", LONGER, partial(_quality_optuna.trajectory, "gp", LIMIT)),
}


def main() -> None:
    """Run what has not been run, and print the section."""
    given = _arguments()
    parts = []
    for name in given.workloads:
        file = f"{name}-reference"
        if not given.report:
            run(given.work, {file: partial(reference, name)}, REFERENCES)
        known = read(given.work / f"{file}.jsonl")
        if len(known) < REFERENCES:
            sys.exit(f"{given.work} lacks the reference of {name}")
        best, linear = (min(one[key] for one in known) for key in ("best", "linear"))
        target = best**GAP * linear ** (1 - GAP)
        files = {contender: f"{name}-{contender}" for contender in given.contenders}
        if not given.report:
            jobs = {file: partial(measured, name, key, target) for key, file in files.items()}
            run(given.work, jobs, given.repetitions)
        results = {key: read(given.work / f"{file}.jsonl") for key, file in files.items()}
        parts += [f"### {TASKS[name].label}", _reference(best, linear, target), _table(results)]
    sys.stdout.write("\n\n".join([_introduction(), *parts]) + "\n")


def reference(name: str, k: int) -> dict[str, Any]:
    """True losses of what a long search recommends, and of a linear decay at its best base LR."""
    import tempfile

    from _efficiency_run import truth

    import lrshape
    from lrshape.procedure.trial import ShapeRecord

    task = TASKS[name]
    with tempfile.TemporaryDirectory() as folder:
        document = {**task.document, "trials": REFERENCE_TRIALS, "seed": 1000 + k}
        best = lrshape.search(document, out=f"{folder}/study").best()
    linear = next(one for one in best.baselines if one.name == "linear")
    found = {"best": best, "linear": linear}
    shapes = {key: ShapeRecord.of(key, one.family, one.params) for key, one in found.items()}
    scores = {key: truth(task, shape, found[key].base_lr) for key, shape in shapes.items()}
    return {"k": k} | {key: statistics.median(values) for key, values in scores.items()}


def measured(name: str, key: str, target: float, k: int) -> dict[str, Any]:
    """The ``k``-th search of a contender, up to the budget whose recommendation has the quality."""
    from _efficiency_run import truth

    task, contender = TASKS[name], CONTENDERS[key]
    looks: list[dict[str, Any]] = []
    for found in contender.trajectory(dict(task.document), contender.budgets, k):
        score = statistics.median(truth(task, found.shape, found.base_lr))
        looks.append({"budget": contender.budgets[len(looks)], "score": score, **_plain(found)})
        if score <= target or found.seconds > LIMIT:
            break
    reached = bool(looks) and looks[-1]["score"] <= target
    seconds = looks[-1]["seconds"] if looks else LIMIT
    if not reached and len(looks) < len(contender.budgets):
        seconds = max(seconds, LIMIT)
    return {"k": k, "reached": reached, "seconds": seconds, "looks": looks}


def _plain(found: Found) -> dict[str, Any]:
    own = {"family": found.shape.family.name, "params": dict(found.shape.family.params)}
    return own | {key: value for key, value in found._asdict().items() if key != "shape"}


def _introduction() -> str:
    return f"""\
## Time to quality: seconds until a good schedule is found and confirmed

{machine()}.

Seconds from the start of a contender's processes until it recommends a schedule that closes {GAP:.0%} of the
gap between a linear decay at its best base LR and the best schedule known, that of {REFERENCES} searches with
{REFERENCE_TRIALS:,} trials, by the median final training loss over {TASKS[WORKLOADS[0]].truth_seeds} fresh
seeds: median (range) over repetitions with different seeds. Imports, compilation, models, storage,
confirmation and report are included; lrshape starts without compiled programs, as in the first study of a
workload. All search the shapes of `two_point_spline` and the base LR. Optuna trains with PyTorch, the same
model on the same data, in a process a core with one thread each, and spends a quarter of its trials on a
race of its best on fresh seeds.
The ratio is to lrshape's seconds in the same repetition, if it reached the quality there; "at least" where
some repetitions have not reached it within the last budget or {LIMIT / 60:.0f} minutes. lrshape runs a search
for each budget, of which the first that reaches it counts with its own seconds; Optuna's is one search."""


def _reference(best: float, linear: float, target: float) -> str:
    return (
        f"Best known: {best:.4g}. A linear decay at its best base LR: {linear:.4g}, {linear / best - 1:.1%} "
        f"above it. Wanted: {target:.4g}, {target / best - 1:.1%} above it."
    )


def _table(results: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    # Where ours has not reached the quality its seconds are a bound, and no ratio is known.
    ours = {one["k"]: one["seconds"] for one in results.get(OURS, ()) if one["reached"]}
    rows = []
    for key, found in results.items():
        if found:
            reached = sum(one["reached"] for one in found)
            trials = [one["looks"][-1]["trials"] for one in found if one["reached"]]
            counts = [f"{reached} of {len(found)}", f"{statistics.median(trials):,.0f}" if trials else ""]
            ratios = [one["seconds"] / ours[one["k"]] for one in found if one["k"] in ours]
            least = "at least " if reached < len(found) else ""
            times = [f"{least}{_spread(v)}" if v else "" for v in ([one["seconds"] for one in found], ratios)]
            rows.append([CONTENDERS[key].label, *counts, *times])
    headings = ["search", "reached", "trials", "seconds", "times lrshape"]
    return table(headings, rows)


def _spread(values: Sequence[float]) -> str:
    digits = 0 if statistics.median(values) >= 10 else 1
    middle, low, high = (f"{of(values):,.{digits}f}" for of in (statistics.median, min, max))
    return f"{middle} ({low} to {high})"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Compare the time that searches take to a stated quality.")
    parser.add_argument("--workloads", type=names([*TASKS]), default=WORKLOADS, help=", ".join(WORKLOADS))
    known = [*CONTENDERS]
    parser.add_argument("--contenders", type=names(known), default=known, help=", ".join(known))
    add_arguments(parser, "time_to_quality", repetitions=10)
    return parser.parse_args()


if __name__ == "__main__":
    main()
