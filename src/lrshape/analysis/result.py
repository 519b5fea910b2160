"""The answer of a study: the winner, and what it gains over the baselines.

The winner is chosen by the rescore phase (by the screen while there is none yet) and measured by the
confirm phase, whose seeds no choice has seen. It stays the winner if another shape does better there.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lrshape.analysis.intervals import holm, paired_difference
from lrshape.analysis.reduce import best_base_lrs, samples_by_seed, scores
from lrshape.errors import InputError
from lrshape.store import PHASES, params_of

BASELINE = "baseline-"


def best_per_family(trials: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The best shape of each family that is no baseline, by the rescore phase.

    A family without a shape there is represented by its best one of the screen; ``phase`` tells which.

    Returns:
        Rows of `lrshape.analysis.reduce.best_base_lrs`, one a family, the winner first: rescored families
        before the others, then by rank, then by shape.
    """
    table = best_base_lrs(scores(trials, metric))
    table = rows_where(table, ~is_baseline(table) & (table["phase"] != "confirm"))
    later = -pd.Categorical(table["phase"], categories=PHASES).codes.astype(np.int64)
    order = np.lexsort((pd.factorize(table["shape"], sort=True)[0], table["rank"], later))
    return table.iloc[order].drop_duplicates("family").reset_index(drop=True)


def winner(trials: pd.DataFrame, metric: str) -> pd.Series:
    """The best shape that is no baseline, at its best base LR; the first row of `best_per_family`.

    If every trial diverged it is the first shape by name, and its ``score`` is +inf.

    Raises:
        InputError: if no such shape has been screened or rescored, or the metric is not stored.
    """
    table = best_per_family(trials, metric)
    if table.empty:
        raise InputError("a winner needs a screened shape that is no baseline, got none so far")
    return table.iloc[0]


def measuring_phase(trials: pd.DataFrame, won: pd.Series) -> str:
    """The last phase that has trained a winner at the base LR that it won with.

    After re-ranking by another metric this may not be ``confirm``: that phase trained what the study's own
    metric had chosen, perhaps the same shape at another base LR.

    Args:
        trials: the table of a store.
        won: a row of `winner`.
    """
    same = (trials["shape"] == won["shape"]) & (trials["base_lr"] == won["base_lr"])
    return max(set(trials["phase"][same]) & set(PHASES), key=PHASES.index)


def compared(
    trials: pd.DataFrame, metric: str, phase: str = "confirm", confidence: float = 0.95
) -> pd.DataFrame:
    """Every shape of a phase, at its best base LR there, with its difference to the winner.

    Args:
        trials: the table of a store, in any order of rows.
        metric: the metric that is minimised.
        phase: only ``confirm`` gives unbiased numbers, since the other phases did the choosing.
        confidence: of each interval by itself, in (0, 1).

    Returns:
        One row a shape, sorted by rank and shape: ``shape, family, params, base_lr, seeds, score, low, high,
        diverged, failed, rank, difference, difference_low, difference_high, p_value, p_holm, is_winner,
        is_baseline``. ``difference`` is the shape's median minus the winner's over the seeds that both have:
        positive where the winner is better. ``p_holm`` is corrected for all comparisons of the table.
        The winner's own difference is 0 without interval or p-value; without a winner among the rows, and
        where nothing can be said (see `lrshape.analysis.intervals.paired_difference`), they are NaN.
    """
    chosen = best_per_family(trials, metric)["shape"].head(1).tolist()
    rows = rows_where(trials, trials["phase"] == phase)
    table = best_base_lrs(scores(rows, metric, confidence)).drop(columns=["phase", "edge", "tried"])
    is_winner = table["shape"].isin(chosen).to_numpy(bool)
    values = samples_by_seed(rows, metric, table)
    differences = np.full((len(table), 4), np.nan)
    for place in np.flatnonzero(is_winner):  # one, or none
        for other, sample in enumerate(values):
            common = sample.index.intersection(values[place].index).sort_values()
            differences[other] = paired_difference(sample[common], values[place][common], confidence)
        differences[place] = [0.0, np.nan, np.nan, np.nan]
    return table.assign(
        difference=differences[:, 0],
        difference_low=differences[:, 1],
        difference_high=differences[:, 2],
        p_value=differences[:, 3],
        p_holm=holm(differences[:, 3]),
        is_winner=is_winner,
        is_baseline=is_baseline(table),
    )


def confirmed(trials: pd.DataFrame, metric: str, confidence: float = 0.95) -> pd.DataFrame:
    """What a study reports: `compared` for the confirm phase; no rows before it has begun."""
    return compared(trials, metric, "confirm", confidence)


