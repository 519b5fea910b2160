"""Self-contained pages: a template with the shared style sheet and colours, written in one piece."""

import os
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

from lrshape import __version__
from lrshape.report.palette import css_variables


def render(template: str, **values: Any) -> str:
    """Return a page from a template of this package; all values are escaped, and none may be missing."""
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
