"""The result of a study: the winner, what it gains over the others, and who wins by other stored metrics."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import pandas as pd

from lrshape.analysis.analysis import Analysis
from lrshape.analysis.comparisons import is_key, key_of, keys_of
from lrshape.analysis.design import Design, Key, Scale, Sensitivity
from lrshape.analysis.direction import Direction, as_measured, direction_of
from lrshape.analysis.scores import BASELINE, is_baseline
from lrshape.analysis.seeds_needed import seeds_to_decide
from lrshape.analysis.tables import plain, records, where
from lrshape.store import NOTHING_TUNED, PHASES, hyperparameters_of, metric_columns, params_of


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A schedule and its score; None stands for every number that is not finite.

    Where only one end of an interval is None, that end is infinite: with too few seeds both are.

    Args:
        name: what the spec calls the schedule, if it was given and not searched; else the shape's name.
        shape: name of the shape in the table of trials.
        family: its family.
        params: its parameters.
        base_lr: its best base LR.
        hyperparameters: their best values by name; empty where the study tunes none beside the base LR.
        base_lr_edge: ``low`` or ``high`` if it may lie beyond those tried, else ``""``.
        edges: the same of each hyperparameter whose best value may lie beyond those tried.
        sensitivity: to the hyperparameters; None if there are none, or nothing is known.
        octaves: standard deviation of the best base LR, in octaves; None if unknown.
        cost: what a better base LR is expected to gain, in the unit of effects; None if unknown.
        phase: in which the numbers were measured.
        score_median: median of the metric over seeds.
        score_low: lower end of its 95% interval.
        score_high: upper end.
        seeds: number of trials behind the score.
        diverged: how many of them diverged.
        failed: how many of them failed.
    """

    name: str
    shape: str
    family: str
    params: dict[str, Any]
    base_lr: float
    hyperparameters: dict[str, Any]
    base_lr_edge: str
    edges: dict[str, str]
    sensitivity: Sensitivity | None
    octaves: float | None
    cost: float | None
    phase: str
    score_median: float | None
    score_low: float | None
    score_high: float | None
    seeds: int
    diverged: int
    failed: int


@dataclass(frozen=True, kw_only=True)
class Contender(Measured):
    """A baseline, or the best shape of another family, beside the winner.

    Args:
        pairs: number of seeds that it has in common with the winner; 0 for a family that was not measured in
            the winner's phase: its numbers are of its own phase, and the following are None.
        effect: how much better the winner is, the median over the common seeds: of the log ratios if the
            result's ``scale`` is ``log``, else of the differences in units of the metric. None unless finite;
            ``diverged`` tells why.
        effect_low: lower end of its interval, which holds at whatever look the phase stopped; None unless
            finite.
        effect_high: upper end.
        difference: the median of the paired differences, its score minus the winner's, in units of the
            metric: positive where the winner is better. None unless finite.
        difference_low: lower end of its interval; None unless finite.
        difference_high: upper end.
        p_value_holm: of the test that the effect is no larger than what a better base LR may gain, corrected
            for the number of comparisons.
        verdict: of the winner beside it, see `lrshape.analysis.paired.verdict`; ``""`` if not compared.
        seeds_to_decide: with how many seeds an ``open`` verdict would probably be decided, see
            `lrshape.analysis.seeds_needed.seeds_to_decide`; None for other verdicts, or if unknown.
    """

    pairs: int
    effect: float | None
    effect_low: float | None
    effect_high: float | None
    difference: float | None
    difference_low: float | None
    difference_high: float | None
    p_value_holm: float | None
    verdict: str
    seeds_to_decide: int | None


