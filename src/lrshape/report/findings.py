"""What a report states, gathered once from the analysis of the stored trials."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from lrshape.analysis.families import family_pairs
from lrshape.analysis.metrics import winners_by_metric
from lrshape.analysis.optimality import near_optimal
from lrshape.analysis.reduce import best_base_lrs, metric_values, scores
from lrshape.analysis.result import BASELINE, best_per_family, compared, measuring_phase
from lrshape.errors import InputError
from lrshape.report.palette import BASELINE_STYLE, Style, family_styles
from lrshape.report.words import printable
from lrshape.store import PHASES

Row: TypeAlias = Mapping[str, Any]
"""One row of a table, by column."""


@dataclass(frozen=True)
class Phase:
    """What one phase has cost so far.

    Args:
        name: e.g. ``screen``.
        shapes: number of distinct shapes.
        base_lrs: largest number of base LRs that one shape was trained at.
        seeds: largest number of seeds of one (shape, base LR).
        trials: number of trials stored.
        diverged: how many of them diverged.
        failed: how many of them failed.
        seconds: compute time of all trials together, in seconds.
        planned: number of trials the phase will have, None if unknown.
    """

    name: str
    shapes: int
    base_lrs: int
    seeds: int
    trials: int
    diverged: int
    failed: int
    seconds: float
    planned: int | None = None

    @property
    def complete(self) -> bool:
        """Whether nothing is known to be missing."""
        return self.planned is None or self.trials >= self.planned


@dataclass(frozen=True)
class Findings:
    """All that the page and the figures show. Rows are dictionaries, ready to be formatted.

    Args:
        metric: the metric that is minimised.
        steps: number of steps of a trial.
        step_rule: where in a step progress is sampled.
        statuses: number of trials by status.
        messages: ``(number of trials, status, message)``, the most frequent first.
        phases: in the order in which they ran.
        scores: rows of `lrshape.analysis.reduce.scores`, of all phases.
        screen: rows of `lrshape.analysis.reduce.best_base_lrs` of the screen, best first; may be empty.
        leaders: one row for each family's best shape and each baseline, lowest score first, as measured in
            the last phase that has trained the winner. Columns of `lrshape.analysis.result.compared`, and
            ``phase``, ``label`` (its name for readers) and ``edge`` (``low`` or ``high`` if its base LR is
            the smallest or largest tried for it, else ``""``).
        missing: phases of the procedure that have not run or are known to lack trials.
        styles: how each searched family is drawn.
        pairs: rows of `lrshape.analysis.families.family_pairs`, as measured in the leaders' phase.
        near: rows of `lrshape.analysis.optimality.near_optimal`, best first.
        metrics: rows of `lrshape.analysis.metrics.winners_by_metric`.
        study_metric: the metric that the study itself minimised; another one than ``metric`` if its
            trials are re-ranked.
    """

    metric: str
    steps: int
    step_rule: str
    statuses: Mapping[str, int]
    messages: Sequence[tuple[int, str, str]]
    phases: Sequence[Phase]
    scores: Sequence[Row]
    screen: Sequence[Row]
    leaders: Sequence[Row]
    missing: Sequence[str]
    styles: Mapping[str, Style]
    pairs: Sequence[Row] = ()
    near: Sequence[Row] = ()
    metrics: Sequence[Row] = ()
    study_metric: str = ""
    course: Sequence[Row] = ()

    @property
    def is_guided(self) -> bool:
        """Whether scores decided what was screened next: the shapes of a family are no random sample then."""
        return len({row["seed"] for row in self.course}) > 1

    @property
    def is_reranked(self) -> bool:
        """Whether the shapes are ranked by another metric than the study's own."""
        return self.study_metric not in ("", self.metric)

    @property
    def trials(self) -> int:
        """Number of trials."""
        return sum(self.statuses.values())

    @property
    def is_confirmed(self) -> bool:
        """Whether the leaders were measured on seeds that no selection has seen."""
        return bool(self.leaders) and self.leaders[0]["phase"] == "confirm"

    @property
    def has_intervals(self) -> bool:
        """Whether there are seeds enough for intervals."""
        return any(not math.isnan(row["low"]) for row in self.leaders)

    @property
    def has_near_intervals(self) -> bool:
        """Whether the rescore phase has seeds enough to rule shapes out of the near-optimal set."""
        return any(row["verdict"] != "unknown" for row in self.near if row["verdict"] != "best")

    @property
    def winner(self) -> Row | None:
        """The winning row of ``leaders``, of whatever score; None before a shape has been searched."""
        return next((row for row in self.leaders if row["is_winner"]), None)

    @property
    def baselines(self) -> list[Row]:
        """The baselines' rows of ``leaders``, best first."""
        return [row for row in self.leaders if row["is_baseline"]]

    def style(self, row: Row) -> Style:
        """Return how a row with ``shape`` and ``family`` is drawn."""
        return BASELINE_STYLE if is_baseline(row["shape"]) else self.styles[row["family"]]


def is_baseline(shape: str) -> bool:
    """Return whether a shape id is a baseline's."""
    return shape.startswith(BASELINE)


