"""What a study's trials have cost, and how they ended."""

from collections import Counter
from dataclasses import dataclass
from typing import Any

import pandas as pd

from lrshape.store import PHASES


@dataclass(frozen=True)
class PhaseCost:
    """What one phase has cost so far.

    Args:
        name: e.g. ``screen``.
        shapes: number of distinct shapes.
        base_lrs: largest number of base LRs that one shape was trained at.
        seeds: largest number of seeds of one (shape, base LR).
        trials: number of trials stored.
        diverged: how many of them diverged.
        failed: how many of them failed.
        seconds: compute time of all trials together, in seconds.
    """

    name: str
    shapes: int
    base_lrs: int
    seeds: int
    trials: int
    diverged: int
    failed: int
    seconds: float


def phase_costs(trials: pd.DataFrame) -> list[PhaseCost]:
    """Return the costs of the phases that have trials, in the order in which they run."""
    by_phase = dict(iter(trials.groupby("phase", sort=False)))
    return [_phase_cost(name, by_phase[name]) for name in PHASES if name in by_phase]


def _phase_cost(name: str, rows: Any) -> PhaseCost:
    statuses = Counter(rows["status"])
    return PhaseCost(
        name=name,
        shapes=rows["shape"].nunique(),
        base_lrs=int(rows.groupby("shape")["base_lr"].nunique().max()),
        seeds=int(rows.groupby(["shape", "base_lr"]).size().max()),
        trials=len(rows),
        diverged=statuses["diverged"],
        failed=statuses["failed"],
        seconds=float(rows["wall_time"].sum()),
    )


def failure_messages(trials: pd.DataFrame) -> list[tuple[int, str, str]]:
    """Return ``(number of trials, status, message)``, the most frequent messages first."""
    pairs = zip(trials["status"], trials["message"], strict=True)
    counts = Counter((status, message) for status, message in pairs if message)
    return [(count, *key) for key, count in counts.most_common()]
