"""What it costs to use one setting's best shape in another setting: regrets, their intervals, a verdict.

The regret of a shape in a setting is the median, over seeds, of its value minus that of the setting's own
best shape on the same seed. Neither the search nor the tuning has seen these seeds. It can be negative: a
search need not find the best. For the same reason a regret alone does not show that the best shape moves:
what a search far from the best has found is worse everywhere. Two settings have different best shapes where
each one's shape is better than the other's in its own setting.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lrshape.analysis.intervals import (
    Array,
    Difference,
    holm,
    median_interval,
    paired_difference,
    sign_interval,
    subtract,
)
from lrshape.analysis.paired import LEVEL, verdict
from lrshape.analysis.scores import best_base_lrs, metric_values, scores
from lrshape.analysis.tables import where
from lrshape.errors import InputError
from lrshape.store import NOTHING_TUNED

KEPT, TUNED = "kept", "re-tuned"
CHOICES = (TUNED, KEPT)
"""Whether the base LR is the one found where the shape was found, or is tuned where the shape is used."""


At = tuple[str, str, float, str]
"""Family, parameters, base LR and hyperparameters, as the columns of these names have them."""


@dataclass(frozen=True)
class BestShape:
    """A setting's best shape, at its best base LR there, with its hyperparameters.

    ``params`` and ``hyperparameters`` are JSON with sorted keys.
    """

    setting: str
    family: str
    params: str
    base_lr: float
    hyperparameters: str = NOTHING_TUNED

    @property
    def shape(self) -> tuple[str, str]:
        """What tells shapes apart: family and parameters."""
        return self.family, self.params


def regrets(
    trials: Mapping[str, pd.DataFrame],
    best_shapes: Sequence[BestShape],
    metric: str,
    *,
    first_scoring_seed: int,
    margin: float = 0.05,
    improved: Callable[[str, At, pd.Series], pd.Series | None] = lambda setting, at, losses: losses,
) -> pd.DataFrame:
    """The transfer matrices, one row for each (way of choosing the base LR, shape of A, used in B).

    Both sides of a comparison get their base LR in the same way: with ``re-tuned``, both shapes are tuned in
    B by one procedure; with ``kept``, A's shape has A's base LR and B's shape the one of B's study. The
    diagonal is therefore 0. The intervals of ``re-tuned`` include what better base LRs may gain, as those of
    a contest do: their lower ends are those with the shape of A improved, their upper ends with that of B.

    Args:
        trials: of `lrshape.checks.transfer.Transfer`, by the setting B that they ran in.
        best_shapes: the best of every setting.
        metric: the metric that is minimised.
        first_scoring_seed: seed indices below it have tuned, the others score.
        margin: the regret that matters, as a fraction of the own best shape's value on the same seed.
        improved: ``improved(setting, at, losses)`` gives the losses that a better base LR than a tuned one
            may have, by seed; None if nothing is known of better ones.

    Returns:
        ``choice, shape_of, used_in, family, params, base_lr, edge, own_edge, seeds, score, low, high,
        reference, regret, regret_low, regret_high, relative, relative_low, relative_high, p_above_0, p_value,
        p_holm, verdict``. ``edge`` is "low" or "high" if the tuned base LR is the smallest or largest tried,
        ``own_edge`` the same of the own best shape. ``reference`` is the own best shape's median.
        ``relative`` is the median of the paired regrets as shares of the own best shape's values, NaN unless
        these have one sign.
        ``p_value`` tests, two-sided, whether the regret equals the margin, whatever a better base LR gains,
        ``p_above_0`` whether it is 0; ``p_holm`` is ``p_value`` corrected for all pairs of one choice.
        ``verdict`` is ``own`` on the diagonal, ``costs`` if the regret is above the margin (interval and
        corrected p), ``within`` if the interval lies below the margin, ``unknown`` with too few seeds, else
        ``undecided``, as where a base LR is at an edge, unless both have the same shape.

    Raises:
        InputError: if the margin is negative, the metric is not stored, or trials are missing.
    """
    if not (math.isfinite(margin) and margin >= 0):
        raise InputError(f"margin must be a fraction of at least 0, got {margin}")
    own = {best.setting: best for best in best_shapes}
    rows = []
    for setting, table in trials.items():
        transfers = _Transfers(table, metric, first_scoring_seed)
        for choice in CHOICES:
            reference = transfers.sample(own[setting], choice)
            for best in best_shapes:
                sample = transfers.sample(best, choice)
                better, better_reference = sample, reference
                # With the very same shape a regret is 0, whichever base LR is the best.
                may_gain = choice == TUNED and best.shape != own[setting].shape
                if may_gain:
                    better = improved(setting, transfers.at(best, choice), sample)
                    better_reference = improved(setting, transfers.at(own[setting], choice), reference)
                edge, own_edge = (
                    transfers.edge(one) if choice == TUNED else "" for one in (best, own[setting])
                )
                is_open = False
                if better is None or better_reference is None:
                    is_open, row = True, _row(sample, reference, sample, reference, margin) | _OPEN
                else:
                    row = _row(sample, reference, better, better_reference, margin)
                if may_gain and (edge or own_edge or is_open) and row["verdict"] != "unknown":
                    row["verdict"] = "undecided"  # a better base LR may lie beyond those tried
                if best.setting == setting:
                    row["p_above_0"], row["p_value"], row["verdict"] = math.nan, math.nan, "own"
                rows.append(
                    {
                        "choice": choice,
                        "shape_of": best.setting,
                        "used_in": setting,
                        "family": best.family,
                        "params": best.params,
                        "base_lr": transfers.at(best, choice)[2],
                        "edge": edge,
                        "own_edge": own_edge,
                        **row,
                    }
                )
    result = pd.DataFrame(rows)
    if not rows:
        return result
    for choice in CHOICES:
        chosen = (result["choice"] == choice).to_numpy()
        result.loc[chosen, "p_holm"] = holm(result.loc[chosen, "p_value"].to_numpy(np.float64))
    above = result["verdict"] == "above"
    result.loc[above, "verdict"] = np.where(result.loc[above, "p_holm"] < LEVEL, "costs", "undecided")
    return result


def answer(table: pd.DataFrame, choice: str = TUNED) -> dict[str, Any]:
    """Does the setting move the best shape, by `regrets`?

    Returns:
        ``moves``: ``yes`` if two settings' shapes are both worse in the other setting, corrected for all
        pairs of settings, and one of the two regrets costs; ``no`` if all intervals lie below the margin,
        ``undecided``, or ``unknown`` with too few seeds or settings; ``pairs``, how many were compared;
        ``costs``, ``within``, how many of them are so; ``largest``, the row of the largest regret among those
        that decide (with tuned base LRs those that show a move, else those that cost, if any does), and
        ``reverse``, the row of the other shape in the other setting: both None without pairs.
    """
    of_choice = [r for r in table.to_dict("records") if r["choice"] == choice and r["verdict"] != "own"]
    pairs = {(row["shape_of"], row["used_in"]): row for row in of_choice}
    costly = {pair: row for pair, row in pairs.items() if row["verdict"] == "costs"}
    both = [pair for pair in pairs if pair < pair[::-1]]
    p_values = holm([max(_p_above_0(pairs[pair]), _p_above_0(pairs[pair[::-1]])) for pair in both])
    differ = {frozenset(pair) for pair, p in zip(both, p_values, strict=True) if p < LEVEL}
    moved = {pair: row for pair, row in costly.items() if frozenset(pair) in differ}
    verdicts = [row["verdict"] for row in pairs.values()]
    within = verdicts.count("within")
    if moved:
        moves = "yes"
    elif verdicts.count("unknown") == len(pairs):
        moves = "unknown"
    else:
        moves = "no" if within == len(pairs) else "undecided"
    counts = {"pairs": len(pairs), "costs": len(costly), "within": within}
    decisive = (moved if choice == TUNED else {}) or costly or pairs
    largest = max(decisive, key=lambda pair: _size(pairs[pair]), default=None)
    if largest is None:
        return {"moves": moves, **counts, "largest": None, "reverse": None}
    return {"moves": moves, **counts, "largest": pairs[largest], "reverse": pairs[largest[::-1]]}


_OPEN = {
    **dict.fromkeys(("regret_low", "regret_high", "relative_low", "relative_high"), math.nan),
    "p_above_0": 1.0,
    "p_value": 1.0,
}
"""Of a regret that a better base LR may change by any amount."""


class _Transfers:
    """One setting's trials: which base LR each shape was tuned to, and how each scored by seed."""

    def __init__(self, table: pd.DataFrame, metric: str, first_scoring_seed: int):
        scores_it = table["seed"].to_numpy() >= first_scoring_seed
        tuning, scoring = (where(table, wanted) for wanted in (~scores_it, scores_it))
        best = best_base_lrs(scores(tuning, metric))
        keys = list(zip(best["family"], best["params"], strict=True))
        chosen = zip(best["base_lr"].astype(float), best["hyperparameters"], strict=True)
        self._tuned = dict(zip(keys, chosen, strict=True))
        self._edge = dict(zip(keys, best["edge"], strict=True))
        names = ("family", "params", "base_lr", "hyperparameters", "seed")
        index = [scoring[name] for name in names]
        values = metric_values(scoring, metric)
        self._values = pd.Series(values, index=pd.MultiIndex.from_arrays(index)).sort_index()

    def at(self, best: BestShape, choice: str) -> At:
        """Where a shape is scored."""
        if choice == KEPT:
            return *best.shape, best.base_lr, best.hyperparameters
        # Infinity stands for a shape that was not tuned, at which it has no trials either.
        tuned = self._tuned.get(best.shape, (math.inf, NOTHING_TUNED))
        return *best.shape, *tuned

    def edge(self, best: BestShape) -> str:
        return str(self._edge[best.shape])

    def sample(self, best: BestShape, choice: str) -> pd.Series:
        """The metric by seed."""
        try:
            return self._values.loc[self.at(best, choice)]
        except KeyError:
            raise InputError(
                f"the best shape of {best.setting} has no trials to be scored by: the sweep is not complete; "
                "run its command again"
            ) from None


