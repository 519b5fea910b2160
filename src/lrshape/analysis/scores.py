"""From trials to one score for each candidate, and to the best base LR of each shape."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrshape.analysis.intervals import interval_ranks, middle, penalised
from lrshape.analysis.tables import where
from lrshape.errors import InputError
from lrshape.store import metric_columns, phase_codes
from lrshape.store.table import CURVE_KEYS

BASELINE = "baseline-"
"""How the names of the baselines' shapes begin."""
LARGEST = float(np.finfo(np.float32).max)
_TEXTS = ("phase", "shape", "family", "params", "hyperparameters")
RACED = ["rescore"]
"""Phases in which a score over fewer seeds than others' has lost a race."""


def metric_values(trials: pd.DataFrame, metric: str) -> NDArray[np.float64]:
    """The metric of every trial, lower is better; +inf if the trial failed or the metric is not finite.

    Each metric is judged by itself: what another one of the trial is does not matter. Beyond float32's range
    it counts as not finite, as it does where networks train.

    Raises:
        InputError: if no such metric is stored.
    """
    metrics = metric_columns(trials.columns)
    if metric not in metrics:
        if not metrics:
            raise InputError("no trial is stored yet; run the search first")
        raise InputError(f"metric must be one of the stored metrics {', '.join(metrics)}, got {metric!r}")
    values = penalised(trials[metric])
    return np.where(~_failed(trials) & (np.abs(values) <= LARGEST), values, np.inf)


