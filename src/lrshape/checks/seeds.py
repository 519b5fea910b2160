"""How many seeds a study needs: shapes of its search trained again on many seeds."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from pydantic import Field

from lrshape.analysis.frames import records, where
from lrshape.analysis.reduce import best_base_lrs, scores
from lrshape.analysis.result import BASELINE
from lrshape.analysis.seeds import SeedAnswer, score_matrix, seed_answer
from lrshape.analysis.tables import write_csv
from lrshape.checks.follow_up import follow_up
from lrshape.errors import InputError
from lrshape.procedure.phases import Candidate, Phase, trials
from lrshape.procedure.shape import ShapeRecord
from lrshape.settings import Settings
from lrshape.store import store_error
from lrshape.study.callback import Callback
from lrshape.study.study import Study
from lrshape.workers.executor import ExecutorChoice

NAME = "seeds"


class SeedSettings(Settings):
    """Which shapes are trained, on how many seeds."""

    max: int = Field(default=100, ge=4, le=10_000, description="seeds a shape")
    top: int = Field(default=12, ge=2, le=10_000, description="best shapes of the search")
    sample: int = Field(
        default=48, ge=2, le=100_000, description="shapes of the screen, evenly over its ranks"
    )


class Wanted(Settings):
    """How sure a choice shall be."""

    certainty: float = Field(default=0.95, gt=0, lt=1, description="chance of a good choice")
    margin: float = Field(
        default=0.05, ge=0, le=10, description="how much worse than the best is good enough, as a fraction"
    )


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


@dataclass(frozen=True)
class SeedResult:
    """What a study of seeds found.

    Attributes:
        metric: the metric that is minimised.
        answer: what few seeds tell of many, and the recommended numbers.
        used: ``(screen.seeds, rescore.seeds)`` of the search.
        trials: how many were made.
        directory: where they, the tables, the figures and the page are.
    """

    metric: str
    answer: SeedAnswer
    used: tuple[int, int]
    trials: int
    directory: Path


def seed_plan(study: Study, settings: SeedSettings) -> SeedPlan:
    """The shapes to train: a sample that is even over the screen's ranks, and the best of the search.

    A shape's base LR is the rescore phase's where it was rescored, else the screen's.

    Raises:
        InputError: if the study is not complete, or has screened fewer than 2 shapes.
    """
    study.require_complete()
    table = best_base_lrs(scores(study.store.trials(["screen", "rescore"]), study.metric))
    table = where(table, ~table["shape"].str.startswith(BASELINE).to_numpy(bool))
    screened, rescored = (
        {
            row["shape"]: (ShapeRecord(row["shape"], row["family"], row["params"]), float(row["base_lr"]))
            for row in records(where(table, table["phase"] == phase))
        }
        for phase in ("screen", "rescore")
    )
    if len(screened) < 2:
        raise InputError(f"{study.path}: at least 2 screened shapes are needed, got {len(screened)}")
    best = {name: rescored.get(name, candidate) for name, candidate in screened.items()}
    count = min(settings.sample, len(best))
    places = np.unique(np.round((np.arange(count) + 0.5) * len(best) / count - 0.5).astype(int))
    names = list(best)
    ranking = [*rescored, *(name for name in names if name not in rescored)]
    share = study.document["spec"]["rescore"]["top"] / len(best)
    return SeedPlan(
        screened=[best[names[place]] for place in places],
        top=[best[name] for name in ranking[: settings.top]],
        keep=max(1, round(share * len(places))),
    )


def seed_phase(plan: SeedPlan, settings: SeedSettings) -> Phase:
    """Every shape of the plan on every seed."""
    candidates = plan.candidates
    yield trials(NAME, candidates, settings.max)
    return candidates


def seeds(
    study: Study,
    settings: SeedSettings,
    wanted: Wanted,
    *,
    callback: Callback | None = None,
    time_limit: float | None = None,
    executor: ExecutorChoice = "inline",
) -> SeedResult:
    """Train shapes of a complete study on many seeds, and say how few would have done.

    Running it again trains only what is missing, and nothing for another certainty or margin. Tables,
    figures and a page are written.

    Raises:
        InputError: if the study is not complete or too small, or its directory holds trials with other
            settings.
        TimeLimitReached: if the time limit came first; what is finished is kept.
        StoreError: if results cannot be written.
    """
    plan = seed_plan(study, settings)
    table = follow_up(
        study,
        NAME,
        settings.model_dump(),
        seed_phase(plan, settings),
        callback=callback,
        time_limit=time_limit,
        executor=executor,
    )
    answer = seed_answer(
        score_matrix(table, study.metric),
        *([shape.id for shape, _ in group] for group in (plan.screened, plan.top)),
        keep=plan.keep,
        **wanted.model_dump(),
    )
    spec = study.document["spec"]
    result = SeedResult(
        metric=study.metric,
        answer=answer,
        used=(spec["screen"]["seeds"], spec["rescore"]["seeds"]),
        trials=len(table),
        directory=study.directory / NAME,
    )
    _write(study, result, table)
    return result


def _write(study: Study, result: SeedResult, table: pd.DataFrame) -> None:
    from lrshape.report.seeds import write_seed_report

    answer = result.answer
    groups = {"screened": answer.screened, "top": answer.top}
    try:
        write_csv(
            {
                "agreement": pd.concat([a.table.assign(group=g) for g, a in groups.items()]),
                "cross": pd.concat([a.cross.assign(group=g) for g, a in groups.items()]),
                "scores": answer.scores,
                "trials": table.drop(columns="wall_time"),
            },
            result.directory / "tables",
        )
        write_seed_report(
            answer,
            result.directory,
            metric=result.metric,
            used=result.used,
            trials=result.trials,
            document=study.document,
            shapes={row["shape"]: row for row in records(table.drop_duplicates("shape"))},
        )
    except OSError as error:
        raise store_error(error, Path(error.filename2 or error.filename or result.directory)) from error
