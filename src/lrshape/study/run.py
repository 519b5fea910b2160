"""Run a study's phases to the end, chunk by chunk; what is stored already is not run again."""

import logging
import secrets
import time
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from lrshape.errors import InputError
from lrshape.procedure.choice import Choice
from lrshape.procedure.rounds import Rounds
from lrshape.store import CURVE, DamagedChunk, Store
from lrshape.study.callback import Callback, Speed, Status, Tally
from lrshape.study.chunk import Chunk, Running, TrainChunk
from lrshape.study.drive import drive_phase, drive_search, read_chunk, unplanned
from lrshape.study.plan import Plan
from lrshape.study.spec import StudySpec
from lrshape.study.time_limit import TimeLimitReached, limit_time
from lrshape.workers.executor import Executor


class TooManyFailed(InputError):  # noqa: N818 - like the other ends of a run
    """So many trials failed that the code or its settings are wrong; the next run trains most again."""


_log = logging.getLogger(__name__)

MIN_JUDGED = 10
"""Trials of a run before their failures can stop it."""

MIN_DIVERGED = 64
"""First trials of a run that diverge before it warns: more than the base LRs that the first schedule gets."""


class Run:
    """One run of a study, in one process, until it is complete or stopped.

    Args:
        spec: the study.
        store: where its trials are kept.
        chunk_size: trials in a chunk.
        executor: what runs the chunks.
        callback: hears of progress.
        time_limit: seconds after which the run stops with `TimeLimitReached`, None for no limit.
    """

    def __init__(
        self,
        spec: StudySpec,
        store: Store,
        chunk_size: int,
        executor: Executor,
        callback: Callback,
        time_limit: float | None = None,
    ):
        self._spec, self._store, self._chunk_size = spec, store, chunk_size
        self._executor, self._callback = executor, callback
        self._deadline = None if time_limit is None else time.monotonic() + time_limit
        self._speed = Speed()
        self._trials = 0
        self._failures: list[str] = []
        self._failing: list[str] = []  # chunks in which more trials failed than the spec allows
        self._diverged = 0
        self._shared = False  # whether another run has been seen on the same directory

    def complete(self) -> None:
        """Run what is missing of all phases.

        Raises:
            TimeLimitReached: if the time limit came first.
            TooManyFailed: if a larger share of this run's trials failed than the spec allows.
            StoreError: if results cannot be written.
        """
        drive_search(self._spec, self.phase)

    def phase(self, name: str, phase: Rounds[Any], at_most: int | None = None) -> tuple[Any, pd.DataFrame]:
        """Run what is missing of one phase, and return what it chose, and its trials.

        Args:
            name: of the phase.
            phase: one of a search, or another one.
            at_most: how many trials it takes at most, for progress; default: what a search's phase does.

        Raises:
            TimeLimitReached: if the time limit came first.
            TooManyFailed: if a larger share of this run's trials failed than the spec allows.
            StoreError: if results cannot be written.
        """
        plan = Plan(self._spec)
        self._callback.phase_begins(name, plan.describe(name))
        stored = set(self._store.chunks())
        after = 0 if at_most is not None else plan.after(name, self._trials)
        most = plan.trials.get(name) if at_most is None else at_most
        tally = Tally(name, self._spec.metric, self._spec.direction, self._speed, most, after)

        def source(chunks: list[Chunk]) -> list[pd.DataFrame]:
            trials = [trial for chunk in chunks for trial in chunk.trials]
            tally.plan(len(trials), plan.left(name, trials))
            return self._round(chunks, stored, tally)

        driven = drive_phase(self._spec, name, phase, self._chunk_size, source)
        # Results that changed, after damage, can make a phase shorter.
        for chunk in unplanned(self._store, name, driven.chunks):
            self._store.set_aside(chunk, "the phase no longer plans it")
        self._trials += len(driven.table)
        self._callback.phase_done(tally.finish())
        if isinstance(driven.chosen, Choice):
            self._store.write_choice(driven.chosen.document())
        return driven.chosen, driven.table

    def _round(self, planned: Sequence[Chunk], stored: set[str], tally: Tally) -> list[pd.DataFrame]:
        """Rows of all chunks of a round, in the order of the plan."""
        rows = {chunk.name: table for chunk in planned if (table := self._read(chunk, stored)) is not None}
        for table in rows.values():
            tally.add(table)
        missing = [chunk for chunk in planned if chunk.name not in rows]
        with limit_time(self._left()):
            for chunk, table in self._train(missing, rows, tally):
                table = self._keep(chunk, table)
                rows[chunk.name] = table
                self._speed.trained += len(table)
                tally.add(table)
                self._tell(tally.news())
                self._check_failures(chunk.name, table)
                self._check_divergence(table)
                self._check_time()
        return [rows[chunk.name] for chunk in planned]

    def _tell(self, news: Status | None) -> None:
        if news is not None:
            self._callback.progress(news)

    def _keep(self, chunk: Chunk, table: pd.DataFrame) -> pd.DataFrame:
        """Store rows, and return what is stored, without curves: where another run was first, its rows."""
        kept = table.drop(columns=CURVE, errors="ignore")
        if self._store.write(chunk.name, table):
            return kept
        self._shared = True
        theirs = self._read(chunk, {chunk.name})
        if theirs is not None:
            return theirs
        self._store.write(chunk.name, table)  # theirs was damaged, and its name is free again
        return kept

    def _train(
        self, missing: Sequence[Chunk], rows: dict[str, pd.DataFrame], tally: Tally
    ) -> Iterator[tuple[Chunk, pd.DataFrame]]:
        running: dict[str, Running] = {}

        def report(chunk: Chunk, news: Running) -> None:
            running[chunk.name] = news
            if not news.done:  # what is done is stored first
                trials = sum(r.trials for r in running.values())
                self._tell(tally.news(trials, sum(r.diverged for r in running.values())))
                self._check_time()

        if missing:
            self._check_time()
            task = TrainChunk(self._spec, self._chunk_size)
            items = self._still_missing(missing, rows, tally)
            for chunk, table in self._executor.run(task, items, report, self._check_time):
                running.pop(chunk.name, None)
                yield chunk, table

    def _still_missing(
        self, missing: Sequence[Chunk], rows: dict[str, pd.DataFrame], tally: Tally
    ) -> Iterator[Chunk]:
        """Chunks to train, looked for once more just before each: other runs may be at work here.

        Where one is, the order is random, so that runs on one directory share the work.
        """
        left = list(missing)
        while left:
            chunk = left.pop(secrets.randbelow(len(left)) if self._shared else 0)
            table = self._read(chunk, {chunk.name})
            if table is None:
                yield chunk
            else:
                self._shared = True
                rows[chunk.name] = table
                tally.add(table)

    def _read(self, chunk: Chunk, stored: set[str]) -> pd.DataFrame | None:
        """A stored chunk, or None if it is absent, or damaged and now set aside."""
        if chunk.name not in stored:
            return None
        try:
            return read_chunk(self._store, chunk)
        except FileNotFoundError:  # another run has set it aside
            return None
        except DamagedChunk as error:
            self._store.set_aside(chunk.name, error.reason)
            return None

    def _check_failures(self, chunk: str, table: pd.DataFrame) -> None:
        """Count those of this run alone, so that mended code can go on where it was stopped.

        What the broken code has scored says nothing about schedules: the next run trains it again.
        """
        has_failed = (table["status"] == "failed").to_numpy(bool)
        most = self._spec.max_failed_fraction
        self._failures += table.loc[has_failed, "message"].tolist()
        if has_failed.mean() > most:
            self._failing.append(chunk)
        failed, trained = len(self._failures), self._speed.trained
        if trained >= MIN_JUDGED and failed > most * trained:
            for name in self._failing:
                self._store.set_aside(name)
            first = " ".join(self._failures[0].split()) or "no message"
            raise TooManyFailed(
                f"{failed} of the {trained} trials of this run failed, more than max_failed_fraction = "
                f"{most:g} allows, the first with: {first}; the next run in {self._store.path} trains "
                "the chunks again in which more than that share failed"
            )

    def _check_divergence(self, table: pd.DataFrame) -> None:
        """Warn once if no trial has trained so far: the search goes on, for a lower base LR may train."""
        before = self._diverged
        self._diverged += np.count_nonzero(table["status"] == "diverged")
        if self._diverged == self._speed.trained and before < MIN_DIVERGED <= self._diverged:
            _log.warning(
                "all %d trials so far diverged: check how the training computes %s, and base_lr.low",
                self._diverged,
                self._spec.metric,
            )

    def _left(self) -> float | None:
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def _check_time(self) -> None:
        if self._left() == 0.0:
            raise TimeLimitReached
