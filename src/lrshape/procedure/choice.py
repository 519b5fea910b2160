"""What a search has chosen to confirm, and how well the base LRs of that are known."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, get_args

from lrshape.analysis.design import Design, Scale, Sensitivity, Tuning
from lrshape.procedure.spec import SearchSpec
from lrshape.procedure.trial import Candidate, ShapeRecord


@dataclass(frozen=True)
class Tuned:
    """A shape at its tuned base LR, with tuned hyperparameters.

    Attributes:
        candidate: at the best base LR known.
        tuning: how well it is known.
    """

    candidate: Candidate
    tuning: Tuning

    @property
    def shape(self) -> ShapeRecord:
        """Its shape."""
        return self.candidate.shape

    @property
    def is_baseline(self) -> bool:
        """Whether it is a baseline."""
        return self.shape.is_baseline


@dataclass(frozen=True)
class Choice:
    """The schedules that the confirm phase trains.

    Attributes:
        schedules: the searched ones, the winner first, then the baselines; of a contest, the best one first.
        scale: of the metric, which the trials before have shown: the phase stops by the scale of the report.
            None: of a study by an earlier version.
    """

    schedules: Sequence[Tuned]
    scale: Scale | None = None

    @property
    def winner(self) -> Tuned:
        """The first one that is no baseline; without such, the first."""
        return next((tuned for tuned in self.schedules if not tuned.is_baseline), self.schedules[0])

    def design(self, spec: SearchSpec) -> Design:
        """What the analysis of the confirm phase must know."""
        return Design(
            looks=spec.confirm.looks,
            margin=spec.confirm.margin,
            scale=self.scale if spec.metric_scale == "auto" else spec.metric_scale,
            winner=self.winner.candidate.key,
            tuning={tuned.candidate.key: tuned.tuning for tuned in self.schedules},
            is_contest=spec.is_contest,
        )

    def document(self) -> dict[str, Any]:
        """Plain JSON types; `read` reads them back."""
        return {
            "scale": self.scale,
            "schedules": [
                {
                    "shape": tuned.shape.id,
                    "family": tuned.shape.family.name,
                    "params": tuned.shape.params,
                    "base_lr": tuned.candidate.base_lr,
                    "hyperparameters": tuned.candidate.hyperparameters,
                    **asdict(tuned.tuning),
                    "octaves": _plain(tuned.tuning.octaves),
                    "cost": _plain(tuned.tuning.cost),
                }
                for tuned in self.schedules
            ],
        }

    @classmethod
    def read(cls, document: Mapping[str, Any]) -> "Choice":
        """The choice that `document` gives.

        Raises:
            KeyError, TypeError, ValueError, InputError: if it is none.
        """
        schedules = document["schedules"]
        if not schedules:
            raise ValueError("a choice has at least one schedule, got none")
        if (scale := document.get("scale")) not in (None, *get_args(Scale)):
            raise ValueError(f"the scale must be one of {', '.join(get_args(Scale))}, got {scale!r}")
        return cls(
            [
                Tuned(
                    Candidate.read(row),
                    Tuning(
                        float(row["octaves"]),
                        float(row["cost"]),
                        row["edge"],
                        row["edges"],
                        None if row["sensitivity"] is None else Sensitivity(**row["sensitivity"]),
                    ),
                )
                for row in schedules
            ],
            scale,
        )


def _plain(value: float) -> float | str:
    """A number that JSON takes; `float` reads it back."""
    return value if math.isfinite(value) else str(value)
