"""Render docs/findings.md and its figures from the stored studies: what `make findings` does.

python studies/findings.py [--out docs]

The text is that of ``findings.md.j2`` and of the fragments in ``sections/``. A fragment that shows numbers
begins with ``{% set found = findings_of("NAME") %}``: what ``NAME.findings()``, of the module beside this
file, returns. Its figures are ``{{ figure(found.drawing, "NAME", "what it shows") }}``.
"""

import argparse
import functools
import importlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from stored import STUDIES

from lrshape.files import write_file
from lrshape.report.drawing import save
from lrshape.report.words import listing, number, percent, rate

PAGE = "findings.md"


@functools.cache
def findings_of(name: str) -> Any:
    """What a section shows, from its module."""
    return importlib.import_module(name).findings()


def render(out: Path) -> None:
    """Write the page, and its figures as ``images/findings-NAME.svg``.

    Args:
        out: directory of the documentation.
    """

    def figure(drawing: Any, name: str, description: str) -> str:
        """Write a figure, and return the image that shows it."""
        with tempfile.TemporaryDirectory() as folder:  # which also gets the figure as PNG
            save(drawing, Path(folder), f"findings-{name}")
            shutil.copy(Path(folder) / f"findings-{name}.svg", images)
        return f"![{description}](images/findings-{name}.svg)"

    images = out / "images"
    images.mkdir(parents=True, exist_ok=True)
    environment = Environment(
        loader=FileSystemLoader(STUDIES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # it is Markdown
    )
    environment.globals |= {"findings_of": findings_of, "figure": figure}
    environment.filters |= {"number": number, "percent": percent, "rate": rate, "listing": listing}
    write_file(out / PAGE, environment.get_template(f"{PAGE}.j2").render().encode(), replace=True)


def main() -> None:
    """Render into the documentation, or elsewhere."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--out", type=Path, default=STUDIES.parent / "docs")
    render(parser.parse_args().out)


if __name__ == "__main__":
    main()