def _row(
    sample: pd.Series, reference: pd.Series, better: pd.Series, better_reference: pd.Series, margin: float
) -> dict[str, Any]:
    seeds = sample.index.intersection(reference.index).sort_values()
    a, b, better_a, better_b = (
        np.asarray(losses[seeds], np.float64) for losses in (sample, reference, better, better_reference)
    )
    score, against = median_interval(a), median_interval(b)
    # The margin is that of each pair: b + margin |b| grows with b.
    least = paired_difference(better_a, b + margin * np.abs(b))
    most = paired_difference(a, better_b + margin * np.abs(better_b))
    named = {"better": "above", "worse": "within", "open": "undecided", "unknown": "unknown"}
    case = "within" if most.high == 0 else named[verdict(least.low, most.high)]
    low = paired_difference(better_a, b)
    return {
        "seeds": len(seeds),
        "score": score.estimate,
        "low": score.low,
        "high": score.high,
        "reference": against.estimate,
        "regret": paired_difference(a, b).estimate,
        "regret_low": low.low,
        "regret_high": paired_difference(a, better_b).high,
        **regret_shares(a, b, better_a, better_b),
        "p_above_0": 1.0 if low.estimate <= 0 else low.p_value,
        "p_value": _p_value(least, most),
        "p_holm": math.nan,
        "verdict": case,
    }


