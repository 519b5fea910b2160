"""Suggesting which schedule and base LR to run next, from the runs that somebody has."""

import os
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from lrshape.errors import InputError, listed, shown
from lrshape.predict.candidates import Candidate, candidates, moved, stretched, warmup_steps
from lrshape.predict.cost_limit import affordable
from lrshape.predict.curve_forecasts import judged_by_curves
from lrshape.predict.held_out import held_out, widening
from lrshape.predict.laws.convex_bound import ConvexBound, split_unstable, told_unstable
from lrshape.predict.live import checked_horizons, suggest_continuation
from lrshape.predict.live_run import live_run
from lrshape.predict.next_runs import NextRun, next_runs, next_runs_without_law, rounded
from lrshape.predict.reading import PathLike, Runs, read_runs
from lrshape.predict.repeats import averaged
from lrshape.predict.runs import Run, equally_long
from lrshape.predict.shape_transfer import MISFIT, chance, transfer_sweep
from lrshape.predict.suggestion import Row, Suggestion, Today
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedule_file import read_schedule
from lrshape.shapes.steps import checked_steps
from lrshape.values import path_of, plain, positive_number, whole_number

MOST_STEPS = 10_000_000
"""Steps of a suggestion: schedules are compared step by step, so that more take minutes and GiB."""
LEAST_LEFT = 4
"""Runs that must remain without an odd one: the bound has three parameters, so that any three follow it."""
MOST_RUNS = 50
"""Runs of which each is left out in turn: more take minutes, and one of them is no longer what is wrong."""


def suggest(
    runs: Runs | PathLike | Iterable[Run | PathLike] = (),
    steps: int | Sequence[int] | None = None,
    *,
    metric: str | None = None,
    like: Schedule | PathLike | None = None,
    families: Sequence[str] | None = None,
    columns: Mapping[str, str] | None = None,
    schedules: Mapping[str, Schedule | PathLike] | None = None,
    parents: Mapping[str, str] | None = None,
    from_step: int | None = None,
    live: str | None = None,
    cost_limit: float | None = None,
) -> Suggestion:
    """Suggest which schedule and base LR to run next, from the runs that there are, without training.

    Args:
        runs: files and folders of logs, see `lrshape.predict.reading.read_runs`, or `Run` objects. It works
            best with an LR sweep of one schedule, three runs or more; without any, it only ranks shapes.
        steps: number of steps of the training to come; default: that of the best run. With ``from_step``
            also up to three numbers, if it is not known yet at which of them the run will stop.
        metric: the loss to use, a heading or a kind such as ``val_loss``. This argument, ``columns``,
            ``schedules`` and ``parents`` are for files.
        like: a schedule, or its file, to include in the comparison.
        families: candidates are common members of these; default: those that people use.
        columns: headings of the logs by role.
        schedules: schedules of runs whose logs have no LRs.
        parents: by run, the run that it was resumed from.
        from_step: suggest how to continue a run in progress after this number of steps.
        live: name of that run; default: the only one that is unfinished, or ends there, or is given.
        cost_limit: how many full runs' worth of steps the next runs may cost in all, above 0; default: no
            limit. A run that goes on from a checkpoint of another one costs only its own steps.

    Raises:
        InputError: if an argument is not legal, or a log cannot be read.

    Example:
        >>> import numpy as np
        >>> from lrshape.predict.runs import Run
        >>> hold = np.minimum(1, 5 * np.linspace(1, 0, 1000, endpoint=False))
        >>> losses = {5e-4: 3.06, 1e-3: 3.01, 2e-3: 3.03}
        >>> runs = [Run(f"{lr:g}", lr * hold, [1000], [loss]) for lr, loss in losses.items()]
        >>> found = suggest(runs, steps=1000)
        >>> found.rows[0].difference < 0
        True
    """
    if cost_limit is not None:
        cost_limit = positive_number("cost_limit, in full runs,", cost_limit)
    steps = plain(steps)
    families = plain(families)
    if not isinstance(families, list | None) or any(not isinstance(name, str) for name in families or []):
        raise InputError(f"families must be a list of names, got {shown(families)}")
    read = _read(runs, metric, columns, schedules, parents)
    own = [] if like is None else [_like(like)]
    if from_step is not None:
        if cost_limit is not None:
            raise InputError("cost_limit (--cost-limit) cannot be combined with from_step")
        return _goes_on(read, whole_number("from_step", from_step, 1), steps, live, families, own)
    if live is not None:
        raise InputError("live (--live) needs from_step (--from-step)")
    if isinstance(steps, list):
        raise InputError(f"steps must be one number without from_step (--from-step), got {shown(steps)}")
    ended, repeats = averaged([run for run in read if run.name not in read.unfinished])
    finished = [run for run in ended if not run.diverged]
    if steps is None and not finished and not own:
        but = f" but {len(ended)} that diverged" if ended else ""
        why = "; ".join(read.notes) or f"got no run{but}"
        raise InputError(f"steps are needed (--steps) where no finished run or schedule gives them; {why}")
    if not finished:
        chosen = _checked_steps(own[0].schedule.steps if steps is None else steps)
        which = "All finished runs diverged" if ended else "No run is finished"
        why = (f"{which}, so there is no final loss.",) if len(read) else ()
        found = _paid(_without_runs(chosen, families, own), cost_limit)
        doubts = (*told_unstable(ended), *_too_high(found, ended), *found.doubts)
        return replace(found, doubts=doubts, unstable=tuple(ended), notes=(*read.notes, *repeats, *why))
    best = min(finished, key=lambda run: run.final_loss)
    steps = _checked_steps(best.steps if steps is None else steps)
    today = _today(finished, steps)
    own = [Candidate(f"{today.run.name}’s shape", today.schedule, own=True), *_at(own, steps)]
    offered = candidates(steps, warmup_steps(today.schedule.values()), families, own)
    found = judged_by_curves(_from_runs(ended, today, offered), offered, families)
    if found.contradiction and (odd := _odd_run(finished)) is not None:
        if odd is today.run:
            others = f"; without {odd.name}, the best of them, the others follow the bound."
            contradiction = found.contradiction.removesuffix(".") + others
            found = replace(found, contradiction=contradiction)
        else:
            doubt = f"{odd.name} is left out: without it, the other runs follow the bound."
            kept = [run for run in ended if run is not odd]
            found = judged_by_curves(_from_runs(kept, today, offered), offered, families)
            found = replace(found, doubts=(doubt, *found.doubts))
    found = _paid(found, cost_limit)
    if found.rows and not equally_long(today.run.steps, steps):
        counted = "stable finished run" if found.unstable else "finished run"
        doubt = (
            f"No {counted} has {steps:,} steps: lrshape carries the forecasts over from "
            f"{today.run.steps:,} steps{', a ratio that is untested' if today.is_far else ''}."
        )
        found = replace(found, doubts=(*found.doubts, doubt))
    return replace(found, notes=(*read.notes, *repeats, *_left_out(read.unfinished)))


