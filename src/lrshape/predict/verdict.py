"""A suggestion in one sentence, which claims no more than its interval does."""

from typing import TYPE_CHECKING

from lrshape.predict.candidates import alike
from lrshape.predict.shape_transfer import CAUTION
from lrshape.report.words import Precision, counted, rate

if TYPE_CHECKING:
    from lrshape.predict.horizons import Choice, Live
    from lrshape.predict.suggestion import Row, Suggestion

NEAR_RATIO = 1.1
"""Ratio of base LRs up to which a schedule is what the user does already, or has a tested LR."""


def verdict(found: "Suggestion") -> str:
    """Return which schedule to run next and what it should gain, or that this is not known, and why."""
    if found.contradiction:
        return f"lrshape does not know which schedule is better than what you do: {_lowered(found)}"
    if found.today is None:
        first = found.rows[0]
        lr = f" at base LR {rate(first.schedule.base_lr)}" if found.base_lr_known else ""
        unknown = "how much it gains" if found.base_lr_known else "its best base LR, or how much it gains"
        why = "All finished runs diverged, so" if found.unstable else "Without runs,"
        return (
            f"{why} lrshape ranks shapes only, by the convex bound: {first.name}{lr} is the first. "
            f"lrshape does not know {unknown}."
        )
    if found.live is not None:
        return _goes_on(found, found.live)
    first, run = found.rows[0], found.today.run.name
    where = f"{first.name} at base LR {rate(first.schedule.base_lr)}"
    is_best = found.today.run.final_loss <= min(other.final_loss for other in found.runs)
    best = "your best run" if is_best else f"your best run of {found.steps:,} steps"
    what = f"{best}, {run}" if found.today.is_run else f"{run} over {found.steps:,} steps"
    than = f"{what},{by}" if (by := _by(found)) else what
    is_theirs = first.own and alike(first.schedule, found.today.schedule)
    if is_theirs and 1 / NEAR_RATIO < first.schedule.base_lr / found.today.schedule.base_lr < NEAR_RATIO:
        return f"Keep {where}: no candidate is expected to be better than {than}."
    if found.today.is_far:
        return (
            f"Try {where} next, but lrshape does not know whether it is better than {what}: forecasts "
            f"from {found.today.run.steps:,} steps to {found.steps:,} are untested."
        )
    if first.difference >= 0:
        return (
            f"No candidate is expected to be better than {than}: for the first, {where}, the expected final "
            f"loss is {amount(found, first)} (95% interval {spread(found, first)})."
        )
    highest, peak = max(run.lrs.max() for run in found.runs), first.schedule.values().max()
    if too_high := [run for run in found.unstable if highest < run.lrs.max() <= peak]:
        return (
            f"Try {where} next, but lrshape does not know whether it is better than {what}: "
            f"{too_high[0].name} was unstable at LR {rate(too_high[0].lrs.max())}."
        )
    if peak > NEAR_RATIO * highest:
        return (
            f"Try {where} next, but lrshape does not know whether it is better than {what}: no "
            f"{'stable ' if found.unstable else ''}run had an LR above {rate(highest)}, and where training "
            "becomes unstable is not known."
        )
    if not first.interval[1] < 0:
        return (
            f"Try {where} next, but lrshape does not know whether it is better than {what}: the expected "
            f"final loss is {amount(found, first)}, and the 95% interval, {spread(found, first)}, includes 0."
        )
    tried = counted(len(found.runs), "run")
    return (
        f"Run {where} next: from {tried}, lrshape expects a final loss that is {amount(found, first)} than "
        f"that of {what} (95% interval {spread(found, first)})."
    )


def _by(found: "Suggestion") -> str:
    """By how much others may be better than the first, where the caution towards what is untested decides."""
    is_best = all(row.difference >= 0 for row in found.rows[1:])
    return "" if is_best else f" by more than {CAUTION:g} times the error of its forecast"


def _goes_on(found: "Suggestion", live: "Live") -> str:
    if live.unbranched:
        return _branches(found, live)
    first, chosen = found.rows[0], live.horizons[0].continuation
    if chosen is None:
        other = f"no other way to go on with {live.name} is expected to be better"
        return f"Keep to {first.name}: {other}{_by(found)}."
    held = "now" if chosen.start == live.from_step else f"from step {chosen.start:,}"
    how = f"ecay the LR of {live.name}, {rate(live.lr)}, {held} ({chosen.way})"
    if first.interval[1] < 0:
        return (
            f"D{how}: lrshape expects a final loss that is {amount(found, first)} than with {live.plan} (95% "
            f"interval {spread(found, first)})."
        )
    return (
        f"Try to d{how}, but lrshape does not know whether that is better than {live.plan}: the expected "
        f"final loss is {amount(found, first)}, and the 95% interval, {spread(found, first)}, includes 0."
    )


def _branches(found: "Suggestion", live: "Live") -> str:
    """Return how to hold the LR and branch off to each horizon, and what one schedule for all would lose."""
    ways = "; ".join(f"to stop at {each.steps:,}, {each.name}" for each in live.horizons)
    open_ones = [each for each in live.horizons if each.continuation and each.interval[1] >= 0]
    plan = live.plan if any(row.own for row in found.rows) else "decays over the last fifth"
    unknown = (
        f"lrshape does not know whether these are better than {plan}: the 95% interval includes 0 at "
        f"{', '.join(f'{each.steps:,}' for each in open_ones)} steps. "
        if open_ones
        else ""
    )
    alone = live.unbranched[0]
    worst = max(range(len(alone.regrets)), key=lambda i: alone.regrets[i])
    return (
        f"Hold the LR of {live.name}, {rate(live.lr)}, and branch off from checkpoints: {ways}. {unknown}"
        f"Without a branch, {alone.continuation.name} is expected to lose least: at worst "
        f"{precision(found).text(alone.regrets[worst])} more, at {live.horizons[worst].steps:,} "
        "steps."
    )


def _lowered(found: "Suggestion") -> str:
    return found.contradiction[:1].lower() + found.contradiction[1:]


def precision(found: "Suggestion") -> Precision:
    """Return the decimals of losses and differences: two digits of the first candidate's interval."""
    error = 3 * found.rows[0].error if found.rows else 0.0
    loss = min((run.final_loss for run in found.runs), default=None)
    return Precision(loss, step=error if error > 0 else 0.0)


def amount(found: "Suggestion", row: "Row | Choice") -> str:
    """Return how a candidate's loss lies to today's: ``0.012 lower``."""
    side = "lower" if row.difference <= 0 else "higher"
    return f"{precision(found).text(abs(row.difference))} {side}"


def spread(found: "Suggestion", row: "Row | Choice") -> str:
    """Return the interval of `amount`: ``0.004 to 0.020 lower``, or ``0.005 lower to 0.001 higher``."""
    low, high = row.interval
    text = precision(found).text
    if high < 0:
        return f"{text(-high)} to {text(-low)} lower"
    if low > 0:
        return f"{text(low)} to {text(high)} higher"
    return f"{text(-low)} lower to {text(high)} higher"
