"""What laws of loss curves add to a suggestion: which shape, at the base LR that was run."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from lrshape.errors import InputError
from lrshape.predict.candidates import Candidate, warmup_steps
from lrshape.predict.curve_law import CHANGE
from lrshape.predict.ensemble import Ensemble, curves_of, fit_ensemble, told_no_part
from lrshape.predict.laws.convex_bound import split_unstable, told_unstable
from lrshape.predict.next_runs import STEP, WITHOUT_LAW, WORTH, NextRun, is_sweep, rounded, second_choice
from lrshape.predict.runs import Run
from lrshape.predict.shape_transfer import CAUTION, REACH, chance
from lrshape.predict.suggestion import Row, Suggestion, Today
from lrshape.shapes.schedule import Schedule

PEAK_RATIO = 1.5
"""Ratio of peak LRs up to which curve laws hold: they fail where base LRs differ."""
SUREST = 0.99
"""Highest probability that is claimed, and 1 less the lowest: a few held-out runs tell no more."""
HELD = 0.2
"""Share of its steps that a run stays at its highest LR, from which a fall after it is a cooldown."""


def judged_by_curves(
    found: Suggestion, offered: Sequence[Candidate], families: Sequence[str] | None = None
) -> Suggestion:
    """Return a suggestion by the laws of curves, or the given one with the reason why they take no part.

    Args:
        found: by the bound.
        offered: the candidates.
        families: those that may be suggested; default: all.
    """
    today = found.today
    curves = curves_of(found.runs)
    if not curves or today is None:
        return found
    if is_sweep(found.runs):
        reason = "they fail where base LRs differ, and your runs are a sweep of them"
        return replace(found, curve_laws=told_no_part(reason))
    peak = float(today.run.lrs.max())
    if not any(1 / PEAK_RATIO <= run.lrs.max() / peak <= PEAK_RATIO for run in curves):
        reason = f"no run with a loss curve has a peak LR near {peak:.3g}"
        return _abstained(found, curves, reason, families)
    schedules = [each.schedule.replace(base_lr=rounded(peak)) for each in offered]
    lrs = [schedule.values() for schedule in schedules]
    try:
        stable, _ = split_unstable(found.runs)  # again: this is where runs that contradict the bound end
        ensemble = fit_ensemble(stable)
        mean, errors = ensemble.differences(lrs, today.schedule.values())
        ensemble.check_resolves(mean)
    except InputError as error:
        return _abstained(found, curves, str(error), families)
    losses = ensemble.losses(lrs)
    rows = tuple(
        Row(
            offered[i].name,
            schedules[i],
            offered[i].own,
            loss=float(losses[i]),
            difference=float(mean[i]),
            error=float(errors[i]),
            better=float(np.clip(chance(float(mean[i]), float(errors[i])), 1 - SUREST, SUREST)),
        )
        for i in np.argsort(mean + CAUTION * errors, kind="stable")
    )
    return replace(
        found,
        rows=rows,
        contradiction="",
        doubts=(
            *told_unstable(found.unstable),
            "The base LR is that of your best run: these runs do not tell which one is best.",
        ),
        held_out=ensemble.held_out,
        next_runs=_next_runs(found, rows, ensemble),
        by_curves=True,
        curve_laws=ensemble.told("shapes"),
    )


def _next_runs(found: Suggestion, rows: Sequence[Row], ensemble: Ensemble) -> tuple[NextRun, ...]:
    """Return the first choice, at the base LR that the bound guesses, too, and the second choice."""
    first, second = rows[0], second_choice(rows)
    chosen = [NextRun(first.name, first.schedule, "the first choice")]
    base_lr = first.schedule.base_lr
    by_bound = next((row.schedule.base_lr for row in found.rows if row.name == first.name), base_lr)
    other = rounded(float(np.clip(by_bound, base_lr / STEP, base_lr * STEP)))
    if max(other / base_lr, base_lr / other) > WORTH:
        side = "higher" if other > base_lr else "lower"
        reason = f"runs at one base LR do not tell the best one, and the bound guesses that it is {side}"
        chosen.append(NextRun(first.name, first.schedule.replace(base_lr=other), reason))
    if second is not None and second.difference - first.difference < REACH * ensemble.error:
        reason = f"its forecast cannot be told from that of {first.name}"
        chosen.append(NextRun(second.name, second.schedule, reason))
    return tuple(chosen)


def _abstained(
    found: Suggestion, curves: Sequence[Run], reason: str, families: Sequence[str] | None
) -> Suggestion:
    """Return the suggestion without these laws, and what would tell them most if the runs lack it."""
    chosen = found.next_runs
    if found.today is not None and not found.contradiction and not any(_cools_down(run) for run in curves):
        branch = _branch(found.today)
        if not families or {run.schedule.family for run in branch} <= set(families):
            chosen = (*chosen[:1], *branch)
    return replace(found, next_runs=chosen, curve_laws=told_no_part(reason))


def _cools_down(run: Run) -> bool:
    """Whether the LR stays at its highest for a while and has fallen by the last logged loss."""
    lrs = run.lrs_of_loss
    return bool(np.mean(lrs >= 0.999 * lrs.max()) >= HELD and lrs[-1] < CHANGE * lrs.max())


def _branch(today: Today) -> tuple[NextRun, NextRun]:
    """Return a constant run and the cooldown that branches off from it."""
    steps, base_lr = today.schedule.steps, rounded(float(today.run.lrs.max()))
    warmup = warmup_steps(today.schedule.values()) / steps
    return (
        NextRun(
            "constant",
            Schedule("constant", {"warmup": warmup}, base_lr, steps),
            "with its cooldown, it tells laws of loss curves what every decay gains",
        ),
        NextRun(
            WITHOUT_LAW[1],
            Schedule("wsd", {"decay": 0.2, "exponent": 1.0, "warmup": warmup}, base_lr, steps),
            "the cooldown",
        ),
    )
