"""Commands about shapes: families, show, compare."""

import itertools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from lrshape.cli.app import app, say
from lrshape.cli.export import curve_of
from lrshape.errors import InputError

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from lrshape.shapes.curve import Curve

StepRule = Annotated[
    Literal["midpoint", "left", "right"],
    typer.Option(help="Where a step is read: t = (s + 1/2)/T, s/T or (s + 1)/T."),
]
Png = Annotated[Path | None, typer.Option(metavar="FILE", help="Draw into a PNG file instead.")]
Svg = Annotated[Path | None, typer.Option(metavar="FILE", help="Draw into an SVG file instead.")]

STEPS = 100
POINTS = 1000
"""Figures show at most so many steps of a schedule."""


@app.command()
def families(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """List the families of shapes: parameters, ranges, scales, formulas.

    Examples:

        lrshape families

        lrshape families --json
    """
    from lrshape.shapes.family import FAMILIES

    listed = [
        {
            "name": name,
            "formula": family.formula,
            "summary": family.summary,
            "parameters": [parameter.to_dict() for parameter in family.parameters()],
        }
        for name, family in FAMILIES.items()
    ]
    if as_json:
        say(json.dumps(listed, indent=2))
        return
    for family in listed:
        say(f"{family['name']}: {family['summary']}")
        say(f"    m(t) = {family['formula']}")
        for parameter in family["parameters"]:
            say(f"    {_described(parameter)}")
        say()


def _described(parameter: dict[str, Any]) -> str:
    if "choices" in parameter:
        values = ", ".join(parameter["choices"])
    else:
        values = f"[{parameter['low']:g}, {parameter['high']:g}]"
    scale = "" if parameter["scale"] in ("linear", "choice") else f" {parameter['scale']}"
    fixed = "" if parameter["searched"] else ", not searched"
    return f"{parameter['name']:<14}{values}{scale}, default {parameter['default']}{fixed}"


@app.command()
def show(
    shape: Annotated[
        str,
        typer.Argument(
            metavar="FAMILY|FILE",
            help="Name of a family, see `lrshape families`, or a schedule: json, csv, npy, py.",
        ),
    ],
    parameter: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="One parameter.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help=f"Training steps; default: the file's, or {STEPS}.")
    ] = None,
    step_rule: Annotated[
        Literal["midpoint", "left", "right"] | None,
        typer.Option(
            help="Where a step is read: t = (s + 1/2)/T (the default), s/T or (s + 1)/T.", show_default=False
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the multipliers as JSON.")] = False,
    png: Png = None,
    svg: Svg = None,
) -> None:
    """Draw one shape in the terminal: of a family, or of a file that `lrshape export` wrote.

    Examples:

        lrshape show rex -p beta=0.5 -p warmup=0.1

        lrshape show wsd -p decay=0.3 --png wsd.png

        lrshape show cosine --steps 10 --json

        lrshape show digits/schedule.json
    """
    from lrshape.shapes.schedule import Schedule

    if _is_file(shape):
        if parameter or step_rule is not None:
            raise InputError("-p and --step-rule belong to a family; a file has its own")
        curve = curve_of(shape)
        curve = curve if steps is None else curve.schedule.curve(steps=steps)
    else:
        params = dict(_assignment(text) for text in parameter or [])
        steps = STEPS if steps is None else steps
        curve = Schedule(shape, params, base_lr=1.0, steps=steps, step_rule=step_rule or "midpoint").curve()
    multipliers = curve.values() / curve.base_lr
    if as_json:
        say(json.dumps({**curve.schedule.to_dict(), "multipliers": multipliers.tolist()}, indent=2))
    elif png is not None or svg is not None:
        from lrshape.report.figures.shapes import shape_figure

        if curve.runs is not None:
            raise InputError("a schedule whose batch size changes is drawn by `lrshape compare`")
        _save(shape_figure(curve.schedule), png, svg)
    else:
        say("\n".join(_drawing(multipliers)))
        settings = ", ".join(
            f"{name}={value:g}" if isinstance(value, float) else f"{name}={value!s:.60}"
            for name, value in curve.schedule.params.items()
        )
        say(f"{curve.schedule.family}: {settings}")
        if _is_file(shape):
            say(f"base LR {curve.base_lr:g}, {curve.steps:,} steps, read at {curve.schedule.step_rule}")


@app.command()
def compare(
    sources: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[DIR|FILE]...", help="Studies' directories or URLs, and schedules: json, csv, npy, py."
        ),
    ] = None,
    families: Annotated[
        str | None, typer.Option(metavar="A,B,...", help="Families, each at its default parameters.")
    ] = None,
    steps: Annotated[
        int | None, typer.Option(help=f"Training steps; default: each schedule's own, {STEPS} for families.")
    ] = None,
    step_rule: StepRule = "midpoint",
    png: Png = None,
    svg: Svg = None,
) -> None:
    """Draw schedules side by side: families, schedule files, and the winners of studies.

    Each is drawn relative to its base LR, over training progress.

    Examples:

        lrshape compare --families cosine,wsd,rex,two_point_spline

        lrshape compare digits other-study --png both.png

        lrshape compare digits/schedule.json curve.csv --families cosine --steps 1000 --svg three.svg
    """
    from lrshape.shapes.schedule import Schedule

    named = [(source, curve_of(source)) for source in sources or []]
    named = [(n, c if steps is None or c.runs else c.schedule.curve(steps=steps)) for n, c in named]
    for family in [name.strip() for name in families.split(",")] if families else []:
        schedule = Schedule(family, {}, 1.0, STEPS if steps is None else steps, step_rule)
        named.append((family, schedule.curve()))
    if not named:
        raise InputError("name something to compare: directories, files, or --families A,B")
    if png is not None or svg is not None:
        _save(_compared(named), png, svg)
        return
    across = 2
    for start in range(0, len(named), across):
        _print_beside(named[start : start + across])