def _left_out(unfinished: Sequence[str]) -> list[str]:
    return [f"lrshape leaves out unfinished runs: {listed(unfinished, 4)}"] if unfinished else []


def _goes_on(
    read: Runs,
    from_step: int,
    steps: int | Sequence[int] | None,
    live: str | None,
    families: Sequence[str] | None,
    own: Sequence[Candidate],
) -> Suggestion:
    """Suggest how to go on with the run in progress."""
    if families is not None:
        raise InputError("families (--families) cannot be combined with from_step: it only decays a run's LR")
    horizons = checked_horizons(steps, from_step)
    run, finished = live_run(read, from_step, live)
    finished, repeats = averaged(finished, apart=run.name)
    plans = [plan for horizon in horizons for plan in _at(own, horizon)]
    left_out = _left_out([name for name in read.unfinished if name != run.name])
    found = suggest_continuation(run, finished, horizons, plans)
    return replace(found, notes=(*read.notes, *repeats, *left_out))


def _paid(found: Suggestion, limit: float | None) -> Suggestion:
    chosen = affordable(found.next_runs, found.runs, found.steps, limit)
    doubts = found.doubts
    if found.next_runs and not chosen:
        doubts += (f"No useful next run costs at most {limit:g} full runs.",)
    elif chosen and chosen[0].schedule != found.next_runs[0].schedule:
        doubts += (f"The first choice costs more than {limit:g} full runs.",)
    return replace(found, next_runs=chosen, doubts=doubts)


def _checked_steps(steps: object) -> int:
    number = checked_steps(steps)
    if number > MOST_STEPS:
        raise InputError(f"steps of a suggestion must be at most {MOST_STEPS:,}, got {number:,}")
    return number


def _read(
    runs: Runs | PathLike | Iterable[Run | PathLike],
    metric: str | None,
    columns: Mapping[str, str] | None,
    schedules: Mapping[str, Schedule | PathLike] | None,
    parents: Mapping[str, str] | None,
) -> Runs:
    of_files = {"metric": metric, "columns": columns, "schedules": schedules, "parents": parents}
    if isinstance(runs, Runs):
        return _ready(runs, of_files)
    given = list(runs) if isinstance(runs, Iterable) and not isinstance(runs, str | os.PathLike) else [runs]
    ready = [run for run in given if isinstance(run, Run)]
    if ready and len(ready) < len(given):
        raise InputError("runs must be all Run objects or all files, got both")
    if ready:
        return _ready(Runs(tuple(ready)), of_files)
    sources = [source for source in given if not isinstance(source, Run)]
    return read_runs(sources, metric=metric, columns=columns, schedules=schedules, parents=parents)


def _ready(runs: Runs, of_files: Mapping[str, object]) -> Runs:
    given = [name for name, value in of_files.items() if value]
    if given:
        raise InputError(f"{given[0]} is for files of runs, and these runs have been read: remove it")
    return runs


