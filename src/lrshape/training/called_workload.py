"""The base of workloads that are called once for each trial."""

import abc

from pydantic import Field, field_validator

from lrshape.training.result import full_name
from lrshape.training.workload import Workload


class CalledWorkload(Workload):
    """A trial that is somebody else's program: it takes learning rates and a seed, and gives numbers."""

    metric = "final/score"
    max_members = 1  # a user's training is costly: every finished one is stored at once

    metrics: tuple[str, ...] = Field(
        default=("final/score",), min_length=1, description="names of the metrics that a trial gives"
    )
    timeout: float | None = Field(
        default=None, gt=0, description="seconds after which a trial is killed and has failed; none: never"
    )

    @field_validator("metrics")
    @classmethod
    def _full_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(full_name(name) for name in value)

    def metric_names(self) -> tuple[str, ...]:
        """The names that the spec or the caller states, since nothing has run yet."""
        return self.metrics

    @property
    @abc.abstractmethod
    def code(self) -> str:
        """What runs, for messages."""

    @abc.abstractmethod
    def check(self) -> None:
        """Find what would go wrong at the first training.

        Raises:
            InputError: if something would.
        """

    @abc.abstractmethod
    def digest(self) -> str | None:
        """SHA-256 of the code that is known, None if none is."""
