"""Pages that are a heading, figures, tables and remarks, in the style of a study's report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lrshape.report import html
from lrshape.report.interaction import Cards
from lrshape.report.words import printable


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Args:
        name: what a screen reader calls it.
        headings: ``(heading, small print below it)`` of the columns; the first column names the rows.
        rows: a cell is ``(text, small print below it)``.
        texts: places of columns that hold words, which are set flush left.
        bold: places of rows that stand out.
        links: where the first cell of each row leads; none by default.
    """

    name: str
    headings: Sequence[tuple[str, str]]
    rows: Sequence[Sequence[tuple[str, str]]]
    texts: Sequence[int] = ()
    bold: Sequence[int] = ()
    links: Sequence[str] = ()


@dataclass(frozen=True)
class Section:
    """A heading and what is below it; figures are made by `lrshape.report.html.figure`."""

    title: str
    sentences: Sequence[str] = ()
    figures: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    tables: Sequence[Table] = ()
    remarks: Sequence[str] = ()
    code: str = ""


def write_page(
    path: Path,
    *,
    eyebrow: str,
    name: str,
    title: str,
    lede: Sequence[str],
    sections: Sequence[Section],
    tiles: Sequence[Mapping[str, str]] = (),
    cards: Cards | None = None,
) -> Path:
    """Write one self-contained page; the same input gives the same bytes.

    Args:
        path: where to; replaced if it exists.
        eyebrow: what kind of page it is.
        name: the study's name.
        title: the result in a few words.
        lede: what the title means, with numbers.
        sections: what follows.
        tiles: key numbers: ``name``, ``value``, ``note``.
        cards: of the shapes that can be pointed at.

    Returns:
        ``path``.

    Raises:
        OSError: if it cannot be written.
    """
    text = html.render(
        "sections.html.j2",
        {key: figure for section in sections for key, figure in section.figures.items()},
        cards,
        eyebrow=eyebrow,
        name=printable(name, 120),
        title=title,
        lede=lede,
        sections=sections,
        tiles=tiles,
    )
    html.replace(path, text)
    return path
