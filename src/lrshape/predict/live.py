"""Suggesting how to go on with a run that is in progress: when and how to decay its LR."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError
from lrshape.predict.candidates import Candidate
from lrshape.predict.continuations import WAYS, Continuation, continuations, usual
from lrshape.predict.curve_forecasts import SUREST
from lrshape.predict.curve_law import CHANGE
from lrshape.predict.horizons import MOST_HORIZONS, Choice, Live, Unbranched
from lrshape.predict.laws.convex_bound import RELATIVE_NOISE
from lrshape.predict.live_forecasts import Forecasts, LiveForecasts, forecast
from lrshape.predict.live_run import all_runs
from lrshape.predict.next_runs import NextRun
from lrshape.predict.runs import Run
from lrshape.predict.shape_transfer import CAUTION, chance
from lrshape.predict.suggestion import FARTHEST, Row, Suggestion, Today
from lrshape.predict.verdict import NEAR_RATIO
from lrshape.report.words import number, percent, rate
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.steps import checked_steps

Array = NDArray[np.float64]

MOST_LIVE_STEPS = 1_000_000
"""Steps of a run to go on with: its schedules are tables of all LRs."""
BRANCH = 0.25
"""Steps of a short cooldown from now, relative to those that are done: it is then a fifth of the branch."""


def checked_horizons(steps: int | Sequence[int] | None, from_step: int) -> list[int]:
    """Return numbers of steps at which the run may stop, rising.

    Raises:
        InputError: if there is none, or too many, or one is not above ``from_step``, or too large.
    """
    if steps is None:
        raise InputError("from_step needs steps (--steps): the number of steps at which the run is to stop")
    given = sorted({checked_steps(each) for each in (steps if isinstance(steps, list) else [steps])})
    if not 1 <= len(given) <= MOST_HORIZONS:
        raise InputError(f"steps must be one to {MOST_HORIZONS} numbers, got {len(given)}")
    if given[0] <= from_step:
        raise InputError(f"steps must be above from_step, {from_step:,}, got {given[0]:,}")
    if given[-1] > MOST_LIVE_STEPS:
        raise InputError(f"steps with from_step must be at most {MOST_LIVE_STEPS:,}, got {given[-1]:,}")
    return given


def suggest_continuation(
    live: Run, finished: Sequence[Run], horizons: Sequence[int], plans: Sequence[Candidate]
) -> Suggestion:
    """Suggest from which step to decay the LR of a run, and how.

    Args:
        live: the run up to the step from which it goes on.
        finished: the other runs.
        horizons: rising numbers of steps at which it may stop.
        plans: what the user plans, by horizon: of its schedule counts what lies behind the steps that are
            done. Empty: the usual decay.

    Raises:
        InputError: if a plan raises the LR above what the run has had.
    """
    from_step, lr = live.steps, float(live.lrs[-1])
    planned = [_planned(live, steps, plans[i] if plans else None) for i, steps in enumerate(horizons)]
    names, tables = [name for name, _ in planned], [lrs for _, lrs in planned]
    some = [each.lrs(live.lrs) for each in continuations("linear to 0", from_step, horizons[-1])]
    found = forecast(live, finished, tables[-1], some)
    laws = found.laws
    today = Today(live, Schedule.from_values(tables[-1]), names[-1])
    empty = Suggestion(
        horizons[-1],
        tuple(all_runs(live, finished)),
        today,
        contradiction=found.contradiction,
        doubts=found.doubts,
        held_out=found.held_out,
        curve_laws=found.curve_laws,
        by_curves=found.by_curves,
        live=Live(live.name, from_step, lr, names[-1], ()),
    )
    if laws is None:
        reason = "no law holds for your runs, so keep to the plan"
        cost = 1 - from_step / horizons[-1]
        return replace(empty, next_runs=(NextRun(today.name, today.schedule, reason, cost),))
    noise = RELATIVE_NOISE * abs(live.final_loss)
    chosen = [_choices(live.lrs, name, plan, laws, noise) for name, plan in zip(names, tables, strict=True)]
    firsts = [choices[0] for choices in chosen]
    best = [_lrs(live.lrs, choice, plan) for choice, plan in zip(firsts, tables, strict=True)]
    alone = _unbranched(live.lrs, best, laws) if len(horizons) > 1 else ()
    rows = [_row(live.lrs, each, tables[-1], found, own=bool(plans)) for each in chosen[-1]]
    runs = [
        *_next_runs(firsts, best, noise),
        *([_alone(live.lrs, alone[0], horizons)] if alone else []),
        *([] if found.by_curves or len(horizons) > 1 else _branch(live, finished, horizons[-1])),
    ]
    return replace(
        empty,
        rows=tuple(rows),
        doubts=(*found.doubts, *_doubts(live, finished, horizons, bool(plans))),
        next_runs=tuple(run._replace(cost=(run.schedule.steps - from_step) / horizons[-1]) for run in runs),
        live=Live(live.name, from_step, lr, names[-1], tuple(firsts), alone),
    )


def _planned(live: Run, steps: int, plan: Candidate | None) -> tuple[str, Array]:
    if plan is None:
        decay = usual(live.steps, steps)
        return decay.name, decay.lrs(live.lrs)
    rest, highest = plan.schedule.values()[live.steps :], float(live.lrs.max())
    if rest.max() > NEAR_RATIO * highest:  # most likely it is on another scale; no law forecasts a rise
        raise InputError(
            f"like (--like) must have no LR above {NEAR_RATIO:g} times the highest of {live.name}, "
            f"{rate(highest)}, after step {live.steps:,}, got {rate(rest.max())}: give it the base LR of the "
            "run"
        )
    return plan.name, np.concatenate([live.lrs, rest])


def _choices(prefix: Array, name: str, plan: Array, laws: Forecasts, noise: float) -> list[Choice]:
    """The plan and the best start of each way to decay, the first choice at the front."""
    mean, error = laws.differences([plan], plan)
    steps = len(plan)
    found = [Choice(steps, name, None, float(mean[0]), float(error[0]))]
    for way in WAYS:
        starts = [each for each in continuations(way, len(prefix), steps) if each.name != name]
        if not starts:
            continue
        mean, error = laws.differences([each.lrs(prefix) for each in starts], plan)
        best, lowest = int(np.argmin(mean + CAUTION * error)), int(np.argmin(mean))
        worse = np.flatnonzero(mean > mean[lowest] + noise)
        first = worse[worse < lowest].max(initial=-1) + 1
        last = worse[worse > lowest].min(initial=len(mean)) - 1
        chosen, flat = starts[best], (starts[first].start, starts[last].start)
        found.append(Choice(steps, chosen.name, chosen, float(mean[best]), float(error[best]), flat))
    return sorted(found, key=lambda each: each.difference + CAUTION * each.error)


def _lrs(prefix: Array, choice: Choice, plan: Array) -> Array:
    return plan if choice.continuation is None else choice.continuation.lrs(prefix)


def _unbranched(prefix: Array, best: Sequence[Array], laws: Forecasts) -> tuple[Unbranched, ...]:
    """Schedules that never go back to a checkpoint, by rising largest regrets: the best of each way.

    They are decays to the last horizon, and decays to a part of the LR by an earlier one that stay there.

    Args:
        prefix: LRs of the steps that are done.
        best: by rising horizons, LRs of the best way to each, ``(steps,)``.
        laws: what forecasts.
    """
    horizons = [len(lrs) for lrs in best]
    least = np.concatenate([laws.losses([lrs]) for lrs in best])
    found = []
    for group in _groups(len(prefix), horizons):
        ranked = []
        for each in group:
            lrs = each.lrs(prefix)
            losses = np.concatenate([laws.losses([lrs[:steps]]) for steps in horizons])
            ranked.append(Unbranched(each, tuple((losses - least).tolist())))
        found.append(min(ranked, key=_worst))
    return tuple(sorted(found, key=_worst))


def _worst(each: Unbranched) -> float:
    return max(each.regrets)


def _groups(from_step: int, horizons: Sequence[int]) -> Iterator[list[Continuation]]:
    last = horizons[-1]
    for way in ("linear to 0", "1-sqrt to 0", "cosine to 10%"):
        yield continuations(way, from_step, last)[::2]
    for steps in horizons[:-1]:
        yield [
            each._replace(then=last - steps) for each in continuations("linear to 10%", from_step, steps)[::2]
        ]


def _row(prefix: Array, choice: Choice, plan: Array, found: LiveForecasts, own: bool) -> Row:
    lrs = _lrs(prefix, choice, plan)
    return Row(
        choice.name,
        Schedule.from_values(lrs),
        own and choice.continuation is None,
        loss=float(found.laws.losses([lrs])[0]) if found.laws and found.knows_losses else float("nan"),
        difference=choice.difference,
        error=choice.error,
        better=float(np.clip(chance(choice.difference, choice.error), 1 - SUREST, SUREST)),
    )


def _doubts(live: Run, finished: Sequence[Run], horizons: Sequence[int], is_planned: bool) -> list[str]:
    doubts = []
    holds = not is_planned and usual(live.steps, horizons[-1]).start > live.steps
    if holds and live.lrs[-1] < CHANGE * live.lrs.max():
        doubts.append(
            f"The LR of {live.name} has fallen to {percent(live.lrs[-1] / live.lrs.max())} of its highest, "
            "but the plan that lrshape compares with holds it: give your own plan (--like)."
        )
    longest = max(run.steps for run in (*finished, live))
    if horizons[-1] > FARTHEST * longest:
        doubts.append(
            f"Your runs have at most {longest:,} steps, {live.name} counted up to from_step: forecasts for "
            f"{horizons[-1]:,}, over {FARTHEST:g} times as many, are untested."
        )
    return doubts


def _next_runs(firsts: Sequence[Choice], best: Sequence[Array], noise: float) -> list[NextRun]:
    chosen = []
    for each, lrs in zip(firsts, best, strict=True):
        reason = "the first choice" if len(firsts) == 1 else f"if it stops at {each.steps:,} steps"
        if each.flat and each.flat[0] < each.flat[1]:
            reason += (
                f"; a start from step {each.flat[0]:,} to {each.flat[1]:,} is expected to end within "
                f"{number(noise, 2)} of the best start"
            )
        chosen.append(NextRun(each.name, Schedule.from_values(lrs), reason))
    return chosen


def _alone(prefix: Array, found: Unbranched, horizons: Sequence[int]) -> NextRun:
    return NextRun(
        found.continuation.name,
        Schedule.from_values(found.continuation.lrs(prefix)),
        f"if you cannot branch off from a checkpoint: at worst {number(max(found.regrets), 2)} above the "
        f"first choice, at {horizons[int(np.argmax(found.regrets))]:,} steps",
    )


def _branch(live: Run, finished: Sequence[Run], steps: int) -> list[NextRun]:
    """A short cooldown from now, where no run has told the laws of curves what a decay gains."""
    if any(run.lrs[-1] < CHANGE * run.lrs.max() and len(run.points) > 1 for run in finished):
        return []
    length = max(1, round(BRANCH * live.steps))
    if length >= steps - live.steps:  # no side branch, but a decay to the end, which is among the candidates
        return []
    decay = Continuation("linear to 0", live.steps, live.steps + length)
    reason = (
        f"{length:,} steps on the side from the checkpoint at step {live.steps:,} show what decays gain: "
        "also give lrshape their log"
    )
    return [NextRun(decay.name, Schedule.from_values(decay.lrs(live.lrs)), reason)]
