"""The list of families, as data."""

from dataclasses import dataclass
from typing import Any

from lrshape.shapes.family import FAMILIES
from lrshape.shapes.parameter import Parameter


@dataclass(frozen=True)
class FamilyInfo:
    """What there is to know of one family.

    Attributes:
        name: its name in specs and on the command line.
        formula: its formula on one line; u is progress after warmup, t of the whole training.
        summary: one sentence.
        parameters: its parameters with ranges, scales and defaults, in order.
    """

    name: str
    formula: str
    summary: str
    parameters: tuple[Parameter, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return a JSON object."""
        return {
            "name": self.name,
            "formula": self.formula,
            "summary": self.summary,
            "parameters": [p.to_dict() for p in self.parameters],
        }


def families() -> dict[str, FamilyInfo]:
    """Return what there is to know of every family, by name.

    Example:
        >>> families()["rex"].formula
        '(1 - u)/(1 - (1 - beta) u)'
    """
    return {
        name: FamilyInfo(name, cls.formula, (cls.__doc__ or "").strip().split("\n")[0], cls.parameters())
        for name, cls in FAMILIES.items()
    }
