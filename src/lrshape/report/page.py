"""The report: one self-contained HTML page, and its figures as files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from lrshape.analysis.result import planned_trainings
from lrshape.report import html
from lrshape.report.content import (
    comparison,
    messages,
    notices,
    phase_rows,
    provenance,
    seeds_text,
    tiles,
    winner_use,
)
from lrshape.report.figures import FIGURES
from lrshape.report.findings import Findings, gather
from lrshape.report.headline import headline
from lrshape.report.spec_text import spec_text
from lrshape.report.words import printable


def write_report(
    trainings: pd.DataFrame,
    document: Mapping[str, Any],
    directory: str | Path,
    *,
    objective: str,
    steps: int,
    sampling: str,
) -> Path:
    """Write ``report.html``, ``figures/*.svg`` and ``figures/*.png``; the same input gives the same bytes.

    Args:
        trainings: the trainings table, at least one row; a partial study gives a report that says so.
        document: the content of ``study.json``; whatever it lacks is left out.
        directory: where to write; made if it does not exist.
        objective: the metric that is minimised.
        steps: number of steps of a training.
        sampling: where in a step progress is sampled: ``midpoint``, ``left`` or ``right``.

    Returns:
        The path of ``report.html``.

    Raises:
        InputError: if the table is empty or has no such metric.
        OSError: if the directory cannot be written.
    """
    directory = Path(directory)
    findings = gather(trainings, objective, steps, sampling, planned_trainings(document))
    folder = directory / "figures"
    folder.mkdir(parents=True, exist_ok=True)
    figures = _draw(findings, folder)
    page = directory / "report.html"
    html.replace(page, _html(findings, document, figures, directory.resolve().name))
    return page


def _draw(findings: Findings, folder: Path) -> dict[str, dict[str, Any]]:
    """Write the figures' files and return what the page shows of them; outdated files are removed."""
    drawn = {}
    for drawing in FIGURES:
        wide = drawing.draw(findings)
        narrow = drawing.draw(findings, narrow=True)
        if wide is None or narrow is None:
            for ending in ("svg", "png"):
                (folder / f"{drawing.name}.{ending}").unlink(missing_ok=True)
            continue
        tested = findings.has_intervals
        caption = drawing.caption if tested else drawing.few_seeds or drawing.caption
        drawn[drawing.name] = html.figure(
            wide, narrow, folder, name=drawing.name, title=drawing.title, caption=caption
        )
    return drawn


def _html(findings: Findings, document: Mapping[str, Any], figures: Mapping[str, Any], directory: str) -> str:
    first = headline(findings)
    return html.render(
        "template.html.j2",
        name=printable(document.get("name", "study"), 120),
        objective=printable(findings.objective, 60),
        headline=first,
        notices=notices(findings),
        tiles=tiles(findings),
        comparison=comparison(findings),
        seeds_text=seeds_text(findings),
        winner=None if first.bad else winner_use(findings, directory),
        phases=phase_rows(findings),
        messages=messages(findings),
        provenance=provenance(document),
        spec=spec_text(document.get("spec", {})),
        figures=figures,
    )
