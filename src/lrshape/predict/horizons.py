"""Where a run may stop: one number of steps, or several of which it is not known yet which one."""

from typing import Any, NamedTuple

from lrshape.predict.continuations import Continuation
from lrshape.predict.shape_transfer import interval_95

MOST_HORIZONS = 3


class Choice(NamedTuple):
    """A way to go on until a number of steps at which the run may stop.

    Attributes:
        steps: the number of steps.
        name: what tables call it.
        continuation: how it goes on, from the best start; None for the user's plan.
        difference: final loss less that of the plan.
        error: standard deviation of it.
        flat: the first and the last start that are expected to end about as low as the best; caution may have
            chosen one beyond them. None for the plan.
    """

    steps: int
    name: str
    continuation: Continuation | None
    difference: float
    error: float
    flat: tuple[int, int] | None = None

    @property
    def interval(self) -> tuple[float, float]:
        """Where the difference lies with a probability of 95%."""
        return interval_95(self.difference, self.error)


class Unbranched(NamedTuple):
    """One schedule for all horizons, of a user who cannot go back to a checkpoint.

    Attributes:
        continuation: how it goes on.
        regrets: by horizon, the loss when the run stops there less that of the first choice for that horizon.
    """

    continuation: Continuation
    regrets: tuple[float, ...]


class Live(NamedTuple):
    """A run in progress, and how to go on with it.

    Attributes:
        name: of the run.
        from_step: how many of its steps are done.
        lr: its LR there.
        plan: name of what others are compared to.
        horizons: the first choice for each, by rising numbers of steps.
        unbranched: schedules without a branch, that of the least largest regret at the front; empty for one
            horizon.
    """

    name: str
    from_step: int
    lr: float
    plan: str
    horizons: tuple[Choice, ...]
    unbranched: tuple[Unbranched, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            **self._asdict(),
            "horizons": [
                {**each._asdict(), "continuation": each.continuation and each.continuation._asdict()}
                for each in self.horizons
            ],
            "unbranched": [
                {"name": each.continuation.name, "regrets": each.regrets} for each in self.unbranched
            ],
        }
