"""Strategies that find the best base LR of every shape."""

import abc
import math
from collections.abc import Sequence
from typing import Literal

import pandas as pd
from pydantic import Field, model_validator

from lrshape.settings import Settings
from lrshape.study.plan import Shape

Candidate = tuple[Shape, float]

EXTREME = 1e30
"""Base LRs beyond this, or below its inverse, are not extended further: float32 ends there."""


class BaseLRStrategy(Settings, abc.ABC):
    """Proposes base LRs for shapes, in rounds, from the scores so far."""

    @abc.abstractmethod
    def propose(self, shapes: Sequence[Shape], best: pd.DataFrame) -> list[Candidate]:
        """The (shape, base LR) pairs to score next; none when done.

        Args:
            shapes: all shapes of the phase.
            best: one row a shape, as `lrshape.analysis.reduce.best_base_lrs` gives it; empty in the
                first round.
        """

    @abc.abstractmethod
    def bracket(self, base_lr: float, count: int) -> list[float]:
        """``count`` base LRs around a best one, within the resolution that it was found with."""


class GridLR(BaseLRStrategy):
    """The paper's way: a log-spaced grid for every shape, continued wherever the best is at its edge."""

    strategy: Literal["grid"] = "grid"
    low: float = Field(gt=0, lt=1e30, description="smallest base LR of the grid")
    high: float = Field(gt=0, lt=1e30, description="largest base LR of the grid")
    points: int = Field(default=10, ge=1, le=1000, description="base LRs in the grid, log-spaced")
    extend: int = Field(
        default=4,
        ge=0,
        le=100,
        description="points beyond the grid that a best base LR at its edge may add",
    )

    @model_validator(mode="after")
    def _ordered(self) -> "GridLR":
        if self.low < 1 / EXTREME:
            raise ValueError(f"low must be at least {1 / EXTREME:g}, got {self.low}")
        too_narrow = self.points > 1 and self.ratio < 1 + 1e-9
        if self.low > self.high or (self.low == self.high) != (self.points == 1) or too_narrow:
            raise ValueError(
                f"low must be less than high (or equal, with points = 1), "
                f"got low = {self.low}, high = {self.high}, points = {self.points}"
            )
        return self

    @property
    def ratio(self) -> float:
        """Ratio of neighbouring base LRs; 1 for a single point."""
        return (self.high / self.low) ** (1 / (self.points - 1)) if self.points > 1 else 1.0

    def at(self, index: int) -> float:
        """Base LR at a grid index; the grid has indices 0 to points - 1, extensions lie beyond."""
        return self.low * self.ratio**index

    def propose(self, shapes: Sequence[Shape], best: pd.DataFrame) -> list[Candidate]:
        """The whole grid first; then one point at a time beyond an edge that holds the best."""
        if best.empty:
            return [(shape, self.at(i)) for shape in shapes for i in range(self.points)]
        if self.points == 1:
            return []
        by_id = {shape.id: shape for shape in shapes}
        at_edge = best[(best["edge"] != "") & (best["tried"] < self.points + self.extend)]
        proposals = []
        for shape, base_lr, edge in zip(at_edge["shape"], at_edge["base_lr"], at_edge["edge"], strict=True):
            index = round(math.log(base_lr / self.low) / math.log(self.ratio))
            if 1 / EXTREME < base_lr < EXTREME:
                proposals.append((by_id[shape], self.at(index - 1 if edge == "low" else index + 1)))
        return proposals

    def bracket(self, base_lr: float, count: int) -> list[float]:
        """Equal ratios within one grid step on either side; the best itself is among them if count is odd."""
        if self.points == 1:
            return [base_lr]
        offsets = [(2 * i - count + 1) / (count + 1) for i in range(count)]
        return [base_lr * self.ratio**offset for offset in offsets]
