"""How many seeds would probably decide a comparison."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

_MOST_SEEDS = 1_000_000
_POWER = (1.96 + 0.84) / 1.96
"""By how much narrower than the effect an interval must be to exclude 0 in four of five studies."""


def seeds_to_decide(row: Mapping[str, Any], margin: float, costs: Iterable[float]) -> int | None:
    """Return with how many seeds a row would be better, worse or equal in about four of five studies.

    It is rough: it takes the effect for what was measured, and the interval to shrink with the root of the
    number of seeds. It is rounded up to one digit; None where nothing can be said.

    Args:
        row: ``pairs, effect, effect_low, effect_high``, see `lrshape.analysis.analysis.Analysis.compared`.
        margin: smallest effect that matters; NaN if there is none.
        costs: what better base LRs may gain, of the schedule and the winner; NaN if unknown.
    """
    half = (row["effect_high"] - row["effect_low"]) / 2
    target = abs(row["effect"])
    if margin > 0:  # equality is shown by an interval inside the margin
        target = max(target, margin - target)
    # What better base LRs may gain does not count as a difference.
    target -= max([0.0, *(cost for cost in costs if cost > 0)])
    if not (math.isfinite(half) and half > 0 and target > 0):
        return None
    needed = max(row["pairs"] * (_POWER * half / target) ** 2, row["pairs"] + 1)
    if needed > _MOST_SEEDS:
        return None
    digit = 10 ** math.floor(math.log10(needed))
    return int(math.ceil(needed / digit) * digit)
