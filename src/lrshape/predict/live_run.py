"""The run that is in progress: which one it is, and its log up to the step from which it goes on."""

from collections.abc import Sequence

import numpy as np

from lrshape.errors import InputError, listed, shown
from lrshape.predict.curve_law import CHANGE
from lrshape.predict.reading import Runs
from lrshape.predict.runs import Run


def live_run(runs: Runs, from_step: int, name: str | None = None) -> tuple[Run, list[Run]]:
    """Return the run in progress up to a step, and the finished runs.

    It is the run of that name, else the only unfinished one. If none is unfinished, it is the only one whose
    log ends at that step, else the only run. A finished run from which another branches off stays among the
    finished ones, if its LR decayed after that step.

    Args:
        runs: all of them.
        from_step: how many of its steps are done, at least 1.
        name: of the run.

    Raises:
        InputError: if it cannot be told which run it is, or it does not reach that step.
    """
    whole = _chosen(runs, from_step, name)
    finished = [
        run
        for run in runs
        if run.name not in runs.unfinished
        and not run.diverged
        and (run is not whole or _decays(run, from_step))
    ]
    return _cut(whole, from_step), finished


def all_runs(live: Run, finished: Sequence[Run]) -> list[Run]:
    """The finished runs and the live one, but not its first steps beside the whole of it."""
    return [*finished, *([] if any(run.name == live.name for run in finished) else [live])]


def _chosen(runs: Runs, from_step: int, name: str | None) -> Run:
    names = [run.name for run in runs]
    if not names:
        raise InputError("from_step needs the log of the run in progress, got no runs")
    if name is not None and name not in names:
        raise InputError(f"live must be a run, one of {listed(names, 12)}, got {shown(name)}")
    unfinished = [run for run in runs if run.name in runs.unfinished]
    ending = [run for run in runs if _ends_at(run, from_step)]
    found: Sequence[Run] = [run for run in runs if run.name == name] if name else unfinished or ending
    found = found or list(runs)
    if len(found) > 1:
        what = "unfinished runs" if unfinished else "runs"
        raise InputError(
            f"from_step needs one run in progress, got {len(found)} {what}: name it with live (--live), one "
            f"of {listed((run.name for run in found), 12)}"
        )
    return found[0]


def _interval(run: Run) -> int:
    """Steps between its last two logged losses."""
    return int(run.points[-1] - run.points[-2]) if len(run.points) > 1 else 1


def _ends_at(run: Run, step: int) -> bool:
    return abs(run.steps - step) <= _interval(run)


def _decays(run: Run, step: int) -> bool:
    return not _ends_at(run, step) and bool(run.lrs[-1] < CHANGE * run.lrs[min(step, run.steps) - 1])


def _cut(run: Run, step: int) -> Run:
    """The run's first steps; a checkpoint may lie up to one logging interval behind the end of its log."""
    last = run.steps + _interval(run)
    if step > last:
        raise InputError(
            f"from_step must be at most {last:,}, one logging interval after the end of the log of "
            f"{run.name}, got {step:,}"
        )
    kept = run.points <= step
    if not kept.any():
        raise InputError(
            f"from_step must be at least {run.points[0]}, the first loss of {run.name}; got {step}"
        )
    if run.diverged and kept[-1]:
        raise InputError(
            f"from_step must be below {run.points[-1]:,}, where {run.name} diverged, got {step:,}"
        )
    lrs = np.append(run.lrs[:step], np.full(max(step - run.steps, 0), run.lrs[-1]))
    if lrs[-1] == 0:
        raise InputError(f"from_step must be a step at which the LR is above 0, got {step:,} of {run.name}")
    if step < 2 or lrs[-1] > 1.0001 * lrs[-2]:
        raise InputError(f"from_step must lie behind the warmup: the LR of {run.name} rises at {step:,}")
    return Run(run.name, lrs, run.points[kept], run.losses[kept])
