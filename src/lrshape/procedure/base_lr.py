"""Strategies that find the best base LR of every shape."""

import abc
import math
from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from pydantic import Field, model_validator
from typing_extensions import override

from lrshape.procedure.curves import multiplier_rms
from lrshape.procedure.trial import Candidate, ShapeRecord
from lrshape.registry import Registry
from lrshape.settings import Settings
from lrshape.shapes import Family
from lrshape.shapes.space import Dimension

EXTREME = 1e30
"""Base LRs beyond this, or below its inverse, are not extended further: float32 ends there."""

REACH = 10.0
"""How far from the best LRs of known shapes, as a factor, those of others are looked for."""


class BaseLRStrategy(Settings, abc.ABC):
    """Proposes base LRs for shapes, in rounds, from the scores so far."""

    name: ClassVar[str]

    low: float = Field(gt=0, lt=EXTREME, description="smallest base LR that is tried at first")
    high: float = Field(gt=0, lt=EXTREME, description="largest base LR that is tried at first")
    extend: int = Field(
        default=4,
        ge=0,
        le=100,
        description="points that may be added to the range where the best base LR lies at the edge of those "
        "tried; brackets may become as long",
    )

    @model_validator(mode="after")
    def _ordered(self) -> "BaseLRStrategy":
        if self.low < 1 / EXTREME:
            raise ValueError(f"low must be at least {1 / EXTREME:g}, got {self.low}")
        if self.low > self.high:
            raise ValueError(f"low must be at most high, got low = {self.low}, high = {self.high}")
        return self

    @property
    @abc.abstractmethod
    def ratio(self) -> float:
        """Ratio of neighbouring base LRs that are tried for a shape; 1 for a single one."""

    @property
    @abc.abstractmethod
    def most(self) -> int:
        """How many base LRs are tried for a shape at most, unless a sampler chooses its base LR."""

    def sweeps(self, shapes: int) -> int:
        """How many base LRs are tried for so many shapes in all, before any extension, as in `most`."""
        return shapes * max(1, self.most - self.extend)

    @abc.abstractmethod
    def propose(
        self, shapes: Sequence[ShapeRecord], best: pd.DataFrame, given: Mapping[str, float] | None = None
    ) -> list[Candidate]:
        """The shapes at base LRs to score next; none when done. Their hyperparameters are not its concern.

        Args:
            shapes: those whose base LR is sought.
            best: one row a shape that has been scored, these or others, as
                `lrshape.analysis.scores.best_base_lrs` gives it; may be empty.
            given: base LR by shape id, where the sampler has chosen it.
        """

    def dimension(self, best: pd.DataFrame) -> Dimension | None:
        """What a sampler is to search besides a shape's parameters; None: the base LR is not its concern.

        Args:
            best: what has been scored before, as in `propose`.
        """
        return None

    def bracket(self, base_lr: float, count: int) -> list[float]:
        """``count`` base LRs around a best one, within the resolution that it was found with.

        Equal ratios within one step on either side; the best itself is among them if the count is odd.
        """
        if self.ratio == 1:
            return [base_lr]
        offsets = [(2 * i - count + 1) / (count + 1) for i in range(count)]
        return [base_lr * self.ratio**offset for offset in offsets]


STRATEGIES: Registry[BaseLRStrategy] = Registry(
    "base-LR strategy", "lrshape.procedure.base_lr", "lrshape.base_lr_strategies", BaseLRStrategy, "strategy"
)
"""The strategies that a spec's ``base_lr.strategy`` names."""

AnyBaseLR = Annotated[BaseLRStrategy, STRATEGIES]


