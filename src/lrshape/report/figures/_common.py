"""What all figures share: sizes, fonts, axes. Figures are made without pyplot, so without global state."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from lrshape.report.palette import INK, LINE, MUTED, PAPER
from lrshape.report.words import printable, rate

WIDE = 7.6
"""Width in inches of figures for screens and pages: 730 CSS pixels."""
NARROW = 3.6
"""Width in inches of figures for phones: 346 CSS pixels. Text has the same size as in wide figures."""
SMALL = 8.2
TEXT = 9.1

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


@contextmanager
def styled() -> Iterator[None]:
    """Draw with the report's style, starting from matplotlib's defaults and not the user's settings."""
    import matplotlib as mpl

    # Setting the backend, even to itself, would close the figures of a user who is in a notebook.
    defaults = {k: v for k, v in mpl.rcParamsDefault.items() if "backend" not in k}
    settings: Any = {**defaults, **STYLE}
    with mpl.rc_context(settings):
        yield


def new_figure(width: float, height: float) -> Any:
    """Return an empty `matplotlib.figure.Figure` of that size in inches that lays itself out."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.03, h_pad=0.03, wspace=0.03, hspace=0.03)  # pyright: ignore
    return figure


def wide_range(values: Sequence[float], ratio: float = 5.0) -> bool:
    """Return whether positive values differ by more than ``ratio``, so that a log scale shows them better."""
    finite = [v for v in values if math.isfinite(v)]
    return bool(finite) and min(finite) > 0 and max(finite) / min(finite) > ratio


def scale_axis(axis: Any, values: Sequence[float], *, ticks: int = 5, log: bool | None = None) -> bool:
    """Give an axis (``ax.xaxis`` or ``ax.yaxis``) limits, scale and ticks that suit finite ``values``.

    Returns:
        Whether the scale is logarithmic.
    """
    from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, NullLocator

    finite = np.asarray([v for v in values if math.isfinite(v)] or [0.0, 1.0])
    log = wide_range(list(finite)) if log is None else log
    set_scale, set_limits = (
        (axis.axes.set_xscale, axis.axes.set_xlim)
        if axis.axis_name == "x"
        else (axis.axes.set_yscale, axis.axes.set_ylim)
    )
    low, high = float(finite.min()), float(finite.max())
    if log:
        set_scale("log")
        pad = max((high / low) ** 0.06, 1.05)
        low, high = low / pad, high * pad
        set_limits(low, high)
        axis.set_major_locator(_fixed(nice_log_ticks(low, high, ticks)))
        axis.set_minor_locator(NullLocator())
    else:
        pad = 0.06 * (high - low) or 0.1 * abs(high) or 1.0
        set_limits(low - pad, high + pad)
        axis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda v, _: rate(v).replace("-", "−") if v else "0"))
    axis.set_minor_formatter(NullFormatter())
    return log


def _fixed(positions: list[float]) -> Any:
    from matplotlib.ticker import FixedLocator

    return FixedLocator(positions)


def nice_log_ticks(low: float, high: float, count: int) -> list[float]:
    """Return round numbers between ``low`` and ``high``, at most about ``count`` of them.

    Example:
        >>> nice_log_ticks(0.008, 0.3, 4)
        [0.01, 0.03, 0.1]
        >>> nice_log_ticks(0.008, 0.03, 4)
        [0.01, 0.02, 0.03]
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for steps in ((1, 2, 3, 4, 5, 6, 7, 8, 9), (1, 2, 3, 5), (1, 2, 5), (1, 3), (1,)):
        found = [s * 10.0**e for e in range(first, last + 1) for s in steps if low <= s * 10.0**e <= high]
        if len(found) <= count:
            break
    else:
        found = found[:: math.ceil(len(found) / count)]
    return [float(f"{v:.6g}") for v in found] or [float(f"{math.sqrt(low * high):.3g}")]


def grid_lines(ax: Any, axis: str) -> None:
    """Draw faint lines at the major ticks and drop the spine they make needless."""
    ax.grid(visible=True, axis=axis)
    ax.spines["left" if axis == "y" else "bottom"].set_visible(False)
    if axis == "x":
        ax.tick_params(axis="x", length=0)


def panels(count: int, *, columns: int, row_height: float, width: float) -> tuple[Any, list[Any]]:
    """Return a figure with a grid of ``count`` axes that share both scales, and the axes.

    Only the leftmost and the lowest axes have tick labels.
    """
    columns = min(columns, max(count, 1))
    rows = max(1, math.ceil(count / columns))
    figure = new_figure(width, row_height * rows + 0.35)
    figure.get_layout_engine().set(wspace=0.06)
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    axes = list(grid.flat)
    for ax in axes[count:]:
        ax.remove()
    axes = axes[:count]
    for index, ax in enumerate(axes):
        ax.tick_params(labelleft=index % columns == 0, labelbottom=index + columns >= count)
    return figure, axes


def panel_title(ax: Any, name: str, note: str, *, bold: bool) -> None:
    """Write a name and, below it, a note above a panel; long names in smaller type, so that they fit."""
    name = printable(name, 26)
    ax.set_title(note, loc="left", fontsize=SMALL, color=MUTED.light, pad=3)
    ax.annotate(
        name,
        (0, 1),
        (0, 14),
        xycoords="axes fraction",
        textcoords="offset points",
        fontsize=TEXT * min(1.0, 19 / max(len(name), 1)),
        fontweight="bold" if bold else "normal",
        color=INK.light,
    )


def metric_label(prefix: str, metric: str, *, log: bool, narrow: bool) -> str:
    """Return an axis label such as ``median final/train_loss, log scale``, in two lines where it is long."""
    text = f"{prefix} {printable(metric, 30)}".strip()
    if not log:
        return text
    return f"{text},\nlog scale" if narrow and len(text) > 26 else f"{text}, log scale"