def label(shape: str, family: str) -> str:
    """Return what a family's best shape or a baseline is called in figures and tables."""
    if is_baseline(shape):
        return printable(shape.removeprefix(BASELINE), 24) + " baseline"
    return printable(family, 28)


def gather(
    trials: pd.DataFrame,
    metric: str,
    steps: int,
    step_rule: str,
    planned: Mapping[str, int] | None = None,
    study_metric: str | None = None,
) -> Findings:
    """Analyse the trials of a study.

    Args:
        trials: the trials table, of any number of phases; at least one row.
        metric: the metric that is minimised, a column of the table.
        steps: number of steps of a trial.
        step_rule: where in a step progress is sampled.
        planned: ``{phase: trials}`` of the complete study, as far as known; tells a partial one exactly.
        study_metric: the metric that the study minimised, if it is another one.

    Raises:
        InputError: if the table is empty or has no such metric.
    """
    if trials.empty:
        raise InputError("a report needs at least one trial, got an empty table")
    planned = planned or {}
    table = scores(trials, metric)
    by_base_lr = _rows(table)
    by_phase = dict(iter(trials.groupby("phase", sort=False)))
    phases = [_phase(name, by_phase[name], planned.get(name)) for name in PHASES if name in by_phase]
    complete = {phase.name for phase in phases if phase.complete}
    chosen = best_per_family(trials, metric)
    per_family = set(chosen["shape"])
    last = phases[-1].name if chosen.empty else measuring_phase(trials, chosen.iloc[0])
    measured = [{**row, "phase": last} for row in _rows(compared(trials, metric, last))]
    statuses = Counter(trials["status"])
    failures = Counter(
        (status, message)
        for status, message in zip(trials["status"], trials["message"], strict=True)
        if message
    )
    return Findings(
        metric=metric,
        steps=steps,
        step_rule=step_rule,
        statuses=statuses,
        messages=[(count, *key) for key, count in failures.most_common()],
        phases=phases,
        scores=by_base_lr,
        screen=[row for row in _rows(best_base_lrs(table)) if row["phase"] == "screen"],
        leaders=_leaders(measured, per_family, by_base_lr),
        missing=[name for name in PHASES if name not in complete],
        styles=family_styles(row["family"] for row in by_base_lr if not is_baseline(row["shape"])),
        pairs=_rows(family_pairs(trials, metric, last)),
        near=_rows(near_optimal(trials, metric)),
        metrics=_rows(winners_by_metric(trials, metric)) if per_family else (),
        study_metric=study_metric or metric,
        course=_course(trials, metric),
    )


def _course(trials: pd.DataFrame, metric: str) -> list[dict[str, Any]]:
    """The screen's shapes in the order in which they were tried, each with its first seed and score."""
    wanted = (trials["phase"] == "screen") & ~trials["shape"].str.startswith(BASELINE)
    screened = trials.iloc[np.flatnonzero(wanted)]
    scored = screened.assign(score=metric_values(screened, metric))
    values = scored[["shape", "family", "seed", "score"]]
    first = values.groupby("shape")["seed"].transform("min")
    at_first = values.iloc[np.flatnonzero(values["seed"] == first)]
    tried = at_first.groupby("shape", sort=False).agg({"family": "first", "seed": "first", "score": "min"})
    return _rows(tried.sort_values("seed", kind="stable").reset_index())


def _rows(table: Any) -> list[dict[str, Any]]:
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


def _phase(name: str, rows: Any, planned: int | None) -> Phase:
    statuses = Counter(rows["status"])
    return Phase(
        name=name,
        shapes=rows["shape"].nunique(),
        base_lrs=int(rows.groupby("shape")["base_lr"].nunique().max()),
        seeds=int(rows.groupby(["shape", "base_lr"]).size().max()),
        trials=len(rows),
        diverged=statuses["diverged"],
        failed=statuses["failed"],
        seconds=float(rows["wall_time"].sum()),
        planned=planned,
    )


def _leaders(
    measured: list[dict[str, Any]], per_family: Set[str], by_base_lr: Sequence[Row]
) -> list[dict[str, Any]]:
    """Return the rows of each family's best shape and of each baseline, lowest score first."""
    swept: dict[str, set[float]] = {}
    for row in by_base_lr:
        if row["phase"] != "confirm":
            swept.setdefault(row["shape"], set()).add(row["base_lr"])
    rows = [
        row
        | {"label": label(row["shape"], row["family"])}
        | {"edge": _edge(swept.get(row["shape"], set()), row["base_lr"])}
        for row in measured
        if row["is_baseline"] or row["shape"] in per_family
    ]
    return sorted(rows, key=lambda r: (r["score"], not r["is_winner"], not r["is_baseline"], r["shape"]))


def _edge(tried: Set[float], base_lr: float) -> str:
    """Return whether a base LR is the lowest or the highest of those tried for a shape."""
    if len(tried) < 2:
        return ""
    return "low" if base_lr <= min(tried) else "high" if base_lr >= max(tried) else ""
