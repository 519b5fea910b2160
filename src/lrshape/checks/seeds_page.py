"""What the check of seeds found: in words, on its page and as plain data."""

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from lrshape.analysis.tables import plain, records, where
from lrshape.checks.check import CheckResult
from lrshape.checks.seeds_statistics import SHOWN, SPLITS, Agreement, SeedAnswer
from lrshape.report.drawing import Drawing, draw_all
from lrshape.report.interaction import Cards
from lrshape.report.palette import CATEGORIES, LINE, MUTED, PAPER
from lrshape.report.plotting import (
    TEXT,
    grid_lines,
    legend_below,
    metric_label,
    panel_title,
    panels,
    point_at_marks,
    scale_axis,
    styled,
)
from lrshape.report.sections import Cell, Section, Table, table
from lrshape.report.words import capital, correlation, counted, number, percent, printable, share
from lrshape.store import params_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GROUPS = (("screened shapes", CATEGORIES[0].light, "o"), ("the best shapes", CATEGORIES[1].light, "D"))
_SCORES = ["one", "few", "reference"]
_PANELS = (
    ("rank correlation", "Spearman", "spearman"),
    ("recall of the best", "{top}", "recall"),
    ("regret of the choice", "mean, and {sure} sure", "regret"),
)


def recommendation(answer: SeedAnswer, used: tuple[int, int]) -> tuple[str, str]:
    """How many seeds the screen and the rescore phase should have, a sentence each.

    Args:
        answer: what few seeds tell of many.
        used: ``(screen.seeds, rescore.seeds)`` of the search.
    """
    keep = answer.screened.keep
    kept = f"one of the {keep} shapes" if keep > 1 else "the shape"
    screened = f"{kept} that the screen ranks first, out of {answer.screened.shapes},"
    chosen = f"the shape chosen among the best {answer.top.shapes}"
    return (
        _advice(answer, "screen", answer.screen_seeds, screened, answer.screened, "kept", used[0]),
        _advice(answer, "rescore", answer.rescore_seeds, chosen, answer.top, "certain", used[1]),
    )


def _advice(
    answer: SeedAnswer,
    phase: str,
    seeds: int | None,
    shape: str,
    agreement: Agreement,
    column: str,
    used: int,
) -> str:
    near = f"is within {share(answer.margin)} of the best one"
    chance = f"a chance of {share(answer.certainty)} that {shape} {near}"
    largest = agreement.table.iloc[-1]
    had = f"this search used {used}"
    if seeds is None:
        return (
            f"For {chance}, more than {counted(int(largest['seeds']), 'seed')} are needed in the {phase}: "
            f"with that many it is {share(math.floor(1000 * largest[column]) / 1000)}; {had}. A wider "
            "margin needs fewer seeds."
        )
    row = where(agreement.table, agreement.table["seeds"] == seeds).iloc[0]
    return f"For {chance}, {phase}.seeds = {seeds} is enough ({percent(row[column])}); {had}."


def title(answer: SeedAnswer) -> str:
    """The recommendation in a few words."""
    most = int(answer.top.table["seeds"].iloc[-1])
    screen, rescore = (
        counted(n, "seed") if n else f"more than {most} seeds"
        for n in (answer.screen_seeds, answer.rescore_seeds)
    )
    return f"{capital(screen)} to screen, {rescore} to choose the best"


def agreement_table(answer: SeedAnswer, agreement: Agreement, name: str) -> Table:
    """How well few seeds tell what many tell, for a few numbers of seeds."""
    counts = agreement.table["seeds"]
    rows = where(agreement.table, counts.isin((*SHOWN, int(counts.iloc[-1]))))
    columns: dict[str | Cell, Callable[[Any], str]] = {
        (name, f"{agreement.shapes} of them; seeds"): lambda row: f"{int(row['seeds']):,}",
        "Spearman": lambda row: correlation(row["spearman"]),
        "Kendall": lambda row: correlation(row["kendall"]),
        ("recall", f"top {agreement.top}"): lambda row: percent(row["recall"]),
        ("regret", "mean"): lambda row: percent(row["regret"]),
        ("regret", f"{share(answer.certainty)} sure"): lambda row: percent(row["regret_certain"]),
        ("choice good", f"within {share(answer.margin)}"): lambda row: percent(row["certain"]),
    }
    if agreement.keep > 1:
        columns["good one kept", f"among {agreement.keep}"] = lambda row: percent(row["kept"])
    return table(name, records(rows), columns)


