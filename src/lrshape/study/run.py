"""Run a study's phases to the end, chunk by chunk; what is stored already is not run again."""

import time
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pandas as pd

from lrshape.errors import InputError
from lrshape.executors.base import Executor
from lrshape.store import DamagedChunk, Store
from lrshape.study.account import announcement
from lrshape.study.listener import Listener, Status
from lrshape.study.phases import Candidate, Phase, confirm, rescore, screen
from lrshape.study.plan import Chunk, chunks
from lrshape.study.spec import StudySpec
from lrshape.study.train import Running, train_chunk


class TimeLimitReached(Exception):  # noqa: N818 - it is no error
    """The time limit came before the end; running the study again goes on where it stopped."""


class TooManyFailed(InputError):  # noqa: N818 - like the other ends of a run
    """So many trainings failed that the code or its settings are wrong; what is trained is stored."""


MIN_JUDGED = 10
"""Trainings of a run before their failures can stop it."""


class Run:
    """One run of a study, in one process, until it is complete or stopped.

    Args:
        spec: the study.
        store: where its trainings are kept.
        members: trainings in a chunk.
        executor: what runs the chunks.
        listener: hears of progress.
        time_limit: seconds after which the run stops with `TimeLimitReached`, None for no limit.
    """

    def __init__(
        self,
        spec: StudySpec,
        store: Store,
        members: int,
        executor: Executor,
        listener: Listener,
        time_limit: float | None = None,
    ):
        self._spec, self._store, self._members = spec, store, members
        self._executor, self._listener = executor, listener
        self._deadline = None if time_limit is None else time.monotonic() + time_limit
        self._speed = _Speed()
        self._failures: list[str] = []

    def complete(self) -> None:
        """Run what is missing of all phases.

        Raises:
            TimeLimitReached: if the time limit came first.
            TooManyFailed: if a larger share of this run's trainings failed than the spec allows.
            StoreError: if results cannot be written.
        """
        screened = self.phase("screen", screen(self._spec))
        rescored = self.phase("rescore", rescore(self._spec, screened))
        self.phase("confirm", confirm(self._spec, rescored))

    def phase(self, name: str, phase: Phase) -> list[Candidate]:
        """Run what is missing of one phase, and return what it chose.

        Raises:
            TimeLimitReached: if the time limit came first.
            TooManyFailed: if a larger share of this run's trainings failed than the spec allows.
            StoreError: if results cannot be written.
        """
        self._listener.phase_begins(name, announcement(self._spec, name))
        stored = set(self._store.chunks())
        tables: list[pd.DataFrame] = []
        tally = _Tally(name, self._speed)
        number = 0
        trainings = next(phase)
        while True:
            tally.plan(len(trainings))
            planned = chunks(name, number, trainings, self._members)
            number += len(planned)
            tables += self._round(planned, stored, tally)
            try:
                trainings = phase.send(pd.concat(tables, ignore_index=True))
            except StopIteration as end:
                self._drop_unplanned(name, number)
                self._listener.phase_done(tally.status())
                return end.value

    def _drop_unplanned(self, phase: str, planned: int) -> None:
        """Set aside chunks beyond the plan: results that changed, after damage, can make a phase shorter."""
        names = [chunk for chunk in self._store.chunks() if chunk.startswith(f"{phase}-")]
        for chunk in names[planned:]:
            self._store.set_aside(chunk, "the phase does not plan it any more")

    def _round(self, planned: Sequence[Chunk], stored: set[str], tally: "_Tally") -> list[pd.DataFrame]:
        """Rows of all chunks of a round, in the order of the plan."""
        rows = {chunk.name: table for chunk in planned if (table := self._read(chunk, stored)) is not None}
        for table in rows.values():
            tally.add(table, self._spec.objective)
        missing = [chunk for chunk in planned if chunk.name not in rows]
        for chunk, table in self._trained_chunks(missing, tally):
            if not self._store.write(chunk.name, table):  # another run was first: both go on from its rows
                stored_table = self._read(chunk, {chunk.name})
                table = table if stored_table is None else stored_table
            rows[chunk.name] = table
            self._speed.trained += len(table)
            tally.add(table, self._spec.objective)
            self._listener.progress(tally.status())
            self._check_failures(table)
            self._check_time()
        return [rows[chunk.name] for chunk in planned]

    def _trained_chunks(
        self, missing: Sequence[Chunk], tally: "_Tally"
    ) -> Iterator[tuple[Chunk, pd.DataFrame]]:
        def report(running: Running) -> None:
            self._listener.progress(tally.status(running.trainings, running.diverged))
            if not running.done:  # what is done is stored first
                self._check_time()

        if missing:
            self._check_time()
            task = partial(train_chunk, spec=self._spec, members=self._members)
            yield from self._executor.run(task, missing, report)

    def _read(self, chunk: Chunk, stored: set[str]) -> pd.DataFrame | None:
        """A stored chunk, or None if it is absent, or damaged and now set aside."""
        if chunk.name not in stored:
            return None
        try:
            table = self._store.read(chunk.name)
            keys = chunk.keys()
            if not table[list(keys)].astype(keys.dtypes.to_dict()).equals(keys):
                raise DamagedChunk(chunk.name, "it holds other trainings than planned")
        except FileNotFoundError:  # another run has set it aside
            return None
        except DamagedChunk as error:
            self._store.set_aside(chunk.name, error.reason)
            return None
        return table

    def _check_failures(self, table: pd.DataFrame) -> None:
        """Count those of this run alone, so that mended code can go on where it was stopped."""
        self._failures += table.loc[table["status"] == "failed", "message"].tolist()
        failed, trained = len(self._failures), self._speed.trained
        if trained >= MIN_JUDGED and failed > self._spec.max_failed * trained:
            first = " ".join(self._failures[0].split()) or "no message"
            raise TooManyFailed(
                f"{failed} of the {trained} trainings of this run failed, more than "
                f"max_failed = {self._spec.max_failed:g} allows, the first with: {first}; "
                f"all are kept in {self._store.path}"
            )

    def _check_time(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise TimeLimitReached("the time limit is reached")


class _Tally:
    """Counts what a phase has done."""

    def __init__(self, phase: str, speed: "_Speed"):
        self._phase, self._speed = phase, speed
        self._planned = self._done = self._bad = 0
        self._best: float | None = None

    def plan(self, trainings: int) -> None:
        self._planned += trainings

    def add(self, table: pd.DataFrame, objective: str) -> None:
        self._done += len(table)
        self._bad += int(np.sum(table["status"] != "ok"))
        lowest = float(np.min(table[objective]))
        self._best = lowest if self._best is None else min(self._best, lowest)

    def status(self, running: float = 0.0, bad: int = 0) -> Status:
        return Status(
            phase=self._phase,
            planned=self._planned,
            done=min(self._done + running, self._planned),
            rate=self._speed.rate(running),
            diverged=self._bad + bad,
            best=self._best,
        )


class _Speed:
    """Trainings a second, from the first sign of progress on."""

    def __init__(self) -> None:
        self.trained = 0
        self._start: tuple[float, float] | None = None

    def rate(self, running: float) -> float | None:
        now, trained = time.monotonic(), self.trained + running
        if self._start is None:
            if trained:
                self._start = (now, trained)
            return None
        elapsed = now - self._start[0]
        return (trained - self._start[1]) / elapsed if elapsed > 1 and trained > self._start[1] else None
