"""How the experiments' own figures are written."""

from pathlib import Path
from typing import Any

from lrshape.report import svg


def write_figure(figure: Any, name: str, directory: Path) -> list[Path]:
    """Write ``name.svg`` and ``name.png`` into a directory, which is made if need be."""
    directory.mkdir(parents=True, exist_ok=True)
    svg.save(figure, directory, name)
    return [directory / f"{name}.svg", directory / f"{name}.png"]
