"""The page of a coordinate sweep."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lrshape.analysis.coordinate import relative_to_own
from lrshape.analysis.frames import records, where
from lrshape.report.coordinate import VERDICTS, order, overall, sentence, value_text, verdict_sentence
from lrshape.report.drawing import Drawing, draw_all
from lrshape.report.figures.coordinate import coordinate_figure
from lrshape.report.interaction import Cards
from lrshape.report.palette import CATEGORIES
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
    score_text,
)

_HOW = (
    "Each dot is the shape with one parameter changed, at a base LR optimised for it: the median over seeds"
)
_MARKS = (
    "The diamond and the vertical line are the shape's own value, the horizontal line its median; crosses "
    "mark values at which the median training diverged. Points are chosen by these numbers, so their best "
    "flatters itself: the table below has the unbiased ones."
)


def write_coordinate_report(
    points: pd.DataFrame,
    confirmed: pd.DataFrame,
    directory: Path,
    *,
    winner: str,
    metric: str,
    document: Mapping[str, Any],
    settings: Mapping[str, Any],
    trials: int,
) -> Path:
    """Write ``report.html`` and ``figures/`` of a coordinate sweep; the same input gives the same bytes.

    Args:
        points: as `lrshape.analysis.coordinate.sweep_points` returns it.
        confirmed: as `lrshape.analysis.coordinate.confirmed_points` returns it.
        directory: where to write.
        winner: name of the study's winner.
        metric: the metric that is minimised.
        document: the content of the study's ``study.json``.
        settings: seeds and points of the sweep.
        trials: how many were made.

    Returns:
        The path of ``report.html``.

    Raises:
        OSError: if the directory cannot be written.
    """
    folder = directory / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    shapes = order(confirmed, winner)
    first = where(confirmed, confirmed["shape"] == shapes[0])
    cards = Cards(f"median {metric}")
    return write_page(
        directory / "report.html",
        eyebrow="Coordinate sweep",
        name=str(document.get("name", "study")),
        title=sentence(overall(first, shapes[0] == winner))[:-1],
        lede=[
            sentence(
                f"{counted(trials, 'training')}: {settings['points']} values of every searched parameter "
                f"on {counted(settings['seeds'], 'seed')}, the base LR optimised again at each, and the best "
                f"of them beside the original shape on {settings['confirm_seeds']} further seeds that chose "
                "nothing"
            )
        ],
        sections=[_section(points, confirmed, shape, winner, metric, folder, cards) for shape in shapes]
        + [_method(metric)],
        cards=cards,
    )


def _section(
    points: pd.DataFrame,
    confirmed: pd.DataFrame,
    shape: str,
    winner: str,
    metric: str,
    folder: Path,
    cards: Cards,
) -> Section:
    own_points = where(points, points["shape"] == shape)
    rows = where(confirmed, confirmed["shape"] == shape)
    name = "".join(c if c.isalnum() else "-" for c in shape)
    title = f"{printable(shape, 60)}, one parameter at a time"
    drawing = Drawing(name, title, _caption, lambda points: coordinate_figure(points, metric))
    drawn = draw_all([drawing], own_points.assign(card=_cards(own_points, cards)), folder)
    first = rows.iloc[0]
    lead = first["own_score"]
    spread = interval(first["own_low"], first["own_high"], lead=lead)
    measured = f"Its median {printable(metric, 60)} is {number(lead)}" + (f" ({spread})" if spread else "")
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


def _caption(points: pd.DataFrame) -> str:
    """How to read the figure, which has no bands where there are too few seeds for intervals."""
    if np.isnan(points["low"].to_numpy(np.float64)).all():
        return f"{_HOW}, too few for intervals. {_MARKS}"
    return f"{_HOW}, with its 95% interval as a band. {_MARKS}"


def _cards(points: pd.DataFrame, cards: Cards) -> list[int]:
    """Add a card for each value, and return their indexes."""
    return [
        cards.add(
            f"{row['parameter']} {value_text(row['value'])}{', its own' if row['own'] else ''}",
            CATEGORIES[0].light,
            row["family"],
            row["params"],
            base_lr=row["base_lr"],
            score=score_text(row["score"]),
            more={"95% interval": interval(row["low"], row["high"], lead=row["score"]) or "none"},
        )
        for row in records(points)
    ]


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


def _method(metric: str) -> Section:
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
            f"A trial that diverged or failed scores +∞ in {printable(metric, 60)}; none is dropped.",
        ],
    )
