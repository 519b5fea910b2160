"""What every page is made with: templates, the style, figures as files and inline, files replaced whole."""

import os
import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrshape._version import __version__
from lrshape.report import interaction, svg
from lrshape.report.interaction import Cards, Targets
from lrshape.report.palette import css_variables

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def render(
    template: str, figures: Mapping[str, Mapping[str, Any]], cards: Cards | None = None, **values: Any
) -> str:
    """Fill in a template that extends ``page.html.j2``.

    Args:
        template: its file name in this package.
        figures: of the page, by name, as `figure` gives them.
        cards: of the shapes that can be pointed at.
        values: what the template needs besides.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined
    from markupsafe import Markup

    package = files("lrshape.report")

    def read(name: str) -> str:
        return package.joinpath(name).read_text("utf-8")

    environment = Environment(
        loader=FunctionLoader(read),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    targets = {name: shown["targets"] for name, shown in figures.items() if shown["targets"]}
    script = interaction.script()
    return environment.get_template(template).render(
        **values,
        figures=figures,
        version=__version__,
        css=Markup(read("style.css")),
        light=Markup(css_variables(dark=False)),
        dark=Markup(css_variables(dark=True)),
        shape_data=cards.data(targets) if cards and targets else None,
        script=Markup(script),
        script_source=Markup(interaction.script_source(script)),
    )


def figure(
    wide: "Figure",
    narrow: "Figure",
    folder: Path,
    *,
    name: str,
    title: str,
    caption: str,
    targets: Targets | None = None,
) -> dict[str, Any]:
    """Write a figure's files and return what a page shows of it.

    Returns:
        ``title``, ``caption``, ``wide`` and ``narrow`` as inline SVG, and of what can be pointed at ``noun``
        and ``targets``, empty and None where nothing can.
    """
    from markupsafe import Markup

    svg.save(wide, folder, name)
    description = f"{title}. {caption}"
    return {
        "title": title,
        "caption": caption,
        "wide": Markup(svg.inline(wide, f"{name}-wide", description)),
        "narrow": Markup(svg.inline(narrow, f"{name}-narrow", description)),
        "noun": targets.noun if targets else "",
        "targets": targets.on(wide, narrow) if targets else None,  # both have been laid out above
    }


def replace(path: Path, text: str) -> None:
    """Write a file so that a reader sees the old or the new one, never a half of it."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".report-", delete=False) as file:
        temporary = Path(file.name)
        try:
            file.write(text.encode("utf-8", "replace"))
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
    umask = os.umask(0)
    os.umask(umask)
    temporary.chmod(0o666 & ~umask)
    temporary.replace(path)
