"""The verdict of a coordinate sweep in words."""

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd

from lrshape.analysis.coordinate import largest_gain, relative_to_own
from lrshape.analysis.frames import records, where
from lrshape.report.words import counted, listing, number, percent, printable, probability, rate

VERDICTS = {
    "improves": "improves",
    "worse": "worsens",
    "same": "not told apart",
    "diverged": "diverged",
    "unknown": "not tested",
}


def value_text(value: Any) -> str:
    """A parameter's value as people read it."""
    return rate(value) if isinstance(value, float) else printable(value, 40)


def verdict_sentence(row: Mapping[str, Any]) -> str:
    """What one row of `lrshape.analysis.coordinate.confirmed_points` says.

    Example:
        >>> verdict_sentence({"parameter": "beta", "value": 0.3, "own_value": 0.5, "own_score": 2.0,
        ...     "gain": 0.1, "gain_low": 0.06, "gain_high": 0.14, "p_holm": 0.0002, "verdict": "improves"})
        'beta: improves it by 5.0% (95% interval 3.0% to 7.0%, p < 0.001) at 0.3 instead of 0.5'
    """
    name, case = printable(row["parameter"], 40), row["verdict"]
    at = f"at {value_text(row['value'])} instead of {value_text(row['own_value'])}"
    gain, low, high = (relative_to_own(row, key) for key in ("gain", "gain_low", "gain_high"))
    if case == "diverged":
        return f"{name}: does not improve it: every other value tried diverged"
    if case == "unknown":
        amount = f"{percent(gain)} better" if math.isfinite(gain) else "nothing is known of it"
        return f"{name}: not told: too few seeds for an interval (6 are the least); {amount} {at}"
    p = probability(row["p_holm"])
    spread = f"95% interval {interval_text(low, high)}, p {p if p.startswith('<') else f'= {p}'}"
    if case == "improves":
        return f"{name}: improves it by {percent(gain)} ({spread}) {at}"
    if case == "worse":
        amount = f"{percent(-gain)} worse ({_mirrored(row)})"
        return f"{name}: does not improve it: its best other value is {amount} {at}"
    return f"{name}: not told apart, {_by_how_much(gain)} ({spread}) {at}"


def interval_text(low: float, high: float) -> str:
    """An interval of fractions in percent."""
    return f"{percent(low)} to {percent(high)}"


def _mirrored(row: Mapping[str, Any]) -> str:
    low, high = relative_to_own(row, "gain_low"), relative_to_own(row, "gain_high")
    p = probability(row["p_holm"])
    return f"95% interval {interval_text(-high, -low)}, p {p if p.startswith('<') else f'= {p}'}"


def _by_how_much(gain: float) -> str:
    return f"{percent(abs(gain))} {'better' if gain >= 0 else 'worse'}"


def overall(rows: pd.DataFrame, is_winner: bool) -> str:
    """The verdict over all parameters of one shape, in a sentence.

    Args:
        rows: of one shape, as `lrshape.analysis.coordinate.confirmed_points` returns them.
        is_winner: whether it is the study's winner.
    """
    first = rows.iloc[0].to_dict()
    name = "the winner" if is_winner else f"the shape {printable(first['shape'], 40)}"
    better = [row for row in records(rows) if row["verdict"] == "improves"]
    if better:
        parts = [
            f"another {printable(row['parameter'], 40)} improves it by {percent(gain)}"
            for row in better
            for gain in [relative_to_own(row, "gain")]
        ]
        return f"{name} is not at its best: {listing(parts)} (Holm-corrected)"
    bound = largest_gain(rows)
    if math.isnan(bound):
        seeds = counted(int(first["seeds"]), "seed")
        return f"with {seeds} it cannot be told whether a parameter improves {name}"
    if bound <= 0:
        return f"no single parameter improves {name}: every other value tried is worse (95%)"
    share = relative_to_own(first | {"bound": bound}, "bound")
    amount = percent(share) if math.isfinite(share) else number(bound)
    return f"no single parameter improves {name} by more than {amount} (95%)"


def sentence(text: str) -> str:
    """Text as a sentence: a capital first, a full stop last."""
    return f"{text[0].upper()}{text[1:]}."


def coordinate_summary(points: pd.DataFrame, confirmed: pd.DataFrame, winner: str) -> list[dict[str, Any]]:
    """The verdicts as plain data for JSON, one entry a shape, the winner first; None stands for no number."""
    entries = []
    for shape in order(confirmed, winner):
        rows = where(confirmed, confirmed["shape"] == shape)
        own = where(points, (points["shape"] == shape) & points["own"]).iloc[0]
        first = rows.iloc[0]
        bound = largest_gain(rows)
        entries.append(
            {
                "shape": shape,
                "family": first["family"],
                "params": own["params"],
                "base_lr": float(first["own_base_lr"]),
                "seeds": int(first["seeds"]),
                **{f"score_{k}": _finite(first[f"own_{c}"]) for k, c in _ENDS},
                "improves": [r["parameter"] for r in records(rows) if r["verdict"] == "improves"],
                "largest_gain": _finite(bound),
                "largest_gain_relative": _finite(
                    relative_to_own({"own_score": first["own_score"], "bound": bound}, "bound")
                ),
                "verdict": overall(rows, shape == winner),
                "parameters": [_plain(row) for row in records(rows)],
            }
        )
    return entries


_ENDS = (("median", "score"), ("low", "low"), ("high", "high"))


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    kept = ("parameter", "own_value", "value", "base_lr", "edge", "verdict")
    numbers = ("score", "low", "high", "sweep_gain", "gain", "gain_low", "gain_high", "p_value", "p_holm")
    return {
        **{key: row[key] for key in kept},
        **{key: _finite(row[key]) for key in numbers},
        "gain_relative": _finite(relative_to_own(row, "gain")),
        "text": verdict_sentence(row),
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def order(confirmed: pd.DataFrame, winner: str) -> list[str]:
    """The shapes of a sweep, the winner first, the others by their confirmed median."""
    own = confirmed.drop_duplicates("shape")
    ranked = own.assign(later=own["shape"] != winner).sort_values(["later", "own_score", "shape"])
    return ranked["shape"].tolist()
