"""What every check shares: it runs its trials, evaluates them, and writes tables, figures and a page."""

import abc
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from lrshape.analysis.direction import as_losses
from lrshape.analysis.scores import best_base_lrs, scores
from lrshape.analysis.tables import write_csv
from lrshape.errors import InputError
from lrshape.files import inside
from lrshape.procedure.rounds import Phase
from lrshape.procedure.trial import Candidate, Trial, trials
from lrshape.registry import Registry
from lrshape.settings import Settings
from lrshape.store import Store, text_of
from lrshape.study.callback import Callback
from lrshape.study.creation import check_workload
from lrshape.study.run import Run
from lrshape.study.spec import StudySpec
from lrshape.study.study import Study
from lrshape.training.user_function import keeping_worker
from lrshape.values import positive_number
from lrshape.workers.executor import ExecutorChoice, executor_of

if TYPE_CHECKING:
    from lrshape.report.interaction import Cards
    from lrshape.report.sections import Section


_BLOCK = 1_000_000
"""Seed indices of a follow-up."""
_OWN_BLOCKS = 10
"""Blocks kept for lrshape: the phases of a search, its own checks, and what else it trains."""


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """What a check found, as its page, the terminal and JSON show it.

    Attributes:
        title: the answer in a few words.
        lede: what the title means, with numbers, a sentence each.
        sections: what the page, and but for figures and code the terminal, show below.
        method: how it was computed, a sentence each.
        tables: written as ``tables/<name>.csv``.
        data: plain JSON types; None stands for a number that is not finite.
        cards: of the shapes that can be pointed at on the page.
    """

    title: str
    lede: Sequence[str] = ()
    sections: "Sequence[Section]" = ()
    method: Sequence[str] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    cards: "Cards | None" = None

    def to_dict(self) -> dict[str, Any]:
        """``data``, for JSON."""
        return dict(self.data)

    def write(self, directory: Path, *, eyebrow: str, name: str) -> Path:
        """Write ``report.html`` and ``tables/``; the same result gives the same bytes.

        Args:
            directory: where to write.
            eyebrow: what kind of page it is.
            name: of the study.

        Returns:
            The path of ``report.html``.

        Raises:
            OSError: if the directory cannot be written.
        """
        from lrshape.report.sections import Section, write_page

        method = [Section("How it was computed", remarks=self.method)] if self.method else []
        write_csv(self.tables, directory, "tables")
        return write_page(
            directory / "report.html",
            eyebrow=eyebrow,
            name=name,
            title=self.title,
            lede=self.lede,
            sections=[*self.sections, *method],
            cards=self.cards,
        )


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
        """Rounds of trials, see `lrshape.procedure.rounds.Phase`; make them with `trials`.

        Raises:
            InputError: if the study does not suit it.
        """

    @abc.abstractmethod
    def most_trials(self, study: Study) -> int:
        """How many trials it takes at most: the total of the progress bar, which never grows."""

    @classmethod
    def first_seed(cls) -> int:
        """First of its seed indices: no search, and no check of lrshape's own, uses the next million.

        Seeds are taken modulo 2**31, so that the indices of other checks stay below it.
        """
        if cls.FIRST_SEED is not None:
            return cls.FIRST_SEED
        return _BLOCK * (_OWN_BLOCKS + zlib.crc32(cls.name.encode()) % (2**31 // _BLOCK - _OWN_BLOCKS))

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
        max_failed_fraction: float | None = None,
    ) -> pd.DataFrame:
        """Run the trials that are missing, and return all of them, sorted.

        Args:
            study: whose workload is trained.
            callback: hears of progress.
            time_limit: seconds after which it stops with `TimeLimitReached`.
            executor: what runs the trials, see `lrshape.search`.
            max_failed_fraction: as in a spec, which a study's ``study.json`` does not keep; default: 0.5.

        Raises:
            InputError: if the study is not complete or does not suit it, or the directory holds trials
                with other settings, or of another study, or is a link.
            TimeLimitReached: if the time limit came first; what is finished is kept.
            StoreError: if results cannot be written.
        """
        if time_limit is not None:
            time_limit = positive_number("time_limit", time_limit)
        spec = study.spec
        if max_failed_fraction is not None:
            spec = StudySpec.parse({**spec.document(), "max_failed_fraction": max_failed_fraction})
        study.require_complete()
        phase = self.phase(study)
        settings = self.model_dump(mode="json", exclude=set(self.CHANGE_NO_TRIAL))
        document = {"check": self.name, "of": study.document["hash"], "settings": settings}
        path = inside(study.directory.absolute(), self.name)
        store = Store.create(path, document, more=lambda: check_workload(spec.workload, [*spec.tune]) or {})
        callback = callback or Callback()
        callback.started(str(store.path), len(store.chunks()))
        with executor_of(executor) as runner, keeping_worker():
            run = Run(spec, store, study.chunk_size, runner, callback, time_limit)
            run.phase(self.name, phase, self.most_trials(study))
        return store.trials([self.name])


class Check(FollowUp):
    """A question to a complete study that more trials of its workload answer.

    A subclass that `CHECKS` registers is a command, ``lrshape check NAME``. Its fields are the check's
    settings and, with their descriptions, the command's options; its docstring is the command's help.
    """

    @abc.abstractmethod
    def cost(self, study: Study) -> int:
        """About how many trials the check takes."""

    @abc.abstractmethod
    def evaluate(self, study: Study, trials: pd.DataFrame, figures: Path) -> CheckResult:
        """What the trials say.

        Args:
            study: the study, complete.
            trials: all of the check's, sorted, the metric lower where it is better.
            figures: where figures are drawn, see `lrshape.report.drawing.draw_all`.
        """

    def run(
        self,
        study: Study,
        *,
        callback: Callback | None = None,
        time_limit: float | None = None,
        executor: ExecutorChoice = "inline",
        max_failed_fraction: float | None = None,
    ) -> CheckResult:
        """Run the trials that are missing, and write ``report.html``, ``figures/`` and ``tables/``.

        Arguments and errors are those of `train`.
        """
        from lrshape.report.sections import writing

        table = self.train(
            study,
            callback=callback,
            time_limit=time_limit,
            executor=executor,
            max_failed_fraction=max_failed_fraction,
        )
        directory = study.directory / self.name
        with writing(directory):
            losses = as_losses(table, study.metric, study.spec.direction)
            result = self.evaluate(study, losses, directory / "figures")
            stated = {"metric": study.metric, "settings": self.model_dump(mode="json"), "trials": len(table)}
            tables = {**result.tables, "trials": table.drop(columns="wall_time")}
            result = replace(result, tables=tables, data={**stated, **result.data})
            name = str(study.document.get("name", "study"))
            result.write(directory, eyebrow=f"Check: {self.name}", name=name)
        return result


def require_search(study: Study) -> None:
    """Require a complete study that has searched shapes.

    Raises:
        InputError: if it is not complete, or a contest.
    """
    study.require_complete()
    if study.spec.is_contest:
        raise InputError(f"{study.path}: it must be a search, got a contest, which searches no shapes")


def best_stored(study: Study, phases: Sequence[str]) -> pd.DataFrame:
    """A study's shapes at their best base LRs, see `best_base_lrs`; a lower score is better."""
    losses = as_losses(study.store.trials(phases), study.metric, study.spec.direction)
    return best_base_lrs(scores(losses, study.metric))


def as_confirmed(study: Study, candidates: Sequence[Candidate]) -> list[Candidate]:
    """The shapes of a complete study, its winner first, as it confirmed them if it did."""
    best = study.best()
    confirmed = {one.shape: one for one in (best, *best.families) if one.phase == "confirm"}
    found = []
    for candidate in candidates:
        if own := confirmed.get(candidate.shape.id):
            candidate = Candidate(candidate.shape, own.base_lr, text_of(own.hyperparameters))
        found.append(candidate)
    return sorted(found, key=lambda candidate: candidate.shape.id != best.shape)


CHECKS: Registry[Check] = Registry("check", "lrshape.checks", "lrshape.checks", Check)