@dataclass(frozen=True, kw_only=True)
class Result(Measured):
    """The winner of a study as plain data.

    Its ``phase`` is ``confirm``, whose seeds have chosen nothing. If another metric than the study's ranks
    and its winner was not confirmed, the phase is ``rescore``, and the numbers favour the winner, because
    the same seeds chose it.

    Args:
        steps: training steps of the schedule.
        step_rule: where in a step the shape is read.
        metric: the metric that ranks.
        direction: ``minimize`` or ``maximize`` it.
        scale: of the metric: ``log``, ``linear`` or ``logit``; on ``log`` effects are log ratios.
        margin: smallest effect that matters, in the unit of effects; None if unknown.
        baselines: best first; of a contest, all schedules but the winner.
        families: the best shape of every other family, best first.
        trials: number of trials of all phases.
        diverged_share: fraction of them that diverged.
        failed_share: fraction of them that failed.
    """

    steps: int
    step_rule: str
    metric: str
    direction: Direction
    scale: Scale
    margin: float | None
    baselines: tuple[Contender, ...]
    families: tuple[Contender, ...]
    trials: int
    diverged_share: float
    failed_share: float

    @property
    def is_contest(self) -> bool:
        """Whether the winner was given and not searched, like all others."""
        return self.name != self.shape

    @classmethod
    def of(cls, analysis: Analysis, *, steps: int, step_rule: str) -> "Result":
        """Return the result of an analysed study.

        Args:
            analysis: of its trials.
            steps: training steps of the schedule.
            step_rule: where in a step the shape is read.

        Raises:
            InputError: if there is no winner yet.
        """
        families, shape = analysis.best_per_family, analysis.winner["shape"]
        phase = analysis.measuring_phase
        # No test for every shape of a screen.
        table = analysis.confirmed if phase == "confirm" else analysis.compared(phase, reported=True)
        rows = _known(analysis, as_measured(table.assign(phase=phase), analysis.direction))
        won = next(row for row in rows if row["shape"] == shape)
        others = [row for row in rows if row["shape"] in set(families["shape"]) and row is not won]
        missing = where(families, ~families["shape"].isin(table["shape"]))
        missing = as_measured(missing, analysis.direction)
        statuses = analysis.trials["status"].to_numpy(object)
        return cls(
            **_measured(won),
            steps=int(steps),
            step_rule=str(step_rule),
            metric=analysis.metric,
            direction=analysis.direction,
            scale=analysis.scale,
            margin=_finite(analysis.margin),
            baselines=tuple(
                _contender(row, won, analysis.margin) for row in rows if row["is_baseline"] and row is not won
            ),
            families=tuple(
                _contender(row, won, analysis.margin) for row in others + _known(analysis, missing)
            ),
            trials=len(statuses),
            diverged_share=float(np.mean(statuses == "diverged")),
            failed_share=float(np.mean(statuses == "failed")),
        )

    def to_dict(self) -> dict[str, Any]:
        """Return it as data for JSON, the keys being the attributes."""
        return plain(asdict(self))


