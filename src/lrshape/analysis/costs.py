"""What a study's trials have cost, and how they ended."""

from collections import Counter
from typing import Any

import pandas as pd

from lrshape.store import PHASES


def phase_costs(trials: pd.DataFrame) -> list[dict[str, Any]]:
    """Return what each phase has cost so far, in the order in which they run.

    Returns:
        Rows ``phase, shapes, base_lrs, seeds, trials, diverged, failed, seconds``: numbers of distinct
        shapes, of base LRs of one shape and of seeds of one base LR (the largest), of trials and of those
        that diverged or failed; compute time of all trials together, in seconds.
    """
    by_phase = dict(iter(trials.groupby("phase", sort=False)))
    return [_phase_cost(name, by_phase[name]) for name in PHASES if name in by_phase]


def _phase_cost(name: str, rows: Any) -> dict[str, Any]:
    statuses = Counter(rows["status"])
    return {
        "phase": name,
        "shapes": rows["shape"].nunique(),
        "base_lrs": int(rows.groupby("shape")["base_lr"].nunique().max()),
        "seeds": int(rows.groupby(["shape", "base_lr"]).size().max()),
        "trials": len(rows),
        "diverged": statuses["diverged"],
        "failed": statuses["failed"],
        "seconds": float(rows["wall_time"].sum()),
    }


def failure_messages(trials: pd.DataFrame) -> list[tuple[int, str, str]]:
    """Return ``(number of trials, status, message)``, the most frequent messages first."""
    pairs = zip(trials["status"], trials["message"], strict=True)
    counts = Counter((status, message) for status, message in pairs if message)
    return [(count, *key) for key, count in counts.most_common()]
