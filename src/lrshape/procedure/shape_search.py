"""One sampler's search over shapes: what it was told, and shapes in place of points."""

from collections import Counter
from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrshape.procedure.base_lr import base_lrs_at
from lrshape.procedure.keys import sampler_seed
from lrshape.procedure.sampler import Belief, Points
from lrshape.procedure.shape import ShapeRecord
from lrshape.procedure.shape_space import ShapeSpace
from lrshape.procedure.spec import FamilySpec, SearchSpec
from lrshape.procedure.trial import Candidate
from lrshape.shapes import Family

DRAWS = 64
"""Draws of a belief: from them the gain that is still to be expected is told."""


class ShapeSearch:
    """A screen's search, or one family's part of it.

    Args:
        spec: of the search.
        families: of the spec: one, or all that share the search.
        best: what is known before it, as `lrshape.analysis.scores.best_base_lrs` gives it.

    Attributes:
        budget: shapes that may still be asked for.
        given: base LR by shape id, where the sampler chose it.
    """

    def __init__(self, spec: SearchSpec, families: Sequence[FamilySpec], best: pd.DataFrame):
        self._space = ShapeSpace(families, spec.base_lr.dimension(best))
        name = families[0].name if len(families) == 1 else "all"
        self._sampler = spec.sampler.seeing(self._space.curves)
        self._state = self._sampler.init(len(self._space), sampler_seed(spec.seed, name))
        self._points: dict[str, NDArray[np.float64]] = {}
        self._names: dict[tuple[Family, float | None], str] = {}
        self._count: Counter[str] = Counter()
        self._told: set[str] = set()
        self.given: dict[str, float] = {}
        wanted = sum(family.shapes or spec.screen.shapes for family in families)
        self.budget = wanted if len(self._space) else 1

    @property
    def learns(self) -> bool:
        """Whether scores change what is asked next."""
        return self._sampler.batch is not None and len(self._space) > 0

    def start(self, candidates: Sequence[Candidate]) -> list[ShapeRecord]:
        """Take given shapes of its families into the search; their scores are told like all others."""
        names = {family.name for family in self._space.families}
        points = [self._space.point(s.family, lr) for s, lr in candidates if s.family.name in names]
        return self._name(np.array(points).reshape(len(points), len(self._space)))

    def ask(self) -> list[ShapeRecord]:
        """The next batch of shapes; none when the sampler has no more, or the budget is spent."""
        batch = self._sampler.batch if self.learns else None
        points, self._state = self._sampler.ask(self._state, min(batch or self.budget, self.budget))
        self.budget -= len(points) if self.learns else self.budget
        return self._name(points)

    def tell(self, best: pd.DataFrame) -> None:
        """Give the sampler the scores that it has not heard; ``best`` has one row a shape."""
        scores = dict(zip(best["shape"], best["score"], strict=True))
        new = [name for name in self._points if name in scores and name not in self._told]
        if new and self.learns:
            points = np.array([self._points[name] for name in new])
            self._state = self._sampler.tell(self._state, points, [scores[name] for name in new])
        self._told.update(new)

    def favourites(self, count: int) -> list[list[ShapeRecord]]:
        """What the sampler recommends of each family, best first; nothing if it does not learn."""
        if not self.learns:
            return []
        return [self._recommend(index, count) for index in range(len(self._space.families))]

    def belief(self) -> Belief | None:
        """Draws of the sampler's belief about the scores; None if it has none."""
        return self._sampler.belief(self._state, DRAWS) if self.learns else None

    def _recommend(self, family: int, count: int) -> list[ShapeRecord]:
        def is_of_family(points: Points) -> NDArray[np.bool_]:
            return self._space.family(points) == family

        return self._name(self._sampler.recommend(self._state, count, is_of_family))

    def _name(self, points: Points) -> list[ShapeRecord]:
        """Shapes at points, with the next free names; what was named before keeps its name."""
        shapes = self._space.shapes(points)
        given = [None] * len(points)
        if self._space.lr_rms_range is not None:
            given = base_lrs_at(self._space.lr_rms(points), shapes).tolist()
        records = []
        for point, shape, base_lr in zip(points, shapes, given, strict=True):
            key = shape, base_lr
            name = self._names.get(key) if self.learns else None
            if name is None:
                name = f"{shape.name}-{self._count[shape.name]:04d}"
                self._count[shape.name] += 1
                self._names[key], self._points[name] = name, point
                if base_lr is not None:
                    self.given[name] = base_lr
            records.append(ShapeRecord(name, shape))
        return records