@STRATEGIES.register("grid")
class GridLR(BaseLRStrategy):
    """The paper's way: a log-spaced grid for every shape, extended where the best lies at its edge."""

    points: int = Field(default=10, ge=1, le=1000, description="base LRs in the grid, log-spaced")

    @model_validator(mode="after")
    def _spaced(self) -> "GridLR":
        too_narrow = self.points > 1 and self.ratio < 1 + 1e-9
        if (self.low == self.high) != (self.points == 1) or too_narrow:
            raise ValueError(
                f"low must be less than high (with points = 1: equal), "
                f"got low = {self.low}, high = {self.high}, points = {self.points}"
            )
        return self

    @property
    def ratio(self) -> float:
        """Ratio of neighbouring points."""
        return (self.high / self.low) ** (1 / (self.points - 1)) if self.points > 1 else 1.0

    @property
    def most(self) -> int:
        """The grid and its extension."""
        return self.points + self.extend if self.points > 1 else 1

    def at(self, index: int) -> float:
        """Base LR at a grid index; the grid has indices 0 to points - 1, extensions lie beyond."""
        return self.low * self.ratio**index

    def propose(
        self, shapes: Sequence[ShapeRecord], best: pd.DataFrame, given: Mapping[str, float] | None = None
    ) -> list[Candidate]:
        """The whole grid first; then one point at a time beyond an edge that holds the best."""
        new = _unscored(shapes, best)
        if new:
            return [Candidate(shape, self.at(i)) for shape in new for i in range(self.points)]
        if self.points == 1:
            return []
        at_edge = _at_edge(shapes, best, self.most)
        return [Candidate(shape, self._beyond(base_lr, edge)) for shape, base_lr, edge in at_edge]

    def _beyond(self, base_lr: float, edge: str) -> float:
        index = round(math.log(base_lr / self.low) / math.log(self.ratio))
        return self.at(index - 1 if edge == "low" else index + 1)


class PredictedLR(BaseLRStrategy, abc.ABC):
    """Strategies that predict a shape's best base LR from the best ones of other shapes.

    log(best base LR) is about linear in the log of the root mean square of the shape's multipliers. The
    line's slope is drawn to -1, which keeps the root mean square of the LRs the same.
    """

    step: float = Field(default=2.0, gt=1, le=100, description="ratio of neighbouring base LRs")
    points: int = Field(default=3, ge=1, le=99, description="number of base LRs around the predicted one")
    pilots: int = Field(
        default=4,
        ge=1,
        le=1000,
        description="number of first shapes whose base LR is searched in the whole range",
    )

    @property
    def ratio(self) -> float:
        """Ratio of neighbouring base LRs."""
        return self.step

    @property
    def most(self) -> int:
        """The larger of bracket and range, and its extension."""
        return max(self.points, len(self._range())) + self.extend

    @override
    def sweeps(self, shapes: int) -> int:
        others = max(0, shapes - self.pilots)
        return super().sweeps(shapes - others) + others * self.points

    def around_prediction(self, shapes: Sequence[ShapeRecord], best: pd.DataFrame) -> list[Candidate]:
        """On beyond an edge that holds the best; then a few base LRs around each shape's predicted one.

        In this order, because what lies at an edge predicts base LRs that lie at an edge, too.
        """
        onward = {"high": self.step, "low": 1 / self.step}
        if at_edge := _at_edge(shapes, best, self.most):
            return [Candidate(shape, base_lr * onward[edge]) for shape, base_lr, edge in at_edge]
        if not (new := _unscored(shapes, best)):
            return []
        known = _best_inside(best)
        missing = self.pilots - len(known)
        if missing > 0:
            return [Candidate(shape, base_lr) for shape in new[:missing] for base_lr in self._range()]
        centres = predict_base_lrs([shape.family for shape in new], known)
        return [
            Candidate(shape, float(centre * self.step ** (i - (self.points - 1) / 2)))
            for shape, centre in zip(new, centres, strict=True)
            for i in range(self.points)
        ]

    def _range(self) -> list[float]:
        count = 1 + math.ceil(math.log(self.high / self.low) / math.log(self.step) - 1e-9)
        return np.geomspace(self.low, self.high, count).tolist()


@STRATEGIES.register("bracket")
class BracketLR(PredictedLR):
    """A few base LRs around the predicted one, extended wherever the best is at the edge of those tried."""

    def propose(
        self, shapes: Sequence[ShapeRecord], best: pd.DataFrame, given: Mapping[str, float] | None = None
    ) -> list[Candidate]:
        """The whole range for the pilots, a bracket for each other shape, then beyond edges."""
        return self.around_prediction(shapes, best)


