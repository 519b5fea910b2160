"""The screen: shapes from a sampler at base LRs from a strategy, generation by generation.

A sampler that does not learn has one generation. One that learns is told the scores of each before it is
asked for the next. Families may share a search: then its model compares schedules as curves, whatever their
family, and each place of a generation goes to the shape, of any family, that one draw from the model holds
for the best (Thompson sampling).

All trials of a generation share its seeds, so that what is compared is paired; each generation has fresh
ones, so that no shape is chosen for a lucky seed alone.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import chain, zip_longest

import numpy as np
import pandas as pd

from lrshape.analysis.scores import BASELINE, best_base_lrs, scores
from lrshape.analysis.tables import records
from lrshape.procedure.hyperparameters import EXTENSIONS
from lrshape.procedure.resolution import scale_of, standard_error, unit_on_scale
from lrshape.procedure.rounds import Phase, Rounds
from lrshape.procedure.sampler import Belief
from lrshape.procedure.shape_search import ShapeSearch
from lrshape.procedure.spec import MAX_TRIALS, SearchSpec
from lrshape.procedure.trial import Candidate, ShapeRecord, trials
from lrshape.store import hyperparameters_of

_Step = Rounds[None]

FAVOURITES = 6
"""Shapes that a sampler recommends in the end, at most."""

SHARE = 0.25
"""Of the standard error of a difference in the confirm phase: less gain than that is not worth a trial."""

PATIENCE = 2
"""Generations in a row in which no gain above the margin is expected, before the screen ends."""


def favourites(spec: SearchSpec) -> int:
    """How many shapes a sampler recommends in the end: of each family, or of all if one wins in the end."""
    return FAVOURITES if spec.confirm.families else min(FAVOURITES, spec.rescore.top)


def screen(spec: SearchSpec) -> Phase:
    """Every shape that the samplers ask for, and the baselines; returns all at their best base LR, in order.

    What learning samplers recommend in the end comes before the shapes with the best scores, which owe them
    to luck as well.
    """
    return (yield from _Screen(spec).run())


def baseline_shapes(spec: SearchSpec) -> list[ShapeRecord]:
    """The baselines as shapes; their ids start with ``baseline-``."""
    return [ShapeRecord.of(f"{BASELINE}{name}", b.family, b.params) for name, b in spec.baselines.items()]


def name_of(baseline: ShapeRecord) -> str:
    """What the spec calls a baseline."""
    return baseline.id.removeprefix(BASELINE)


def rank(best: pd.DataFrame, shapes: Sequence[ShapeRecord]) -> list[Candidate]:
    """Those shapes of a table at their best base LR, in the order of their rank."""
    by_id = {shape.id: shape for shape in shapes}
    ordered = best.iloc[np.flatnonzero(best["shape"].isin(list(by_id)))].sort_values(["rank", "shape"])
    columns = zip(*(ordered[name] for name in ("shape", "base_lr", "hyperparameters")), strict=True)
    return [Candidate(by_id[name], float(lr), tuned) for name, lr, tuned in columns]


def recommended(spec: SearchSpec) -> int:
    """How many shapes the samplers recommend in the end at most; 0 if they do not learn."""
    if spec.sampler.batch is None:
        return 0
    of_each = spec.confirm.families or not spec.screen.share_families
    return favourites(spec) * (len(spec.families) if of_each else 1)


class _Screen:
    def __init__(self, spec: SearchSpec):
        self._spec = spec
        self._searches: list[ShapeSearch] = []
        self._shapes: dict[str, ShapeRecord] = {}
        self._best = pd.DataFrame()
        self._seeds_used = 0
        self._trials = 0
        self._quiet = 0

    def run(self) -> Phase:
        # Baselines first, on the seeds of the first generation: they show about where the best LRs are.
        families = self._spec.families
        kept = self._spec.kept_base_lrs
        baselines = baseline_shapes(self._spec)
        tuned = [shape for shape in baselines if name_of(shape) not in kept]
        yield from self._score(tuned, len(families) + len(kept))
        yield from self._sweep(tuned, len(families) + len(kept))
        if kept:
            self._shapes |= {shape.id: shape for shape in baselines}
            at = [Candidate(shape, kept[name_of(shape)]) for shape in baselines if name_of(shape) in kept]
            yield from self._train(at, self._spec.screen.seeds)
        groups = [(family,) for family in families]
        if families and self._spec.screen.share_families:
            groups = [families]
        self._searches = [ShapeSearch(self._spec, group, self._best) for group in groups]
        starts = [
            Candidate(ShapeRecord.of("start", s.family, s.params), s.base_lr)
            for s in self._spec.initial_shapes
        ]
        asked = [shape for search in self._searches for shape in search.start(starts)]
        in_the_end = min(recommended(self._spec), self._room() // 2)
        while not self._has_converged() and self._room(in_the_end) > 0:
            batches = [search.ask() for search in self._searches]
            # In turn where some may have to be left out, else family by family.
            turns = batches if self._spec.screen_limit is None else zip_longest(*batches)
            asked += [shape for shape in chain.from_iterable(turns) if shape is not None]
            if not asked:
                break
            yield from self._score(asked, in_the_end)
            asked = []
            self._seeds_used += self._spec.screen.seeds
        return (yield from self._recommend())

    def _score(self, asked: Sequence[ShapeRecord], kept: int = 0) -> _Step:
        """Train shapes at the base LRs that the strategy proposes, and tell the samplers.

        Args:
            asked: the shapes; those that there is no room for are left out.
            kept: how many shapes at base LRs there must be room for afterwards.
        """
        self._shapes |= {shape.id: shape for shape in asked}
        given = {name: lr for search in self._searches for name, lr in search.given.items()}
        values = {name: text for search in self._searches for name, text in search.hyperparameters.items()}
        seeds, fixed = self._spec.screen.seeds, self._spec.hyperparameters.untuned
        while candidates := self._proposed(asked, given, kept):
            yield from self._train(
                [c._replace(hyperparameters=values.get(c.shape.id, fixed)) for c in candidates], seeds
            )
        for search in self._searches:
            search.tell(self._best)

    def _proposed(
        self, asked: Sequence[ShapeRecord], given: Mapping[str, float], kept: int
    ) -> list[Candidate]:
        """What the strategy proposes and there is room for.

        A shape that waits until the base LRs of others are known gets at least one trial.
        """
        found = self._spec.base_lr.propose(asked, self._best, given)
        scored = set(self._best["shape"]) if len(self._best) else set[str]()
        turn = scored | {candidate.shape.id for candidate in found}
        waiting = [shape for shape in asked if shape.id not in turn]
        fitting = found[: self._room(kept + len(waiting))]
        if fitting or not (waiting and scored):
            return fitting
        at = float(self._best["base_lr"].iloc[0])
        return [Candidate(shape, at) for shape in waiting[: self._room(kept)]]

    def _sweep(self, shapes: Sequence[ShapeRecord], kept: int) -> _Step:
        """Train shapes at values of each hyperparameter, one after the other, from its best base LR on.

        It shows about where good values lie, as base LRs of the first shapes do.
        """
        space, ids = self._spec.hyperparameters, {shape.id for shape in shapes}
        for name, one in space.specs.items():
            tried = {shape.id: [one.unit(hyperparameters_of(space.untuned)[name])] for shape in shapes}
            for _ in range(1 + EXTENSIONS):
                candidates = []
                for row in records(self._best):
                    if row["shape"] in ids and math.isfinite(row["score"]):
                        best, known = Candidate.read(row), tried[row["shape"]]
                        found = space.beside(best.hyperparameters, name, known)
                        known += found
                        candidates += [best._replace(hyperparameters=text) for text in found.values()]
                if not (candidates := candidates[: self._room(kept)]):
                    break
                yield from self._train(candidates, self._spec.screen.seeds)

    def _train(self, candidates: Sequence[Candidate], seeds: int) -> _Step:
        table = yield trials("screen", candidates, seeds, skip=self._seeds_used)
        self._trials = len(table)
        self._best = best_base_lrs(scores(table, self._spec.metric))

    def _room(self, kept: int = 0) -> int:
        """How many shapes at base LRs may still be trained, where ``kept`` more are to follow."""
        limit = self._spec.screen_limit
        left = MAX_TRIALS if limit is None else limit - self._trials
        return max(0, left // self._spec.screen.seeds - kept)

    def _has_converged(self) -> bool:
        """Whether for some generations little gain was expected of any search."""
        if self._spec.screen.stop_gain == 0 or not self._searches:
            return False
        beliefs = [search.belief() for search in self._searches]
        known = [belief for belief in beliefs if belief is not None]
        if len(known) < len(beliefs):
            return False
        leader = min(known, key=lambda belief: belief.favourite.mean())
        lowest = np.min([belief.minimum for belief in known], axis=0)
        gain = np.mean(np.maximum(leader.favourite - lowest, 0))
        self._quiet = self._quiet + 1 if gain < self._resolution(leader) else 0
        return self._quiet >= PATIENCE

    def _resolution(self, belief: Belief) -> float:
        """The gain that is too small to matter, on the metric's scale."""
        stop_gain = self._spec.screen.stop_gain
        if stop_gain == "auto":
            return SHARE * standard_error(belief.noise, self._spec.confirm.most)
        scale = scale_of(self._spec, self._best["score"].to_numpy(np.float64))
        return stop_gain * unit_on_scale(float(belief.favourite.mean()), scale)

    def _recommend(self) -> Phase:
        """Train what the samplers recommend and has not been trained; the favourites, then all others."""
        count, by_family = favourites(self._spec), self._spec.confirm.families
        chosen = [shapes for search in self._searches for shapes in search.favourites(count, by_family)]
        new = [s for shapes in chosen for s in shapes if s.id not in self._shapes]
        if new:
            yield from self._score(new)
        order = rank(self._best, list(self._shapes.values()))
        place = {candidate.shape.id: i for i, candidate in enumerate(order)}
        by_rank = {candidate.shape.id: candidate for candidate in order}
        # Family by family in turn, the better families first: each one's first, each one's second, ...
        chosen = [[s for s in shapes if s.id in place] for shapes in chosen]
        chosen.sort(key=lambda shapes: min((place[s.id] for s in shapes), default=0))
        turns = [s.id for s in chain.from_iterable(zip_longest(*chosen)) if s is not None]
        return [by_rank[name] for name in dict.fromkeys(turns + list(by_rank))]
