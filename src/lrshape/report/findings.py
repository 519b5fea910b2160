"""What a study's page and figures show: the rows of its analysis, with labels and styles."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from lrshape.analysis.analysis import Analysis
from lrshape.analysis.direction import as_measured, sign
from lrshape.analysis.result import winners_by_metric
from lrshape.analysis.scores import BASELINE, screening_course
from lrshape.analysis.tables import records, where
from lrshape.report.claims import Claims, Row
from lrshape.report.palette import BASELINE_STYLE, Style, family_styles
from lrshape.report.words import printable
from lrshape.store import PHASES


@dataclass(frozen=True)
class Findings:
    """All that the page and the figures show. Rows are dictionaries, ready to be formatted.

    Args:
        analysis: of the study's trials, at least one, by the metric that ranks them.
        steps: number of steps of a trial.
        step_rule: where in a step the shape is read.
        planned: ``{phase: trials}`` of the complete study, as far as known; tells a partial one exactly.
        study_metric: the metric that the study itself searched by; another one than the analysis's if its
            trials are re-ranked.
        curves: loss curves of the leaders' phase, as `Store.curves` gives them, if there are any.
        lengths: parameters that the spec gives in steps.
        min_lr: of the spec.
        untuned: values that tuned hyperparameters would have without tuning, by name.
        choices: what they are chosen from; nothing of those that have a range.
    """

    analysis: Analysis
    steps: int
    step_rule: str
    planned: Mapping[str, int] = field(default_factory=dict)
    study_metric: str = ""
    curves: pd.DataFrame | None = None
    lengths: Mapping[str, int] = field(default_factory=dict)
    min_lr: float = 0.0
    untuned: Mapping[str, Any] = field(default_factory=dict)
    choices: Mapping[str, Sequence[Any]] = field(default_factory=dict)

    @property
    def metric(self) -> str:
        """The metric that ranks."""
        return self.analysis.metric

    @property
    def trials(self) -> int:
        """Number of trials."""
        return len(self.analysis.trials)

    @property
    def sign(self) -> int:
        """1 if lower values of the metric are better, -1 if higher ones are."""
        return sign(self.analysis.direction)

    def losses(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return scores of these rows as losses, lower where they are better and +inf if diverged."""
        values = np.asarray(scores, np.float64)
        return np.where(np.isposinf(values), values, self.sign * values)

    def _rows(self, table: pd.DataFrame) -> list[dict[str, Any]]:
        """The rows of a table of losses, in the metric's own sign."""
        return records(as_measured(table, self.analysis.direction))

    @cached_property
    def statuses(self) -> Mapping[str, int]:
        """Number of trials by status."""
        return Counter(self.analysis.trials["status"])

    @cached_property
    def messages(self) -> Sequence[tuple[int, str, str]]:
        """``(number of trials, status, message)``, the most frequent first."""
        trials = self.analysis.trials
        pairs = zip(trials["status"], trials["message"], strict=True)
        counts = Counter((status, message) for status, message in pairs if message)
        return [(count, *key) for key, count in counts.most_common()]

    @cached_property
    def phases(self) -> Sequence[Row]:
        """What each phase has cost so far, in the order in which they run.

        Rows ``phase, shapes, base_lrs, seeds, trials, diverged, failed, seconds``: numbers of distinct
        shapes, of base LRs of one shape and of seeds of one base LR and its hyperparameters (the largest),
        of trials and of those that diverged or failed; compute time of all trials together, in seconds.
        """
        by_phase = dict(iter(self.analysis.trials.groupby("phase", observed=True, sort=False)))
        return [_phase_cost(name, by_phase[name]) for name in PHASES if name in by_phase]

    @property
    def missing(self) -> list[str]:
        """Phases of the procedure that have not run or are known to lack trials."""
        stored = {row["phase"]: row["trials"] for row in self.phases}
        # Tuning may take no trials: where the base LRs are known well enough.
        least = {**dict.fromkeys(PHASES, 1), "tune": 0 if "confirm" in stored else 1, **self.planned}
        return [name for name in PHASES if stored.get(name, 0) < least[name]]

    @cached_property
    def scores(self) -> Sequence[Row]:
        """Rows of `Analysis.scores`, of all phases; of each base LR the one with the best hyperparameters."""
        table = self.analysis.scores.sort_values("score", kind="stable", na_position="last")
        return self._rows(table.drop_duplicates(["phase", "shape", "base_lr"]).sort_index())

    @cached_property
    def screen(self) -> Sequence[Row]:
        """Rows of `Analysis.shapes` of the screen, best first; may be empty."""
        return self._rows(where(self.analysis.shapes, self.analysis.shapes["phase"] == "screen"))

    @cached_property
    def leaders(self) -> Sequence[Row]:
        """Rows of `Analysis.leaders`, each with its ``label``, its name for readers."""
        rows = self._rows(self.analysis.leaders)
        if self.is_contest:  # all are equals
            return [{**row, "is_baseline": False, "label": self.name(row["shape"])} for row in rows]
        return [{**row, "label": label(row["shape"], row["family"])} for row in rows]

    @cached_property
    def claims(self) -> Claims:
        """The leaders' differences to the winner, in words."""
        return Claims(self.leaders, self.analysis.scale, self.analysis.margin, self.sign)

    @cached_property
    def pairs(self) -> Sequence[Row]:
        """Rows of `Analysis.family_pairs`, as measured in the leaders' phase."""
        return self._rows(self.analysis.family_pairs(self.phase))

    @cached_property
    def near(self) -> Sequence[Row]:
        """Rows of `Analysis.near_optimal`, best first."""
        return self._rows(self.analysis.near_optimal())

    @cached_property
    def metrics(self) -> Sequence[Row]:
        """Rows of `lrshape.analysis.result.winners_by_metric`; none before a shape has been searched."""
        return records(winners_by_metric(self.analysis)) if self.winner else ()

    @cached_property
    def course(self) -> Sequence[Row]:
        """Rows of `lrshape.analysis.scores.screening_course`."""
        return self._rows(screening_course(self.analysis.losses, self.metric))

    @cached_property
    def styles(self) -> Mapping[str, Style]:
        """How each searched family is drawn; of a contest, each schedule, by its shape."""
        if self.is_contest:
            return family_styles(row["shape"] for row in self.scores)
        return family_styles(row["family"] for row in self.scores if not is_baseline(row["shape"]))

    def style(self, row: Row) -> Style:
        """Return how a row with ``shape`` and ``family`` is drawn."""
        if self.is_contest:
            return self.styles[row["shape"]]
        return BASELINE_STYLE if is_baseline(row["shape"]) else self.styles[row["family"]]

    def name(self, shape: str) -> str:
        """Return what a shape is called: its name in the table of trials; of a contest, that in the spec."""
        return printable(shape.removeprefix(BASELINE) if self.is_contest else shape, 40)

    @property
    def phase(self) -> str:
        """The phase that measured the leaders."""
        return self.analysis.measuring_phase

    @property
    def is_contest(self) -> bool:
        """Whether all schedules were given and none was searched."""
        return self.analysis.design.is_contest

    @property
    def is_guided(self) -> bool:
        """Whether scores decided what was screened next: the shapes of a family are no random sample then."""
        return len({row["seed"] for row in self.course}) > 1

    @property
    def is_reranked(self) -> bool:
        """Whether the shapes are ranked by another metric than the study's own."""
        return self.study_metric not in ("", self.metric)

    @property
    def is_confirmed(self) -> bool:
        """Whether the leaders were measured on seeds that no selection has seen."""
        return bool(self.leaders) and self.phase == "confirm"

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
        """The baselines' rows of ``leaders``, best first; of a contest, all rows but the winner's."""
        if self.is_contest:
            return [row for row in self.leaders if not row["is_winner"]]
        return [row for row in self.leaders if row["is_baseline"]]


def is_baseline(shape: str) -> bool:
    """Return whether a shape id is a baseline's."""
    return shape.startswith(BASELINE)


def label(shape: str, family: str) -> str:
    """Return what a family's best shape or a baseline is called in figures and tables."""
    if is_baseline(shape):
        return printable(shape.removeprefix(BASELINE), 24) + " baseline"
    return printable(family, 28)


def _phase_cost(name: str, rows: Any) -> dict[str, Any]:
    statuses = Counter(rows["status"])
    return {
        "phase": name,
        "shapes": rows["shape"].nunique(),
        "base_lrs": int(rows.groupby("shape", observed=True)["base_lr"].nunique().max()),
        "seeds": int(rows.groupby(["shape", "base_lr", "hyperparameters"], observed=True).size().max()),
        "trials": len(rows),
        "diverged": statuses["diverged"],
        "failed": statuses["failed"],
        "seconds": float(rows["wall_time"].sum()),
    }
