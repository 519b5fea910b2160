"""Parameters of a family that are given in steps, and not as a share of them: ``warmup_steps``."""

from collections.abc import Mapping
from typing import Any

from lrshape.errors import InputError
from lrshape.shapes.family import Family
from lrshape.values import whole_number

IN_STEPS = "_steps"
"""What the name of such a parameter ends with."""


def read_lengths(family: type[Family], params: Mapping[str, Any]) -> dict[str, int]:
    """Return the parameters that are given in steps, without their ending.

    Raises:
        InputError: if one is no whole number, or is given as a share, too.
    """
    shares = [p.name for p in family.parameters() if p.share]
    found = {}
    for name in shares:
        if name + IN_STEPS in params:
            if name in params:
                raise InputError(f"{name} and {name}{IN_STEPS} are one parameter: give one of them")
            found[name] = whole_number(name + IN_STEPS, params[name + IN_STEPS], 0)
    return found


def shares_of_steps(family: type[Family], in_steps: Mapping[str, int], steps: int) -> dict[str, float]:
    """Return lengths in steps as shares of all steps.

    Raises:
        InputError: if one is a larger share than the parameter may be.
    """
    rules = {p.name: p for p in family.parameters()}
    for name, count in in_steps.items():
        if count > rules[name].high * steps:
            raise InputError(
                f"{name}{IN_STEPS} must be at most {rules[name].high:.0%} of the {steps:,} steps, "
                f"got {count:,}"
            )
    return {name: count / steps for name, count in in_steps.items()}
