"""Which one run keeps the others from following the bound."""

from collections.abc import Sequence

from lrshape.errors import InputError
from lrshape.predict.laws.convex_bound import ConvexBound
from lrshape.predict.runs import Run
from lrshape.predict.shape_transfer import MISFIT

LEAST_LEFT = 4
"""Runs that must remain: any three follow the bound, which has three parameters, and say nothing."""
MOST_RUNS = 50
"""Runs of which each is left out in turn: more take minutes, and one of them is no longer what is wrong."""


def odd_run(runs: Sequence[Run]) -> Run | None:
    """Return the run without which the others follow the bound, of several such runs the oddest.

    None if there is none, or too few runs to tell.
    """
    if not LEAST_LEFT < len(runs) <= MOST_RUNS:
        return None
    fits = [_fit([other for other in runs if other is not run]) for run in runs]
    best = max(range(len(runs)), key=fits.__getitem__)
    return runs[best] if fits[best] >= MISFIT else None


def _fit(runs: Sequence[Run]) -> float:
    """The probability of a worse fit, 0 where too few runs can be fitted."""
    try:
        fitted = ConvexBound().fit(runs)
    except InputError:
        return 0.0
    return 0.0 if len(fitted.runs) < LEAST_LEFT else fitted.misfit
