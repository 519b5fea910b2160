"""Figures of a page: how one is declared, and drawing it into files and into the page."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrshape.report import svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Drawing:
    """One figure of a page.

    Args:
        name: file name without its ending, and HTML id.
        title: what it shows, in a few words; a screen reader hears it and the caption.
        caption: one sentence that tells how to read it, or a function of the data that returns it.
        draw: ``draw(data)`` returns the figure, or None if there is nothing to show.
    """

    name: str
    title: str
    caption: str | Callable[[Any], str]
    draw: "Callable[[Any], Figure | None]"


@dataclass(frozen=True)
class Grid:
    """The cells of a figure that a reader can point at.

    Args:
        columns: what a column is, e.g. ``at LR 0.01``.
        cells: a text for each cell, by row; "" where there is none. The card of row number i is card i.
    """

    columns: Sequence[str]
    cells: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Shown:
    """What a page shows of a figure: inline SVG, and the noun of what can be pointed at, or ""."""

    title: str
    caption: str
    svg: str
    noun: str = ""
    grid: Grid | None = None


def draw_all(
    drawings: Iterable[Drawing], data: Any, folder: Path, grids: Mapping[str, Grid] | None = None
) -> dict[str, Shown]:
    """Write the figures' files and return what the page shows of them, by name.

    Args:
        drawings: in the order of the page.
        data: what they draw.
        folder: where to; made if it does not exist. Files of figures that show nothing now are removed.
        grids: of the figures with cells, by name.
    """
    from markupsafe import Markup

    folder.mkdir(parents=True, exist_ok=True)
    shown = {}
    for drawing in drawings:
        figure = drawing.draw(data)
        if figure is None:
            for ending in ("svg", "png"):
                (folder / f"{drawing.name}.{ending}").unlink(missing_ok=True)
            continue
        svg.save(figure, folder, drawing.name)
        caption = drawing.caption if isinstance(drawing.caption, str) else drawing.caption(data)
        text = svg.inline(figure, drawing.name, f"{drawing.title}. {caption}")
        grid = (grids or {}).get(drawing.name)
        shown[drawing.name] = Shown(drawing.title, caption, Markup(text), svg.noun(text), grid)
    return shown
