"""How a study's confirm phase was designed: what its numbers have to be read with."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Key = tuple[str, float, str]
"""A shape's name, a base LR, and hyperparameters as the column of that name has them."""

Scale = Literal["log", "linear", "logit"]
"""Of a metric: where its noise is about the same for good and bad schedules."""


@dataclass(frozen=True)
class Sensitivity:
    """How much the hyperparameters of a schedule matter, by the model of all trials.

    Attributes:
        flat: of each hyperparameter, the values around the best that lose less than the confirm phase can
            resolve, each at its own best base LR: the ends of a range, or the choices.
        rank: place of the schedule among those that are confirmed, from 1.
        fixed_rank: the same if all kept the values that they would have without tuning, each at its own best
            base LR.
        fixed_cost: what the schedule loses by that, in the unit of effects.
    """

    flat: Mapping[str, Sequence[Any]]
    rank: int
    fixed_rank: int
    fixed_cost: float


@dataclass(frozen=True)
class Tuning:
    """How well the base LR of a schedule, and its hyperparameters, are known.

    Attributes:
        octaves: standard deviation of its best base LR, in octaves (factors of 2).
        cost: what a better base LR, with better hyperparameters, is expected to gain, in the unit of effects,
            at least 0.
        edge: ``low`` or ``high`` if the best base LR may lie beyond those tried, else ``""``.
        edges: the same of each hyperparameter whose best value may lie beyond those tried.
        sensitivity: to the hyperparameters; None if there are none, or nothing is known.
    """

    octaves: float
    cost: float
    edge: Literal["", "low", "high"] = ""
    edges: Mapping[str, str] = field(default_factory=dict)
    sensitivity: Sensitivity | None = None

    @property
    def is_at_edge(self) -> bool:
        """Whether anything better may lie beyond what was tried."""
        return bool(self.edge or self.edges)

    def times(self, size: float) -> "Tuning":
        """The same with its costs in another unit of effects."""
        known = self.sensitivity and replace(self.sensitivity, fixed_cost=size * self.sensitivity.fixed_cost)
        return replace(self, cost=size * self.cost, sensitivity=known)


@dataclass(frozen=True)
class Design:
    """What a study has decided before its confirm phase.

    Attributes:
        looks: numbers of seeds after which the phase may stop, ascending; empty if nothing is planned: all
            seeds are one look.
        margin: smallest difference that matters, in units of the metric; None: half of the winner's spread
            over seeds.
        scale: of the metric; None: chosen from the scores.
        winner: what the study chose; None: the rescore phase chooses.
        tuning: of the schedules that the phase trains; what is missing is taken as tuned.
        is_contest: whether all schedules were given and none was searched. Then they are equals, whose winner
            the confirm phase may choose: comparisons are corrected for all pairs of them.
    """

    looks: tuple[int, ...] = ()
    margin: float | None = None
    scale: Scale | None = None
    winner: Key | None = None
    tuning: Mapping[Key, Tuning] = field(default_factory=dict)
    is_contest: bool = False
