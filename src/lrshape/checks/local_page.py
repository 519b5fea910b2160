"""What the local check found: in words, on its page and as plain data."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from lrshape.analysis.frames import records, where
from lrshape.checks.check import CheckResult
from lrshape.checks.local_figure import local_figure
from lrshape.checks.local_statistics import largest_gain, relative_to_own
from lrshape.report.drawing import Drawing, draw_all
from lrshape.report.interaction import Cards
from lrshape.report.palette import CATEGORIES
from lrshape.report.sections import Section, Table
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
    score_text,
)

VERDICTS = {
    "better": "improves",
    "worse": "worsens",
    "same": "undecided",
    "diverged": "diverged",
    "unknown": "not tested",
}
_HOW = "Each dot is the shape with one parameter changed, at a base LR tuned for it: the median over seeds"
_MARKS = (
    "The diamond and the vertical line mark the shape's own value, the horizontal line its median; crosses "
    "mark values at which the median trial diverged. The best values are chosen by these scores, which "
    "biases them in favour of those values; the table below has unbiased scores."
)


def local_result(
    points: pd.DataFrame,
    confirmed: pd.DataFrame,
    figures: Path,
    *,
    winner: str,
    metric: str,
    settings: Mapping[str, Any],
    trials: int,
) -> CheckResult:
    """The result of a local check.

    Args:
        points: as `lrshape.checks.local_statistics.score_points` returns it.
        confirmed: as `lrshape.checks.local_statistics.confirm_points` returns it.
        figures: where figures are drawn.
        winner: name of the study's winner.
        metric: the metric that is minimised.
        settings: of the check.
        trials: how many were made.
    """
    cards = Cards(f"median {metric}")
    shapes = sorted_shapes(confirmed, winner)
    sections = [_section(points, confirmed, shape, winner, metric, figures, cards) for shape in shapes]
    entries = [_entry(points, confirmed, shape, winner) for shape in shapes]
    return CheckResult(
        title=sentence(entries[0]["verdict"])[:-1],
        lede=[
            f"{counted(trials, 'trial')}: {settings['points']} values of every searched parameter on "
            f"{counted(settings['seeds'], 'seed')}, the base LR tuned again at each; then the best value of "
            f"each parameter beside the original shape on {settings['confirm_seeds']} further seeds, on "
            "which nothing was selected."
        ],
        sections=sections,
        method=_method(metric),
        summary=[
            line
            for place, (section, entry) in enumerate(zip(sections, entries, strict=True))
            for line in (
                f"{section.title}: {entry['params']}, base LR {rate(entry['base_lr'])}",
                *section.sentences[place == 0 :],  # the first one's verdict is the title
                *section.tables,
                *section.remarks,
            )
        ],
        tables={"points": points, "confirmed": confirmed},
        data={"shapes": entries},
        cards=cards,
    )


def sorted_shapes(confirmed: pd.DataFrame, winner: str) -> list[str]:
    """The varied shapes, the winner first, the others by their confirmed median."""
    own = confirmed.drop_duplicates("shape")
    ranked = own.assign(later=own["shape"] != winner).sort_values(["later", "own_score", "shape"])
    return ranked["shape"].tolist()


def value_text(value: Any) -> str:
    """A parameter's value as people read it."""
    return rate(value) if isinstance(value, float) else printable(value, 40)


def verdict_sentence(row: Mapping[str, Any]) -> str:
    """What one row of `lrshape.checks.local_statistics.confirm_points` says.

    Example:
        >>> verdict_sentence({"parameter": "beta", "value": 0.3, "own_value": 0.5, "own_score": 2.0,
        ...     "gain": 0.1, "gain_low": 0.06, "gain_high": 0.14, "p_holm": 0.0002, "verdict": "better"})
        'changing beta from 0.5 to 0.3 improves it by 5.0% (95% interval 3.0% to 7.0%, p < 0.001)'
    """
    case = row["verdict"]
    name = printable(row["parameter"], 40)
    change = f"changing {name} from {value_text(row['own_value'])} to {value_text(row['value'])}"
    gain, low, high = (relative_to_own(row, key) for key in ("gain", "gain_low", "gain_high"))
    amount = f"{percent(abs(gain))} {'better' if gain >= 0 else 'worse'}"
    if case == "diverged":
        return f"changing {name} does not help: every other value diverged"
    if case == "unknown":
        known = f"makes it {amount}, but this" if math.isfinite(gain) else "gives no finite score; this"
        return f"{change} {known} is not tested: an interval needs at least 6 seeds"
    p = probability(row["p_holm"])
    p = f"p {p if p.startswith('<') else f'= {p}'}"
    spread = f"95% interval {percent(low)} to {percent(high)}, {p}"
    if case == "better":
        return f"{change} improves it by {percent(gain)} ({spread})"
    if case == "worse":
        spread = f"95% interval {percent(-high)} to {percent(-low)}, {p}"
        return f"{change}, the best other value, makes it {amount} ({spread})"
    return f"{change} makes no significant difference: {amount} ({spread})"


