"""Warmups and decays of a whole study in steps, for every schedule that it trains."""

from collections.abc import Mapping
from typing import Any

from lrshape.errors import InputError
from lrshape.procedure.spec import FamilySpec, SearchSpec
from lrshape.shapes import FAMILIES
from lrshape.shapes.lengths import IN_STEPS
from lrshape.shapes.schedule import Schedule

LENGTHS = ("warmup", "decay")
"""Parameters of families that a spec may give in steps."""


def fixed_lengths(
    spec: SearchSpec, lengths: Mapping[str, int], steps: int, families_are_named: bool
) -> dict[str, Any]:
    """Return the families and baselines of a spec with lengths as fixed shares of the steps.

    Args:
        spec: of a search or a contest.
        lengths: by parameter, in steps.
        steps: of a trial.
        families_are_named: whether the user chose the families: one without the parameter is an error then,
            and is left out otherwise.

    Raises:
        InputError: if a length does not fit the steps, no schedule has the parameter, or a family that the
            user chose lacks it, or gives it, too.
    """
    families, baselines = list(spec.families), dict(spec.baselines)
    known = {each.name for each in families} | {each.family for each in baselines.values()}
    for name, length in lengths.items():
        if not any(_has(family, name) for family in known):
            raise InputError(f"{name}{IN_STEPS}: no schedule has a {name}: remove it")
        if not families_are_named:
            families = [each for each in families if _has(each.name, name)]
        families = [_with_length(each, name, length, steps) for each in families]
        for key, each in baselines.items():
            if _has(each.family, name):
                params = each.params | {name: _share(each.family, name, length, steps)}
                baselines[key] = each.model_copy(update={"params": params})
    return {"families": families, "baselines": baselines}


def _has(family: str, name: str) -> bool:
    return any(parameter.name == name for parameter in FAMILIES[family].parameters())


def _share(family: str, name: str, length: int, steps: int) -> float:
    return Schedule(family, {name + IN_STEPS: length}, base_lr=1.0, steps=steps).params[name]


def _with_length(family: FamilySpec, name: str, length: int, steps: int) -> FamilySpec:
    if not _has(family.name, name):
        raise InputError(f"{name}{IN_STEPS}: family {family.name} has no {name}: remove one of them")
    share = _share(family.name, name, length, steps)
    if family.fixed.get(name, share) != share or name in family.ranges:
        raise InputError(f"{name}{IN_STEPS}: family {family.name} gives {name}, too: remove one of them")
    return family.model_copy(update={"fixed": family.fixed | {name: share}})
