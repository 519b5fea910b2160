"""Reading the runs that somebody has, from whatever logged them."""

import os
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, permutations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError, listed, shown
from lrshape.predict.log_table import ROLES
from lrshape.predict.loss_choice import choose_losses
from lrshape.predict.merging import merge, rename
from lrshape.predict.notes import Notes
from lrshape.predict.reader import READERS, Reader, RunLog
from lrshape.predict.run_builder import RunBuilder
from lrshape.predict.run_curves import Told, UnusableRunError
from lrshape.predict.runs import Run
from lrshape.report.words import counted
from lrshape.settings import unknown_key
from lrshape.shapes.learning_rate_log import FINISHED
from lrshape.shapes.schedule import Schedule
from lrshape.shapes.schedule_file import read_schedule
from lrshape.values import path_of

PathLike = str | os.PathLike[str]

MOST_ENTRIES = 10_000
"""Of a folder that are searched for logs which its reader does not read."""


@dataclass(frozen=True)
class Runs:
    """Runs that were read.

    Attributes:
        runs: in the order of the sources.
        notes: what was chosen, filled and left out, one line each.
        unfinished: names of runs that ended before their schedules did. Their curves are right up to there,
            but their last losses are not what those schedules lead to.
    """

    runs: tuple[Run, ...]
    notes: tuple[str, ...] = ()
    unfinished: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(self.runs)


def read_runs(
    sources: PathLike | Sequence[PathLike],
    *,
    metric: str | None = None,
    columns: Mapping[str, str] | None = None,
    schedules: Mapping[str, Schedule | PathLike] | None = None,
    parents: Mapping[str, str] | None = None,
) -> Runs:
    """Read training runs from the files of loggers.

    A loss that is logged at step s is that after s finished steps. Logs of one run may lie in several files.
    A run that cannot be used is left out, and a note says why.

    Args:
        sources: files and folders: CSV, exports of Weights & Biases, TensorBoard, ``trainer_state.json`` of
            Hugging Face, Lightning's ``metrics.csv``, a study of lrshape, an Optuna storage. In a folder of
            none of these, everything that can be read is.
        metric: which loss is read: a heading, or a kind such as ``val_loss``. Default: the kind that most
            runs have, of several the validation loss.
        columns: headings by role, ``step``, ``run``, ``resumed_from``, ``lr``, ``loss``, ``train_loss`` and
            ``val_loss``, where they do not speak for themselves: ``{"step": "update", "loss": "eval/nll"}``.
        schedules: by run, a schedule or its file, for runs without logged learning rates.
        parents: by run, the run that it was resumed from, where its own log has only what came afterwards.
            A column ``resumed_from`` says the same.

    Raises:
        InputError: if a source cannot be read, an argument names what is not there, or no run remains.
    """
    given = list(sources) if isinstance(sources, Iterable) and not isinstance(sources, str) else [sources]
    if not isinstance(metric, str | None):
        raise InputError(f"metric must be a text, got {shown(metric)}")
    for argument, value in (("columns", columns), ("schedules", schedules), ("parents", parents)):
        if not isinstance(value, Mapping | None):
            raise InputError(f"{argument} must be a mapping, got {shown(value)}")
    columns, schedules, parents = dict(columns or {}), dict(schedules or {}), dict(parents or {})
    for role, heading in columns.items():
        if role not in ROLES:
            raise InputError(f"columns: {unknown_key(role, ROLES)}")
        if not isinstance(heading, str):
            raise InputError(f"columns: {role} must be a heading, a text, got {shown(heading)}")
    if not given:
        return Runs(())
    notes = Notes()
    logs = [log for source in given for log in _logs(_existing(source), columns, notes)]
    rename(logs, columns)
    by_name = merge(logs, notes)
    schedules, parents = _resplit(schedules, by_name), _resplit(parents, by_name, by_name)
    for argument, values in (("schedules", schedules), ("parents", parents)):
        for run in values:
            _require_run(argument, run, by_name)
    for run, parent in parents.items():
        _require_run(f"parents: the parent of {shown(run)}", parent, by_name)
        by_name[run].parent = parent
    losses = choose_losses(by_name, metric, columns, notes)
    builder = RunBuilder(by_name, {run: _schedule(value) for run, value in schedules.items()})
    runs, unfinished, refusals, intervals = [], [], [], {}
    for name, log in by_name.items():
        try:
            run, told, is_whole = builder.build(log, losses.get(name))
        except UnusableRunError as error:
            refusals.append((name, error))
            continue
        notes.tell(name, told)
        runs.append(run)
        intervals[name] = builder.interval(log)
        unfinished += [] if is_whole else [name]
    if not runs:
        name, error = refusals[0]
        more = f" ({counted(len(refusals) - 1, 'more run')} cannot be used)" if len(refusals) > 1 else ""
        raise InputError(f"{name}: {error}{more}")
    for name, error in refusals:
        notes.tell(name, [Told(f"left out, {error.kind}", f"is left out: {error}")])
    for name, text in _cut_short(runs, unfinished, intervals):
        notes.tell(name, [Told("cut short", text)])
        unfinished.append(name)
    return Runs(tuple(runs), notes.lines(), tuple(unfinished))


class _NoLogError(InputError):
    """A file that is no log, or a folder without one: of a folder's content it goes without saying."""