def best(
    trials: pd.DataFrame, metric: str, steps: int, step_rule: str, confidence: float = 0.95
) -> dict[str, Any]:
    """The winner as plain data, for JSON: None stands for every number that is not finite.

    Args:
        trials: the table of a store, in any order of rows.
        metric: the metric that is minimised.
        steps: training steps of the schedule.
        step_rule: how the schedule samples progress.
        confidence: of the intervals, in (0, 1).

    Returns:
        ``shape, family, params, base_lr, steps, step_rule, metric``; ``phase`` in which the numbers were
        measured (``confirm`` unless the study is unfinished; only then are they free of the choice's bias);
        ``score_median, score_low, score_high, seeds, diverged, failed`` of the winner; ``baselines`` and
        ``families`` (the best shape of every other family), best first, each with ``name, shape, family,
        params, base_lr, phase, score_median, score_low, score_high, seeds, diverged, failed, difference,
        difference_low, difference_high, p_value_holm``; ``trials``, how many of all phases, and
        ``diverged_share`` and ``failed_share`` of them; ``base_lr_edge``, "low" or "high" if the winner's
        base LR is the smallest or largest tried for it before the confirm phase, else "".

        A ``difference`` is the other's median minus the winner's, over common seeds: positive where the
        winner is better. It is None where that is infinite or unknown; ``diverged`` tells which. A family
        that was not measured in ``phase`` has the numbers of its own phase, and no difference.

    Raises:
        InputError: if there is no winner yet, or the metric is not stored.
    """
    chosen = winner(trials, metric)
    of_winner = rows_where(trials, trials["shape"] == chosen["shape"])
    phase = measuring_phase(trials, chosen)
    families = best_per_family(trials, metric)
    contenders = trials
    if phase != "confirm":  # not a test for every shape of a screen
        contenders = rows_where(trials, is_baseline(trials) | trials["shape"].isin(families["shape"]))
    table = compared(contenders, metric, phase, confidence).assign(phase=phase)
    won = _records(table, table["is_winner"])[0]
    measured = table["shape"].isin(families["shape"]) & (table["family"] != won["family"])
    others = _records(table, measured) + _unmeasured(trials, metric, table, families, confidence)
    tried = rows_where(of_winner, of_winner["phase"] != "confirm")["base_lr"].to_numpy(np.float64)
    return {
        **_schedule(won),
        "steps": int(steps),
        "step_rule": str(step_rule),
        "metric": metric,
        **_score(won),
        "baselines": [_entry(row) for row in _records(table, table["is_baseline"])],
        "families": [_entry(row) for row in others],
        "trials": len(trials),
        "diverged_share": _share(trials, "diverged"),
        "failed_share": _share(trials, "failed"),
        "base_lr_edge": _edge(won["base_lr"], tried.min(), tried.max()),
    }


def planned_trials(document: Mapping[str, Any]) -> dict[str, int]:
    """How many trials the confirm phase of a study's document takes, by phase; ``{}`` if that is unknown.

    It trains one shape of each family and every baseline. The other phases depend on results.
    """
    spec = document.get("spec", {})
    try:
        shapes = len(spec["families"]) + len(spec["baselines"])
        return {"confirm": shapes * int(spec["confirm"]["seeds"])}
    except (KeyError, TypeError, ValueError):
        return {}


def _unmeasured(
    trials: pd.DataFrame, metric: str, table: pd.DataFrame, families: pd.DataFrame, confidence: float
) -> list[dict[str, Any]]:
    """The families' best shapes that ``table`` lacks, as the phase that chose them scored them."""
    missing = rows_where(families, ~families["shape"].isin(table["shape"]))
    own = best_base_lrs(scores(trials, metric, confidence))
    return missing[["phase", "shape"]].merge(own, on=["phase", "shape"]).to_dict("records")


def rows_where(table: pd.DataFrame, wanted: ArrayLike) -> pd.DataFrame:
    """The rows of a table at which ``wanted``, shape ``(rows,)``, is true."""
    return table.iloc[np.flatnonzero(np.asarray(wanted, bool))]


def _records(table: pd.DataFrame, wanted: ArrayLike) -> list[dict[str, Any]]:
    return rows_where(table, wanted).to_dict("records")


def is_baseline(table: pd.DataFrame) -> NDArray[np.bool_]:
    """Which rows of a table are baselines', by their ``shape``."""
    return table["shape"].str.startswith(BASELINE).to_numpy(bool)


def _share(trials: pd.DataFrame, status: str) -> float:
    return float(np.mean(trials["status"].to_numpy(object) == status))


def _entry(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": row["shape"].removeprefix(BASELINE),
        **_schedule(row),
        **_score(row),
        "difference": _finite(row.get("difference")),
        "difference_low": _finite(row.get("difference_low")),
        "difference_high": _finite(row.get("difference_high")),
        "p_value_holm": _finite(row.get("p_holm")),
    }


def _schedule(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "shape": row["shape"],
        "family": row["family"],
        "params": params_of(row["params"]),
        "base_lr": float(row["base_lr"]),
    }


def _score(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "phase": row["phase"],
        "score_median": _finite(row["score"]),
        "score_low": _finite(row["low"]),
        "score_high": _finite(row["high"]),
        "seeds": int(row["seeds"]),
        "diverged": int(row["diverged"]),
        "failed": int(row["failed"]),
    }


def _edge(base_lr: float, smallest: float, largest: float) -> str:
    if smallest == largest:
        return ""
    return "low" if base_lr <= smallest else "high" if base_lr >= largest else ""


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None
