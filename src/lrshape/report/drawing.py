"""Figures of a page: how one is declared, and drawing it into files and, as inline SVG, into the page.

Drawings are deterministic, their ids do not collide, and inline they take the page's own colours.
"""

import io
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from lrshape.files import Folder, publish
from lrshape.report.palette import COLOURS
from lrshape.report.plotting import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PNG_DPI = 200
_VARIABLES = {colour.light: f"var(--{colour.variable}, {colour.light})" for colour in COLOURS}
_HEX = re.compile(r"#[0-9a-f]{6}\b")
_LINK = re.compile(r"(?<=^#).+")
_URL = re.compile(r"(?<=url\(#)[^)]+")
_COORDINATE = re.compile(r"-?\d+\.\d{3,}")
_POINTABLE = re.compile(r"shape-(line|point|row)-([\d-]+)")
NOUNS = {"line": "line", "point": "mark", "row": "cell"}
"""What a reader is told to point at."""


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
class PageFigure:
    """What a page shows of a figure: inline SVG, and the noun of what can be pointed at, or ""."""

    title: str
    caption: str
    svg: str
    noun: str = ""
    grid: Grid | None = None


def draw_all(
    drawings: Iterable[Drawing], data: Any, folder: Path, grids: Mapping[str, Grid] | None = None
) -> dict[str, PageFigure]:
    """Write the figures' files and return what the page shows of them, by name.

    Args:
        drawings: in the order of the page.
        data: what they draw.
        folder: where to; made if it does not exist, and never a link. Files of figures that show nothing now
            are removed.
        grids: of the figures with cells, by name.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    shown = {}
    for drawing in drawings:
        figure = drawing.draw(data)
        if figure is None:
            with Folder(folder.parent, folder.name) as opened:
                for ending in ("svg", "png"):
                    with suppress(FileNotFoundError):
                        opened.remove(f"{drawing.name}.{ending}")
            continue
        save(figure, folder.parent, f"{folder.name}/{drawing.name}")
        caption = drawing.caption if isinstance(drawing.caption, str) else drawing.caption(data)
        text = inline(figure, drawing.name, f"{drawing.title}. {caption}")
        grid = (grids or {}).get(drawing.name)
        shown[drawing.name] = PageFigure(drawing.title, caption, Markup(text), noun(text), grid)
    return shown


@contextmanager
def _drawing(salt: str, font: str) -> Iterator[None]:
    import matplotlib as mpl

    with styled(), mpl.rc_context({"svg.hashsalt": salt, "svg.fonttype": font}):
        yield


def save(figure: "Figure", directory: Path, name: str) -> None:
    """Write ``name.svg`` and ``name.png`` on white; text in the SVG is outlines, alike on every machine.

    Args:
        figure: what to write.
        directory: an existing directory.
        name: file name without its ending, perhaps in a folder of the directory: ``figures/scores``.
    """
    svg, png = io.BytesIO(), io.BytesIO()
    with _drawing(name.rpartition("/")[2], "path"):
        _lay_out(figure)
        figure.savefig(svg, format="svg", metadata={"Date": None, "Creator": "lrshape"})
        figure.savefig(png, format="png", dpi=PNG_DPI, metadata={"Software": "lrshape"})
    publish(directory, f"{name}.svg", svg.getvalue(), replace=True)
    publish(directory, f"{name}.png", png.getvalue(), replace=True)


def inline(figure: "Figure", name: str, description: str) -> str:
    """Return the figure as an ``<svg>`` element to put into a page.

    Its text stays text, its colours are the page's CSS variables (with the light value as fallback), its
    background is transparent, and its ids start with ``name``. What can be pointed at has no style, but a
    class (``line``, ``point`` or ``row``) and the index of its card as ``data-shape``.

    Args:
        figure: what to draw.
        name: unique in the page; letters, digits and hyphens.
        description: what a screen reader says.
    """
    buffer = io.BytesIO()
    with _drawing(name, "none"):
        _lay_out(figure)
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    root = ET.fromstring(buffer.getvalue())
    for parent in list(root.iter()):
        for child in list(parent):
            # The style sheet would apply to the whole page, and the metadata say nothing.
            if child.tag.endswith(("}metadata", "}style")):
                parent.remove(child)
    _strip_namespaces(root)
    _mark_shapes(root)
    _rename_ids(root, name)
    for element in root.iter():
        style = element.get("style")
        if style is not None:
            element.set("style", _HEX.sub(lambda m: _VARIABLES.get(m.group(), m.group()), style))
        path = element.get("d")
        if path is not None:  # a hundredth of a point is enough, and halves the page
            element.set("d", _COORDINATE.sub(lambda m: f"{float(m.group()):.2f}", path).replace("\n", ""))
    _share_styles(root)
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.set("role", "img")
    root.set("aria-label", description)
    return ET.tostring(root, encoding="unicode")


def _lay_out(figure: "Figure") -> None:
    """Place everything once: it takes longer than drawing, and each format would do it twice."""
    engine = figure.get_layout_engine()
    if engine is not None:
        figure.set_dpi(PNG_DPI)  # hinting makes text of fewer dots narrower: long names would lose a letter
        engine.execute(figure)
        figure.set_layout_engine(None)


def _strip_namespaces(root: ET.Element) -> None:
    """HTML knows SVG elements by their plain names."""
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        for key in [k for k in element.attrib if "}" in k]:
            element.attrib[key.rpartition("}")[2]] = element.attrib.pop(key)


def _mark_shapes(root: ET.Element) -> None:
    """Give each element that stands for a shape its class and card, for the page's style and script.

    The group that `lrshape.report.plotting.point_at_line` and its like make has one path or marker a card.
    """
    for group in root.iter("g"):
        found = _POINTABLE.fullmatch(group.get("id", ""))
        if found is None:
            continue
        for element in group.iter():
            element.attrib.pop("style", None)
        defined = {id(path) for defs in group.iter("defs") for path in defs}
        drawn = [e for e in group.iter() if e.tag in ("path", "use") and id(e) not in defined]
        for element, card in zip(drawn, found[2].split("-"), strict=True):
            element.set("class", found[1])
            element.set("data-shape", card)


def noun(text: str) -> str:
    """Return what a reader can point at on a figure that `inline` returned; "" if nothing."""
    return next((word for kind, word in NOUNS.items() if f'class="{kind}" data-shape' in text), "")


def _share_styles(root: ET.Element) -> None:
    """Give the style of a group's equal markers to the group: crosses come by the hundred."""
    for group in root.iter("g"):
        markers = list(group)
        styles = {marker.get("style", "") for marker in markers}
        if len(markers) > 1 and len(styles) == 1 and all(marker.tag == "use" for marker in markers):
            group.set("style", f"{group.get('style', '')}{styles.pop()}")
            for marker in markers:
                marker.attrib.pop("style", None)
                for key in ("x", "y"):
                    marker.set(key, f"{float(marker.get(key, 0)):.2f}")


def _rename_ids(root: ET.Element, name: str) -> None:
    """Prefix the ids that something refers to; drop the others."""
    used = set()
    for element in root.iter():
        for key, value in element.attrib.items():
            pattern = _LINK if key == "href" else _URL
            used.update(pattern.findall(value))
            element.set(key, pattern.sub(lambda m: f"{name}-{m.group()}", value))
    for element in root.iter():
        identifier = element.attrib.pop("id", None)
        if identifier in used:
            element.set("id", f"{name}-{identifier}")
