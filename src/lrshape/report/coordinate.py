"""The verdict of a coordinate sweep in words, and its page."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lrshape.analysis.coordinate import largest_gain, relative_to_own
from lrshape.analysis.frames import records, where
from lrshape.report import html
from lrshape.report.figures.coordinate import coordinate_figure
from lrshape.report.sections import Section, Table, write_page
from lrshape.report.words import (
    aligned,
    counted,
    interval,
    listing,
    number,
    percent,
    printable,
    probability,
    rate,
)

_CAPTION = (
    "Each dot is the shape with one parameter changed, at a base LR optimised for it: the median over seeds, "
    "with its 95% interval as a band. The diamond and the vertical line are the shape's own value, the "
    "horizontal line its median; crosses mark values at which the median training diverged. Points are "
    "chosen by these numbers, so their best flatters itself: the table below has the unbiased ones."
)


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


def write_coordinate_report(
    points: pd.DataFrame,
    confirmed: pd.DataFrame,
    directory: Path,
    *,
    winner: str,
    objective: str,
    document: Mapping[str, Any],
    settings: Mapping[str, Any],
    trainings: int,
) -> Path:
    """Write ``report.html`` and ``figures/`` of a coordinate sweep; the same input gives the same bytes.

    Args:
        points: as `lrshape.analysis.coordinate.sweep_points` returns it.
        confirmed: as `lrshape.analysis.coordinate.confirmed_points` returns it.
        directory: where to write.
        winner: name of the study's winner.
        objective: the metric that is minimised.
        document: the content of the study's ``study.json``.
        settings: seeds and points of the sweep.
        trainings: how many were made.

    Returns:
        The path of ``report.html``.

    Raises:
        OSError: if the directory cannot be written.
    """
    folder = directory / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    shapes = order(confirmed, winner)
    first = where(confirmed, confirmed["shape"] == shapes[0])
    return write_page(
        directory / "report.html",
        eyebrow="Coordinate sweep",
        name=str(document.get("name", "study")),
        title=sentence(overall(first, shapes[0] == winner))[:-1],
        lede=[
            sentence(
                f"{counted(trainings, 'training')}: {settings['points']} values of every searched parameter "
                f"on {counted(settings['seeds'], 'seed')}, the base LR optimised again at each, and the best "
                f"of them beside the original shape on {settings['confirm_seeds']} further seeds that chose "
                "nothing"
            )
        ],
        sections=[_section(points, confirmed, shape, winner, objective, folder) for shape in shapes]
        + [_method(objective)],
    )


def _section(
    points: pd.DataFrame, confirmed: pd.DataFrame, shape: str, winner: str, objective: str, folder: Path
) -> Section:
    own_points = where(points, points["shape"] == shape)
    rows = where(confirmed, confirmed["shape"] == shape)
    drawn = {}
    wide, narrow = (coordinate_figure(own_points, objective, narrow=narrow) for narrow in (False, True))
    if wide is not None and narrow is not None:
        name = "".join(c if c.isalnum() else "-" for c in shape)
        drawn[name] = html.figure(
            wide, narrow, folder, name=name, title=f"{printable(shape, 60)}, one parameter at a time",
            caption=_CAPTION,
        )  # fmt: skip
    first = rows.iloc[0]
    lead = first["own_score"]
    spread = interval(first["own_low"], first["own_high"], lead=lead)
    measured = f"Its median {printable(objective, 60)} is {number(lead)}" + (f" ({spread})" if spread else "")
    return Section(
        f"{printable(shape, 60)}{', the winner' if shape == winner else ''}",
        sentences=[
            sentence(overall(rows, shape == winner)),
            f"{measured} over {first['seeds']} fresh seeds.",
        ],
        figures=drawn,
        tables=[_table(rows)],
        remarks=[sentence(verdict_sentence(row)) for row in records(rows)] + _edges(own_points),
    )


def _edges(points: pd.DataFrame) -> list[str]:
    """Say where a better base LR may lie beyond those tried."""
    rows = where(points, (points["edge"] != "") & ~points["score"].isin([math.inf]))
    rows = rows.drop_duplicates("point")
    if rows.empty:
        return []
    places = [f"{r['parameter']} = {value_text(r['value'])}" for r in records(rows)]
    return [
        f"The best base LR of {listing(places)} lies on the edge of those tried: a better one may lie beyond."
    ]


def _table(rows: pd.DataFrame) -> Table:
    cells = []
    for row in records(rows):
        lead = row["own_score"]
        gain, flattered = aligned((row["gain"], row["sweep_gain"]), lead=lead)
        cells.append(
            [
                (
                    printable(row["parameter"], 40),
                    f"{value_text(row['own_value'])} → {value_text(row['value'])}",
                ),
                (
                    "diverged" if math.isinf(row["score"]) else aligned((row["score"],), lead=lead)[0],
                    interval(row["low"], row["high"], lead=lead),
                ),
                (gain, interval(row["gain_low"], row["gain_high"], lead=lead)),
                (percent(relative_to_own(row, "gain")), ""),
                (probability(row["p_holm"]), ""),
                (flattered, percent(relative_to_own(row, "sweep_gain"))),
                (VERDICTS[row["verdict"]], ""),
            ]
        )
    return Table(
        "The best value of each parameter, measured again",
        headings=[
            ("parameter", "own → best other"),
            ("median", "95% interval"),
            ("lower by", "95% interval"),
            ("relative", ""),
            ("p", "Holm"),
            ("in the sweep", "flattered"),
            ("changing it", ""),
        ],
        rows=cells,
        texts=[6],
        bold=[i for i, verdict in enumerate(rows["verdict"]) if verdict == "improves"],
    )


VERDICTS = {
    "improves": "improves",
    "worse": "worsens",
    "same": "not told apart",
    "diverged": "diverged",
    "unknown": "not tested",
}


def _method(objective: str) -> Section:
    return Section(
        "How it was computed",
        remarks=[
            "Every searched parameter is changed alone, over evenly spaced values of its search range "
            "(even in the logarithm where the search is); the others stay as they are.",
            "At every value the base LR is optimised again, around the shape's own best and further where "
            "the best lies at an edge: otherwise the sweep would measure the base LR.",
            "The best of many noisy values flatters itself. So the best other value of each parameter and "
            "the original shape are trained again on further seeds, all the same: their differences "
            "are paired.",
            "“Lower by” is the original's median minus the other's, with a 95% percentile bootstrap over "
            "seeds; p-values are two-sided and corrected for all rows of all shapes (Holm). “Improves” or "
            "“worsens” needs an interval without 0 and a corrected p below 0.05.",
            "The bound in the heading is the largest upper end of these intervals. It holds for the values "
            "that were measured again; between the values tried, and for two parameters changed together, "
            "nothing is claimed.",
            f"A training that diverged or failed scores +∞ in {printable(objective, 60)}; none is dropped.",
        ],
    )
