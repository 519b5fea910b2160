"""Does changing one parameter of a shape improve it, by how much, and how sure is that?

The seeds that choose the best value of every parameter bias its score low; further seeds measure it again
beside the original shape. Only the second numbers give a verdict.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from lrshape.analysis.intervals import Difference, holm, paired_difference
from lrshape.analysis.paired import verdict
from lrshape.analysis.scores import best_base_lrs, samples_by_seed, scores
from lrshape.analysis.tables import records, where
from lrshape.checks.transfer_statistics import regret_shares
from lrshape.shapes import FAMILIES
from lrshape.store import params_of

_SEPARATOR = ":"


def point_id(shape: str, parameter: str, index: int) -> str:
    """The name of a shape with one parameter changed, e.g. ``rex-0007:beta:03``."""
    return _SEPARATOR.join((shape, parameter, f"{index:02d}"))


def origin(point: str) -> tuple[str, str | None]:
    """The original shape's name and the changed parameter; None if the name is an original shape's.

    Example:
        >>> origin("rex-0007:beta:03"), origin("rex-0007")
        (('rex-0007', 'beta'), ('rex-0007', None))
    """
    parts = point.rsplit(_SEPARATOR, 2)
    return (parts[0], parts[1]) if len(parts) == 3 else (point, None)


def score_points(trials: pd.DataFrame, metric: str) -> pd.DataFrame:
    """Every tried value of every parameter, at its own best base LR.

    Args:
        trials: on the seeds that choose, in any order of rows; shapes are named as `point_id` does.
        metric: the metric that is minimised.

    Returns:
        Rows sorted by shape, parameter and value: ``shape`` (the original one), ``parameter``, ``value``,
        ``own`` (whether it is the shape's own value), ``point`` (the name in the trials), ``family``,
        ``params``, ``base_lr``, ``edge``, ``seeds``, ``score``, ``low``, ``high``, ``diverged``, ``failed``,
        and ``gain``, ``gain_low``, ``gain_high``: the median over the same seeds of the original's
        value minus the point's, positive where the point is better. The gain of the best of many points is
        biased high.

    Raises:
        InputError: if the metric is not stored.
    """
    best = best_base_lrs(scores(trials, metric))
    sample = dict(zip(best["shape"], samples_by_seed(trials, metric, best), strict=True))
    rows: dict[str, dict[str, Any]] = {row["shape"]: row for row in records(best)}
    found = []
    for name, row in rows.items():
        shape, parameter = origin(name)
        if parameter is None or shape not in rows:
            continue
        found.append(_point(row, shape, parameter, False, sample[shape], sample[name]))
    for shape, parameter in sorted({(point["shape"], point["parameter"]) for point in found}):
        found.append(_point(rows[shape], shape, parameter, True, sample[shape], sample[shape]))
    found.sort(key=lambda p: (p["shape"], p["parameter"], isinstance(p["value"], str), p["value"]))
    return pd.DataFrame(found)


def _point(
    row: Mapping[str, Any], shape: str, parameter: str, own: bool, of_shape: pd.Series, of_point: pd.Series
) -> dict[str, Any]:
    gain = (0.0, math.nan, math.nan)
    if not own:
        seeds = of_shape.index.intersection(of_point.index)
        gain = paired_difference(of_shape[seeds], of_point[seeds])[:3]
    kept = ("family", "params", "base_lr", "edge", "seeds", "score", "low", "high", "diverged", "failed")
    return {
        "shape": shape,
        "parameter": parameter,
        "value": FAMILIES[row["family"]].from_params(params_of(row["params"])).params[parameter],
        "own": own,
        "point": row["shape"],
        **{key: row[key] for key in kept},
        **dict(zip(("gain", "gain_low", "gain_high"), gain, strict=True)),
    }


def best_points(points: pd.DataFrame) -> pd.DataFrame:
    """The best value of every parameter other than the shape's own: rows of `score_points`.

    Of equal scores it is the one with the first name.
    """
    others = where(points, ~points["own"].to_numpy(bool))
    ordered = others.sort_values(["shape", "parameter", "score", "point"], kind="stable")
    return ordered.drop_duplicates(["shape", "parameter"]).reset_index(drop=True)


def confirm_points(trials: pd.DataFrame, points: pd.DataFrame, metric: str) -> pd.DataFrame:
    """The best value of every parameter beside the original shape, on seeds that no selection has seen.

    Args:
        trials: of the original shapes and of their `best_points`, on further seeds.
        points: as `score_points` returns it.
        metric: the metric that is minimised.

    Returns:
        One row a shape and parameter, sorted by them: ``shape, family, parameter, own_value, value,
        own_base_lr, base_lr, edge, seeds, own_score, own_low, own_high, score, low, high, biased_gain, gain,
        gain_low, gain_high, gain_relative, gain_relative_low, gain_relative_high, p_value, p_holm, verdict``.
        ``gain`` is the median over the seeds of the original's value minus the point's, ``gain_relative`` the
        median of this difference as a share of the original's value, or of the original's median unless all
        values have one sign; NaN if that is 0 or not finite;
        ``biased_gain`` is the gain on the seeds that chose the point;
        ``p_holm`` is corrected for all rows.
        ``verdict`` says whether the value is better than the original's, see `lrshape.analysis.paired`.

    Raises:
        InputError: if the metric is not stored.
    """
    table = scores(trials, metric)
    sample = dict(zip(table["shape"], samples_by_seed(trials, metric, table), strict=True))
    measured = {row["shape"]: row for row in records(table)}
    own_value = {(p["shape"], p["parameter"]): p["value"] for p in records(points) if p["own"]}
    rows = []
    for point in records(best_points(points)):
        own, other = measured[point["shape"]], measured[point["point"]]
        gain = paired_difference(sample[own["shape"]], sample[other["shape"]])
        rows.append(
            {
                "shape": point["shape"],
                "family": point["family"],
                "parameter": point["parameter"],
                "own_value": own_value[point["shape"], point["parameter"]],
                "value": point["value"],
                "own_base_lr": own["base_lr"],
                "base_lr": other["base_lr"],
                "edge": point["edge"],
                "seeds": other["seeds"],
                **{f"own_{key}": own[key] for key in ("score", "low", "high")},
                **{key: other[key] for key in ("score", "low", "high")},
                "biased_gain": point["gain"],
                "gain": gain.estimate,
                "gain_low": gain.low,
                "gain_high": gain.high,
                **_shares(sample[own["shape"]], sample[other["shape"]], gain),
                "p_value": gain.p_value,
            }
        )
    result = pd.DataFrame(rows)
    result = result.assign(p_holm=holm(result["p_value"].to_numpy(np.float64)))
    return result.assign(
        verdict=[
            verdict(row["gain_low"], row["gain_high"], row["p_holm"], score=row["score"])
            for row in records(result)
        ]
    )


def largest_gain(rows: pd.DataFrame, key: str = "gain_high") -> float:
    """How much better than the original the best of one shape's rows may be, at most; NaN if unknown.

    It is the largest upper end of the rows' intervals. It bounds all rows at once with the confidence of
    one: it lies below the largest true gain only if that row's own interval does.

    Args:
        rows: of one shape, as `confirm_points` returns them.
        key: ``gain_relative_high`` for the gain as a share.
    """
    ends = rows[key].to_numpy(np.float64)
    return float(ends.max()) if len(ends) and not np.isnan(ends).any() else math.nan


def _shares(own: pd.Series, other: pd.Series, gain: Difference) -> dict[str, float]:
    """What the other gains as a share of the original's value on the same seed, else of its median."""
    a, b = (np.asarray(values[own.index], np.float64) for values in (other, own))
    found = regret_shares(a, b, a, b)
    if math.isnan(found["relative"]):
        median = abs(float(np.median(b)))
        size = median if math.isfinite(median) and median > 0 else math.nan
        ends = {"": gain.estimate, "_low": gain.low, "_high": gain.high}
        return {f"gain_relative{end}": value / size for end, value in ends.items()}
    return {
        "gain_relative": -found["relative"],
        "gain_relative_low": -found["relative_high"],
        "gain_relative_high": -found["relative_low"],
    }
