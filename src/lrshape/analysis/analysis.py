"""What the trials of a study say by one metric: every table, computed at most once."""

import dataclasses
import functools
import math
from collections.abc import Callable
from itertools import combinations
from typing import Any, Concatenate, ParamSpec, TypeVar

import numpy as np
import pandas as pd

from lrshape.analysis.comparisons import (
    compare_with_winner,
    comparison_columns,
    costs_of,
    is_at_edge,
    is_key,
    key_of,
    keys_of,
)
from lrshape.analysis.design import Design, Key, Scale
from lrshape.analysis.direction import Direction, as_losses, as_measured
from lrshape.analysis.margin import margin_of_effects
from lrshape.analysis.near_optimal import near_optimal
from lrshape.analysis.paired import Comparison, PairedSamples
from lrshape.analysis.scale import choose_scale
from lrshape.analysis.scores import best_base_lrs, is_baseline, judge, metric_values, scores
from lrshape.analysis.tables import records, where
from lrshape.errors import InputError
from lrshape.store import PHASES, phase_codes

CHOOSING = ("screen", "rescore")  # the other phases tune and measure what these have chosen
_NAMED = ["family", "shape", "score"]
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

    The design says which shape a study has chosen. Without that the rescore phase chooses the winner (the
    screen does while there is no rescore phase yet). The confirm phase measures it on seeds that no selection
    has seen; it stays the winner even if another shape does better there. A trial that diverged or failed
    scores +inf, everywhere; ``trials`` has the status by the metric.

    Effects compare two schedules, other - own, so that they are positive where the own one is better: medians
    over seeds of log ratios if ``scale`` is ``log``, else of differences in units of the metric.

    Args:
        trials: the table of a store, in any order of rows.
        metric: any that is stored.
        direction: of the metric; all tables but that of the trials are of losses, see
            `lrshape.analysis.direction`.
        design: what the study has decided before its confirm phase.

    Raises:
        InputError: if the metric is not stored.
    """

    def __init__(
        self,
        trials: pd.DataFrame,
        metric: str,
        direction: Direction = "minimize",
        *,
        design: Design = Design(),  # noqa: B008
    ):
        self.trials = judge(trials, metric)
        self.metric = metric
        self.direction: Direction = direction
        self.losses = as_losses(self.trials, metric, direction)
        self.scale: Scale = choose_scale(metric, metric_values(self.losses, metric), design.scale)
        # The first value at or below 0 may come in the confirm phase.
        self.design = design if self.scale == "log" or design.scale != "log" else self._without_logs(design)
        self._samples = PairedSamples(self.losses, metric, self.scale, design.looks)
        self._known: dict[tuple[Any, ...], Any] = {}

    @functools.cached_property
    def scores(self) -> pd.DataFrame:
        """See `lrshape.analysis.scores.scores`."""
        return scores(self.losses, self.metric)

    @functools.cached_property
    def shapes(self) -> pd.DataFrame:
        """Every shape at its best base LR, see `lrshape.analysis.scores.best_base_lrs`."""
        return best_base_lrs(self.scores)

    @functools.cached_property
    def best_per_family(self) -> pd.DataFrame:
        """The best shape of each family that is no baseline; of a contest, the best schedule of all alone.

        They are those of the confirm phase if the design has chosen its winner, for other families those of
        the rescore phase, or else of the screen. These are rows of ``shapes``, one a family, the winner
        first, then later phases before earlier ones, then by rank and shape.
        """
        chosen = self.design.winner
        confirmed = self.shapes["phase"] == "confirm"
        keys = set(keys_of(where(self.shapes, confirmed)))
        is_chosen = np.zeros(len(self.shapes), bool)
        wanted = self.shapes["phase"].isin(CHOOSING)
        if chosen in keys:
            wanted |= confirmed
            is_chosen = (confirmed & (self.shapes["shape"] == chosen[0])).to_numpy(bool)
        if self.design.is_contest:
            wanted |= confirmed
        else:
            wanted &= is_chosen | ~is_baseline(self.shapes)
        later = -phase_codes(self.shapes["phase"])
        names = self.shapes["shape"].to_numpy(str)
        order = np.lexsort((names, self.shapes["rank"], later, ~is_chosen))
        table = self.shapes.iloc[order[wanted.to_numpy(bool)[order]]]
        table = table.head(1) if self.design.is_contest else table.drop_duplicates("family")
        return table.reset_index(drop=True)

    @property
    def winner(self) -> dict[str, Any]:
        """The best shape that is no baseline, at its best base LR; the first row of ``best_per_family``.

        If every trial diverged it is the first one by name, and its ``score`` is +inf.

        Raises:
            InputError: if no such shape has been screened or rescored.
        """
        if self.best_per_family.empty:
            raise InputError("a winner needs a screened shape that is no baseline, got none so far")
        return records(self.best_per_family.head(1))[0]

    @functools.cached_property
    def measuring_phase(self) -> str:
        """The last phase but tuning that has trained the winner as it won: at its base LR.

        After re-ranking by another metric this may not be ``confirm``: that phase trained what the study's
        own metric had chosen, perhaps the same shape at another base LR. Without a winner it is the last
        phase that has trials.
        """
        rows = self.scores
        if len(self.best_per_family):
            rows = where(rows, is_key(rows, key_of(self.winner)))
        return max(set(rows["phase"]) & {*CHOOSING, "confirm"}, key=PHASES.index, default=CHOOSING[0])

    def _without_logs(self, design: Design) -> Design:
        """The design with costs that were differences of logs in units of the metric."""
        confirmed = where(self.scores, self.scores["phase"] == "confirm")
        sizes = {key_of(row): abs(row["score"]) for row in records(confirmed) if math.isfinite(row["score"])}
        tuning = {key: one.times(sizes.get(key, 1.0)) for key, one in design.tuning.items()}
        return dataclasses.replace(design, scale=self.scale, tuning=tuning)

    @property
    def margin(self) -> float:
        """The smallest effect that matters, in the unit of effects; NaN if unknown.

        It is the design's, or half of the winner's spread over the seeds of the measuring phase.
        """
        return self._margin(self.measuring_phase)

    @_once
    def compared(self, phase: str, reported: bool = False) -> pd.DataFrame:
        """Every shape of a phase, at its best base LR there, compared with the winner.

        Args:
            phase: only ``confirm`` gives unbiased numbers, since the other phases did the choosing.
            reported: leave out all but the baselines and the best shapes of families, so that there are
                fewer tests to correct for.

        Returns:
            One row a shape, sorted by rank and shape: ``shape, family, params, base_lr,
            hyperparameters, seeds, score, low, high, diverged, failed, rank, pairs``, the number of seeds in
            common with the winner; ``effect, effect_low, effect_high, difference, difference_low,
            difference_high, p_value, p_holm, p_equal, symmetric_effect, symmetric_low, symmetric_high,
            symmetric_p, correlation``, see
            `lrshape.analysis.paired.Comparison`, positive where the winner is better; ``octaves, cost,
            edge``, see `lrshape.analysis.design.Tuning`, NaN and NaN where the design does not know them and
            then `base_lr_edge`; ``edges``, those of hyperparameters as a JSON object; ``verdict, is_winner,
            is_baseline``.

            ``p_holm`` and ``p_equal`` are corrected for all comparisons of the table. In the confirm phase
            intervals and p-values hold at whichever planned look it stops, but for ``low`` and ``high``, the
            median's own at one look. ``verdict`` is that of `lrshape.analysis.paired.verdict`, or ``winner``,
            whose effect is 0 without interval or p-value. NaN stands for what cannot be said.
        """
        rows = where(self.scores, self.scores["phase"] == phase)
        if reported:
            rows = where(rows, is_baseline(rows) | rows["shape"].isin(self.best_per_family["shape"]))
        table = best_base_lrs(rows).drop(columns=["phase", "edge", "tried"])
        edges = [self.base_lr_edge(shape, base_lr) for shape, base_lr, _ in keys_of(table)]
        won, margin = self._winner_in(phase), self._margin(phase)
        return compare_with_winner(table, phase, won, self._samples, self.design, margin, edges)

    def led(self) -> "Analysis":
        """The analysis of a contest from the side of a schedule that none is shown to be better than.

        That is this one, unless a schedule is shown to be better than the winner here.
        """
        analysis, seen = self, set[Key]()
        while analysis.design.is_contest:
            table = analysis.confirmed
            better = [key for key in keys_of(where(table, table["verdict"] == "worse")) if key not in seen]
            if not better:
                break
            seen.add(better[0])
            design = dataclasses.replace(self.design, winner=better[0])
            analysis = Analysis(self.trials, self.metric, self.direction, design=design)
        return analysis

    def undecided(self) -> list[Key]:
        """The confirmed baselines whose verdict more seeds may decide: neither at an edge nor diverged."""
        won, table = self._winner_in("confirm"), self.confirmed
        rows = where(table, table["is_baseline"] & table["verdict"].isin(["open", "unknown", "untuned"]))
        return [key for key in keys_of(rows) if not (won and is_at_edge(self.design, won, key))]

    @property
    def confirmed(self) -> pd.DataFrame:
        """What a study reports: `compared` for the confirm phase; no rows before it has begun."""
        return self.compared("confirm")

    @functools.cached_property
    def leaders(self) -> pd.DataFrame:
        """The baselines and the best shape of each family in the measuring phase, lowest score first.

        These are rows of `compared`, with ``phase`` besides.
        """
        table = self.compared(self.measuring_phase)
        table = where(table, table["is_baseline"] | table["shape"].isin(self.best_per_family["shape"]))
        order = np.lexsort(
            (table["shape"].to_numpy(str), ~table["is_baseline"], ~table["is_winner"], table["score"])
        )
        return table.assign(phase=self.measuring_phase).iloc[order]

    def base_lr_edge(self, shape: str, base_lr: float) -> str:
        """Whether a base LR is the smallest or largest tried for a shape before the confirm phase.

        Returns:
            ``low``, ``high``, or ``""``, also where fewer than two were tried.
        """
        least, most = self._tried.get(shape, (base_lr, base_lr))
        if least == most:
            return ""
        return "low" if base_lr <= least else "high" if base_lr >= most else ""

    @functools.cached_property
    def _tried(self) -> dict[str, tuple[float, float]]:
        """The smallest and largest base LR tried for each shape before the confirm phase."""
        before = where(self.scores, self.scores["phase"] != "confirm")
        ends = before.groupby(before["shape"].astype(str), observed=True)["base_lr"].agg(["min", "max"])
        return dict(zip(ends.index, zip(ends["min"], ends["max"], strict=True), strict=True))

    @_once
    def family_pairs(self, phase: str) -> pd.DataFrame:
        """Paired differences between the best shapes of all pairs of families.

        Args:
            phase: only ``confirm`` gives unbiased numbers.

        Returns:
            One row for each pair of families whose best shape was trained in the phase, better ones first:
            ``family, shape, score, other_family, other_shape, other_score``, and the columns of
            `lrshape.analysis.comparisons.comparison_columns`: other - first, over the seeds that both have,
            with p-values that are corrected for all pairs.
        """
        of_phase = self.scores["phase"] == phase
        table = where(self.scores, of_phase & self.scores["shape"].isin(self.best_per_family["shape"]))
        table = best_base_lrs(table)
        pairs = [*combinations(zip(keys_of(table), records(table), strict=True), 2)]
        named = [
            (*(first[column] for column in _NAMED), *(other[column] for column in _NAMED))
            for (_, first), (_, other) in pairs
        ]
        columns = [*_NAMED, *(f"other_{column}" for column in _NAMED)]
        comparisons = [self._compare(phase, first, other) for (first, _), (other, _) in pairs]
        return pd.DataFrame(named, columns=columns).assign(**comparison_columns(comparisons))

    @_once
    def near_optimal(self, margin: float | None = None) -> pd.DataFrame:
        """See `lrshape.analysis.near_optimal.near_optimal`."""
        return near_optimal(self.scores, self._samples, self.scale, margin)

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables of a report, by name, in the metric's own sign.

        ``trials`` lacks the wall time, and so is the same, byte for byte, for every run of a study.
        """
        losses = {
            "scores": self.scores,
            "shapes": self.shapes,
            "confirmed": self.confirmed,
            "families": self.family_pairs("confirm"),
            "near_optimal": self.near_optimal(),
        }
        measured = {name: as_measured(table, self.direction) for name, table in losses.items()}
        return {"trials": self.trials.drop(columns="wall_time"), **measured}

    @_once
    def _winner_in(self, phase: str) -> Key | None:
        """The winner at its best base LR of a phase; None if the phase has not trained it."""
        winner = self.best_per_family["shape"].head(1).tolist()
        rows = where(self.shapes, (self.shapes["phase"] == phase) & self.shapes["shape"].isin(winner))
        return next(iter(keys_of(rows)), None)

    @_once
    def _margin(self, phase: str) -> float:
        won = self._winner_in(phase)
        if won is None:
            return math.nan
        own = self._samples.values(phase, won).to_numpy(np.float64)
        return margin_of_effects(self.design.margin, own, self.scale)

    def _compare(self, phase: str, own: Key, other: Key) -> Comparison:
        costs = costs_of(self.design, own, other)
        return self._samples.compare(phase, own, other, costs=costs, margin=self._margin(phase))
