"""How good are other settings' best shapes in a setting: a phase of trials after its search."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd
from pydantic import Field

from lrshape.analysis.reduce import best_base_lrs, scores
from lrshape.analysis.transfer import Donor
from lrshape.checks.follow_up import follow_up
from lrshape.errors import InputError
from lrshape.procedure.base_lr import EXTREME
from lrshape.procedure.keys import FIRST_SEED
from lrshape.procedure.phases import Phase, trials
from lrshape.procedure.shape import ShapeRecord
from lrshape.settings import Settings
from lrshape.study.callback import Callback
from lrshape.study.spec import StudySpec
from lrshape.study.study import Study
from lrshape.workers.executor import ExecutorChoice

NAME = "transfer"
SCORE_AFTER = 500_000
"""Seeds of the phase before those that score: however many tune, they are never the same."""
FIRST_SCORING_SEED = FIRST_SEED[NAME] + SCORE_AFTER


class TransferSpec(Settings):
    """How shapes are tuned and scored in a setting that they were not found in."""

    tuning_seeds: int = Field(default=10, ge=1, le=10_000, description="seeds that choose the base LR")
    base_lrs: int = Field(
        default=5, ge=1, le=99, description="base LRs tried, half a grid step apart, around the best known"
    )
    extend: int = Field(
        default=4, ge=0, le=99, description="base LRs more where the best lies on the edge of those tried"
    )
    seeds: int = Field(
        default=20, ge=1, le=10_000, description="seeds that score; at least 6 for an interval"
    )


@dataclass(frozen=True)
class Guest:
    """A shape that is tried in a setting.

    Attributes:
        shape: what is tried; its id names the setting that it comes from.
        around: the best base LR that is known for it in the setting, or of the setting's own best shape.
        kept: base LRs of the settings that it is the best of.
    """

    shape: ShapeRecord
    around: float
    kept: tuple[float, ...]


def donor(slug: str, study: Study) -> Donor | None:
    """The best shape of a complete study at its best base LR; None if its median is not finite.

    Raises:
        InputError: if the study is not complete.
    """
    best = study.best()
    if best["score_median"] is None:
        return None
    shape = ShapeRecord.of(slug, best["family"], best["params"])
    return Donor(slug, shape.family, shape.params, best["base_lr"])


def guests(donors: Sequence[Donor], own: Donor, screened: pd.DataFrame) -> list[Guest]:
    """The distinct shapes among the donors', each once however many settings it is the best of.

    Args:
        donors: the best of every setting.
        own: the best of the setting in which they are tried.
        screened: the setting's shapes at their best base LRs, as `best_base_lrs` gives them.
    """
    keys = zip(screened["family"], screened["params"], strict=True)
    known = {key: float(lr) for key, lr in zip(keys, screened["base_lr"], strict=True)}  # the last phase's
    kept: dict[tuple[str, str], dict[float, None]] = {}
    names: dict[tuple[str, str], str] = {}
    for d in donors:
        kept.setdefault((d.family, d.params), {})[d.base_lr] = None
        names.setdefault((d.family, d.params), f"best-{d.setting}")
    own_key = (own.family, own.params)
    return [
        Guest(
            ShapeRecord(names[key], *key),
            own.base_lr if key == own_key else known.get(key, own.base_lr),
            tuple(base_lrs),
        )
        for key, base_lrs in kept.items()
    ]


def transfer(spec: StudySpec, tried: Sequence[Guest], how: TransferSpec) -> Phase:
    """Tune every guest's base LR on some seeds; score it, and the kept base LRs, on others.

    Returns:
        The guests at their tuned base LR.
    """
    step = spec.base_lr.ratio**0.5
    count = how.base_lrs if step > 1 else 1
    around = {g.shape: g.around for g in tried}

    def at(shape: ShapeRecord, index: int) -> float:
        return around[shape] * step**index

    span = dict.fromkeys(around, (-(count // 2), count - 1 - count // 2))
    candidates = [(s, at(s, i)) for s, (low, high) in span.items() for i in range(low, high + 1)]
    by_id = {shape.id: shape for shape in around}
    best = pd.DataFrame()
    while candidates:
        table = yield trials(NAME, candidates, how.tuning_seeds)
        best = best_base_lrs(scores(table, spec.metric))
        candidates = []
        for identifier, edge, tries in zip(best["shape"], best["edge"], best["tried"], strict=True):
            if edge and tries < count + how.extend:
                shape = by_id[identifier]
                low, high = span[shape]
                index = low - 1 if edge == "low" else high + 1
                if 1 / EXTREME < at(shape, index) < EXTREME:
                    span[shape] = (min(low, index), max(high, index))
                    candidates.append((shape, at(shape, index)))
    tuned = [(by_id[i], float(lr)) for i, lr in zip(best["shape"], best["base_lr"], strict=True)]
    kept = [(g.shape, lr) for g in tried for lr in g.kept]
    yield trials(NAME, list(dict.fromkeys(tuned + kept)), how.seeds, SCORE_AFTER)
    return tuned


def run_transfer(
    study: Study,
    slug: str,
    donors: Sequence[Donor],
    how: TransferSpec,
    *,
    callback: Callback | None = None,
    time_limit: float | None = None,
    executor: ExecutorChoice = "inline",
) -> pd.DataFrame:
    """Try all donors' shapes in one setting's study; running it again trains only what is missing.

    Returns:
        The trials of both seed ranges.

    Raises:
        InputError: if the study has no best shape, or holds a transfer with other settings.
        TimeLimitReached: if the time limit came first.
        StoreError: if results cannot be written.
    """
    own = next((d for d in donors if d.setting == slug), None)
    if own is None:
        raise InputError(f"{study.path}: no shape has a finite {study.metric}, so none can be compared")
    spec = StudySpec.parse(study.document["spec"])
    searched = study.store.trials(["screen", "rescore"])
    tried = guests(donors, own, best_base_lrs(scores(searched, spec.metric)))
    settings: dict[str, Any] = {"shapes": [_plain(guest) for guest in tried], **how.model_dump()}
    return follow_up(
        study,
        NAME,
        settings,
        transfer(spec, tried, how),
        callback=callback,
        time_limit=time_limit,
        executor=executor,
    )


def _plain(guest: Guest) -> Mapping[str, Any]:
    shape = guest.shape
    return {
        "id": shape.id,
        "family": shape.family,
        "params": shape.params,
        "around": guest.around,
        "kept": list(guest.kept),
    }
