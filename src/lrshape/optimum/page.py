"""The result as one self-contained HTML page, in the style of a study's report, and its figures as files."""

from importlib.resources import files
from pathlib import Path

from lrshape import __version__
from lrshape.optimum.figures import FIGURES
from lrshape.optimum.run import OPTIMUM, Found
from lrshape.optimum.words import digits, rows, sentences, title, warnings
from lrshape.report import svg
from lrshape.report.palette import css_variables
from lrshape.report.words import number, printable
from lrshape.study.environment import versions


def write_page(found: Found, directory: Path) -> Path:
    """Write ``optimum.html``, ``figures/*.svg`` and ``figures/*.png``.

    Args:
        found: what to show.
        directory: an existing directory.

    Returns:
        The path of ``optimum.html``.

    Raises:
        OSError: if they cannot be written.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    folder = directory / "figures"
    folder.mkdir(exist_ok=True)
    figures = []
    for name, heading, caption, draw in FIGURES:
        wide, narrow = draw(found), draw(found, narrow=True)
        svg.save(wide, folder, name)
        described = f"{heading}. {caption}"
        drawn = {"wide": wide, "narrow": narrow}
        inlined = {k: Markup(svg.inline(f, f"{name}-{k}", described)) for k, f in drawn.items()}
        figures.append({"name": name, "title": heading, "caption": caption, **inlined})
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template = environment.from_string(
        files("lrshape.optimum").joinpath("template.html.j2").read_text("utf-8")
    )
    css = files("lrshape.report").joinpath("style.css").read_text("utf-8")
    page = directory / "optimum.html"
    text = template.render(
        title=title(found),
        name=printable(found.spec.name, 120),
        sentences=sentences(found),
        warnings=warnings(found),
        figures=figures,
        rows=rows(found),
        descents=_descents(found),
        basis=found.check_eigenbasis,
        minimised=_minimised(found),
        steps=found.spec.workload.steps,
        sampling=found.spec.sampling,
        seeds=found.checked[OPTIMUM].simulated.seeds,
        provenance=_provenance(found),
        version=__version__,
        css=Markup(css),
        light=Markup(css_variables(dark=False)),
        dark=Markup(css_variables(dark=True)),
    )
    unfinished = page.with_suffix(".html.tmp")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(page)
    return page


def _minimised(found: Found) -> str:
    if found.eigenbasis is None:
        return "What was minimised is the recursion of arXiv:2603.10301, which averages over eigenbases."
    return (
        f"What was minimised is the exact expected loss of SGD in random eigenbasis {found.eigenbasis}; "
        "families were screened by the recursion and refined by the exact loss."
    )


def _descents(found: Found) -> list[dict[str, str]]:
    return [
        {
            "start": d.start,
            "loss": number(d.loss, 6),
            "above": digits(d.loss / found.best.loss - 1),
            "gradient": number(d.gradient, 2),
            "evaluations": f"{d.evaluations:,}",
        }
        for d in found.descents
    ]


def _provenance(found: Found) -> list[tuple[str, str]]:
    settings = found.spec.workload.model_dump(mode="json", exclude_none=True)
    listed = [(key, printable(value)) for key, value in settings.items() if key != "dynamics"]
    return [*listed, *versions().items()]