def _p_value(least: Difference, most: Difference) -> float:
    """Whether the regret differs from the margin, with the shape improved that makes that less sure."""
    if math.isnan(least.p_value) or least.estimate > 0:
        return least.p_value
    return most.p_value if most.estimate < 0 else 1.0


def regret_shares(a: Array, b: Array, better_a: Array, better_b: Array) -> dict[str, float]:
    """The median of (a - b) / |b| with its interval; NaN unless all are positive, or every b is negative.

    Args:
        a: losses, (seeds,); lower is better.
        b: losses on the same seeds.
        better_a: losses instead of ``a`` in the lower end of the interval.
        better_b: losses instead of ``b`` in the upper end.

    Returns:
        ``relative, relative_low, relative_high``.
    """
    if np.all(b < 0):  # a metric that is maximised
        ends = [sign_interval(subtract(*pair) / -b) for pair in ((a, b), (better_a, b), (a, better_b))]
        found = ends[0][0], ends[1][1], ends[2][2]
    elif np.all(a > 0) and np.all(b > 0):
        found = (
            math.expm1(paired_difference(np.log(a), np.log(b)).estimate),
            math.expm1(paired_difference(np.log(better_a), np.log(b)).low) if np.all(better_a > 0) else -1.0,
            math.expm1(paired_difference(np.log(a), np.log(better_b)).high)
            if np.all(better_b > 0)
            else math.inf,
        )
    else:
        found = math.nan, math.nan, math.nan
    return dict(zip(("relative", "relative_low", "relative_high"), found, strict=True))


def _p_above_0(row: Mapping[str, Any]) -> float:
    is_above = row["regret_low"] > 0 and not (row["edge"] or row["own_edge"])
    return row["p_above_0"] if is_above else 1.0


def _size(row: Mapping[str, Any]) -> tuple[float, float]:
    """By which a regret ranks: where there is no ratio by the difference, after all others."""
    return _or(row["relative"], -math.inf), _or(row["regret"], -math.inf)


def _or(value: float, otherwise: float) -> float:
    return otherwise if math.isnan(value) else value
