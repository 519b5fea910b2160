"""What all figures share: size, fonts, axes, legends, and what a reader can point at.

There is one drawing of each figure, for pages from 400 to 1280 pixels wide: its text is as large as the
page's on a wide one and still legible when the drawing shrinks to a narrow one. Figures are made without
pyplot, so without global state.
"""

import math
import textwrap
import threading
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrshape.report.palette import INK, LINE, MUTED, PAPER
from lrshape.report.words import printable, rate

WIDTH = 6.0
"""Width of figures in inches: 576 CSS pixels."""
SMALL = 11.0
TEXT = 12.0
"""Font sizes in points: 9.4 and 10.2 CSS pixels on a page of 400."""
REACH = 9.0
"""Width in points of the invisible line, and radius of the invisible marks, that a reader points at."""

STYLE: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": LINE.light,
    "axes.facecolor": "none",
    "axes.grid": False,
    "axes.labelcolor": MUTED.light,
    "axes.labelsize": TEXT,
    "axes.linewidth": 0.8,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": TEXT,
    "axes.unicode_minus": True,
    "figure.facecolor": PAPER.light,
    "font.family": ["DejaVu Sans"],
    "font.size": TEXT,
    "grid.color": LINE.light,
    "grid.linewidth": 0.6,
    "hatch.linewidth": 0.5,
    "legend.frameon": False,
    "legend.fontsize": TEXT,
    "lines.solid_capstyle": "round",
    "text.color": INK.light,
    "text.parse_math": False,  # a name with dollar signs is a name
    "xtick.color": LINE.light,
    "xtick.labelcolor": MUTED.light,
    "xtick.labelsize": SMALL,
    "xtick.major.size": 3,
    "xtick.major.width": 0.8,
    "xtick.minor.size": 0,
    "ytick.color": LINE.light,
    "ytick.labelcolor": MUTED.light,
    "ytick.labelsize": SMALL,
    "ytick.major.size": 0,
    "ytick.minor.size": 0,
}


@dataclass(frozen=True)
class Curve:
    """One curve over training progress, in a panel of its own.

    Attributes:
        name: its title.
        note: a few words below the title.
        colour: hex colour on light paper.
        t: training progress, shape (points,), rising, in [0, 1].
        values: the LR there, relative to what the figure says, shape (points,).
        bold: whether it stands out.
    """

    name: str
    note: str
    colour: str
    t: NDArray[np.float64]
    values: NDArray[np.float64]
    bold: bool = False


_drawing = threading.RLock()
"""matplotlib's settings are the whole process's: two threads that change them would restore each other's."""


@contextmanager
def styled() -> Iterator[None]:
    """Draw with the report's style, starting from matplotlib's defaults and not the user's settings.

    Serves as a decorator, too.
    """
    import matplotlib as mpl

    # Setting the backend, even to itself, would close the figures of a user who is in a notebook.
    defaults = {k: v for k, v in mpl.rcParamsDefault.items() if "backend" not in k}
    settings: Any = {**defaults, **STYLE}
    # A name may hold characters that the font lacks: it is drawn with boxes, and no reason to fail. Of our
    # own drawings alone, and for good: to restore the filters would undo what other threads did to them.
    warnings.filterwarnings("ignore", "Glyph .* missing from font", module="lrshape")
    with _drawing, mpl.rc_context(settings):
        yield


