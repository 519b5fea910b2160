"""How many seeds does a study need? Shapes of its search trained again on many seeds."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import numpy as np
import pandas as pd
from pydantic import Field
from typing_extensions import override

from lrshape.analysis.direction import as_measured
from lrshape.analysis.scores import is_baseline
from lrshape.analysis.tables import records, where
from lrshape.checks.check import CHECKS, Check, CheckResult, as_confirmed, best_stored, require_search
from lrshape.checks.seeds_page import seeds_result
from lrshape.checks.seeds_statistics import score_matrix, seed_answer
from lrshape.errors import InputError
from lrshape.procedure.rounds import Phase
from lrshape.procedure.trial import Candidate
from lrshape.study.study import Study


@dataclass(frozen=True)
class SeedPlan:
    """The shapes, at their best base LRs, best first.

    Attributes:
        screened: a sample of all screened shapes.
        top: the best shapes.
        keep: how many of the sample stand for the shapes that the rescore phase takes.
    """

    screened: list[Candidate]
    top: list[Candidate]
    keep: int

    @property
    def candidates(self) -> list[Candidate]:
        """All of them, once each."""
        return list(dict.fromkeys(self.top + self.screened))


@CHECKS.register("seeds")
class SeedsCheck(Check):
    """Find how many seeds a search of this workload needs, by training some of its shapes on many.

    lrshape compares scores on few seeds with scores on many others: rank correlation, how many of the best
    shapes are found, by how much the chosen shape is worse than the best. It writes tables, figures and a
    page to DIR/seeds. Run the command again to resume it; another --certainty or --margin trains nothing.

    Examples:

        lrshape check seeds digits

        lrshape check seeds digits --max 30 --sample 24 --top 6

        lrshape check seeds digits --certainty 0.9 --margin 0.02 --json
    """

    FIRST_SEED: ClassVar[int | None] = 4_000_000
    CHANGE_NO_TRIAL: ClassVar[frozenset[str]] = frozenset({"certainty", "margin"})

    max: int = Field(default=100, ge=4, le=10_000, description="seeds per shape")
    top: int = Field(default=12, ge=2, le=10_000, description="best shapes of the search")
    sample: int = Field(
        default=48, ge=2, le=100_000, description="screened shapes, spread evenly over the screen's ranking"
    )
    certainty: float = Field(default=0.95, gt=0, lt=1, description="required probability of a good choice")
    margin: float = Field(
        default=0.05, ge=0, le=10, description="largest acceptable regret, as a fraction of the best score"
    )

    def plan(self, study: Study) -> SeedPlan:
        """The shapes to train: a sample that is even over the screen's ranks, and the best of the search.

        A shape's base LR is that of the last phase that has trained it.

        Raises:
            InputError: if the study is not complete, has screened fewer than 2 shapes, or none has a finite
                score.
        """
        require_search(study)
        table = best_stored(study, ["screen", "rescore"])
        table = where(table, ~is_baseline(table))
        screened, rescored = (
            {row["shape"]: Candidate.read(row) for row in records(where(table, table["phase"] == phase))}
            for phase in ("screen", "rescore")
        )
        if not np.isfinite(table["score"].to_numpy(np.float64)).any():
            raise InputError(
                f"{study.path}: no shape has a finite {study.metric}, so there is nothing to rank"
            )
        if len(screened) < 2:
            raise InputError(f"{study.path}: at least 2 screened shapes are needed, got {len(screened)}")
        rescored = {c.shape.id: c for c in as_confirmed(study, [*rescored.values()])}
        best = {name: rescored.get(name, candidate) for name, candidate in screened.items()}
        count = min(self.sample, len(best))
        places = np.unique(np.round((np.arange(count) + 0.5) * len(best) / count - 0.5).astype(int))
        names = list(best)
        ranking = [*rescored, *(name for name in names if name not in rescored)]
        share = study.spec.rescore.top / len(best)
        return SeedPlan(
            screened=[best[names[place]] for place in places],
            top=[best[name] for name in ranking[: self.top]],
            keep=max(1, round(share * len(places))),
        )

    @override
    def phase(self, study: Study) -> Phase:
        return self._rounds(self.plan(study).candidates)

    def _rounds(self, candidates: list[Candidate]) -> Phase:
        yield self.trials(candidates, self.max)
        return candidates

    @override
    def cost(self, study: Study) -> int:
        return len(self.plan(study).candidates) * self.max

    @override
    def most_trials(self, study: Study) -> int:
        return self.cost(study)

    @override
    def evaluate(self, study: Study, trials: pd.DataFrame, figures: Path) -> CheckResult:
        plan = self.plan(study)
        answer = seed_answer(
            score_matrix(trials, study.metric),
            *([candidate.shape.id for candidate in group] for group in (plan.screened, plan.top)),
            keep=plan.keep,
            certainty=self.certainty,
            margin=self.margin,
        )
        return seeds_result(
            replace(answer, scores=as_measured(answer.scores, study.spec.direction)),
            figures,
            metric=study.metric,
            used=(study.spec.screen.seeds, study.spec.rescore.seeds),
            trials=len(trials),
            shapes={row["shape"]: row for row in records(trials.drop_duplicates("shape"))},
            min_lr=study.spec.min_lr,
        )
