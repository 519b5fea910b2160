"""What the local check found: in words, on its page and as plain data."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lrshape.analysis.direction import Direction, as_measured
from lrshape.analysis.tables import plain, records, where
from lrshape.checks.check import CheckResult
from lrshape.checks.local_statistics import largest_gain
from lrshape.report.claims import plain_value
from lrshape.report.drawing import Drawing, draw_all
from lrshape.report.interaction import Cards
from lrshape.report.palette import CATEGORIES, INK, MUTED, PAPER
from lrshape.report.plotting import (
    TEXT,
    cross_out,
    grid_lines,
    metric_label,
    panel_title,
    panels,
    point_at_marks,
    scale_axis,
    styled,
    wide_range,
)
from lrshape.report.sections import Cell, Section, Table, table
from lrshape.report.words import (
    Precision,
    capital,
    counted,
    interval,
    listing,
    number,
    percent,
    printable,
    probability,
    rate,
    score_text,
    short,
)
from lrshape.store import params_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = Mapping[str, Any]

VERDICTS = {
    "better": "improves",
    "worse": "worsens",
    "open": "undecided",
    "diverged": "diverged",
    "unknown": "not tested: fewer than 6 seeds",
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
    direction: Direction = "minimize",
    min_lr: float = 0.0,
    tuned: Sequence[str] = (),
) -> CheckResult:
    """The result of a local check.

    Args:
        points: as `lrshape.checks.local_statistics.score_points` returns it.
        confirmed: as `lrshape.checks.local_statistics.confirm_points` returns it.
        figures: where figures are drawn.
        winner: name of the study's winner.
        metric: the metric that decides.
        settings: of the check.
        trials: how many were made.
        direction: of the metric.
        min_lr: no learning rate was below it.
        tuned: hyperparameters that the search tuned, and the check did not.
    """
    cards = Cards(f"median {metric}", min_lr)
    shapes = sorted_shapes(confirmed, winner)
    points, confirmed = (as_measured(table, direction) for table in (points, confirmed))
    sections = [_section(points, confirmed, shape, winner, metric, figures, cards) for shape in shapes]
    entries = [_entry(points, confirmed, shape, winner) for shape in shapes]
    return CheckResult(
        title=sentence(entries[0]["verdict"])[:-1],
        lede=[
            f"{counted(trials, 'trial')}: {settings['points']} values of every searched parameter on "
            f"{counted(settings['seeds'], 'seed')}, the base LR tuned again at each; then the best value of "
            f"each parameter beside the original shape on {settings['confirm_seeds']} further seeds, on "
            "which nothing was selected.",
            *(
                [f"The tuned hyperparameters ({', '.join(tuned)}) stayed as the search found them."]
                if tuned
                else []
            ),
        ],
        sections=sections,
        method=_method(metric),
        tables={"points": points, "confirmed": confirmed},
        data={"shapes": plain(entries)},
        cards=cards,
    )


def sorted_shapes(confirmed: pd.DataFrame, winner: str) -> list[str]:
    """The varied shapes, the winner first, the others by their confirmed median."""
    own = confirmed.drop_duplicates("shape")
    ranked = own.assign(later=own["shape"] != winner).sort_values(["later", "own_score", "shape"])
    return ranked["shape"].tolist()


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
            f"changing {printable(row['parameter'], 40)} improves it by "
            f"{_gain_text(row['gain'], row['gain_relative'])}"
            for row in better
        ]
        return f"{name} is not a local optimum: {listing(gains)} (Holm-corrected)"
    bound = largest_gain(rows)
    if math.isnan(bound):
        return (
            f"the confirming seeds ({first['seeds']}) are too few to tell whether a change to a single "
            f"parameter improves {name}"
        )
    if bound == math.inf:
        return (
            f"the confirming seeds ({first['seeds']}) do not tell how much a change to a single parameter "
            f"improves {name}: too many trials diverged or failed"
        )
    none = f"no tested change to a single parameter improves {name}"
    if bound < 0:
        return f"{none}: every value measured again is worse (95%)"
    if bound == 0:
        return f"{none} (95%)"
    return f"{none} by more than {_gain_text(bound, largest_gain(rows, 'gain_relative_high'))} (95%)"


def _gain_text(gain: float, share: float) -> str:
    """A gain in percent of the original's value; in units of the metric where there is no such share."""
    return percent(share) if math.isfinite(gain) and math.isfinite(share) else number(gain)