def _is_file(text: str) -> bool:
    """Whether an argument means a file and no family, whose names have neither dots nor slashes."""
    return bool(Path(text).suffix) or "/" in text or Path(text).is_file()


def _assignment(text: str) -> tuple[str, Any]:
    """Read ``name=value``; the value is JSON, or else text."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InputError(f"-p takes name=value, e.g. warmup=0.1, got {text!r}")
    try:
        return name, json.loads(value)
    except (ValueError, RecursionError):
        return name, value


def _save(figure: "Figure", png: Path | None, svg: Path | None) -> None:
    """Write a figure into the files that are named, and say so."""
    for path, kind, metadata in ((png, "png", {}), (svg, "svg", {"Date": None})):
        if path is not None:
            try:
                figure.savefig(path, format=kind, dpi=150, metadata=metadata)
            except OSError as error:
                raise InputError(f"{path}: cannot be written: {error.strerror}") from None
            say(f"wrote {path}")


def _compared(named: "Sequence[tuple[str, Curve]]") -> "Figure":
    import numpy as np

    from lrshape.report.figures.compare import Drawn, compare_figure

    drawn = []
    for name, curve in named:
        steps = np.unique(np.linspace(0, curve.steps - 1, POINTS).round().astype(int))
        t = curve.progress(steps)
        drawn.append(
            Drawn(_title(name), _note(name, curve), curve.schedule.family, t, curve.schedule.shape(t))
        )
    return compare_figure(drawn)


def _title(name: str) -> str:
    return name if len(name) <= 26 else f"...{name[-23:]}"  # the end of a path tells more


def _note(name: str, curve: "Curve") -> str:
    family = "" if name == curve.schedule.family else f"{curve.schedule.family}, LR {curve.base_lr:.3g}, "
    return f"{family}{curve.steps:,} steps"


def _print_beside(named: "Sequence[tuple[str, Curve]]") -> None:
    """Charts of half a terminal's width, next to each other."""
    width, gap = 50, 3
    blocks = []
    for name, curve in named:
        lines = [_title(name), _note(name, curve)[:width], *_drawing(curve.values() / curve.base_lr, 34, 8)]
        blocks.append([line.ljust(width + gap) for line in lines])
    for lines in zip(*blocks, strict=True):
        say("".join(lines).rstrip())
    say()


def _drawing(multipliers: Any, width: int = 72, height: int = 12) -> list[str]:
    """The shape as a chart of block characters, from 0 at the bottom to 1 at the top."""
    import numpy as np

    count = len(multipliers)
    columns = min(width, count)
    edges = np.linspace(0, count, columns + 1).round().astype(int)
    levels = [multipliers[a:b].mean() * height for a, b in itertools.pairwise(edges)]
    blocks = " ▁▂▃▄▅▆▇█"
    lines = []
    for row in reversed(range(height)):
        cells = "".join(blocks[int(np.clip(round((level - row) * 8), 0, 8))] for level in levels)
        label = {height - 1: "1", 0: "0"}.get(row, " ")
        lines.append(f"{label} │{cells}".rstrip())
    lines.append(f"  └{'─' * columns}")
    lines.append(f"   0{'step'.center(columns - 2)}{count}")
    return lines