def _existing(source: PathLike) -> Path:
    if not isinstance(source, str | os.PathLike):
        raise InputError(f"runs must be files, folders or Run objects, got {shown(source)}")
    text = os.fspath(source)
    if not text:  # which Path takes for the current folder
        raise InputError("a file or folder of runs must have a name, got ''")
    if "://" in text and not text.startswith("sqlite:///"):
        raise InputError(f"{text}: must be a file or a folder on this machine, or sqlite:///FILE")
    path = path_of(text.removeprefix("sqlite:///"))
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder")
    return path


def _logs(source: Path, columns: Mapping[str, str], notes: Notes) -> list[RunLog]:
    readers = [READERS[name]() for name in READERS]
    readers.sort(key=lambda reader: reader.is_fallback)
    try:
        reader = next((reader for reader in readers if reader.recognises(source)), None)
    except OSError as error:
        raise InputError(f"{source}: cannot be read: {error.strerror or error}") from None
    if reader is not None:
        logs = reader.read(source, columns)
        if not any(log.series for log in logs):
            raise InputError(f"{source}: holds no curve beside its steps")
        if reader.shares_folders and (others := _other_logs(source, reader, readers)):
            names = listed(str(file.relative_to(source)) for file in others)
            notes.add(
                f"{source}: lrshape reads the {reader.name} logs only; name the others to add them: {names}"
            )
        return logs
    if not source.is_dir():
        raise _NoLogError(f"{source}: is no log that lrshape reads: {', '.join(READERS)}")
    logs, refusals = [], []
    for inner in sorted(source.iterdir()):
        if inner.name.startswith(".") or (inner.is_symlink() and inner.is_dir()):  # which may lead back
            continue
        try:
            logs += _logs(inner, columns, notes)
        except _NoLogError:
            continue
        except InputError as error:
            refusals.append(str(error))
    if not logs:
        why = f": {refusals[0]}" if refusals else ""
        kind = InputError if refusals else _NoLogError
        raise kind(f"{source}: holds no log that lrshape reads{why}")
    for refusal in refusals:
        notes.add(f"lrshape leaves out {refusal}")
    return logs


def _other_logs(folder: Path, own: Reader, readers: Sequence[Reader]) -> list[Path]:
    """The files below a folder that other readers than its own recognise; not every ``.txt`` is a log."""
    found = []
    for file in islice(folder.rglob("*"), MOST_ENTRIES):
        if file.suffix.lower() == ".txt" or not file.is_file():
            continue
        with suppress(OSError):  # it may not be read
            if not own.recognises(file) and any(reader.recognises(file) for reader in readers):
                found.append(file)
    return sorted(found)


def _resplit(
    given: Mapping[str, Any], runs: Collection[str], values: Collection[str] | None = None
) -> dict[str, Any]:
    """Move the = of RUN=VALUE, which the command line cannot place, to where it leaves names that are known.

    Names of runs and of files may have one, too: lr=0.001-b=lr=0.001-a.
    """
    found = {}
    for run, value in given.items():
        is_placed = run in runs and (values is None or value in values)
        text = f"{run}={value}" if isinstance(value, str) and not is_placed else ""
        pairs = [(text[:at], text[at + 1 :]) for at, letter in enumerate(text) if letter == "="]
        known = [(a, b) for a, b in pairs if a in runs and (values is None or b in values)]
        found |= dict(known[-1:] or [(run, value)])
    return found


def _require_run(what: str, name: str, runs: Mapping[str, RunLog]) -> None:
    if name not in runs:
        raise InputError(f"{what} must be a run, one of {listed(runs, 12)}, got {shown(name)}")


def _schedule(given: Schedule | PathLike) -> NDArray[np.float64]:
    return (given if isinstance(given, Schedule) else read_schedule(given)).values()


def _cut_short(
    runs: Sequence[Run], known: Sequence[str], intervals: Mapping[str, int]
) -> Iterator[tuple[str, str]]:
    """Runs that have the LRs of a longer one, up to a factor, but end while these change: they crashed.

    Args:
        runs: all of them.
        known: those of which this is known already.
        intervals: by run, the steps from one logged LR to the next: between them, lines may differ from the
            schedule, and so may the lines of two runs.
    """
    for short, whole in permutations(runs, 2):
        if short.steps >= FINISHED * whole.steps or short.name in known or short.diverged:
            continue
        tail = whole.lrs[short.steps - max(short.steps // 50, 1) : short.steps + max(short.steps // 50, 1)]
        if np.ptp(tail) == 0:
            continue
        end = short.steps - 1
        interval = min(max(intervals[short.name], intervals[whole.name]), end // 8)  # else all are alike
        places = np.linspace(interval, end, 64).astype(int)  # earlier LRs are guessed
        lrs, others = short.lrs[places], whole.lrs[places]
        if not others.any():  # it holds 0 before its warmup
            continue
        factor = np.median(lrs[others > 0] / others[others > 0])  # either log may lack the peak
        away = np.minimum(np.minimum(places, whole.steps - 1 - places), interval)
        bend = np.abs(whole.lrs[places - away] - 2 * others + whole.lrs[places + away])
        step = np.abs(whole.lrs[places + 1] - others)  # logs may count from 0 or from 1
        allowed = 1e-3 * others + 1.1 * (bend + step)
        allowed[-1] = min(allowed[-1], 0.1 * others.max())  # beside a drop any finished decay would be alike
        if not factor or (np.abs(lrs - factor * others) > factor * allowed).any():
            continue
        same = "the LRs" if np.isclose(factor, 1, rtol=1e-2) else f"{factor:.3g} times the LRs"
        ends = f"ends at step {short.steps:,}, and has {same} of {shown(whole.name)}, which go on"
        yield short.name, f"is unfinished: it {ends}"