def sentence(text: str) -> str:
    """Text as a sentence: a capital first, a full stop last."""
    return f"{capital(text)}."


def _entry(points: pd.DataFrame, confirmed: pd.DataFrame, shape: str, winner: str) -> dict[str, Any]:
    """The verdicts on one shape."""
    rows = where(confirmed, confirmed["shape"] == shape)
    own = where(points, (points["shape"] == shape) & points["own"]).iloc[0]
    first = rows.iloc[0]
    return {
        "shape": shape,
        "family": first["family"],
        "params": params_of(own["params"]),
        "base_lr": float(first["own_base_lr"]),
        "seeds": int(first["seeds"]),
        "score_median": first["own_score"],
        "score_low": first["own_low"],
        "score_high": first["own_high"],
        "improves": [r["parameter"] for r in records(rows) if r["verdict"] == "better"],
        "largest_gain": largest_gain(rows),
        "largest_gain_relative": largest_gain(rows, "gain_relative_high"),
        "verdict": overall_verdict(rows, shape == winner),
        "parameters": records(rows),
    }


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
    median = f"{number(lead)} ({spread})" if spread else number(lead)
    params = params_of(where(own_points, own_points["own"])["params"].iloc[0])
    return Section(
        f"{printable(shape, 60)}{', the winner' if shape == winner else ''}",
        sentences=[
            sentence(overall_verdict(rows, shape == winner)),
            f"Its median {printable(metric, 60)} is {median} over {first['seeds']} fresh seeds, at the base "
            f"LR {rate(first['own_base_lr'])}. Its parameters are "
            f"{listing([f'{printable(name, 40)} {short(value)}' for name, value in params.items()])}.",
        ],
        figures=drawn,
        tables=[_table(rows)],
        remarks=_edges(own_points),
    )


@styled()
def local_figure(points: pd.DataFrame, metric: str) -> "Figure | None":
    """Draw medians with interval bands against parameter values, the shape's own value marked.

    Args:
        points: those of one shape, as `score_points` returns them, and the
            index of each one's ``card``.
        metric: the metric that is minimised.

    Returns:
        The figure; None if no score is finite.
    """
    finite = where(points, np.isfinite(points["score"].to_numpy(np.float64)))
    parameters = list(dict.fromkeys(points["parameter"]))
    if finite.empty:
        return None
    figure, axes = panels(len(parameters), row_height=2.0, sharex=False)
    ends = [v for key in ("score", "low", "high") for v in finite[key] if math.isfinite(v)]
    # One far value must not press all others into a line at the bottom.
    log = scale_axis(axes[0].yaxis, ends, ticks=5, log=wide_range(ends, 2.5))
    for ax, parameter in zip(axes, parameters, strict=True):
        _panel(ax, where(points, points["parameter"] == parameter), parameter)
    figure.supylabel(metric_label("median", metric, log=log, short=True), fontsize=TEXT, color=MUTED.light)
    return figure


def _panel(ax: Any, rows: pd.DataFrame, parameter: str) -> None:
    values = rows["value"].tolist()
    if any(isinstance(value, str) for value in values):  # choices lie in a row
        x = np.arange(len(values), dtype=float)
        ax.set_xticks(x, [printable(value, 12) for value in values])
    else:
        x = np.asarray(values, float)
        scale_axis(ax.xaxis, list(x), ticks=4)
    grid_lines(ax, "y")
    colour = CATEGORIES[0].light
    score, low, high = (rows[key].to_numpy(np.float64) for key in ("score", "low", "high"))
    alive = np.isfinite(score)
    bottom, top = ax.get_ylim()
    ax.fill_between(x, np.maximum(low, bottom), np.minimum(high, top), where=alive & ~np.isnan(low),
                    color=colour, alpha=0.18, lw=0, zorder=2)  # fmt: skip
    ax.plot(x, np.where(alive, score, np.nan), "-o", color=colour, ms=3.8, mec=PAPER.light, mew=0.7, lw=1.4,
            zorder=3)  # fmt: skip
    point_at_marks(ax, x[alive], score[alive], rows["card"].to_numpy()[alive].tolist())
    cross_out(ax, x[~alive])
    own = int(np.flatnonzero(rows["own"].to_numpy(bool))[0])
    ax.axvline(x[own], color=MUTED.light, ls=(0, (1, 1.5)), lw=1.0, zorder=1.8)
    if alive[own]:
        ax.axhline(score[own], color=MUTED.light, lw=0.8, ls=(0, (4, 2)), zorder=1.8)
        ax.plot(x[own], score[own], "D", color=INK.light, ms=5.5, mec=PAPER.light, mew=0.9, zorder=4)
    panel_title(ax, parameter, f"own value {plain_value(values[own])}")