@styled()
def agreement_figure(answer: SeedAnswer) -> "Figure":
    """Draw correlation, recall and regret against the number of seeds, for both groups of shapes.

    Args:
        answer: what to show.
    """
    groups = (answer.screened, answer.top)
    tops = " and ".join(dict.fromkeys(f"top {agreement.top}" for agreement in groups))
    figure, axes = panels(3, row_height=2.6, sharex=False, sharey=False)
    for ax, (title, note, column) in zip(axes, _PANELS, strict=True):
        panel_title(ax, title, note.format(top=tops, sure=share(answer.certainty)))
        scale_axis(ax.xaxis, answer.screened.table["seeds"].tolist(), ticks=4, log=True)
        ax.set_xlabel("seeds, log scale")
        grid_lines(ax, "y")
        if column == "regret":
            _regrets(ax, groups, answer.margin)
        else:
            for agreement, (label, colour, marker) in zip(groups, GROUPS, strict=True):
                seeds, values = agreement.table["seeds"], agreement.table[column]
                ax.plot(seeds, values, "-", marker=marker, color=colour, ms=4, mec=PAPER.light, mew=0.7,
                        lw=1.5, label=label, zorder=3)  # fmt: skip
            ax.set_ylim(min(0.0, ax.get_ylim()[0]), 1.02)
    handles, labels = axes[0].get_legend_handles_labels()
    for handle, label, agreement in zip(handles, labels, groups, strict=True):
        handle.set_label(f"{label} ({agreement.shapes})")
    legend_below(figure)
    return figure


def _regrets(ax: Any, groups: Sequence[Agreement], margin: float) -> None:
    from matplotlib.ticker import FuncFormatter

    for agreement, (_, colour, marker) in zip(groups, GROUPS, strict=True):
        for key, dash in (("regret", "-"), ("regret_certain", (0, (4, 2)))):
            values = agreement.table[key].to_numpy(np.float64)
            ax.plot(agreement.table["seeds"], np.where(np.isfinite(values), values, np.nan), ls=dash,
                    marker=marker if key == "regret" else "", color=colour, ms=4, mec=PAPER.light, mew=0.7,
                    lw=1.5, zorder=3)  # fmt: skip
    ax.axhline(margin, color=MUTED.light, lw=1.0, ls=(0, (1, 1.5)), zorder=1.8)
    ax.set_ylim(bottom=0.0)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{100 * v:g}%"))


def finite_scores(answer: SeedAnswer) -> pd.DataFrame:
    """Return the rows of ``answer.scores`` that can be drawn."""
    return where(answer.scores, np.isfinite(answer.scores[_SCORES].to_numpy(np.float64)).all(axis=1))


@styled()
def scatter_figure(answer: SeedAnswer, metric: str) -> "Figure | None":
    """Draw every shape's score on one seed and on a few against that on many others.

    A reader can point at the marks; their cards are in the order of `finite_scores`.

    Args:
        answer: what to show.
        metric: the metric that is minimised.

    Returns:
        The figure; None if no shape has finite scores.
    """
    finite = finite_scores(answer)
    if finite.empty:
        return None
    values = finite[_SCORES].to_numpy(np.float64).ravel().tolist()
    figure, axes = panels(2, row_height=3.2)
    log = scale_axis(axes[0].xaxis, values, ticks=4)
    scale_axis(axes[0].yaxis, values, ticks=4, log=log)
    lost = len(answer.scores) - len(finite)
    for ax, column, count in zip(axes, ("one", "few"), (1, answer.few), strict=True):
        panel_title(ax, counted(count, "seed"), f"{lost} diverged, not drawn" if lost else "")
        low, high = ax.get_xlim()
        ax.plot([low, high], [low, high], color=LINE.light, lw=1.2, zorder=1.5)
        grid_lines(ax, "y")
        for in_top, (label, colour, marker) in zip((False, True), GROUPS, strict=True):
            rows = where(finite, finite["in_top"] == in_top)
            ax.plot(rows["reference"], rows[column], marker, color=colour, ms=5, mec=PAPER.light,
                    mew=0.7, label=label, zorder=3 + in_top)  # fmt: skip
        point_at_marks(ax, finite["reference"], finite[column], range(len(finite)))
        ax.set_xlabel(metric_label(f"{answer.top.reference} others:", metric, log=log, short=True))
    figure.supylabel("the same, on few seeds", fontsize=TEXT, color=MUTED.light)
    legend_below(figure)
    return figure


