"""The command compare."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lrshape.cli.app import app, say, whole
from lrshape.cli.chart import Png, Svg, chart, save_figure
from lrshape.cli.source import schedule_of
from lrshape.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lrshape.shapes.schedule import Schedule

STEPS = 100
POINTS = 1000
"""Figures show at most so many steps of a schedule."""


@app.command()
def compare(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DIR|FILE]...",
            help="Directories or URLs of studies, and schedule files: .json, .csv, .npy, .py.",
        ),
    ] = None,
    families: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Families to draw with their default parameters.")
    ] = None,
    steps: Annotated[
        int | None,
        typer.Option(
            parser=whole,
            metavar="N",
            help=f"Number of steps; default: that of each schedule, {STEPS} for families.",
        ),
    ] = None,
    step_rule: Annotated[
        Literal["midpoint", "left", "right"],
        typer.Option(help="Where in a step a family is evaluated: t = (s + 1/2)/T, s/T or (s + 1)/T."),
    ] = "midpoint",
    png: Png = None,
    svg: Svg = None,
) -> None:
    """Draw schedules side by side: families, schedule files, and the winners of studies.

    Each schedule is drawn relative to its base LR, over training progress. Nothing is trained: to find out
    which of several schedules is best, use `lrshape contest`.

    Examples:

        lrshape compare --families cosine,wsd,rex,two_point_spline

        lrshape compare digits other-study --png both.png

        lrshape compare digits/schedule.json curve.csv --families cosine --steps 1000 --svg three.svg
    """
    from lrshape.shapes.schedule import Schedule

    named = [(source, schedule_of(source)) for source in sources or []]
    named = [(name, s.replace(steps=steps)) for name, s in named]
    for family in [name.strip() for name in families.split(",")] if families is not None else []:
        named.append((family, Schedule(family, {}, 1.0, STEPS if steps is None else steps, step_rule)))
    if not named:
        raise InputError("nothing to compare: give directories, files, or --families A,B")
    if png is not None or svg is not None:
        save_figure(_figure(named), png, svg)
        return
    across = 2
    for start in range(0, len(named), across):
        _print_beside(named[start : start + across])


def _figure(named: "Sequence[tuple[str, Schedule]]") -> "Figure":
    import numpy as np

    from lrshape.report.figures.shapes import compare_figure
    from lrshape.report.palette import family_styles
    from lrshape.report.plotting import Curve

    styles = family_styles(schedule.family for _, schedule in named)
    curves = []
    for name, schedule in named:
        steps = np.unique(np.linspace(0, schedule.steps - 1, POINTS).round().astype(int))
        t = schedule.progress(steps)
        colour = styles[schedule.family].colour
        curves.append(Curve(_title(name), _note(name, schedule), colour, t, schedule.multiplier(t)))
    return compare_figure(curves)


def _title(name: str) -> str:
    return name if len(name) <= 26 else f"...{name[-23:]}"  # the end of a path tells more


def _origin(name: str, schedule: "Schedule") -> str:
    return "" if name == schedule.family else f"{schedule.family}, LR {schedule.base_lr:.3g}"


def _note(name: str, schedule: "Schedule") -> str:
    return ", ".join(filter(None, (_origin(name, schedule), f"{schedule.steps:,} steps")))


def _print_beside(named: "Sequence[tuple[str, Schedule]]") -> None:
    """Charts of half a terminal's width, next to each other."""
    width, gap = 38, 3
    blocks = []
    for name, schedule in named:
        note = _origin(name, schedule) or _note(name, schedule)  # the axis has the number of steps, too
        lines = [_title(name), note, *chart(schedule.multipliers(), 34, 8)]
        blocks.append([line.ljust(width + gap) for line in lines])
    for lines in zip(*blocks, strict=True):
        say("".join(lines).rstrip())
    say()
