"""Figures of the screen: how good the shapes of each family are, how many it takes, and in which order."""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lrshape.analysis.direction import as_measured
from lrshape.analysis.intervals import best_of_n
from lrshape.report.findings import Findings, Row, is_baseline, label
from lrshape.report.palette import BASELINE, INK, LINE, MUTED
from lrshape.report.plotting import (
    SMALL,
    legend_below,
    metric_label,
    new_figure,
    one_panel,
    point_at_marks,
    scale_axis,
    styled,
)
from lrshape.report.words import counted, printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def ecdf(findings: Findings) -> dict[str, tuple[list[Row], NDArray[np.float64]]]:
    """Return each family's screened shapes, best first, and the fraction that is at least as good as each.

    Families come in the order of their medians; shapes that diverged at every base LR come last.
    """
    families: dict[str, list[Row]] = {}
    for row in findings.screen:  # sorted by score
        if not is_baseline(row["shape"]):
            families.setdefault(row["family"], []).append(row)
    order = sorted(families, key=lambda name: (findings.losses(_median(families[name])), name))
    return {name: (rows := families[name], np.arange(1, len(rows) + 1) / len(rows)) for name in order}


def _median(rows: list[Row]) -> float:
    return rows[(len(rows) - 1) // 2]["score"]


@styled()
def distribution(findings: Findings) -> "Figure | None":
    """Draw, for each family, the fraction of screened shapes with at most a given score (an ECDF).

    A shape counts with its score at its best base LR. Shapes that diverged at every base LR are in the
    denominator: their family's line stays below 1. A reader can point at the steps; their cards are in the
    order of ``findings.screen``.

    Returns:
        The figure; None if no searched shape has a finite screen score, or scores guided the screen.
    """
    families = ecdf(findings)
    finite = [row["score"] for rows, _ in families.values() for row in rows if math.isfinite(row["score"])]
    if not finite or findings.is_guided:
        return None
    cards = {row["shape"]: index for index, row in enumerate(findings.screen)}
    figure = new_figure(3.3)
    ax = figure.subplots()
    log = scale_axis(ax.xaxis, finite, ticks=5)
    if findings.sign < 0:  # good on the left
        ax.invert_xaxis()
    left, right = ax.get_xlim()
    for family, (rows, fractions) in families.items():
        values = np.array([row["score"] for row in rows])
        kept = values[np.isfinite(values)]
        style = findings.styles[family]
        text = f"{printable(family, 28)}\n{counted(len(values), 'shape')}"
        text += f", {len(values) - len(kept)} diverged" if len(kept) < len(values) else ""
        fraction = fractions[: len(kept)]
        x = np.concatenate([kept[:1], kept, [right]]) if len(kept) else np.array([left, right])
        y = np.concatenate([[0.0], fraction, fraction[-1:]]) if len(kept) else np.zeros(2)
        ax.step(x, y, where="post", color=style.colour, ls=style.dash, lw=1.8, label=text,
                solid_capstyle="butt", solid_joinstyle="miter", zorder=3)  # fmt: skip
        point_at_marks(ax, kept, fraction, [cards[row["shape"]] for row in rows[: len(kept)]])
    _best_baseline(ax, findings)
    ax.set_ylim(-0.005, 1.015)
    ax.set_yticks([0, 0.25, 0.5, 0.75, 1], ["0", "", "0.5", "", "1"])
    ax.grid(visible=True, axis="both", color=LINE.light, lw=0.6)
    ax.set_xlabel(metric_label("screen", findings.metric, log=log))
    ax.set_ylabel("fraction of shapes")
    legend_below(figure)
    return figure


def _best_baseline(ax: Any, findings: Findings) -> None:
    """Mark the best baseline's screen score, if the screen trained the baselines too."""
    best = next((row for row in findings.screen if is_baseline(row["shape"])), None)
    if best is None or not math.isfinite(best["score"]):
        return
    low, high = sorted(ax.get_xlim())
    if not low < best["score"] < high:
        return
    ax.axvline(best["score"], color=BASELINE.light, ls=(0, (4, 1.6)), lw=1.2, zorder=1.8)
    ax.annotate(f"{label(best['shape'], '')} (the best)", (best["score"], 1), (0, 3), ha="left",
                xycoords=ax.get_xaxis_transform(), textcoords="offset points", fontsize=SMALL,
                color=MUTED.light, annotation_clip=False)  # fmt: skip


def sizes(shapes: int) -> list[int]:
    """Return numbers of shapes from 1 to ``shapes``, about four in each doubling.

    Example:
        >>> sizes(20)
        [1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 13, 16, 19, 20]
    """
    steps = 4 * math.log2(shapes) if shapes > 1 else 0
    spaced = {round(2 ** (i / 4)) for i in range(math.floor(steps) + 1)}
    return sorted(spaced | {shapes})


@styled()
def best_of(findings: Findings) -> "Figure | None":
    """Draw, for each family, the median score of the best of n shapes against n, with its 95% interval.

    Returns:
        The figure; None if no family has two screened shapes of which one has a finite score, or scores
        guided the screen: its shapes are no random sample then.
    """
    values = {name: np.array([row["score"] for row in rows]) for name, (rows, _) in ecdf(findings).items()}
    values = {name: v for name, v in values.items() if len(v) > 1 and np.isfinite(v).any()}
    if not values or findings.is_guided:
        return None
    tables = {name: best_of_n(findings.losses(v), sizes(len(v))) for name, v in values.items()}
    tables = {name: as_measured(table, findings.analysis.direction) for name, table in tables.items()}
    shown = [s for t in tables.values() for s in t[["score", "low", "high"]].to_numpy().ravel()]
    figure, ax = one_panel()
    log = scale_axis(ax.yaxis, shown, ticks=5)
    _count_axis(ax, max(len(v) for v in values.values()))
    good, bad = ("low", "high") if findings.sign > 0 else ("high", "low")
    worst = ax.get_ylim()[1 if findings.sign > 0 else 0]
    for name, table in tables.items():
        style = findings.styles[name]
        n, score = table["size"].to_numpy(), table["score"].to_numpy()
        best = values[name][np.argmin(findings.losses(values[name]))]
        near = np.where(np.isnan(table[good]), best, table[good].to_numpy())
        far = np.where(np.isfinite(table[bad]), table[bad].to_numpy(), worst)
        ax.fill_between(n, near, far, color=style.colour, alpha=0.13 * style.tint, lw=0)
        ax.plot(n, np.where(np.isfinite(score), score, np.nan), color=style.colour, ls=style.dash,
                marker=style.marker, ms=3.2, lw=1.8, label=printable(name, 28), zorder=3)  # fmt: skip
    ax.set_xlabel("number of shapes screened, n")
    ax.set_ylabel(metric_label("best screen", findings.metric, log=log, short=True))
    legend_below(figure)
    return figure


def _count_axis(ax: Any, largest: int) -> None:
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

    ax.set_xscale("log", base=2)
    ax.set_xlim(0.92, largest * 1.08)
    step = max(1, math.ceil(math.log2(largest) / 8))
    ax.xaxis.set_major_locator(
        FixedLocator([2.0**i for i in range(0, math.floor(math.log2(largest)) + 1, step)])
    )
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))


