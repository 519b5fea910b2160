"""The table and the anytime figure of search_efficiency.py, from whatever results there are."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _efficiency_contenders import CONTENDERS
from _efficiency_workloads import TASKS, Task
from _measure import machine, table

from lrshape.analysis.intervals import median_interval
from lrshape.report.palette import INK, LINE, Style, family_styles
from lrshape.report.plotting import legend_below, panels, styled

LEAST = 6
"""Repetitions from which the median has a 95% interval; with fewer the range is given."""

AT = 256
"""Trials of ours that are held against the paper's largest screen."""

ENOUGH = 3
"""Repetitions that both must have for one to be called ahead of the other."""

INTRODUCTION = """\
Regret of the recommended schedule, in percent of the best score known on the workload (`linear-regression`:
of the optimum over all schedules), at so many trials: median over repetitions with different study
seeds, and its 95% interval; with fewer than six repetitions, the range. In parentheses: repetitions. A
score is the median over {seeds} fresh seeds, the same for all recommendations and seen by no search. All
trials of the screen, the race and the tuning of base LRs count, and so do those that diverge; baselines and
the confirm phase cost the same for all and are left out. Where nothing else is said, `two_point_spline` is
searched. "The paper's screen" is random shapes x 10 base LRs x 1 seed (extended where the best is at the
edge), and its best 12 on 10 seeds, which come on top of the number of trials in the heading. The other
searches by a sampler have the default's plan: some of the trials are for a race of the best shapes over up
to 10 seeds, and some for the base LRs of the best two. Optuna's TPE alone takes one seed a trial, searches
the base LR itself, and is believed about its best trial."""


def _only(rows: pd.DataFrame, column: str, value: object) -> pd.DataFrame:
    return rows.iloc[np.flatnonzero(rows[column] == value)]


def with_regret(results: pd.DataFrame) -> pd.DataFrame:
    """Add ``regret``, in percent of the optimum, or else of the best score known."""
    best = results.groupby("task")["score"].transform("min")
    optima = {name: task.optimum for name, task in TASKS.items() if task.is_exact}
    best = results["task"].map(optima).fillna(best)
    return results.assign(regret=100 * (results["score"] / best - 1))


def section(results: pd.DataFrame) -> str:
    """The section of RESULTS.md."""
    found = with_regret(results)
    parts = [
        "## Search efficiency: what a search reaches with so many trials",
        f"{machine()}.",
        INTRODUCTION.format(seeds=max(task.truth_seeds for task in TASKS.values())),
    ]
    for name, task in TASKS.items():
        here = _only(found, "task", name)
        if len(here):
            parts += [f"### {task.label}", _reference(here, task), _task_table(here)]
            parts += _verdicts(here)
    return "\n\n".join(parts) + "\n"


def _reference(here: pd.DataFrame, task: Task) -> str:
    if task.optimum is not None:
        return f"Optimum: {task.optimum:.4g}. Nothing is random here but the searches."
    return f"Best score known: {here['score'].min():.4g}."


def _task_table(here: pd.DataFrame) -> str:
    budgets = sorted(set(here["budget"]))
    rows = []
    for name, contender in CONTENDERS.items():
        own = _only(here, "contender", name)
        if len(own):
            cells = [_cell(_only(own, "budget", budget)["regret"].to_numpy(np.float64)) for budget in budgets]
            rows.append([contender.label, *cells])
    return table(["search", *(f"{budget:,}" for budget in budgets)], rows)


def _cell(regrets: np.ndarray) -> str:
    if len(regrets) == 0:
        return ""
    middle, low, high = middle_and_ends(regrets)
    digits = 2 if middle < 1 else 1
    shown = [f"{value:.{digits}f}" if np.isfinite(value) else "diverged" for value in (middle, low, high)]
    return f"{shown[0]} [{shown[1]}, {shown[2]}] ({len(regrets)})"


def middle_and_ends(values: np.ndarray) -> tuple[float, float, float]:
    """Median and its interval, or the range where there are too few values for one."""
    if len(values) < LEAST:
        return float(np.median(values)), float(np.min(values)), float(np.max(values))
    interval = median_interval(values)
    return interval.estimate, interval.low, interval.high


