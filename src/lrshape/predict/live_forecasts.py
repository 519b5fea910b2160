"""What the laws forecast of the ways to go on with a run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError
from lrshape.predict.curve_law import SKIPPED, is_fitted
from lrshape.predict.ensemble import Ensemble, curves_of, fit_ensemble, told_no_part
from lrshape.predict.held_out import HeldOut, held_out, widening
from lrshape.predict.laws.convex_bound import ConvexBound, FittedBound, told_unstable
from lrshape.predict.live_run import all_runs
from lrshape.predict.next_runs import is_sweep
from lrshape.predict.runs import Run
from lrshape.predict.shape_transfer import MISFIT

Array = NDArray[np.float64]

LEAST_CURVES = 2
"""Curves from which the laws of curves take part: the live one, and one whose LR falls."""


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
        """Return final losses less that of another schedule, and their standard deviations, each ``(n,)``."""
        law = self.fitted.law
        found = self.fitted.difference([law.terms(lrs) for lrs in schedules], law.terms(today))
        return found.mean, self.wider * found.error

    def losses(self, schedules: Sequence[Array]) -> Array:
        """Return final losses, ``(n,)``; without a finished run, up to a constant."""
        return self.fitted.predict(schedules)


Forecasts: TypeAlias = Ensemble | BoundForecasts
"""What forecasts final losses: the ensemble with laws of curves, or the bound by itself."""


@dataclass(frozen=True, eq=False)
class LiveForecasts:
    """Forecasts, and how far to trust them.

    Attributes:
        laws: what forecasts; None where the runs contradict the laws.
        knows_losses: whether final losses are known, and not differences alone.
        curve_laws: which part laws of curves take, in one sentence.
        contradiction: why there are no forecasts.
        doubts: why they may be wrong.
        held_out: each run predicted from the others.
    """

    laws: Forecasts | None
    knows_losses: bool = False
    curve_laws: str = ""
    contradiction: str = ""
    doubts: tuple[str, ...] = ()
    held_out: tuple[HeldOut, ...] = ()

    @property
    def by_curves(self) -> bool:
        """Whether laws of loss curves forecast."""
        return isinstance(self.laws, Ensemble)


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
        bound = ConvexBound().fit([*finished] or [Run("plan", plan, np.array([len(plan)]), live.losses[-1:])])
    except InputError as error:
        return LiveForecasts(None, contradiction=f"{error}.")
    doubts = tuple(told_unstable(bound.unstable))
    try:
        ensemble = _ensemble(live, bound.runs if finished else [], plan, others)
    except InputError as error:
        told = told_no_part(str(error))
    else:
        if len(ensemble.held_out) < LEAST_CURVES:
            doubts += ("Only one difference of final losses could be held out to judge the laws.",)
        return LiveForecasts(ensemble, True, ensemble.told(), "", doubts, ensemble.held_out)
    if not finished:
        doubts += (
            "No finished run shows what a decay gains: the bound assumes that the LR of the live run suits "
            "the plan.",
        )
        return LiveForecasts(BoundForecasts(bound), False, told, doubts=doubts)
    if bound.misfit < MISFIT:
        contradiction = f"The losses of the {len(bound.runs)} finished runs do not follow the bound."
        return LiveForecasts(None, False, told, contradiction)
    left_out = held_out(bound.runs)
    return LiveForecasts(
        BoundForecasts(bound, widening(left_out)), True, told, doubts=doubts, held_out=tuple(left_out)
    )


def _ensemble(live: Run, finished: Sequence[Run], plan: Array, others: Sequence[Array]) -> Ensemble:
    """The laws of curves with their weights.

    Raises:
        InputError: if they take no part, with the reason.
    """
    if is_sweep(finished):
        raise InputError("your finished runs are a sweep of base LRs, and such laws fail where these differ")
    if not curves_of([live]):
        count = np.count_nonzero(is_fitted(live))
        raise InputError(f"the live run has only {count} losses after the first {SKIPPED:.0%} of its steps")
    ensemble = fit_ensemble(all_runs(live, finished), LEAST_CURVES)
    ensemble.check_resolves(ensemble.differences(others, plan)[0])
    return ensemble
