"""Shapes under their names in a study, and their multipliers."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrshape.shapes import FAMILIES, Family, evaluate
from lrshape.shapes.schedule import StepRule, progress
from lrshape.store import params_of


@dataclass(frozen=True)
class ShapeRecord:
    """A shape under its name in a study; records of one study are equal if their names are.

    Attributes:
        id: e.g. ``rex-0007``, or ``baseline-cosine``.
        family: the shape.
    """

    id: str
    family: Family = field(compare=False)

    @classmethod
    def of(cls, id: str, family: str, params: Mapping[str, Any]) -> "ShapeRecord":  # noqa: A002
        """Build from the family's name and parameters."""
        return cls(id, FAMILIES[family].from_params(params))

    @classmethod
    def read(cls, id: str, family: str, params: str) -> "ShapeRecord":  # noqa: A002
        """Build from the columns of a row."""
        return cls.of(id, family, params_of(params))

    @cached_property
    def params(self) -> str:
        """The column ``params`` of a row: a JSON object of the parameters with sorted keys.

        Those that are never searched are left out where they have their default.
        """
        values = self.family.params
        told = {
            p.name: values[p.name]
            for p in self.family.parameters()
            if p.searched or values[p.name] != p.default
        }
        return json.dumps(told, sort_keys=True)


def multipliers(shapes: Sequence[Family], steps: int, step_rule: StepRule) -> NDArray[np.float64]:
    """Multipliers of shapes of any families, (shapes, steps); each distinct shape is computed once."""
    t = progress(steps, step_rule)
    row_of = {shape: row for row, shape in enumerate(dict.fromkeys(shapes))}
    rows = np.empty((len(row_of), steps))
    batches: dict[tuple[Any, ...], list[Family]] = defaultdict(list)
    for shape in row_of:
        shared = tuple(getattr(shape, p.name) for p in shape.parameters() if not p.batched)
        batches[type(shape), shared].append(shape)
    for (family, _), members in batches.items():
        params = members[0].params
        columns = {
            p.name: np.array([getattr(shape, p.name) for shape in members])
            for p in family.parameters()
            if p.batched
        }
        rows[[row_of[shape] for shape in members]] = evaluate(family, params | columns, t)
    return rows[[row_of[shape] for shape in shapes]]
