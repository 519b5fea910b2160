"""What every page is made with: templates, the style, figures as files and inline, files replaced whole."""

import os
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lrshape import __version__
from lrshape.report import svg
from lrshape.report.palette import css_variables

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def render(template: str, **values: Any) -> str:
    """Fill in a template of this package; it also gets ``css``, ``light``, ``dark`` and ``version``."""
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    package = files("lrshape.report")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(package.joinpath(template).read_text("utf-8")).render(
        **values,
        version=__version__,
        css=Markup(package.joinpath("style.css").read_text("utf-8")),
        light=Markup(css_variables(dark=False)),
        dark=Markup(css_variables(dark=True)),
    )


def figure(
    wide: "Figure", narrow: "Figure", folder: Path, *, name: str, title: str, caption: str
) -> dict[str, Any]:
    """Write a figure's files and return what a page shows: ``title, caption, wide, narrow``."""
    from markupsafe import Markup

    svg.save(wide, folder, name)
    description = f"{title}. {caption}"
    return {
        "title": title,
        "caption": caption,
        "wide": Markup(svg.inline(wide, f"{name}-wide", description)),
        "narrow": Markup(svg.inline(narrow, f"{name}-narrow", description)),
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
