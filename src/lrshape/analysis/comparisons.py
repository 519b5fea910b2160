"""Tables of comparisons: corrected for all their rows, and with verdicts."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrshape.analysis.design import Design, Key, Tuning
from lrshape.analysis.intervals import Array, Difference, holm
from lrshape.analysis.paired import Comparison, PairedSamples, verdict
from lrshape.analysis.scores import is_baseline
from lrshape.analysis.tables import records
from lrshape.store import NOTHING_TUNED, text_of

_TUNED = Tuning(octaves=math.nan, cost=0.0)
"""What a schedule is taken for whose tuning the design does not know."""


def keys_of(table: pd.DataFrame) -> list[Key]:
    """What tells each row from others of its phase."""
    columns = (table[name] for name in ("shape", "base_lr", "hyperparameters"))
    return [(str(shape), float(lr), str(tuned)) for shape, lr, tuned in zip(*columns, strict=True)]


def key_of(row: Mapping[str, Any]) -> Key:
    """What tells one row from others of its phase."""
    return str(row["shape"]), float(row["base_lr"]), str(row["hyperparameters"])


def is_key(table: pd.DataFrame, key: Key) -> NDArray[np.bool_]:
    """Which rows of a table are of one candidate, (rows,); a later phase may round its base LR otherwise."""
    shape, base_lr, tuned = key
    same_lr = np.isclose(table["base_lr"], base_lr, rtol=1e-12, atol=0.0)
    return ((table["shape"] == shape) & (table["hyperparameters"] == tuned)).to_numpy(bool) & same_lr


def costs_of(design: Design, own: Key, other: Key) -> tuple[float, float]:
    """What a better base LR may gain, of two schedules."""
    return design.tuning.get(own, _TUNED).cost, design.tuning.get(other, _TUNED).cost


def is_at_edge(design: Design, *keys: Key) -> bool:
    """Whether the best base LR, or hyperparameter, of a schedule may lie beyond those tried."""
    return any(design.tuning.get(key, _TUNED).is_at_edge for key in keys)


def comparison_columns(
    comparisons: Sequence[Comparison | None], others: int = 0
) -> dict[str, list[float] | Array]:
    """The columns of a table of comparisons, NaN for each that was not made.

    Args:
        comparisons: one a row.
        others: comparisons that might have been made instead, for which p-values are corrected, too.

    Returns:
        ``effect, effect_low, effect_high, difference, difference_low, difference_high, p_value, p_holm,
        p_equal, symmetric_effect, symmetric_low, symmetric_high, symmetric_p, correlation``. ``p_holm`` and
        ``p_equal`` are corrected for all comparisons.
    """
    unknown = Difference(math.nan, math.nan, math.nan, math.nan)
    none = Comparison(0, unknown, unknown, unknown, math.nan, math.nan, math.nan)
    made = [none if c is None else c for c in comparisons]
    p_values = [c.p_value for c in made]
    return {
        "effect": [c.effect.estimate for c in made],
        "effect_low": [c.effect.low for c in made],
        "effect_high": [c.effect.high for c in made],
        "difference": [c.difference.estimate for c in made],
        "difference_low": [c.difference.low for c in made],
        "difference_high": [c.difference.high for c in made],
        "p_value": p_values,
        "p_holm": holm(p_values, others),
        "p_equal": holm([c.p_equal for c in made], others),
        "symmetric_effect": [c.symmetric.estimate for c in made],
        "symmetric_low": [c.symmetric.low for c in made],
        "symmetric_high": [c.symmetric.high for c in made],
        "symmetric_p": [c.symmetric.p_value for c in made],
        "correlation": [c.correlation for c in made],
    }


def compare_with_winner(
    table: pd.DataFrame,
    phase: str,
    won: Key | None,
    samples: PairedSamples,
    design: Design,
    margin: float,
    edges: Sequence[str],
) -> pd.DataFrame:
    """Add to the rows of one phase what `lrshape.analysis.analysis.Analysis.compared` has of them.

    Args:
        table: one row a schedule: ``shape, base_lr, seeds, score``.
        phase: that has trained them.
        won: the winner; None if the phase has not trained it.
        samples: of the trials.
        design: of the confirm phase.
        margin: smallest effect that matters.
        edges: of each row, where the design does not know them.
    """
    keys = keys_of(table)
    comparisons = [
        samples.compare(phase, won, key, costs=costs_of(design, won, key), margin=margin)
        if won and key != won
        else None
        for key in keys
    ]
    # In a contest any of the schedules might have been the winner: all pairs of them count.
    others = math.comb(max(0, len(keys) - 1), 2) if design.is_contest else 0
    is_winner = np.array([key == won for key in keys], bool)
    seeds = table["seeds"].to_numpy(np.int64)
    table = table.assign(
        pairs=np.where(is_winner, seeds, [c.pairs if c else 0 for c in comparisons]),
        **comparison_columns(comparisons, others),
    )
    table.loc[is_winner, ["effect", "difference", "symmetric_effect"]] = 0.0
    tunings = [design.tuning.get(key) for key in keys]
    table = table.assign(
        octaves=[t.octaves if t else math.nan for t in tunings],
        cost=[t.cost if t else math.nan for t in tunings],
        edge=[t.edge if t else edge for t, edge in zip(tunings, edges, strict=True)],
        edges=[text_of(t.edges) if t else NOTHING_TUNED for t in tunings],
    )
    verdicts = [
        "unknown"
        if won is None
        else "winner"
        if key == won
        else verdict(
            row["effect_low"],
            row["effect_high"],
            row["p_holm"],
            score=row["score"],
            costs=costs_of(design, won, key),
            margin=margin,
            p_equal=row["p_equal"],
            at_edge=is_at_edge(design, won, key),
        )
        for key, row in zip(keys, records(table), strict=True)
    ]
    return table.assign(verdict=verdicts, is_winner=is_winner, is_baseline=is_baseline(table))
