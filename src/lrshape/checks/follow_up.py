"""Trials after a search: more of a study's workload, on seeds and in a directory of their own."""

import abc
import zlib
from collections.abc import Sequence
from typing import ClassVar

import pandas as pd

from lrshape.procedure.screening import Phase
from lrshape.procedure.trial import Candidate, Trial, trials
from lrshape.settings import Settings
from lrshape.store import Store
from lrshape.study.callback import Callback
from lrshape.study.creation import check_workload
from lrshape.study.run import Run
from lrshape.study.study import Study
from lrshape.workers.executor import EXECUTORS, ExecutorChoice

_BLOCK = 1_000_000
"""Seed indices of a follow-up."""
_OWN_BLOCKS = 10
"""Blocks kept for lrshape: the phases of a search, its own checks, and what else it trains."""


class FollowUp(Settings, abc.ABC):
    """Trials of a complete study's workload after its search, run and resumed like it.

    Its fields are its settings; its name is that of its phase and of its directory within the study's.
    """

    name: ClassVar[str]
    FIRST_SEED: ClassVar[int | None] = None
    """First of its seed indices; None derives it from the name."""
    CHANGE_NO_TRIAL: ClassVar[frozenset[str]] = frozenset()
    """Settings that only the evaluation reads: they may change without another directory."""

    @abc.abstractmethod
    def phase(self, study: Study) -> Phase:
        """Rounds of trials, see `lrshape.procedure.phases`; make them with `trials`.

        Raises:
            InputError: if the study does not suit it.
        """

    @abc.abstractmethod
    def most_trials(self, study: Study) -> int:
        """How many trials it takes at most: the total of the progress bar, which never grows."""

    @classmethod
    def first_seed(cls) -> int:
        """First of its seed indices: no search, and no check of lrshape's own, uses the next million.

        Seeds are taken modulo 2**32, so that the indices of other checks stay below it.
        """
        if cls.FIRST_SEED is not None:
            return cls.FIRST_SEED
        return _BLOCK * (_OWN_BLOCKS + zlib.crc32(cls.name.encode()) % (2**32 // _BLOCK - _OWN_BLOCKS))

    def trials(self, candidates: Sequence[Candidate], seeds: int, skip: int = 0) -> list[Trial]:
        """Every candidate on ``seeds`` of its own seeds, after the first ``skip`` of them."""
        return trials(self.name, candidates, seeds, skip, first=self.first_seed())

    def train(
        self,
        study: Study,
        *,
        callback: Callback | None = None,
        time_limit: float | None = None,
        executor: ExecutorChoice = "inline",
    ) -> pd.DataFrame:
        """Run the trials that are missing, and return all of them, sorted.

        Args:
            study: whose workload is trained.
            callback: hears of progress.
            time_limit: seconds after which it stops with `TimeLimitReached`.
            executor: what runs the trials, see `lrshape.search`.

        Raises:
            InputError: if the study is not complete or does not suit it, or the directory holds trials
                with other settings, or of another study.
            TimeLimitReached: if the time limit came first; what is finished is kept.
            StoreError: if results cannot be written.
        """
        study.require_complete()
        phase = self.phase(study)
        settings = self.model_dump(mode="json", exclude=set(self.CHANGE_NO_TRIAL))
        document = {"check": self.name, "of": study.document["hash"], "settings": settings}
        path = study.directory.absolute() / self.name
        store = Store.create(path, document, more=lambda: check_workload(study.spec.workload) or {})
        callback = callback or Callback()
        callback.started(str(store.path), len(store.chunks()))
        with EXECUTORS.build(executor) as runner:
            run = Run(study.spec, store, study.chunk_size, runner, callback, time_limit)
            run.phase(self.name, phase, self.most_trials(study))
        return store.trials([self.name])
