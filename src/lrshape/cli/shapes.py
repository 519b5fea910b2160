"""Commands about shapes: families, show."""

import itertools
import json
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from lrshape.cli.app import app, say
from lrshape.errors import InputError


@app.command()
def families(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """List the families of shapes: parameters, ranges, scales, formulas.

    Examples:

        lrshape families

        lrshape families --json
    """
    import lrshape.families as package

    listed = package.families()
    if as_json:
        say(json.dumps([info.to_dict() for info in listed.values()], indent=2))
        return
    for info in listed.values():
        say(f"{info.name}: {info.summary}")
        say(f"    m(t) = {info.formula}")
        for parameter in info.parameters:
            say(f"    {_described(parameter.to_dict())}")
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
    family: Annotated[str, typer.Argument(help="Name of the family, see `lrshape families`.")],
    parameter: Annotated[
        list[str] | None, typer.Option("-p", "--parameter", metavar="NAME=VALUE", help="One parameter.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Training steps.")] = 100,
    sampling: Annotated[
        Literal["midpoint", "left", "right"],
        typer.Option(help="Where a step is read: t = (s + 1/2)/T, s/T or (s + 1)/T."),
    ] = "midpoint",
    as_json: Annotated[bool, typer.Option("--json", help="Print the multipliers as JSON.")] = False,
    png: Annotated[Path | None, typer.Option(metavar="FILE", help="Draw into a PNG file instead.")] = None,
) -> None:
    """Draw one shape in the terminal.

    Examples:

        lrshape show rex -p beta=0.5 -p warmup=0.1

        lrshape show wsd -p decay=0.3 --png wsd.png

        lrshape show cosine --steps 10 --json
    """
    from lrshape.schedule import Schedule

    params = dict(_assignment(text) for text in parameter or [])
    schedule = Schedule(family, params, base_lr=1.0, steps=steps, sampling=sampling)
    if as_json:
        values = schedule.multipliers().tolist()
        say(json.dumps({**schedule.to_dict(), "multipliers": values}, indent=2))
    elif png is not None:
        from lrshape.report import shape_figure

        try:
            shape_figure(schedule).savefig(png, format="png", dpi=150)
        except OSError as error:
            raise InputError(f"{png}: cannot be written: {error.strerror}") from None
        say(f"wrote {png}")
    else:
        say(_drawing(schedule.multipliers()))
        settings = ", ".join(
            f"{name}={value:g}" if isinstance(value, float) else f"{name}={value}"
            for name, value in schedule.params.items()
        )
        say(f"{family}: {settings}")


def _assignment(text: str) -> tuple[str, Any]:
    """Read ``name=value``; the value is JSON, or else text."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise InputError(f"-p takes name=value, e.g. warmup=0.1, got {text!r}")
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def _drawing(multipliers: Any, width: int = 72, height: int = 12) -> str:
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
    return "\n".join(lines)
