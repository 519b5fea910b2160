"""Does a short training tell which shape is best for a long one?

    python benchmarks/short_horizon.py

Random shapes of the default families are trained for the full horizon and for a quarter of it, stretched to
it (a shape is a function of progress), each at its own best base LR of the same grid. Printed are the rank
correlation of both scores, and what those that are best in short trials lose in long ones.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from _efficiency_run import trained
from _efficiency_workloads import TASKS
from _measure import machine, table
from numpy.typing import NDArray
from scipy.stats import spearmanr

from lrshape.procedure.base_lr import base_lrs_at
from lrshape.procedure.budget import FAMILIES
from lrshape.procedure.shape_search import ShapeSpace
from lrshape.procedure.trial import Candidate, ShapeRecord, Trial
from lrshape.study.spec import StudySpec

SHARE = 4
MEASURED = ("regression", "regression-flat", "digits-mlp")
SHAPES, SEEDS = 64, 5
POINTS = 8  # base LRs of the grid

INTRODUCTION = """\
{shapes} random shapes of {families}, trained for the full horizon and for a quarter of it, each at the best
of {points} base LRs, the same for both, which give its LRs {points} root mean squares (a factor of 2.7
apart in the regressions, which limits what "lost" can show); medians over {seeds} seeds (regressions have
no noise). In brackets: 95% bootstrap intervals over shapes. "Lost" is how much worse than the best of all
shapes, in full trials, is the best one by short trials, and the best of the best five by short trials."""


def main() -> None:
    """Measure and print the section."""
    words = {"shapes": SHAPES, "families": ", ".join(FAMILIES), "points": POINTS, "seeds": SEEDS}
    rows = [_measured(name) for name in MEASURED]
    headings = ["workload", "steps", "rank correlation", "lost by the best", "lost by the best five"]
    parts = ["## Short horizons: does a quarter of the training tell?", f"{machine()}."]
    print("\n\n".join([*parts, INTRODUCTION.format(**words), table(headings, rows)]))


def _measured(name: str) -> list[str]:
    task = TASKS[name]
    steps = StudySpec.parse(_document(task.document, None)).workload.steps
    full, short = (
        _scores(_document(task.document, steps // k), 1 if task.is_exact else SEEDS) for k in (1, SHARE)
    )
    random = np.random.default_rng(0)
    drawn = [random.integers(SHAPES, size=SHAPES) for _ in range(2000)]
    low, high = np.quantile([spearmanr(full[some], short[some]).statistic for some in drawn], [0.025, 0.975])
    order = np.argsort(short)
    lost = [100 * (full[order[:k]].min() / full.min() - 1) for k in (1, 5)]
    correlation = f"{spearmanr(full, short).statistic:.2f} [{low:.2f}, {high:.2f}]"
    return [task.label, f"{steps} and {steps // SHARE}", correlation, *(f"{value:.1f}%" for value in lost)]


def _document(document: Mapping[str, Any], steps: int | None) -> dict[str, Any]:
    workload = dict(document["workload"]) | ({} if steps is None else {"steps": steps})
    return {**document, "workload": workload, "families": list(FAMILIES), "base_lr": {"strategy": "joint"}}


def _scores(document: dict[str, Any], seeds: int) -> NDArray[np.float64]:
    """Median score of every shape at its best base LR, (shapes,)."""
    spec = StudySpec.parse(document)
    space = ShapeSpace(spec.families, None)
    points = np.random.default_rng(1).random((SHAPES, len(space)))
    shapes = [ShapeRecord(f"s-{i}", shape) for i, shape in enumerate(space.shapes(points))]
    lr_rms = np.geomspace(spec.base_lr.low, spec.base_lr.high, POINTS)
    runs = [
        Trial("screen", Candidate(shape, float(base_lrs_at(rms, [shape.family])[0])), seed)
        for shape in shapes
        for rms in lr_rms
        for seed in range(seeds)
    ]
    scores = trained(spec, runs, 64)[spec.metric].to_numpy(np.float64)
    finite = np.where(np.isfinite(scores), scores, np.inf).reshape(SHAPES, POINTS, seeds)
    return np.median(finite, axis=2).min(axis=1)


if __name__ == "__main__":
    main()
