"""The figure of loss curves: the winner's and the baselines'."""

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from lrshape.analysis.comparisons import is_key, key_of
from lrshape.analysis.tables import where
from lrshape.report.findings import Findings, Row
from lrshape.report.palette import LINE
from lrshape.report.plotting import common_labels, grid_lines, panel_title, panels, scale_axis, styled
from lrshape.report.words import counted, rate

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST = 16
POINTS = 300
"""Of a line, evenly chosen."""


@styled()
def loss_curves(findings: Findings) -> "Figure | None":
    """Draw a panel for the winner and each baseline: median and quartiles over seeds, the winner behind each.

    Returns:
        The figure; None if none of them has a loss curve.
    """
    curves = findings.curves
    if curves is None or findings.winner is None:
        return None
    drawn = [
        (row, len(set(rows["seed"])), _quartiles(rows, "train_loss"), _quartiles(rows, "valid_loss"))
        for row in [findings.winner, *findings.baselines][:MOST]
        if len(rows := where(curves, is_key(curves, key_of(row))))
    ]
    if not any(len(train) for _, _, train, _ in drawn):
        return None
    figure, axes = panels(len(drawn), row_height=1.6)
    scale_axis(axes[0].xaxis, [0, findings.steps], ticks=4, log=False)
    values = [v for _, _, train, valid in drawn for v in (*train.to_numpy().ravel(), *valid[0.5])]
    log = scale_axis(axes[0].yaxis, [value for value in values if np.isfinite(value)], ticks=4)
    pale = next((train[0.5] for row, _, train, _ in drawn if row["is_winner"]), None)
    for ax, (row, seeds, train, valid) in zip(axes, drawn, strict=True):
        if pale is not None and not row["is_winner"]:
            ax.plot(pale.index, pale, color=LINE.light, lw=2.6, zorder=1.5)
        _panel(ax, findings, row, train, valid[0.5])
        note = f"{counted(seeds, 'seed')}, LR {rate(row['base_lr'])}"
        panel_title(ax, row["label"], note, bold=row["is_winner"])
    common_labels(figure, "step", f"training loss{', log scale' if log else ''}")
    return figure


def _panel(ax: Any, findings: Findings, row: Row, train: Any, valid: Any) -> None:
    colour = findings.style(row).colour
    grid_lines(ax, "y")
    upper = np.minimum(train[0.75], ax.get_ylim()[1])
    ax.fill_between(train.index, train[0.25], upper, color=colour, alpha=0.25, lw=0)
    ax.plot(train.index, train[0.5], color=colour, lw=2.2 if row["is_winner"] else 1.6, zorder=3)
    if len(valid) > 1:  # the score after the last step is no curve
        ax.plot(valid.index, valid, color=colour, ls=(0, (1, 1.3)), lw=1.4, zorder=3)


def has_validation(findings: Findings) -> bool:
    """Whether validation losses were measured before the last step."""
    curves = findings.curves
    return curves is not None and len(set(curves["step"][curves["valid_loss"].notna()])) > 1


def _quartiles(rows: pd.DataFrame, column: str) -> Any:
    """Return the quartiles over seeds by step, where more than half of the seeds have a finite loss.

    A loss that is not finite, or that a curve which ended before does not have, counts as infinite. A step
    that a curve leaves out counts for none.

    Returns:
        A table indexed by step with the columns 0.25, 0.5, 0.75 and at most `POINTS` rows.
    """
    rows = rows.drop_duplicates(["step", "seed"])  # see `lrshape.analysis.scores.values_by_seed`
    losses: Any = rows.pivot(index="step", columns="seed", values=column).astype(np.float64)
    goes_on = losses.notna()[::-1].cummax()[::-1]
    losses = losses.where(goes_on, np.inf)
    losses = losses[np.isfinite(losses).sum(axis=1) * 2 > losses.shape[1]]
    chosen = np.unique(np.linspace(0, len(losses) - 1, min(len(losses), POINTS)).round().astype(int))
    ordered = np.sort(losses.iloc[chosen].to_numpy(), axis=1)  # what is left out comes last
    last = np.sum(~np.isnan(ordered), axis=1) - 1

    def at(share: float) -> NDArray[np.float64]:
        ends = [side(share * last).astype(int)[:, None] for side in (np.floor, np.ceil)]
        low, high = (np.take_along_axis(ordered, end, axis=1)[:, 0] for end in ends)
        return (low + high) / 2

    return pd.DataFrame({share: at(share) for share in (0.25, 0.5, 0.75)}, index=losses.index[chosen])
