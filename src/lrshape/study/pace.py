"""How many trials fit into a time, for searches that are planned by their number."""

import logging
import math
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from lrshape.errors import InputError
from lrshape.procedure.budget import LEAST, contest_least, is_planned
from lrshape.procedure.trial import FIRST_SEED, Candidate, ShapeRecord, Trial
from lrshape.store import Location, Store
from lrshape.study.chunk import TrainChunk, cut
from lrshape.study.spec import StudySpec
from lrshape.study.study import Study
from lrshape.study.time_limit import TimeLimitReached, forget_interrupt, limit_time
from lrshape.training.workload import Workload
from lrshape.workers.executor import Executor
from lrshape.workers.executors.inline import Inline

_log = logging.getLogger(__name__)

SHARE = 0.8
"""Of the time, that is planned for; the rest is for compiling, models and the report."""

MODEL = 0.5
"""Seconds that choosing a batch takes, about."""

ENOUGH = 1_000_000
"""Trials of a spec that is only timed: not too few, whatever it sets."""

BATCH = 16
"""Trials that are timed."""


def set_trials(
    document: Mapping[str, Any],
    path: Location,
    seconds: float | None,
    workload: Workload | None,
    executor: Executor | None = None,
) -> dict[str, Any]:
    """A spec with the number of trials that its study has already, or that fits into the time limit.

    Args:
        document: a spec as `StudySpec.parse` takes it; returned as it is if it says how to search.
        path: the study's directory; if it exists, its own search settings are taken, as far as the spec gives
            none: what it gives must still be what the study has.
        seconds: time limit, None for none.
        workload: in place of the document's.
        executor: what will run the trials, None for this process.

    Raises:
        InputError: if the trials that fit into the time are too few for what the spec sets, all of those that
            are timed fail, or the directory cannot be made the study's.
    """
    is_contest = "schedules" in document
    has_number = "trials" in document or (is_contest and document.get("max_trials") is not None)
    if has_number or not is_planned(document):
        return dict(document)
    if Store.exists(path):
        stored = Study(path).spec.document()
        if is_contest:
            trials = stored.get("max_trials")
            if trials is None:
                return dict(document)
            kept = {key: stored[key] for key in ("confirm", "tuning")}
            return kept | dict(document) | {"trials": trials}
        whole = {key: stored[key] for key in ("sampler", "screen", "rescore", "families", "baselines")}
        parts = ("base_lr", "tuning", "confirm")
        completed = {key: _completed(document.get(key, {}), stored[key]) for key in parts}
        return whole | {"max_trials": stored["max_trials"]} | dict(document) | completed
    if seconds is None:
        return dict(document)
    spec = StudySpec.parse(document if is_contest else {**document, "trials": ENOUGH}, workload)
    Store.require_free(path)  # the time that follows would be lost
    count = count_affordable(spec, seconds, executor)
    if is_contest:
        schedules, span = len(spec.baselines), spec.base_lr.high / spec.base_lr.low
        swept = schedules - len(spec.kept_base_lrs)
        count = max(count, contest_least(schedules, swept, span, len(spec.tune)))
    planned = dict(document) | {"trials": count}
    try:
        StudySpec.parse(planned, workload)
    except InputError as error:
        raise InputError(f"a time limit of {seconds:g} s gives {count} trials, but {error}") from None
    return planned


def _completed(given: Any, stored: Mapping[str, Any]) -> Any:
    """Settings that a spec gives in part, with what is stored of the others."""
    if not isinstance(given, Mapping):
        return given
    fixed = ("least", "most") if "seeds" in given else ()  # the number of seeds to confirm on gives both
    return {key: value for key, value in stored.items() if key not in fixed} | dict(given)


def count_affordable(spec: StudySpec, seconds: float, executor: Executor | None = None) -> int:
    """How many trials a search may have to end in time.

    A small population is trained twice, and the second time counted: the first one compiles. Its results
    are not used.

    Args:
        spec: the study, with any number of trials.
        seconds: for all of it.
        executor: what will run the trials, None for this process.
    """
    began = time.monotonic()
    taken = math.inf
    try:
        with limit_time(seconds / 2):  # a batch may take longer than all
            for _ in range(2):
                start = time.monotonic()
                _population(spec, executor or Inline(), began + seconds / 2)
                taken = time.monotonic() - start
                if start + taken - began > SHARE * seconds / 2:
                    break  # compiled or not, there is no time for another
    except TimeLimitReached:
        forget_interrupt()
    left = SHARE * (seconds - (time.monotonic() - began))
    count = max(0, int(left * BATCH / (taken + MODEL)))
    if count < LEAST:
        fits = f"{count} trials of {taken / BATCH:.2g} s each" if count else f"fewer than {BATCH} trials"
        _log.warning(
            "a time limit of %.0f s fits %s; the search needs at least %d; run the same command again to "
            "continue it",
            *(seconds, fits, LEAST),
        )
    return max(LEAST, count)


def _population(spec: StudySpec, executor: Executor, deadline: float) -> None:
    """Train a batch: in one program, or one by one where the workload is called for each."""

    def check() -> None:
        if time.monotonic() > deadline:
            raise TimeLimitReached

    # Over the whole range, so that trainings which fail where the LR is too high are not taken for broken.
    shape = ShapeRecord.of("pace", "constant", {})
    base_lrs = np.geomspace(spec.base_lr.low, spec.base_lr.high, BATCH).tolist()
    trials = [
        Trial("screen", Candidate(shape, base_lr, spec.hyperparameters.untuned), FIRST_SEED["pace"])
        for base_lr in base_lrs
    ]
    size = min(BATCH, spec.workload.max_members)
    told: list[str] = []
    items = cut("screen", 0, trials, size)
    for _, table in executor.run(TrainChunk(spec, size), items, lambda chunk, news: None, check):
        told += table.loc[table["status"] == "failed", "message"].tolist()
    if len(told) == BATCH:
        first = " ".join(told[0].split()) or "no message"
        raise InputError(f"all {BATCH} trials that were timed failed, the first with: {first}")