@STRATEGIES.register("joint")
class JointLR(PredictedLR):
    """The sampler chooses the base LR, too: its last coordinate is the root mean square of the LRs.

    Shapes that no sampler chose, the baselines, get a bracket of base LRs around the predicted one, extended
    at edges.
    """

    def dimension(self, best: pd.DataFrame) -> Dimension:
        """The root mean square of the LRs, within a factor of `REACH` of where known shapes are best."""
        low, high = self.low, self.high
        if known := _best_inside(best):
            base_lrs = np.array([one.base_lr for one in known])
            lr_rms = base_lrs * multiplier_rms([one.shape.family for one in known])
            low, high = float(lr_rms.min()) / REACH, float(lr_rms.max()) * REACH
        return Dimension("base_lr", low, high, "log")

    def propose(
        self, shapes: Sequence[ShapeRecord], best: pd.DataFrame, given: Mapping[str, float] | None = None
    ) -> list[Candidate]:
        """The sampler's own base LR, once; a bracket for the other shapes."""
        given = given or {}
        chosen = [Candidate(shape, given[shape.id]) for shape in _unscored(shapes, best) if shape.id in given]
        return chosen + self.around_prediction([shape for shape in shapes if shape.id not in given], best)


def predict_base_lrs(shapes: Sequence[Family], known: Sequence[Candidate]) -> NDArray[np.float64]:
    """The best base LR of shapes, (shapes,), from some whose best one is known (at least one)."""
    x = np.log(multiplier_rms([one.shape.family for one in known]))
    y = np.log([one.base_lr for one in known])
    x0, y0 = x.mean(), y.mean()
    # As if two more shapes, a factor of e apart from the others, had a slope of exactly -1.
    slope = ((x - x0) @ (y - y0) - 2.0) / ((x - x0) @ (x - x0) + 2.0)
    return np.exp(y0 + slope * (np.log(multiplier_rms(shapes)) - x0))


def base_lrs_at(lr_rms: ArrayLike, shapes: Sequence[Family]) -> NDArray[np.float64]:
    """Base LRs at which shapes' LRs have these root mean squares, (shapes,)."""
    return np.asarray(lr_rms, np.float64) / multiplier_rms(shapes) if shapes else np.zeros(0)


def _unscored(shapes: Sequence[ShapeRecord], best: pd.DataFrame) -> list[ShapeRecord]:
    scored = set() if best.empty else set(best["shape"])
    return [shape for shape in shapes if shape.id not in scored]


def _best_inside(best: pd.DataFrame) -> list[Candidate]:
    """The best base LRs that lie inside of those tried; or of all shapes, if there is none."""
    if best.empty:
        return []
    finite = best.iloc[np.flatnonzero(np.isfinite(best["score"].to_numpy(np.float64)))]
    inside = finite.iloc[np.flatnonzero((finite["edge"] == "") & (finite["tried"] > 1))]
    rows = inside if len(inside) else finite
    columns = (rows[name] for name in ("shape", "family", "params", "base_lr"))
    return [Candidate(ShapeRecord.read(s, f, p), float(lr)) for s, f, p, lr in zip(*columns, strict=True)]


def _at_edge(
    shapes: Sequence[ShapeRecord], best: pd.DataFrame, most: int
) -> list[tuple[ShapeRecord, float, str]]:
    """Shapes whose best base LR is at an edge of fewer than ``most`` tried, with it and the edge."""
    if best.empty:
        return []
    by_id = {shape.id: shape for shape in shapes}
    wanted = (best["edge"] != "") & (best["tried"] < most) & best["shape"].isin(list(by_id))
    rows = best.iloc[np.flatnonzero(wanted)]
    return [
        (by_id[shape], float(base_lr), edge)
        for shape, base_lr, edge in zip(rows["shape"], rows["base_lr"], rows["edge"], strict=True)
        if 1 / EXTREME < base_lr < EXTREME
    ]