def judge(trials: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Trials whose ``status`` is by one metric: those that did not fail are ``ok`` where it is finite.

    Raises:
        InputError: if no such metric is stored.
    """
    finite = np.isfinite(metric_values(trials, metric))
    if np.array_equal(finite, trials["status"] == "ok"):
        return trials
    status = np.where(finite, "ok", np.where(_failed(trials), "failed", "diverged"))
    return trials.assign(status=status.astype(object))


def _failed(trials: pd.DataFrame) -> NDArray[np.bool_]:
    return (trials["status"] == "failed").to_numpy(bool)


def scores(trials: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The median over seeds of every (phase, shape, base LR, hyperparameters), with its exact 95% interval.

    Args:
        trials: the table of a store, in any order of rows.
        metric: the metric that is minimised; any that is stored.

    Returns:
        One row each, sorted by phase (as they are run), shape, base LR and hyperparameters: ``phase, shape,
        family, params, base_lr, hyperparameters, seeds, score, low, high, diverged, failed``. ``seeds``,
        ``diverged`` and ``failed`` count trials; ``score`` is +inf where half of them or more have
        none; ``low`` and ``high`` are NaN where the seeds are too few.

    Raises:
        InputError: if the metric is not stored.
    """
    values = metric_values(trials, metric)
    phase = phase_codes(trials["phase"])
    shape, tuned = (pd.factorize(trials[name], sort=True)[0] for name in ("shape", "hyperparameters"))
    base_lr = trials["base_lr"].to_numpy(np.float64)
    order = np.lexsort((values, tuned, base_lr, shape, phase))
    first = _starts(phase[order], shape[order], base_lr[order], tuned[order])
    seeds = np.diff(first, append=len(order))
    ordered = values[order]
    # Per number of seeds, not per group: the positions of an interval's ends depend on nothing else.
    low, high = np.full(len(first), np.nan), np.full(len(first), np.nan)
    for n in np.unique(seeds):
        ranks = interval_ranks(int(n))
        if ranks[0] >= 0:
            groups = seeds == n
            low[groups] = ordered[first[groups] + ranks[0]]
            high[groups] = ordered[first[groups] + ranks[1]]
    result = trials[["phase", "shape", "family", "params", "base_lr", "hyperparameters"]].iloc[order[first]]
    failed = _failed(trials)
    return result.reset_index(drop=True).assign(
        seeds=seeds.astype(np.int64),
        score=middle(ordered[first + (seeds - 1) // 2], ordered[first + seeds // 2]),
        low=low,
        high=high,
        diverged=np.add.reduceat((np.isinf(values) & ~failed)[order], first, dtype=np.int64),
        failed=np.add.reduceat(failed[order], first, dtype=np.int64),
    )


def best_base_lrs(scores: pd.DataFrame) -> pd.DataFrame:
    """Every shape at its best base LR, with its best hyperparameters.

    Args:
        scores: as `scores` returns it.

    Returns:
        The row of the lowest score of every (phase, shape), of equal ones that of the smallest base LR;
        in a rescore phase scores over fewer seeds than others' come last, for a race has given them up. And
        three columns more: ``edge`` is "low" or "high" if that is the smallest or largest of several base
        LRs tried for the shape in the phase and no other one is as good, else ""; ``tried`` counts the rows;
        ``rank`` is the place within the phase, from 1, +inf last, equal scores sharing the smaller one.
        Sorted by phase, rank and shape.
    """
    phase = phase_codes(scores["phase"])
    shape = pd.factorize(scores["shape"], sort=True)[0]
    score, base_lr = scores["score"].to_numpy(np.float64), scores["base_lr"].to_numpy(np.float64)
    given_up = -scores["seeds"].to_numpy(np.int64) * np.isin(scores["phase"], RACED)
    order = np.lexsort((base_lr, score, given_up, shape, phase))
    first = _starts(phase[order], shape[order])
    tried = np.diff(first, append=len(order)).astype(np.int64)
    best = order[first]
    smallest = np.minimum.reduceat(base_lr[order], first)
    largest = np.maximum.reduceat(base_lr[order], first)
    same = score[order] == np.repeat(score[best], tried)
    tied = np.logical_or.reduceat(same & (base_lr[order] != np.repeat(base_lr[best], tried)), first)
    edge = np.where(base_lr[best] == smallest, "low", np.where(base_lr[best] == largest, "high", ""))
    # Where two base LRs are equally good, nothing says that a better one lies beyond.
    edge = np.where((smallest == largest) | (tied & np.isfinite(score[best])), "", edge)
    placed = np.lexsort((shape[best], score[best], given_up[best], phase[best]))
    result = scores.iloc[best[placed]].reset_index(drop=True)
    result = result.astype(dict.fromkeys(_TEXTS, "str"))  # from categoricals
    return result.assign(
        edge=pd.Series(edge[placed], dtype="str"),
        tried=tried[placed],
        rank=_ranks(phase[best[placed]], given_up[best[placed]], score[best[placed]]),
    )


def values_by_seed(trials: pd.DataFrame, metric: str) -> pd.Series:
    """The metric of every trial of one phase, by what tells it from the others, sorted by that.

    A screen may have trained a trial twice, where a sampler proposed the same shape twice in a batch.
    """
    index = pd.MultiIndex.from_arrays([trials[name] for name in CURVE_KEYS[1:]])
    values = pd.Series(metric_values(trials, metric), index=index).sort_index()
    return values.loc[~values.index.duplicated()]


def samples_by_seed(trials: pd.DataFrame, metric: str, table: pd.DataFrame) -> list[pd.Series]:
    """The metric by seed, for every row of a table.

    Args:
        trials: those of one phase, in any order of rows.
        metric: the metric that is minimised.
        table: rows with ``shape``, ``base_lr`` and ``hyperparameters``.

    Returns:
        One series a row of ``table``, its index the seeds in ascending order.
    """
    values = values_by_seed(trials, metric)
    keys = zip(*(table[name] for name in CURVE_KEYS[1:-1]), strict=True)
    return [values.loc[key] for key in keys]


def screening_course(trials: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The screen's shapes in the order in which they were tried: ``shape, family, seed, score``.

    ``seed`` is the shape's first, ``score`` its lowest at that seed; baselines are left out.
    """
    screened = where(trials, (trials["phase"] == "screen") & ~is_baseline(trials))
    scored = screened.assign(score=metric_values(screened, metric))
    first_seed = scored.groupby("shape", observed=True)["seed"].transform("min")
    at_first = where(scored, scored["seed"] == first_seed)
    first = {"family": "first", "seed": "first", "score": "min"}
    tried = at_first.groupby("shape", observed=True, sort=False).agg(first)
    return tried.sort_values("seed", kind="stable").reset_index()


def is_baseline(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows of a table are baselines', by their ``shape``."""
    return table["shape"].str.startswith(BASELINE).to_numpy(bool)


def _starts(*keys: NDArray) -> NDArray[np.int64]:
    """Positions at which a run of equal sorted keys starts."""
    n = len(keys[0])
    new = np.zeros(n, bool)
    new[:1] = True
    for key in keys:
        new[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(new)


def _ranks(phase: NDArray, given_up: NDArray, score: NDArray[np.float64]) -> NDArray[np.int64]:
    """Places from 1 within each phase, of rows in order of their place; equal rows share the smaller."""
    place = np.arange(len(score))
    starts = _starts(phase, given_up, score)
    of_score = starts[np.searchsorted(starts, place, side="right") - 1]
    starts = _starts(phase)
    of_phase = starts[np.searchsorted(starts, place, side="right") - 1]
    return of_score - of_phase + 1
