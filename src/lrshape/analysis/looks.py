"""Looking at a comparison again after more seeds, without more errors.

A test at 5% after each of several numbers of seeds errs in more than 5% of the studies. Here every planned
look gets a share of the 5%, in proportion to the seeds that it adds, and the shares sum to 1. By the union
bound the error over all looks is then at most 5%, whatever the test, and whoever stops when: intervals and
p-values of a look are the usual ones at its own confidence, so that Holm's correction applies. Exact
boundaries for the sign test and a betting e-process were measured beside it (docs/statistics.md): the first
gain 3 to 6 points of power at most, the second loses more.
"""

from collections.abc import Sequence


def share_of_error(seeds: int, looks: Sequence[int]) -> float:
    """The share of the error that the look after a number of seeds may spend, in (0, 1].

    Args:
        seeds: how many a comparison has. Between two looks the share is that of the next one; beyond the last
            one, of the last: that look was then taken late.
        looks: planned numbers of seeds, ascending, at least 1; with one or none nothing is shared.

    Example:
        >>> [share_of_error(n, (10, 20, 40)) for n in (7, 10, 20, 30, 40)]
        [0.25, 0.25, 0.25, 0.5, 0.5]
    """
    before = 0
    for look in looks:
        if seeds <= look or look == looks[-1]:
            return (look - before) / looks[-1]
        before = look
    return 1.0
