"""The result as one self-contained HTML page, in the style of a study's report, and its figures as files."""

from pathlib import Path

from lrshape.paper.figures import FIGURES
from lrshape.paper.run import OPTIMUM, Found
from lrshape.paper.targets import optimum_targets
from lrshape.paper.words import digits, rows, sentences, title, warnings
from lrshape.report import html
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
    folder = directory / "figures"
    folder.mkdir(exist_ok=True)
    cards, targets = optimum_targets(found)
    figures = {}
    for name, heading, caption, draw in FIGURES:
        wide, narrow = draw(found), draw(found, narrow=True)
        figures[name] = html.figure(
            wide, narrow, folder, name=name, title=heading, caption=caption, targets=targets[name]
        )
    page = directory / "optimum.html"
    text = html.render(
        "optimum.html.j2",
        figures,
        cards,
        title=title(found),
        name=printable(found.spec.name, 120),
        sentences=sentences(found),
        warnings=warnings(found),
        rows=rows(found),
        descents=_descents(found),
        basis=found.check_eigenbasis,
        minimised=_minimised(found),
        steps=found.spec.workload.steps,
        step_rule=found.spec.step_rule,
        seeds=found.checked[OPTIMUM].simulated.seeds,
        provenance=_provenance(found),
    )
    html.replace(page, text)
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
