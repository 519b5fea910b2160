"""Which of the losses in some logs is predicted: one kind for all runs."""

from collections.abc import Iterable, Mapping

import numpy as np

from lrshape.errors import InputError, listed, shown
from lrshape.predict.headings import KINDS, is_smoothed, loss_of, may_be_loss
from lrshape.predict.notes import Notes
from lrshape.predict.reader import RunLog
from lrshape.shapes.learning_rate_log import FINISHED


def choose_losses(
    logs: Mapping[str, RunLog], metric: str | None, columns: Mapping[str, str], notes: Notes
) -> dict[str, str]:
    """Return the heading of the loss of each run that has it.

    Args:
        logs: by run.
        metric: a heading, or a kind of losses such as ``val_loss``; default: the kind that most runs have,
            of several the validation loss, if some run logs it near its end.
        columns: headings by role; a loss that users name is chosen.
        notes: what is chosen is added.

    Raises:
        InputError: if no run has it, or it is one of several that cannot be told apart.
    """
    headings = list(dict.fromkeys(heading for log in logs.values() for heading in log.series))
    if metric is None and "loss" in columns:
        metric = "loss"
    if metric is not None:
        losses = [heading for heading in headings if may_be_loss(heading)]
        wanted = {heading for heading in losses if _plain(heading) == _plain(metric)}
        if wanted:
            found = {
                name: next(heading for heading in log.series if heading in wanted)
                for name, log in logs.items()
                if wanted & log.series.keys()
            }
            _tell(found, headings, notes, is_given=True)
            return found
        loss = loss_of(metric)
        kind = loss.kind if loss else metric.lower()
        if not (found := _of_kind(logs, kind, columns)):
            for name, log in logs.items():
                for one in log.faults:
                    if _plain(one) == _plain(metric):
                        raise InputError(f"{name}: {log.faults[one]}")
            raise InputError(
                f"metric must be the heading of a loss, better if lower (found: {listed(losses, 20)}), "
                f"got {shown(metric)}"
            )
        _tell(found, headings, notes, is_given=True)
        return found
    by_kind = {kind: _of_kind(logs, kind, columns, strict=False) for kind in KINDS}
    most = max(map(len, by_kind.values()))
    if not most:
        found = {name: log.minimised for name, log in logs.items() if log.minimised in log.series}
        if found:
            _tell(found, headings, notes, is_given=False)
        return found
    usual, *others = (kind for kind in KINDS if len(by_kind[kind]) == most)
    kind = next((kind for kind in (usual, *others) if _ends_late(logs, by_kind[kind])), usual)
    if kind != usual:
        notes.add(f"no {usual} loss is logged near the end of its run, so the {kind} loss counts")
    found = _of_kind(logs, kind, columns)
    _tell(found, headings, notes, is_given=False)
    return found


def _plain(heading: str) -> str:
    return "".join(letter if letter.isalnum() else "_" for letter in heading.lower())


def _of_kind(
    logs: Mapping[str, RunLog], kind: str, columns: Mapping[str, str], strict: bool = True
) -> dict[str, str]:
    """The heading of this kind of loss in each run: that of the lowest rank, of several the longest log."""
    found = {}
    for name, log in logs.items():
        ranked: dict[int, list[str]] = {}
        for heading, series in log.series.items():
            loss = loss_of(heading)
            if loss is not None and loss.kind == kind and (strict or np.isfinite(series.values).any()):
                ranked.setdefault(-1 if heading in columns else loss.rank, []).append(heading)
        if not ranked:
            continue
        best = ranked[min(ranked)]
        if strict and min(ranked) >= 2 and len(best) > 1:
            raise InputError(
                f"{name}: has several losses, {listed(best)}: choose one with metric (--metric "
                f"{shown(best[0]) if ' ' in best[0] else best[0]}); if they are of several runs, each run "
                "needs a column of learning rates of its own"
            )
        found[name] = max(best, key=lambda heading: len(log.series[heading].steps))
    return found


def _ends_late(logs: Mapping[str, RunLog], headings: Mapping[str, str]) -> bool:
    """Whether some run has a loss near its end."""
    ends = ((logs[name], logs[name].series[heading].steps[-1]) for name, heading in headings.items())
    return any(last >= FINISHED * (max(log.reached, log.planned_steps or 0) - 1) for log, last in ends)


def _tell(found: Mapping[str, str], headings: Iterable[str], notes: Notes, is_given: bool) -> None:
    chosen = dict.fromkeys(found.values())
    others = [heading for heading in headings if loss_of(heading) and heading not in chosen]
    if not is_given:
        but = f", not {listed(others)}: metric (--metric) chooses another" if others else ""
        notes.add(f"lrshape reads the losses from {listed(chosen)}{but}")
    if smooth := [heading for heading in chosen if is_smoothed(heading)]:
        notes.add(f"{listed(smooth)}: smoothed losses lag behind; use the raw ones if you have them")
