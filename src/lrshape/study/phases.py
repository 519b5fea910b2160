"""The phases of a study: each yields rounds of trainings to run, and decides from their results.

A phase is a generator of lists of trainings; the table of the phase's trainings so far is sent back into it,
and it returns what it chose. What it does depends on the spec and the results alone, so that a study that is
run again from stored results takes the same course.
"""

from collections.abc import Generator, Sequence

import pandas as pd

from lrshape.analysis.reduce import best_base_lrs, scores
from lrshape.analysis.result import BASELINE
from lrshape.families import FAMILIES
from lrshape.study.keys import FIRST_SEED, sampler_seed
from lrshape.study.plan import Shape, Training
from lrshape.study.spec import FamilySpec, StudySpec, make_sampler

Candidate = tuple[Shape, float]
Phase = Generator[list[Training], pd.DataFrame, list[Candidate]]


def sampled_shapes(spec: StudySpec, family: FamilySpec) -> list[Shape]:
    """Shapes of one family from the sampler; a family with nothing to search has one."""
    space = family.space()
    count = (family.shapes or spec.screen.shapes) if len(space) else 1
    sampler = make_sampler(spec.sampler)
    points, _ = sampler.ask(sampler.init(len(space), sampler_seed(spec.seed, family.name)), count)
    columns = space.from_unit(points)
    legal = {p.name: p for p in FAMILIES[family.name].parameters()}
    return [
        Shape.of(
            f"{family.name}-{i:04d}",
            family.name,
            family.fixed | {name: legal[name].validated(values[i]) for name, values in columns.items()},
        )
        for i in range(len(points))
    ]


def baseline_shapes(spec: StudySpec) -> list[Shape]:
    """The baselines as shapes; their ids start with ``baseline-``."""
    return [Shape.of(f"{BASELINE}{name}", b.family, b.params) for name, b in spec.baselines.items()]


def screen(spec: StudySpec) -> Phase:
    """Every shape and baseline at the base LRs that the strategy proposes; returns all at their best one."""
    shapes = [shape for family in spec.families for shape in sampled_shapes(spec, family)]
    shapes += baseline_shapes(spec)
    best = pd.DataFrame()
    while candidates := spec.base_lr.propose(shapes, best):
        table = yield trainings("screen", candidates, spec.screen.seeds)
        best = best_base_lrs(scores(table, spec.objective))
    return _ranked(best, shapes)


def rescore(spec: StudySpec, screened: Sequence[Candidate]) -> Phase:
    """The top shapes, each family's best and the baselines, around their best base LRs, on fresh seeds."""
    own = [c for c in screened if not _is_baseline(c[0])]
    chosen = own[: spec.rescore.top] + _first_of_each_family(own) + _baselines(screened)
    bracketed = [
        (shape, base_lr)
        for shape, best in dict.fromkeys(chosen)
        for base_lr in spec.base_lr.bracket(best, spec.rescore.base_lrs)
    ]
    table = yield trainings("rescore", bracketed, spec.rescore.seeds)
    return _ranked(best_base_lrs(scores(table, spec.objective)), [shape for shape, _ in chosen])


def confirm(spec: StudySpec, rescored: Sequence[Candidate]) -> Phase:
    """The winner, each family's best and the baselines, at their best base LR, on unseen seeds."""
    own = [c for c in rescored if not _is_baseline(c[0])]
    chosen = _first_of_each_family(own) + _baselines(rescored)
    yield trainings("confirm", chosen, spec.confirm.seeds)
    return chosen


def trainings(phase: str, candidates: Sequence[Candidate], seeds: int, skip: int = 0) -> list[Training]:
    """Every candidate on ``seeds`` seeds of the phase, the same for all, after the first ``skip`` of them."""
    first = FIRST_SEED[phase] + skip
    return [
        Training(phase, shape, base_lr, seed)
        for shape, base_lr in candidates
        for seed in range(first, first + seeds)
    ]


def _ranked(best: pd.DataFrame, shapes: Sequence[Shape]) -> list[Candidate]:
    """Shapes at their best base LR, in the order of their rank."""
    by_id = {shape.id: shape for shape in shapes}
    ordered = best.sort_values(["rank", "shape"])
    return [(by_id[i], float(lr)) for i, lr in zip(ordered["shape"], ordered["base_lr"], strict=True)]


def _is_baseline(shape: Shape) -> bool:
    return shape.id.startswith(BASELINE)


def _baselines(candidates: Sequence[Candidate]) -> list[Candidate]:
    return [c for c in candidates if _is_baseline(c[0])]


def _first_of_each_family(candidates: Sequence[Candidate]) -> list[Candidate]:
    first: dict[str, Candidate] = {}
    for candidate in candidates:
        first.setdefault(candidate[0].family, candidate)
    return list(first.values())
