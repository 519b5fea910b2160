"""One rule that says which of two is better, by the interval of their difference and its corrected test."""

import math
from typing import Literal

Verdict = Literal["better", "worse", "same", "diverged", "unknown"]
LEVEL = 0.05


def verdict(
    low: float, high: float, p_value: float = 0.0, *, score: float = 0.0, level: float = LEVEL
) -> Verdict:
    """Say which of two is better, where lower values are, from the difference other - own.

    Args:
        low: lower end of the difference's interval, NaN where there are too few seeds for one.
        high: upper end.
        p_value: of the test that the difference is 0, corrected for all tests made; 0 leaves it out.
        score: the other's median.
        level: p-values below it are significant.

    Returns:
        ``better`` or ``worse``: the own one is, since the interval excludes 0 and the test is significant;
        ``same``: they cannot be told apart; ``diverged``: the other's median is infinite; ``unknown``: there
        are too few seeds.

    Example:
        >>> verdict(0.1, 0.3, 0.01), verdict(-0.3, -0.1, 0.01), verdict(-0.1, 0.3, 0.4)
        ('better', 'worse', 'same')
    """
    if math.isinf(score):
        return "diverged"
    if math.isnan(low) or math.isnan(high):
        return "unknown"
    if p_value < level and low > 0:
        return "better"
    if p_value < level and high < 0:
        return "worse"
    return "same"