def _like(like: Schedule | PathLike) -> Candidate:
    is_schedule = isinstance(like, Schedule)
    name = f"yours ({like.family})" if is_schedule else path_of(like).stem
    schedule = like if is_schedule else read_schedule(like)
    if schedule.min_lr:  # at another base LR its floor would be another share of the peak
        schedule = Schedule.from_values(schedule.values())
    return Candidate(name, schedule, own=True)


def _at(own: Sequence[Candidate], steps: int) -> list[Candidate]:
    return [each._replace(schedule=moved(each.schedule, steps)) for each in own]


def _today(runs: Sequence[Run], steps: int) -> Today:
    """The best of the runs with about the number of steps that is nearest; none that was unstable."""
    with suppress(InputError):  # what contradicts the bound is told later
        runs = split_unstable(runs)[0]
    nearest = min((abs(np.log(run.steps / steps)), run.steps) for run in runs)[1]
    alike = [run for run in runs if equally_long(run.steps, nearest)]
    best = min(alike, key=lambda run: run.final_loss)
    return Today(best, Schedule.from_values(stretched(best.lrs, steps)))


def _without_runs(steps: int, families: Sequence[str] | None, like: Sequence[Candidate]) -> Suggestion:
    """Shapes by the theorem alone, which is what ranked those of a public grid of trainings best.

    The base LR of a shape is that of the user's schedule, if there is one, times the ratio of their best ones
    by the law with its usual exponents: with the theorem's, a final LR above 0 costs too little.
    """
    own = _at(like, steps)
    offered = candidates(steps, warmup_steps(own[0].schedule.values()) if own else 0, families, own)
    shapes = [each.schedule.multipliers() for each in offered]
    theorem, law = ConvexBound(rate=1, memory=1), ConvexBound()
    values = np.array([theorem.lowest(shape)[1] for shape in shapes])
    factors = np.ones(len(offered))
    if own:
        best = [law.lowest(shape)[0] for shape in (own[0].schedule.multipliers(), *shapes)]
        factors = own[0].schedule.base_lr * np.array(best[1:]) / best[0]
    rows = [
        Row(
            offered[i].name,
            offered[i].schedule.replace(base_lr=rounded(float(factors[i]))),
            offered[i].own,
            bound=float(values[i] / values.min()),
        )
        for i in np.argsort(values, kind="stable")
    ]
    reason = "the bound ranks it first; its base LR is right if that of your schedule is right for yours"
    chosen = (NextRun(rows[0].name, rows[0].schedule, reason),) if own else ()
    return Suggestion(steps, (), None, tuple(rows), next_runs=chosen, base_lr_known=bool(own))


def _too_high(found: Suggestion, diverged: Sequence[Run]) -> list[str]:
    """Say if the first next run has LRs with which a run diverged."""
    highest = max((run.schedule.values().max() for run in found.next_runs[:1]), default=0.0)
    reached = [float(run.lrs.max()) for run in diverged if run.lrs.max() <= highest]
    if not reached:
        return []
    return [
        f"The first choice has LRs up to {highest:.3g}: with LRs up to {min(reached):.3g} a run diverged."
    ]


def _from_runs(runs: Sequence[Run], today: Today, offered: Sequence[Candidate]) -> Suggestion:
    steps = today.schedule.steps
    known = tuple(run for run in runs if not run.diverged)
    empty = Suggestion(steps, known, today)
    try:
        stable, unstable = split_unstable(runs)
    except InputError as error:
        contradiction = f"{error}."
        return replace(empty, contradiction=contradiction, next_runs=next_runs_without_law(today, offered))
    empty = replace(empty, runs=tuple(stable), unstable=tuple(unstable))
    best = min(stable, key=lambda run: run.final_loss)
    is_fitted = today.run is best and today.is_run and len(best.lrs_of_loss) == best.steps
    origin = None if is_fitted else today.schedule.values()
    shapes = (each.schedule.multipliers() for each in offered)  # one at a time: 10^7 steps are 80 MB each
    found = transfer_sweep(runs, shapes, today=origin)
    if found.fitted.misfit < MISFIT:
        contradiction = f"The losses of the {len(found.fitted.runs)} runs do not follow the bound."
        return replace(empty, contradiction=contradiction, next_runs=next_runs_without_law(today, offered))
    left_out = held_out(found.fitted.runs)
    wider = widening(left_out)
    rows = []
    for forecast in found.forecasts:
        candidate, error = offered[forecast.shape], wider * forecast.error
        rows.append(
            Row(
                candidate.name,
                candidate.schedule.replace(base_lr=rounded(forecast.base_lr)),
                candidate.own,
                loss=forecast.loss,
                difference=forecast.difference,
                error=error,
                better=chance(forecast.difference, error),
            )
        )
    doubts = list(found.doubts)
    if wider > 1.05:
        doubts.append(
            f"Where lrshape predicts each run from the others, the errors are {wider:.2g} times those "
            "expected; it widens the intervals by that factor."
        )
    return replace(
        empty,
        rows=tuple(rows),
        doubts=tuple(doubts),
        held_out=tuple(left_out),
        next_runs=next_runs(rows, found, today, wider),
    )


def _odd_run(runs: Sequence[Run]) -> Run | None:
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
