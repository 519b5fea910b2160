"""Effects of the findings: how much worse than the best a choice is, with its interval and its verdict."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

SMALL = 0.02
"""An effect that is bounded below it does not matter."""


class Effect(NamedTuple):
    """By how much a score is worse than the best one's, as a share of it; negative where it is better.

    Attributes:
        value: the estimate; infinite where the median training diverged.
        low: lower end of its 95% interval; NaN where there is none.
        high: upper end.
        note: a few words on what it is an effect of, or why it is not judged.
        is_judged: whether a claim may be made at all: not if the base LR lies at the edge of those tried.
    """

    value: float
    low: float
    high: float
    note: str = ""
    is_judged: bool = True

    @property
    def verdict(self) -> str:
        """``worse`` or ``better`` if the interval excludes 0, ``small`` if it lies below 2%, else ``open``.

        An effect that is both, not 0 and below 2%, is ``small``.
        """
        if self.is_judged and math.isinf(self.value):
            return "worse" if self.value > 0 else "better"
        if not self.is_judged or math.isnan(self.low) or math.isnan(self.high):
            return "open"
        if max(-self.low, self.high) < SMALL:
            return "small"
        return "worse" if self.low > 0 else "better" if self.high < 0 else "open"

    @property
    def is_near_optimal(self) -> bool | None:
        """Whether the score is at most 2% worse: surely (95%), surely not, or None where that is open."""
        if not self.is_judged:
            return None
        if math.isinf(self.value):
            return self.value < 0
        return True if self.high < SMALL else False if self.low > SMALL else None

    @property
    def text(self) -> str:
        """E.g. ``+3.1% (1.2 to 5.0)``; without an interval where all seeds agree; ``diverged``."""
        if math.isinf(self.value):
            return "diverged"
        ends = [100 * end for end in (self.value, self.low, self.high)]
        largest = max((abs(end) for end in ends if math.isfinite(end)), default=0.0)
        decimals = 2 if largest < 0.1 else 1 if largest < 9.95 else 0
        value, low, high = (f"{round(end, decimals) + 0.0:.{decimals}f}" for end in ends)
        sign = "+" if float(value) > 0 else ""
        return f"{sign}{value}%" + ("" if low == high else f" ({low} to {high})")

    @property
    def change(self) -> str:
        """The same in words, e.g. ``3.1% (1.2 to 5.0) higher``; of an effect that is finite."""
        if self.value < 0:
            return f"{Effect(-self.value, -self.high, -self.low).text.lstrip('+')} lower"
        return f"{self.text.lstrip('+')} higher"


def effect_of_logs(estimate: float, low: float, high: float) -> Effect:
    """The effect whose log ratio, and the ends of its interval, these are; NaN is not known."""
    return Effect(math.expm1(estimate), math.expm1(low), math.expm1(high))


def contest_effect(row: Mapping[str, Any], best: Mapping[str, Any]) -> Effect:
    """A schedule of a contest beside the schedule ``best``.

    The interval is widened by what better base LRs are expected to gain, on the side of each.

    Args:
        row: of the schedule, see `lrshape.analysis.analysis.Analysis.compared`.
        best: of ``best``.
    """
    if row is best:
        return Effect(0.0, 0.0, 0.0)
    at_edge = any(one["edge"] or one["edges"] != "{}" for one in (row, best))
    note = "base LR at the edge" if at_edge else ""
    if math.isinf(row["score"]):
        return Effect(math.inf, math.inf, math.inf, note, not at_edge)
    costs = [0.0 if math.isnan(one["cost"]) else one["cost"] for one in (row, best)]
    ends = row["effect"], row["effect_low"] - costs[0], row["effect_high"] + costs[1]
    of_best = abs(best["score"])
    # All stored studies minimise a loss that is not below 0.
    relative = [math.expm1(end) if row["scale"] == "log" else max(end / of_best, -1.0) for end in ends]
    return Effect(relative[0], relative[1], relative[2], note, not at_edge)