def _caption(points: pd.DataFrame) -> str:
    """How to read the figure, which has no bands where there are too few seeds for intervals."""
    if np.isnan(points["low"].to_numpy(np.float64)).all():
        return f"{_HOW}, too few for intervals. {_MARKS}"
    return f"{_HOW}, with its 95% interval as a band. {_MARKS}"


def _add_cards(points: pd.DataFrame, cards: Cards) -> list[int]:
    """Add a card for each value, and return their indexes."""
    return [
        cards.add(
            f"{row['parameter']} {plain_value(row['value'])}{', its own' if row['own'] else ''}",
            CATEGORIES[0].light,
            row["family"],
            params_of(row["params"]),
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
    places = [f"{r['parameter']} = {plain_value(r['value'])}" for r in records(rows)]
    return [
        f"The best base LR of {listing(places)} lies on the edge of those tried: a better one may lie "
        "beyond it."
    ]


def _table(rows: pd.DataFrame) -> Table:
    def numbers(row: Row, key: str, low: str, high: str) -> Cell:
        step = row["gain_high"] - row["gain_low"]
        precise = Precision(row["own_score"], step=step if math.isfinite(step) else 0.0)
        return precise.text(row[key]), precise.interval(row[low], row[high])

    def change(row: Row) -> Cell:
        values = f"{plain_value(row['own_value'])} → {plain_value(row['value'])}"
        return printable(row["parameter"], 40), values

    def median(row: Row) -> Cell:
        text, spread = numbers(row, "score", "low", "high")
        return "diverged" if math.isinf(row["score"]) else text, spread

    def relative(row: Row) -> Cell:
        low, high = row["gain_relative_low"], row["gain_relative_high"]
        known = math.isfinite(low) and math.isfinite(high)
        return percent(row["gain_relative"]), f"{percent(low)} to {percent(high)}" if known else ""

    def biased(row: Row) -> Cell:
        text, _ = numbers(row, "biased_gain", "gain_low", "gain_high")
        own = abs(row["own_score"])
        return text, percent(row["biased_gain"] / own if math.isfinite(own) and own > 0 else math.nan)

    return table(
        "The best value of each parameter, measured on further seeds",
        records(rows),
        {
            ("parameter", "own → best other"): change,
            ("median", "95% interval"): median,
            ("better by", "95% interval"): lambda row: numbers(row, "gain", "gain_low", "gain_high"),
            ("relative", "95% interval"): relative,
            ("p", "Holm"): lambda row: probability(row["p_holm"]),
            ("when chosen", "biased"): biased,
            "the change": lambda row: VERDICTS[row["verdict"]],
        },
        texts=[6],
        bold=[i for i, verdict in enumerate(rows["verdict"]) if verdict == "better"],
    )


def _method(metric: str) -> list[str]:
    return [
        "lrshape varies one searched parameter at a time, over evenly spaced values of its search range "
        "(even in the logarithm where the search is). At every value it tunes the base LR again, around the "
        "shape's own best and further where the best lies at an edge; otherwise the check would measure the "
        "effect of the base LR.",
        "“Better by” is how much better the other's score is than the original's, the median over the same "
        "further seeds, with its exact 95% sign interval; p-values are two-sided and corrected for all rows "
        "of all shapes (Holm). “Improves” or “worsens” needs an interval that excludes 0 and a corrected p "
        "below 0.05.",
        "“Relative” is the same difference as a share of the original's score on the same seed. The bound in "
        "the heading is the largest upper end of its intervals. It holds for the values that were measured "
        "again. It says nothing about values between them, or about changing two parameters.",
        f"A trial that diverged or failed scores +∞ in {printable(metric, 60)}; none is dropped.",
    ]
