"""The screen: shapes from a sampler at base LRs from a strategy, generation by generation.

A sampler that does not learn has one generation. One that learns is told the scores of each before it is
asked for the next. All trainings of a generation share its seeds, so that what is compared is paired; each
generation has fresh ones, so that no shape is chosen for a lucky seed alone.
"""

import math
from collections.abc import Generator, Sequence
from itertools import chain, zip_longest

import pandas as pd

from lrshape.analysis.reduce import best_base_lrs, scores
from lrshape.analysis.result import BASELINE
from lrshape.study.base_lr import Candidate
from lrshape.study.family_search import FamilySearch
from lrshape.study.keys import FIRST_SEED
from lrshape.study.plan import Training
from lrshape.study.shape import Shape
from lrshape.study.spec import StudySpec

Phase = Generator[list[Training], pd.DataFrame, list[Candidate]]

FAVOURITES = 6
"""Shapes of each family that its sampler recommends in the end."""

MEETING_SEEDS = 3
"""Fresh seeds on which the families' favourites meet before half of them are dropped."""

PATIENCE = 2
"""Generations in a row in which no gain above the margin is expected, before the screen ends."""


def screen(spec: StudySpec) -> Phase:
    """Every shape that the samplers ask for, and the baselines; returns all at their best base LR, in order.

    What learning samplers recommend in the end comes before the shapes with the best scores, which owe them
    to luck as well.
    """
    return (yield from _Screen(spec).run())


def baseline_shapes(spec: StudySpec) -> list[Shape]:
    """The baselines as shapes; their ids start with ``baseline-``."""
    return [Shape.of(f"{BASELINE}{name}", b.family, b.params) for name, b in spec.baselines.items()]


def trainings(phase: str, candidates: Sequence[Candidate], seeds: int, skip: int = 0) -> list[Training]:
    """Every candidate on ``seeds`` seeds of the phase, the same for all, after the first ``skip`` of them."""
    first = FIRST_SEED[phase] + skip
    return [
        Training(phase, shape, base_lr, seed)
        for shape, base_lr in candidates
        for seed in range(first, first + seeds)
    ]


def ranked(best: pd.DataFrame, shapes: Sequence[Shape]) -> list[Candidate]:
    """Shapes at their best base LR, in the order of their rank."""
    by_id = {shape.id: shape for shape in shapes}
    ordered = best.sort_values(["rank", "shape"])
    return [(by_id[i], float(lr)) for i, lr in zip(ordered["shape"], ordered["base_lr"], strict=True)]


class _Screen:
    def __init__(self, spec: StudySpec):
        self._spec = spec
        self._searches = [FamilySearch(spec, family) for family in spec.families]
        self._shapes: dict[str, Shape] = {}
        self._best = pd.DataFrame()
        self._seeds_used = 0
        self._settled = 0

    def run(self) -> Phase:
        alive = self._searches
        if self._spec.screen.halving:
            while True:
                yield from self._explore(alive, rounds=self._rounds_of_rung(alive))
                if len(alive) == 1:
                    break
                alive = yield from self._meeting(alive)
        else:
            yield from self._explore(alive, rounds=None)
        return (yield from self._recommended())

    def _rounds_of_rung(self, alive: Sequence[FamilySearch]) -> int:
        """Generations for each family such that every rung trains about as many shapes."""
        rungs = 1 + math.ceil(math.log2(len(self._searches)))
        whole = self._spec.screen.shapes * len(self._searches)
        return max(1, round(whole / rungs / len(alive) / self._batch()))

    def _batch(self) -> int:
        return max(1, self._searches[0].population)

    def _explore(self, alive: Sequence[FamilySearch], rounds: int | None) -> Generator:
        """Generations of families until their rounds or budgets are spent, or little gain is expected."""
        while rounds is None or rounds > 0:
            first = not self._shapes
            asked = self._started() if first else []
            asked += [shape for search in alive for shape in search.ask()]
            asked += baseline_shapes(self._spec) if first else []
            if not asked:
                return
            yield from self._scored(asked)
            rounds = None if rounds is None else rounds - 1
            if self._is_settled(alive):
                return

    def _started(self) -> list[Shape]:
        """The shapes that the spec starts from, in the families' searches."""
        by_family: dict[str, list[Candidate]] = {}
        for start in self._spec.starts:
            shape = Shape.of("start", start.family, start.params)
            by_family.setdefault(start.family, []).append((shape, start.base_lr))
        return [shape for search in self._searches for shape in search.start(by_family.get(search.name, []))]

    def _scored(self, asked: Sequence[Shape]) -> Generator:
        """Train shapes at the base LRs that the strategy proposes, and tell the samplers."""
        self._shapes |= {shape.id: shape for shape in asked}
        given = {name: lr for search in self._searches for name, lr in search.given.items()}
        seeds = self._spec.screen.seeds
        while candidates := self._spec.base_lr.propose(asked, self._best, given):
            yield from self._trained(candidates, seeds)
        self._seeds_used += seeds
        for search in self._searches:
            search.tell(self._best)

    def _trained(self, candidates: Sequence[Candidate], seeds: int) -> Generator:
        table = yield trainings("screen", candidates, seeds, skip=self._seeds_used)
        self._best = best_base_lrs(scores(table, self._spec.objective))

    def _meeting(self, alive: Sequence[FamilySearch]) -> Generator:
        """Train the families' favourites on common fresh seeds; the better half of the families goes on."""
        favourite = {search.name: shapes[0] for search in alive if (shapes := search.favourites(1))}
        yield from self._scored([s for s in favourite.values() if s.id not in self._shapes])
        at = dict(zip(self._best["shape"], self._best["base_lr"], strict=True))
        yield from self._trained([(s, float(at[s.id])) for s in favourite.values()], MEETING_SEEDS)
        self._seeds_used += MEETING_SEEDS
        score = dict(zip(self._best["shape"], self._best["score"], strict=True))
        order = sorted(
            (search for search in alive if search.name in favourite),
            key=lambda search: score[favourite[search.name].id],
        )
        return order[: math.ceil(len(alive) / 2)] or alive[:1]

    def _is_settled(self, alive: Sequence[FamilySearch]) -> bool:
        if self._spec.screen.margin == 0:
            return False
        gains = [search.expected_gain() for search in alive]
        below = all(gain is not None and gain < self._spec.screen.margin for gain in gains)
        self._settled = self._settled + 1 if below else 0
        return self._settled >= PATIENCE

    def _recommended(self) -> Phase:
        """Train what the samplers recommend and has not been trained; the favourites, then all others."""
        favourites = [search.favourites(FAVOURITES) for search in self._searches]
        new = [s for shapes in favourites for s in shapes if s.id not in self._shapes]
        if new:
            yield from self._scored(new)
        order = ranked(self._best, list(self._shapes.values()))
        place = {shape.id: i for i, (shape, _) in enumerate(order)}
        by_rank = dict(zip((shape.id for shape, _ in order), order, strict=True))
        # Family by family in turn, the better families first: each one's first, each one's second, ...
        favourites.sort(key=lambda shapes: min((place[s.id] for s in shapes), default=0))
        turns = [s.id for s in chain.from_iterable(zip_longest(*favourites)) if s is not None]
        return [by_rank[name] for name in dict.fromkeys(turns + list(by_rank))]