def new_figure(height: float) -> Any:
    """Return an empty `matplotlib.figure.Figure`, ``height`` inches high, that lays itself out."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03, wspace=0.03, hspace=0.03)  # pyright: ignore
    return figure


def one_panel(height: float = 3.3) -> tuple[Any, Any]:
    """Return a figure with one axes that has faint horizontal lines, and the axes."""
    figure = new_figure(height)
    ax = figure.subplots()
    grid_lines(ax, "y")
    return figure, ax


def wide_range(values: Sequence[float], ratio: float = 5.0) -> bool:
    """Return whether positive values differ by more than ``ratio``, so that a log scale shows them better."""
    finite = [v for v in values if math.isfinite(v)]
    return bool(finite) and min(finite) > 0 and max(finite) / min(finite) > ratio


def scale_axis(axis: Any, values: Sequence[float], *, ticks: int = 5, log: bool | None = None) -> bool:
    """Give an axis (``ax.xaxis`` or ``ax.yaxis``) limits, scale and ticks that suit finite ``values``.

    Returns:
        Whether the scale is logarithmic.
    """
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullFormatter, NullLocator

    finite = np.asarray([v for v in values if math.isfinite(v)] or [0.0, 1.0])
    log = wide_range(list(finite)) if log is None else log
    set_scale, set_limits = (
        (axis.axes.set_xscale, axis.axes.set_xlim)
        if axis.axis_name == "x"
        else (axis.axes.set_yscale, axis.axes.set_ylim)
    )
    low, high = float(finite.min()), float(finite.max())
    digits = 3
    if log:
        set_scale("log")
        pad = max((high / low) ** 0.06, 1.05)
        low, high = low / pad, high * pad
        set_limits(low, high)
        axis.set_major_locator(FixedLocator(nice_log_ticks(low, high, ticks)))
        axis.set_minor_locator(NullLocator())
    else:
        pad = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
        set_limits(low - pad, high + pad)
        # Ticks that are close together, beside their size, need more digits to differ, and more room.
        digits = max(digits, 1 + math.ceil(math.log10(max(abs(low), abs(high), pad) * ticks / pad)))
        axis.set_major_locator(MaxNLocator(ticks if digits < 6 else 3, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda v, _: rate(v, digits).replace("-", "−") if v else "0"))
    axis.set_minor_formatter(NullFormatter())
    return log


def nice_log_ticks(low: float, high: float, count: int) -> list[float]:
    """Return round numbers between ``low`` and ``high``, at most about ``count`` of them.

    Example:
        >>> nice_log_ticks(0.008, 0.3, 4)
        [0.01, 0.03, 0.1]
        >>> nice_log_ticks(0.008, 0.03, 4)
        [0.01, 0.02, 0.03]
        >>> nice_log_ticks(0.0039, 0.0091, 4)
        [0.004, 0.006, 0.008]
    """
    from matplotlib.ticker import MaxNLocator

    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for steps in ((1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
        found = [s * 10.0**e for e in range(first, last + 1) for s in steps if low <= s * 10.0**e <= high]
        if len(found) <= count:
            break
    else:
        found = found[:: math.ceil(len(found) / count)]
    if len(found) < 3 and high < 10 * low:
        even = MaxNLocator(count, steps=[1, 2, 5, 10], min_n_ticks=3).tick_values(low, high)
        found = [v for v in even if low <= v <= high]
    return [float(f"{v:.6g}") for v in found] or [float(f"{math.sqrt(low * high):.3g}")]


def grid_lines(ax: Any, axis: str) -> None:
    """Draw faint lines at the major ticks and drop the spine they make needless."""
    ax.grid(visible=True, axis=axis)
    ax.spines["left" if axis == "y" else "bottom"].set_visible(False)
    if axis == "x":
        ax.tick_params(axis="x", length=0)


def panels(
    count: int, *, row_height: float, sharex: bool = True, sharey: bool = True
) -> tuple[Any, list[Any]]:
    """Return a figure with ``count`` axes in two columns, and the axes.

    Where axes share a scale, only the lowest or the leftmost ones have tick labels.
    """
    columns = min(2, count)
    rows = math.ceil(count / columns)
    figure = new_figure(max(row_height * rows, 2.2) + 0.4)
    figure.get_layout_engine().set(wspace=0.06)
    axes = list(figure.subplots(rows, columns, sharex=sharex, sharey=sharey, squeeze=False).flat)
    for ax in axes[count:]:
        ax.remove()
    for index, ax in enumerate(axes[:count]):
        ax.tick_params(
            labelleft=not sharey or index % columns == 0, labelbottom=not sharex or index + columns >= count
        )
    return figure, axes[:count]


def panel_title(ax: Any, name: str, note: str, *, bold: bool = False) -> None:
    """Write a name and, below it, a note above a panel, in lines that fit; long names in smaller type."""
    names, notes = textwrap.wrap(printable(name, 52), 26), textwrap.wrap(printable(note, 60), 30)
    ax.set_title("\n".join(notes), loc="left", fontsize=SMALL, color=MUTED.light, pad=3)
    ax.annotate(
        "\n".join(names),
        (0, 1),
        (0, 15 + 1.2 * SMALL * max(0, len(notes) - 1)),
        xycoords="axes fraction",
        textcoords="offset points",
        va="bottom",
        fontsize=TEXT * min(1.0, 21 / max(map(len, names), default=1)),
        fontweight="bold" if bold else "normal",
        color=INK.light,
    )


def progress_axes(ax: Any) -> None:
    """Give an axes, and those that share its scales, the scales of a shape: multiplier over progress."""
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_ticks([0, 0.5, 1], ["0", "0.5", "1"])
    ax.set(xlim=(0, 1), ylim=(0, 1.06))


def common_labels(figure: Any, x: str, y: str) -> None:
    """Name the axes of all panels together."""
    figure.supxlabel(x, fontsize=TEXT, color=MUTED.light)
    figure.supylabel(y, fontsize=TEXT, color=MUTED.light)


def legend_below(figure: Any, handles: Sequence[Any] | None = None, **options: Any) -> None:
    """Put a legend below everything, and make the figure higher by what it takes.

    Args:
        figure: whose first axes has the labelled artists.
        handles: the labelled artists, if others than those of the first axes.
        options: of `matplotlib.figure.Figure.legend`.
    """
    found = list(figure.axes[0].get_legend_handles_labels()[0] if handles is None else handles)
    labels = [str(handle.get_label()).split("\n") for handle in found]
    columns = 1 if max(len(line) for label in labels for line in label) > 28 else 2
    lines = max(map(len, labels)) * math.ceil(len(found) / columns)
    figure.set_figheight(figure.get_figheight() + 0.2 * lines + 0.1)
    chosen = {"handlelength": 1.8, "labelspacing": 0.35, "borderaxespad": 0.2, **options}
    figure.legend(
        handles=found,
        loc="outside lower left",
        ncols=columns,
        fontsize=SMALL,
        labelcolor=INK.light,
        **chosen,
    )


def curve_panels(
    curves: Sequence[Curve], first: Curve | None, *, row_height: float = 1.5, y: str = "LR / base LR"
) -> tuple[Any, list[Any]]:
    """Return a figure with a panel for each curve over training progress, and its axes.

    Args:
        curves: what to draw, at least one.
        first: the curve that is repeated, pale, behind the others.
        row_height: of the panels, in inches.
        y: what the values are.
    """
    figure, axes = panels(len(curves), row_height=row_height)
    for ax, curve in zip(axes, curves, strict=True):
        grid_lines(ax, "y")
        if first is not None and curve is not first:
            ax.plot(first.t, first.values, color=LINE.light, lw=2.6, zorder=1.5, gid="ghost")
        ax.fill_between(curve.t, curve.values, color=curve.colour, alpha=0.16 if curve.bold else 0.08, lw=0)
        ax.plot(curve.t, curve.values, color=curve.colour, lw=2.6 if curve.bold else 1.6, zorder=3)
        panel_title(ax, curve.name, curve.note, bold=curve.bold)
    progress_axes(axes[0])
    common_labels(figure, "training progress", y)
    return figure, axes


def cross_out(ax: Any, x: Any) -> None:
    """Mark by crosses at the top that the median trial diverged at these places, shape (n,)."""
    if len(x):  # an empty line that is not clipped would lie at the figure's corner, for the layout
        ax.plot(x, np.full(len(x), 0.965), "x", color=MUTED.light, ms=4.5, mew=1.2,
                transform=ax.get_xaxis_transform(), clip_on=False, zorder=3)  # fmt: skip


def point_at_line(ax: Any, x: Any, y: Any, card: int) -> None:
    """Let a reader point at a line.

    Args:
        ax: where it is drawn.
        x: data coordinates (n,).
        y: the same.
        card: index of what the page shows of it, see `lrshape.report.interaction.Cards`.
    """
    ax.plot(x, y, lw=2 * REACH, alpha=0.0, solid_capstyle="butt", zorder=9, gid=f"shape-line-{card}")


def point_at_marks(ax: Any, x: Any, y: Any, cards: Sequence[int]) -> None:
    """Let a reader point at marks; ``cards`` has an index for each of the (n,) places."""
    if len(cards):
        gid = "-".join(["shape-point", *map(str, cards)])
        ax.plot(x, y, ls="", marker="o", ms=2 * REACH, alpha=0.0, zorder=9, gid=gid)


def point_at_rows(ax: Any, rows: int, columns: int) -> None:
    """Let a reader point at the cells of a grid around whole numbers; row number i has card i."""
    from matplotlib.collections import PolyCollection

    right = columns - 0.5
    corners = [[(-0.5, i - 0.5), (right, i - 0.5), (right, i + 0.5), (-0.5, i + 0.5)] for i in range(rows)]
    gid = "-".join(["shape-row", *map(str, range(rows))])
    ax.add_collection(PolyCollection(corners, alpha=0.0, zorder=9, gid=gid), autolim=False)


def metric_label(prefix: str, metric: str, *, log: bool, short: bool = False) -> str:
    """Return an axis label such as ``median final/train_loss, log scale``.

    Args:
        prefix: what of the metric.
        metric: its name.
        log: whether the scale is logarithmic.
        short: whether the axis is, so that long labels need more lines.
    """
    text = f"{prefix} {printable(metric, 30)}{', log scale' if log else ''}".strip()
    return textwrap.fill(text, 28 if short else 56, break_long_words=False, break_on_hyphens=False)
