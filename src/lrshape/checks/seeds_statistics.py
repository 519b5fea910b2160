"""How many seeds it takes: scores on few seeds against scores on many others.

Everything is averaged over random splits of the seeds. A reference is never made of seeds that the estimate
has seen: otherwise the two would agree because they share their noise.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from lrshape.analysis.intervals import medians
from lrshape.analysis.scores import metric_values
from lrshape.errors import InputError

LADDER = (1, 2, 3, 5, 7, 10, 14, 20, 30, 50, 70, 100, 140, 200, 300, 500, 700, 1000, 2000, 5000)
SHOWN = (1, 3, 10, 30, 100, 300, 1000)
SPLITS = 2000
_SLOW_SPLITS = 200  # for Kendall's tau and the cross table


@dataclass(frozen=True)
class Agreement:
    """How well few seeds tell what many tell, for one group of shapes.

    Attributes:
        shapes: how many shapes.
        reference: seeds of the reference, none of them among the estimate's.
        scale: what regrets are divided by: the size of the best score on all seeds.
        table: one row a number of seeds: ``seeds, spearman, kendall, recall, regret, regret_certain,
            certain, kept``, see `agreement`.
        cross: mean Spearman correlation between scores on ``seeds`` and on ``other`` seeds, no seed shared:
            rows ``seeds, other, spearman``.
        top: the k of ``recall``.
        keep: the number of shapes that ``kept`` keeps.
    """

    shapes: int
    reference: int
    scale: float
    table: pd.DataFrame
    cross: pd.DataFrame
    top: int
    keep: int


@dataclass(frozen=True)
class SeedAnswer:
    """What few seeds tell of many, and how many are recommended.

    Attributes:
        screened: among a sample of all screened shapes.
        top: among the best shapes.
        scores: one row a shape: ``shape, in_sample, in_top, one, few, reference``, the medians on the first
            seed, on the first ``few`` and on the last half of the seeds.
        few: 10, or half of the seeds if that is less.
        certainty: chance of a good choice that is wanted.
        margin: how much worse than the best is good enough, as a fraction.
        screen_seeds: recommended for the screen, None if more are needed than were tried.
        rescore_seeds: the same for the choice among the best shapes.
    """

    screened: Agreement
    top: Agreement
    scores: pd.DataFrame
    few: int
    certainty: float
    margin: float
    screen_seeds: int | None
    rescore_seeds: int | None


def seed_answer(
    matrix: pd.DataFrame,
    screened: Sequence[str],
    top: Sequence[str],
    *,
    keep: int,
    certainty: float = 0.95,
    margin: float = 0.05,
) -> SeedAnswer:
    """Recommend numbers of seeds for a screen, which keeps some shapes, and for choosing one among the best.

    Args:
        matrix: as `score_matrix` returns it.
        screened: a sample of the screened shapes.
        top: the best shapes.
        keep: how many of the sample the screen keeps.
        certainty: see `agreement`.
        margin: see `agreement`.

    Raises:
        InputError: see `agreement`.
    """
    of_all = agreement(matrix.loc[list(screened)].to_numpy(), certainty=certainty, margin=margin, keep=keep)
    of_top = agreement(matrix.loc[list(top)].to_numpy(), certainty=certainty, margin=margin)
    values, half = matrix.to_numpy(), matrix.shape[1] // 2
    few = min(10, half)
    scores = pd.DataFrame(
        {
            "shape": matrix.index.astype(str),
            "in_sample": matrix.index.isin(list(screened)),
            "in_top": matrix.index.isin(list(top)),
            "one": values[:, 0],
            "few": medians(values[:, :few]),
            "reference": medians(values[:, half:]),
        }
    )
    return SeedAnswer(
        screened=of_all,
        top=of_top,
        scores=scores,
        few=few,
        certainty=certainty,
        margin=margin,
        screen_seeds=recommended(of_all.table, "kept", certainty),
        rescore_seeds=recommended(of_top.table, "certain", certainty),
    )


def score_matrix(trials: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The metric of every shape (rows, sorted by name) on every seed (columns, ascending).

    Raises:
        InputError: if a shape lacks a seed that another has, or the metric is not stored.
    """
    values = pd.DataFrame(
        {
            "shape": trials["shape"].to_numpy(object),
            "seed": trials["seed"].to_numpy(np.int64),
            "value": metric_values(trials, metric),
        }
    ).pivot(index="shape", columns="seed", values="value")
    if values.isna().to_numpy().any():
        raise InputError("every shape must be trained on the same seeds; some trials are missing")
    return values