def _verdicts(here: pd.DataFrame) -> list[str]:
    """How the default compares with the paper's screen and, at equal trials, with the others."""
    middles = here.groupby(["contender", "budget"])[["score", "trials"]].median()
    medians: dict[Any, float] = dict(zip(middles.index, middles["score"], strict=True))
    spent: dict[Any, float] = dict(zip(middles.index, middles["trials"], strict=True))
    counts: dict[Any, int] = here.groupby(["contender", "budget"]).size().to_dict()
    theirs = max((key for key in medians if key[0] == "paper"), key=lambda key: key[1], default=None)
    lines = []
    for ours in (("default", AT), ("default-families", AT), ("default-families", 64)):
        if theirs is not None and ours in medians:
            ratio = medians[ours] / medians[theirs]
            word = "lower" if ratio < 1 else "higher"
            lines.append(
                f"{CONTENDERS[ours[0]].label} with {spent[ours]:,.0f} trials: median score "
                f"{medians[ours]:.4g}, {100 * abs(1 - ratio):.1f}% {word} than the paper's screen with "
                f"{spent[theirs]:,.0f} ({medians[theirs]:.4g})."
            )
    ahead = [
        f"{CONTENDERS[name].label} at {budget:,} (by {100 * (1 - score / medians['default', budget]):.2g}%)"
        for (name, budget), score in sorted(medians.items())
        if not name.startswith("default")
        and score < medians.get(("default", budget), 0.0)
        and min(counts[name, budget], counts["default", budget]) >= ENOUGH
    ]
    if ahead:
        lines.append(
            f"Ahead of the default with one family at equal trials, by the median of at least {ENOUGH} "
            f"repetitions: {', '.join(ahead)}."
        )
    return lines


def figure(results: pd.DataFrame, file: Path) -> None:
    """Draw regret against trials, a panel a workload."""
    found = with_regret(results)
    tasks = [name for name in TASKS if name in set(found["task"])]
    styles = family_styles(CONTENDERS)
    with styled():
        drawn, axes = panels(len(tasks), row_height=2.7, sharex=False, sharey=False)
        lines = {}
        for ax, task in zip(axes, tasks, strict=True):
            here = _only(found, "task", task)
            for name in CONTENDERS:
                own = _only(here, "contender", name)
                if len(own):
                    groups = [_only(own, "budget", budget) for budget in sorted(set(own["budget"]))]
                    spent = np.array([np.median(g["trials"]) for g in groups])
                    ends = np.array([middle_and_ends(g["regret"].to_numpy(np.float64)) for g in groups])
                    lines[name] = _line(ax, spent, ends, name, styles[name])
            ax.set_title(TASKS[task].label.replace(", ", "\n", 1), color=INK.light, loc="left")
            exact = TASKS[task].is_exact
            _axes(ax, "above the optimum, %" if exact else "regret, %", log=exact)
        for name, line in lines.items():
            line.set_label(CONTENDERS[name].label)
        legend_below(drawn, list(lines.values()))
        file.parent.mkdir(parents=True, exist_ok=True)
        drawn.savefig(file, dpi=150, metadata={"Date": None} if file.suffix == ".svg" else None)


def _line(ax: Any, trials: np.ndarray, ends: np.ndarray, name: str, style: Style) -> Any:
    """One contender's medians; with intervals for ours and the paper's screen."""
    bold = name in ("default", "default-families", "paper")
    if bold:
        ax.vlines(trials, ends[:, 1], ends[:, 2], color=style.colour, lw=1.2, alpha=0.6)
    return ax.plot(
        trials,
        ends[:, 0],
        color=style.colour,
        linestyle=style.dash,
        marker=style.marker,
        ms=4.5 if bold else 3.5,
        lw=2.2 if bold else 1.1,
        zorder=3 if bold else 2,
    )[0]


def _axes(ax: Any, label: str, log: bool) -> None:
    """Logarithmic where the optimum is known: a regret that is relative to the best found can be 0."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    ax.set_xscale("log", base=2)
    low, high = ax.get_xlim()
    ax.set_xlim(min(low, 56), max(high, 700))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
    if log:
        ax.set_yscale("log")
        ax.yaxis.set_major_locator(LogLocator(10, (1, 3)))
    else:
        ax.set_ylim(bottom=-1)
    ax.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:g}"))
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_minor_formatter(NullFormatter())
    ax.grid(True, axis="y", color=LINE.light)
    ax.set_xlabel("trials")
    ax.set_ylabel(label)
