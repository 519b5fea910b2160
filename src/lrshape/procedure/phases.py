"""The phases of a study: each yields rounds of trials to run, and decides from their results.

A phase is a generator of lists of trials; the table of the phase's trials so far is sent back into it,
and it returns what it chose. What it does depends on the spec and the results alone, so that a study that is
run again from stored results takes the same course.
"""

from collections.abc import Callable, Mapping, Sequence

import pandas as pd

from lrshape.analysis.scores import BASELINE, best_base_lrs, scores
from lrshape.procedure.racing import drop_losers, rungs
from lrshape.procedure.screening import Phase, rank, screen
from lrshape.procedure.shape import ShapeRecord
from lrshape.procedure.spec import SearchSpec
from lrshape.procedure.trial import Candidate, trials


def rescore(spec: SearchSpec, screened: Sequence[Candidate]) -> Phase:
    """The top shapes, each family's best and the baselines, around their best base LRs, on fresh seeds.

    In a race, seeds are spent in rungs, and after each one only what may still win, of all or for its family,
    goes on.
    """
    own = [c for c in screened if not _is_baseline(c[0])]
    chosen = own[: spec.rescore.top] + _first_of_each_family(own) + _baselines(screened)
    racing = [
        (shape, base_lr)
        for shape, best in dict.fromkeys(chosen)
        for base_lr in spec.base_lr.bracket(best, spec.rescore.base_lrs)
    ]
    shapes = [shape for shape, _ in chosen]
    done, table = 0, pd.DataFrame()
    for rung in rungs(spec.rescore.seeds) if spec.rescore.race else [spec.rescore.seeds]:
        table = yield trials("rescore", racing, rung - done, skip=done)
        done = rung
        if spec.rescore.race:
            racing = _may_win(table, spec, racing)
    return rank(best_base_lrs(scores(table, spec.metric)), shapes)


def _may_win(table: pd.DataFrame, spec: SearchSpec, racing: list[Candidate]) -> list[Candidate]:
    """What may still win the study, and the best of each family and baseline."""
    error = spec.rescore.race_alpha / len(rungs(spec.rescore.seeds))
    own = [c for c in racing if not _is_baseline(c[0])]
    kept = drop_losers(table, spec.metric, own, error)
    best = best_base_lrs(scores(table, spec.metric))
    leaders = rank(best, [shape for shape, _ in racing])
    kept += [c for c in _first_of_each_family([c for c in leaders if not _is_baseline(c[0])]) if c in racing]
    for baseline in {shape for shape, _ in racing if _is_baseline(shape)}:
        rates = [c for c in racing if c[0] == baseline]
        kept += drop_losers(table, spec.metric, rates, error)
    return [c for c in racing if c in set(kept)]


def confirm(spec: SearchSpec, rescored: Sequence[Candidate]) -> Phase:
    """The winner, each family's best and the baselines, at their best base LR, on unseen seeds."""
    own = [c for c in rescored if not _is_baseline(c[0])]
    chosen = _first_of_each_family(own) + _baselines(rescored)
    yield trials("confirm", chosen, spec.confirm.seeds)
    return chosen


PHASES: Mapping[str, Callable[[SearchSpec, Sequence[Candidate]], Phase]] = {
    "screen": lambda spec, _: screen(spec),
    "rescore": rescore,
    "confirm": confirm,
}
"""The phases of a search as they run; each takes what the one before it chose."""


def _is_baseline(shape: ShapeRecord) -> bool:
    return shape.id.startswith(BASELINE)


def _baselines(candidates: Sequence[Candidate]) -> list[Candidate]:
    return [c for c in candidates if _is_baseline(c[0])]


def _first_of_each_family(candidates: Sequence[Candidate]) -> list[Candidate]:
    first: dict[str, Candidate] = {}
    for candidate in candidates:
        first.setdefault(candidate[0].family.name, candidate)
    return list(first.values())
