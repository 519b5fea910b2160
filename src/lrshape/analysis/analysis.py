"""What the trials of a study say by one metric: every table, computed at most once."""

import functools
import math
from collections.abc import Callable
from itertools import combinations
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
import pandas as pd

from lrshape.analysis.design import Key
from lrshape.analysis.intervals import holm
from lrshape.analysis.paired import PairedSamples, verdict
from lrshape.analysis.scores import best_base_lrs, is_baseline, metric_values, scores
from lrshape.analysis.tables import records, where
from lrshape.errors import InputError
from lrshape.store import PHASES

MARGIN = 0.05
"""By how much a near-optimal shape may be worse than the best, as a fraction."""

_P = ParamSpec("_P")
_T = TypeVar("_T")


def _once(
    method: Callable[Concatenate["Analysis", _P], _T],
) -> Callable[Concatenate["Analysis", _P], _T]:
    """Remember what a method returns, by its arguments, for as long as its object lives."""

    @functools.wraps(method)
    def remembered(self: "Analysis", /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        key = (method.__name__, *args, *kwargs.items())
        if key not in self._known:
            self._known[key] = method(self, *args, **kwargs)
        return self._known[key]

    return remembered


class Analysis:
    """The tables of a study's trials by one metric; each is computed when it is first asked for.

    Who asks twice gets the same table, so nobody may change it.

    The rescore phase chooses the winner (the screen does while there is no rescore phase yet), and the
    confirm phase measures it on seeds that no selection has seen. It stays the winner even if another shape
    does better there. A trial that diverged or failed scores +inf, everywhere.

    Args:
        trials: the table of a store, in any order of rows.
        metric: the metric that is minimised; any that is stored.
        confidence: of each interval by itself, in (0, 1).

    Raises:
        InputError: if the metric is not stored.
    """

    def __init__(self, trials: pd.DataFrame, metric: str, *, confidence: float = 0.95):
        metric_values(trials.head(0), metric)
        self.trials = trials
        self.metric = metric
        self.confidence = confidence
        self._samples = PairedSamples(trials, metric, confidence)
        self._known: dict[tuple[Any, ...], Any] = {}

    @functools.cached_property
    def scores(self) -> pd.DataFrame:
        """See `lrshape.analysis.scores.scores`."""
        return scores(self.trials, self.metric, self.confidence)

    @functools.cached_property
    def shapes(self) -> pd.DataFrame:
        """Every shape at its best base LR, see `lrshape.analysis.scores.best_base_lrs`."""
        return best_base_lrs(self.scores)

    @functools.cached_property
    def best_per_family(self) -> pd.DataFrame:
        """The best shape of each family that is no baseline, by the rescore phase.

        A family without a shape there is represented by its best one of the screen; ``phase`` tells which.
        These are rows of ``shapes``, one a family, the winner first: rescored families before the others,
        then by rank, then by shape.
        """
        table = where(self.shapes, ~is_baseline(self.shapes) & (self.shapes["phase"] != "confirm"))
        later = -pd.Categorical(table["phase"], categories=PHASES).codes.astype(np.int64)
        order = np.lexsort((pd.factorize(table["shape"], sort=True)[0], table["rank"], later))
        return table.iloc[order].drop_duplicates("family").reset_index(drop=True)

    @property
    def winner(self) -> dict[str, Any]:
        """The best shape that is no baseline, at its best base LR; the first row of ``best_per_family``.

        If every trial diverged it is the first shape by name, and its ``score`` is +inf.

        Raises:
            InputError: if no such shape has been screened or rescored.
        """
        if self.best_per_family.empty:
            raise InputError("a winner needs a screened shape that is no baseline, got none so far")
        return records(self.best_per_family.head(1))[0]

    @functools.cached_property
    def measuring_phase(self) -> str:
        """The last phase that has trained the winner at the base LR that it won with.

        After re-ranking by another metric this may not be ``confirm``: that phase trained what the study's
        own metric had chosen, perhaps the same shape at another base LR. Without a winner it is the last
        phase that has trials.
        """
        rows = self.scores
        if len(self.best_per_family):
            won = self.winner
            rows = where(rows, (rows["shape"] == won["shape"]) & (rows["base_lr"] == won["base_lr"]))
        return max(set(rows["phase"]) & set(PHASES), key=PHASES.index)

    @_once
    def compared(self, phase: str, reported: bool = False) -> pd.DataFrame:
        """Every shape of a phase, at its best base LR there, with its difference to the winner.

        Args:
            phase: only ``confirm`` gives unbiased numbers, since the other phases did the choosing.
            reported: leave out all but the baselines and the best shapes of families, so that there are
                fewer tests to correct for.

        Returns:
            One row a shape, sorted by rank and shape: ``shape, family, params, base_lr, seeds, score, low,
            high, diverged, failed, rank, difference, difference_low, difference_high, p_value, p_holm,
            is_winner, is_baseline``. ``difference`` is the shape's median minus the winner's over the seeds
            that both have: positive where the winner is better. ``p_holm`` is corrected for all comparisons
            of the table. The winner's own difference is 0 without interval or p-value; without a winner
            among the rows, and where nothing can be said (see
            `lrshape.analysis.intervals.paired_difference`), they are NaN.
        """
        rows = where(self.scores, self.scores["phase"] == phase)
        if reported:
            rows = where(rows, is_baseline(rows) | rows["shape"].isin(self.best_per_family["shape"]))
        table = best_base_lrs(rows).drop(columns=["phase", "edge", "tried"])
        is_winner = table["shape"].isin(self.best_per_family["shape"].head(1).tolist()).to_numpy(bool)
        keys = _keys(table)
        differences = np.full((len(table), 4), np.nan)
        for place in np.flatnonzero(is_winner):  # one, or none
            for other, key in enumerate(keys):
                if other != place:
                    differences[other] = self._samples.difference(phase, key, keys[place])
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

    @property
    def confirmed(self) -> pd.DataFrame:
        """What a study reports: `compared` for the confirm phase; no rows before it has begun."""
        return self.compared("confirm")

    @functools.cached_property
    def leaders(self) -> pd.DataFrame:
        """The baselines and the best shape of each family in the measuring phase, lowest score first.

        These are rows of `compared`, with ``phase``, ``edge`` (see `base_lr_edge`) and ``verdict`` (see
        `lrshape.analysis.paired.verdict`; ``winner`` for the winner itself) besides.
        """
        table = self.compared(self.measuring_phase)
        table = where(table, table["is_baseline"] | table["shape"].isin(self.best_per_family["shape"]))
        rows = records(table.assign(phase=self.measuring_phase))
        table = table.assign(
            phase=self.measuring_phase,
            edge=[self.base_lr_edge(row["shape"], row["base_lr"]) for row in rows],
            verdict=[
                "winner"
                if row["is_winner"]
                else verdict(row["difference_low"], row["difference_high"], row["p_holm"], score=row["score"])
                for row in rows
            ],
        )
        order = np.lexsort(
            (table["shape"].to_numpy(str), ~table["is_baseline"], ~table["is_winner"], table["score"])
        )
        return table.iloc[order]

    def base_lr_edge(self, shape: str, base_lr: float) -> str:
        """Whether a base LR is the smallest or largest tried for a shape before the confirm phase.

        Returns:
            ``low``, ``high``, or ``""``, also where fewer than two were tried.
        """
        of_shape = (self.scores["shape"] == shape) & (self.scores["phase"] != "confirm")
        tried = set(where(self.scores, of_shape)["base_lr"])
        if len(tried) < 2:
            return ""
        return "low" if base_lr <= min(tried) else "high" if base_lr >= max(tried) else ""

    @_once
    def family_pairs(self, phase: str) -> pd.DataFrame:
        """Paired differences between the best shapes of all pairs of families.

        Args:
            phase: only ``confirm`` gives unbiased numbers.

        Returns:
            One row for each pair of families whose best shape was trained in the phase, better ones first:
            ``family, shape, score, other_family, other_shape, other_score, difference, difference_low,
            difference_high, p_value, p_holm``. ``difference`` is the other's median minus the first's, over
            the seeds that both have; ``p_holm`` is corrected for all pairs.
        """
        of_phase = self.scores["phase"] == phase
        table = where(self.scores, of_phase & self.scores["shape"].isin(self.best_per_family["shape"]))
        table = best_base_lrs(table)
        keys, rows = _keys(table), records(table)
        found = []
        for i, j in combinations(range(len(rows)), 2):
            named = [rows[place][column] for place in (i, j) for column in ("family", "shape", "score")]
            found.append((*named, *self._samples.difference(phase, keys[j], keys[i])))
        columns = ["family", "shape", "score", "other_family", "other_shape", "other_score"]
        tested = ["difference", "difference_low", "difference_high", "p_value"]
        pairs = pd.DataFrame(found, columns=[*columns, *tested])
        return pairs.assign(p_holm=holm(pairs["p_value"].to_numpy(np.float64)))

    @_once
    def near_optimal(self, margin: float = MARGIN) -> pd.DataFrame:
        """The rescored shapes, and which of them may be within a margin of the best one.

        A shape is *outside* if it is shown to be worse than the best by more than the margin: the interval
        of median(shape) - (1 + margin) median(best), paired over the seeds of the phase, lies above 0. It is
        *inside* if that interval lies at or below 0. Else it is *open*; the near-optimal set is the best,
        those inside and those that are open.

        This is a statement about each shape by itself, as a confidence set is: it is not corrected for the
        number of shapes. The best is chosen by the very seeds that it is compared on, and so looks better
        than it is, which puts others outside too readily; that only one tail of the interval does so makes
        up for it. In the worst case, no margin and all shapes equal, a shape is put outside in 3 to 4% of
        studies with 10 or more seeds and 12 shapes, and in 5 to 7% with 50 shapes (docs/statistics.md).
        *Inside* is a statement about the reference, which may not be the true best.

        Args:
            margin: fraction of the best shape's median, at least 0.

        Returns:
            One row a shape that is no baseline, at its best base LR of the phase, best first: ``shape,
            family, params, base_lr, seeds, score, low, high, rank, difference, difference_low,
            difference_high, verdict``. ``difference`` is the shape's median minus the best one's and its
            interval has no margin; ``verdict`` is ``best``, ``inside``, ``open``, ``outside``, or
            ``unknown`` where there are too few seeds for any interval. No rows if the best is infinite, or
            no shape was rescored.

        Raises:
            InputError: if the margin is negative.
        """
        if not margin >= 0:
            raise InputError(f"margin must be at least 0, got {margin}")
        rows = where(self.scores, (self.scores["phase"] == "rescore") & ~is_baseline(self.scores))
        table = best_base_lrs(rows).drop(columns=["phase", "edge", "tried", "diverged", "failed"])
        if table.empty or math.isinf(table["score"].iloc[0]):
            empty = dict.fromkeys(("difference", "difference_low", "difference_high"), pd.Series(dtype=float))
            return table.iloc[:0].assign(**empty, verdict=pd.Series(dtype=object))
        best, *others = _keys(table)
        differences = [(0.0, math.nan, math.nan)]
        differences += [self._samples.difference("rescore", key, best)[:3] for key in others]
        columns = np.array(differences).T
        return table.assign(
            difference=columns[0],
            difference_low=columns[1],
            difference_high=columns[2],
            verdict=["best", *(self._within(margin, key, best) for key in others)],
        )

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables of a report, by name.

        ``trials`` lacks the wall time, and so is the same, byte for byte, for every run of one study.
        """
        return {
            "trials": self.trials.drop(columns="wall_time"),
            "scores": self.scores,
            "shapes": self.shapes,
            "confirmed": self.confirmed,
            "families": self.family_pairs("confirm"),
            "near_optimal": self.near_optimal(),
        }

    def _within(self, margin: float, key: Key, best: Key) -> str:
        """What the seeds say of a shape's values beside the best one's, raised by the margin."""
        beyond = self._samples.difference("rescore", key, best, margin)
        if beyond.high <= 0:  # at the margin is within it
            return "inside"
        case = verdict(beyond.low, beyond.high)
        return {"better": "outside", "same": "open"}.get(case, case)


def _keys(table: pd.DataFrame) -> list[Key]:
    """Each row's shape and base LR."""
    return [(row["shape"], float(row["base_lr"])) for row in records(table)]