def agreement(
    matrix: NDArray[np.float64],
    *,
    certainty: float = 0.95,
    margin: float = 0.05,
    keep: int = 1,
    splits: int = SPLITS,
) -> Agreement:
    """Compare scores on n seeds with a reference on as many other seeds as the largest n leaves.

    In every split the seeds are shuffled: the first n make the estimate, the last ones the reference, which
    has the same number of seeds for every n. The columns of the result's table:

    - ``seeds``: n, at most half of all;
    - ``spearman``, ``kendall``: mean rank correlation with the reference (NaN where one side has no ranks);
    - ``recall``: mean share of the reference's best ``top`` shapes among the estimate's best ``top``, where
      ``top`` is 5, or half of the shapes if those are fewer;
    - ``regret``: by how much the shape that the estimate calls best is worse, in the reference, than the
      reference's best shape, as a share of ``scale``: the mean over splits; +inf if one has diverged there;
    - ``regret_certain``: the same, as large as it is with the wanted certainty (a quantile over splits);
    - ``certain``: share of splits in which that regret is at most ``margin``;
    - ``kept``: share of splits in which one of the estimate's best ``keep`` shapes is within ``margin``.

    The reference is noisy, too, and its best score biased low, so that mean regrets are overstated, most
    where shapes are nearly equal. Shapes near the margin fall on either side of it by luck, so that
    ``certain`` and ``kept`` may be too high or too low.

    Args:
        matrix: shape ``(shapes, seeds)``, lower is better, +inf for diverged; at least 2 of each.
        certainty: in (0, 1).
        margin: share of ``scale``, at least 0.
        keep: how many shapes a screen keeps, from 1.
        splits: number of random splits.

    Raises:
        InputError: if the matrix or an argument is out of range.
    """
    shapes, seeds = matrix.shape
    if shapes < 2 or seeds < 2:
        raise InputError(f"at least 2 shapes and 2 seeds are needed, got {shapes} and {seeds}")
    if not 0 < certainty < 1 or not margin >= 0 or keep < 1 or splits < 1:
        raise InputError(
            "certainty must be in (0, 1), margin at least 0, keep and splits at least 1, "
            f"got {certainty}, {margin}, {keep} and {splits}"
        )
    counts = sorted({n for n in LADDER if n <= seeds // 2} | {seeds // 2})
    reference = seeds - counts[-1]
    top, keep = max(1, min(5, shapes // 2)), min(keep, shapes)
    best = float(medians(matrix).min())
    scale = abs(best) if math.isfinite(best) and best != 0 else 1.0
    rng = np.random.default_rng(0)
    order = [rng.permutation(seeds) for _ in range(splits)]
    truth = np.stack([medians(matrix[:, o[seeds - reference :]]) for o in order])
    # A tie goes to the first shape, which would favour it in every split: ties are broken by lot.
    # The reference has a lot of its own, or shapes that tie in both would seem to be recalled.
    lot, other_lot = rng.random((2, splits, shapes))
    rows = []
    for n in counts:
        estimate = np.stack([medians(matrix[:, o[:n]]) for o in order])
        rows.append(
            {
                "seeds": n,
                "spearman": _mean(_spearman(estimate, truth)),
                "kendall": _mean(_kendall(estimate[:_SLOW_SPLITS], truth[:_SLOW_SPLITS])),
                **_choices(estimate, truth, lot, other_lot, top, keep, scale, certainty, margin),
            }
        )
    return Agreement(
        shapes, reference, scale, pd.DataFrame(rows), _cross(matrix, order[:_SLOW_SPLITS]), top, keep
    )


def recommended(table: pd.DataFrame, column: str, certainty: float) -> int | None:
    """The smallest number of seeds from which on ``column`` is at least ``certainty``; None if there is none.

    Args:
        table: of an `Agreement`.
        column: ``certain`` or ``kept``.
        certainty: in (0, 1).
    """
    enough = table[column].to_numpy(np.float64) >= certainty
    if not enough[-1]:
        return None
    short = np.flatnonzero(~enough)
    return int(table["seeds"].iloc[short[-1] + 1 if len(short) else 0])


def _choices(
    estimate: NDArray, truth: NDArray, lot: NDArray, other_lot: NDArray, top: int, keep: int,
    scale: float, certainty: float, margin: float,
) -> dict[str, float]:  # fmt: skip
    """What comes of choosing by the estimates; all arrays have shape (splits, shapes)."""
    chosen = np.lexsort((lot, estimate), axis=-1)
    actual = np.lexsort((other_lot, truth), axis=-1)
    least = np.take_along_axis(truth, actual[:, :1], axis=1)
    with np.errstate(invalid="ignore"):
        # Where even the best diverged all shapes are equal.
        regrets = np.where(np.isinf(least), 0.0, (truth - least) / scale)
    of_chosen = np.take_along_axis(regrets, chosen, axis=1)
    among = (chosen[:, :top, None] == actual[:, None, :top]).any(axis=2)
    return {
        "recall": float(among.mean()),
        "regret": float(of_chosen[:, 0].mean()),
        "regret_certain": float(np.quantile(of_chosen[:, 0], certainty, method="inverted_cdf")),
        "certain": float(np.mean(of_chosen[:, 0] <= margin)),
        "kept": float(np.mean(of_chosen[:, :keep].min(axis=1) <= margin)),
    }


def _spearman(a: NDArray, b: NDArray) -> NDArray[np.float64]:
    """Spearman's correlation of the rows, shape (splits,): that of their ranks, equal values sharing one."""
    a, b = stats.rankdata(a, axis=-1), stats.rankdata(b, axis=-1)
    a, b = (v - v.mean(axis=-1, keepdims=True) for v in (a, b))
    size = np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))
    return np.where(size > 0, (a * b).sum(axis=-1) / np.where(size > 0, size, 1.0), np.nan)


def _kendall(a: NDArray, b: NDArray) -> NDArray[np.float64]:
    return np.array([stats.kendalltau(x, y)[0] for x, y in zip(a, b, strict=True)])


def _mean(values: NDArray) -> float:
    kept = values[~np.isnan(values)]
    return float(kept.mean()) if len(kept) else math.nan


def _cross(matrix: NDArray, order: list[NDArray]) -> pd.DataFrame:
    """Mean correlations between scores on n and on m seeds that share none."""
    seeds = matrix.shape[1]
    counts = sorted({n for n in SHOWN if n < seeds} | {seeds // 2})
    first = {n: np.stack([medians(matrix[:, o[:n]]) for o in order]) for n in counts}
    last = {n: np.stack([medians(matrix[:, o[seeds - n :]]) for o in order]) for n in counts}
    rows = [
        {"seeds": n, "other": m, "spearman": _mean(_spearman(first[n], last[m]))}
        for n in counts
        for m in counts
        if n + m <= seeds
    ]
    return pd.DataFrame(rows)
