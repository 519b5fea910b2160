"""Shapes under their names in a study, and their multipliers."""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrshape.shapes import FAMILIES
from lrshape.shapes import evaluate as evaluate_family
from lrshape.shapes.schedule import StepRule, progress
from lrshape.store import params_of


@dataclass(frozen=True)
class ShapeRecord:
    """A shape under its name in a study.

    Attributes:
        id: e.g. ``rex-0007``, or ``baseline-cosine``.
        family: name of the family.
        params: its parameters as a JSON object with sorted keys.
    """

    id: str
    family: str
    params: str

    @classmethod
    def of(cls, name: str, family: str, params: dict[str, Any]) -> "ShapeRecord":
        """Build from parameters."""
        return cls(name, family, json.dumps(params, sort_keys=True))

    def values(self) -> dict[str, Any]:
        """The parameters by name."""
        return params_of(self.params)


def multipliers(shapes: Sequence[ShapeRecord], steps: int, step_rule: StepRule) -> NDArray[np.float64]:
    """Multipliers of shapes of any families, (shapes, steps); each distinct shape is computed once."""
    t = progress(steps, step_rule)
    row_of = {shape: row for row, shape in enumerate(dict.fromkeys(shapes))}
    rows = np.empty((len(row_of), steps))
    batches: dict[tuple[str, tuple[str, ...], str], list[tuple[int, dict[str, Any]]]] = defaultdict(list)
    for shape, row in row_of.items():
        params = params_of(shape.params)
        numbers = {name: value for name, value in params.items() if isinstance(value, int | float)}
        shared = json.dumps({name: value for name, value in params.items() if name not in numbers})
        batches[shape.family, tuple(numbers), shared].append((row, numbers))
    for (family, names, shared), members in batches.items():
        indices = [row for row, _ in members]
        columns = {name: np.array([numbers[name] for _, numbers in members]) for name in names}
        rows[indices] = evaluate_family(FAMILIES[family], {**json.loads(shared), **columns}, t)
    return rows[[row_of[shape] for shape in shapes]]
