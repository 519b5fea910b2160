"""The kit that every page is made with: a heading, key numbers, and sections of figures, tables and remarks.

Texts are escaped, unless they are ``markupsafe.Markup``.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from markupsafe import Markup

from lrshape._version import __version__
from lrshape.files import publish, store_error
from lrshape.report import interaction
from lrshape.report.drawing import PageFigure
from lrshape.report.interaction import Cards
from lrshape.report.palette import css_variables
from lrshape.report.words import printable

Cell = tuple[str, str]
"""A text, and the small print below it."""


@dataclass(frozen=True)
class Table:
    """A table of texts.

    Args:
        name: what a screen reader calls it.
        headings: of the columns; the first column names the rows. Empty where the table needs none.
        rows: cells.
        texts: places of columns that hold words, which are set flush left.
        bold: places of rows that stand out.
        title: a heading above it.
        note: a sentence below it.
        colours: of the swatch before each row's name, a variable of the palette or "".
        total: whether the last row is the sum of the others.
        plain: whether it lists names and values, and is no wider than they are.
        links: where the first cell of each row leads; none by default.
    """

    name: str
    headings: Sequence[Cell]
    rows: Sequence[Sequence[Cell]]
    texts: Sequence[int] = ()
    bold: Sequence[int] = ()
    title: str = ""
    note: str = ""
    colours: Sequence[str] = ()
    total: bool = False
    plain: bool = False
    links: Sequence[str] = ()


@dataclass(frozen=True)
class Code:
    """Lines to copy, below a heading and a sentence that say what they are for."""

    code: str
    text: str = ""
    title: str = ""


@dataclass(frozen=True)
class Notice:
    """What a reader must know before believing the result."""

    title: str
    text: str
    bad: bool = False


@dataclass(frozen=True)
class Tile:
    """A key number, and a note below it."""

    name: str
    value: str
    note: str


@dataclass(frozen=True)
class Section:
    """A heading and what is below it, in this order; `lrshape.report.drawing.draw_all` makes the figures."""

    title: str
    sentences: Sequence[str] = ()
    figures: Mapping[str, PageFigure] = field(default_factory=dict)
    tables: Sequence[Table] = ()
    codes: Sequence[Code] = ()
    remarks: Sequence[str] = ()


def table(
    name: str,
    rows: Iterable[Any],
    columns: Mapping[str | Cell, str | Callable[[Any], str | Cell]],
    **options: Any,
) -> Table:
    """Return a table with a row for each of ``rows``.

    Args:
        name: what a screen reader calls it.
        rows: what the columns read; any values.
        columns: for each heading, the key of a row's value, or what returns its cell; headings and cells are
            texts, or have small print, too.
        options: of `Table`.
    """
    cells = [[_cell(_read(row, read)) for read in columns.values()] for row in rows]
    return Table(name, [_cell(heading) for heading in columns], cells, **options)


def names_and_values(name: str, values: Mapping[str, str], **options: Any) -> Table:
    """Return a table of names and values, no wider than they are."""
    rows = [[_cell(key), _cell(value)] for key, value in values.items()]
    return Table(name, (), rows, texts=[1], plain=True, **options)


def _read(row: Any, read: str | Callable[[Any], str | Cell]) -> str | Cell:
    if callable(read):
        return read(row)
    return f"{row[read]:,}" if isinstance(row[read], int) else printable(row[read])


def _cell(content: str | Cell) -> Cell:
    return (content, "") if isinstance(content, str) else content


def strong(text: str) -> str:
    """Return a text in bold type."""
    return Markup("<b>{}</b>").format(text)


def stacked(*texts: str) -> str:
    """Return texts below each other, leaving out empty ones."""
    return Markup("<br>").join(text for text in texts if text)


@contextmanager
def writing(directory: Path) -> Iterator[None]:
    """Turn what the disk refuses into a `StoreError` about the file, or about the directory."""
    try:
        yield
    except OSError as error:
        file = error.filename2 or error.filename or directory  # of a rename, the target
        raise store_error(error, Path(file)) from error


def write_page(
    path: Path,
    *,
    eyebrow: str,
    name: str,
    title: str,
    lede: Sequence[str],
    sections: Sequence[Section],
    tiles: Sequence[Tile] = (),
    notices: Sequence[Notice] = (),
    cards: Cards | None = None,
    folder: str = "figures",
    numbers: str = "tables/",
) -> Path:
    """Write one self-contained page; the same input gives the same bytes.

    Args:
        path: where to; replaced if it exists.
        eyebrow: what kind of page it is.
        name: the study's name.
        title: the result in a few words.
        lede: what the title means, with numbers; a paragraph each.
        sections: what follows.
        tiles: key numbers.
        notices: what limits the result.
        cards: of the shapes that can be pointed at.
        folder: where the figures' files lie.
        numbers: where the numbers lie; "" for nowhere.

    Returns:
        ``path``.

    Raises:
        OSError: if it cannot be written.
    """
    from jinja2 import Environment, StrictUndefined

    package = files("lrshape.report")
    template = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    ).from_string(package.joinpath("page.html.j2").read_text("utf-8"))
    figures = {key: shown for section in sections for key, shown in section.figures.items() if shown.noun}
    script = interaction.script()
    text = template.render(
        eyebrow=eyebrow,
        name=printable(name, 120),
        title=title,
        lede=lede,
        sections=sections,
        tiles=tiles,
        notices=notices,
        folder=folder,
        numbers=numbers,
        version=__version__,
        css=Markup(package.joinpath("style.css").read_text("utf-8")),
        light=Markup(css_variables(dark=False)),
        dark=Markup(css_variables(dark=True)),
        shape_data=cards.data(figures) if cards and figures else None,
        script=Markup(script),
        script_source=Markup(interaction.script_source(script)),
    )
    publish(path.parent, path.name, text.encode("utf-8", "replace"), replace=True)
    return path
