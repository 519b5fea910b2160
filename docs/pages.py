"""A hook of mkdocs: pages that are made from the code, and those whose source lies outside of this folder."""

import json
import re
from pathlib import Path
from typing import Any

import griffe
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parent.parent
POINTS, SHAPES = 241, 10

HOME = {
    "README.md": "index.md",
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/RESULTS.md": "benchmarks.md",
}
"""Where documents of the repository are in the site."""


class Doctests(griffe.Extension):
    """Lets griffe see the doctests, whose sections are called Example where there is one."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Rename the section."""
        if obj.docstring is not None:
            obj.docstring.value = re.sub(r"^Example:$", "Examples:", obj.docstring.value, flags=re.MULTILINE)


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are made here."""
    pages = {page: (ROOT / source).read_text("utf-8") for source, page in HOME.items()}
    pages |= {"examples.md": _examples(), "gallery.md": _gallery(), "cli.md": _commands()}
    for name, text in pages.items():
        files.append(File.generated(config, name, content=text))
    return files


def on_page_markdown(markdown: str, page: Any, config: Any, files: Any) -> str:
    """Turn links between files of the repository into links between pages of the site."""
    source = next((file for file, name in HOME.items() if name == page.file.src_uri), None)
    folder = (ROOT / source).parent if source else ROOT / "docs"
    return re.sub(r"(?<=\]\()([^)#:\s]+)(?=[)#])", lambda match: _moved(match.group(), folder), markdown)


def _moved(link: str, folder: Path) -> str:
    target = (folder / link).resolve()
    if not target.exists():
        return link  # a page that is made here, or a mistake, which mkdocs tells
    path = target.relative_to(ROOT).as_posix()
    if path in HOME:
        return HOME[path]
    if path.startswith("docs/"):
        return path.removeprefix("docs/")
    if path == "examples":
        return "examples.md"
    if path.startswith("examples/"):
        return f"examples.md#{_anchor(target.name)}"
    return link


def _anchor(name: str) -> str:
    return name.replace(".", "-").replace("_", "-")


def _examples() -> str:
    """All examples, scripts first, in full."""
    folder = ROOT / "examples"
    parts = [
        "# Examples\n",
        "The scripts run as they are, in seconds. Each spec names its command in a comment.\n",
    ]
    for path in [*sorted(folder.glob("*.py")), *sorted(folder.glob("*.toml"))]:
        language = "python" if path.suffix == ".py" else "toml"
        code = path.read_text("utf-8").rstrip()
        parts.append(f"## {path.name} {{ #{_anchor(path.name)} }}\n\n```{language}\n{code}\n```\n")
    return "\n".join(parts)


def _commands() -> str:
    """Every command with its help, as typer knows them."""
    from typer import main
    from typer.cli import get_docs_for_click

    from lrshape.cli import app

    command: Any = main.get_command(app)
    context = command.make_context("lrshape", [], resilient_parsing=True)
    text = get_docs_for_click(obj=command, ctx=context, name="lrshape")
    text = re.sub(r"^# .*\n", "# Commands\n", text, count=1)
    return re.sub(r"\*\*Commands\*\*:\n\n(\*.*\n)+", "", text, count=1)  # cut short, and listed beside it


def _gallery() -> str:
    """Every family with its formula, parameters and pictures."""
    from lrshape.shapes import FAMILIES

    parts = [
        "# Families\n",
        "Each plot shows the LR relative to the base LR over training progress t: dark, the shape with "
        f"default parameters; pale, {SHAPES} shapes from the search space. In formulas, u is progress after "
        "warmup.\n",
    ]
    for name, family in FAMILIES.items():
        rows = "\n".join(
            f"| `{parameter.name}` | {_range(parameter.to_dict())} | {_default(parameter.to_dict())} |"
            for parameter in family.parameters()
        )
        parts.append(
            f"## {name}\n\n{family.summary}\n\n```text\nm = {family.formula}\n```\n\n"
            f"{_picture(name, family)}\n\n"
            f"| parameter | range | default |\n| --- | --- | --- |\n{rows}\n"
        )
    return "\n".join(parts)


def _range(parameter: dict[str, Any]) -> str:
    if "choices" in parameter:
        return ", ".join(str(choice) for choice in parameter["choices"])
    scale = f", {parameter['scale']}" if parameter.get("scale") else ""
    return f"{parameter.get('low')} to {parameter.get('high')}{scale}"


def _default(parameter: dict[str, Any]) -> str:
    return json.dumps(parameter.get("default"))


def _picture(name: str, family: Any) -> str:
    """An inline SVG in the colours of the page."""
    import numpy as np

    from lrshape.procedure.sampler import SAMPLERS
    from lrshape.shapes import evaluate

    t, space = np.linspace(0.0, 1.0, POINTS), family.space()
    sampled = np.empty((0, POINTS))
    if len(space):
        sampler = SAMPLERS["sobol"]()
        points, _ = sampler.ask(sampler.init(len(space), 0), SHAPES)
        sampled = evaluate(family, space.from_unit(points), t)
    default = np.broadcast_to(np.asarray(family()(t), np.float64), t.shape)
    lines = [_line(shape, 0.35, 1.0) for shape in sampled] + [_line(default, 1.0, 2.2)]
    frame = '<path d="M20.5 8V120.5H340" fill="none" stroke="currentColor" stroke-width="0.7"/>'
    labels = "".join(
        f'<text x="{x}" y="{y}" font-size="10" fill="currentColor" text-anchor="middle">{text}</text>'
        for x, y, text in ((10, 14, "1"), (10, 122, "0"), (22, 134, "0"), (338, 134, "1"), (180, 134, "t"))
    )
    return (
        f'<svg viewBox="0 0 350 138" role="img" aria-label="Shapes of the family {name}" '
        f'style="max-width: 34rem; width: 100%">{frame}{"".join(lines)}{labels}</svg>'
    )


def _line(values: Any, opacity: float, width: float) -> str:
    points = " ".join(
        f"{20 + 320 * i / (len(values) - 1):.1f},{120 - 110 * value:.1f}" for i, value in enumerate(values)
    )
    return (
        f'<polyline points="{points}" fill="none" stroke="var(--md-primary-fg-color)" opacity="{opacity}" '
        f'stroke-width="{width}"/>'
    )