def seeds_result(
    answer: SeedAnswer,
    folder: Path,
    *,
    metric: str,
    used: tuple[int, int],
    trials: int,
    shapes: Mapping[str, Mapping[str, Any]],
    min_lr: float = 0.0,
) -> CheckResult:
    """The result of a check of seeds.

    Args:
        answer: what few seeds tell of many.
        folder: where figures are drawn.
        metric: the metric that is minimised.
        used: ``(screen.seeds, rescore.seeds)`` of the search.
        trials: how many were made.
        shapes: ``family``, ``params`` as JSON and ``base_lr`` of each shape.
        min_lr: no learning rate was below it.
    """
    certainty = share(answer.certainty)
    drawings = [
        Drawing(
            "agreement",
            "How well few seeds predict many others",
            "How well scores on few seeds agree with those on "
            f"{answer.top.reference} others: the correlation of ranks, the share of the best shapes that are "
            "found, and by how much the chosen shape is worse than the best (solid: the mean; "
            f"dashed: at most this much with a probability of {certainty}; dotted: the margin).",
            agreement_figure,
        ),
        Drawing(
            "scatter",
            "Scores of every shape on few seeds and on many others",
            "Each mark is a shape. On the line, both scores are equal; a good choice depends on the order "
            "along the line, not on the distance from it.",
            lambda answer: scatter_figure(answer, metric),
        ),
    ]
    figures = draw_all(drawings, answer, folder)
    groups = {"screened": answer.screened, "top": answer.top}
    titled = (("all screened shapes", answer.screened), ("the best shapes", answer.top))
    tables = [agreement_table(answer, agreement, name) for name, agreement in titled]
    advice = recommendation(answer, used)
    return CheckResult(
        title=title(answer),
        lede=advice,
        sections=[
            Section("Few seeds against many", figures=figures, tables=tables),
            Section(
                "Few seeds against few",
                sentences=[
                    "Mean Spearman correlation between scores on the given numbers of different seeds."
                ],
                tables=[_cross_table(agreement, name) for name, agreement in titled],
            ),
        ],
        method=_method(answer, metric, trials),
        tables={
            "agreement": pd.concat([a.table.assign(group=g) for g, a in groups.items()]),
            "cross": pd.concat([a.cross.assign(group=g) for g, a in groups.items()]),
            "scores": answer.scores,
        },
        data={
            "recommended": {"screen": answer.screen_seeds, "rescore": answer.rescore_seeds},
            "used": dict(zip(("screen", "rescore"), used, strict=True)),
            "text": list(advice),
            "groups": {name: plain(vars(agreement)) for name, agreement in groups.items()},
        },
        cards=_cards(answer, shapes, metric, min_lr),
    )


def _cards(answer: SeedAnswer, shapes: Mapping[str, Mapping[str, Any]], metric: str, min_lr: float) -> Cards:
    """A card for each mark of the scatter figure, in the order of `finite_scores`."""
    cards = Cards(f"median {metric} of {answer.top.reference} others", min_lr)
    for row in records(finite_scores(answer)):
        shape = shapes[row["shape"]]
        cards.add(
            row["shape"],
            GROUPS[int(row["in_top"])][1],
            shape["family"],
            params_of(shape["params"]),
            base_lr=shape["base_lr"],
            score=number(row["reference"]),
            more={counted(n, "seed"): number(row[key]) for key, n in (("one", 1), ("few", answer.few))},
        )
    return cards


def _cross_table(agreement: Agreement, name: str) -> Table:
    cross = agreement.cross
    counts: Sequence[int] = sorted(set(cross["seeds"]))
    known = {(n, m): value for n, m, value in cross.itertuples(index=False)}
    rows = [
        [(f"{n:,}", ""), *((correlation(known[n, m]) if (n, m) in known else "", "") for m in counts)]
        for n in counts
    ]
    return Table(f"{name}, few against few", [(name, "seeds"), *((f"{m:,}", "") for m in counts)], rows)


def _method(answer: SeedAnswer, metric: str, trials: int) -> list[str]:
    kept = (
        "; “good one kept” that one of the best few by the estimate, as many as the rescore phase would "
        "keep, has a regret within that margin"
    )
    return [
        f"{trials:,} trials: every shape at its best base LR of the search, all on the same seeds, none of "
        "which the search used. The screened shapes are a sample that is even over the screen's ranks; "
        "the best shapes are those that the search ranks first.",
        f"In {SPLITS:,} random splits, the seeds of the estimate and the {answer.top.reference} of the "
        "reference are always different ones: shared seeds would make them agree in their noise.",
        "Regret is how much worse, in the reference, the shape with the best estimate is than the best "
        "shape of the reference, as a fraction of the best score. The reference is noisy as well, and the "
        "score of its best shape is biased in its favour: mean regrets are overstated. Where shapes lie near "
        "the margin, the chances may be too high or too low; more seeds for the check help.",
        f"“Choice good” is the chance that this regret is at most {share(answer.margin)}"
        f"{kept if answer.screened.keep > 1 else ''}. The recommendation is the smallest number of seeds "
        "from which on the chance is at least the required one, for this workload, these shapes, and base "
        "LRs that are already known.",
        f"Scores are medians of {printable(metric, 60)} over seeds; trials that diverged or failed score +∞.",
    ]