def overall_verdict(rows: pd.DataFrame, is_winner: bool) -> str:
    """The verdict over all parameters of one shape, in a sentence.

    Args:
        rows: of one shape, as `lrshape.checks.local_statistics.confirm_points` returns them.
        is_winner: whether it is the study's winner.
    """
    first = rows.iloc[0].to_dict()
    name = "the winner" if is_winner else f"the shape {printable(first['shape'], 40)}"
    better = [row for row in records(rows) if row["verdict"] == "better"]
    if better:
        gains = [
            f"changing {printable(row['parameter'], 40)} improves it by {percent(gain)}"
            for row in better
            for gain in [relative_to_own(row, "gain")]
        ]
        return f"{name} is not a local optimum: {listing(gains)} (Holm-corrected)"
    bound = largest_gain(rows)
    if math.isnan(bound):
        seeds = counted(int(first["seeds"]), "seed")
        return f"{seeds} are too few to tell whether a change to a single parameter improves {name}"
    if bound <= 0:
        return f"no change to a single parameter improves {name}: every other value tried is worse (95%)"
    share = relative_to_own(first | {"bound": bound}, "bound")
    amount = percent(share) if math.isfinite(share) else number(bound)
    return f"no change to a single parameter improves {name} by more than {amount} (95%)"


def sentence(text: str) -> str:
    """Text as a sentence: a capital first, a full stop last."""
    return f"{text[0].upper()}{text[1:]}."


def _entry(points: pd.DataFrame, confirmed: pd.DataFrame, shape: str, winner: str) -> dict[str, Any]:
    """The verdicts on one shape as plain data; None stands for no number."""
    rows = where(confirmed, confirmed["shape"] == shape)
    own = where(points, (points["shape"] == shape) & points["own"]).iloc[0]
    first = rows.iloc[0]
    bound = largest_gain(rows)
    relative = relative_to_own({"own_score": first["own_score"], "bound": bound}, "bound")
    return {
        "shape": shape,
        "family": first["family"],
        "params": own["params"],
        "base_lr": float(first["own_base_lr"]),
        "seeds": int(first["seeds"]),
        "score_median": _finite(first["own_score"]),
        "score_low": _finite(first["own_low"]),
        "score_high": _finite(first["own_high"]),
        "improves": [r["parameter"] for r in records(rows) if r["verdict"] == "better"],
        "largest_gain": _finite(bound),
        "largest_gain_relative": _finite(relative),
        "verdict": overall_verdict(rows, shape == winner),
        "parameters": [_plain(row) for row in records(rows)],
    }


def _plain(row: Mapping[Any, Any]) -> dict[str, Any]:
    kept = ("parameter", "own_value", "value", "base_lr", "edge", "verdict")
    numbers = ("score", "low", "high", "biased_gain", "gain", "gain_low", "gain_high", "p_value", "p_holm")
    return {
        **{key: row[key] for key in kept},
        **{key: _finite(row[key]) for key in numbers},
        "gain_relative": _finite(relative_to_own(row, "gain")),
        "text": verdict_sentence(row),
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


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
    drawing = Drawing(name, title, _caption, lambda points: local_figure(points, metric))
    drawn = draw_all([drawing], own_points.assign(card=_add_cards(own_points, cards)), folder)
    first = rows.iloc[0]
    lead = first["own_score"]
    spread = interval(first["own_low"], first["own_high"], lead=lead)
    measured = f"Its median {printable(metric, 60)} is {number(lead)}" + (f" ({spread})" if spread else "")
    return Section(
        f"{printable(shape, 60)}{', the winner' if shape == winner else ''}",
        sentences=[
            sentence(overall_verdict(rows, shape == winner)),
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


def _add_cards(points: pd.DataFrame, cards: Cards) -> list[int]:
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
        f"The best base LR of {listing(places)} lies on the edge of those tried: a better one may lie "
        "beyond it."
    ]


def _table(rows: pd.DataFrame) -> Table:
    cells = []
    for row in records(rows):
        lead = row["own_score"]
        gain, biased = aligned((row["gain"], row["biased_gain"]), lead=lead)
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
                (biased, percent(relative_to_own(row, "biased_gain"))),
                (VERDICTS[row["verdict"]], ""),
            ]
        )
    return Table(
        "The best value of each parameter, measured on further seeds",
        headings=[
            ("parameter", "own → best other"),
            ("median", "95% interval"),
            ("lower by", "95% interval"),
            ("relative", ""),
            ("p", "Holm"),
            ("when chosen", "biased"),
            ("the change", ""),
        ],
        rows=cells,
        texts=[6],
        bold=[i for i, verdict in enumerate(rows["verdict"]) if verdict == "better"],
    )


def _method(metric: str) -> list[str]:
    return [
        "lrshape varies one searched parameter at a time, over evenly spaced values of its search range "
        "(even in "
        "the logarithm where the search is); the others keep their values.",
        "At every value lrshape tunes the base LR again, around the shape's own best and further where "
        "the best lies at an edge; otherwise the check would measure the effect of the base LR.",
        "The best of many noisy scores is biased low. Therefore lrshape trains the best other value of each "
        "parameter and the original shape again, all on the same further seeds, so that their differences "
        "are paired.",
        "“Lower by” is the original's median minus the other's, with a 95% percentile bootstrap over seeds; "
        "p-values are two-sided and corrected for all rows of all shapes (Holm). “Improves” or “worsens” "
        "needs an interval that excludes 0 and a corrected p below 0.05.",
        "The bound in the heading is the largest upper end of these intervals. It holds for the values that "
        "were measured again. It says nothing about values between them, or about changing two parameters.",
        f"A trial that diverged or failed scores +∞ in {printable(metric, 60)}; none is dropped.",
    ]