def _known(analysis: Analysis, table: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table, with what the design knows of their hyperparameters."""
    known = [analysis.design.tuning.get(key) for key in keys_of(table)]
    return [
        {**row, "sensitivity": one.sensitivity if one else None}
        for row, one in zip(records(table), known, strict=True)
    ]


def _contender(row: Mapping[str, Any], won: Mapping[str, Any], margin: float) -> Contender:
    is_open = row.get("verdict") == "open"
    return Contender(
        **_measured(row),
        pairs=int(row.get("pairs", 0)),
        effect=_finite(row.get("effect")),
        effect_low=_finite(row.get("effect_low")),
        effect_high=_finite(row.get("effect_high")),
        difference=_finite(row.get("difference")),
        difference_low=_finite(row.get("difference_low")),
        difference_high=_finite(row.get("difference_high")),
        p_value_holm=_finite(row.get("p_holm")),
        verdict=str(row.get("verdict", "")),
        seeds_to_decide=seeds_to_decide(row, margin, (row["cost"], won["cost"])) if is_open else None,
    )


def _measured(row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": row["shape"].removeprefix(BASELINE),
        "shape": row["shape"],
        "family": row["family"],
        "params": params_of(row["params"]),
        "base_lr": float(row["base_lr"]),
        "hyperparameters": hyperparameters_of(row["hyperparameters"]),
        "base_lr_edge": str(row["edge"]),
        "edges": hyperparameters_of(row.get("edges", NOTHING_TUNED)),
        "sensitivity": row["sensitivity"],
        "octaves": _finite(row.get("octaves")),
        "cost": _finite(row.get("cost")),
        "phase": row["phase"],
        "score_median": _finite(row["score"]),
        "score_low": _finite(row["low"]),
        "score_high": _finite(row["high"]),
        "seeds": int(row["seeds"]),
        "diverged": int(row["diverged"]),
        "failed": int(row["failed"]),
    }


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def winners_by_metric(analysis: Analysis) -> pd.DataFrame:
    """The winner by the analysis's metric and by every other stored metric, each measured by all of them.

    Shapes were rescored because the study's own metric had chosen them, so the winner by another metric is
    the best of those; of equals it is the analysis's winner, else the first by name. Where it was not
    confirmed at its base LR, its numbers are from seeds that chose it.

    Returns:
        One row for each (winner, phase that trained it at its base LR, metric): ``shape, family, params,
        base_lr, hyperparameters, chosen_by, phase, seeds, metric, ties, score, low, high``. ``chosen_by`` is
        a tuple of the metrics by which that shape at that base LR wins, ``ties`` the number of shapes that
        are best by the row's metric, 0 if all diverged or, in the winner's phase, another shape is better.
        The analysis's winner comes first, of each winner the last phase. Metrics by which every shape
        diverged have no winner.

    Raises:
        InputError: if there is no winner yet.
    """
    others = [name for name in metric_columns(analysis.trials.columns) if name != analysis.metric]
    by = {analysis.metric: analysis}
    by |= {
        name: Analysis(
            analysis.trials,
            name,
            direction_of(name, analysis.metric, analysis.direction),
            design=Design(is_contest=analysis.design.is_contest),
        )
        for name in others
    }
    best = {name: _best(one) for name, one in by.items() if math.isfinite(one.winner["score"])}
    first = analysis.winner
    winners = {name: first if _ties(by[name], first) else by[name].winner for name in best}
    table = pd.DataFrame(list(winners.values()))
    chosen: dict[tuple[str, ...], Key] = {}
    for won in map(key_of, winners.values()):
        chosen.setdefault(tuple(np.array([*winners])[is_key(table, won)].tolist()), won)
    found = []
    for names, won in chosen.items():
        own = dict(zip(("shape", "base_lr", "hyperparameters"), won, strict=True))
        for phase in reversed(PHASES):
            for name, one in by.items():
                table = as_measured(where(one.scores, one.scores["phase"] == phase), one.direction)
                rows = records(where(table, is_key(table, won)))
                told = {**own, "metric": name, "chosen_by": names, "ties": len(best.get(name, ()))}
                found += [row | told for row in rows]
    columns = ["shape", "family", "params", "base_lr", "hyperparameters", "chosen_by", "phase", "seeds"]
    return pd.DataFrame(found, columns=[*columns, "metric", "ties", "score", "low", "high"])


def _ties(analysis: Analysis, own: Mapping[str, Any]) -> bool:
    """Whether a schedule is as good as the winner of another analysis."""
    scores = analysis.scores["score"][is_key(analysis.scores, key_of(own))]
    return own["shape"] in _best(analysis) and analysis.winner["score"] in scores.tolist()


def _best(analysis: Analysis) -> list[str]:
    """The shapes that share the first place with the winner in its phase; none where another is first."""
    table, won = analysis.shapes, analysis.winner
    table = where(table, table["phase"] == won["phase"])
    table = table if analysis.design.is_contest else where(table, ~is_baseline(table))
    is_first = table["rank"] == table["rank"].min()
    return table["shape"][is_first].tolist() if won["rank"] == table["rank"].min() else []