@styled()
def course(findings: Findings) -> "Figure | None":
    """Draw the score of every shape of a guided screen in the order of trying, and the running best.

    Returns:
        The figure; None if no scores guided the screen, or none is finite.
    """
    scores = np.array([row["score"] for row in findings.course], np.float64)
    alive = np.isfinite(scores)
    if not findings.is_guided or not alive.any():
        return None
    number = np.arange(1, len(scores) + 1)
    families = np.array([row["family"] for row in findings.course], object)
    figure, ax = one_panel()
    # Shapes that are far off would press the others together.
    losses = findings.losses(scores)
    near = losses <= np.quantile(losses[alive], 0.95)
    log = scale_axis(ax.yaxis, scores[near].tolist(), ticks=5)
    low, high = ax.get_ylim()
    worst = high if findings.sign > 0 else low
    shown = np.where(alive, np.clip(scores, low, high), worst)
    for name, style in findings.styles.items():
        own = families == name
        if own.any():
            ax.plot(number[own], shown[own], ls="", marker=style.marker, ms=3.6, mew=0, alpha=0.75,
                    color=style.colour, label=printable(name, 28), zorder=3)  # fmt: skip
    best = findings.sign * np.minimum.accumulate(losses)
    label = f"{'lowest' if findings.sign > 0 else 'highest'} so far"
    ax.plot(number, np.where(np.isfinite(best), np.clip(best, low, high), np.nan), color=INK.light,
            lw=1.2, drawstyle="steps-post", label=label, zorder=2)  # fmt: skip
    ax.set_xlabel("shapes tried")
    ax.set_ylabel(metric_label("screen", findings.metric, log=log, short=True))
    legend_below(figure)
    return figure
