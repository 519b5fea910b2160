"""Several laws as one, weighted by how well each predicts unseen differences of final losses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError
from lrshape.predict.candidates import same
from lrshape.predict.compressed import compress
from lrshape.predict.curve_law import CurveLaw, FittedCurve, is_fitted
from lrshape.predict.held_out import HeldOut
from lrshape.predict.law import FittedLaw
from lrshape.predict.laws.convex_bound import RELATIVE_NOISE, ConvexBound
from lrshape.predict.laws.curves import CURVE_LAWS
from lrshape.predict.runs import Run

Array = NDArray[np.float64]

MEMBERS = {**CURVE_LAWS, "convex-bound": ConvexBound()}
LEAST_RUNS = 3
"""Runs with curves from which some can be held out: two that remain say how losses differ at all."""
LEAST_LOSSES = 10
"""Logged losses that make a curve, those of its first steps not counted."""
KNOWN_ERROR = 0.0025
"""Standard deviation of a curve law's error of a difference, relative to the loss: .002 to .011 of 3 in
models of 25M and 400M parameters (data of arXiv:2503.12811). A few held-out runs may agree better by luck."""
FOLDS = 6
"""Most parts of the runs that are held out in turn, so that many runs do not take minutes."""
DRAWS = 50
"""Draws of the parameters that a fit leaves open."""


@dataclass(frozen=True, eq=False)
class Ensemble:
    """Laws fitted on all runs, with their weights.

    Attributes:
        members: the fitted laws by name.
        weights: of the members, by name; they sum to 1.
        error: standard deviation of a difference of final losses that the laws have not seen.
        noise: standard deviation of a run's final loss.
        held_out: each run predicted from the others.
    """

    members: dict[str, FittedLaw]
    weights: dict[str, float]
    error: float
    noise: float
    held_out: tuple[HeldOut, ...]

    def differences(self, schedules: Sequence[Array], today: Array) -> tuple[Array, Array]:
        """Return predicted final losses less that of another schedule, and their standard deviations.

        The error is that of held-out differences, what the fits leave open, how the laws differ, and the
        noise of both runs; only the noise for a schedule that is today's.

        Args:
            schedules: LRs of every step, n rows of ``(steps,)``.
            today: the other one, ``(steps,)``.

        Returns:
            Both ``(n,)``.
        """
        rows = [*schedules, today]
        weights = np.array(list(self.weights.values()))
        losses = np.array([member.predict(rows) for member in self.members.values()])
        each = losses[:, :-1] - losses[:, -1:]
        mean = weights @ each
        variance = self.error**2 + weights @ (each - mean) ** 2
        compressed = [compress(row) for row in rows]  # once, and not for each draw
        for weight, member in zip(weights, self.members.values(), strict=True):
            if isinstance(member, FittedCurve):
                drawn = np.array([one.ends(compressed) for one in member.draws(DRAWS)])
                drawn = drawn[:, :-1] - drawn[:, -1:]
                # A quantile, because single draws may lie where the formula breaks down.
                low, high = np.quantile(drawn, (0.16, 0.84), axis=0)
                variance += weight * ((high - low) / 2) ** 2
        variance[[same(today, row) for row in schedules]] = 0
        return mean, np.sqrt(variance + 2 * self.noise**2)

    def check_resolves(self, differences: Array) -> None:
        """Check that predicted differences are larger than what the laws miss on held-out runs.

        Raises:
            InputError: if they are not.
        """
        size = float(np.sqrt(np.mean(differences**2)))
        if self.error >= size:
            raise InputError(
                f"on held-out runs they miss differences of final losses by {self.error:.2g}, no less "
                f"than the differences that they would predict, {size:.2g}"
            )

    def told(self, what: str = "") -> str:
        """Say that the laws decide, between ``what`` if given, and how far they miss on held-out runs."""
        between = f" between {what}" if what else ""
        return (
            f"Laws of loss curves ({', '.join(CURVE_LAWS)}) decide{between}: on held-out runs they miss "
            f"differences of final losses by {self.error:.2g}."
        )

    def losses(self, schedules: Sequence[Array]) -> Array:
        """Return predicted final losses, ``(n,)``."""
        return sum(
            (self.weights[name] * member.predict(schedules) for name, member in self.members.items()),
            np.zeros(len(schedules)),
        )


def fit_ensemble(runs: Sequence[Run], least: int = LEAST_RUNS) -> Ensemble:
    """Fit the laws and weigh them by their held-out errors.

    Laws are weighted by the inverse of the mean squared error of held-out differences. The runs are
    held out one at a time, or, where they have several peak LRs, all runs of one LR at a time.

    Args:
        runs: those without a curve do not count.
        least: how many curves there must be.

    Raises:
        InputError: if nothing can be held out, the runs contradict the bound, or no law of curves can be
            fitted.
    """
    curves = curves_of(runs)
    if len(curves) < least:
        raise InputError(f"they need at least {least} runs with loss curves, got {len(curves)}")
    with np.errstate(over="ignore", invalid="ignore"):  # what a law predicts beyond its range is not judged
        members = {name: law.fit(curves) for name, law in MEMBERS.items()}
        errors = {name: _held_out_errors(law, curves) for name, law in MEMBERS.items()}
    # Pairs that one law could not predict count for none, so that all are judged by the same ones.
    judged = np.all(np.isfinite(list(errors.values())), axis=0)
    if not judged.any():
        raise InputError("whichever run is held out, no other run has an LR that falls")
    lowest = min(abs(run.final_loss) for run in curves)
    known = KNOWN_ERROR * lowest
    precision = {name: 1 / (np.mean(found[judged] ** 2) + known**2) for name, found in errors.items()}
    weights = {name: float(value / sum(precision.values())) for name, value in precision.items()}
    together = np.einsum("m,mij->ij", list(weights.values()), list(errors.values()))
    error = max(float(np.sqrt(np.mean(together[judged] ** 2))), known)
    left_out = []
    for i, run in enumerate(curves):
        best = min((j for j in range(len(curves)) if j != i), key=lambda j: curves[j].final_loss)
        if judged[i, best]:
            difference = run.final_loss - curves[best].final_loss
            left_out.append(HeldOut(run.name, difference, difference + float(together[i, best]), error))
    return Ensemble(members, weights, error, RELATIVE_NOISE * lowest, tuple(left_out))


def curves_of(runs: Sequence[Run]) -> list[Run]:
    """Return the runs that have loss curves, and not final losses alone."""
    return [run for run in runs if np.count_nonzero(is_fitted(run)) >= LEAST_LOSSES]


def _held_out_errors(law: CurveLaw | ConvexBound, runs: Sequence[Run]) -> Array:
    """Return errors of the differences of held-out runs to each run, ``(n, n)``; NaN where there is none."""
    losses = np.array([run.final_loss for run in runs])
    found = np.full((len(runs), len(runs)), np.nan)
    for left_out in _folds(runs):
        rest = [run for i, run in enumerate(runs) if i not in left_out]
        try:
            error = law.fit(rest).predict([run.lrs_of_loss for run in runs]) - losses
        except InputError:
            continue
        for i in left_out:
            found[i] = error[i] - error
            found[i, i] = np.nan
    return found


def _folds(runs: Sequence[Run]) -> Iterator[set[int]]:
    """Runs, by their indices, that are held out together: those of one peak LR, else one or a few."""
    order = sorted(range(len(runs)), key=lambda i: (runs[i].lrs.max(), runs[i].steps))
    peaks = [runs[i].lrs.max() for i in order]
    starts = [0, *(i for i, (a, b) in enumerate(pairwise(peaks), 1) if b > a * 1.05), len(order)]
    groups = [set(order[a:b]) for a, b in pairwise(starts)]
    if len(groups) == 1:
        groups = [{i} for i in order]
    for k in range(min(FOLDS, len(groups))):
        yield set().union(*groups[k::FOLDS])


def told_no_part(reason: str) -> str:
    """Say why laws of loss curves take no part."""
    return f"Laws of loss curves take no part: {reason}."
