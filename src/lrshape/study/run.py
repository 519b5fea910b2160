"""Run a study's phases to the end, chunk by chunk; what is stored already is not run again."""

import random
import time
from collections.abc import Iterator, Sequence

import pandas as pd

from lrshape.errors import InputError
from lrshape.procedure.phases import Candidate, Phase, confirm, rescore, screen
from lrshape.store import DamagedChunk, Store
from lrshape.study.announcement import announcement
from lrshape.study.callback import Callback
from lrshape.study.plan import Chunk, chunks
from lrshape.study.progress import Speed, Tally
from lrshape.study.spec import StudySpec
from lrshape.study.task import Running, TrainChunk
from lrshape.study.time_limit import TimeLimitReached, limited
from lrshape.workers.executor import Executor


class TooManyFailed(InputError):  # noqa: N818 - like the other ends of a run
    """So many trials failed that the code or its settings are wrong; what is trained is stored."""


MIN_JUDGED = 10
"""Trials of a run before their failures can stop it."""


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
        self._failures: list[str] = []
        self._shared = False  # whether another run has been seen on the same directory

    def complete(self) -> None:
        """Run what is missing of all phases.

        Raises:
            TimeLimitReached: if the time limit came first.
            TooManyFailed: if a larger share of this run's trials failed than the spec allows.
            StoreError: if results cannot be written.
        """
        screened = self.phase("screen", screen(self._spec))
        rescored = self.phase("rescore", rescore(self._spec, screened))
        self.phase("confirm", confirm(self._spec, rescored))

    def phase(self, name: str, phase: Phase) -> list[Candidate]:
        """Run what is missing of one phase, and return what it chose.

        Raises:
            TimeLimitReached: if the time limit came first.
            TooManyFailed: if a larger share of this run's trials failed than the spec allows.
            StoreError: if results cannot be written.
        """
        self._callback.phase_begins(name, announcement(self._spec, name))
        stored = set(self._store.chunks())
        tables: list[pd.DataFrame] = []
        tally = Tally(name, self._speed)
        number = 0
        trials = next(phase)
        while True:
            tally.plan(len(trials))
            planned = chunks(name, number, trials, self._chunk_size)
            number += len(planned)
            tables += self._round(planned, stored, tally)
            try:
                trials = phase.send(pd.concat(tables, ignore_index=True))
            except StopIteration as end:
                self._drop_unplanned(name, number)
                self._callback.phase_done(tally.status())
                return end.value

    def _drop_unplanned(self, phase: str, planned: int) -> None:
        """Set aside chunks beyond the plan: results that changed, after damage, can make a phase shorter."""
        names = [chunk for chunk in self._store.chunks() if chunk.startswith(f"{phase}-")]
        for chunk in names[planned:]:
            self._store.set_aside(chunk, "the phase does not plan it any more")

    def _round(self, planned: Sequence[Chunk], stored: set[str], tally: Tally) -> list[pd.DataFrame]:
        """Rows of all chunks of a round, in the order of the plan."""
        rows = {chunk.name: table for chunk in planned if (table := self._read(chunk, stored)) is not None}
        for table in rows.values():
            tally.add(table, self._spec.metric)
        missing = [chunk for chunk in planned if chunk.name not in rows]
        with limited(self._left()):
            for chunk, table in self._trained_chunks(missing, rows, tally):
                table = self._stored(chunk, table)
                rows[chunk.name] = table
                self._speed.trained += len(table)
                tally.add(table, self._spec.metric)
                self._callback.progress(tally.status())
                self._check_failures(table)
                self._check_time()
        return [rows[chunk.name] for chunk in planned]

    def _stored(self, chunk: Chunk, table: pd.DataFrame) -> pd.DataFrame:
        """Store rows, and return what is stored: where another run was first, both go on from its rows."""
        if self._store.write(chunk.name, table):
            return table
        self._shared = True
        theirs = self._read(chunk, {chunk.name})
        return table if theirs is None else theirs

    def _trained_chunks(
        self, missing: Sequence[Chunk], rows: dict[str, pd.DataFrame], tally: Tally
    ) -> Iterator[tuple[Chunk, pd.DataFrame]]:
        running: dict[str, Running] = {}

        def report(chunk: Chunk, news: Running) -> None:
            running[chunk.name] = news
            self._callback.progress(
                tally.status(
                    sum(r.trials for r in running.values()), sum(r.diverged for r in running.values())
                )
            )
            if not news.done:  # what is done is stored first
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
            chunk = left.pop(random.randrange(len(left)) if self._shared else 0)
            table = self._read(chunk, {chunk.name})
            if table is None:
                yield chunk
            else:
                self._shared = True
                rows[chunk.name] = table
                tally.add(table, self._spec.metric)

    def _read(self, chunk: Chunk, stored: set[str]) -> pd.DataFrame | None:
        """A stored chunk, or None if it is absent, or damaged and now set aside."""
        if chunk.name not in stored:
            return None
        try:
            table = self._store.read(chunk.name)
            keys = chunk.keys()
            if not table[list(keys)].astype(keys.dtypes.to_dict()).equals(keys):
                raise DamagedChunk(chunk.name, "it holds other trials than planned")
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
        if trained >= MIN_JUDGED and failed > self._spec.max_failed_fraction * trained:
            first = " ".join(self._failures[0].split()) or "no message"
            raise TooManyFailed(
                f"{failed} of the {trained} trials of this run failed, more than "
                f"max_failed_fraction = {self._spec.max_failed_fraction:g} allows, the first with: {first}; "
                f"all are kept in {self._store.path}"
            )

    def _left(self) -> float | None:
        return None if self._deadline is None else max(0.0, self._deadline - time.monotonic())

    def _check_time(self) -> None:
        if self._left() == 0.0:
            raise TimeLimitReached
