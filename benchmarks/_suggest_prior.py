"""Part (f): whether a law, as prior mean, helps a model of scores; whether the end of a curve tells more.

Trials are of random shapes of eight families at random base LRs about the best one of a linear decay. What is
compared is what the best third of them come to, which is what a search has to tell apart.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from _efficiency_workloads import TASKS
from _law_prior import LEAST, WithLaw, as_seen, better_half, fit_law
from _measure import table
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.stats import rankdata

from lrshape.errors import InputError
from lrshape.predict.law import LAWS
from lrshape.predict.laws.convex_bound import ConvexBound
from lrshape.predict.runs import Run
from lrshape.procedure.curve_model import SIZE
from lrshape.procedure.curves import BINS, PROGRESS, curve_features, root_mean_square
from lrshape.procedure.sampler import Bend
from lrshape.procedure.trial import multipliers
from lrshape.shapes import FAMILIES
from lrshape.study.spec import StudySpec
from lrshape.training.evaluation import evaluate

Array = NDArray[np.float64]

SEARCHED = (
    "two_point_spline",
    "rex",
    "wsd",
    "power",
    "two_point_linear",
    "generalized_cosine",
    "smooth_nonmonotonic",
    "cosine_floor",
)
WORKLOADS = {
    "regression": (640, 1),
    "regression-flat": (640, 1),
    "regression-large-batch": (640, 1),
    "digits-mlp": (480, 4),
    "digits-cnn": (320, 3),
}
"""Schedules and seeds."""

KNOWN = (32, 96)
DRAWS = 8
CURVES = 10
"""Curves that a law is fitted to, evenly chosen by score from the better third of what is known."""

ENDS = (0.02, 0.05, 0.1, 0.2)
POINTS = 60  # of a curve


@dataclass(frozen=True)
class Bank:
    """Trials of one workload.

    Attributes:
        lrs: of every step, (n, steps).
        points: what the process knows them by, (n, features).
        scores: logarithms of the final metric, (seeds, n).
        steps: of the curves' points, (k,).
        curves: mean batch losses, (seeds, n, k).
    """

    lrs: Array
    points: Array
    scores: Array
    steps: NDArray[np.int64]
    curves: Array

    @property
    def truth(self) -> Array:
        """Mean scores over the seeds that no process sees, (n,)."""
        return self.scores[1:].mean(axis=0) if len(self.scores) > 1 else self.scores[0]

    @property
    def best(self) -> NDArray[np.bool_]:
        """The best third."""
        return self.truth <= np.quantile(self.truth, 1 / 3)


def train_bank(document: dict[str, Any], trials: int, seeds: int) -> Bank:
    """Train; those that diverge on any seed are left out."""
    spec = StudySpec.parse({**document, "families": list(SEARCHED)})
    every = max(1, spec.workload.steps // POINTS)
    workload = {**document["workload"], "record_every": every}
    spec = StudySpec.parse({**document, "workload": workload, "families": list(SEARCHED)})
    random, shapes = np.random.default_rng(0), []
    for family in spec.families:
        space = family.space()
        columns = space.from_unit(random.random((-(-trials // len(SEARCHED)), len(space))))
        for row in zip(*columns.values(), strict=True):
            params = {**family.fixed, **dict(zip(columns, row, strict=True))}
            shapes.append(FAMILIES[family.name].from_params(params))
    linear = FAMILIES["linear"].from_params({})
    grid = np.geomspace(spec.base_lr.low, spec.base_lr.high, 16)

    def outcome(shapes: list[Any], base_lrs: Array, seeds: NDArray[np.int64]) -> Any:
        lrs = multipliers(shapes, spec.workload.steps, spec.step_rule) * base_lrs[:, None]
        with np.errstate(all="ignore"):
            return lrs, evaluate(spec.workload, lrs, seeds, base_lrs=base_lrs, members=64)

    _, swept = outcome([linear] * len(grid), grid, np.zeros(len(grid), np.int64))
    centre = grid[np.argmin(swept[spec.metric])] * root_mean_square(multipliers([linear], 200, "midpoint"))
    values = multipliers(shapes, len(PROGRESS), "midpoint")
    base_lrs = centre * 2 ** random.normal(0, 1, len(shapes)) / root_mean_square(values)
    count = len(shapes)
    lrs, found = outcome(shapes * seeds, np.tile(base_lrs, seeds), np.repeat(np.arange(1, seeds + 1), count))
    scores = np.log(found[spec.metric].reshape(seeds, count))
    fine = np.isfinite(scores).all(axis=0)
    kept = [found.curves[seed * count + i] for seed in range(seeds) for i in np.flatnonzero(fine)]
    curves = np.array([curve.train_loss for curve in kept], np.float64).reshape(seeds, fine.sum(), -1)
    size = np.log(base_lrs * root_mean_square(values)) / SIZE
    points = np.concatenate([curve_features(values), size[:, None]], axis=1)
    steps = np.asarray(kept[0].step, np.int64)
    return Bank(lrs[:count][fine], points[fine], scores[:, fine], steps, curves)


def prior_table() -> str:
    """Both tables of part (f)."""
    laws, ends = [], []
    for name, (trials, seeds) in WORKLOADS.items():
        bank = train_bank(dict(TASKS[name].document), trials, seeds)
        laws += [row for known in KNOWN for row in _law_rows(name, bank, known)]
        if seeds > 1:
            ends += _end_rows(name, bank)
    heads = ["workload", "trials known", "prior mean", "RMSE", "change", "Spearman", "of the law alone"]
    return "\n\n".join(
        (
            table(heads, laws),
            table(["workload", "score", "variance over seeds, ratio", "correlation with other seeds"], ends),
        )
    )


def _law_rows(name: str, bank: Bank, known: int) -> Iterator[list[str]]:
    found: dict[str, list[tuple[float, float, float]]] = {}
    for draw in range(DRAWS):
        told = np.random.default_rng(draw).choice(len(bank.truth), known, replace=False)
        rest = np.setdiff1d(np.flatnonzero(bank.best), told)
        scores = bank.scores[0][told]
        bend = Bend.of(scores)
        for law, predicted in _predictions(bank, told):
            seen = as_seen(predicted, scores)
            process = WithLaw.fitted(
                bank.points[told],
                bend(scores),
                np.zeros(known, np.int64),
                lambda _, seen=seen, told=told: seen[told],
            )
            mean = process.process.mean(bank.points[rest]) + process.share * seen[rest]
            error = np.sqrt(np.mean((mean - bend(bank.truth[rest])) ** 2))
            alike = _rank_correlation(mean, bank.truth[rest])
            alone = np.nan if law == "none" else _rank_correlation(seen[rest], bank.truth[rest])
            found.setdefault(law, []).append((float(error), alike, alone))
    plain = np.array(found["none"])[:, 0]
    for law, values in found.items():
        error, alike, alone = np.array(values).T
        change = np.log(error / plain)
        spread = 100 * change.std(ddof=1) / np.sqrt(DRAWS)
        shown = "" if law == "none" else f"{100 * np.expm1(change.mean()):+.0f}% ± {spread:.0f}"
        own = "" if law == "none" else f"{np.median(alone):.2f}"
        yield [name, str(known), law, f"{error.mean():.4f}", shown, f"{alike.mean():.2f}", own]


def _rank_correlation(a: Array, b: Array) -> float:
    return float(np.corrcoef(rankdata(a), rankdata(b))[0, 1])


def _predictions(bank: Bank, told: NDArray[np.intp]) -> Iterator[tuple[str, Array]]:
    """Each law's predicted log scores of all trials, fitted to those that were told."""
    scores = bank.scores[0][told]
    yield "none", np.full(len(bank.truth), scores.min())
    half = told[better_half(scores)]
    first = np.searchsorted(PROGRESS, BINS[:-1]) * bank.lrs.shape[1] // len(PROGRESS)
    parts = np.add.reduceat(bank.lrs, first, axis=1) / np.diff(np.append(first, bank.lrs.shape[1]))
    yield "forcing memory, of scores", fit_law(parts[half], np.diff(BINS), bank.scores[0][half])(parts)
    third = told[np.argsort(scores)[: max(LEAST, len(told) // 3)]]
    runs = [
        Run(f"run {i}", bank.lrs[i], bank.steps, bank.curves[0, i])
        for i in third[np.linspace(0, len(third) - 1, CURVES).astype(int)]
    ]
    try:
        predicted = LAWS["forcing_memory"]().fit(runs).predict(bank.lrs)
        yield "forcing memory, of curves", np.log(np.maximum(predicted, 1e-12))
    except InputError:
        yield "forcing memory, of curves", np.full(len(bank.truth), scores.min())
    yield "bound, of scores", _bound(bank, told)


def _bound(bank: Bank, told: NDArray[np.intp]) -> Array:
    law = ConvexBound()
    terms = np.array([law.terms(row)[:2] for row in bank.lrs])
    terms = np.column_stack([np.ones(len(terms)), terms / np.median(terms, axis=0)])
    scores = bank.scores[0][told] - bank.scores[0][told].min()
    weight = np.exp(-scores) / (0.05 + 0.2 * scores)
    found, _ = nnls(terms[told] * weight[:, None], np.exp(scores) * weight)
    return np.log(np.maximum(terms @ found, 1e-9)) + bank.scores[0][told].min()


def _end_rows(name: str, bank: Bank) -> Iterator[list[str]]:
    final = bank.scores[:, bank.best]
    plain = final.var(axis=0, ddof=1).mean()
    last = bank.steps[-1]
    for share in (0.0, *ENDS):
        at_end = bank.steps > last * (1 - share)
        at_end[-1] = True
        curves = bank.curves[:, bank.best]
        scores = final if share == 0 else np.log(curves[:, :, at_end].mean(axis=2))
        ratio = scores.var(axis=0, ddof=1).mean() / plain
        alike = [
            np.corrcoef(one, np.delete(final, seed, axis=0).mean(axis=0))[0, 1]
            for seed, one in enumerate(scores)
        ]
        what = "final metric" if share == 0 else f"mean of the curve's last {share:.0%}"
        yield [name, what, f"{ratio:.2f}", f"{np.mean(alike):.2f}"]
