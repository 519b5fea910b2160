"""A run from what was logged of it: the LR of every step, and the losses at their points."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError, listed, shown
from lrshape.predict.headings import is_metric, may_be_loss, split_run
from lrshape.predict.merging import folder_of
from lrshape.predict.reader import RunLog, Series
from lrshape.predict.run_curves import Told, UnusableRunError, continued, every_lr
from lrshape.predict.runs import Run
from lrshape.report.words import counted
from lrshape.shapes.learning_rate_log import FINISHED, is_learning_rate

SAME_LR = 0.05
"""Relative difference of two learning rates at one step that leaves them alike."""

ROUNDED = 1e-6
"""Relative change of an LR up to which it is constant, and was rounded."""


class RunBuilder:
    """Builds runs from merged logs; the learning rates of one may begin with those of another."""

    def __init__(self, logs: Mapping[str, RunLog], schedules: Mapping[str, NDArray[np.float64]]):
        self._logs, self._schedules = logs, schedules
        self._rates: dict[Path, list[tuple[str, Series]]] = {}
        for name, log in logs.items():
            rates = [log.series[heading] for heading in _learning_rates(log)[:1]]
            self._rates.setdefault(folder_of(log), []).extend((name, series) for series in rates)

    def build(self, log: RunLog, heading: str | None) -> tuple[Run, list[Told], bool]:
        """A run, notes on it, and whether it ended where its schedule does."""
        faults = [text for name, text in log.faults.items() if not is_learning_rate(name)]
        if heading is None and faults:
            raise UnusableRunError("fault", faults[0])
        if heading is None:
            hint = ": metric (--metric) names another" if any(map(may_be_loss, log.series)) else ""
            raise UnusableRunError("loss", f"has no finite loss; it has {listed(log.series)}{hint}")
        points, losses = log.series[heading]
        finite = np.isfinite(losses)
        kept = finite & (points > 0)
        told = []
        if (end := _divergence(points, finite)) is not None:
            kept[end], losses = True, np.where(finite, losses, np.inf)
            text = f"diverged at step {points[end]:,.0f}: from there on no loss is finite"
            told.append(Told("diverged", text))
        if lost := int(np.sum(~finite[:end])):
            text = f"leaves out {counted(lost, 'loss', 'losses')} without a finite value"
            told.append(Told("infinite", text))
        points, losses = points[kept], losses[kept]
        if not len(points):
            raise UnusableRunError("loss", "has no finite loss after its first step")
        if losses[-1] == 0:
            zeros = len(losses) - 1 - max(np.flatnonzero(losses), default=-1)
            which = f"last {zeros} losses are" if zeros > 1 else "last loss is"
            text = (
                f"its {which} exactly 0: if its trainer logs 0 for NaN (as that of Hugging Face does), the "
                "run diverged: write nan in place of 0"
            )
            told.append(Told("zero", text))
        last = int(points[-1])
        between = float(np.median(np.diff(points))) if len(points) > 1 else np.inf
        lrs, more = self._lrs(log, last, (), between)
        whole = max(len(lrs), log.planned_steps or 0)
        stopped = "" if end is not None else log.stopped
        due = last + (int(np.diff(points)[-1]) if len(points) > 1 else last)
        reached = max(last, log.reached) if due > whole else last  # losses may be logged rarely
        if not stopped and end is None and reached < FINISHED * (whole - 1):  # the last may count from 0
            stopped = f"its losses, {heading!r}, end at step {last:,} of {whole:,}"
        if not stopped and end is None and not log.planned_steps and self._is_in_warmup(log, last):
            stopped = f"its LR still rises at step {last:,}, its last: it ended in its warmup"
        if stopped:
            lrs = lrs[:last]
            told.append(Told("unfinished", f"is unfinished: {stopped}"))
        try:
            return Run(log.name, lrs, points.astype(np.int64), losses), told + more, not stopped
        except InputError as error:
            raise UnusableRunError("run", str(error).removeprefix(f"{log.name}: ")) from None

    def interval(self, log: RunLog) -> int:
        """The steps from one logged LR to the next, the median; 1 where the LR of every step is known."""
        if log.name in self._schedules or log.lrs is not None:
            return 1
        steps = log.series[_learning_rates(log)[0]].steps
        return int(np.median(np.diff(steps))) if len(steps) > 1 else 1  # a resumed run may log one

    def _lrs(
        self, log: RunLog, last: int, children: tuple[str, ...], between: float = np.inf
    ) -> tuple[NDArray[np.float64], list[Told]]:
        """The LR of every step, of at least ``last`` steps."""
        if log.name in children:
            by_way = [child for child in children if child != log.name]
            way = f", by way of {listed(by_way)}" if by_way else ""
            raise UnusableRunError("parent", f"was resumed from itself{way}")
        known = self._schedules.get(log.name, log.lrs)
        if known is not None:
            if last > len(known):
                text = f"its losses go on to step {last:,}, its schedule has {len(known):,} steps"
                raise UnusableRunError("schedule", text)
            return known, []
        rates = _learning_rates(log)
        if not rates:
            raise UnusableRunError("no lr", _without_rates(log))
        series, told = log.series[rates[0]], []
        if len(rates) > 1:
            told.append(Told("lr column", f"reads the LR from {shown(rates[0])}, not {listed(rates[1:])}"))
        if log.parent:
            series = self._continued(log, series, (*children, log.name))
        try:
            lrs, more = every_lr(series, last, self._usual_begin(log), between)
        except UnusableRunError as error:
            hint = self._hint(log, series) if error.kind == "late" else ""
            raise UnusableRunError(error.kind, f"{error}{hint}") from None
        return lrs, told + more

    def _is_in_warmup(self, log: RunLog, last: int) -> bool:
        """Whether the LRs that it logged rise until its last step, and never fall: no schedule ends so."""
        if log.name in self._schedules or log.lrs is not None or log.parent:
            return False
        steps, values = log.series[_learning_rates(log)[0]]
        changes = np.diff(values)
        if 2 * steps[-1] - steps[-2] < last:  # the last LR stays, or is not known
            return False
        return bool(changes[-1] > ROUNDED * values[-1] and (changes >= 0).all())

    def _continued(self, log: RunLog, series: Series, children: tuple[str, ...]) -> Series:
        if log.parent not in self._logs:
            raise UnusableRunError("parent", f"was resumed from {shown(log.parent)}, which is no run here")
        try:
            before, _ = self._lrs(self._logs[log.parent], 0, children)
            return continued(before, series)
        except UnusableRunError as error:
            raise UnusableRunError("parent", f"was resumed from {shown(log.parent)}: {error}") from None

    def _others(self, log: RunLog) -> list[tuple[str, Series]]:
        """The LRs of other runs from the same folder."""
        return [(name, rates) for name, rates in self._rates[folder_of(log)] if name != log.name]

    def _usual_begin(self, log: RunLog) -> int | None:
        return min((int(rates.steps[0]) for _, rates in self._others(log)), default=None)

    def _hint(self, log: RunLog, rates: Series) -> str:
        """What to do about a run that begins late, and which runs have about its first LR at that step."""
        step, lr = rates.steps[0], rates.values[0]
        near = [
            name
            for name, other in self._others(log)
            if other.steps[0] < step <= other.steps[-1]
            and abs(np.interp(step, other.steps, other.values) - lr) <= SAME_LR * lr
        ]
        perhaps = f" (perhaps {listed(near, 3)})" if near else ""
        return (
            f"; name the run that it was resumed from{perhaps}, parents={{{log.name!r}: RUN}} (--parent "
            f"{log.name}=RUN), or its schedule, schedules={{{log.name!r}: FILE}} (--schedule {log.name}=FILE)"
        )


def _without_rates(log: RunLog) -> str:
    """Why a run has no learning rates, and what to do."""
    for heading, text in log.faults.items():
        if is_learning_rate(heading):
            return text
    empty = [name for name in log.headings if is_learning_rate(name) and not split_run(name)[0]]
    others = [name for name in log.series if not is_metric(name) and name != log.minimised]
    text = f"logs no learning rates{f': {shown(empty[0])} holds no number' if empty else ''}; "
    if others and not empty:
        text += f"name their column, if one of {listed(others, 12)} has them (--columns lr=NAME), or "
    name = log.name if " " not in log.name else f"'{log.name}'"
    return f"{text}give its schedule: schedules={{{log.name!r}: 'FILE'}} (--schedule {name}=FILE)"


def _learning_rates(log: RunLog) -> list[str]:
    """The headings of learning rates, the run's first: a plain one such as ``lr``, else the largest one.

    Of several groups of parameters that is the one to which exporters give the base LR. What never changes
    comes last: it is a setting, such as ``optim/base_lr``, if others change.
    """

    def order(heading: str) -> tuple[bool, bool, float]:
        values = log.series[heading].values
        highest, lowest = np.fmax.reduce(values, initial=0.0), np.fmin.reduce(values, initial=np.inf)
        return bool(split_run(heading)[0]), bool(lowest == highest), -float(highest)

    return sorted(filter(is_learning_rate, log.series), key=order)


def _divergence(points: NDArray[np.float64], finite: NDArray[np.bool_]) -> int | None:
    """The place of the first loss after which none is finite; None if no other one was due until the end."""
    alive = np.flatnonzero(finite)
    if not len(alive):
        return int(np.argmax(points > 0))
    recent = points[alive[-3:]]
    due = recent[-1] + (np.diff(recent).max() if len(recent) > 1 else max(recent[-1], 1))
    return int(alive[-1]) + 1 if points[-1] >= due else None
