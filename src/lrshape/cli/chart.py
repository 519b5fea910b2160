"""Schedules as charts of characters, and figures as files."""

import io
import itertools
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lrshape.cli.app import can_show, output_file, wrote
from lrshape.files import write_file

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Png = Annotated[
    str | None, typer.Option(metavar="FILE|DIR", help="Write a PNG file instead of drawing in the terminal.")
]
Svg = Annotated[
    str | None, typer.Option(metavar="FILE|DIR", help="Write an SVG file instead of drawing in the terminal.")
]


def chart(multipliers: Any, width: int = 72, height: int = 12) -> list[str]:
    """Return lines of block characters that draw a shape, from 0 at the bottom to 1 at the top."""
    import numpy as np

    count = len(multipliers)
    columns = min(width, count)
    edges = np.linspace(0, count, columns + 1).round().astype(int)
    levels = [multipliers[a:b].mean() * height for a, b in itertools.pairwise(edges)]
    blocks, bar, corner, dash = " ▁▂▃▄▅▆▇█", "│", "└", "─"
    if not can_show(f"{blocks}{bar}{corner}{dash}", sys.stdout):
        blocks, bar, corner, dash = "  ...:::#", "|", "+", "-"
    lines = []
    for row in reversed(range(height)):
        cells = "".join(blocks[int(np.clip(round((level - row) * 8), 0, 8))] for level in levels)
        label = {height - 1: "1", 0: "0"}.get(row, " ")
        lines.append(f"{label} {bar}{cells}".rstrip())
    lines.append(f"  {corner}{dash * columns}")
    lines.append(f"   0{'step'.center(columns - 1 - len(str(count)))}{count}")
    return lines


def save_figure(figure: "Figure", png: str | None, svg: str | None) -> None:
    """Write a figure to the given files and print their names."""
    for given, kind, metadata in ((png, "png", {}), (svg, "svg", {"Date": None})):
        if given is not None:
            path, drawn = output_file(given, f"schedules.{kind}"), io.BytesIO()
            figure.savefig(drawn, format=kind, dpi=150, metadata=metadata)
            write_file(path, drawn.getvalue())
            wrote(path)
