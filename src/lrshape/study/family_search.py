"""The search within one family: its sampler, what it was told, and shapes in place of points."""

import math
from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrshape.families import FAMILIES
from lrshape.samplers.base import Belief, Points
from lrshape.space import Space
from lrshape.study.base_lr import Candidate, scaled
from lrshape.study.keys import sampler_seed
from lrshape.study.sections import FamilySpec
from lrshape.study.shape import Shape
from lrshape.study.spec import StudySpec, make_sampler

DRAWS = 64
"""Draws of a belief, at least: from them the gain that is still to be expected is told."""


class FamilySearch:
    """One family's part of a screen.

    Args:
        spec: the study.
        family: of the study.

    Attributes:
        budget: shapes that may still be asked for.
        given: base LR by shape id, where the sampler chose it.
    """

    def __init__(self, spec: StudySpec, family: FamilySpec):
        self._spec, self._family, self._strategy = spec, family, spec.base_lr
        own = family.space()
        joint = spec.base_lr.dimension
        self._space = own if joint is None else Space((*own.dimensions, joint))
        self._sampler = make_sampler(spec.sampler)
        self._state = self._sampler.init(len(self._space), sampler_seed(spec.seed, family.name))
        self._points: dict[str, NDArray[np.float64]] = {}
        self._shapes: dict[str, Shape] = {}
        self._told: set[str] = set()
        self._belief: Belief | None = None
        self._is_news = True  # since the belief was formed, which costs the fit of a model
        self.given: dict[str, float] = {}
        self.budget = (family.shapes or spec.screen.shapes) if len(self._space) else 1

    @property
    def name(self) -> str:
        """The family's name."""
        return self._family.name

    @property
    def learns(self) -> bool:
        """Whether scores change what is asked next."""
        return self._sampler.batch is not None and len(self._space) > 0

    @property
    def population(self) -> int:
        """Shapes that are asked for at a time."""
        return (self._sampler.batch or self.budget) if self.learns else self.budget

    def start(self, candidates: list[Candidate]) -> list[Shape]:
        """Take given shapes into the search; their scores are told like those of any other."""
        points = []
        for shape, base_lr in candidates:
            values = dict(shape.values())
            if self._strategy.dimension is not None:
                values["base_lr"] = base_lr / float(scaled(1.0, [shape])[0])
            points.append([self._unit(dimension.name, values) for dimension in self._space.dimensions])
        return self._named(np.array(points).reshape(len(points), len(self._space)))

    def ask(self, count: int) -> list[Shape]:
        """The next shapes; fewer when the sampler has no more, or the budget is spent."""
        if not (self._spec.screen.bandit and self.learns):
            count = min(count, self.budget)
        points, self._state = self._sampler.ask(self._state, count)
        self.budget -= len(points) if self.learns else self.budget
        return self._named(points)

    def tell(self, best: pd.DataFrame) -> None:
        """Give the sampler the scores that it has not heard; ``best`` has one row a shape."""
        scores = dict(zip(best["shape"], best["score"], strict=True))
        new = [name for name in self._points if name in scores and name not in self._told]
        if new and self.learns:
            points = np.array([self._points[name] for name in new])
            self._state = self._sampler.tell(self._state, points, [scores[name] for name in new])
            self._is_news = True
        self._told.update(new)

    def favourites(self, count: int) -> list[Shape]:
        """What the sampler recommends, best first; none if it does not learn."""
        return self._named(self._sampler.recommend(self._state, count)) if self.learns else []

    def belief(self) -> Belief | None:
        """Draws of the sampler's belief about this family's scores; None if it has none."""
        if self._is_news:
            draws = max(DRAWS, self.population)
            self._belief = self._sampler.belief(self._state, draws) if self.learns else None
            self._is_news = False
        return self._belief

    def _named(self, points: Points) -> list[Shape]:
        """Shapes at points, with the next free names; a point that was named before keeps its name."""
        names = {point.tobytes(): name for name, point in self._points.items()}
        columns: Mapping[str, NDArray] = self._space.from_unit(points)
        legal = {p.name: p for p in FAMILIES[self.name].parameters()}
        shapes = []
        for i, point in enumerate(points):
            known = names.get(point.tobytes()) if self.learns else None
            if known is None:
                known = f"{self.name}-{len(self._shapes):04d}"
                own = {n: legal[n].validated(values[i]) for n, values in columns.items() if n != "base_lr"}
                self._shapes[known] = Shape.of(known, self.name, self._family.fixed | own)
                self._points[known] = point
                names[point.tobytes()] = known
                if self._strategy.dimension is not None:
                    self.given[known] = float(scaled(columns["base_lr"][i], [self._shapes[known]])[0])
            shapes.append(self._shapes[known])
        return shapes

    def _unit(self, name: str, values: Mapping[str, float]) -> float:
        """A coordinate of the cube, in it even if the value is outside the range that is searched."""
        dimension = next(d for d in self._space.dimensions if d.name == name)
        if dimension.scale == "choice":
            return float(dimension.to_unit(values[name]))
        value = min(max(float(values[name]), dimension.low), dimension.high)
        unit = float(dimension.to_unit(value))
        return unit if math.isfinite(unit) else 0.5
