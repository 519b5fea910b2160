"""What the laws forecast of the ways to go on with a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError
from lrshape.predict.curve_forecasts import LEAST_SWEPT
from lrshape.predict.ensemble import Ensemble, curves_of, fit_ensemble
from lrshape.predict.held_out import HeldOut, held_out, widening
from lrshape.predict.laws.convex_bound import ConvexBound, FittedBound, split_unstable, told_unstable
from lrshape.predict.laws.curves import CURVE_LAWS
from lrshape.predict.live_run import all_runs
from lrshape.predict.next_runs import swept
from lrshape.predict.runs import Run
from lrshape.predict.shape_transfer import MISFIT

Array = NDArray[np.float64]

LEAST_CURVES = 2
"""Curves from which the laws of curves take part: the live one, and one whose LR falls."""


class Forecasts(Protocol):
    """Forecasts of final losses: those of the ensemble, or of the bound alone."""

    def differences(self, schedules: Sequence[Array], today: Array) -> tuple[Array, Array]:
        """Return final losses less that of another schedule, and their standard deviations, each ``(n,)``."""
        ...

    def losses(self, schedules: Sequence[Array]) -> Array:
        """Return final losses, ``(n,)``; of the bound without a finished run, up to a constant."""
        ...


@dataclass(frozen=True, eq=False)
class BoundForecasts:
    """The bound by itself.

    Attributes:
        fitted: the bound.
        wider: factor on its errors.
    """

    fitted: FittedBound
    wider: float = 1.0

    def differences(self, schedules: Sequence[Array], today: Array) -> tuple[Array, Array]:
        """Implement `Forecasts`."""
        law = self.fitted.law
        found = self.fitted.difference([law.terms(lrs) for lrs in schedules], law.terms(today))
        return found.mean, self.wider * found.error

    def losses(self, schedules: Sequence[Array]) -> Array:
        """Implement `Forecasts`."""
        return self.fitted.predict(schedules)


@dataclass(frozen=True, eq=False)
class LiveForecasts:
    """Forecasts, and how far to trust them.

    Attributes:
        laws: what forecasts; None where the runs contradict the laws.
        by_curves: whether these are laws of loss curves.
        knows_losses: whether final losses are known, and not differences alone.
        curve_laws: which part laws of curves take, in one sentence.
        contradiction: why there are no forecasts.
        doubts: why they may be wrong.
        held_out: each run predicted from the others.
    """

    laws: Forecasts | None
    by_curves: bool
    knows_losses: bool
    curve_laws: str
    contradiction: str = ""
    doubts: tuple[str, ...] = ()
    held_out: tuple[HeldOut, ...] = ()


def forecast(live: Run, finished: Sequence[Run], plan: Array, others: Sequence[Array]) -> LiveForecasts:
    """Fit the laws: those of curves on all runs, the bound on the finished ones.

    The live run's loss does not count for the bound: a constant LR and its loss tell it nothing about decays,
    and it takes them for a sign that the LR is too high or too low. Without any finished run, it assumes that
    the LR suits the user's plan.

    Args:
        live: the run in progress, up to now.
        finished: the other runs.
        plan: LRs of the user's plan, to which others are compared.
        others: LRs of some ways to go on: laws of curves take no part where they cannot tell these apart.
    """
    try:
        stable, unstable = split_unstable(finished) if finished else ([], [])
        bound = ConvexBound().fit([*finished] or [Run("plan", plan, np.array([len(plan)]), live.losses[-1:])])
    except InputError as error:
        return LiveForecasts(None, False, False, "", contradiction=f"{error}.")
    doubts = tuple(told_unstable(unstable))
    try:
        ensemble = _ensemble(live, stable, plan, others)
    except InputError as error:
        told = f"Laws of loss curves take no part: {error}."
    else:
        told = (
            f"Laws of loss curves ({', '.join(CURVE_LAWS)}) decide: on held-out runs they miss differences "
            f"of final losses by {ensemble.error:.2g}."
        )
        if len(ensemble.held_out) < LEAST_CURVES:
            doubts += ("Only one difference of final losses could be held out to judge the laws.",)
        return LiveForecasts(ensemble, True, True, told, "", doubts, ensemble.held_out)
    if not finished:
        doubts += (
            "The log of the live run says nothing about decays: the bound assumes that its LR suits "
            "the plan.",
        )
        return LiveForecasts(BoundForecasts(bound), False, False, told, doubts=doubts)
    if bound.misfit < MISFIT:
        contradiction = f"The losses of the {len(bound.runs)} finished runs do not follow the bound."
        return LiveForecasts(None, False, False, told, contradiction)
    left_out = held_out(bound.runs)
    return LiveForecasts(
        BoundForecasts(bound, widening(left_out)), False, True, told, doubts=doubts, held_out=tuple(left_out)
    )


def _ensemble(live: Run, finished: Sequence[Run], plan: Array, others: Sequence[Array]) -> Ensemble:
    """The laws of curves with their weights.

    Raises:
        InputError: if they take no part, with the reason.
    """
    if any(len(swept(finished, run)) >= LEAST_SWEPT for run in finished):
        raise InputError("your finished runs are a sweep of base LRs, and such laws fail where these differ")
    if not curves_of([live]):
        raise InputError(f"the live run has only {len(live.points)} losses")
    ensemble = fit_ensemble(all_runs(live, finished), LEAST_CURVES)
    ensemble.check_resolves(ensemble.differences(others, plan)[0])
    return ensemble
