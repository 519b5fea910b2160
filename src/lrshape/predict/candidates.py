"""Schedules among which a suggestion chooses: common members of families, and what the user has."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lrshape.errors import InputError
from lrshape.shapes.family import FAMILIES, WarmupFamily
from lrshape.shapes.schedule import Schedule

Array = NDArray[np.float64]

LONGEST_WARMUP = 0.3
"""Share of a schedule up to which its rise is a warmup."""
SAME = 0.01
"""Root mean square difference of multipliers, up to which two schedules have one shape."""

ABOUT_SAME = 0.05
"""The same, up to which they have about one shape."""
PROGRESS = 64
"""Points of training progress at which schedules of any numbers of steps are compared."""

MEMBERS: Mapping[str, Sequence[tuple[str, Mapping[str, Any]]]] = {
    "linear": [("linear to 0", {})],
    "cosine": [("cosine to 0", {})],
    "cosine_floor": [("cosine to 10%", {"floor": 0.1})],
    "wsd": [
        (f"WSD {decay:.0%}{' (1-sqrt)' if exponent < 1 else ''}", {"decay": decay, "exponent": exponent})
        for exponent in (1.0, 0.5)
        for decay in (0.1, 0.2, 0.4)
    ],
    "power": [(f"power {exponent:g}", {"exponent": exponent}) for exponent in (1.5, 2.0)],
    "rex": [(f"REX, beta {beta:g}", {"beta": beta}) for beta in (0.5, 0.2)],
}
"""The members that people use, by family, with their names. Other families have their defaults."""


class Candidate(NamedTuple):
    """A schedule that may be suggested.

    Attributes:
        name: what tables call it.
        schedule: its base LR is the user's where it is the user's own, else 1.
        own: whether it is what the user has.
    """

    name: str
    schedule: Schedule
    own: bool = False


def candidates(
    steps: int, warmup: int, families: Sequence[str] | None, own: Sequence[Candidate]
) -> list[Candidate]:
    """Return the candidates, each shape once.

    Args:
        steps: of the schedules.
        warmup: steps of it; at most `LONGEST_WARMUP` of all are kept.
        families: default: those in `MEMBERS`.
        own: what the user has; one with the shape of a common member takes its name.

    Raises:
        InputError: if there is no such family.
    """
    share = min(warmup / steps, LONGEST_WARMUP)
    members = [
        Candidate(name, Schedule(family, dict(params) | _warmup(family, share), 1.0, steps))
        for family in dict.fromkeys(families or MEMBERS)
        for name, params in MEMBERS.get(family, [(family, {})])
    ]
    for mine in own:
        twin = next((i for i, each in enumerate(members) if alike(each.schedule, mine.schedule)), None)
        if twin is None:
            members.append(mine)
        elif not members[twin].own:
            schedule = members[twin].schedule.replace(base_lr=mine.schedule.base_lr)
            members[twin] = Candidate(members[twin].name, schedule, own=True)
    return members


def _warmup(family: str, share: float) -> dict[str, float]:
    return {"warmup": share} if issubclass(FAMILIES[family], WarmupFamily) else {}


def about_alike(one: Array, other: Array) -> bool:
    """Return whether the LRs of two schedules, of any numbers of steps, have about one shape."""
    return bool(np.sqrt(np.mean((_signature(one) - _signature(other)) ** 2)) <= ABOUT_SAME)


def _signature(lrs: Array) -> Array:
    """A schedule's multipliers at points of progress, ``(PROGRESS,)``."""
    steps = len(lrs)
    progress = (np.arange(PROGRESS) + 0.5) / PROGRESS
    return np.interp(progress, (np.arange(steps) + 0.5) / steps, lrs) / lrs.max()


def alike(one: Schedule, other: Schedule) -> bool:
    """Return whether two schedules of as many steps have one shape."""
    difference = one.multipliers() - other.multipliers()
    return bool(np.sqrt(np.mean(difference**2)) <= SAME)


def same(lrs: Array, other: Array) -> bool:
    """Return whether two schedules have as many steps and, but for `SAME` of the highest LR, the same LRs."""
    return len(lrs) == len(other) and bool(np.sqrt(np.mean((lrs - other) ** 2)) <= SAME * lrs.max())


def warmup_steps(lrs: Array) -> int:
    """Return how many steps a schedule rises at its start; 0 if it rises for longer than a warmup does."""
    first = int(np.argmax(lrs >= 0.999 * lrs.max()))
    rises = bool(np.all(np.diff(lrs[: first + 1]) >= 0))
    return first if rises and first <= LONGEST_WARMUP * len(lrs) else 0


def stretched(lrs: Array, steps: int) -> Array:
    """Return a schedule's LRs at another number of steps, with the same steps of warmup if they fit."""
    if len(lrs) == steps:
        return lrs
    warmup = warmup_steps(lrs)
    if warmup > LONGEST_WARMUP * steps:
        warmup = 0
    rest = steps - warmup
    old = (np.arange(len(lrs) - warmup) + 0.5) / (len(lrs) - warmup)
    return np.concatenate([lrs[:warmup], np.interp((np.arange(rest) + 0.5) / rest, old, lrs[warmup:])])


def moved(schedule: Schedule, steps: int) -> Schedule:
    """Return the same schedule at another number of steps.

    Where its batch sizes are those of the old one, or a length in steps is too long for so few, its LRs are
    stretched.
    """
    if schedule.steps == steps:
        return schedule
    if schedule.batch_sizes is None:
        with suppress(InputError):
            return schedule.replace(steps=steps)
    return Schedule.from_values(stretched(schedule.values(), steps))
