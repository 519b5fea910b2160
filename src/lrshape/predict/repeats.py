"""Repeats of one schedule, such as seeds, as one run: no law of schedules tells them apart."""

from collections.abc import Sequence

import numpy as np

from lrshape.errors import listed
from lrshape.predict.notes import Notes
from lrshape.predict.run_curves import Told
from lrshape.predict.runs import Run

SAME_LRS = 1e-3
"""Difference of LRs, relative to the highest, up to which logs round the same ones."""
COMPARED = 1000
"""Steps, at least, at which LRs are compared where a run has more."""
SEEDS = 0.02
"""Difference of final losses, relative to them, that seeds may make: a larger one has another reason."""


def averaged(runs: Sequence[Run], apart: str = "") -> tuple[list[Run], tuple[str, ...]]:
    """Return the runs, those with the same LRs as their mean in the place of the first, and notes on them.

    The mean has a loss curve if all of them logged at the same steps, else the mean of their final losses
    alone. A run that diverged stays as it is.

    Args:
        runs: all of them are finished.
        apart: name of a run that stays as it is.
    """
    groups: list[list[Run]] = []
    for run in runs:
        same = (
            group
            for group in groups
            if run.name != apart != group[0].name and all(_repeats(run, other) for other in group)
        )
        if (group := next(same, None)) is None:
            groups.append([run])
        else:
            group.append(run)
    notes = Notes()
    found = [group[0] if len(group) == 1 else _mean(group, notes) for group in groups]
    return found, notes.lines()


def _repeats(run: Run, other: Run) -> bool:
    if run.steps != other.steps or run.points[-1] != other.points[-1] or run.diverged or other.diverged:
        return False
    if abs(run.final_loss - other.final_loss) > SEEDS * abs(other.final_loss):
        return False
    places = slice(None, None, max(run.steps // COMPARED, 1))
    return bool(np.abs(run.lrs[places] - other.lrs[places]).max() <= SAME_LRS * other.lrs.max())


def _mean(group: Sequence[Run], notes: Notes) -> Run:
    first, finals = group[0], [run.final_loss for run in group]
    name = f"{first.name} (mean of {len(group)} runs)"
    text = (
        f"{listed(run.name for run in group)} have the same LRs, and count as one run; their final losses "
        f"are {min(finals):.5g} to {max(finals):.5g}"
    )
    notes.tell(name, [Told("repeats", text)])
    if all(np.array_equal(run.points, first.points) for run in group):
        return Run(name, first.lrs, first.points, np.mean([run.losses for run in group], axis=0))
    return Run(name, first.lrs, first.points[-1:], np.array([sum(finals) / len(finals)]))
