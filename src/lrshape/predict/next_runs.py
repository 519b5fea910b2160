"""Which one to three runs would help most: simple rules, each with its reason."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from lrshape.predict.candidates import Candidate, about_alike
from lrshape.predict.runs import Run, equally_long
from lrshape.predict.shape_transfer import REACH, Transfer
from lrshape.shapes.schedule import Schedule

if TYPE_CHECKING:
    from lrshape.predict.suggestion import Row, Today

STEP = 2.0
"""Factor between base LRs of a sweep."""
WORTH = 1.3
"""Ratio of base LRs from which another run is worth it."""
WITHOUT_LAW = ("linear to 0", "WSD 20%")
"""The shapes that people use most: what to compare where nothing is known."""
LEAST_SWEPT = 3
"""Base LRs of one shape that make a sweep: the bound is better than laws of curves where LRs differ."""


class NextRun(NamedTuple):
    """A run that would help.

    Attributes:
        name: of its shape.
        schedule: what to train with.
        reason: why, as the end of a sentence.
        cost: steps that it trains anew, relative to those of a full run.
    """

    name: str
    schedule: Schedule
    reason: str
    cost: float = 1.0


def next_runs(rows: "Sequence[Row]", found: Transfer, today: "Today", wider: float) -> tuple[NextRun, ...]:
    """Return the first choice, then what its base LR and its shape are uncertain by.

    Args:
        rows: the candidates, the first choice at the front.
        found: what they come from.
        today: the user's best run.
        wider: factor on the errors.
    """
    first = rows[0]
    chosen = [NextRun(first.name, first.schedule, "the first choice")]
    lrs = swept(found.fitted.runs, today.run)
    base_lr, peak = first.schedule.base_lr, today.run.lrs.max()
    if len(lrs) <= 1:
        stable = "stable " if found.fitted.unstable else ""
        reason = (
            f"no other {stable}run of about as many steps has the shape of {today.run.name} at another base "
            "LR, so the best one is not known: this brackets it"
        )
        sides = [(1 / STEP, reason), (STEP, reason)]
    elif peak in (lrs[0], lrs[-1]):
        is_low = bool(peak == lrs[0])
        end = "lowest" if is_low else "highest"
        reason = f"the best of your runs has the {end} base LR of its sweep, so the best may lie beyond"
        sides = [(1 / STEP if is_low else STEP, reason)]
    else:
        sides = []
    for factor, reason in sides:
        lr = rounded(min(base_lr * factor, found.limit / first.schedule.multipliers().max()))
        if max(lr / base_lr, base_lr / lr) > WORTH:
            chosen.append(NextRun(first.name, first.schedule.replace(base_lr=lr), reason))
    second = second_choice(rows)
    if second is not None and len(chosen) < 3 and not _decided(second, first, found, wider):
        reason = f"lrshape cannot tell whether it is better than {first.name}"
        chosen.append(NextRun(second.name, second.schedule, reason))
    return tuple(chosen)


def next_runs_without_law(today: "Today", offered: Sequence[Candidate]) -> tuple[NextRun, ...]:
    """Return the usual shapes, or the first ones, at the base LR of the best run: only trainings can tell."""
    reason = "no law holds for your runs, so compare shapes at your best base LR"
    base_lr = rounded(float(today.run.lrs.max()))
    others = [each for each in offered if not each.own]
    usual = [each for each in others if each.name in WITHOUT_LAW] or others[: len(WITHOUT_LAW)]
    return tuple(NextRun(each.name, each.schedule.replace(base_lr=base_lr), reason) for each in usual)


def swept(runs: Sequence[Run], best: Run) -> list[float]:
    """Return the base LRs of the runs with the shape and about the steps of the best one, rising."""
    alike = [r for r in runs if equally_long(r.steps, best.steps) and about_alike(r.lrs, best.lrs)]
    return sorted({float(run.lrs.max()) for run in alike})


def is_sweep(runs: Sequence[Run]) -> bool:
    """Whether the runs have some shape at `LEAST_SWEPT` base LRs or more."""
    return any(len(swept(runs, run)) >= LEAST_SWEPT for run in runs)


def second_choice(rows: "Sequence[Row]") -> "Row | None":
    """Return the first candidate whose shape is not about that of the first choice."""
    first = rows[0].schedule.multipliers()
    return next((row for row in rows[1:] if not about_alike(row.schedule.multipliers(), first)), None)


def rounded(base_lr: float) -> float:
    """Return a base LR as it is written: three significant digits."""
    return float(f"{base_lr:.3g}")


def _decided(second: "Row", first: "Row", found: Transfer, wider: float) -> bool:
    """Whether the 95% interval of the difference of two forecasts leaves out 0."""
    terms = [found.fitted.law.terms(row.schedule.values()) for row in (second, first)]
    difference = found.fitted.difference(terms[:1], terms[1])
    return abs(float(difference.mean[0])) > REACH * wider * float(difference.error[0])
