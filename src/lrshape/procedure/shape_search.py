"""One sampler's search over shapes, which are points of a unit cube to it, and curves to its model."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrshape.procedure.base_lr import base_lrs_at
from lrshape.procedure.curves import PROGRESS, curve_features, multiplier_rms
from lrshape.procedure.family_spec import FamilySpec
from lrshape.procedure.hyperparameter_space import HyperparameterSpace
from lrshape.procedure.resolution import scaled
from lrshape.procedure.sampler import Belief, Points
from lrshape.procedure.spec import SearchSpec
from lrshape.procedure.trial import Candidate, ShapeRecord, sampler_seed
from lrshape.shapes import FAMILIES, Family, evaluate
from lrshape.shapes.space import Dimension


class ShapeSpace:
    """A unit cube whose points are shapes with hyperparameters, and a base LR if that is searched too.

    Its coordinates are the family in equal shares (if there are several); the family's parameters in their
    order, of which a family with fewer ignores the last; the root mean square of the LRs; and the
    hyperparameters.

    Args:
        families: those searched.
        lr_rms: range of the LRs' root mean square; None if it is not the sampler's concern.
        hyperparameters: that are tuned beside it.
    """

    def __init__(
        self,
        families: Sequence[FamilySpec],
        lr_rms: Dimension | None,
        hyperparameters: HyperparameterSpace = HyperparameterSpace({}),  # noqa: B008
    ):
        self.families = tuple(families)
        self.lr_rms_range = lr_rms
        self._tuned = hyperparameters
        self._spaces = [family.space() for family in families]
        self._first = 1 if len(families) > 1 else 0
        self._parameters = max(len(space) for space in self._spaces)

    def __len__(self) -> int:
        return self._first + self._parameters + (self.lr_rms_range is not None) + len(self._tuned)

    def family(self, points: Points) -> NDArray[np.int64]:
        """Which family each point is of, (n,)."""
        if not self._first:
            return np.zeros(len(points), np.int64)
        return np.minimum((points[:, 0] * len(self.families)).astype(np.int64), len(self.families) - 1)

    def shapes(self, points: Points) -> list[Family]:
        """The shape at every point."""
        found: dict[int, Family] = {}
        for family, rows, columns in self._by_family(points):
            for i, row in enumerate(rows):
                own = {name: values[i] for name, values in columns.items()}
                found[row] = FAMILIES[family.name].from_params({**family.fixed, **own})
        return [found[row] for row in range(len(points))]

    def lr_rms(self, points: Points) -> NDArray[np.float64]:
        """Root mean square of the LRs, (n,), where it is a coordinate."""
        assert self.lr_rms_range is not None
        return self.lr_rms_range.from_unit(points[:, -1 - len(self._tuned)])

    def hyperparameters(self, points: Points) -> list[str]:
        """The hyperparameters of every point, as the column of a row has them."""
        return self._tuned.texts(self._of_tuned(points))

    def _of_tuned(self, points: Points) -> Points:
        return points[:, len(self) - len(self._tuned) :]

    def curves(self, points: Points) -> NDArray[np.float64]:
        """What scores depend on: `curve_features`, the LRs' size if it is a coordinate, hyperparameters."""
        values = np.empty((len(points), len(PROGRESS)))
        for family, rows, columns in self._by_family(points):
            values[rows] = evaluate(FAMILIES[family.name], {**family.fixed, **columns}, PROGRESS)
        size = [] if self.lr_rms_range is None else [points[:, [-1 - len(self._tuned)]]]
        tuned = self._tuned.features(self._of_tuned(points), values)
        return np.concatenate([curve_features(values), *size, tuned], axis=1)

    def point(self, shape: Family, base_lr: float) -> NDArray[np.float64]:
        """The point of a shape, moved into the cube where it lies outside the ranges that are searched."""
        index = [family.name for family in self.families].index(shape.name)
        own = [
            _unit(dimension, getattr(shape, dimension.name)) for dimension in self._spaces[index].dimensions
        ]
        family = [(index + 0.5) / len(self.families)] if self._first else []
        rms = base_lr * float(multiplier_rms([shape])[0])
        last = [] if self.lr_rms_range is None else [_unit(self.lr_rms_range, rms)]
        tuned = np.clip(self._tuned.units([self._tuned.untuned])[0], 0, 1).tolist()
        return np.array(family + own + [0.5] * (self._parameters - len(own)) + last + tuned)

    def _by_family(self, points: Points) -> Iterator[tuple[FamilySpec, NDArray, Mapping[str, NDArray]]]:
        """Each family with its points' rows, and their parameters by name."""
        index = self.family(points)
        for i, (family, space) in enumerate(zip(self.families, self._spaces, strict=True)):
            rows = np.flatnonzero(index == i)
            if len(rows):
                own = points[rows, self._first : self._first + len(space)]
                yield family, rows, space.from_unit(own)


def _unit(dimension: Dimension, value: Any) -> float:
    if dimension.scale == "choice":
        return float(dimension.to_unit(value))
    unit = float(dimension.to_unit(min(max(float(value), dimension.low), dimension.high)))
    return unit if math.isfinite(unit) else 0.5


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
        hyperparameters: by shape id, as the column of a row has them.
    """

    def __init__(self, spec: SearchSpec, families: Sequence[FamilySpec], best: pd.DataFrame):
        known = [] if best.empty else best["hyperparameters"][np.isfinite(best["score"])].tolist()
        tuned = spec.hyperparameters.covering(known)
        self._space = ShapeSpace(families, spec.base_lr.dimension(best), tuned)
        name = families[0].name if len(families) == 1 else "all"
        self._sampler = spec.sampler.seeing(self._space.curves, partial(scaled, spec))
        self._state = self._sampler.init(len(self._space), sampler_seed(spec.seed, name))
        self._points: dict[str, NDArray[np.float64]] = {}
        self._names: dict[tuple[Family, float | None, str], str] = {}
        self._count: Counter[str] = Counter()
        self._told: set[str] = set()
        self.given: dict[str, float] = {}
        self.hyperparameters: dict[str, str] = {}
        wanted = sum(family.shapes or spec.screen.shapes for family in families)
        self.budget = wanted if len(self._space) else 1

    @property
    def learns(self) -> bool:
        """Whether scores change what is asked next."""
        return self._sampler.batch is not None and len(self._space) > 0

    def start(self, candidates: Sequence[Candidate]) -> list[ShapeRecord]:
        """Take given shapes of its families into the search; their scores are told like all others."""
        names = {family.name for family in self._space.families}
        points = [
            self._space.point(c.shape.family, c.base_lr) for c in candidates if c.shape.family.name in names
        ]
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

    def favourites(self, count: int, by_family: bool) -> list[list[ShapeRecord]]:
        """What the sampler recommends, of each family or of all, best first; nothing if it does not learn."""
        if not self.learns:
            return []
        if not by_family:
            return [self._name(self._sampler.recommend(self._state, count))]
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
        tuned = self._space.hyperparameters(points)
        for point, shape, base_lr, values in zip(points, shapes, given, tuned, strict=True):
            key = shape, base_lr, values
            name = self._names.get(key) if self.learns else None
            if name is None:
                name = f"{shape.name}-{self._count[shape.name]:04d}"
                self._count[shape.name] += 1
                self._names[key], self._points[name] = name, point
                self.hyperparameters[name] = values
                if base_lr is not None:
                    self.given[name] = base_lr
            records.append(ShapeRecord(name, shape))
        return records
