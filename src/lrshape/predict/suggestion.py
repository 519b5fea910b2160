"""A suggestion: which schedule to run next, how sure that is, and what it is written as."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from lrshape.predict.held_out import HeldOut
from lrshape.predict.horizons import Live
from lrshape.predict.next_runs import NextRun
from lrshape.predict.reading import PathLike
from lrshape.predict.runs import Run
from lrshape.predict.shape_transfer import interval_95
from lrshape.shapes.schedule import Schedule
from lrshape.values import path_of, plain

FORMAT = 1
FARTHEST = 4.0
"""Ratio of numbers of steps up to which a forecast may claim a gain; the public grid tests 3.3."""


class Row(NamedTuple):
    """A candidate, and what is expected of it.

    Attributes:
        name: of the candidate.
        schedule: with the base LR that suits it; 1 where none is known.
        own: whether its shape is what the user has.
        bound: the convex bound at its best base LR, relative to the least; only without runs.
        loss: predicted final loss; this and what follows is NaN without runs.
        difference: final loss less today's.
        error: standard deviation of the difference of two such trainings.
        better: probability that it ends below today's.
    """

    name: str
    schedule: Schedule
    own: bool
    bound: float = float("nan")
    loss: float = float("nan")
    difference: float = float("nan")
    error: float = float("nan")
    better: float = float("nan")

    @property
    def interval(self) -> tuple[float, float]:
        """Where the difference lies with a probability of 95%."""
        return interval_95(self.difference, self.error)


class Today(NamedTuple):
    """What the user does today: the best run, at the steps that are asked for.

    Attributes:
        run: the best run.
        schedule: its schedule; stretched, where it has another number of steps.
        plan: of a run in progress, name of what is planned; then ``run`` is that run up to now.
    """

    run: Run
    schedule: Schedule
    plan: str = ""

    @property
    def name(self) -> str:
        """What tables call it."""
        return self.plan or self.run.name

    @property
    def is_run(self) -> bool:
        """Whether the best run has the steps that are asked for."""
        return self.run.steps == self.schedule.steps

    @property
    def is_far(self) -> bool:
        """Whether the steps that are asked for are more or fewer than the run's by over `FARTHEST` times."""
        one, other = self.run.steps, self.schedule.steps
        return max(one, other) > FARTHEST * min(one, other)


@dataclass(frozen=True)
class Suggestion:
    """Which schedule to run next, and how sure that is.

    Attributes:
        steps: number of steps of the schedules.
        runs: the runs whose final losses count; empty if there are none.
        unstable: the runs whose LRs were too high for a law to describe them.
        today: the best of them, or None.
        rows: the candidates, the first choice at the front; empty where nothing is known.
        contradiction: why the runs allow no forecast; empty if they do.
        doubts: sentences that say why the forecasts may be wrong.
        notes: what was chosen, filled and left out while reading.
        next_runs: the runs that help most, the first choice at the front: up to three, or four if a run in
            progress may stop at three numbers of steps; empty where nothing can be suggested.
        held_out: each run predicted from the others.
        curve_laws: which part laws of loss curves take, in one sentence; empty where no run has a curve.
        by_curves: whether these laws decide between the candidates, and not the bound alone.
        base_lr_known: whether the base LRs of `rows` mean anything.
        live: the run in progress that is to go on; then ``rows`` are ways to its last horizon.
    """

    steps: int
    runs: tuple[Run, ...]
    today: Today | None
    rows: tuple[Row, ...] = ()
    contradiction: str = ""
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    next_runs: tuple[NextRun, ...] = ()
    held_out: tuple[HeldOut, ...] = ()
    curve_laws: str = ""
    by_curves: bool = False
    base_lr_known: bool = True
    live: Live | None = None
    unstable: tuple[Run, ...] = ()

    @property
    def verdict(self) -> str:
        """The suggestion in one sentence."""
        from lrshape.predict.verdict import verdict

        return verdict(self)

    @property
    def schedule(self) -> Schedule | None:
        """The schedule to run next; None where there is none with a base LR."""
        return self.next_runs[0].schedule if self.next_runs else None

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object; what is not known is null, and a table of LRs only as a next run."""
        return plain(
            {
                "format": FORMAT,
                "steps": self.steps,
                "verdict": self.verdict,
                "today": self.today and self.today.name,
                "contradiction": self.contradiction or None,
                "curve_laws": self.curve_laws or None,
                "doubts": list(self.doubts),
                "notes": list(self.notes),
                "candidates": [self._row(row) for row in self.rows],
                "next_runs": [run._asdict() | {"schedule": run.schedule.to_dict()} for run in self.next_runs],
                "runs": [
                    {
                        "name": run.name,
                        "steps": run.steps,
                        "base_lr": float(run.lrs.max()),
                        "final_loss": None if run.diverged else run.final_loss,
                        "unstable": run in self.unstable,
                    }
                    for run in (*self.runs, *self.unstable)
                ],
                "held_out": [left._asdict() for left in self.held_out],
                "live": self.live and self.live.to_dict(),
            }
        )

    def _row(self, row: Row) -> dict[str, Any]:
        low, high = row.interval
        is_table = row.schedule.family == "table"
        values = {
            "name": row.name,
            "family": row.schedule.family,
            "params": None if is_table else dict(row.schedule.params),
            "base_lr": row.schedule.base_lr if self.base_lr_known else None,
            "own": row.own,
            "bound": row.bound,
            "loss": row.loss,
            "difference": row.difference,
            "low": low,
            "high": high,
            "better": row.better,
        }
        return {
            key: None if isinstance(value, float) and np.isnan(value) else value
            for key, value in values.items()
        }

    def write(self, directory: PathLike) -> list[str]:
        """Write ``suggestion.html``, ``suggestion.json``, ``figures/``, and ``next-1.json`` and so on.

        Returns:
            The paths of the files, without the figures.

        Raises:
            InputError: if the directory cannot be made.
            OSError: if a file cannot be written.
        """
        from lrshape.predict.suggestion_page import write_suggestion

        return [str(path) for path in write_suggestion(self, path_of(directory))]
